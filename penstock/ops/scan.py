"""Running sums, products and log-sums along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from penstock.ops.elementwise import FLOATS, NUMBERS, unary, widened
from penstock.ops.shapes import axis_in
from penstock.ops.table import gradient, op

_SCAN: dict[str, Any] = {
    "inputs": ("x: T", "axis: Tidx"),
    "outputs": ("out: T",),
    "attrs": {"exclusive": False, "reverse": False},
    "constant_inputs": ("axis",),
    "shape": "same",
}


def _scan(
    xp: Any,
    run: Callable[[Any, int], Any],
    x: Any,
    axis: Any,
    *,
    start: Any,
    exclusive: bool,
    reverse: bool,
) -> Any:
    """Apply `run` along an axis, from its end if `reverse`.

    Args:
        start: what an exclusive scan begins with, in place of the first element.
        exclusive: each result leaves out the element at its own place.
    """
    axis = axis_in(int(axis), x.ndim)
    if reverse:
        x = xp.flip(x, axis)
    if exclusive and x.shape[axis]:
        before = (slice(None),) * axis
        first = xp.full_like(x[(*before, slice(0, 1))], start)
        x = xp.concatenate([first, x[(*before, slice(0, -1))]], axis=axis)
    out = run(x, axis)
    return xp.flip(out, axis) if reverse else out


@op("Cumsum", **_SCAN)
def cumsum(x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    """Running sum along an axis.

    Shape: x [...], axis scalar -> out [...].
    Errors: InvalidArgumentError when the axis is not in x.
    """
    xp = unary("Cumsum", x, NUMBERS)
    wide = widened(x)

    def run(values: Any, along: int) -> Any:
        return xp.cumsum(values, axis=along, dtype=wide.dtype)

    return _scan(xp, run, wide, axis, start=0, exclusive=exclusive, reverse=reverse).astype(
        x.dtype
    )


@gradient("Cumsum")
def cumsum_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Running sum from the other end."""
    attrs = {**g.attrs, "reverse": not g.attrs["reverse"]}
    return g.call("Cumsum", grad, g.inputs[1], **attrs), None


@op("Cumprod", **_SCAN)
def cumprod(x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    """Running product along an axis.

    Shape: x [...], axis scalar -> out [...].
    Errors: InvalidArgumentError when the axis is not in x.
    """
    xp = unary("Cumprod", x, NUMBERS)
    wide = widened(x)

    def run(values: Any, along: int) -> Any:
        return xp.cumprod(values, axis=along, dtype=wide.dtype)

    return _scan(xp, run, wide, axis, start=1, exclusive=exclusive, reverse=reverse).astype(
        x.dtype
    )


@gradient("Cumprod")
def cumprod_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Running sum, from the other end, of product times gradient, over x; 0 where x is 0."""
    x, axis = g.inputs
    attrs = {**g.attrs, "reverse": not g.attrs["reverse"]}
    total = g.call("Cumsum", g.call("Mul", g.outputs[0], grad), axis, **attrs)
    return g.call("DivNoNan", total, x), None


@op("CumulativeLogsumexp", **_SCAN)
def cumulative_logsumexp(x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    """Logarithm of the running sum of exponentials along an axis.

    Shape: x [...], axis scalar -> out [...].
    Errors: InvalidArgumentError when the axis is not in x.
    """
    xp = unary("CumulativeLogsumexp", x, FLOATS)
    wide = widened(x)

    def run(values: Any, along: int) -> Any:
        if xp is np:
            return np.logaddexp.accumulate(values, axis=along)
        return jax.lax.cumlogsumexp(values, axis=along)

    return _scan(
        xp, run, wide, axis, start=-np.inf, exclusive=exclusive, reverse=reverse
    ).astype(x.dtype)


@gradient("CumulativeLogsumexp")
def cumulative_logsumexp_gradient(g: Any, grad: Any) -> tuple[Any, None]:
    """Sum of grad * exp(x - y) from the other end.

    Positive and negative gradients go apart and as logarithms, so that no sum overflows.
    """
    x, axis = g.inputs
    y = g.outputs[0]
    attrs = {**g.attrs, "reverse": not g.attrs["reverse"]}
    lowest = g.call("Mul", g.call("OnesLike", grad), float(grad.dtype.min))

    def share(part: Any) -> Any:
        log = g.call("SelectV2", g.call("Greater", part, 0), g.call("Log", part), lowest)
        total = g.call("CumulativeLogsumexp", g.call("Sub", log, y), axis, **attrs)
        return g.call("Exp", g.call("AddV2", total, x))

    return g.call("Sub", share(grad), share(g.call("Neg", grad))), None
