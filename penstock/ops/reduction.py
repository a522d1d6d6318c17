"""Reductions over axes: sums, means, products, extremes, and where the extremes are."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.elementwise import (
    FLOATS,
    HALVES,
    INTEGERS,
    NUMBERS,
    REALS,
    conjugate,
    kinds,
    unary,
    widened,
)
from penstock.ops.shapes import axes_in, axis_in, value_of, values_of
from penstock.ops.table import gradient, op

_BOOL = kinds(dtypes.bool)
_ARG_TYPES = {
    "ArgMax": (dtypes.int16, dtypes.uint16, dtypes.int32, dtypes.int64),
    "ArgMin": (dtypes.int32, dtypes.int64),
}
_REDUCTION: dict[str, Any] = {
    "inputs": ("input: T", "reduction_indices: Tidx"),
    "outputs": ("output: T",),
    "attrs": {"keep_dims": False},
    "constant_inputs": ("reduction_indices",),
}
_LOGICAL: dict[str, Any] = {
    **_REDUCTION,
    "inputs": ("input: bool", "reduction_indices: Tidx"),
    "outputs": ("output: bool",),
    "differentiable": False,
}


def _axes(input: Any, reduction_indices: Any) -> tuple[int, ...]:
    rank = input.ndim
    if reduction_indices.dtype.kind not in "iu" and reduction_indices.size:
        raise InvalidArgumentError(
            f"reduction axes must be integers, got {reduction_indices.dtype}"
        )
    if reduction_indices.ndim == 0:
        return (axis_in(int(reduction_indices), rank, "reduction axis"),)
    if reduction_indices.ndim > 1:
        reduction_indices = reduction_indices.reshape(-1)
    return axes_in(reduction_indices.tolist(), rank, "reduction axis")


def _reduced_shape(input: Any, reduction_indices: Any, *, keep_dims: bool) -> TensorShape:
    shape: TensorShape = input.shape
    if shape.rank is None:
        return shape
    indices = values_of(reduction_indices)
    if indices is None:
        return TensorShape([None] * shape.rank if keep_dims else None)
    axes = axes_in(indices, shape.rank, "reduction axis")
    sizes = shape.as_list()
    if keep_dims:
        return TensorShape([1 if i in axes else size for i, size in enumerate(sizes)])
    return TensorShape([size for i, size in enumerate(sizes) if i not in axes])


def _summed(xp: Any, input: Any, axes: tuple[int, ...], keep_dims: bool) -> Any:
    """Sum in the dtype of the input; halves are added up in float32 and not rounded back."""
    wide = widened(input)
    if xp is np:
        add: Any = np.add.reduce  # what np.sum calls, after microseconds of its own
        return add(wide, axis=axes, dtype=wide.dtype, keepdims=keep_dims)
    return xp.sum(wide, axis=axes, dtype=wide.dtype, keepdims=keep_dims)


@op("Sum", shape=_reduced_shape, **_REDUCTION)
def sum_(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Sum of the elements along axes.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Sum", input, NUMBERS)
    total = _summed(xp, input, _axes(input, reduction_indices), keep_dims)
    return total.astype(input.dtype) if input.dtype in HALVES else total


@op("Mean", shape=_reduced_shape, **_REDUCTION)
def mean(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Mean of the elements along axes; that of integers is rounded towards zero.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Mean", input, NUMBERS)
    axes = _axes(input, reduction_indices)
    count = 1
    for axis in axes:
        count *= input.shape[axis]
    if input.dtype in INTEGERS:
        return _integer_mean(xp, input, axes, keep_dims, count)
    total = _summed(xp, input, axes, keep_dims)
    # In programs for open sizes the count is a formula.
    known = isinstance(count, (int, np.integer))
    divisor = total.dtype.type(count) if known else xp.asarray(count).astype(total.dtype)
    average = xp.true_divide(total, divisor)
    return average.astype(input.dtype) if input.dtype in HALVES else average


def _integer_mean(
    xp: Any, input: Any, axes: tuple[int, ...], keep_dims: bool, count: int
) -> Any:
    wide = np.uint64 if input.dtype == np.uint64 else np.int64
    total = _summed(xp, input.astype(wide), axes, keep_dims)
    if not count:
        return total.astype(input.dtype)
    quotient = xp.floor_divide(total, wide(count))
    low = (xp.remainder(total, wide(count)) != 0) & (total < 0)
    return (quotient + low.astype(wide)).astype(input.dtype)


@op("Prod", shape=_reduced_shape, **_REDUCTION)
def prod(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Product of the elements along axes.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Prod", input, NUMBERS)
    axes = _axes(input, reduction_indices)
    wide = widened(input)
    product = xp.prod(wide, axis=axes, dtype=wide.dtype, keepdims=keep_dims)
    return product.astype(input.dtype) if input.dtype in HALVES else product


def _lowest(dtype: Any) -> Any:
    return dtype.type(-np.inf) if dtype not in INTEGERS else dtype.type(np.iinfo(dtype).min)


def _highest(dtype: Any) -> Any:
    return dtype.type(np.inf) if dtype not in INTEGERS else dtype.type(np.iinfo(dtype).max)


@op("Max", shape=_reduced_shape, **_REDUCTION)
def max_(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Largest element along axes; of none, minus infinity or the lowest integer.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Max", input, REALS)
    axes = _axes(input, reduction_indices)
    if input.size:
        return xp.max(input, axis=axes, keepdims=keep_dims)
    return xp.max(input, axis=axes, keepdims=keep_dims, initial=_lowest(input.dtype))


@op("Min", shape=_reduced_shape, **_REDUCTION)
def min_(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Smallest element along axes; of none, infinity or the highest integer.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Min", input, REALS)
    axes = _axes(input, reduction_indices)
    if input.size:
        return xp.min(input, axis=axes, keepdims=keep_dims)
    return xp.min(input, axis=axes, keepdims=keep_dims, initial=_highest(input.dtype))


@op("All", shape=_reduced_shape, **_LOGICAL)
def all_(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Whether all elements along axes are true.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("All", input, _BOOL)
    return xp.all(input, axis=_axes(input, reduction_indices), keepdims=keep_dims)


@op("Any", shape=_reduced_shape, **_LOGICAL)
def any_(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Whether at least one element along axes is true.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("Any", input, _BOOL)
    return xp.any(input, axis=_axes(input, reduction_indices), keepdims=keep_dims)


@op("EuclideanNorm", shape=_reduced_shape, **_REDUCTION)
def euclidean_norm(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    """Square root of the sum of squared absolute values along axes.

    Shape: input [...], reduction_indices [r] -> output [...] without the reduced axes; with
        `keep_dims` they stay with size 1.
    Errors: InvalidArgumentError when an axis is not in the input, or is named twice.
    """
    xp = unary("EuclideanNorm", input, NUMBERS)
    wide = widened(input)
    squares = wide * xp.conj(wide) if wide.dtype.kind == "c" else wide * wide
    total = _summed(xp, squares, _axes(input, reduction_indices), keep_dims)
    return xp.sqrt(total).astype(input.dtype)


def _kept(g: Any, *tensors: Any) -> tuple[Any, ...]:
    """Give reduced tensors the reduced axes back, with size 1, so that they broadcast."""
    if g.attrs["keep_dims"]:
        return tensors
    x = g.inputs[0]
    axes = g.static_value(g.inputs[1])
    if x.shape.rank is not None and axes is not None:
        found = tuple(sorted(axes_in(np.ravel(axes).tolist(), x.shape.rank)))
        if not found:
            return tensors
        sizes = x.shape.as_list()
        kept = [1 if i in found else size for i, size in enumerate(sizes)]
        if None not in kept:
            shape = np.asarray(kept, np.int32)
            return tuple(g.call("Reshape", each, shape) for each in tensors)
        for axis in found:
            tensors = tuple(g.call("ExpandDims", each, axis) for each in tensors)
        return tensors
    # Axes that only running can tell: ones are put into the input's shape at these places.
    shape = g.call("Shape", x)
    rank = g.call("Rank", x)
    axes = g.call(
        "Reshape", g.call("Cast", g.inputs[1], DstT=dtypes.int32), np.asarray([-1], np.int32)
    )
    axes = g.call("FloorMod", g.call("AddV2", axes, rank), rank)
    ones = g.call("OnesLike", axes)
    rows = g.call("ExpandDims", axes, 1)
    shape = g.call("TensorScatterUpdate", shape, rows, ones)
    return tuple(g.call("Reshape", each, shape) for each in tensors)


def _spread(g: Any, grad: Any) -> Any:
    """Broadcast a tensor with the reduced axes of size 1 to the shape of the input."""
    x = g.inputs[0]
    if x.shape.is_fully_defined():
        return g.call("BroadcastTo", grad, np.asarray(x.shape.as_list(), np.int32))
    return g.call("BroadcastTo", grad, g.call("Shape", x))


@gradient("Sum")
def sum_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Pass on to each element."""
    return _spread(g, *_kept(g, grad)), None


@gradient("Mean")
def mean_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Divide by the number of elements and pass on to each."""
    x, y = g.inputs[0], g.outputs[0]
    spread = _spread(g, *_kept(g, grad))
    size, results = x.shape.num_elements(), y.shape.num_elements()
    if size is not None and results is not None:
        return g.call("RealDiv", spread, size // max(results, 1)), None
    sizes = [g.call("Cast", g.call("Size", each), DstT=x.dtype) for each in (x, y)]
    return g.call("RealDiv", spread, g.call("DivNoNan", *sizes)), None


@gradient("Max", "Min")
def extreme_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Share equally among the elements that are the extreme."""
    x, y = g.inputs[0], g.outputs[0]
    y, grad = _kept(g, y, grad)
    chosen = g.call("Cast", g.call("Equal", y, x), DstT=grad.dtype)
    count = g.call("Sum", chosen, g.inputs[1], keep_dims=True)
    return g.call("Mul", g.call("RealDiv", chosen, count), grad), None


@gradient("EuclideanNorm")
def euclidean_norm_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """x / y."""
    y, grad = _kept(g, g.outputs[0], grad)
    return g.call("RealDiv", g.inputs[0], g.call("RealDiv", y, grad)), None


@gradient("Prod")
def prod_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Product of the other elements, made of two running products, so that zeros do no harm."""
    x = g.inputs[0]
    (grad,) = _kept(g, grad)
    axes = g.static_value(g.inputs[1])
    rank = x.shape.rank
    if rank is None or axes is None:
        # Without zeros the quotient is exact; the running products need to know the axes.
        (y,) = _kept(g, g.outputs[0])
        return g.call("Mul", grad, conjugate(g, g.call("DivNoNan", y, x))), None
    reduced = sorted(axes_in(np.ravel(axes).tolist(), rank))
    if not reduced:
        return grad, None
    others = _products_of_others(g, x, reduced)
    return g.call("Mul", grad, conjugate(g, others)), None


def _products_of_others(g: Any, x: Any, reduced: list[int]) -> Any:
    kept = [i for i in range(x.shape.rank) if i not in reduced]
    order = np.asarray(reduced + kept, np.int32)
    moved = g.call("Transpose", x, order)
    if moved.shape.is_fully_defined():
        shape: Any = np.asarray(moved.shape.as_list(), np.int32)
        rows: Any = np.asarray(
            [int(np.prod(shape[: len(reduced)])), int(np.prod(shape[len(reduced) :]))], np.int32
        )
    else:
        shape = g.call("Shape", moved)
        parts = [
            g.call("GatherV2", shape, np.arange(start, stop, dtype=np.int32), np.int32(0))
            for start, stop in ((0, len(reduced)), (len(reduced), x.shape.rank))
        ]
        rows = g.call(
            "Pack", [g.call("Prod", part, np.asarray([0], np.int32)) for part in parts]
        )
    flat = g.call("Reshape", moved, rows)
    left = g.call("Cumprod", flat, np.int32(0), exclusive=True)
    right = g.call("Cumprod", flat, np.int32(0), exclusive=True, reverse=True)
    products = g.call("Reshape", g.call("Mul", left, right), shape)
    return g.call("Transpose", products, np.argsort(order).astype(np.int32))


def _arg_shape(input: Any, dimension: Any, *, output_type: DType) -> TensorShape:
    del output_type
    shape: TensorShape = input.shape
    axis = value_of(dimension)
    if shape.rank is None:
        return shape
    if axis is None:
        return TensorShape([None] * (shape.rank - 1))
    axis = axis_in(axis, shape.rank, "dimension")
    return TensorShape([size for i, size in enumerate(shape.as_list()) if i != axis])


def _arg_axis(op_name: str, input: Any, dimension: Any, kind: DType) -> int:
    allowed = _ARG_TYPES[op_name]
    if kind not in allowed:
        names = ", ".join(each.name for each in allowed)
        raise InvalidArgumentError(f"output_type must be one of {names}, got {kind.name}")
    axis = axis_in(int(dimension), input.ndim, "dimension")
    if not input.shape[axis]:
        raise InvalidArgumentError(
            f"op '{op_name}' needs elements along axis {axis}, got shape {list(input.shape)}"
        )
    return axis


def _without_nan(xp: Any, input: Any, value: float) -> Any:
    """Put `value`, which never wins, in place of NaN, which TensorFlow passes over."""
    if input.dtype not in FLOATS:
        return input
    lost = xp.isnan(input)
    if xp is np and not lost.any():
        return input
    return xp.where(lost, input.dtype.type(value), input)


_ARG: dict[str, Any] = {
    "inputs": ("input: T", "dimension: Tidx"),
    "outputs": ("output: output_type",),
    "attrs": {"output_type": dtypes.int64},
    "constant_inputs": ("dimension",),
    "shape": _arg_shape,
    "differentiable": False,
}


@op("ArgMax", **_ARG)
def arg_max(input: Any, dimension: Any, *, output_type: DType) -> Any:
    """Index of the largest element along an axis; the first of equal ones.

    Shape: input [...], dimension scalar -> output [...] without that axis.
    Errors: InvalidArgumentError when the axis is not in the input, or has size 0.
    """
    xp = unary("ArgMax", input, REALS | _BOOL)
    axis = _arg_axis("ArgMax", input, dimension, output_type)
    return xp.argmax(_without_nan(xp, input, -np.inf), axis=axis).astype(output_type.np)


@op("ArgMin", **_ARG)
def arg_min(input: Any, dimension: Any, *, output_type: DType) -> Any:
    """Index of the smallest element along an axis; the first of equal ones.

    Shape: input [...], dimension scalar -> output [...] without that axis.
    Errors: InvalidArgumentError when the axis is not in the input, or has size 0.
    """
    xp = unary("ArgMin", input, REALS | _BOOL)
    axis = _arg_axis("ArgMin", input, dimension, output_type)
    return xp.argmin(_without_nan(xp, input, np.inf), axis=axis).astype(output_type.np)
