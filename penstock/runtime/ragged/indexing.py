"""`ragged[...]`: rows, parts of rows and new axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.operators import strided_slice
from penstock.runtime.ragged.partition_rows import (
    cast,
    counted_to,
    demand,
    number,
    rowids_of,
)
from penstock.runtime.ragged.tensor import RaggedTensor
from penstock.runtime.static_shape import static_integer
from penstock.runtime.tensor import Tensor

_ALL = slice(None)


def get_item(ragged: RaggedTensor, key: Any) -> Any:
    """The part of `ragged` that an index expression names.

    Raises:
        TypeError: the index is no integer, slice, Ellipsis or None.
        ValueError: an integer would cut a ragged axis.
        IndexError: a row is known not to exist.
    """
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    for each in keys:
        _check_key(each)
    return _outer(ragged, keys)


def _check_key(key: Any) -> None:
    if key is None or key is Ellipsis:
        return
    if isinstance(key, slice):
        for bound in (key.start, key.stop, key.step):
            if bound is not None:
                _check_integer(bound)
        return
    _check_integer(key)


def _check_integer(value: Any) -> None:
    if isinstance(value, RaggedTensor):
        raise ValueError("a ragged tensor cannot be the index of a ragged tensor")  # noqa: TRY004
    tensor = isinstance(value, Tensor) and value.dtype.is_integer
    if not tensor and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
            f"tf.int32/tf.int64 tensors are valid indices, got {value!r}"
        )


def _outer(value: Any, keys: list[Any]) -> Any:
    """Apply keys from the outermost axis on."""
    if not keys:
        return value
    if not isinstance(value, RaggedTensor):
        return strided_slice(value, tuple(keys))
    first, *rest = keys
    if first is Ellipsis:
        return _outer(value, _expanded(keys, value.shape.rank))
    if first is None:
        inner = _outer(value, rest)
        count = _rows(inner)
        return RaggedTensor.from_uniform_row_length(
            inner, count, nrows=convert_to_tensor(1, count.dtype), validate=False
        )
    if isinstance(first, slice):
        return _inner(_sliced_rows(value, first), rest)
    row = _row(value, first)
    return _outer(row, rest) if rest else row


def _expanded(keys: list[Any], rank: int | None) -> list[Any]:
    """Keys with full slices for an Ellipsis that stands in front."""
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    rest = keys[1:]
    given = sum(1 for key in rest if key is not None and key is not Ellipsis)
    return [_ALL] * max(rank - given, 0) + [key for key in rest if key is not Ellipsis]


def _rows(value: Any) -> Any:
    """Number of rows of a ragged tensor or tensor."""
    if isinstance(value, RaggedTensor):
        return value.nrows()
    return call("Shape", value, out_type=dtypes.int64)[0]


def _row(ragged: RaggedTensor, index: Any) -> Any:
    """One row."""
    splits = ragged.row_splits
    known, count = static_integer(index), ragged._row_partition.static_nrows
    if known is not None and count is not None:
        if not -count <= known < count:
            raise IndexError(f"Row key {known} out of bounds")
        place: Any = known % count
        low, high = splits[place], splits[place + 1]
    else:
        place = number(index, splits.dtype)
        zero = convert_to_tensor(0, splits.dtype)
        wrapped = call("AddV2", place, ragged.nrows())
        place = call("SelectV2", call("Less", place, zero), wrapped, place)
        low, high = splits[place], splits[place + 1]
    return _between(ragged.values, low, high)


def _between(values: Any, low: Any, high: Any) -> Any:
    """Rows of `values` from `low` to `high`."""
    if isinstance(values, RaggedTensor):
        return _sliced_rows(values, slice(low, high))
    return values[low:high]


def _sliced_rows(ragged: RaggedTensor, key: slice) -> RaggedTensor:
    """Some of the rows."""
    if key == _ALL:
        return ragged
    splits = ragged.row_splits
    starts, limits = splits[:-1][key], splits[1:][key]
    length = ragged.uniform_row_length
    if key.step is None or static_integer(key.step) == 1:
        # Rows next to each other: their values are next to each other too.
        begin = call("ConcatV2", [starts, np.zeros((1,), splits.dtype.np)], 0)[:1]
        some = call("ConcatV2", [begin, limits], 0)
        values = _between(ragged.values, some[0], some[-1])
        result = RaggedTensor.from_row_splits(
            values, call("Sub", some, some[0]), validate=False
        )
    else:
        result = _ranges(ragged.values, starts, limits, convert_to_tensor(1, splits.dtype))
    if length is not None:
        result = RaggedTensor.from_uniform_row_length(
            result.values, length, nrows=result.nrows(), validate=False
        )
    made: RaggedTensor = result
    return made


def _ranges(values: Any, starts: Any, limits: Any, step: Any) -> RaggedTensor:
    """The rows made of `values[starts[i]:limits[i]:step]`."""
    step = call("BroadcastTo", cast(step, starts.dtype), call("Shape", starts))
    splits, places = call("RaggedRange", starts, limits, step, Tsplits=starts.dtype)
    made: RaggedTensor = RaggedTensor.from_row_splits(
        gather_rows(values, places), splits, validate=False
    )
    return made


def gather_rows(values: Any, places: Any) -> Any:
    """Rows of a tensor or ragged tensor at `places`, a vector."""
    if not isinstance(values, RaggedTensor):
        return call("GatherV2", values, places, 0)
    starts = call("GatherV2", values.row_starts(), places, 0)
    lengths = call("GatherV2", values.row_lengths(), places, 0)
    splits = call(
        "ConcatV2", [np.zeros((1,), lengths.dtype.np), call("Cumsum", lengths, np.int32(0))], 0
    )
    total = splits[-1]
    owner = rowids_of(splits, total)
    shift = call("Sub", starts, splits[:-1])
    below = call("AddV2", counted_to(total, splits.dtype), call("GatherV2", shift, owner, 0))
    return RaggedTensor.from_row_splits(
        gather_rows(values.values, below), splits, validate=False
    )


def _inner(value: Any, keys: list[Any]) -> Any:
    """Apply keys from the second axis on."""
    if not keys:
        return value
    if not isinstance(value, RaggedTensor):
        return strided_slice(value, (_ALL, *keys))
    first, *rest = keys
    if first is Ellipsis:
        rank = value.shape.rank
        return _inner(value, _expanded(keys, None if rank is None else rank - 1))
    if first is None:
        inner = _inner(value, rest)
        count = _rows(inner)
        return RaggedTensor.from_uniform_row_length(
            inner, convert_to_tensor(1, count.dtype), nrows=count, validate=False
        )
    if isinstance(first, slice):
        if first == _ALL:
            return _with_inner(value, rest)
        return _with_inner(_sliced_columns(value, first), rest)
    return _inner(_column(value, first), rest)


def _with_inner(ragged: RaggedTensor, keys: list[Any]) -> RaggedTensor:
    if not keys:
        return ragged
    return ragged.with_values(_inner(ragged.values, keys))


def _column(ragged: RaggedTensor, index: Any) -> Any:
    """One value of each row, where all rows have one length."""
    length = ragged.uniform_row_length
    if length is None:
        raise ValueError("Cannot index into an inner ragged dimension.")
    place = number(index, length.dtype)
    zero = convert_to_tensor(0, length.dtype)
    place = call("SelectV2", call("Less", place, zero), call("AddV2", place, length), place)
    inside = call("LogicalAnd", call("GreaterEqual", place, zero), call("Less", place, length))
    demand(
        inside,
        "Index out of bounds when indexing into a ragged tensor",
        InvalidArgumentError,
    )
    return gather_rows(ragged.values, call("AddV2", ragged.row_starts(), place))


def _sliced_columns(ragged: RaggedTensor, key: slice) -> RaggedTensor:
    """A part of each row."""
    starts, limits = ragged.row_starts(), ragged.row_limits()
    kind = starts.dtype
    step = number(1 if key.step is None else key.step, kind)
    positive = call("Greater", step, convert_to_tensor(0, kind))
    one = convert_to_tensor(1, kind)
    # Backwards, a row runs from its last value down to before its first.
    least = call("SelectV2", positive, starts, call("Sub", starts, one))
    most = call("SelectV2", positive, limits, call("Sub", limits, one))
    first = call("SelectV2", positive, least, most)
    last = call("SelectV2", positive, most, least)
    begin = first if key.start is None else _bound(key.start, starts, limits, least, most)
    end = last if key.stop is None else _bound(key.stop, starts, limits, least, most)
    if static_integer(step) == 1:
        end = call("Maximum", begin, end)
    result = _ranges(ragged.values, begin, end, step)
    length = ragged.uniform_row_length
    if length is not None:
        shrunk = _uniform_part(length, key, step)
        result = RaggedTensor.from_uniform_row_length(
            result.values, shrunk, nrows=ragged.nrows(), validate=False
        )
    return result


def _bound(value: Any, starts: Any, limits: Any, least: Any, most: Any) -> Any:
    """Where a slice's bound falls in each row."""
    bound = number(value, starts.dtype)
    negative = call("Less", bound, convert_to_tensor(0, starts.dtype))
    base = call("SelectV2", negative, limits, starts)
    return call("Minimum", call("Maximum", call("AddV2", base, bound), least), most)


def _uniform_part(length: Any, key: slice, step: Any) -> Any:
    """Length of the part that a slice takes of rows of one length."""
    known = static_integer(length)
    bounds = [None if each is None else static_integer(each) for each in (key.start, key.stop)]
    jump = static_integer(step)
    determined = all(
        found is not None or given is None
        for found, given in zip(bounds, (key.start, key.stop), strict=True)
    )
    if known is not None and determined and jump is not None:
        count = len(range(*slice(bounds[0], bounds[1], jump).indices(known)))
        return convert_to_tensor(count, length.dtype)
    return call("Size", counted_to(length, length.dtype)[key], out_type=length.dtype)
