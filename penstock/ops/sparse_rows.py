"""The rows of index matrices of sparse tensors: put in order, numbered, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape

Array = Any


def row_major(indices: Array) -> Array:
    """Permutation that puts rows into row-major order; equal rows keep theirs."""
    count, rank = indices.shape
    if rank == 0 or count < 2:
        return np.arange(count)
    return np.lexsort(indices.T[::-1])


def numbered(indices: Array) -> tuple[Array, Array]:
    """Distinct rows in row-major order, and for each row the number of its like among them."""
    order = row_major(indices)
    ordered = indices[order]
    new = np.ones((len(ordered),), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty((len(ordered),), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return ordered[new], numbers


def check_inside(indices: Array, shape: Sequence[int]) -> None:
    """Refuse rows that name no element of an array of `shape`."""
    if not indices.size:
        return
    bad = ((indices < 0) | (indices >= np.asarray(shape))).any(axis=1)
    if bad.any():
        place = int(np.argmax(bad))
        raise InvalidArgumentError(
            f"indices must lie inside of the shape {[int(n) for n in shape]}, got "
            f"indices[{place}] = {indices[place].tolist()}"
        )


def check_ordered(indices: Array) -> None:
    """Refuse rows that are not in row-major order, or occur twice."""
    if len(indices) < 2 or indices.shape[1] == 0:
        return
    step = np.sign(indices[1:] - indices[:-1])
    first = step[np.arange(len(step)), (step != 0).argmax(axis=1)]
    if (first > 0).all():
        return
    place = int(np.argmax(first <= 0)) + 1
    why = "is repeated" if first[place - 1] == 0 else "is out of order"
    raise InvalidArgumentError(
        f"indices[{place}] = {indices[place].tolist()} {why}; use tf.sparse.reorder to put "
        "indices into row-major order"
    )


def check_parts(indices: Array, values: Array, shape: Array) -> None:
    """Refuse the three parts of a sparse tensor when they do not fit each other."""
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise InvalidArgumentError(
            "a sparse tensor must have a matrix of indices and vectors of values and sizes, "
            f"got shapes {list(indices.shape)}, {list(values.shape)} and {list(shape.shape)}"
        )
    if indices.shape != (len(values), len(shape)):
        raise InvalidArgumentError(
            f"indices must have the shape [{len(values)}, {len(shape)}] of values and "
            f"dense_shape, got {list(indices.shape)}"
        )


def strides_of(shape: Sequence[int]) -> Array:
    """Distance of neighbours on each axis in row-major order."""
    sizes = np.ones((len(shape),), np.int64)
    if len(shape) > 1:
        sizes[:-1] = np.cumprod(np.asarray(shape[:0:-1], np.int64))[::-1]
    return sizes


def flat_places(indices: Array, shape: Sequence[int]) -> Array:
    """Places of rows in an array of `shape` that is read in row-major order."""
    return indices @ strides_of(list(shape)) if len(shape) else np.zeros(len(indices), np.int64)


def summed(numbers: Array, values: Array, count: int) -> Array:
    """Sum of the rows of `values` that have the same number, for numbers below `count`."""
    out = np.zeros((count, *values.shape[1:]), values.dtype)
    if not len(numbers):
        return out
    if len(numbers) > 1 and (numbers[1:] < numbers[:-1]).any():
        order = np.argsort(numbers, kind="stable")
        numbers, values = numbers[order], values[order]
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    out[numbers[starts]] = np.add.reduceat(values, starts, axis=0)
    return out


def sparse_shapes(rank: int | None, count: int | None = None) -> tuple[TensorShape, ...]:
    """Static shapes of the three parts of a sparse tensor."""
    return TensorShape([count, rank]), TensorShape([count]), TensorShape([rank])


def rank_of(spec: Any) -> int | None:
    """Rank of a sparse tensor, from the spec of its dense_shape."""
    size: int | None = spec.shape[0]
    return size
