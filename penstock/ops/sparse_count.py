"""Counting values row by row, given as sparse, ragged and dense tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.shapes import value_of, values_of
from penstock.ops.sparse_rows import sparse_shapes
from penstock.ops.table import REQUIRED, op

Array = Any


def _table(
    rows: Array | None, values: Array, weights: Array, shape: tuple[int, ...], *, binary: bool
) -> Array:
    """Counts of the values below shape[-1], for each row if there are rows."""
    if len(values) and values.min() < 0:
        raise InvalidArgumentError(f"values must not be negative, got {int(values.min())}")
    inside = values < shape[-1]
    cells = (values[inside],) if rows is None else (rows[inside], values[inside])
    result = np.zeros(shape, weights.dtype)
    if binary:
        result[cells] = 1
    else:
        np.add.at(result, cells, weights[inside] if len(weights) else weights.dtype.type(1))
    return result


def _size(size: Array) -> int:
    count = int(np.asarray(size).reshape(()))
    if count < 0:
        raise InvalidArgumentError(f"size must not be negative, got {count}")
    return count


def _check_weights(values: Array, weights: Array) -> None:
    if weights.size and weights.shape != values.shape:
        raise InvalidArgumentError(
            f"weights must be empty or have the shape {list(values.shape)} of values, got "
            f"{list(weights.shape)}"
        )


def _sparse_bins(
    indices: Any, values: Any, dense_shape: Any, size: Any, *_: Any, **__: Any
) -> Any:
    del indices, values
    rank = dense_shape.shape[0]
    if rank is None:
        return TensorShape(None)
    sizes = values_of(dense_shape)
    count = value_of(size)
    return TensorShape([count] if rank == 1 else [sizes[0] if sizes else None, count])


@op(
    "SparseBincount",
    inputs=(
        "indices: int64",
        "values: Tidx",
        "dense_shape: int64",
        "size: Tidx",
        "weights: T",
    ),
    outputs=("output: T",),
    attrs={"binary_output": False},
    kernel="host",
    shape=_sparse_bins,
)
def sparse_bincount(
    indices: Array,
    values: Array,
    dense_shape: Array,
    size: Array,
    weights: Array,
    *,
    binary_output: bool,
) -> Array:
    """How often each number below `size` occurs in each row of a sparse matrix or vector.

    Shape: indices [n, rank], values [n], dense_shape [rank], size [], weights [n] or [0] ->
        output [size] or [rows, size].
    Errors: InvalidArgumentError when a value is negative or the rank is not 1 or 2.
    """
    _check_weights(values, weights)
    count = _size(size)
    if len(dense_shape) == 1:
        return _table(None, values, weights, (count,), binary=binary_output)
    if len(dense_shape) != 2:
        raise InvalidArgumentError(
            f"the sparse tensor must have 1 or 2 axes, got {len(dense_shape)}"
        )
    shape = int(dense_shape[0]), count
    return _table(_rows_in(indices, shape[0]), values, weights, shape, binary=binary_output)


def _rows_in(indices: Array, count: int) -> Array:
    rows = indices[:, 0]
    if len(rows) and (rows.min() < 0 or rows.max() >= count):
        raise InvalidArgumentError(f"indices must lie in rows 0 to {count - 1}")
    return rows


def _ragged_bins(splits: Any, values: Any, size: Any, weights: Any, **_: Any) -> TensorShape:
    del values, weights
    ends = splits.shape[0]
    return TensorShape([None if ends is None else ends - 1, value_of(size)])


def _ragged_rows(splits: Array, values: Array) -> Array:
    if not len(splits) or splits[0] != 0 or splits[-1] != len(values):
        raise InvalidArgumentError(
            f"splits must begin with 0 and end with the number of values {len(values)}, got "
            f"{splits[:1].tolist()} and {splits[-1:].tolist()}"
        )
    return np.repeat(np.arange(len(splits) - 1), splits[1:] - splits[:-1])


@op(
    "RaggedBincount",
    inputs=("splits: int64", "values: Tidx", "size: Tidx", "weights: T"),
    outputs=("output: T",),
    attrs={"binary_output": False},
    kernel="host",
    shape=_ragged_bins,
)
def ragged_bincount(
    splits: Array, values: Array, size: Array, weights: Array, *, binary_output: bool
) -> Array:
    """How often each number below `size` occurs in each row of a ragged matrix.

    Shape: splits [rows + 1], values [n], size [], weights [n] or [0] -> output [rows, size].
    Errors: InvalidArgumentError when a value is negative or splits do not fit the values.
    """
    _check_weights(values, weights)
    shape = len(splits) - 1, _size(size)
    return _table(_ragged_rows(splits, values), values, weights, shape, binary=binary_output)


def _counted(
    rows: Array,
    count: int,
    values: Array,
    weights: Array,
    *,
    minlength: int,
    maxlength: int,
    binary_output: bool,
) -> tuple[Array, Array, Array]:
    """The counts that are not zero, as a sparse matrix with a row for each of `count`."""
    _check_weights(values, weights)
    if len(values) and values.min() < 0:
        raise InvalidArgumentError(f"values must not be negative, got {int(values.min())}")
    width = max(int(values.max()) + 1 if len(values) else 0, minlength, 0)
    if maxlength >= 0:
        width = maxlength
        inside = values < maxlength
        rows, values = rows[inside], values[inside]
        weights = weights[inside] if len(weights) else weights
    cells, where = np.unique(
        rows.astype(np.int64) * max(width, 1) + values, return_inverse=True
    )
    if binary_output:
        totals = np.ones((len(cells),), weights.dtype)
    else:
        totals = np.zeros((len(cells),), weights.dtype)
        np.add.at(totals, where, weights if len(weights) else weights.dtype.type(1))
    places = np.stack(np.divmod(cells, max(width, 1)), axis=1).astype(np.int64)
    return places, totals, np.asarray([count, width], np.int64)


_COUNT_OUTPUTS = (
    "output_indices: int64",
    "output_values: output_type",
    "output_dense_shape: int64",
)
_COUNT_ATTRS = {"minlength": -1, "maxlength": -1, "binary_output": REQUIRED}


def _as_vector(result: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    places, totals, shape = result
    return places[:, 1:], totals, shape[1:]


@op(
    "DenseCountSparseOutput",
    inputs=("values: T", "weights: output_type"),
    outputs=_COUNT_OUTPUTS,
    attrs=_COUNT_ATTRS,
    kernel="host",
    shape=lambda values, *_, **__: sparse_shapes(values.shape.rank),
)
def dense_count_sparse_output(values: Array, weights: Array, **limits: Any) -> Any:
    """How often each number occurs in a vector or in each row of a matrix, as sparse counts.

    Shape: values [n] or [rows, n], weights [...] like values or [0] ->
        output_indices [m, rank], output_values [m], output_dense_shape [rank].
    Errors: InvalidArgumentError when a value is negative or the rank is not 1 or 2.
    """
    if values.ndim not in (1, 2):
        raise InvalidArgumentError(f"values must have 1 or 2 axes, got {values.ndim}")
    _check_weights(values, weights)
    count = values.shape[0] if values.ndim == 2 else 1
    rows = np.repeat(np.arange(count), values.shape[-1])
    result = _counted(rows, count, values.ravel(), weights.ravel(), **limits)
    return result if values.ndim == 2 else _as_vector(result)


@op(
    "SparseCountSparseOutput",
    inputs=("indices: int64", "values: T", "dense_shape: int64", "weights: output_type"),
    outputs=_COUNT_OUTPUTS,
    attrs=_COUNT_ATTRS,
    kernel="host",
    shape=lambda *specs, **_: sparse_shapes(specs[2].shape[0]),
)
def sparse_count_sparse_output(
    indices: Array, values: Array, dense_shape: Array, weights: Array, **limits: Any
) -> Any:
    """How often each number occurs in a sparse vector or in each row of a sparse matrix.

    Shape: indices [n, rank], values [n], dense_shape [rank], weights [n] or [0] ->
        output_indices [m, rank], output_values [m], output_dense_shape [rank].
    Errors: InvalidArgumentError when a value is negative or the rank is not 1 or 2.
    """
    if len(dense_shape) == 1:
        rows = np.zeros((len(values),), np.int64)
        return _as_vector(_counted(rows, 1, values, weights, **limits))
    if len(dense_shape) != 2:
        raise InvalidArgumentError(
            f"the sparse tensor must have 1 or 2 axes, got {len(dense_shape)}"
        )
    count = int(dense_shape[0])
    return _counted(_rows_in(indices, count), count, values, weights, **limits)


@op(
    "RaggedCountSparseOutput",
    inputs=("splits: int64", "values: T", "weights: output_type"),
    outputs=_COUNT_OUTPUTS,
    attrs=_COUNT_ATTRS,
    kernel="host",
    shape=lambda *_, **__: sparse_shapes(2),
)
def ragged_count_sparse_output(
    splits: Array, values: Array, weights: Array, **limits: Any
) -> Any:
    """How often each number occurs in each row of a ragged matrix, as sparse counts.

    Shape: splits [rows + 1], values [n], weights [n] or [0] -> output_indices [m, 2],
        output_values [m], output_dense_shape [2].
    Errors: InvalidArgumentError when a value is negative or splits do not fit the values.
    """
    return _counted(_ragged_rows(splits, values), len(splits) - 1, values, weights, **limits)
