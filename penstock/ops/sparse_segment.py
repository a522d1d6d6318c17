"""Reductions over segments of picked rows: gather and reduce in one op."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.gather_scatter import require_inside, take
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.segment import count_rows, reduce_rows
from penstock.ops.shapes import scalar_of, value_of
from penstock.ops.table import gradient, op


def _scale(counts: Any, how: str) -> Any:
    """What the sum of each segment is divided by."""
    xp = namespace(counts)
    counts = xp.maximum(counts, xp.ones_like(counts))
    return xp.sqrt(counts) if how == "sqrt_n" else counts


def _column(x: Any, rank: int) -> Any:
    return x.reshape(x.shape + (1,) * (rank - 1))


def _reduce(data: Any, indices: Any, ids: Any, count: int | None, how: str) -> Any:
    if len(indices.shape) != 1 or indices.shape != ids.shape or not data.shape:
        raise InvalidArgumentError(
            "indices and segment_ids must be vectors of one length, got shapes "
            f"{list(indices.shape)} and {list(ids.shape)}"
        )
    if is_concrete(ids):
        known = np.asarray(ids)
        if len(known) and (known[0] < 0 or (known[1:] < known[:-1]).any()):
            raise InvalidArgumentError("segment_ids must be sorted and not negative")
        if count is None:
            count = int(known[-1]) + 1 if len(known) else 0
        elif len(known) and known[-1] >= count:
            raise InvalidArgumentError(
                f"segment_ids must be below num_segments {count}, got {known[-1]}"
            )
    else:
        assert count is not None
        inside = (ids >= 0) & (ids < count)
        inside = inside.at[1:].set(inside[1:] & (ids[1:] >= ids[:-1]))
        require(inside, InvalidArgumentError, f"segment_ids must be sorted and in [0, {count})")
    require_inside(indices, data.shape[0])
    if not data.shape[0]:
        return namespace(data, ids).zeros((count, *data.shape[1:]), data.dtype)
    sums = reduce_rows(take(data, indices, 0), ids, count, "add", None)
    if how == "sum":
        return sums
    scale = _scale(count_rows(ids, count, data.dtype), how)
    return (sums / _column(scale, len(data.shape))).astype(data.dtype)


def _shape(data: Any, indices: Any, ids: Any, num_segments: Any = None, **_: Any) -> Any:
    del indices
    if data.shape.rank is None:
        return unknown_shape()
    count = None
    if num_segments is not None:
        count = value_of(num_segments)
    elif ids.value is not None:
        count = int(ids.value[-1]) + 1 if len(ids.value) else 0
    return TensorShape.of((count,)) + data.shape[1:]


_INPUTS = ("data: T", "indices: Tidx", "segment_ids: Tsegmentids")
_ROW: dict[str, Any] = {
    "inputs": _INPUTS,
    "outputs": ("output: T",),
    "attrs": {"sparse_gradient": False},
    "constant_inputs": ("segment_ids",),
    "shape": _shape,
}
_ROW_WITH_COUNT: dict[str, Any] = {
    **_ROW,
    "inputs": (*_INPUTS, "num_segments: Tnumsegments"),
    "constant_inputs": ("num_segments",),
}


@op("SparseSegmentSum", **_ROW)
def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, *, sparse_gradient: bool
) -> Any:
    """Sum, for each segment, of the rows of data that its indices pick.

    Shape: data [n, ...], indices [k], segment_ids [k] -> output [last id + 1, ...].
    Errors: InvalidArgumentError for ids that are not sorted or indices outside of data.
    """
    del sparse_gradient
    return _reduce(data, indices, segment_ids, None, "sum")


@op("SparseSegmentMean", **_ROW)
def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, *, sparse_gradient: bool
) -> Any:
    """Mean, for each segment, of the rows of data that its indices pick.

    Shape: data [n, ...], indices [k], segment_ids [k] -> output [last id + 1, ...].
    Errors: InvalidArgumentError for ids that are not sorted or indices outside of data.
    """
    del sparse_gradient
    return _reduce(data, indices, segment_ids, None, "mean")


@op("SparseSegmentSqrtN", **_ROW)
def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, *, sparse_gradient: bool
) -> Any:
    """As SparseSegmentSum, divided by the square root of the number of rows.

    Shape: data [n, ...], indices [k], segment_ids [k] -> output [last id + 1, ...].
    Errors: InvalidArgumentError for ids that are not sorted or indices outside of data.
    """
    del sparse_gradient
    return _reduce(data, indices, segment_ids, None, "sqrt_n")


@op("SparseSegmentSumWithNumSegments", **_ROW_WITH_COUNT)
def sparse_segment_sum_with_num_segments(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, sparse_gradient: bool
) -> Any:
    """As SparseSegmentSum, for a given number of segments.

    Shape: data [n, ...], indices [k], segment_ids [k], num_segments [] ->
        output [num_segments, ...].
    """
    del sparse_gradient
    return _reduce(data, indices, segment_ids, scalar_of(num_segments, "num_segments"), "sum")


@op("SparseSegmentMeanWithNumSegments", **_ROW_WITH_COUNT)
def sparse_segment_mean_with_num_segments(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, sparse_gradient: bool
) -> Any:
    """As SparseSegmentMean, for a given number of segments.

    Shape: data [n, ...], indices [k], segment_ids [k], num_segments [] ->
        output [num_segments, ...].
    """
    del sparse_gradient
    return _reduce(data, indices, segment_ids, scalar_of(num_segments, "num_segments"), "mean")


@op("SparseSegmentSqrtNWithNumSegments", **_ROW_WITH_COUNT)
def sparse_segment_sqrt_n_with_num_segments(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, sparse_gradient: bool
) -> Any:
    """As SparseSegmentSqrtN, for a given number of segments.

    Shape: data [n, ...], indices [k], segment_ids [k], num_segments [] ->
        output [num_segments, ...].
    """
    del sparse_gradient
    return _reduce(
        data, indices, segment_ids, scalar_of(num_segments, "num_segments"), "sqrt_n"
    )


def _spread(grad: Any, indices: Any, ids: Any, how: str) -> Any:
    """The gradient of each picked row: that of its segment, with its share."""
    require_inside(ids, grad.shape[0], "segment_ids")
    if how != "sum":
        scale = _scale(count_rows(ids, grad.shape[0], grad.dtype), how)
        grad = grad / _column(scale, len(grad.shape))
    del indices
    return take(grad, ids, 0)


def _grad_shape(grad: Any, indices: Any, ids: Any, dim0: Any) -> Any:
    del indices, ids
    return TensorShape.of((value_of(dim0),)) + grad.shape[1:]


_GRAD_ROW: dict[str, Any] = {
    "inputs": ("grad: T", "indices: Tidx", "segment_ids: Tsegmentids", "output_dim0: int32"),
    "outputs": ("output: T",),
    "constant_inputs": ("output_dim0",),
    "shape": _grad_shape,
}


def _dense_gradient(grad: Any, indices: Any, ids: Any, dim0: Any, how: str) -> Any:
    count = scalar_of(dim0, "output_dim0")
    require_inside(indices, count)
    return reduce_rows(_spread(grad, indices, ids, how), indices, count, "add", None)


@op("SparseSegmentSumGrad", **_GRAD_ROW)
def sparse_segment_sum_grad(grad: Any, indices: Any, segment_ids: Any, output_dim0: Any) -> Any:
    """Gradient of SparseSegmentSum with respect to its data.

    Shape: grad [m, ...], indices [k], segment_ids [k], output_dim0 [] ->
        output [output_dim0, ...].
    """
    return _dense_gradient(grad, indices, segment_ids, output_dim0, "sum")


@op("SparseSegmentMeanGrad", **_GRAD_ROW)
def sparse_segment_mean_grad(
    grad: Any, indices: Any, segment_ids: Any, output_dim0: Any
) -> Any:
    """Gradient of SparseSegmentMean with respect to its data.

    Shape: grad [m, ...], indices [k], segment_ids [k], output_dim0 [] ->
        output [output_dim0, ...].
    """
    return _dense_gradient(grad, indices, segment_ids, output_dim0, "mean")


@op("SparseSegmentSqrtNGrad", **_GRAD_ROW)
def sparse_segment_sqrt_n_grad(
    grad: Any, indices: Any, segment_ids: Any, output_dim0: Any
) -> Any:
    """Gradient of SparseSegmentSqrtN with respect to its data.

    Shape: grad [m, ...], indices [k], segment_ids [k], output_dim0 [] ->
        output [output_dim0, ...].
    """
    return _dense_gradient(grad, indices, segment_ids, output_dim0, "sqrt_n")


_GRAD_ROW_V2: dict[str, Any] = {
    "inputs": (
        "grad: T",
        "indices: Tidx",
        "segment_ids: Tsegmentids",
        "dense_output_dim0: int32",
    ),
    "outputs": ("output: T", "sorted_unique_indices: Tidx"),
    "constant_inputs": ("indices", "dense_output_dim0"),
    "shape": lambda grad, *_: (
        TensorShape.of((None,)) + grad.shape[1:],
        TensorShape.of((None,)),
    ),
}


def _sparse_gradient(grad: Any, indices: Any, ids: Any, dim0: Any, how: str) -> Any:
    require_inside(indices, scalar_of(dim0, "dense_output_dim0"))
    rows, places = np.unique(indices, return_inverse=True)
    spread = _spread(grad, indices, ids, how)
    return reduce_rows(spread, places.reshape(-1), len(rows), "add", None), rows


@op("SparseSegmentSumGradV2", **_GRAD_ROW_V2)
def sparse_segment_sum_grad_v2(
    grad: Any, indices: Any, segment_ids: Any, dense_output_dim0: Any
) -> Any:
    """Gradient of SparseSegmentSum: the rows that have one, and their places.

    Shape: grad [m, ...], indices [k], segment_ids [k], dense_output_dim0 [] ->
        output [u, ...], sorted_unique_indices [u].
    """
    return _sparse_gradient(grad, indices, segment_ids, dense_output_dim0, "sum")


@op("SparseSegmentMeanGradV2", **_GRAD_ROW_V2)
def sparse_segment_mean_grad_v2(
    grad: Any, indices: Any, segment_ids: Any, dense_output_dim0: Any
) -> Any:
    """Gradient of SparseSegmentMean: the rows that have one, and their places.

    Shape: grad [m, ...], indices [k], segment_ids [k], dense_output_dim0 [] ->
        output [u, ...], sorted_unique_indices [u].
    """
    return _sparse_gradient(grad, indices, segment_ids, dense_output_dim0, "mean")


@op("SparseSegmentSqrtNGradV2", **_GRAD_ROW_V2)
def sparse_segment_sqrt_n_grad_v2(
    grad: Any, indices: Any, segment_ids: Any, dense_output_dim0: Any
) -> Any:
    """Gradient of SparseSegmentSqrtN: the rows that have one, and their places.

    Shape: grad [m, ...], indices [k], segment_ids [k], dense_output_dim0 [] ->
        output [u, ...], sorted_unique_indices [u].
    """
    return _sparse_gradient(grad, indices, segment_ids, dense_output_dim0, "sqrt_n")


def _gradient_rule(name: str) -> Any:
    def rule(g: Any, grad: Any) -> Any:
        """Hand the gradient of each segment to the rows that it picked."""
        data, indices, ids = g.inputs[:3]
        rest = (None,) * (len(g.inputs) - 1)
        size = data.shape[0]
        if size is None:
            shape = g.call("Shape", data)
            size = g.call("StridedSlice", shape, [0], [1], [1], shrink_axis_mask=1)
        if g.attrs["sparse_gradient"]:
            values, rows = g.call(f"{name}GradV2", grad, indices, ids, size)
            return g.indexed_slices(values, rows, g.call("Shape", data)), *rest
        return g.call(f"{name}Grad", grad, indices, ids, size), *rest

    return rule


for _name in ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN"):
    gradient(_name, f"{_name}WithNumSegments")(_gradient_rule(_name))
