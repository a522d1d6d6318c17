"""Crosses of features: all combinations of the features that several columns give each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.farmhash import concatenated, fingerprints

Array = Any


@dataclass(frozen=True, slots=True)
class Column:
    """The features of all rows, one after the other; row r has those from splits[r] on."""

    values: Array
    splits: Array

    @property
    def counts(self) -> Array:
        """Number of features of each row."""
        return self.splits[1:] - self.splits[:-1]


def sparse_column(indices: Array, values: Array, shape: Array) -> Column:
    """Column of a sparse matrix."""
    if indices.ndim != 2 or indices.shape != (len(values), 2) or len(shape) != 2:
        raise InvalidArgumentError(
            f"sparse inputs must be matrices, got indices {list(indices.shape)}, values "
            f"{list(values.shape)} and {len(shape)} axes"
        )
    rows = indices[:, 0]
    count = int(shape[0])
    if len(rows) and (rows.min() < 0 or rows.max() >= count):
        raise InvalidArgumentError(
            f"indices must lie in rows 0 to {count - 1}, got row {int(rows.max())}"
        )
    if len(rows) > 1 and (rows[1:] < rows[:-1]).any():
        order = np.argsort(rows, kind="stable")
        rows, values = rows[order], values[order]
    return Column(values, np.searchsorted(rows, np.arange(count + 1)))


def dense_column(values: Array) -> Column:
    """Column of a matrix: all of a row are its features."""
    if values.ndim != 2:
        raise InvalidArgumentError(
            f"dense inputs must be matrices, got shape {list(values.shape)}"
        )
    rows, width = values.shape
    return Column(values.ravel(), np.arange(rows + 1) * width)


def ragged_column(values: Array, splits: Array) -> Column:
    """Column of a ragged matrix."""
    if values.ndim != 1 or splits.ndim != 1 or not len(splits):
        raise InvalidArgumentError(
            f"ragged inputs must have vectors of values and splits, got shapes "
            f"{list(values.shape)} and {list(splits.shape)}"
        )
    return Column(values, splits.astype(np.int64))


def combinations(columns: Sequence[Column]) -> tuple[Array, list[Array]]:
    """All combinations row by row, those of the last column changing fastest.

    Returns:
        The splits of the rows, and for each column its feature in each combination.
    """
    if not columns:
        raise InvalidArgumentError("at least one input must be given to cross, got none")
    rows = len(columns[0].splits) - 1
    if any(len(column.splits) - 1 != rows for column in columns):
        raise InvalidArgumentError(
            f"inputs must have one number of rows, got "
            f"{[len(column.splits) - 1 for column in columns]}"
        )
    counts = [column.counts for column in columns]
    totals = np.prod(counts, axis=0)
    splits = np.concatenate([[0], np.cumsum(totals)])
    row = np.repeat(np.arange(rows), totals)
    left = np.arange(int(splits[-1])) - splits[row]
    features: list[Array] = []
    for column, count in zip(reversed(columns), reversed(counts), strict=True):
        left, place = np.divmod(left, np.maximum(count, 1)[row])
        features.append(column.values[column.splits[row] + place])
    return splits, features[::-1]


def joined(features: Sequence[Array], separator: bytes) -> Array:
    """Combinations as text."""
    texts = [
        part.tolist() if part.dtype == object else [b"%d" % number for number in part.tolist()]
        for part in features
    ]
    result = np.empty((len(texts[0]),), object)
    result[:] = [separator.join(parts) for parts in zip(*texts, strict=True)]
    return result


def hashed(features: Sequence[Array], num_buckets: int, hash_key: int) -> Array:
    """Combinations as numbers of buckets, or as large numbers where there are no buckets."""
    key = np.full((len(features[0]),), hash_key % (1 << 64), np.uint64)
    for part in features:
        words = fingerprints(part.tolist()) if part.dtype == object else part.astype(np.uint64)
        key = concatenated(key, words)
    limit = num_buckets if num_buckets > 0 else np.iinfo(np.int64).max
    return (key % np.uint64(limit)).astype(np.int64)


def crossed(
    columns: Sequence[Column],
    *,
    hashed_output: bool,
    num_buckets: int,
    hash_key: int,
    separator: bytes = b"_X_",
) -> tuple[Array, Array]:
    """Splits of the rows, and the combinations as text or numbers."""
    splits, features = combinations(columns)
    if hashed_output:
        return splits, hashed(features, num_buckets, hash_key)
    return splits, joined(features, separator)
