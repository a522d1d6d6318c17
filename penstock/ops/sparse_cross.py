"""Crosses of features given as sparse, dense and ragged matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.crossing import (
    Column,
    crossed,
    dense_column,
    ragged_column,
    sparse_column,
)
from penstock.ops.sparse_rows import sparse_shapes
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any

_SPARSE_INPUTS = (
    "indices: N * int64",
    "values: sparse_types",
    "shapes: N * int64",
    "dense_inputs: dense_types",
)


def _columns(
    indices: Sequence[Array],
    values: Sequence[Array],
    shapes: Sequence[Array],
    dense_inputs: Sequence[Array],
) -> list[Column]:
    sparse = [
        sparse_column(rows, items, shape)
        for rows, items, shape in zip(indices, values, shapes, strict=True)
    ]
    return sparse + [dense_column(each) for each in dense_inputs]


def _as_sparse(splits: Array, values: Array) -> tuple[Array, Array, Array]:
    counts = splits[1:] - splits[:-1]
    row = np.repeat(np.arange(len(counts)), counts)
    places = np.stack([row, np.arange(len(values)) - splits[row]], axis=1).astype(np.int64)
    widest = int(counts.max()) if len(counts) else 0
    return places, values, np.asarray([len(counts), widest], np.int64)


def _matrix_shape(*_: Any, **__: Any) -> Any:
    return sparse_shapes(2)


@op(
    "SparseCross",
    inputs=_SPARSE_INPUTS,
    outputs=("output_indices: int64", "output_values: out_type", "output_shape: int64"),
    attrs={
        "hashed_output": REQUIRED,
        "num_buckets": REQUIRED,
        "hash_key": REQUIRED,
        "sparse_types": TYPE_LIST,
        "dense_types": TYPE_LIST,
        "out_type": REQUIRED,
        "internal_type": REQUIRED,
    },
    kernel="host",
    differentiable=False,
    shape=_matrix_shape,
)
def sparse_cross(
    indices: Sequence[Array],
    values: Sequence[Array],
    shapes: Sequence[Array],
    dense_inputs: Sequence[Array],
    *,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    **_: Any,
) -> Any:
    """All combinations of the features of each row, as text or as numbers of buckets.

    Shape: indices [n, 2], values [n], shapes [2], dense_inputs [batch, k] ->
        output_indices [m, 2], output_values [m], output_shape [2].
    Errors: InvalidArgumentError when the inputs are no matrices of one number of rows.
    """
    columns = _columns(indices, values, shapes, dense_inputs)
    return _as_sparse(
        *crossed(
            columns, hashed_output=hashed_output, num_buckets=num_buckets, hash_key=hash_key
        )
    )


@op(
    "SparseCrossV2",
    inputs=(*_SPARSE_INPUTS, "sep: string"),
    outputs=("output_indices: int64", "output_values: string", "output_shape: int64"),
    attrs={"sparse_types": TYPE_LIST, "dense_types": TYPE_LIST},
    kernel="host",
    differentiable=False,
    shape=_matrix_shape,
)
def sparse_cross_v2(
    indices: Sequence[Array],
    values: Sequence[Array],
    shapes: Sequence[Array],
    dense_inputs: Sequence[Array],
    sep: Array,
    **_: Any,
) -> Any:
    """All combinations of the features of each row, as text with a separator.

    Shape: indices [n, 2], values [n], shapes [2], dense_inputs [batch, k], sep [] ->
        output_indices [m, 2], output_values [m], output_shape [2].
    Errors: InvalidArgumentError when the inputs are no matrices of one number of rows.
    """
    columns = _columns(indices, values, shapes, dense_inputs)
    separator = np.asarray(sep).reshape(()).item()
    return _as_sparse(
        *crossed(columns, hashed_output=False, num_buckets=0, hash_key=0, separator=separator)
    )


def _ragged_shape(*_: Any, **__: Any) -> Any:
    return TensorShape([None]), TensorShape([None])


@op(
    "RaggedCross",
    inputs=(
        "ragged_values: ragged_values_types",
        "ragged_row_splits: ragged_splits_types",
        "sparse_indices: Nsparse * int64",
        "sparse_values: sparse_values_types",
        "sparse_shape: Nsparse * int64",
        "dense_inputs: dense_types",
    ),
    outputs=("output_values: out_values_type", "output_row_splits: out_row_splits_type"),
    attrs={
        "input_order": REQUIRED,
        "hashed_output": REQUIRED,
        "num_buckets": REQUIRED,
        "hash_key": REQUIRED,
        "ragged_values_types": TYPE_LIST,
        "ragged_splits_types": TYPE_LIST,
        "sparse_values_types": TYPE_LIST,
        "dense_types": TYPE_LIST,
        "out_values_type": REQUIRED,
        "out_row_splits_type": REQUIRED,
    },
    kernel="host",
    differentiable=False,
    shape=_ragged_shape,
)
def ragged_cross(  # noqa: PLR0917  (as many inputs as the op has)
    ragged_values: Sequence[Array],
    ragged_row_splits: Sequence[Array],
    sparse_indices: Sequence[Array],
    sparse_values: Sequence[Array],
    sparse_shape: Sequence[Array],
    dense_inputs: Sequence[Array],
    *,
    input_order: str,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    out_row_splits_type: Any,
    **_: Any,
) -> Any:
    """All combinations of the features of each row, as a ragged matrix.

    Shape: ragged_values [n], ragged_row_splits [batch + 1], sparse_indices [n, 2],
        sparse_values [n], sparse_shape [2], dense_inputs [batch, k] -> output_values [m],
        output_row_splits [batch + 1].
    Errors: InvalidArgumentError when the inputs are no matrices of one number of rows.
    """
    given = {
        "R": [
            ragged_column(*each) for each in zip(ragged_values, ragged_row_splits, strict=True)
        ],
        "S": [
            sparse_column(*each)
            for each in zip(sparse_indices, sparse_values, sparse_shape, strict=True)
        ],
        "D": [dense_column(each) for each in dense_inputs],
    }
    order = input_order.decode() if isinstance(input_order, bytes) else input_order
    if any(order.count(kind) != len(columns) for kind, columns in given.items()):
        raise InvalidArgumentError(
            f"input_order must name each ragged (R), sparse (S) and dense (D) input, got "
            f"{order!r}"
        )
    columns = [given[kind].pop(0) for kind in order]
    splits, values = crossed(
        columns, hashed_output=hashed_output, num_buckets=num_buckets, hash_key=hash_key
    )
    return values, splits.astype(out_row_splits_type.np)
