"""Reductions over groups of picked rows: `tf.sparse.segment_sum` and its kin."""

from __future__ import annotations

from typing import Any

from penstock.api.operands import integers
from penstock.runtime.dispatch import call

__all__ = ["segment_sum", "segment_mean", "segment_sqrt_n"]


def segment_sum(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """Sum, for each segment, of the rows of `data` that its indices pick.

    Args:
        data: a tensor.
        indices: places of rows.
        segment_ids: for each index the number of its segment; sorted, not negative.
        num_segments: number of segments; None is the last number + 1.
        sparse_gradient: whether the gradient holds only the rows that were picked.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the numbers are not sorted, or an index is out of range.
    """
    return _reduce("Sum", data, indices, segment_ids, num_segments, sparse_gradient, name)


def segment_mean(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """Mean, for each segment, of the rows that its indices pick; see `segment_sum`."""
    return _reduce("Mean", data, indices, segment_ids, num_segments, sparse_gradient, name)


def segment_sqrt_n(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """As `segment_sum`, divided by the square root of the number of rows."""
    return _reduce("SqrtN", data, indices, segment_ids, num_segments, sparse_gradient, name)


def _reduce(
    kind: str,
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any,
    sparse_gradient: bool,
    name: str | None,
) -> Any:
    inputs = [data, indices, segment_ids]
    op_name = f"SparseSegment{kind}"
    if num_segments is not None:
        op_name += "WithNumSegments"
        inputs.append(integers(num_segments))
    return call(op_name, *inputs, sparse_gradient=sparse_gradient, name=name)
