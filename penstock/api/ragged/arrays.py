"""Ragged tensors tiled, reversed, squeezed and split."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api import arithmetic, indexing, joining
from penstock.api.ragged.mapping import map_flat_values
from penstock.api.ragged.reducing import static_axis, without_axes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import broadcast
from penstock.runtime.ragged.partition_rows import cast, counted_to, demand
from penstock.runtime.ragged.tensor import wrapped_axis
from penstock.runtime.ragged_tensor import RaggedTensor, as_values, gather_rows
from penstock.runtime.static_shape import static_integer, static_value


def tile(ragged: RaggedTensor, multiples: Any) -> RaggedTensor:
    """Repeat a ragged tensor as a whole along each axis.

    Raises:
        ValueError: there is not one number for each axis.
    """
    counts = cast(convert_to_tensor(multiples), ragged.row_splits.dtype)
    counts.shape.with_rank(1)
    rank = ragged.shape.rank
    if rank is not None and counts.shape[0] not in (None, rank):
        raise ValueError(
            f"multiples must have {rank} elements, one for each axis, got {counts.shape[0]}"
        )
    return _tiled(ragged, counts)


def _tiled(value: Any, counts: Any) -> Any:
    if not isinstance(value, RaggedTensor):
        return call("Tile", value, counts)
    kind = counts.dtype
    one = np.ones((1,), kind.np)
    known = static_value(counts)
    if known is None or (known[2:] != 1).any():
        inner = call("ConcatV2", [one, counts[2:]], 0)
        value = value.with_values(_tiled(value.values, inner))
    if known is None or known[1] != 1:
        value = _rows_repeated(value, counts[1])
    if known is None or known[0] != 1:
        order = call("Tile", counted_to(value.nrows(), kind), counts[:1])
        value = gather_rows(value, order)
    return value


def _rows_repeated(ragged: RaggedTensor, times: Any) -> RaggedTensor:
    """Each row, several times one after the other."""
    kind = ragged.row_splits.dtype
    count = ragged.nrows()
    total = call("Mul", count, times)
    safe = call("Maximum", times, convert_to_tensor(1, kind))
    order = call("FloorDiv", counted_to(total, kind), safe)
    rows = gather_rows(ragged, order)
    length = ragged.uniform_row_length
    if length is not None:
        return RaggedTensor.from_uniform_row_length(
            rows.values, call("Mul", length, times), nrows=count, validate=False
        )
    splits = call("Mul", ragged.row_splits, times)
    return RaggedTensor.from_row_splits(rows.values, splits, validate=False)


def reverse(ragged: RaggedTensor, axis: Any) -> RaggedTensor:
    """Reverse the order along axes.

    Raises:
        ValueError: an axis is out of bounds, or not known while a graph is built.
    """
    axes = static_axis(axis)
    if axes is None:
        raise ValueError("axis must not be None")
    if not isinstance(axes, list):
        raise TypeError("axis must be a list of axes")
    rank = ragged.shape.rank
    ordered = sorted({wrapped_axis(each, rank) for each in axes}, reverse=True)
    result: Any = ragged
    for each in ordered:
        result = _reversed(result, each)
    return result  # type: ignore[no-any-return]


def _reversed(value: Any, axis: int) -> Any:
    if not isinstance(value, RaggedTensor):
        return call("ReverseV2", value, [axis])
    if axis == 0:
        return value[::-1]
    if axis == 1:
        return value[:, ::-1]
    return value.with_values(_reversed(value.values, axis - 1))


def squeeze(ragged: RaggedTensor, axis: Any) -> Any:
    """Drop axes of size 1.

    Raises:
        ValueError: no axis is named, or one is known to have another size.
        InvalidArgumentError: an axis has another size.
    """
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    return without_axes(ragged, axis)


def split(ragged: RaggedTensor, num_or_size_splits: Any, axis: Any, num: int | None) -> Any:
    """Cut a ragged tensor into parts along an axis that is not ragged.

    Raises:
        ValueError: the number of parts is not known, or the axis is ragged.
        InvalidArgumentError: the parts do not fit the size.
    """
    at = wrapped_axis(static_axis(axis), ragged.shape.rank)
    if at == 0:
        return _split_rows(ragged, num_or_size_splits, num)
    if at <= ragged.ragged_rank:
        parts = _uniform_level(ragged, at)
        if parts is None:
            raise ValueError("ragged dimensions cannot be split")
        return [
            _between(ragged, at, low, high)
            for low, high in _bounds(parts, num_or_size_splits, num)
        ]
    inner = joining.split(ragged.flat_values, num_or_size_splits, at - ragged.ragged_rank, num)
    return [ragged.with_flat_values(each) for each in inner]


def _uniform_level(ragged: Any, axis: int) -> int | None:
    for _ in range(axis - 1):
        ragged = ragged.values
    length: int | None = ragged._row_partition.static_uniform_row_length  # noqa: SLF001
    return length


def _between(ragged: RaggedTensor, axis: int, low: int, high: int) -> Any:
    keys = (*[slice(None)] * axis, slice(low, high))
    return ragged[keys]


def _bounds(size: int, parts: Any, num: int | None) -> list[tuple[int, int]]:
    known = static_value(parts) if not isinstance(parts, (int, list, tuple)) else parts
    if known is None:
        raise ValueError("num_or_size_splits must be known to split a ragged tensor")
    sizes = np.asarray(known)
    if sizes.ndim == 0:
        count = int(sizes)
        if count < 1 or size % count:
            raise InvalidArgumentError(
                f"Cannot exactly split the ragged tensor: {count} does not divide {size}"
            )
        lengths = [size // count] * count
    else:
        lengths = [int(each) for each in sizes]
        if num is not None and num != len(lengths):
            raise ValueError("`num` does not match the number of partitions specified")
        if sum(lengths) != size:
            raise InvalidArgumentError(
                f"the sizes of the parts must add up to {size}, got {lengths}"
            )
    ends = np.cumsum(lengths).tolist()
    return [(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _split_rows(ragged: RaggedTensor, parts: Any, num: int | None) -> list[RaggedTensor]:
    count = ragged._row_partition.static_nrows  # noqa: SLF001  (tensors of one house)
    if count is not None and (
        isinstance(parts, (int, list, tuple)) or (static_value(parts) is not None)
    ):
        return [ragged[low:high] for low, high in _bounds(count, parts, num)]
    known = static_integer(parts)
    if known is None:
        raise ValueError("num_or_size_splits must be known to split a ragged tensor")
    kind = ragged.row_splits.dtype
    number = convert_to_tensor(known, kind)
    rows = ragged.nrows()
    zero = convert_to_tensor(0, kind)
    demand(
        call("Equal", call("FloorMod", rows, number), zero),
        "Cannot exactly split the ragged tensor",
        InvalidArgumentError,
    )
    each = call("FloorDiv", rows, number)
    bounds = [call("Mul", each, convert_to_tensor(i, kind)) for i in range(known + 1)]
    return [ragged[bounds[i] : bounds[i + 1]] for i in range(known)]


def select(condition: Any, x: Any, y: Any) -> Any:
    """Elements of `x` where a condition is true, else of `y`, after broadcasting."""
    parts = [as_values(condition), as_values(x), as_values(y)]
    if not isinstance(parts[1], RaggedTensor) and isinstance(parts[2], RaggedTensor):
        parts[1] = as_values(x, dtype_hint=parts[2].dtype)
    parts[2] = as_values(y, dtype_hint=parts[1].dtype)
    for one, two in ((0, 1), (0, 2), (1, 2), (0, 1)):
        if isinstance(parts[one], RaggedTensor) or isinstance(parts[two], RaggedTensor):
            parts[one], parts[two] = broadcast(parts[one], parts[two])
    like = next(each for each in parts if isinstance(each, RaggedTensor))
    flat = [each.flat_values if isinstance(each, RaggedTensor) else each for each in parts]
    return like.with_flat_values(indexing.where(*flat))


def add_n(values: Any) -> Any:
    """Sum of ragged tensors that are cut into the same rows."""
    return map_flat_values(arithmetic.add_n, list(values))
