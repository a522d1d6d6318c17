"""Margins around arrays: constant, mirrored, and their inverses."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import ANY_SIZE, shape_of
from penstock.ops.namespace import namespace
from penstock.ops.shapes import blank, filled, known_value
from penstock.ops.table import REQUIRED, gradient, op


def _margins(paddings: Any, rank: int) -> list[tuple[int, int]]:
    """Read a [rank, 2] array of margins; all must be zero or more."""
    pairs = [(int(low), int(high)) for low, high in _pairs(paddings, rank)]
    if any(low < 0 or high < 0 for low, high in pairs):
        raise InvalidArgumentError(f"paddings must not be negative, got {pairs}")
    return pairs


def _pairs(paddings: Any, rank: int) -> Any:
    if tuple(paddings.shape) != (rank, 2):
        raise InvalidArgumentError(
            f"paddings must have shape [{rank}, 2], got {list(paddings.shape)}"
        )
    return paddings.tolist()


def _padded_shape(x: Any, paddings: Any, *_: Any, **__: Any) -> TensorShape:
    rank = x.shape.rank
    if rank is None:
        rank = paddings.shape[0] if paddings.shape.rank == 2 else None
    if paddings.value is None or x.shape.rank is None:
        return unknown_shape(rank)
    pairs = _margins(paddings.value, x.shape.rank)
    sizes = zip(x.shape.as_tuple(), pairs, strict=True)
    return TensorShape.of(
        tuple(None if size is None else low + size + high for size, (low, high) in sizes)
    )


def _pad_with(x: Any, paddings: Any, value: Any) -> Any:
    pairs = _margins(paddings, len(x.shape))
    if namespace(x, value) is not np:
        return jax.lax.pad(x, jnp.asarray(value, x.dtype), [(*pair, 0) for pair in pairs])
    both = list(zip(x.shape, pairs, strict=True))
    out = filled([low + size + high for size, (low, high) in both], value, x.dtype)
    out[(*[slice(low, low + size) for size, (low, _) in both], ...)] = x
    return out


@op(
    "Pad",
    inputs=("input: T", "paddings: Tpaddings"),
    outputs=("output: T",),
    constant_inputs=("paddings",),
    shape=_padded_shape,
    host_limit=ANY_SIZE,
)
def pad(x: Any, paddings: Any) -> Any:
    """Add margins of zeros.

    Shape: input [n_i, ...], paddings [rank, 2] -> output [before_i + n_i + after_i, ...].
    Errors: InvalidArgumentError when paddings are negative or not one pair for each axis.
    """
    return _pad_with(x, paddings, blank(x.dtype))


@op(
    "PadV2",
    inputs=("input: T", "paddings: Tpaddings", "constant_values: T"),
    outputs=("output: T",),
    constant_inputs=("paddings",),
    shape=_padded_shape,
    host_limit=ANY_SIZE,
)
def pad_v2(x: Any, paddings: Any, constant_values: Any) -> Any:
    """Add margins that hold a given value.

    Shape: input [n_i, ...], paddings [rank, 2], constant_values [] ->
        output [before_i + n_i + after_i, ...].
    Errors: InvalidArgumentError when paddings are negative or not one pair for each axis.
    """
    if constant_values.shape:
        raise InvalidArgumentError(
            f"constant_values must be a scalar, got shape {list(constant_values.shape)}"
        )
    return _pad_with(x, paddings, constant_values)


def _inner(g: Any, grad: Any) -> Any:
    """The part of a padded gradient that belongs to the input."""
    x, paddings = g.inputs[:2]
    known = known_value(paddings)
    if known is not None:
        begin: Any = np.ascontiguousarray(known[:, 0], np.int32)
    else:
        column = g.call("Slice", paddings, [0, 0], [-1, 1])
        begin = g.call("Cast", g.call("Reshape", column, [-1]), DstT=dtypes.int32)
    return g.call("Slice", grad, begin, shape_of(g, x))


@gradient("Pad")
def pad_gradient(g: Any, grad: Any) -> Any:
    """Cut the margins off."""
    return _inner(g, grad), None


@gradient("PadV2")
def pad_v2_gradient(g: Any, grad: Any) -> Any:
    """Cut the margins off; the constant has no gradient, as in TensorFlow."""
    return _inner(g, grad), None, None


_BORDER = {"REFLECT": 1, "SYMMETRIC": 0}


def _mirror_margins(paddings: Any, sizes: Any, mode: str) -> list[tuple[int, int]]:
    if mode not in _BORDER:
        raise InvalidArgumentError(f"mode must be REFLECT or SYMMETRIC, got {mode!r}")
    pairs = _margins(paddings, len(sizes))
    for size, pair in zip(sizes, pairs, strict=True):
        if max(pair) > size - _BORDER[mode]:
            raise InvalidArgumentError(
                f"paddings must be at most {size - _BORDER[mode]} on an axis of size {size} in "
                f"mode {mode}, got {list(pair)}"
            )
    return pairs


@op(
    "MirrorPad",
    inputs=("input: T", "paddings: Tpaddings"),
    outputs=("output: T",),
    attrs={"mode": REQUIRED},
    constant_inputs=("paddings",),
    shape=_padded_shape,
    host_limit=ANY_SIZE,
)
def mirror_pad(x: Any, paddings: Any, *, mode: str) -> Any:
    """Add margins that mirror the array; REFLECT does not repeat the border, SYMMETRIC does.

    Shape: input [n_i, ...], paddings [rank, 2] -> output [before_i + n_i + after_i, ...].
    Errors: InvalidArgumentError when a margin is larger than what can be mirrored.
    """
    xp = namespace(x)
    skip = _BORDER.get(mode, 0)
    for axis, (low, high) in enumerate(_mirror_margins(paddings, x.shape, mode)):
        if not low and not high:
            continue
        size = x.shape[axis]
        before = _along(axis, slice(skip, skip + low))
        after = _along(axis, slice(size - skip - high, size - skip))
        parts = [xp.flip(x[before], axis), x, xp.flip(x[after], axis)]
        x = xp.concatenate(parts, axis)
    return x


def _along(axis: int, part: slice) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, part)


def _unpadded_shape(x: Any, paddings: Any, **_: Any) -> TensorShape:
    rank = x.shape.rank
    if paddings.value is None or rank is None:
        return unknown_shape(rank)
    sizes = zip(x.shape.as_tuple(), _margins(paddings.value, rank), strict=True)
    return TensorShape.of(
        tuple(None if size is None else size - low - high for size, (low, high) in sizes)
    )


@op(
    "MirrorPadGrad",
    inputs=("input: T", "paddings: Tpaddings"),
    outputs=("output: T",),
    attrs={"mode": REQUIRED},
    constant_inputs=("paddings",),
    shape=_unpadded_shape,
)
def mirror_pad_grad(x: Any, paddings: Any, *, mode: str) -> Any:
    """Fold mirrored margins back and add them to what they mirror.

    Shape: input [before_i + n_i + after_i, ...], paddings [rank, 2] -> output [n_i, ...].
    Errors: InvalidArgumentError when a margin is larger than what can be mirrored.
    """
    pairs = _margins(paddings, len(x.shape))
    inner = [size - sum(pair) for size, pair in zip(x.shape, pairs, strict=True)]
    _mirror_margins(paddings, inner, mode)
    xp, skip = namespace(x), _BORDER[mode]
    for axis, (low, high) in enumerate(pairs):
        if not low and not high:
            continue
        size = inner[axis]
        left, middle = x[_along(axis, slice(0, low))], x[_along(axis, slice(low, low + size))]
        right = x[_along(axis, slice(low + size, None))]
        before = _along(axis, slice(skip, skip + low))
        after = _along(axis, slice(size - skip - high, size - skip))
        x = _add_at(xp, middle, before, xp.flip(left, axis))
        x = _add_at(xp, x, after, xp.flip(right, axis))
    return x


def _add_at(xp: Any, x: Any, index: Any, value: Any) -> Any:
    if xp is not np:
        return x.at[index].add(value)
    x = x.copy()
    x[index] += value
    return x


@gradient("MirrorPad")
def mirror_pad_gradient(g: Any, grad: Any) -> Any:
    """Fold the gradient of the margins back."""
    return g.call("MirrorPadGrad", grad, g.inputs[1], mode=g.attrs["mode"]), None


@gradient("MirrorPadGrad")
def mirror_pad_grad_gradient(g: Any, grad: Any) -> Any:
    """Mirror the gradient."""
    return g.call("MirrorPad", grad, g.inputs[1], mode=g.attrs["mode"]), None
