"""Counts and crosses of features, as sparse tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = ["bincount", "cross", "cross_hashed"]

# The key that TensorFlow hashes crosses with when none is given.
DEFAULT_HASH_KEY = 0xDECAFCAFFE


def bincount(
    values: Any,
    weights: Any = None,
    axis: int | None = 0,
    minlength: int | None = None,
    maxlength: int | None = None,
    binary_output: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """How often each number occurs, as a sparse tensor of the counts that are not 0.

    Args:
        values: a dense, sparse or ragged tensor of numbers that are not negative.
        weights: what each number counts instead of 1; of the kind and shape of `values`.
        axis: 0 or None counts all together, -1 each row of a matrix by itself.
        minlength: least size of the last axis.
        maxlength: size of the last axis; larger numbers are not counted.
        binary_output: 1 for each number that occurs, however often.
        name: name of the node in a graph.

    Raises:
        ValueError: another axis, or both `weights` and `binary_output`.
        InvalidArgumentError: a number is negative.
    """
    if axis not in (None, 0, -1):
        raise ValueError(
            f"Unsupported value for argument axis={axis}. Only 0 and -1 are supported."
        )
    if weights is not None and binary_output:
        raise ValueError("weights and binary_output exclude each other; give one of them")
    limits = {
        "minlength": -1 if minlength is None else int(minlength),
        "maxlength": -1 if maxlength is None else int(maxlength),
        "binary_output": bool(binary_output),
    }
    if not isinstance(values, CompositeTensor):
        values = convert_to_tensor(values)
        if values.dtype not in (dtypes.int32, dtypes.int64):
            values = call("Cast", values, DstT=dtypes.int64)
    by_row = axis == -1
    if not by_row:
        values, weights = _flat(values), None if weights is None else _flat(weights)
    if weights is None:
        counted = np.zeros((0,), values.dtype.np)
    elif isinstance(weights, CompositeTensor):
        counted = weights.values  # type: ignore[attr-defined]
    else:
        counted = convert_to_tensor(weights)
    if isinstance(values, SparseTensor):
        parts = values.indices, values.values, values.dense_shape
        result = call("SparseCountSparseOutput", *parts, counted, **limits)
    elif isinstance(values, CompositeTensor):
        splits = call("Cast", values.row_splits, DstT=dtypes.int64)  # type: ignore[attr-defined]
        result = call("RaggedCountSparseOutput", splits, values.values, counted, **limits)  # type: ignore[attr-defined]
    else:
        result = call("DenseCountSparseOutput", values, counted, **limits)
    return SparseTensor(*result)


def _flat(value: Any) -> Any:
    """All elements as one vector."""
    if isinstance(value, SparseTensor):
        return value.values
    if isinstance(value, CompositeTensor):
        return _flat(value.flat_values)  # type: ignore[attr-defined]
    return call("Reshape", convert_to_tensor(value), [-1])


def cross_columns(inputs: Sequence[Any]) -> tuple[list[SparseTensor], list[Any]]:
    """Sparse and dense inputs of a cross, with int64 for all integers.

    Raises:
        TypeError: the inputs are no list, or one is of another kind.
    """
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("Inputs must be a list")
    sparse, dense = [], []
    for each in inputs:
        if isinstance(each, SparseTensor):
            sparse.append(each.with_values(as_feature(each.values)))
        elif isinstance(each, CompositeTensor):
            raise TypeError("All inputs must be Tensor or SparseTensor.")
        else:
            dense.append(as_feature(convert_to_tensor(each)))
    return sparse, dense


def as_feature(values: Any) -> Any:
    """Strings as they are, numbers as int64."""
    if values.dtype in (dtypes.string, dtypes.int64):
        return values
    return call("Cast", values, DstT=dtypes.int64)


def cross(
    inputs: Sequence[Any], name: str | None = None, separator: str | None = None
) -> SparseTensor:
    """All combinations of the features that the inputs give each row, as text.

    Args:
        inputs: sparse and dense matrices of integers or strings, with one number of rows.
        name: name of the node in a graph.
        separator: what stands between the features; None is "_X_".

    Returns:
        A sparse matrix of strings; features of sparse inputs come before those of dense ones.
    """
    sparse, dense = cross_columns(inputs)
    return SparseTensor(
        *call(
            "SparseCrossV2",
            [each.indices for each in sparse],
            [each.values for each in sparse],
            [each.dense_shape for each in sparse],
            dense,
            convert_to_tensor("_X_" if separator is None else separator),
            name=name,
        )
    )


def cross_hashed(
    inputs: Sequence[Any],
    num_buckets: int = 0,
    hash_key: int | None = None,
    name: str | None = None,
) -> SparseTensor:
    """All combinations of the features that the inputs give each row, as numbers of buckets.

    Args:
        inputs: sparse and dense matrices of integers or strings, with one number of rows.
        num_buckets: number of buckets; 0 gives the whole hash.
        hash_key: where the hash starts; None takes TensorFlow's key.
        name: name of the node in a graph.
    """
    sparse, dense = cross_columns(inputs)
    values = [*(each.values for each in sparse), *dense]
    numbers = any(each.dtype is not dtypes.string for each in values)
    return SparseTensor(
        *call(
            "SparseCross",
            [each.indices for each in sparse],
            [each.values for each in sparse],
            [each.dense_shape for each in sparse],
            dense,
            hashed_output=True,
            num_buckets=int(num_buckets),
            hash_key=DEFAULT_HASH_KEY if hash_key is None else int(hash_key),
            out_type=dtypes.int64,
            internal_type=dtypes.int64 if numbers else dtypes.string,
            name=name,
        )
    )
