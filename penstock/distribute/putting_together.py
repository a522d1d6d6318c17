"""Sums, means and joins of what several replicas have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes
from penstock.distribute.values import ReduceOp
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices


def reduced(kind: ReduceOp, values: Sequence[Any]) -> Any:
    """Sum or mean of tensors, or of slices at indices."""
    if all(isinstance(value, IndexedSlices) for value in values):
        joined = IndexedSlices(
            call("ConcatV2", [value.values for value in values], 0),
            call("ConcatV2", [value.indices for value in values], 0),
            values[0].dense_shape,
        )
        if kind is ReduceOp.SUM:
            return joined
        scaled = _divided(joined.values, len(values))
        return IndexedSlices(scaled, joined.indices, joined.dense_shape)
    total = call("AddN", [convert_to_tensor(value) for value in values])
    return total if kind is ReduceOp.SUM else _divided(total, len(values))


def _divided(total: Any, count: int) -> Any:
    if total.dtype.is_integer:
        return call("FloorDiv", total, call("Cast", count, DstT=total.dtype))
    return call("RealDiv", total, call("Cast", count, DstT=total.dtype))


def reduced_along(kind: ReduceOp, values: Sequence[Any], axis: int) -> Any:
    """Sum or mean of the elements of all replicas along an axis, and of the replicas."""
    tensors = [convert_to_tensor(value) for value in values]
    total = call("AddN", [call("Sum", tensor, axis) for tensor in tensors])
    if kind is ReduceOp.SUM:
        return total
    # Replicas may have different numbers of elements.
    counts = [call("Shape", tensor, out_type=dtypes.int64)[axis] for tensor in tensors]
    count = call("Cast", call("AddN", counts), DstT=total.dtype)
    return call("FloorDiv" if total.dtype.is_integer else "RealDiv", total, count)


def joined_along(values: Sequence[Any], axis: int) -> Any:
    """The values of all replicas joined along an axis."""
    return call("ConcatV2", [convert_to_tensor(value) for value in values], axis)
