"""Distinct elements, on the host alone: the size of the result depends on values."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.shapes import axis_in, value_of, with_size
from penstock.ops.table import op


def _vector(x: Any, name: str = "x") -> Any:
    if x.ndim != 1:
        raise InvalidArgumentError(f"{name} must be a vector, got shape {list(x.shape)}")
    return x


def _distinct(x: Any) -> tuple[Any, Any, Any]:
    """Places of the first of each distinct element, the number of each element's value, counts.

    Values are numbered in the order in which they appear; every NaN is a value of its own.
    """
    if x.dtype == object or x.dtype.kind == "V":
        return _distinct_objects(x.tolist())
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[inverse.reshape(-1)], counts[order]


def _distinct_objects(values: list[Any]) -> tuple[Any, Any, Any]:
    seen: dict[Any, int] = {}
    first: list[int] = []
    numbers = []
    for i, value in enumerate(values):
        number = seen.setdefault(value, len(first))
        if number == len(first):
            first.append(i)
        numbers.append(number)
    index = np.array(numbers, np.int64)
    return np.array(first, np.int64), index, np.bincount(index, minlength=len(first))


def _unique_shape(x: Any, **_: Any) -> tuple[TensorShape, ...]:
    return TensorShape.of((None,)), x.shape.with_rank(1)


@op(
    "Unique",
    inputs=("x: T",),
    outputs=("y: T", "idx: out_idx"),
    attrs={"out_idx": dtypes.int32},
    kernel="host",
    differentiable=False,
    shape=_unique_shape,
)
def unique(x: Any, *, out_idx: DType) -> Any:
    """Distinct elements in their first order, and the place of each element among them.

    Shape: x [n] -> y [m], idx [n].
    """
    first, index, _ = _distinct(_vector(x))
    return x[first], index.astype(out_idx.np)


@op(
    "UniqueWithCounts",
    inputs=("x: T",),
    outputs=("y: T", "idx: out_idx", "count: out_idx"),
    attrs={"out_idx": dtypes.int32},
    kernel="host",
    differentiable=False,
    shape=lambda x, **_: (*_unique_shape(x), TensorShape.of((None,))),
)
def unique_with_counts(x: Any, *, out_idx: DType) -> Any:
    """As Unique, and how often each distinct element appears.

    Shape: x [n] -> y [m], idx [n], count [m].
    """
    first, index, counts = _distinct(_vector(x))
    return x[first], index.astype(out_idx.np), counts.astype(out_idx.np)


def _distinct_along(x: Any, axis: Any) -> tuple[Any, Any, Any]:
    places = np.ravel(axis).tolist()
    if len(places) > 1 or (not places and x.ndim != 1):
        raise InvalidArgumentError(
            f"axis must hold one axis, or none for a vector, got {places} for {list(x.shape)}"
        )
    place = axis_in(places[0], x.ndim) if places else 0
    if x.ndim == 1:
        first, index, counts = _distinct(x)
        return x[first], index, counts
    moved = np.moveaxis(x, place, 0)
    rows = moved.reshape(len(moved), int(np.prod(moved.shape[1:])))
    if x.dtype == object:
        keys: list[Any] = [tuple(row) for row in rows.tolist()]
    else:
        # -0.0 equals 0.0, though their bytes differ.
        plain = rows + np.zeros((), x.dtype) if x.dtype.kind in "fc" else rows
        keys = [row.tobytes() for row in np.ascontiguousarray(plain)]
    first, index, counts = _distinct_objects(keys)
    return np.take(x, first, place), index, counts


def _unique_v2_shape(x: Any, axis: Any, **_: Any) -> tuple[TensorShape, ...]:
    rank = x.shape.rank
    known = axis.shape.rank == 1 and axis.shape[0] == 0
    place = 0 if known else value_of(axis) if axis.value is not None else None
    if rank is None or place is None:
        return unknown_shape(rank), unknown_shape(1)
    place = axis_in(place, rank)
    return with_size(x.shape, place, None), TensorShape.of((x.shape[place],))


@op(
    "UniqueV2",
    inputs=("x: T", "axis: Taxis"),
    outputs=("y: T", "idx: out_idx"),
    attrs={"out_idx": dtypes.int32},
    kernel="host",
    differentiable=False,
    shape=_unique_v2_shape,
)
def unique_v2(x: Any, axis: Any, *, out_idx: DType) -> Any:
    """Distinct slices along an axis, and the place of each slice in them.

    Shape: x [..., n, ...], axis [0] or [1] -> y [..., m, ...], idx [n].
    """
    y, index, _ = _distinct_along(x, axis)
    return y, index.astype(out_idx.np)


@op(
    "UniqueWithCountsV2",
    inputs=("x: T", "axis: Taxis"),
    outputs=("y: T", "idx: out_idx", "count: out_idx"),
    attrs={"out_idx": dtypes.int32},
    kernel="host",
    differentiable=False,
    shape=lambda x, axis, **_: (*_unique_v2_shape(x, axis), TensorShape.of((None,))),
)
def unique_with_counts_v2(x: Any, axis: Any, *, out_idx: DType) -> Any:
    """As UniqueV2, and how often each distinct slice appears.

    Shape: x [..., n, ...], axis [0] or [1] -> y [..., m, ...], idx [n], count [m].
    """
    y, index, counts = _distinct_along(x, axis)
    return y, index.astype(out_idx.np), counts.astype(out_idx.np)


@op(
    "ListDiff",
    inputs=("x: T", "y: T"),
    outputs=("out: T", "idx: out_idx"),
    attrs={"out_idx": dtypes.int32},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: (TensorShape.of((None,)),) * 2,
)
def list_diff(x: Any, y: Any, *, out_idx: DType) -> Any:
    """Elements of x that are not in y, in their order, and their places.

    Shape: x [n], y [m] -> out [k], idx [k].
    """
    if _vector(x).dtype == object:
        unwanted = set(_vector(y, "y").tolist())
        kept = [i for i, value in enumerate(x.tolist()) if value not in unwanted]
        index = np.array(kept, np.int64)
    else:
        index = np.flatnonzero(~np.isin(x, _vector(y, "y")))
    return x[index], index.astype(out_idx.np)
