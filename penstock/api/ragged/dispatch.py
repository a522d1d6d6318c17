"""What ordinary functions do with ragged tensors. Importing this module registers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.api.composite import BINARY, UNARY, Arguments, handles, register
from penstock.api.ragged import arrays, gathering, reducing
from penstock.api.ragged.building import stack_dynamic_partitions
from penstock.api.ragged.joining import concat, expand_dims, stack
from penstock.api.ragged.mapping import map_flat_values
from penstock.api.ragged.matrices import matmul
from penstock.api.sparse.dispatch import rows_counted
from penstock.api.strings import basics
from penstock.core import dtypes
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import broadcast
from penstock.runtime.ragged.dynamic_shape import DynamicRaggedShape, broadcast_to
from penstock.runtime.ragged_tensor import RaggedTensor, as_values, binary, unary

Function = Callable[..., Any]


def _elementwise(function: Function, arguments: Arguments) -> Any:
    """Apply a function of single elements to the innermost values of its first argument."""
    first, *_ = arguments
    value = arguments[first]
    if not isinstance(value, RaggedTensor):
        return NotImplemented
    rest = {name: each for name, each in arguments.items() if name != first}
    return unary(lambda flat: function(flat, **rest), value)


def _of_two(function: Function, arguments: Arguments) -> Any:
    """Apply a function of two elements after broadcasting its first two arguments."""
    first, second, *_ = arguments
    x, y = arguments[first], arguments[second]
    rest = {name: arguments[name] for name in arguments if name not in (first, second)}
    return binary(lambda a, b: function(a, b, **rest), x, y)


for _module, _names in UNARY.items():
    for _name in _names:
        register(f"{_module}.{_name}", RaggedTensor, _elementwise)
for _module, _names in BINARY.items():
    for _name in _names:
        register(f"{_module}.{_name}", RaggedTensor, _of_two)


@handles(
    RaggedTensor,
    *(f"reductions.{name}" for name in reducing.BY_SEGMENT),
)
def _reduce(function: Function, arguments: Arguments) -> Any:
    x, axis, keepdims, _ = arguments.values()
    by_segment = reducing.BY_SEGMENT[function.__name__]
    return reducing.reduce(function, by_segment, x, axis, keepdims)


@handles(RaggedTensor, "reductions.reduce_mean")
def _reduce_mean(_: Function, arguments: Arguments) -> Any:
    x, axis, keepdims, _ = arguments.values()
    return reducing.reduce_mean(x, axis, keepdims)


@handles(RaggedTensor, "reductions.reduce_variance", "reductions.reduce_std")
def _reduce_variance(function: Function, arguments: Arguments) -> Any:
    x, axis, keepdims, _ = arguments.values()
    variance = reducing.reduce_variance(x, axis, keepdims)
    if function.__name__ == "reduce_variance":
        return variance
    if isinstance(variance, RaggedTensor):
        return unary(lambda flat: call("Sqrt", flat), variance)
    return call("Sqrt", variance)


@handles(RaggedTensor, "reductions.reduce_all", "reductions.reduce_any")
def _reduce_truth(function: Function, arguments: Arguments) -> Any:
    x, axis, keepdims, _ = arguments.values()
    return reducing.reduce_truth(function, function.__name__, x, axis, keepdims)


@handles(RaggedTensor, "reductions.reduce_logsumexp")
def _reduce_logsumexp(_: Function, arguments: Arguments) -> Any:
    x, axis, keepdims, _ = arguments.values()
    return reducing.reduce_logsumexp(x, axis, keepdims)


@handles(RaggedTensor, "reductions.cumsum")
def _cumsum(_: Function, arguments: Arguments) -> Any:
    x, axis, exclusive, reverse, _ = arguments.values()
    return reducing.cumsum(x, axis, exclusive, reverse)


@handles(RaggedTensor, "activations.softmax")
def _softmax(_: Function, arguments: Arguments) -> Any:
    logits, axis, *_rest = arguments.values()
    return reducing.softmax(logits, axis)


@handles(
    RaggedTensor,
    *(
        f"segments.unsorted_segment_{kind}"
        for kind in ("sum", "prod", "max", "min", "mean", "sqrt_n")
    ),
)
def _unsorted_segment(function: Function, arguments: Arguments) -> Any:
    data, ids, count, _ = arguments.values()
    ids = as_values(ids)
    kind = function.__name__.removeprefix("unsorted_segment_")
    if kind not in ("mean", "sqrt_n"):
        return reducing.by_segment_of(function, data, ids, count)
    by_sum = reducing.BY_SEGMENT["reduce_sum"]
    total = reducing.by_segment_of(by_sum, data, ids, count)
    ones = unary(lambda flat: call("OnesLike", flat), data)
    number = reducing.by_segment_of(by_sum, ones, ids, count)

    def quotient(a: Any, b: Any) -> Any:
        b = b if kind == "mean" else call("Sqrt", b)
        return (
            call("RealDiv", a, b) if isinstance(total, RaggedTensor) else call("DivNoNan", a, b)
        )

    return (
        binary(quotient, total, number)
        if isinstance(total, RaggedTensor)
        else quotient(total, number)
    )


@handles(RaggedTensor, "arithmetic.add_n")
def _add_n(_: Function, arguments: Arguments) -> Any:
    return arrays.add_n(arguments["inputs"])


@handles(RaggedTensor, "joining.concat")
def _concat(_: Function, arguments: Arguments) -> Any:
    return concat(arguments["values"], reducing.static_axis(arguments["axis"]))


@handles(RaggedTensor, "joining.stack")
def _stack(_: Function, arguments: Arguments) -> Any:
    return stack(arguments["values"], reducing.static_axis(arguments["axis"]))


@handles(RaggedTensor, "joining.split")
def _split(_: Function, arguments: Arguments) -> Any:
    return arrays.split(
        arguments["value"],
        arguments["num_or_size_splits"],
        arguments["axis"],
        arguments["num"],
    )


@handles(RaggedTensor, "joining.tile")
def _tile(_: Function, arguments: Arguments) -> Any:
    return arrays.tile(arguments["input"], arguments["multiples"])


@handles(RaggedTensor, "array.expand_dims")
def _expand_dims(_: Function, arguments: Arguments) -> Any:
    return expand_dims(arguments["input"], reducing.static_axis(arguments["axis"]))


@handles(RaggedTensor, "array.squeeze")
def _squeeze(_: Function, arguments: Arguments) -> Any:
    return arrays.squeeze(arguments["input"], arguments["axis"])


@handles(RaggedTensor, "array.reverse")
def _reverse(_: Function, arguments: Arguments) -> Any:
    return arrays.reverse(arguments["tensor"], arguments["axis"])


@handles(RaggedTensor, "array.size")
def _size(function: Function, arguments: Arguments) -> Any:
    return function(arguments["input"].flat_values, arguments["out_type"])


@handles(RaggedTensor, "array.rank")
def _rank(function: Function, arguments: Arguments) -> Any:
    ragged = arguments["input"]
    return call("AddV2", function(ragged.flat_values), ragged.ragged_rank)


@handles(RaggedTensor, "array.shape")
def _shape(_: Function, arguments: Arguments) -> Any:
    kind = dtypes.int32 if arguments["out_type"] is None else arguments["out_type"]
    return DynamicRaggedShape.from_tensor(arguments["input"], kind)


@handles(DynamicRaggedShape, "array.reshape")
def _reshape_ragged(_: Function, arguments: Arguments) -> Any:
    shape, tensor = arguments["shape"], arguments["tensor"]
    flat = tensor.flat_values if isinstance(tensor, RaggedTensor) else as_values(tensor)
    values = call("Reshape", flat, shape.inner_shape)
    return shape._add_row_partitions(values)  # noqa: SLF001  (tensors of one house)


@handles(RaggedTensor, "array.reshape")
def _reshape(function: Function, arguments: Arguments) -> Any:
    return function(arguments["tensor"].flat_values, arguments["shape"])


@handles(DynamicRaggedShape, "array.broadcast_to")
def _broadcast_to(_: Function, arguments: Arguments) -> Any:
    return broadcast_to(arguments["input"], arguments["shape"])


@handles(DynamicRaggedShape, "filling.zeros", "filling.ones", "filling.fill")
def _filled(function: Function, arguments: Arguments) -> Any:
    first, *_ = arguments
    shape = arguments[first]
    rest = {name: each for name, each in arguments.items() if name != first}
    flat = function(shape.inner_shape, **rest)
    return shape._add_row_partitions(flat)  # noqa: SLF001


@handles(RaggedTensor, "filling.one_hot")
def _one_hot(function: Function, arguments: Arguments) -> Any:
    indices, axis = arguments["indices"], arguments["axis"]
    if axis is not None and 0 <= axis <= indices.ragged_rank:
        raise ValueError(
            f"axis ({axis}) must be greater than indices.ragged_rank ({indices.ragged_rank})."
        )
    if axis is not None and axis >= 0:
        axis -= indices.ragged_rank
    rest = {n: v for n, v in arguments.items() if n not in ("indices", "axis")}
    return unary(lambda flat: function(flat, axis=axis, **rest), indices)


@handles(RaggedTensor, "indexing.where")
def _where(_: Function, arguments: Arguments) -> Any:
    condition, x, y, *_rest = arguments.values()
    if (x is None) != (y is None):
        raise ValueError("x and y must be given together, or neither")
    if x is None:
        return gathering.where(as_values(condition, dtypes.bool))
    return arrays.select(condition, x, y)


@handles(RaggedTensor, "indexing.gather")
def _gather(_: Function, arguments: Arguments) -> Any:
    axis = arguments.get("axis")
    return gathering.gather(
        arguments["params"],
        arguments["indices"],
        None if axis is None else reducing.static_axis(axis),
        arguments.get("batch_dims") or 0,
    )


@handles(RaggedTensor, "indexing.gather_nd")
def _gather_nd(_: Function, arguments: Arguments) -> Any:
    return gathering.gather_nd(
        arguments["params"], arguments["indices"], arguments.get("batch_dims") or 0
    )


@handles(RaggedTensor, "indexing.dynamic_partition")
def _dynamic_partition(_: Function, arguments: Arguments) -> Any:
    count = arguments["num_partitions"]
    if not isinstance(count, int) or count < 0:
        raise TypeError("num_partitions must be a Python integer")
    rows = stack_dynamic_partitions(arguments["data"], arguments["partitions"], count)
    return [rows[i] for i in range(count)]


@handles(RaggedTensor, "counting.bincount")
def _bincount(function: Function, arguments: Arguments) -> Any:
    ragged, weights = arguments["arr"], arguments["weights"]
    rest = {n: v for n, v in arguments.items() if n not in ("arr", "weights")}
    values = ragged.flat_values
    counted = weights.flat_values if isinstance(weights, RaggedTensor) else weights
    if arguments["axis"] in (None, 0):
        return function(values, counted, **{**rest, "axis": None})
    if ragged.ragged_rank != 1 or arguments["axis"] != -1:
        raise ValueError("axis must be None, 0 or -1, and a ragged input must be a matrix")
    splits = call("Cast", ragged.row_splits, DstT=dtypes.int64)
    return rows_counted("RaggedBincount", [splits], values, counted, rest)


@handles(RaggedTensor, "products.matmul")
def _matmul(_: Function, arguments: Arguments) -> Any:
    a, b, transpose_a, transpose_b, adjoint_a, adjoint_b = list(arguments.values())[:6]
    return matmul(
        a,
        b,
        transpose_a or adjoint_a,
        transpose_b or adjoint_b,
        conjugate=adjoint_a or adjoint_b,
    )


@handles(
    RaggedTensor,
    *(
        f"assertions.assert_{name}"
        for name in (
            "equal",
            "none_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "near",
        )
    ),
)
def _assert(function: Function, arguments: Arguments) -> Any:
    x, y = as_values(arguments["x"]), arguments["y"]
    x, y = broadcast(x, as_values(y, dtype_hint=x.dtype))
    rest = {n: v for n, v in arguments.items() if n not in ("x", "y")}
    flat = [each.flat_values if isinstance(each, RaggedTensor) else each for each in (x, y)]
    return function(*flat, **rest)


@handles(RaggedTensor, "basics.join")
def _join(function: Function, arguments: Arguments) -> Any:
    rest = {n: v for n, v in arguments.items() if n != "inputs"}
    return map_flat_values(lambda *flat: function(list(flat), **rest), *arguments["inputs"])


@handles(RaggedTensor, "basics.reduce_join")
def _reduce_join(function: Function, arguments: Arguments) -> Any:
    separator = arguments["separator"]

    def plain(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis=axis, keepdims=keepdims, separator=separator)

    def by_segment(data: Any, ids: Any, count: Any) -> Any:
        return basics.unsorted_segment_join(data, ids, count, separator)

    return reducing.reduce(
        plain, by_segment, arguments["inputs"], arguments["axis"], arguments["keepdims"]
    )


@handles(RaggedTensor, "dropout.dropout", "dropout.stateless_dropout")
def _dropout(function: Function, arguments: Arguments) -> Any:
    if arguments.get("noise_shape") is not None:
        raise ValueError("noise_shape is not supported yet for RaggedTensor x")
    return _elementwise(function, arguments)


@handles(RaggedTensor, "embedding.embedding_lookup")
def _embedding_lookup(function: Function, arguments: Arguments) -> Any:
    rest = {n: v for n, v in arguments.items() if n not in ("params", "ids")}
    params = arguments["params"]
    return unary(lambda flat: function(params, flat, **rest), arguments["ids"])
