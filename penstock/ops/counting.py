"""Counting values: histograms, buckets, and whether a target is among the best."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import require
from penstock.ops.elementwise import kinds, unary
from penstock.ops.namespace import namespace
from penstock.ops.shapes import scalar_of, value_of
from penstock.ops.table import REQUIRED, op

_INDICES = kinds(dtypes.int32, dtypes.int64)
_COUNTED = kinds(dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def _counted(xp: Any, cells: Any, weights: Any, size: int) -> Any:
    """Sum `weights` by cell; a cell of `size` or more is dropped."""
    cells, weights = xp.ravel(cells), xp.ravel(weights)
    if xp is np:
        inside = cells < size
        out = np.zeros((size,), weights.dtype)
        np.add.at(out, cells[inside], weights[inside])
        return out
    return xp.zeros((size,), weights.dtype).at[cells].add(weights, mode="drop")


def _bins(arr: Any, size: Any, weights: Any) -> int:
    length = scalar_of(size, "size")
    if length < 0:
        raise InvalidArgumentError(f"size must not be negative, got {length}")
    if weights.size and weights.shape != arr.shape:
        raise InvalidArgumentError(
            f"weights must be empty or have the shape of the input {list(arr.shape)}, got "
            f"{list(weights.shape)}"
        )
    return length


def _weights_of(xp: Any, arr: Any, weights: Any) -> Any:
    return weights if weights.shape == arr.shape else xp.ones(arr.shape, weights.dtype)


def _bincount_shape(arr: Any, size: Any, weights: Any) -> TensorShape:
    del arr, weights
    return TensorShape([value_of(size)])


@op(
    "Bincount",
    inputs=("arr: int32", "size: int32", "weights: T"),
    outputs=("bins: T",),
    constant_inputs=("size",),
    shape=_bincount_shape,
    differentiable=False,
)
def bincount(arr: Any, size: Any, weights: Any) -> Any:
    """How often each of the numbers 0 to size - 1 occurs, or the sum of its weights.

    Shape: arr [...], size scalar, weights [...] or [0] -> bins [size].
    Errors: InvalidArgumentError when a number or the size is negative, or the shapes differ.
    """
    xp = namespace(arr, weights)
    unary("Bincount", weights, _COUNTED)
    length = _bins(arr, size, weights)
    require(arr >= 0, InvalidArgumentError, "arr must not be negative")
    return _counted(xp, arr, _weights_of(xp, arr, weights), length)


def _dense_bincount_shape(
    input: Any, size: Any, weights: Any, *, binary_output: bool
) -> TensorShape:
    del weights, binary_output
    if input.shape.rank is None:
        return TensorShape(None)
    if input.shape.rank > 2:
        raise InvalidArgumentError(f"input must have rank 1 or 2, got shape {input.shape}")
    return TensorShape([*input.shape.as_list()[:-1], value_of(size)])


@op(
    "DenseBincount",
    inputs=("input: Tidx", "size: Tidx", "weights: T"),
    outputs=("output: T",),
    attrs={"binary_output": False},
    constant_inputs=("size",),
    shape=_dense_bincount_shape,
    differentiable=False,
)
def dense_bincount(input: Any, size: Any, weights: Any, *, binary_output: bool) -> Any:
    """How often each of the numbers 0 to size - 1 occurs in a vector, or in each row.

    Shape: input [n] or [b, n], size scalar, weights [...] or [0] -> output [size] or [b, size].
    Errors: InvalidArgumentError when a number or the size is negative, or the shapes differ.
    """
    xp = namespace(input, weights)
    unary("DenseBincount", input, _INDICES)
    unary("DenseBincount", weights, _COUNTED)
    if input.ndim > 2:
        raise InvalidArgumentError(
            f"input must have rank 1 or 2, got shape {list(input.shape)}"
        )
    length = _bins(input, size, weights)
    require(input >= 0, InvalidArgumentError, "input must not be negative")
    kind = weights.dtype
    # What is only to be seen as present counts once, whatever its weight.
    weights = xp.ones(input.shape, kind) if binary_output else _weights_of(xp, input, weights)
    if input.ndim < 2:
        counts = _counted(xp, input, weights, length)
        shape: tuple[int, ...] = (length,)
    else:
        rows = input.shape[0]
        # Row i counts in cells of its own; what is beyond its row is moved beyond all.
        first = xp.arange(rows, dtype=np.int64)[:, None] * length
        cells = xp.where(input < length, input + first, rows * length)
        counts = _counted(xp, cells, weights, rows * length)
        shape = (rows, length)
    if binary_output:
        counts = (counts != 0).astype(kind)
    return xp.reshape(counts, shape)


@op(
    "Bucketize",
    inputs=("input: T",),
    outputs=("output: int32",),
    attrs={"boundaries": REQUIRED},
    shape="same",
    differentiable=False,
)
def bucketize(input: Any, *, boundaries: tuple[float, ...]) -> Any:
    """Number of boundaries that are not above a value.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError when the boundaries are not sorted.
    """
    xp = unary("Bucketize", input, _COUNTED)
    edges = np.asarray(boundaries, np.float32)
    if np.any(edges[1:] < edges[:-1]):
        raise InvalidArgumentError(f"boundaries must be sorted, got {list(boundaries)}")
    values = input.astype(np.float64)
    found = xp.searchsorted(xp.asarray(edges, dtype=np.float64), values, side="right")
    return xp.asarray(found, dtype=np.int32)


def _histogram_shape(values: Any, value_range: Any, nbins: Any, *, dtype: DType) -> TensorShape:
    del values, value_range, dtype
    return TensorShape([value_of(nbins)])


@op(
    "HistogramFixedWidth",
    inputs=("values: T", "value_range: T", "nbins: int32"),
    outputs=("out: dtype",),
    attrs={"dtype": dtypes.int32},
    constant_inputs=("nbins",),
    shape=_histogram_shape,
    differentiable=False,
)
def histogram_fixed_width(values: Any, value_range: Any, nbins: Any, *, dtype: DType) -> Any:
    """How many values fall into each of `nbins` equal parts of a range, the outer ones open.

    Shape: values [...], value_range [2], nbins scalar -> out [nbins].
    Errors: InvalidArgumentError when nbins is not positive or the range is empty, or a value is
        NaN.
    """
    xp = namespace(values, value_range)
    unary("HistogramFixedWidth", values, _COUNTED)
    count = scalar_of(nbins, "nbins")
    if count <= 0:
        raise InvalidArgumentError(f"nbins must be positive, got {count}")
    if value_range.shape != (2,):
        raise InvalidArgumentError(
            f"value_range must have the shape [2], got {list(value_range.shape)}"
        )
    low, high = value_range[0], value_range[1]
    require(low < high, InvalidArgumentError, "value_range must be increasing")
    if values.dtype.kind == "f":
        require(
            ~xp.isnan(values), InvalidArgumentError, "values must not hold what is not a number"
        )
    step = (high.astype(np.float64) - low.astype(np.float64)) / count
    places = xp.floor((values.astype(np.float64) - low.astype(np.float64)) / step)
    cells = xp.clip(places, 0.0, float(count - 1)).astype(np.int64)
    return _counted(xp, cells, xp.ones(cells.shape, dtype.np), count)


def _in_top_k(predictions: Any, targets: Any, k: Any) -> Any:
    if predictions.ndim != 2 or targets.ndim != 1 or len(targets) != len(predictions):
        raise InvalidArgumentError(
            "predictions must be [batch, classes] and targets [batch], got "
            f"{list(predictions.shape)} and {list(targets.shape)}"
        )
    xp = namespace(predictions, targets)
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    if not classes:
        return inside
    safe = xp.where(inside, targets, 0)
    score = xp.take_along_axis(predictions, safe[:, None], axis=1)
    better = xp.sum(predictions > score, axis=1)
    # A row with a NaN or an infinity has no order that could be trusted.
    sound = xp.all(xp.isfinite(predictions), axis=1)
    return inside & sound & (better < k)


def _in_top_k_shape(predictions: Any, targets: Any, *_: Any, **__: Any) -> TensorShape:
    if predictions.shape.rank == 2 and predictions.shape[0] is not None:
        return TensorShape([predictions.shape[0]])
    return TensorShape([targets.shape[0] if targets.shape.rank == 1 else None])


@op(
    "InTopK",
    inputs=("predictions: float", "targets: T"),
    outputs=("precision: bool",),
    attrs={"k": REQUIRED},
    shape=_in_top_k_shape,
    differentiable=False,
)
def in_top_k(predictions: Any, targets: Any, *, k: int) -> Any:
    """Whether fewer than k classes have a higher score than the target.

    Shape: predictions [batch, classes], targets [batch] -> precision [batch].
    Errors: InvalidArgumentError when the ranks or batch sizes do not fit.
    """
    unary("InTopK", targets, _INDICES)
    return _in_top_k(predictions, targets, k)


@op(
    "InTopKV2",
    inputs=("predictions: float", "targets: T", "k: T"),
    outputs=("precision: bool",),
    shape=_in_top_k_shape,
    differentiable=False,
)
def in_top_k_v2(predictions: Any, targets: Any, k: Any) -> Any:
    """Whether fewer than k classes have a higher score than the target.

    Shape: predictions [batch, classes], targets [batch], k scalar -> precision [batch].
    Errors: InvalidArgumentError when the ranks or batch sizes do not fit.
    """
    unary("InTopKV2", targets, _INDICES)
    if k.ndim:
        raise InvalidArgumentError(f"k must be a scalar, got shape {list(k.shape)}")
    return _in_top_k(predictions, targets, k)
