"""`tf.nn.approx_max_k` and `tf.nn.approx_min_k`."""

from __future__ import annotations

from typing import Any

from penstock.api.generated import ApproxTopK, approx_top_k

__all__ = ["approx_max_k", "approx_min_k"]


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> ApproxTopK:
    """Return the `k` largest elements along an axis, and their places.

    Args:
        operand: [..., n, ...] half, bfloat16 or float32.
        k: number of elements.
        reduction_dimension: the axis.
        recall_target: share of the true elements that must be found; all of them are.
        reduction_input_size_override: size of the whole, of which `operand` is a part.
        aggregate_to_topk: whether exactly `k` elements are wanted.
        name: name of the node.
    """
    return approx_top_k(
        operand,
        k,
        reduction_dimension,
        recall_target,
        True,
        reduction_input_size_override,
        aggregate_to_topk,
        name,
    )


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> ApproxTopK:
    """Return the `k` smallest elements along an axis, and their places.

    Args:
        operand: [..., n, ...] half, bfloat16 or float32.
        k: number of elements.
        reduction_dimension: the axis.
        recall_target: share of the true elements that must be found; all of them are.
        reduction_input_size_override: size of the whole, of which `operand` is a part.
        aggregate_to_topk: whether exactly `k` elements are wanted.
        name: name of the node.
    """
    return approx_top_k(
        operand,
        k,
        reduction_dimension,
        recall_target,
        False,
        reduction_input_size_override,
        aggregate_to_topk,
        name,
    )
