"""`tf.map_fn`, `tf.scan`, `tf.foldl`, `tf.foldr` and `tf.vectorized_map`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import dtypes, nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.type_spec import TensorSpec
from penstock.graph.bodies import Body
from penstock.graph.branching import while_loop
from penstock.graph.collected import collected
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_function import GraphFunction
from penstock.graph.tensor_array import TensorArray
from penstock.graph.vectorized import map_rows
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.extension_type import BatchableExtensionType
from penstock.runtime.ragged.indexing import get_item
from penstock.runtime.ragged_tensor import RaggedTensor, RaggedTensorSpec, as_values
from penstock.runtime.sparse_tensor import SparseTensor, SparseTensorSpec
from penstock.runtime.tape import MAPS


def _encoding(value: BatchableExtensionType, minimum_rank: int = 0) -> list[Any]:
    """What a value of an extension type is encoded as."""
    spec = value._type_spec
    return nest.flatten(spec.__batch_encoder__.encode(spec, value, minimum_rank))


def _length(flat: list[Any]) -> Any:
    if isinstance(flat[0], BatchableExtensionType):
        return _length(_encoding(flat[0], 1))
    if isinstance(flat[0], RaggedTensor):
        return flat[0].nrows(out_type=dtypes.int32)
    if isinstance(flat[0], SparseTensor):
        size = flat[0].shape[0] if flat[0].shape.rank else None
        return (
            size
            if size is not None
            else call("Cast", flat[0].dense_shape[0], DstT=dtypes.int32)
        )
    size = flat[0].shape[0] if flat[0].shape.rank else None
    if size is not None:
        return size
    return call("StridedSlice", call("Shape", flat[0]), [0], [1], [1], shrink_axis_mask=1)


def _row(tensor: Any, index: Any) -> Any:
    if isinstance(tensor, RaggedTensor):
        return get_item(tensor, index)
    if isinstance(tensor, SparseTensor):
        return _row_of_sparse(tensor, index)
    if isinstance(tensor, BatchableExtensionType):
        spec = tensor._type_spec
        encoder = spec.__batch_encoder__
        form = encoder.encoding_specs(spec)
        rows = [_row(part, index) for part in _encoding(tensor, 1)]
        return encoder.decode(encoder.unbatch(spec), nest.pack_sequence_as(form, rows))
    return call("GatherV2", tensor, index, 0)


def _row_of_sparse(tensor: SparseTensor, index: Any) -> SparseTensor:
    place = call("Reshape", call("Cast", index, DstT=dtypes.int64), [1])
    inner = tensor.dense_shape[1:]
    one = convert_to_tensor([1], dtypes.int64)
    indices, values, _ = call(
        "SparseSlice",
        tensor.indices,
        tensor.values,
        tensor.dense_shape,
        call("ConcatV2", [place, call("ZerosLike", inner)], 0),
        call("ConcatV2", [one, inner], 0),
    )
    row = SparseTensor(indices[:, 1:], values, inner)
    row.set_shape(tensor.shape[1:])
    return row


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
    elems = nest.map_structure(
        lambda elem: (
            elem
            if isinstance(elem, (BatchableExtensionType, SparseTensor))
            else as_values(elem)
        ),
        elems,
    )
    flat = nest.flatten(elems)
    signature = fn_output_signature if fn_output_signature is not None else dtype
    if signature is None:
        signature = nest.map_structure(_spec_of_row, elems)
    length = _length(flat)
    kinds = [collected(spec, length) for spec in nest.flatten(signature)]
    counts = [len(kind.arrays) for kind in kinds]

    def body(i: Any, *written: Any) -> Any:
        result = fn(_rows(elems, i))
        nest.assert_same_structure(signature, result, check_types=False)
        arrays: list[Any] = []
        for kind, part, item in zip(
            kinds, _parts(written, counts), nest.flatten(result), strict=True
        ):
            arrays.extend(kind.write(part, i, item))
        return (call("AddV2", i, 1), *arrays)

    _, *arrays = while_loop(
        lambda i, *_: call("Less", i, length),
        body,
        (convert_to_tensor(0, dtypes.int32), *(a for kind in kinds for a in kind.arrays)),
        parallel_iterations=parallel_iterations or 10,
    )
    joined = [
        kind.joined(part) for kind, part in zip(kinds, _parts(arrays, counts), strict=True)
    ]
    return nest.pack_sequence_as(signature, joined)


def _spec_of_row(elem: Any) -> Any:
    """What a function that keeps the kind of a row gives."""
    if isinstance(elem, RaggedTensor):
        shape = [None] * ((elem.shape.rank or 1) - 1)
        return RaggedTensorSpec(shape, elem.dtype, elem.ragged_rank - 1, elem.row_splits.dtype)
    if isinstance(elem, SparseTensor):
        return SparseTensorSpec(None, elem.dtype)
    if isinstance(elem, BatchableExtensionType):
        return elem._type_spec._unbatch()
    return elem.dtype


def _parts(arrays: Sequence[Any], counts: list[int]) -> list[Sequence[Any]]:
    """The arrays in groups of given sizes."""
    ends = list(itertools.accumulate(counts))
    return [arrays[end - count : end] for end, count in zip(ends, counts, strict=True)]


def vectorized_map(
    fn: Callable[[Any], Any],
    elems: Any,
    fallback_to_while_loop: bool = True,
    warn: bool = True,
) -> Any:
    """Apply `fn` to all rows of `elems` at once and stack what it gives.

    In functions the ops of `fn` are vectorised. What has effects or draws random numbers, and
    what XLA cannot compile, runs row by row.
    A first dimension of one is broadcast against the others, as in TensorFlow.
    """
    elems = nest.map_structure(convert_to_tensor, elems)
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
    if state.graph is not None:
        result = map_rows(fn, elems)
    else:
        few = 0 < longest < _MANY_ROWS
        result = None if few else _rows_at_once(fn, elems)
    return _rows_in_turn(fn, elems) if result is None else result


# Rows from which on compiling a function takes no longer than calling it for each of them.
_MANY_ROWS = 256


def _rows_at_once(fn: Callable[[Any], Any], elems: Any) -> Any:
    """Map eager tensors by a graph made for it; None where they must go one by one."""
    flat = nest.flatten(elems)
    graph = FuncGraph("vectorized_map")
    with graph.as_default():
        inputs = [graph.placeholder(tensor.dtype, tensor.shape) for tensor in flat]
        result = map_rows(fn, nest.pack_sequence_as(elems, inputs))
    if result is None:
        return None
    captures = graph.real_captures()
    function = GraphFunction(
        graph,
        [*inputs, *(internal for _, internal in captures)],
        nest.flatten(result),
        graph.nodes,
        name="vectorized_map",
    )
    outputs = function([*flat, *(external for external, _ in captures)])
    return nest.pack_sequence_as(result, outputs)


def _rows_in_turn(fn: Callable[[Any], Any], elems: Any) -> Any:
    flat = nest.flatten(elems)
    count = flat[0].shape[0]
    if state.graph is None and count:
        columns = [call("Unpack", tensor, num=count, axis=0) for tensor in flat]
        results = [fn(nest.pack_sequence_as(elems, row)) for row in zip(*columns, strict=True)]
        leaves = [nest.flatten(result) for result in results]
        if not any(isinstance(leaf, CompositeTensor) for leaf in leaves[0]):
            stacked = [call("Pack", list(each), axis=0) for each in zip(*leaves, strict=True)]
            return nest.pack_sequence_as(results[0], stacked)
    probe = nest.map_structure(lambda tensor: _row(tensor, 0), elems)
    result = fn(probe)
    signature = nest.map_structure(lambda tensor: convert_to_tensor(tensor).dtype, result)
    return map_fn(fn, elems, fn_output_signature=signature)


def loop_over_rows(rows: Sequence[Any], captures: Sequence[Any], body: Body) -> list[Any]:
    """What the body of a vectorised map gives for each row, as a loop in the graph in force."""
    function = GraphFunction(body.graph, body.inputs, body.outputs, body.nodes, name=body.name)

    def one(row: Any) -> list[Any]:
        return function.inline([*row, *captures])

    signature = [TensorSpec(end.shape, end.dtype) for end in body.outputs]
    return list(map_fn(one, list(rows), fn_output_signature=signature))


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


MAPS.extend([map_fn, vectorized_map])
