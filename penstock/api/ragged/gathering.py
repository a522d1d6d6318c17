"""Elements and rows of ragged tensors, by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.ragged.reducing import squeezed
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import same_splits_type
from penstock.runtime.ragged.partition_rows import cast, counted_to, demand, first_size
from penstock.runtime.ragged.tensor import wrapped_axis
from penstock.runtime.ragged_tensor import RaggedTensor, as_values, gather_rows

_INDICES = (dtypes.int32, dtypes.int64)


def gather(params: Any, indices: Any, axis: int | None, batch_dims: int) -> Any:
    """Slices of `params` along `axis`, for each of the first `batch_dims` axes by itself.

    Raises:
        InvalidArgumentError: an index is out of range.
    """
    params = as_values(params)
    indices = as_values(indices, dtype_hint=dtypes.int64)
    params, indices = same_splits_type(params, indices)
    if batch_dims < 0:
        rank = indices.shape.rank
        if rank is None:
            raise ValueError("batch_dims may only be negative if the rank of indices is known")
        batch_dims += rank
    at = batch_dims if axis is None else axis
    rank = params.shape.rank
    if at < 0:
        at = wrapped_axis(at, rank)
    if at < batch_dims:
        raise ValueError(f"axis must not be smaller than batch_dims={batch_dims}, got {at}")
    if batch_dims:
        return _by_batch(params, indices, at, batch_dims)
    if at:
        return _along(params, indices, at)
    return _rows(params, indices)


def _rows(params: Any, indices: Any) -> Any:
    """Slices along the first axis."""
    if isinstance(indices, RaggedTensor):
        return indices.with_values(_rows(params, indices.values))
    if not isinstance(params, RaggedTensor):
        return call("GatherV2", params, indices, 0)
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("rank(indices) must be known statically")
    if rank == 0:
        return params[indices]
    splits, values = call(
        "RaggedGather",
        list(params.nested_row_splits),
        params.flat_values,
        indices,
        OUTPUT_RAGGED_RANK=params.ragged_rank + rank - 1,
    )
    result = RaggedTensor.from_nested_row_splits(values, splits, validate=False)
    for axis in range(1, rank):
        result = _with_length(result, axis, indices.shape[axis])
    return result


def _with_length(ragged: RaggedTensor, axis: int, size: int | None) -> RaggedTensor:
    """Note that the rows of an axis have one length."""
    if size is None:
        return ragged
    if axis > 1:
        return ragged.with_values(_with_length(ragged.values, axis - 1, size))
    return RaggedTensor.from_uniform_row_length(
        ragged.values,
        convert_to_tensor(size, ragged.row_splits.dtype),
        nrows=ragged.nrows(),
        validate=False,
    )


def _along(params: Any, indices: Any, axis: int) -> Any:
    """The same slices along an inner axis, in every row."""
    if isinstance(params, RaggedTensor) and axis > 1:
        return params.with_values(_along(params.values, indices, axis - 1))
    if not isinstance(params, RaggedTensor) and not isinstance(indices, RaggedTensor):
        return call("GatherV2", params, indices, axis)
    if not isinstance(params, RaggedTensor):
        params = RaggedTensor.from_tensor(
            params, ragged_rank=axis, row_splits_dtype=indices.row_splits.dtype
        )
        return _along(params, indices, axis)
    kind = params.row_splits.dtype
    rows = params.nrows()
    if not isinstance(indices, RaggedTensor):
        sizes = call("ConcatV2", [rows[None], call("Shape", indices, out_type=kind)], 0)
        return _by_batch(params, call("BroadcastTo", cast(indices, kind), sizes), 1, 1)
    count = indices.nrows()
    again = call("Tile", counted_to(count, kind), rows[None])
    wide = RaggedTensor.from_uniform_row_length(
        gather_rows(indices, again), count, nrows=rows, validate=False
    )
    return _by_batch(params, wide, 1, 1)


def _by_batch(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    if not isinstance(params, RaggedTensor) and not isinstance(indices, RaggedTensor):
        return call("GatherV2", params, indices, axis, batch_dims=batch_dims)
    if not isinstance(params, RaggedTensor):
        params = RaggedTensor.from_tensor(
            params, ragged_rank=batch_dims, row_splits_dtype=indices.row_splits.dtype
        )
    if not isinstance(indices, RaggedTensor):
        if indices.shape.rank is None:
            raise ValueError("rank(indices) must be known statically")
        if batch_dims == 1 and axis == 1:
            _demand_rows(params, first_size(indices, params.row_splits.dtype))
            return _shifted(
                params, indices, counted_to(params.nrows(), params.row_splits.dtype)
            )
        if indices.shape.rank == batch_dims:
            wide = call("ExpandDims", indices, -1)
            return squeezed(_by_batch(params, wide, axis, batch_dims), batch_dims)
        indices = RaggedTensor.from_tensor(
            indices, ragged_rank=batch_dims, row_splits_dtype=params.row_splits.dtype
        )
    if batch_dims > 1:
        message = "params and indices must be cut into the same rows above batch_dims"
        same = call("Equal", call("Size", params.row_splits), call("Size", indices.row_splits))
        demand(same, message)
        demand(call("Equal", params.row_splits, indices.row_splits), message)
        inner = _by_batch(params.values, indices.values, axis - 1, batch_dims - 1)
        return indices.with_values(inner)
    if axis > 1:
        raise ValueError("axis must be equal to batch_dims for ragged params")
    _demand_rows(params, indices.nrows())
    return indices.with_values(_shifted(params, indices.values, indices.value_rowids()))


def _demand_rows(params: RaggedTensor, count: Any) -> None:
    message = "params and indices must have one number of rows"
    demand(call("Equal", params.nrows(), count), message)


def _shifted(params: RaggedTensor, places: Any, owner: Any) -> Any:
    """Values of `params` at places counted from the start of the row that each belongs to."""
    if isinstance(places, RaggedTensor):
        below = call("GatherV2", owner, places.value_rowids(), 0)
        return places.with_values(_shifted(params, places.values, below))
    kind = params.row_splits.dtype
    at = cast(places, kind)
    extra = (at.shape.rank or 1) - 1
    starts = call("GatherV2", params.row_starts(), owner, 0)
    lengths = call("GatherV2", params.row_lengths(), owner, 0)
    for _ in range(extra):
        starts, lengths = call("ExpandDims", starts, -1), call("ExpandDims", lengths, -1)
    zero = convert_to_tensor(0, kind)
    inside = call("LogicalAnd", call("GreaterEqual", at, zero), call("Less", at, lengths))
    demand(inside, "indices must lie inside of the row", InvalidArgumentError)
    return _rows(params.values, call("AddV2", at, starts))


def gather_nd(params: Any, indices: Any, batch_dims: int) -> Any:
    """Slices of `params` at places that the last axis of `indices` holds.

    Raises:
        ValueError: `batch_dims` is not 0, or the last size of `indices` is not known.
        InvalidArgumentError: a place is out of range.
    """
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    params = as_values(params)
    indices = as_values(indices)
    params, indices = same_splits_type(params, indices)
    depth = indices.shape[-1] if indices.shape.rank is not None else None
    if depth is None:
        raise ValueError("the size of the last axis of indices must be known statically")
    if isinstance(indices, RaggedTensor):
        return indices.with_values(gather_nd(params, indices.values, 0))
    if not isinstance(params, RaggedTensor):
        return call("GatherNd", params, indices)
    if depth == 0:
        raise ValueError("the last axis of indices must not be empty for ragged params")
    if indices.shape.rank == 1:
        place = call("Unpack", indices, num=depth)
        return params[tuple(place)]
    outer = call("Shape", indices)[:-1]
    flat = call("Reshape", indices, [-1, depth])
    found = _at(params, flat, depth)
    if indices.shape.rank == 2:
        return found
    if isinstance(found, RaggedTensor):
        for size in reversed(indices.shape.as_list()[1:-1]):
            found = RaggedTensor.from_uniform_row_length(found, size)
        return found
    inner = call("Shape", found)[1:]
    return call("Reshape", found, call("ConcatV2", [outer, inner], 0))


def _at(params: Any, places: Any, depth: int) -> Any:
    if depth == 1 or not isinstance(params, RaggedTensor):
        if isinstance(params, RaggedTensor):
            return _rows(params, places[:, 0])
        return call("GatherNd", params, places)
    kind = params.row_splits.dtype
    row, column = cast(places[:, 0], kind), cast(places[:, 1], kind)
    starts = call("GatherV2", params.row_starts(), row, 0)
    lengths = call("GatherV2", params.row_lengths(), row, 0)
    zero = convert_to_tensor(0, kind)
    inside = call(
        "LogicalAnd", call("GreaterEqual", column, zero), call("Less", column, lengths)
    )
    demand(inside, "indices must lie inside of the row", InvalidArgumentError)
    below = call("ExpandDims", call("AddV2", starts, column), 1)
    rest = cast(places[:, 2:], kind)
    return _at(params.values, call("ConcatV2", [below, rest], 1), depth - 1)


def where(condition: RaggedTensor) -> Any:
    """Places of the elements that are true, [n, rank]."""
    rank = condition.shape.rank
    if rank is None:
        raise ValueError("the rank of condition must be known")
    partitions = condition._nested_row_partitions  # noqa: SLF001  (tensors of one house)
    inner = call("Where", condition.flat_values)
    columns = [inner[:, 1:]]
    place = inner[:, 0]
    for partition in reversed(partitions):
        row = call("GatherV2", cast(partition.value_rowids(), dtypes.int64), place, 0)
        starts = cast(partition.row_starts(), dtypes.int64)
        within = call("Sub", place, call("GatherV2", starts, row, 0))
        columns.append(call("ExpandDims", within, 1))
        place = row
    columns.append(call("ExpandDims", place, 1))
    return call("ConcatV2", columns[::-1], np.int32(1))
