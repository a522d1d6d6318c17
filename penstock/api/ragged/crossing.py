"""Crosses of features, as ragged tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.api.sparse.features import DEFAULT_HASH_KEY, as_feature
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = ["cross", "cross_hashed"]


def cross(inputs: Sequence[Any], name: str | None = None) -> RaggedTensor:
    """All combinations of the features that the inputs give each row, as text.

    Args:
        inputs: ragged, sparse and dense matrices of integers or strings, with one number of
            rows.
        name: name of the node in a graph.

    Returns:
        A ragged matrix of strings, joined with "_X_"; features of the last input change
        fastest.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.cross([tf.ragged.constant([["a"], ["b", "c"]]), [["d"], ["e"]]]).to_list()
        [[b'a_X_d'], [b'b_X_e', b'c_X_e']]
    """
    return _crossed(inputs, False, 0, None, name)


def cross_hashed(
    inputs: Sequence[Any],
    num_buckets: int = 0,
    hash_key: int | None = None,
    name: str | None = None,
) -> RaggedTensor:
    """All combinations of the features that the inputs give each row, as numbers of buckets.

    Args:
        inputs: ragged, sparse and dense matrices of integers or strings, with one number of
            rows.
        num_buckets: number of buckets; 0 gives the whole hash.
        hash_key: where the hash starts; None takes TensorFlow's key.
        name: name of the node in a graph.
    """
    return _crossed(inputs, True, num_buckets, hash_key, name)


def _crossed(
    inputs: Sequence[Any], hashed: bool, buckets: int, key: int | None, name: str | None
) -> RaggedTensor:
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a list of tensors")
    order = ""
    ragged: list[RaggedTensor] = []
    sparse: list[SparseTensor] = []
    dense: list[Any] = []
    for each in inputs:
        if isinstance(each, RaggedTensor):
            if each.ragged_rank != 1:
                raise ValueError("tf.ragged.cross only supports inputs with rank=2")
            order += "R"
            ragged.append(each.with_values(as_feature(each.values)))
        elif isinstance(each, SparseTensor):
            order += "S"
            sparse.append(each.with_values(as_feature(each.values)))
        else:
            order += "D"
            tensor = convert_to_tensor(each)
            if tensor.shape.rank not in (None, 2):
                raise ValueError("tf.ragged.cross only supports inputs with rank=2")
            dense.append(as_feature(tensor))
    splits_type = dtypes.int64
    if ragged and all(each.row_splits.dtype is dtypes.int32 for each in ragged):
        splits_type = dtypes.int32
    values, splits = call(
        "RaggedCross",
        [each.values for each in ragged],
        [each.row_splits for each in ragged],
        [each.indices for each in sparse],
        [each.values for each in sparse],
        [each.dense_shape for each in sparse],
        dense,
        input_order=order,
        hashed_output=hashed,
        num_buckets=int(buckets),
        hash_key=DEFAULT_HASH_KEY if key is None else int(key),
        out_values_type=dtypes.int64 if hashed else dtypes.string,
        out_row_splits_type=splits_type,
        name=name,
    )
    return RaggedTensor.from_row_splits(values, splits, validate=False)
