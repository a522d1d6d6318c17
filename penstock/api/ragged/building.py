"""Ragged tensors of ranges, of parts of tensors, and of masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import same_splits_type
from penstock.runtime.ragged.partition_rows import (
    cast,
    demand,
    partition_tensor,
    rowids_of,
    splits_of_rowids,
)
from penstock.runtime.ragged_tensor import RaggedTensor, as_values, gather_rows

__all__ = [
    "boolean_mask",
    "range",
    "row_splits_to_segment_ids",
    "segment_ids_to_row_splits",
    "stack_dynamic_partitions",
]


def range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:
    """Rows of numbers, each from a start up to and without a limit.

    Args:
        starts: first numbers, a vector or scalar; the limits when there are no `limits`.
        limits: where the rows end, a vector or scalar.
        deltas: distance of the numbers, a vector or scalar that is not 0.
        dtype: element type; None takes the widest that an argument has.
        name: name of the node in a graph.
        row_splits_dtype: int32 or int64.

    Raises:
        InvalidArgumentError: a delta is 0, or the lengths of the arguments differ.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.range([1, 5], [4, 7])
        <tf.RaggedTensor [[1, 2, 3], [5, 6]]>
    """
    if limits is None:
        starts, limits = 0, starts
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    hint = None
    for each in (starts, limits, deltas):
        if hasattr(each, "dtype"):
            hint = dtypes.as_dtype(each.dtype)
            break
    tensors = [_number(each, wanted, hint) for each in (starts, limits, deltas)]
    if wanted is None:
        order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
        wanted = max((each.dtype for each in tensors), key=order.index)
        tensors = [cast(each, wanted) for each in tensors]
    splits, values = call(
        "RaggedRange", *tensors, Tsplits=dtypes.as_dtype(row_splits_dtype), name=name
    )
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _number(value: Any, dtype: Any, hint: Any) -> Any:
    tensor = convert_to_tensor(value, dtype_hint=hint) if dtype is None else None
    if tensor is None:
        tensor = cast(convert_to_tensor(value), dtype)
    return tensor


def row_splits_to_segment_ids(
    splits: Any, name: str | None = None, out_type: Any = None
) -> Any:
    """Row of each value, of the places where rows begin and the last one ends.

    Raises:
        ValueError: `splits` is no vector, is empty, or does not hold int32 or int64.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.row_splits_to_segment_ids([0, 3, 3, 5]).numpy().tolist()
        [0, 0, 0, 2, 2]
    """
    tensor = partition_tensor(splits, "splits")
    if tensor.shape.rank is not None and tensor.shape.rank != 1:
        raise ValueError(f"Shape {tensor.shape} must have rank 1")
    if tensor.shape.as_list()[0] == 0:
        raise ValueError("Invalid row_splits: []")
    ids = rowids_of(tensor, tensor[-1])
    return cast(ids, tensor.dtype if out_type is None else dtypes.as_dtype(out_type))


def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Any:
    """Where rows begin and the last one ends, of the row of each value.

    Args:
        segment_ids: the rows, in order.
        num_segments: number of rows; None takes one more than the last.
        out_type: int32 or int64.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.segment_ids_to_row_splits([0, 0, 2]).numpy().tolist()
        [0, 2, 2, 3]
    """
    ids = partition_tensor(segment_ids, "segment_ids")
    ids.shape.with_rank(1)
    if num_segments is None:
        ends = call("ConcatV2", [np.asarray([-1], ids.dtype.np), ids], 0)
        count = call("AddV2", call("Max", ends, [0]), convert_to_tensor(1, ids.dtype))
    else:
        count = cast(partition_tensor(num_segments, "num_segments"), ids.dtype)
    splits = splits_of_rowids(ids, count)
    return cast(splits, ids.dtype if out_type is None else dtypes.as_dtype(out_type))


def stack_dynamic_partitions(
    data: Any, partitions: Any, num_partitions: Any, name: str | None = None
) -> RaggedTensor:
    """Sort values into rows.

    Args:
        data: a tensor or ragged tensor whose shape begins with that of `partitions`.
        partitions: the row of each value.
        num_partitions: number of rows.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a row is negative or too large.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.stack_dynamic_partitions(["a", "b", "c"], [1, 0, 1], 2).to_list()
        [[b'b'], [b'a', b'c']]
    """
    data = as_values(data)
    partitions = as_values(partitions)
    if isinstance(partitions, RaggedTensor):
        while isinstance(partitions, RaggedTensor):
            if not isinstance(data, RaggedTensor):
                data = RaggedTensor.from_tensor(data, ragged_rank=partitions.ragged_rank)
            partitions, data = partitions.values, data.values
    partitions = (
        cast(partitions, dtypes.int64)
        if partitions.dtype
        not in (
            dtypes.int32,
            dtypes.int64,
        )
        else partitions
    )
    rank = partitions.shape.rank
    if rank is None:
        raise ValueError("partitions must have known rank.")
    if rank == 0:
        data = _with_front_axis(data)
        partitions = call("Reshape", partitions, [1])
    elif rank > 1:
        data = _merged_front(data, rank)
        partitions = call("Reshape", partitions, [-1])
    count = cast(partition_tensor(num_partitions, "num_partitions"), partitions.dtype)
    inside = call(
        "LogicalAnd",
        call("GreaterEqual", partitions, convert_to_tensor(0, partitions.dtype)),
        call("Less", partitions, count),
    )
    demand(inside, "partitions must be in [0, num_partitions)", InvalidArgumentError)
    order = _stable_order(partitions)
    rows = call("GatherV2", partitions, order, 0)
    if isinstance(data, RaggedTensor):
        rows, count = (cast(each, data.row_splits.dtype) for each in (rows, count))
    return RaggedTensor.from_value_rowids(
        gather_rows(data, order), rows, nrows=count, validate=False
    )


def _stable_order(keys: Any) -> Any:
    """Permutation that sorts a vector and keeps equal elements in their order."""
    wide = cast(keys, dtypes.int64)
    size = call("Size", wide, out_type=dtypes.int64)
    places = call("Range", np.int64(0), size, np.int64(1))
    # Keys that also hold the place are all different, so that any sort keeps the order.
    unique = call("AddV2", call("Mul", wide, call("Maximum", size, np.int64(1))), places)
    _, order = call("TopKV2", call("Neg", unique), call("Size", wide), sorted=True)
    return order


def _with_front_axis(data: Any) -> Any:
    if isinstance(data, RaggedTensor):
        return data[None]
    return call("ExpandDims", data, 0)


def _merged_front(data: Any, rank: int) -> Any:
    if isinstance(data, RaggedTensor):
        return data.merge_dims(0, rank - 1)
    shape = call("Shape", data)
    return call("Reshape", data, call("ConcatV2", [[-1], shape[rank:]], 0))


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """Keep the values for which a boolean is true.

    Args:
        data: a tensor or ragged tensor whose shape begins with that of `mask`.
        mask: booleans, a tensor or ragged tensor.
        name: name of the node in a graph.

    Returns:
        A tensor or ragged tensor with as many ragged axes as `mask` has axes below its first.

    Raises:
        TypeError: `mask` does not hold booleans.
        ValueError: `mask` is a scalar.
        InvalidArgumentError: the rows of `mask` and `data` differ.

    Example:
        >>> import penstock as tf
        >>> data = tf.ragged.constant([[1, 2, 3], [4], [5, 6]])
        >>> tf.ragged.boolean_mask(data, data > 2)
        <tf.RaggedTensor [[3], [4], [5, 6]]>
    """
    mask = as_values(mask, dtypes.bool)
    data = as_values(data)
    mask, data = same_splits_type(mask, data)
    rank = mask.shape.rank
    if rank is None and not isinstance(mask, RaggedTensor):
        raise ValueError("mask.shape.ndims must be known statically.")
    if rank == 0:
        raise ValueError("mask cannot be scalar.")
    if not isinstance(mask, RaggedTensor) and rank == 1:
        return _masked_rows(data, mask)
    kind = _splits_type(data, mask)
    if not isinstance(mask, RaggedTensor):
        mask = RaggedTensor.from_tensor(mask, ragged_rank=rank - 1, row_splits_dtype=kind)
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(
            data, ragged_rank=mask.ragged_rank, row_splits_dtype=kind
        )
    return _masked(data, mask)


def _splits_type(*values: Any) -> Any:
    for each in values:
        if isinstance(each, RaggedTensor):
            return each.row_splits.dtype
    return dtypes.int64


def _masked(data: Any, mask: Any) -> Any:
    """Mask ragged data by a ragged mask: rows stay, and shrink."""
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(
            data, ragged_rank=mask.ragged_rank, row_splits_dtype=mask.row_splits.dtype
        )
    demand(
        call("Equal", call("Size", mask.row_splits), call("Size", data.row_splits)),
        "mask must have as many rows as data",
    )
    demand(
        call("Equal", mask.row_splits, data.row_splits),
        "rows of mask must be as long as those of data",
    )
    inner = mask.values
    if isinstance(inner, RaggedTensor):
        return data.with_values(_masked(data.values, inner))
    if inner.shape.rank is not None and inner.shape.rank > 1:
        below = RaggedTensor.from_tensor(
            inner, ragged_rank=inner.shape.rank - 1, row_splits_dtype=mask.row_splits.dtype
        )
        return data.with_values(_masked(data.values, below))
    kind = mask.row_splits.dtype
    counts = call("Cumsum", call("Cast", inner, DstT=kind), np.int32(0))
    totals = call("ConcatV2", [np.zeros((1,), kind.np), counts], 0)
    splits = call("GatherV2", totals, mask.row_splits, 0)
    return RaggedTensor.from_row_splits(
        _masked_rows(data.values, inner), splits, validate=False
    )


def _masked_rows(data: Any, mask: Any) -> Any:
    size = data.shape[0] if data.shape.rank else None
    if size is not None and mask.shape[0] is not None and size != mask.shape[0]:
        raise ValueError(f"Shapes ({size},) and ({mask.shape[0]},) are incompatible")
    return gather_rows(data, call("Reshape", call("Where", mask), [-1]))
