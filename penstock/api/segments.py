"""Reductions over groups of rows."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers, scalar
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "segment_sum",
    "segment_mean",
    "segment_prod",
    "segment_max",
    "segment_min",
    "unsorted_segment_sum",
    "unsorted_segment_mean",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_prod",
    "unsorted_segment_max",
    "unsorted_segment_min",
]


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """Sum of the rows of each segment.

    Args:
        data: a tensor.
        segment_ids: for each row the number of its segment; sorted, not negative.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the numbers are negative or not sorted.
    """
    return call("SegmentSum", data, segment_ids, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """Mean of the rows of each segment; see `segment_sum`."""
    return call("SegmentMean", data, segment_ids, name=name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """Product of the rows of each segment; see `segment_sum`."""
    return call("SegmentProd", data, segment_ids, name=name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """Largest of the rows of each segment; see `segment_sum`."""
    return call("SegmentMax", data, segment_ids, name=name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """Smallest of the rows of each segment; see `segment_sum`."""
    return call("SegmentMin", data, segment_ids, name=name)


def unsorted_segment_sum(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Sum of the rows of each segment.

    Args:
        data: a tensor whose shape begins with that of `segment_ids`.
        segment_ids: for each row the number of its segment; negative ones leave the row out.
        num_segments: number of segments.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a number is not below `num_segments`.

    Example:
        >>> import penstock as tf
        >>> tf.math.unsorted_segment_sum([1, 2, 4], [1, 0, 1], 2).numpy().tolist()
        [2, 5]
    """
    return call("UnsortedSegmentSum", data, segment_ids, integers(num_segments), name=name)


def unsorted_segment_prod(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Product of the rows of each segment; see `unsorted_segment_sum`."""
    return call("UnsortedSegmentProd", data, segment_ids, integers(num_segments), name=name)


def unsorted_segment_max(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Largest of the rows of each segment; see `unsorted_segment_sum`."""
    return call("UnsortedSegmentMax", data, segment_ids, integers(num_segments), name=name)


def unsorted_segment_min(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Smallest of the rows of each segment; see `unsorted_segment_sum`."""
    return call("UnsortedSegmentMin", data, segment_ids, integers(num_segments), name=name)


def unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Mean of the rows of each segment, or zero; see `unsorted_segment_sum`."""
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    sums = unsorted_segment_sum(data, ids, num_segments)
    counts = _counts(data, ids, num_segments)
    if data.dtype.is_integer:
        # True division widens as Python's does: small integers to float32.
        wide = dtypes.float32 if data.dtype.size <= 2 else dtypes.float64
        sums, counts = (call("Cast", each, DstT=wide) for each in (sums, counts))
    return call("RealDiv", sums, counts, name=name)


def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Any:
    """Sum of the rows of each segment, divided by the square root of their number."""
    data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
    sums = unsorted_segment_sum(data, ids, num_segments)
    return call("RealDiv", sums, call("Sqrt", _counts(data, ids, num_segments)), name=name)


def _counts(data: Any, ids: Any, num_segments: Any) -> Any:
    """Number of rows of each segment, at least 1, shaped to divide the sums."""
    one = scalar(1, data.dtype)
    ones = call("Fill", call("Shape", ids), one)
    counts = call("Maximum", unsorted_segment_sum(ones, ids, num_segments), one)
    extra = call("Sub", call("Rank", data), call("Rank", ids))
    tail = call("Fill", call("Reshape", extra, integers([1])), integers(1))
    if data.shape.rank is not None and ids.shape.rank is not None:
        tail = integers([1] * (data.shape.rank - ids.shape.rank))
    shape = call("ConcatV2", [integers([-1]), tail], integers(0))
    return call("Reshape", counts, shape)


open_to_composites(globals())
