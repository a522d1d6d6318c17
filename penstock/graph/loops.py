"""`tf.map_fn`, `tf.scan`, `tf.foldl`, `tf.foldr` and `tf.vectorized_map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core import dtypes, nest
from penstock.core.type_spec import TensorSpec
from penstock.graph.branching import while_loop
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def _length(flat: list[Any]) -> Any:
    size = flat[0].shape[0] if flat[0].shape.rank else None
    if size is not None:
        return size
    return call("StridedSlice", call("Shape", flat[0]), [0], [1], [1], shrink_axis_mask=1)


def _row(tensor: Any, index: Any) -> Any:
    return call("GatherV2", tensor, index, 0)


def _rows(elems: Any, index: Any) -> Any:
    return nest.map_structure(lambda tensor: _row(tensor, index), elems)


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """Apply `fn` to each row of `elems` and stack what it gives.

    Args:
        fn: function of one row.
        elems: tensor or nest of tensors [n, ...].
        dtype: older name of `fn_output_signature`.
        parallel_iterations: accepted for compatibility.
        back_prop: accepted for compatibility.
        swap_memory: accepted for compatibility.
        infer_shape: accepted for compatibility.
        name: name of the node.
        fn_output_signature: dtype, spec, or nest of those, of what `fn` gives; None: like
            `elems`.
    """
    elems = nest.map_structure(convert_to_tensor, elems)
    flat = nest.flatten(elems)
    signature = fn_output_signature if fn_output_signature is not None else dtype
    if signature is None:
        signature = nest.map_structure(lambda tensor: tensor.dtype, elems)
    specs = nest.flatten(signature)
    length = _length(flat)
    arrays = [
        TensorArray(
            getattr(spec, "dtype", spec),
            size=length,
            element_shape=spec.shape if isinstance(spec, TensorSpec) else None,
        )
        for spec in specs
    ]

    def body(i: Any, *written: Any) -> Any:
        result = fn(_rows(elems, i))
        nest.assert_same_structure(signature, result, check_types=False)
        items = nest.flatten(result)
        return (
            call("AddV2", i, 1),
            *(
                array.write(i, convert_to_tensor(item, array.dtype))
                for array, item in zip(written, items, strict=True)
            ),
        )

    results = while_loop(
        lambda i, *_: call("Less", i, length),
        body,
        (convert_to_tensor(0, dtypes.int32), *arrays),
        parallel_iterations=parallel_iterations or 10,
    )
    return nest.pack_sequence_as(signature, [array.stack() for array in results[1:]])


def vectorized_map(
    fn: Callable[[Any], Any],
    elems: Any,
    fallback_to_while_loop: bool = True,
    warn: bool = True,
) -> Any:
    """Apply `fn` to each row of `elems` and stack what it gives; runs as a loop.

    A first dimension of one is broadcast against the others, as in TensorFlow.
    """
    elems = nest.map_structure(convert_to_tensor, elems)
    probe = nest.map_structure(lambda tensor: _row(tensor, 0), elems)
    result = fn(probe)
    signature = nest.map_structure(lambda tensor: convert_to_tensor(tensor).dtype, result)
    flat = nest.flatten(elems)
    longest = max((tensor.shape[0] or 0 for tensor in flat), default=0)
    if longest > 1:
        elems = nest.map_structure(
            lambda tensor: (
                call("BroadcastTo", tensor, [longest, *tensor.shape.as_list()[1:]])
                if tensor.shape[0] == 1
                else tensor
            ),
            elems,
        )
    return map_fn(fn, elems, fn_output_signature=signature)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combine the rows of `elems`, first to last, with `fn(accumulated, row)`."""
    return _fold(fn, elems, initializer, parallel_iterations, backwards=False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """Combine the rows of `elems`, last to first, with `fn(accumulated, row)`."""
    return _fold(fn, elems, initializer, parallel_iterations, backwards=True)


def _fold(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any,
    parallel_iterations: int,
    *,
    backwards: bool,
) -> Any:
    if not callable(fn):
        raise TypeError(f"{fn} is not callable.")
    elems = nest.map_structure(convert_to_tensor, elems)
    length = _length(nest.flatten(elems))

    def place(i: Any) -> Any:
        return call("Sub", call("Sub", convert_to_tensor(length), 1), i) if backwards else i

    start = 0
    if initializer is None:
        initializer = _rows(elems, place(convert_to_tensor(0)))
        start = 1
    initializer = nest.map_structure(convert_to_tensor, initializer)
    _, result = while_loop(
        lambda i, _: call("Less", i, length),
        lambda i, held: (call("AddV2", i, 1), fn(held, _rows(elems, place(i)))),
        (convert_to_tensor(start, dtypes.int32), initializer),
        parallel_iterations=parallel_iterations,
    )
    return result


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Like `foldl`, keeping what was accumulated after each row.

    Returns:
        A nest like what `fn` gives, of tensors [n, ...].
    """
    if not callable(fn):
        raise TypeError(f"{fn} is not callable.")
    elems = nest.map_structure(convert_to_tensor, elems)
    length = convert_to_tensor(_length(nest.flatten(elems)))

    def place(i: Any) -> Any:
        return call("Sub", call("Sub", length, 1), i) if reverse else i

    first = initializer is None
    if first:
        initializer = _rows(elems, place(convert_to_tensor(0)))
    initializer = nest.map_structure(convert_to_tensor, initializer)
    flat = nest.flatten(initializer)
    static = nest.flatten(elems)[0].shape[0]
    size = static if static is not None else length
    arrays = [TensorArray(item.dtype, size=size, element_shape=item.shape) for item in flat]
    if first:
        zero = place(convert_to_tensor(0))
        arrays = [array.write(zero, item) for array, item in zip(arrays, flat, strict=True)]

    def body(i: Any, held: Any, *written: Any) -> Any:
        result = fn(held, _rows(elems, place(i)))
        items = [
            convert_to_tensor(item, like.dtype)
            for item, like in zip(nest.flatten(result), flat, strict=True)
        ]
        return (
            call("AddV2", i, 1),
            nest.pack_sequence_as(initializer, items),
            *(array.write(place(i), item) for array, item in zip(written, items, strict=True)),
        )

    results = while_loop(
        lambda i, *_: call("Less", i, length),
        body,
        (convert_to_tensor(1 if first else 0, dtypes.int32), initializer, *arrays),
        parallel_iterations=parallel_iterations,
    )
    return nest.pack_sequence_as(initializer, [array.stack() for array in results[2:]])
