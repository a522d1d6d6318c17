"""Poolings: the largest or the mean of what a sliding window covers, and their gradients.

Both are combinations of the window's taps. XLA fuses these into one loop, which on a CPU is
several times quicker than its window reductions, and twenty times quicker for the gradient of a
maximum. Large windows, whose taps would make a long program, go to the window reductions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from penstock.core.dtypes import DType, int64
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.ops.elementwise import FLOATS, REALS, unary, widened
from penstock.ops.lowering import TILED_MAXIMUM, applies
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op
from penstock.ops.windows import (
    Window,
    is_channels_first,
    pad,
    scatter_taps,
    sliding_window,
    taps,
)

_HOST_LIMIT = 1 << 15
_MOST_TAPS = 32

_MAX_ATTRS = {
    "ksize": REQUIRED,
    "strides": REQUIRED,
    "padding": REQUIRED,
    "explicit_paddings": (),
    "data_format": "NHWC",
}
_AVG_ATTRS = {
    "ksize": REQUIRED,
    "strides": REQUIRED,
    "padding": REQUIRED,
    "data_format": "NHWC",
}
_3D_ATTRS = {**_AVG_ATTRS, "data_format": "NDHWC"}
_BY_INPUT_ATTRS = {"padding": REQUIRED, "data_format": "NHWC"}


def _window(
    name: str,
    shape: Sequence[int],
    *,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int] = (),
) -> Window:
    """The window of a pooling: over all axes but the batch."""
    is_channels_first(data_format)
    rank = len(shape)
    if rank != len(ksize) or rank != len(strides):
        raise InvalidArgumentError(
            f"input, ksize and strides of {name} must have one rank, got shape {list(shape)}, "
            f"{tuple(ksize)} and {tuple(strides)}"
        )
    if ksize[0] != 1 or strides[0] != 1 or any(explicit_paddings[:2]):
        raise UnimplementedError(
            f"{name} does not pool over the batch, got ksize {tuple(ksize)} and strides "
            f"{tuple(strides)}"
        )
    return sliding_window(
        1,
        shape[1:],
        ksize[1:],
        strides[1:],
        padding,
        explicit_paddings=explicit_paddings[2:],
    )


def _lowest(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-math.inf)


def _uses_taps(x: Any, window: Window) -> bool:
    return window.cells <= _MOST_TAPS or not isinstance(x, jax.Array)


def _takes_maximum_of_taps(x: Any, window: Window) -> bool:
    if not isinstance(x, jax.Array):
        return True
    return applies(
        TILED_MAXIMUM, window.cells <= _MOST_TAPS, lambda: f"a window of {window.cells} cells"
    )


def _largest(x: Any, window: Window) -> Any:
    low = _lowest(x.dtype)
    if not _takes_maximum_of_taps(x, window):
        return _reduce_window(x, np.asarray(low, x.dtype), lax.max, window)
    return functools.reduce(namespace(x).maximum, taps(pad(x, window, low), window))


def _largest_backward(x: Any, largest: Any, grad: Any, window: Window) -> Any:
    """Give each place's gradient to the first cell that holds its maximum."""
    if largest.shape != grad.shape or largest.shape[1:] != window.outputs:
        raise InvalidArgumentError(
            f"output and gradient must have the shape {[x.shape[0], *window.outputs]} of the "
            f"pooling's output, got {list(largest.shape)} and {list(grad.shape)}"
        )
    if not _takes_maximum_of_taps(x, window):
        _, pullback = jax.vjp(lambda y: _largest(y, window), x)
        return pullback(grad.astype(x.dtype))[0].astype(grad.dtype)
    xp = namespace(x, largest, grad)
    if window.is_tiling and xp is jnp:
        return _given_to_tiles(x, largest, grad, window)
    zero = grad.dtype.type(0)
    free = None
    parts = []
    # Margins that equal nothing cannot be taken for a maximum.
    margin = x.dtype.type(math.nan) if x.dtype.kind not in "iu" else _lowest(x.dtype)
    for tap in taps(pad(x, window, margin), window):
        hit = tap == largest if free is None else (tap == largest) & free
        free = ~hit if free is None else free & ~hit
        parts.append(xp.where(hit, grad, zero))
    return scatter_taps(parts, window)


def _given_to_tiles(x: Any, largest: Any, grad: Any, window: Window) -> Any:
    """As `_largest_backward` for windows side by side: every cell asks whether it is the first.

    Without margins between the parts XLA writes the gradient in one pass of vectors.
    """
    kind = np.int8 if window.cells < np.iinfo(np.int8).max else np.int32
    views = [*taps(x, window)]
    first = jnp.full(largest.shape, window.cells, kind)  # no cell, as under a NaN
    for number, view in reversed([*enumerate(views)]):
        first = jnp.where(view == largest, kind(number), first)
    numbers = np.arange(window.cells, dtype=kind)
    numbers = numbers.reshape([part for size in window.size for part in (1, size)])
    split = [x.shape[0], *(part for places in window.outputs for part in (places, 1))]
    hit = first.reshape(split) == numbers
    return jnp.where(hit, grad.reshape(split), grad.dtype.type(0)).reshape(x.shape)


def _sum(x: Any, window: Window) -> Any:
    if not _uses_taps(x, window):
        return _reduce_window(x, np.zeros((), x.dtype), lax.add, window)
    views = taps(pad(x, window, 0), window)
    first = next(views)
    return functools.reduce(namespace(x).add, views, first)


def _reduce_window(x: Any, start: Any, combine: Any, window: Window) -> Any:
    return lax.reduce_window(
        x,
        start,
        combine,
        (1, *window.size),
        (1, *window.strides),
        ((0, 0), *window.padding),
    )


def _counts(window: Window, dtype: np.dtype[Any]) -> Any:
    """Number of cells inside the array at each place, shaped to broadcast over the outputs."""
    counts = np.ones((1,) * len(window.size), dtype)
    for axis, (length, size, step, (low, _), places) in enumerate(
        zip(
            window.lengths,
            window.size,
            window.strides,
            window.padding,
            window.outputs,
            strict=True,
        )
    ):
        if size > 1:
            first = np.arange(places) * step - low
            inside = np.minimum(first + size, length) - np.maximum(first, 0)
            shape = [1] * len(window.size)
            shape[axis] = places
            counts = counts * inside.astype(dtype).reshape(shape)
    return counts


def _mean(x: Any, window: Window) -> Any:
    wide = widened(x)
    return (_sum(wide, window) / _counts(window, wide.dtype)).astype(x.dtype)


def _mean_backward(grad: Any, window: Window) -> Any:
    """Give every cell its share of the gradients of the places that cover it."""
    if grad.shape[1:] != window.outputs:
        raise InvalidArgumentError(
            f"gradient must have the shape [n, {', '.join(map(str, window.outputs))}] of the "
            f"pooling's output, got {list(grad.shape)}"
        )
    wide = widened(grad)
    share = wide / _counts(window, wide.dtype)
    if window.is_tiling:
        back = _spread_over_tiles(share, window)
    elif _uses_taps(grad, window):
        back = scatter_taps((share for _ in range(window.cells)), window)
    else:
        argument = jax.ShapeDtypeStruct((grad.shape[0], *window.lengths), share.dtype)
        back = jax.linear_transpose(lambda x: _sum(x, window), argument)(share)[0]
    return back.astype(grad.dtype)


def _spread_over_tiles(share: Any, window: Window) -> Any:
    split = [share.shape[0]]
    tiled = [share.shape[0]]
    for places, size in zip(window.outputs, window.size, strict=True):
        split += [places, 1]
        tiled += [places, size]
    spread = namespace(share).broadcast_to(share.reshape(split), tiled)
    return spread.reshape(share.shape[0], *window.lengths)


@op(
    "MaxPool",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs=_MAX_ATTRS,
    host_limit=_HOST_LIMIT,
)
def max_pool(input: Any, **attrs: Any) -> Any:
    """Largest entry under a window, at each place.

    Shape: input [n, h, w, c] or [n, c, h, w] -> output [n, oh, ow, c] or [n, c, oh, ow].
    Errors: InvalidArgumentError when the attrs do not fit the input; UnimplementedError for a
    window over the batch.
    Source: TensorFlow op `MaxPool`.
    """
    unary("MaxPool", input, REALS)
    return _largest(input, _window("MaxPool", input.shape, **attrs))


@op(
    "MaxPoolGrad",
    inputs=("orig_input: T", "orig_output: T", "grad: T"),
    outputs=("output: T",),
    attrs=_MAX_ATTRS,
    host_limit=_HOST_LIMIT,
)
def max_pool_grad(orig_input: Any, orig_output: Any, grad: Any, **attrs: Any) -> Any:
    """Gradient of `MaxPool`; of equal largest entries the first gets it.

    Shape: orig_input [n, h, w, c], orig_output [n, oh, ow, c], grad [n, oh, ow, c] -> output
    [n, h, w, c], or all with the channels first.
    """
    window = _window("MaxPoolGrad", orig_input.shape, **attrs)
    return _largest_backward(orig_input, orig_output, grad, window)


@gradient("MaxPool")
def max_pool_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("MaxPoolGrad", g.inputs[0], g.outputs[0], grad, **g.attrs)


@op(
    "MaxPoolV2",
    inputs=("input: T", "ksize: int32", "strides: int32"),
    outputs=("output: T",),
    attrs=_BY_INPUT_ATTRS,
    constant_inputs=("ksize", "strides"),
    host_limit=_HOST_LIMIT,
)
def max_pool_v2(input: Any, ksize: Any, strides: Any, **attrs: Any) -> Any:
    """`MaxPool` whose window is an input.

    Shape: input [n, h, w, c] or [n, c, h, w], ksize [4], strides [4] -> output [n, oh, ow, c]
    or [n, c, oh, ow].
    """
    return max_pool(input, ksize=_entries(ksize), strides=_entries(strides), **attrs)


@op(
    "MaxPoolGradV2",
    inputs=("orig_input: T", "orig_output: T", "grad: T", "ksize: int32", "strides: int32"),
    outputs=("output: T",),
    attrs=_BY_INPUT_ATTRS,
    constant_inputs=("ksize", "strides"),
    host_limit=_HOST_LIMIT,
)
def max_pool_grad_v2(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, **attrs: Any
) -> Any:
    """`MaxPoolGrad` whose window is an input.

    Shape: orig_input [n, h, w, c], orig_output [n, oh, ow, c], grad [n, oh, ow, c], ksize [4],
    strides [4] -> output [n, h, w, c], or all with the channels first.
    """
    return max_pool_grad(
        orig_input,
        orig_output,
        grad,
        ksize=_entries(ksize),
        strides=_entries(strides),
        **attrs,
    )


@gradient("MaxPoolV2")
def max_pool_v2_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    x, ksize, strides = g.inputs
    back = g.call("MaxPoolGradV2", x, g.outputs[0], grad, ksize, strides, **g.attrs)
    return back, None, None


def _entries(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in np.asarray(values).ravel())


@op(
    "MaxPool3D",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs=_3D_ATTRS,
    host_limit=_HOST_LIMIT,
)
def max_pool3d(input: Any, **attrs: Any) -> Any:
    """`MaxPool` over three spatial axes.

    Shape: input [n, d, h, w, c] or [n, c, d, h, w] -> output [n, od, oh, ow, c] or
    [n, c, od, oh, ow].
    """
    unary("MaxPool3D", input, FLOATS)
    return _largest(input, _window("MaxPool3D", input.shape, **attrs))


@op(
    "MaxPool3DGrad",
    inputs=("orig_input: TInput", "orig_output: TInput", "grad: T"),
    outputs=("output: T",),
    attrs=_3D_ATTRS,
    host_limit=_HOST_LIMIT,
)
def max_pool3d_grad(orig_input: Any, orig_output: Any, grad: Any, **attrs: Any) -> Any:
    """Gradient of `MaxPool3D`; of equal largest entries the first gets it.

    Shape: orig_input [n, d, h, w, c], orig_output [n, od, oh, ow, c], grad [n, od, oh, ow, c]
    -> output [n, d, h, w, c], or all with the channels first.
    """
    window = _window("MaxPool3DGrad", orig_input.shape, **attrs)
    return _largest_backward(orig_input, orig_output, grad, window)


@gradient("MaxPool3D")
def max_pool3d_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("MaxPool3DGrad", g.inputs[0], g.outputs[0], grad, **g.attrs)


@op(
    "AvgPool",
    inputs=("value: T",),
    outputs=("output: T",),
    attrs=_AVG_ATTRS,
    host_limit=_HOST_LIMIT,
)
def avg_pool(value: Any, **attrs: Any) -> Any:
    """Mean of what a window covers, at each place; cells outside the input do not count.

    Shape: value [n, h, w, c] or [n, c, h, w] -> output [n, oh, ow, c] or [n, c, oh, ow].
    Errors: InvalidArgumentError when the attrs do not fit the input; UnimplementedError for a
    window over the batch.
    Source: TensorFlow op `AvgPool`.
    """
    unary("AvgPool", value, FLOATS)
    return _mean(value, _window("AvgPool", value.shape, **attrs))


@op(
    "AvgPoolGrad",
    inputs=("orig_input_shape: int32", "grad: T"),
    outputs=("output: T",),
    attrs=_AVG_ATTRS,
    constant_inputs=("orig_input_shape",),
    host_limit=_HOST_LIMIT,
)
def avg_pool_grad(orig_input_shape: Any, grad: Any, **attrs: Any) -> Any:
    """Gradient of `AvgPool` for an input of a shape.

    Shape: orig_input_shape [4], grad [n, oh, ow, c] or [n, c, oh, ow] -> output [n, h, w, c] or
    [n, c, h, w].
    """
    return _mean_backward(grad, _window("AvgPoolGrad", _entries(orig_input_shape), **attrs))


@op(
    "AvgPool3D",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs=_3D_ATTRS,
    host_limit=_HOST_LIMIT,
)
def avg_pool3d(input: Any, **attrs: Any) -> Any:
    """`AvgPool` over three spatial axes.

    Shape: input [n, d, h, w, c] or [n, c, d, h, w] -> output [n, od, oh, ow, c] or
    [n, c, od, oh, ow].
    """
    unary("AvgPool3D", input, FLOATS)
    return _mean(input, _window("AvgPool3D", input.shape, **attrs))


@op(
    "AvgPool3DGrad",
    inputs=("orig_input_shape: int32", "grad: T"),
    outputs=("output: T",),
    attrs=_3D_ATTRS,
    constant_inputs=("orig_input_shape",),
    host_limit=_HOST_LIMIT,
)
def avg_pool3d_grad(orig_input_shape: Any, grad: Any, **attrs: Any) -> Any:
    """Gradient of `AvgPool3D` for an input of a shape.

    Shape: orig_input_shape [5], grad [n, od, oh, ow, c] or [n, c, od, oh, ow] -> output
    [n, d, h, w, c] or [n, c, d, h, w].
    """
    return _mean_backward(grad, _window("AvgPool3DGrad", _entries(orig_input_shape), **attrs))


def _add_mean_gradients(forward: str, backward: str) -> None:
    """Make the two ops of a mean pooling, which is linear, each other's gradients."""

    @gradient(forward)
    def forward_gradient(g: Any, grad: Any) -> Any:
        return g.call(backward, g.call("Shape", g.inputs[0]), grad, **g.attrs)

    @gradient(backward)
    def backward_gradient(g: Any, grad: Any) -> Any:
        return None, g.call(forward, grad, **g.attrs)


_add_mean_gradients("AvgPool", "AvgPoolGrad")
_add_mean_gradients("AvgPool3D", "AvgPool3DGrad")


@op(
    "MaxPoolWithArgmax",
    inputs=("input: T",),
    outputs=("output: T", "argmax: Targmax"),
    attrs={
        "ksize": REQUIRED,
        "strides": REQUIRED,
        "Targmax": int64,
        "padding": REQUIRED,
        "include_batch_in_index": False,
    },
    host_limit=_HOST_LIMIT,
)
def max_pool_with_argmax(
    input: Any,
    *,
    Targmax: DType,  # noqa: N803  (the attr's name)
    include_batch_in_index: bool,
    **attrs: Any,
) -> Any:
    """`MaxPool`, and where in the flattened image each of its outputs stands.

    Shape: input [n, h, w, c] -> output [n, oh, ow, c], argmax [n, oh, ow, c], which counts in
    [h, w, c] or, with include_batch_in_index, in [n, h, w, c].
    """
    xp = unary("MaxPoolWithArgmax", input, REALS)
    window = _window("MaxPoolWithArgmax", input.shape, data_format="NHWC", **attrs)
    largest = _largest(input, window)
    cells = math.prod(input.shape[1:])
    index = pad(np.arange(cells).reshape(1, *input.shape[1:]), window, cells)
    # The first hit is the one with the least index.
    best = cells
    for tap, where in zip(
        taps(pad(input, window, _lowest(input.dtype)), window), taps(index, window), strict=True
    ):
        best = xp.minimum(best, xp.where(tap == largest, where, cells))
    # Only a window of NaN has no hit; it reports its first cell, as any would do.
    best = xp.where(best == cells, 0, best)
    if include_batch_in_index:
        best = best + xp.arange(input.shape[0]).reshape(-1, 1, 1, 1) * cells
    return largest, best.astype(Targmax.as_numpy_dtype)


@op(
    "MaxPoolGradWithArgmax",
    inputs=("input: T", "grad: T", "argmax: Targmax"),
    outputs=("output: T",),
    attrs={
        "ksize": REQUIRED,
        "strides": REQUIRED,
        "padding": REQUIRED,
        "include_batch_in_index": False,
    },
    host_limit=_HOST_LIMIT,
)
def max_pool_grad_with_argmax(
    input: Any, grad: Any, argmax: Any, *, include_batch_in_index: bool, **_: Any
) -> Any:
    """Gradient of `MaxPoolWithArgmax`: each entry goes to where its maximum stood.

    Shape: input [n, h, w, c], grad [n, oh, ow, c], argmax [n, oh, ow, c] -> output
    [n, h, w, c].
    """
    place = argmax.astype(np.int64)
    if not include_batch_in_index:
        cells = math.prod(input.shape[1:])
        place = place + np.arange(input.shape[0]).reshape(-1, 1, 1, 1) * cells
    xp = namespace(grad, argmax)
    total = xp.zeros(math.prod(input.shape), grad.dtype)
    if xp is np:
        np.add.at(total, place.ravel(), grad.ravel())
    else:
        total = total.at[place.ravel()].add(grad.ravel())
    return total.reshape(input.shape)


@gradient("MaxPoolWithArgmax")
def max_pool_with_argmax_gradient(g: Any, grad: Any, _: Any) -> Any:
    """The native op."""
    if grad is None:
        return None
    attrs = {name: value for name, value in g.attrs.items() if name != "Targmax"}
    return g.call("MaxPoolGradWithArgmax", g.inputs[0], grad, g.outputs[1], **attrs)
