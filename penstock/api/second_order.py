"""`tf.hessians`, and the ways in which gradients may be added up."""

from __future__ import annotations

from typing import Any

from penstock.api import array as array_ops
from penstock.api.framework import gradients
from penstock.api.joining import concat, stack
from penstock.core.errors import UnimplementedError

__all__ = ["AggregationMethod", "hessians"]


class AggregationMethod:
    """How gradients that flow into one tensor are added up: here always at once."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def hessians(
    ys: Any,
    xs: Any,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    name: str = "hessians",
) -> list[Any]:
    """Second derivatives of the sum of `ys`, within a graph.

    Args:
        ys: a tensor or a list of them.
        xs: a tensor or a list of them, of known shapes.
        gate_gradients: accepted; gradients come all at once.
        aggregation_method: accepted, see `AggregationMethod`.
        name: accepted.

    Returns:
        One tensor for each of `xs`, with its shape twice.
    """
    sources = list(xs) if isinstance(xs, (list, tuple)) else [xs]
    firsts = gradients(ys, sources)
    return [_of_one(x, first) for x, first in zip(sources, firsts, strict=True)]


def _of_one(x: Any, first: Any) -> Any:
    size = x.shape.num_elements()
    if size is None:
        raise UnimplementedError(f"hessians needs tensors of known shape, got {x.shape}")
    flat = array_ops.reshape(first, [-1])
    rows = [gradients(flat[i], [x], unconnected_gradients="zero")[0] for i in range(size)]
    shape = array_ops.shape(x)
    return array_ops.reshape(stack(rows), concat([shape, shape], 0))
