"""Sparse tensors made of dense ones, and dense ones of them."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.sparse_tensor import SparseTensor, as_sparse

__all__ = ["from_dense", "to_dense", "eye", "to_indicator", "mask", "fill_empty_rows"]

_BLANK: dict[DType, Any] = {dtypes.string: "", dtypes.bool: False}


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """Make a sparse tensor of the elements of a dense one that are not 0 or empty text.

    Example:
        >>> import penstock as tf
        >>> tf.sparse.from_dense([[0, 5], [6, 0]]).indices.numpy().tolist()
        [[0, 1], [1, 0]]
    """
    tensor = convert_to_tensor(tensor)
    zero = convert_to_tensor(_BLANK.get(tensor.dtype, 0), tensor.dtype)
    indices = call("Where", call("NotEqual", tensor, zero))
    values = call("GatherNd", tensor, indices)
    made = SparseTensor(indices, values, call("Shape", tensor, out_type=dtypes.int64))
    made.set_shape(tensor.shape)
    return made


def to_dense(
    sp_input: Any,
    default_value: Any = None,
    validate_indices: bool = True,
    name: str | None = None,
) -> Any:
    """Make a dense tensor of a sparse one.

    Args:
        sp_input: a sparse tensor.
        default_value: what stands where no element is held; None is zero or empty text.
        validate_indices: whether places out of row-major order, or repeated, are refused.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a place is outside of the shape, repeated or out of order.

    Example:
        >>> import penstock as tf
        >>> st = tf.SparseTensor([[0, 1], [1, 0]], [5, 6], [2, 2])
        >>> tf.sparse.to_dense(st).numpy().tolist()
        [[0, 5], [6, 0]]
    """
    sparse = as_sparse(sp_input)
    if default_value is None:
        default_value = convert_to_tensor(_BLANK.get(sparse.dtype, 0), sparse.dtype)
    dense = call(
        "SparseToDense",
        sparse.indices,
        sparse.dense_shape,
        sparse.values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )
    dense.set_shape(sparse.shape)
    return dense


def eye(
    num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> SparseTensor:
    """Make a sparse matrix of ones on the diagonal.

    Args:
        num_rows: number of rows.
        num_columns: number of columns; None for as many as rows.
        dtype: element type.
        name: name of the node in a graph.
    """
    rows = _int64(num_rows)
    columns = rows if num_columns is None else _int64(num_columns)
    count = call("Minimum", rows, columns)
    place = call("Range", convert_to_tensor(0, dtypes.int64), count, 1)
    one = convert_to_tensor(1, dtypes.as_dtype(dtype))
    values = call("Fill", call("Reshape", count, [1]), one)
    return SparseTensor(
        call("Pack", [place, place], axis=1), values, call("Pack", [rows, columns])
    )


def _int64(value: Any) -> Any:
    tensor = convert_to_tensor(value)
    return tensor if tensor.dtype is dtypes.int64 else call("Cast", tensor, DstT=dtypes.int64)


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Any:
    """Mark which numbers each row of a sparse tensor of numbers holds.

    Args:
        sp_input: [..., k] int32 or int64 numbers from 0 to `vocab_size` - 1.
        vocab_size: how many numbers there are.
        name: name of the node in a graph.

    Returns:
        [..., vocab_size] booleans.
    """
    sparse = as_sparse(sp_input)
    size = convert_to_tensor(_int64(vocab_size))
    outer = call(
        "StridedSlice", sparse.indices, [0, 0], [0, -1], [1, 1], begin_mask=3, end_mask=1
    )
    column = call("ExpandDims", call("Cast", sparse.values, DstT=dtypes.int64), -1)
    places = call("ConcatV2", [outer, column], 1)
    shape = call("ConcatV2", [sparse.dense_shape[:-1], call("Reshape", size, [1])], 0)
    marks = call("Cast", call("OnesLike", sparse.values), DstT=dtypes.bool)
    dense = call(
        "SparseToDense", places, shape, marks, convert_to_tensor(False), validate_indices=False
    )
    if sparse.shape.rank is not None:
        last = int(vocab_size) if isinstance(vocab_size, int) else None
        dense.set_shape(sparse.shape[:-1].concatenate(TensorShape([last])))
    return dense


def mask(a: IndexedSlices, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """Leave out the slices of an `IndexedSlices` that stand at `mask_indices`."""
    kept, places = call("ListDiff", a.indices, mask_indices, out_idx=dtypes.int32)
    return IndexedSlices(call("GatherV2", a.values, places, 0), kept, a.dense_shape)


def fill_empty_rows(
    sp_input: Any, default_value: Any, name: str | None = None
) -> tuple[SparseTensor, Any]:
    """Give each row without elements one default value in its first place.

    Args:
        sp_input: a sparse tensor.
        default_value: the value for empty rows.
        name: name of the node in a graph.

    Returns:
        The filled tensor, and a vector that marks the rows that were empty.
    """
    sparse = as_sparse(sp_input)
    indices, values, empty, _ = call(
        "SparseFillEmptyRows",
        sparse.indices,
        sparse.values,
        sparse.dense_shape,
        convert_to_tensor(default_value, sparse.dtype),
        name=name,
    )
    return SparseTensor(indices, values, sparse.dense_shape), empty
