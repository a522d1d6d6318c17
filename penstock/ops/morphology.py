"""Grey-scale dilation and its gradients; erosion is the dilation of the negative."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.ops.elementwise import REALS, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op
from penstock.ops.windows import Window, pad, scatter_taps, sliding_window, taps

_ATTRS = {"strides": REQUIRED, "rates": REQUIRED, "padding": REQUIRED}
_HOST_LIMIT = 1 << 15


def _window(
    shape: Sequence[int],
    filter_shape: Sequence[int],
    *,
    strides: Sequence[int],
    rates: Sequence[int],
    padding: str,
) -> Window:
    if len(shape) != 4 or len(filter_shape) != 3 or shape[3] != filter_shape[2]:
        raise InvalidArgumentError(
            "input must be [n, h, w, c] and filter [kh, kw, c], got shapes "
            f"{list(shape)} and {list(filter_shape)}"
        )
    if len(strides) != 4 or len(rates) != 4:
        raise InvalidArgumentError(
            f"strides and rates must have 4 entries, got {tuple(strides)} and {tuple(rates)}"
        )
    if any(values[i] != 1 for values in (strides, rates) for i in (0, 3)):
        raise UnimplementedError(
            f"strides and rates must be 1 along batch and channels, got {tuple(strides)} and "
            f"{tuple(rates)}"
        )
    return sliding_window(
        1, shape[1:3], filter_shape[:2], strides[1:3], padding, dilations=rates[1:3]
    )


def _sums(x: Any, kernel: Any, window: Window) -> list[Any]:
    """Input plus filter under each cell of the window; nothing wins over the margins."""
    low = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else x.dtype.type(-math.inf)
    padded = pad(x, window, low)
    if x.dtype.kind in "iu" and window.is_padded:
        # Adding to the lowest integer would wrap or raise it, so margins are marked apart.
        inside = pad(np.ones((1, *window.lengths, 1), bool), window, value=False)
        return [
            namespace(view, kernel).where(mark, view + weight, low)
            for view, mark, weight in zip(
                taps(padded, window), taps(inside, window), _weights(kernel), strict=True
            )
        ]
    return [
        view + weight
        for view, weight in zip(taps(padded, window), _weights(kernel), strict=True)
    ]


def _weights(kernel: Any) -> list[Any]:
    return list(kernel.reshape(-1, kernel.shape[-1]))


@op(
    "Dilation2D",
    inputs=("input: T", "filter: T"),
    outputs=("output: T",),
    attrs=_ATTRS,
    host_limit=_HOST_LIMIT,
)
def dilation2d(input: Any, filter: Any, **attrs: Any) -> Any:
    """Largest of input plus filter under a window, at each place.

    Shape: input [n, h, w, c], filter [kh, kw, c] -> output [n, oh, ow, c].
    Errors: InvalidArgumentError when the shapes or attrs do not fit each other.
    Source: TensorFlow op `Dilation2D`.
    """
    xp = unary("Dilation2D", input, REALS)
    window = _window(input.shape, filter.shape, **attrs)
    return functools.reduce(xp.maximum, _sums(input, filter, window))


def _shares(x: Any, kernel: Any, grad: Any, window: Window) -> list[Any]:
    """The gradient of each place, at the first cell of the window that has the largest sum."""
    sums = _sums(x, kernel, window)
    xp = namespace(x, kernel, grad)
    largest = functools.reduce(xp.maximum, sums)
    if largest.shape != grad.shape:
        raise InvalidArgumentError(
            f"out_backprop must have the shape {list(largest.shape)} of the output, got "
            f"{list(grad.shape)}"
        )
    free = None
    shares = []
    for each in sums:
        hit = each == largest if free is None else (each == largest) & free
        free = ~hit if free is None else free & ~hit
        shares.append(xp.where(hit, grad, grad.dtype.type(0)))
    return shares


@op(
    "Dilation2DBackpropInput",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("in_backprop: T",),
    attrs=_ATTRS,
    host_limit=_HOST_LIMIT,
)
def dilation2d_backprop_input(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Dilation2D` in its input.

    Shape: input [n, h, w, c], filter [kh, kw, c], out_backprop [n, oh, ow, c] -> in_backprop
    [n, h, w, c].
    """
    window = _window(input.shape, filter.shape, **attrs)
    return scatter_taps(_shares(input, filter, out_backprop, window), window)


@op(
    "Dilation2DBackpropFilter",
    inputs=("input: T", "filter: T", "out_backprop: T"),
    outputs=("filter_backprop: T",),
    attrs=_ATTRS,
    host_limit=_HOST_LIMIT,
)
def dilation2d_backprop_filter(input: Any, filter: Any, out_backprop: Any, **attrs: Any) -> Any:
    """Gradient of `Dilation2D` in its filter.

    Shape: input [n, h, w, c], filter [kh, kw, c], out_backprop [n, oh, ow, c] ->
    filter_backprop [kh, kw, c].
    """
    window = _window(input.shape, filter.shape, **attrs)
    shares = _shares(input, filter, out_backprop, window)
    sums = [share.sum(axis=(0, 1, 2), dtype=share.dtype) for share in shares]
    return namespace(*sums).stack(sums).reshape(filter.shape)


@gradient("Dilation2D")
def dilation2d_gradient(g: Any, grad: Any) -> Any:
    """The native ops."""
    x, kernel = g.inputs
    return (
        g.call("Dilation2DBackpropInput", x, kernel, grad, **g.attrs) if g.needs(0) else None,
        g.call("Dilation2DBackpropFilter", x, kernel, grad, **g.attrs) if g.needs(1) else None,
    )
