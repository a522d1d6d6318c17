"""Sums, means, extremes and orders along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api import array as array_ops
from penstock.api import math, ordering, reductions
from penstock.api.casting import cast
from penstock.api.filling import zeros_like
from penstock.api.indexing import where as select_where
from penstock.api.numpy.elementwise import isnan
from penstock.api.numpy.operands import floating, promoted
from penstock.api.numpy.operands import tensor_of as asarray
from penstock.core import dtypes


def _wide(a: Any, dtype: Any) -> Any:
    """The array in the dtype that sums are made in: narrow whole numbers get 64 bits."""
    value = asarray(a, dtype)
    if dtype is not None:
        return value
    if value.dtype is dtypes.bool or (value.dtype.is_integer and not value.dtype.is_unsigned):
        return cast(value, dtypes.int64)
    return cast(value, dtypes.uint64) if value.dtype.is_integer else value


def _no_out(out: Any) -> None:
    if out is not None:
        raise ValueError(f"out must be None, as tensors do not change, got {out!r}")


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Sum along axes."""
    return reductions.reduce_sum(_wide(a, dtype), axis, bool(keepdims))


def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Product along axes."""
    return reductions.reduce_prod(_wide(a, dtype), axis, bool(keepdims))


def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None
) -> Any:
    """Mean along axes; of whole numbers in double precision."""
    _no_out(out)
    value = floating(a) if dtype is None else asarray(a, dtype)
    return reductions.reduce_mean(value, axis, bool(keepdims))


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: int = 0,
    keepdims: Any = None,
) -> Any:
    """Mean of squared distances from the mean.

    Args:
        a: numbers.
        axis: axes, None for all.
        dtype: to compute in.
        out: must be None.
        ddof: taken off the number of elements.
        keepdims: keep the axes with size one.
    """
    _no_out(out)
    value = floating(a) if dtype is None else asarray(a, dtype)
    found = reductions.reduce_variance(value, axis, bool(keepdims))
    if ddof == 0:
        return found
    ones = np.ones((), found.dtype.as_numpy_dtype)
    count = cast(_count(value, axis), found.dtype)
    return found * count / (count - ddof * ones)


def _count(value: Any, axis: Any) -> Any:
    lengths = array_ops.shape(value)
    if axis is None:
        return array_ops.size(value)
    axes = [axis] if isinstance(axis, int) else list(axis)
    total: Any = 1
    for each in axes:
        total = total * lengths[each]
    return total


def std(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Square root of the variance."""
    return math.sqrt(var(a, axis, keepdims=keepdims))


def max(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Largest along axes."""
    value = asarray(a)
    if value.dtype is dtypes.bool:
        return reductions.reduce_any(value, axis, bool(keepdims))
    return reductions.reduce_max(value, axis, bool(keepdims))


def min(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Smallest along axes."""
    value = asarray(a)
    if value.dtype is dtypes.bool:
        return reductions.reduce_all(value, axis, bool(keepdims))
    return reductions.reduce_min(value, axis, bool(keepdims))


def amax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """Largest along axes."""
    _no_out(out)
    return max(a, axis, keepdims)


def amin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """Smallest along axes."""
    _no_out(out)
    return min(a, axis, keepdims)


def ptp(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Largest less smallest along axes."""
    return max(a, axis, keepdims) - min(a, axis, keepdims)


def _truth(a: Any) -> Any:
    value = asarray(a)
    return value if value.dtype is dtypes.bool else math.not_equal(value, zeros_like(value))


def all(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Whether no element along axes is zero."""
    return reductions.reduce_all(_truth(a), axis, bool(keepdims))


def any(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Whether an element along axes is not zero."""
    return reductions.reduce_any(_truth(a), axis, bool(keepdims))


def count_nonzero(a: Any, axis: Any = None) -> Any:
    """Number of elements along axes that are not zero."""
    return reductions.reduce_sum(cast(_truth(a), dtypes.int64), axis)


def _flat_if_none(a: Any, axis: Any) -> tuple[Any, int]:
    value = asarray(a)
    return (array_ops.reshape(value, [-1]), 0) if axis is None else (value, axis)


def argmax(a: Any, axis: Any = None) -> Any:
    """Place of the first largest element along an axis, None for the flattened array."""
    return reductions.argmax(*_flat_if_none(a, axis))


def argmin(a: Any, axis: Any = None) -> Any:
    """Place of the first smallest element along an axis, None for the flattened array."""
    return reductions.argmin(*_flat_if_none(a, axis))


def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sums along an axis, None for the flattened array."""
    return math.cumsum(*_flat_if_none(_wide(a, dtype), axis))


def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running products along an axis, None for the flattened array."""
    return math.cumprod(*_flat_if_none(_wide(a, dtype), axis))


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Sort along an axis, None for the flattened array.

    Raises:
        ValueError: another kind than "quicksort" or "stable", or an order.
    """
    _check_order(kind, order)
    return ordering.sort(*_flat_if_none(a, axis))


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Places of the elements in their order along an axis, None for the flattened array.

    Raises:
        ValueError: another kind than "quicksort" or "stable", or an order.
    """
    _check_order(kind, order)
    found = ordering.argsort(*_flat_if_none(a, axis), stable=kind == "stable")
    return cast(found, dtypes.int64)


def _check_order(kind: str, order: Any) -> None:
    if kind not in ("quicksort", "stable") or order is not None:
        raise ValueError(
            f"kind must be 'quicksort' or 'stable' and order None, got {kind!r} and {order!r}"
        )


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    """Weighted mean along an axis.

    Args:
        a: numbers.
        axis: one axis, None for the flattened array.
        weights: of the shape of `a`, or of its axis; None for equal ones.
        returned: return the sum of the weights too.
    """
    value = floating(a)
    if weights is None:
        found = reductions.reduce_mean(value, axis)
        total = cast(_count(value, axis), found.dtype)
    else:
        value, factors = promoted(value, weights)
        if factors.shape.rank == 1 and value.shape.rank != 1:
            shape = [1] * value.shape.rank
            shape[axis] = -1
            factors = array_ops.reshape(factors, shape)
        total = reductions.reduce_sum(factors + zeros_like(value), axis)
        found = reductions.reduce_sum(value * factors, axis) / total
    if not returned:
        return found
    return found, array_ops.broadcast_to(total, array_ops.shape(found))


def _without_nan(a: Any, fill: int) -> tuple[Any, Any]:
    value = asarray(a)
    lacking = isnan(value)
    filled = cast(asarray(fill), value.dtype)
    return select_where(lacking, filled, value), lacking


def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """Sum along axes, NaN left out."""
    return sum(_without_nan(a, 0)[0], axis, dtype, keepdims)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """Product along axes, NaN left out."""
    return prod(_without_nan(a, 1)[0], axis, dtype, keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Mean along axes, NaN left out."""
    value, lacking = _without_nan(floating(a), 0)
    count = sum(math.logical_not(lacking), axis, keepdims=keepdims)
    total = sum(value, axis, dtype, keepdims)
    return total / cast(count, total.dtype)
