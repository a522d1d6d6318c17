"""Ragged tensors joined along an axis, and given new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import same_splits_type
from penstock.runtime.ragged.partition_rows import cast, demand, first_size
from penstock.runtime.ragged.tensor import wrapped_axis
from penstock.runtime.ragged_tensor import RaggedTensor, as_values, gather_rows

__all__ = ["concat", "expand_dims", "stack"]


def expand_dims(value: Any, axis: int) -> Any:
    """Insert an axis of size 1 into a tensor or ragged tensor."""
    if not isinstance(value, RaggedTensor):
        return call("ExpandDims", value, axis)
    rank = value.shape.rank
    at = wrapped_axis(axis, None if rank is None else rank + 1)
    return _expanded(value, at)


def _expanded(value: Any, axis: int) -> Any:
    if not isinstance(value, RaggedTensor):
        return call("ExpandDims", value, axis)
    one = convert_to_tensor(1, value.row_splits.dtype)
    if axis == 0:
        return RaggedTensor.from_uniform_row_length(
            value, value.nrows(), nrows=one, validate=False
        )
    if axis == 1:
        return RaggedTensor.from_uniform_row_length(
            value, one, nrows=value.nrows(), validate=False
        )
    return value.with_values(_expanded(value.values, axis - 1))


def stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> RaggedTensor:
    """Stack tensors along a new axis; their shapes may differ.

    Args:
        values: tensors or ragged tensors of one rank.
        axis: the new axis; a negative one counts from the end.
        name: name of the node in a graph.

    Raises:
        ValueError: there is no tensor, their ranks differ, or the axis is out of bounds.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.stack([tf.constant([1, 2]), tf.constant([3])])
        <tf.RaggedTensor [[1, 2], [3]]>
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    return _joined(values, axis, stacked=True)


def concat(values: Sequence[Any], axis: int, name: str | None = None) -> Any:
    """Join tensors or ragged tensors along an axis that they have."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    return _joined(values, axis, stacked=False)


def _joined(values: Sequence[Any], axis: int, *, stacked: bool) -> Any:
    if not values:
        raise ValueError("values must hold at least one tensor")
    items = [as_values(each) for each in values]
    if len(items) == 1 and not stacked:
        return items[0]
    rank = next((each.shape.rank for each in items if each.shape.rank is not None), None)
    for each in items:
        if each.shape.rank not in (None, rank):
            raise ValueError(
                f"tensors to be joined must have one rank, got shapes "
                f"{[str(one.shape) for one in items]}"
            )
    known = None if rank is None else rank + (1 if stacked else 0)
    at = wrapped_axis(axis, known)
    if rank == 1 and not any(isinstance(each, RaggedTensor) for each in items):
        # Vectors side by side: rows or columns.
        if stacked and at == 0:
            return _rows_of_vectors(items)
        if not stacked:
            return call("ConcatV2", items, 0)
    if rank == 0:
        return call("Pack", items, axis=0)
    if stacked and at and not any(isinstance(each, RaggedTensor) for each in items):
        return call("Pack", items, axis=at)
    items = same_splits_type(*items)
    kind = next(
        (each.row_splits.dtype for each in items if isinstance(each, RaggedTensor)),
        dtypes.int64,
    )
    levels = max((each.ragged_rank if isinstance(each, RaggedTensor) else 0) for each in items)
    if stacked:
        items = [expand_dims(_ragged(each, max(levels, 1), kind), at) for each in items]
        levels = max(each.ragged_rank for each in items)
    levels = max(levels, 1)
    return _concatenated([_ragged(each, levels, kind) for each in items], at)


def _rows_of_vectors(items: Sequence[Any]) -> RaggedTensor:
    lengths = call("Pack", [first_size(each, dtypes.int32) for each in items], axis=0)
    return RaggedTensor.from_row_lengths(call("ConcatV2", items, 0), lengths, validate=False)


def _ragged(value: Any, levels: int, kind: Any) -> Any:
    """A value with at least `levels` partitions, as far as its rank allows."""
    if not isinstance(value, RaggedTensor):
        rank = value.shape.rank
        possible = levels if rank is None else min(levels, rank - 1)
        if possible < 1:
            return value
        return RaggedTensor.from_tensor(value, ragged_rank=possible, row_splits_dtype=kind)
    if value.ragged_rank >= levels:
        return value
    inner = _ragged(value.values, levels - 1, kind)
    return value.with_values(inner)


def _concatenated(items: Sequence[Any], axis: int) -> Any:
    if not any(isinstance(each, RaggedTensor) for each in items):
        return call("ConcatV2", items, axis)
    if axis == 0:
        return _one_after_the_other(items)
    if axis == 1:
        return _row_by_row(items)
    first = items[0]
    for other in items[1:]:
        message = "ragged tensors must be cut into the same rows above the axis joined"
        demand(
            call("Equal", call("Size", first.row_splits), call("Size", other.row_splits)),
            message,
        )
        demand(call("Equal", first.row_splits, other.row_splits), message)
    return first.with_values(_concatenated([each.values for each in items], axis - 1))


def _one_after_the_other(items: Sequence[Any]) -> Any:
    """Join along the outermost axis."""
    kind = next(each.row_splits.dtype for each in items if isinstance(each, RaggedTensor))
    rows = [
        each if isinstance(each, RaggedTensor) else _ragged(each, 1, kind) for each in items
    ]
    inner = [each.values for each in rows]
    if any(isinstance(each, RaggedTensor) for each in inner):
        levels = max(e.ragged_rank if isinstance(e, RaggedTensor) else 0 for e in inner)
        inner = [_ragged(each, levels, kind) for each in inner]
        values = _one_after_the_other(inner)
    else:
        values = call("ConcatV2", inner, 0)
    splits = [rows[0].row_splits]
    for each in rows[1:]:
        splits.append(call("AddV2", each.row_splits[1:], splits[-1][-1]))
    result = RaggedTensor.from_row_splits(values, call("ConcatV2", splits, 0), validate=False)
    lengths = [each._row_partition.static_uniform_row_length for each in rows]  # noqa: SLF001
    if lengths[0] is not None and len(set(lengths)) == 1:
        result = RaggedTensor.from_uniform_row_length(
            values, convert_to_tensor(lengths[0], kind), nrows=result.nrows(), validate=False
        )
    return result


def _row_by_row(items: Sequence[Any]) -> RaggedTensor:
    """Join along the second axis: row i of the result is the rows i of all."""
    count = items[0].nrows()
    for other in items[1:]:
        demand(
            call("Equal", other.nrows(), count),
            "Input tensors at index 0 (=x) and 1 (=y) have incompatible shapes: ragged tensors "
            "must have one number of rows",
        )
    together = _one_after_the_other(items)
    kind = together.row_splits.dtype
    number = convert_to_tensor(len(items), kind)
    total = call("Mul", count, number)
    places = call("Range", convert_to_tensor(0, kind), total, convert_to_tensor(1, kind))
    # Row i of input k stands at k * count + i; the result wants them by i, then by k.
    order = call(
        "AddV2",
        call("Mul", call("FloorMod", places, number), count),
        call("FloorDiv", places, number),
    )
    rows = gather_rows(together, order)
    ends = call(
        "Mul",
        call(
            "Range",
            convert_to_tensor(0, kind),
            call("AddV2", count, convert_to_tensor(1, kind)),
            convert_to_tensor(1, kind),
        ),
        number,
    )
    splits = call("GatherV2", rows.row_splits, ends, 0)
    lengths = [each._row_partition.static_uniform_row_length for each in items]  # noqa: SLF001
    if None not in lengths:
        return RaggedTensor.from_uniform_row_length(
            rows.values, convert_to_tensor(sum(lengths), kind), nrows=count, validate=False
        )
    return RaggedTensor.from_row_splits(rows.values, splits, validate=False)


def repeated(value: Any, repeats: Any, axis: int) -> Any:
    """Repeat each element along an axis; `repeats` is a scalar, or a vector for axis 0."""
    counts = cast(convert_to_tensor(repeats), dtypes.int64)
    if axis == 0:
        size = (
            value.nrows()
            if isinstance(value, RaggedTensor)
            else first_size(value, dtypes.int64)
        )
        each = call("BroadcastTo", counts, call("Reshape", cast(size, dtypes.int64), [1]))
        ends = call("Cumsum", each, np.int32(0))
        start = call("ConcatV2", [np.zeros((1,), np.int64), ends], 0)
        total = call("Range", np.int64(0), start[-1], np.int64(1))
        owner = call("UpperBound", start[None], total[None], out_type=dtypes.int64)[0]
        return gather_rows(value, call("Sub", owner, np.int64(1)))
    return value.with_values(repeated(value.values, repeats, axis - 1))
