"""Reductions, running sums and softmax over the axes of ragged tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api import arithmetic, elementwise, reductions, segments
from penstock.api.ragged.joining import expand_dims
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.partition_rows import cast, counted_to, demand, rowids_of
from penstock.runtime.ragged.tensor import wrapped_axis
from penstock.runtime.ragged_tensor import RaggedTensor, binary, unary
from penstock.runtime.static_shape import static_value

Segments = Callable[[Any, Any, Any], Any]

# Reduction of a tensor -> the same by segments.
BY_SEGMENT: dict[str, Segments] = {
    "reduce_sum": segments.unsorted_segment_sum,
    "reduce_prod": segments.unsorted_segment_prod,
    "reduce_max": segments.unsorted_segment_max,
    "reduce_min": segments.unsorted_segment_min,
}


def static_axis(axis: Any) -> Any:
    """An axis, or several, as Python integers; None stays.

    Raises:
        ValueError: they are not known while a graph is built.
    """
    if axis is None or isinstance(axis, int):
        return axis
    if isinstance(axis, (list, tuple)):
        return [static_axis(each) for each in axis]
    known = static_value(axis) if not isinstance(axis, np.ndarray) else axis
    if known is None:
        raise ValueError("axis must be known at graph construction time.")
    return np.asarray(known).tolist()


def reduce(
    plain: Callable[..., Any], by_segment: Segments, ragged: Any, axis: Any, keepdims: Any
) -> Any:
    """Reduce a ragged tensor, axis by axis from the innermost on.

    Args:
        plain: the reduction of tensors.
        by_segment: the same reduction by segments.
        ragged: a ragged tensor; a tensor is reduced plainly.
        axis: axes to reduce; None takes all.
        keepdims: whether they stay with size 1.
    """
    if not isinstance(ragged, RaggedTensor):
        return plain(ragged, axis, keepdims=bool(keepdims))
    axes = static_axis(axis)
    if axes is None:
        total = plain(ragged.flat_values)
        if keepdims:
            for _ in range(ragged.shape.rank or 0):
                total = call("ExpandDims", total, 0)
        return total
    rank = ragged.shape.rank
    if isinstance(axes, list):
        if not axes:
            return ragged
        ordered = sorted({wrapped_axis(each, rank) for each in axes}, reverse=True)
        if len(ordered) != len(axes):
            raise ValueError(f"axis must not name an axis twice, got {axes}")
        result = ragged
        for each in ordered:
            result = reduce(plain, by_segment, result, each, keepdims)
        return result
    at = wrapped_axis(axes, rank)
    if at == 0:
        result = _over_rows(by_segment, ragged)
    elif at == 1:
        result = by_segment_of(by_segment, ragged.values, ragged.value_rowids(), ragged.nrows())
    else:
        # The flag is handled here: below, the axis counts otherwise.
        inner = reduce(plain, by_segment, ragged.values, at - 1, False)
        result = ragged.with_values(inner)
    return expand_dims(result, at) if keepdims else result


def _over_rows(by_segment: Segments, ragged: RaggedTensor) -> Any:
    """Reduce over the rows: what stands at one place of each."""
    lengths = ragged.row_lengths()
    start = np.zeros((1,), lengths.dtype.np)
    longest = call("Max", call("ConcatV2", [start, lengths], 0), [0])
    places = ragged._row_partition.offsets_in_rows()  # noqa: SLF001  (tensors of one house)
    return by_segment_of(by_segment, ragged.values, places, longest)


def by_segment_of(by_segment: Segments, data: Any, segment_ids: Any, count: Any) -> Any:
    """Reduce the rows of `data` by segment; rows of ragged data are reduced place by place.

    Raises:
        ValueError: ragged segments do not fit the data.
    """
    if isinstance(segment_ids, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            raise ValueError("data must be ragged, because segment_ids is")  # noqa: TRY004
        return by_segment_of(by_segment, data.values, segment_ids.values, count)
    if not isinstance(data, RaggedTensor):
        return by_segment(data, segment_ids, count)
    lengths = data.row_lengths()
    kind = lengths.dtype
    ids, number = cast(segment_ids, kind), cast(convert_to_tensor(count), kind)
    longest = segments.unsorted_segment_max(lengths, ids, number)
    longest = call("Maximum", longest, convert_to_tensor(0, kind))
    ends = call("Cumsum", longest, np.int32(0))
    splits = call("ConcatV2", [np.zeros((1,), kind.np), ends], 0)
    # Where each value goes: to its place in the row of its segment.
    owner = data.value_rowids()
    start = call("GatherV2", call("GatherV2", splits, ids, 0), owner, 0)
    target = call("AddV2", start, data._row_partition.offsets_in_rows())  # noqa: SLF001
    values = by_segment_of(by_segment, data.values, target, splits[-1])
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def reduce_mean(ragged: Any, axis: Any, keepdims: Any) -> Any:
    """Mean; of rows without elements NaN."""
    total = reduce(reductions.reduce_sum, BY_SEGMENT["reduce_sum"], ragged, axis, keepdims)
    ones = unary(lambda flat: call("OnesLike", flat), ragged)
    count = reduce(reductions.reduce_sum, BY_SEGMENT["reduce_sum"], ones, axis, keepdims)
    return arithmetic.truediv(total, count)


def reduce_variance(ragged: Any, axis: Any, keepdims: Any) -> Any:
    """Mean of the squares less the square of the mean."""
    squares = reduce_mean(unary(_square, ragged), axis, keepdims)
    mean = reduce_mean(ragged, axis, keepdims)
    square = unary(_square, mean) if isinstance(mean, RaggedTensor) else _square(mean)
    return arithmetic.subtract(squares, square)


def _square(x: Any) -> Any:
    return call("Square", x)


def _as_truth(x: Any) -> Any:
    return call("Cast", call("Cast", x, DstT=dtypes.int32), DstT=dtypes.bool)


def reduce_truth(
    plain: Callable[..., Any], op: str, ragged: Any, axis: Any, keepdims: Any
) -> Any:
    """All or any: of booleans as 0 and 1 the product, or the largest.

    Numbers count as true where they are not zero, without their fractions.
    """
    if isinstance(ragged, RaggedTensor) and ragged.dtype != dtypes.bool:
        # Through int32, as TensorFlow goes: a fraction below 1 counts as 0.
        ragged = unary(_as_truth, ragged)

    def by_segment(data: Any, ids: Any, count: Any) -> Any:
        numbers = call("Cast", data, DstT=dtypes.int32)
        found = (
            segments.unsorted_segment_prod(numbers, ids, count)
            if op == "reduce_all"
            else segments.unsorted_segment_sum(numbers, ids, count)
        )
        return call("NotEqual", found, convert_to_tensor(0))

    return reduce(plain, by_segment, ragged, axis, keepdims)


def reduce_logsumexp(ragged: RaggedTensor, axis: Any, keepdims: Any) -> Any:
    """Logarithm of the sum of exponentials, without overflow; of empty rows -inf."""
    if axis is None:
        return reductions.reduce_logsumexp(ragged.flat_values, None, bool(keepdims))
    largest = reduce(reductions.reduce_max, BY_SEGMENT["reduce_max"], ragged, axis, True)
    kept = unary(_shift, largest) if isinstance(largest, RaggedTensor) else _shift(largest)
    powers = unary(_exp, binary(_sub, ragged, kept))
    total = reduce(reductions.reduce_sum, BY_SEGMENT["reduce_sum"], powers, axis, True)
    result = arithmetic.add(elementwise.log(total), kept)
    return result if keepdims else without_axes(result, axis)


def without_axes(value: Any, axis: Any) -> Any:
    """Drop axes of size 1."""
    axes = static_axis(axis)
    rank = value.shape.rank
    for each in sorted(
        {wrapped_axis(one, rank) for one in (axes if isinstance(axes, list) else [axes])},
        reverse=True,
    ):
        value = squeezed(value, each)
    return value


def squeezed(value: Any, axis: int) -> Any:
    """Drop one axis of size 1."""
    if not isinstance(value, RaggedTensor):
        return call("Squeeze", value, squeeze_dims=(axis,))
    if axis > 1:
        return value.with_values(squeezed(value.values, axis - 1))
    one = convert_to_tensor(1, value.row_splits.dtype)
    sizes = value.nrows() if axis == 0 else value.row_lengths()
    demand(call("Equal", sizes, one), f"axis {axis} must have size 1 to be squeezed")
    return value.values


def _shift(x: Any) -> Any:
    """What is taken off before exponentials: the largest, where it is finite."""
    finite = call("SelectV2", call("IsFinite", x), x, call("ZerosLike", x))
    return call("StopGradient", finite)


def cumsum(ragged: RaggedTensor, axis: Any, exclusive: bool, reverse: bool) -> RaggedTensor:
    """Running sum along an axis.

    Raises:
        ValueError: the axis is out of bounds, or not known while a graph is built.
    """
    at = wrapped_axis(static_axis(axis), ragged.shape.rank)
    if at > ragged.ragged_rank:
        inner = at - ragged.ragged_rank
        return unary(lambda flat: reductions.cumsum(flat, inner, exclusive, reverse), ragged)
    # Rows are filled up with zeros, which add nothing, and cut again.
    dense = reductions.cumsum(ragged.to_tensor(), at, exclusive, reverse)
    return cut_like(dense, ragged)


def cut_like(dense: Any, ragged: RaggedTensor) -> RaggedTensor:
    """The values of `dense` that stand where `ragged` has values."""
    partitions = ragged._nested_row_partitions  # noqa: SLF001
    kind = ragged.row_splits.dtype
    places = counted_to(partitions[-1].nvals(), kind)
    columns = []
    for partition in reversed(partitions):
        splits = partition.row_splits()
        owner = rowids_of(splits, partition.nvals())
        row = call("GatherV2", owner, places, 0)
        start = call("GatherV2", splits, row, 0)
        columns.append(call("Sub", places, start))
        places = row
    columns.append(places)
    values = call("GatherNd", dense, call("Pack", columns[::-1], axis=1))
    return ragged.with_flat_values(values)


def softmax(ragged: RaggedTensor, axis: Any) -> RaggedTensor:
    """Exponentials along an axis, scaled to sum to one."""
    at = -1 if axis is None else axis
    largest = reduce(reductions.reduce_max, BY_SEGMENT["reduce_max"], ragged, at, keepdims=True)
    kept = unary(_stopped, largest) if isinstance(largest, RaggedTensor) else _stopped(largest)
    powers = unary(_exp, binary(_sub, ragged, kept))
    total = reduce(reductions.reduce_sum, BY_SEGMENT["reduce_sum"], powers, at, keepdims=True)
    return binary(_div, powers, total)


def _stopped(x: Any) -> Any:
    return call("StopGradient", x)


def _exp(x: Any) -> Any:
    return call("Exp", x)


def _sub(x: Any, y: Any) -> Any:
    return call("Sub", x, y)


def _div(x: Any, y: Any) -> Any:
    return call("RealDiv", x, y)
