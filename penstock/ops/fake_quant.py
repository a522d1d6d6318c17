"""Floats rounded to what few bits can hold, but kept as floats: for training with quantization.

Source: Jacob et al., Quantization and Training of Neural Networks (2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.namespace import namespace
from penstock.ops.table import gradient, op

_ARGS_ATTRS = {"min": -6.0, "max": 6.0, "num_bits": 8, "narrow_range": False}
_VARS_ATTRS = {"num_bits": 8, "narrow_range": False}
_ZERO = np.float32(0)


def _levels(num_bits: int, narrow_range: bool) -> tuple[np.float32, np.float32]:
    """Least and largest integer."""
    if not 2 <= num_bits <= 16:
        raise InvalidArgumentError(f"num_bits must be 2 to 16, got {num_bits}")
    return np.float32(1 if narrow_range else 0), np.float32((1 << num_bits) - 1)


def _nudged(low: Any, high: Any, least: Any, most: Any) -> tuple[Any, Any, Any]:
    """Move the range so that zero is one of its steps. Returns its ends and the step."""
    xp = namespace(low, high)
    step = _quotient(high - low, most - least)
    zero = least - _quotient(low, step)
    zero = xp.where(
        zero < least, least, xp.where(zero > most, most, xp.floor(zero + np.float32(0.5)))
    )
    return (least - zero) * step, (most - zero) * step, step


def _quotient(above: Any, below: Any) -> Any:
    """A quotient of float32 numbers, rounded once.

    Compilers turn division by a constant into a product, whose other rounding moves zero by a
    whole step where the range is symmetric.
    """
    exact: Any = above.astype(np.float64) / below.astype(np.float64)
    return exact.astype(np.float32)


def _rounded(inputs: Any, low: Any, high: Any, num_bits: int, narrow_range: bool) -> Any:
    xp = namespace(inputs, low, high)
    first, last, step = _nudged(low, high, *_levels(num_bits, narrow_range))
    inverse = _quotient(np.float32(1), step)
    half = np.float32(0.5)
    zero = xp.floor(half - first * inverse)
    shifted = xp.minimum(xp.maximum(inputs, first), last) - first
    # Whole multiples of the step, so that zero stays zero.
    return xp.floor(shifted * inverse - zero + half) * step


@op(
    "FakeQuantWithMinMaxArgs",
    inputs=("inputs: float",),
    outputs=("outputs: float",),
    attrs=_ARGS_ATTRS,
    shape="same",
)
def fake_quant_with_min_max_args(
    inputs: Any, *, min: float, max: float, num_bits: int, narrow_range: bool
) -> Any:
    """`inputs` limited to [min, max] and rounded to steps of that range.

    Shape: inputs [...] -> outputs [...].
    Errors: InvalidArgumentError when min is not below max.
    """
    low, high = np.float32(min), np.float32(max)
    if not low < high:
        raise InvalidArgumentError(f"min must be below max, got {min} and {max}")
    return _rounded(inputs, low, high, num_bits, narrow_range)


@op(
    "FakeQuantWithMinMaxArgsGradient",
    inputs=("gradients: float", "inputs: float"),
    outputs=("backprops: float",),
    attrs=_ARGS_ATTRS,
    shape="same",
)
def fake_quant_with_min_max_args_gradient(
    gradients: Any, inputs: Any, *, min: float, max: float, num_bits: int, narrow_range: bool
) -> Any:
    """`gradients` where `inputs` are in the range, else zero.

    Shape: gradients [...], inputs [...] -> backprops [...].
    """
    levels = _levels(num_bits, narrow_range)
    first, last, _ = _nudged(np.float32(min), np.float32(max), *levels)
    inside = (inputs >= first) & (inputs <= last)
    return namespace(gradients, inputs).where(inside, gradients, _ZERO)


@gradient("FakeQuantWithMinMaxArgs")
def fake_quant_args_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("FakeQuantWithMinMaxArgsGradient", grad, g.inputs[0], **g.attrs)


@op(
    "FakeQuantWithMinMaxVars",
    inputs=("inputs: float", "min: float", "max: float"),
    outputs=("outputs: float",),
    attrs=_VARS_ATTRS,
    shape="same",
)
def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, *, num_bits: int, narrow_range: bool
) -> Any:
    """`FakeQuantWithMinMaxArgs` whose range is an input.

    Shape: inputs [...], min [], max [] -> outputs [...].
    Errors: InvalidArgumentError when min or max is no scalar.
    """
    _check_scalars(min, max)
    return _rounded_or_zero(inputs, min, max, num_bits, narrow_range)


def _check_scalars(low: Any, high: Any) -> None:
    if low.shape != () or high.shape != ():
        raise InvalidArgumentError(
            f"min and max must be scalars, got shapes {list(low.shape)} and {list(high.shape)}"
        )


def _rounded_or_zero(
    inputs: Any, low: Any, high: Any, num_bits: int, narrow_range: bool
) -> Any:
    """As `_rounded`; an empty range gives zeros."""
    xp = namespace(inputs, low, high)
    empty = (low == 0) & (high == 0)
    wide = xp.where(empty, np.float32(1), high)
    rounded = _rounded(inputs, low, wide, num_bits, narrow_range)
    return xp.where(empty, _ZERO, rounded)


def _range_gradients(  # noqa: PLR0917  (the inputs and attrs of the op)
    gradients: Any, inputs: Any, low: Any, high: Any, num_bits: int, narrow_range: bool
) -> tuple[Any, Any, Any]:
    """Parts of the gradients of what is in the range, below it and above it."""
    xp = namespace(gradients, inputs, low, high)
    empty = (low == 0) & (high == 0)
    wide = xp.where(empty, np.float32(1), high)
    first, last, _ = _nudged(low, wide, *_levels(num_bits, narrow_range))
    below, above = (inputs < first) & ~empty, (inputs > last) & ~empty
    return (
        xp.where(below | above, _ZERO, gradients),
        xp.where(below, gradients, _ZERO),
        xp.where(above, gradients, _ZERO),
    )


@op(
    "FakeQuantWithMinMaxVarsGradient",
    inputs=("gradients: float", "inputs: float", "min: float", "max: float"),
    outputs=(
        "backprops_wrt_input: float",
        "backprop_wrt_min: float",
        "backprop_wrt_max: float",
    ),
    attrs=_VARS_ATTRS,
)
def fake_quant_with_min_max_vars_gradient(
    gradients: Any, inputs: Any, min: Any, max: Any, *, num_bits: int, narrow_range: bool
) -> Any:
    """Gradient of `FakeQuantWithMinMaxVars`: the ends get what lies beyond them.

    Shape: gradients [...], inputs [...], min [], max [] -> backprops_wrt_input [...],
    backprop_wrt_min [], backprop_wrt_max [].
    """
    _check_scalars(min, max)
    inside, below, above = _range_gradients(gradients, inputs, min, max, num_bits, narrow_range)
    return inside, below.sum(), above.sum()


@gradient("FakeQuantWithMinMaxVars")
def fake_quant_vars_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("FakeQuantWithMinMaxVarsGradient", grad, *g.inputs, **g.attrs)


@op(
    "FakeQuantWithMinMaxVarsPerChannel",
    inputs=("inputs: float", "min: float", "max: float"),
    outputs=("outputs: float",),
    attrs=_VARS_ATTRS,
    shape="same",
)
def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, *, num_bits: int, narrow_range: bool
) -> Any:
    """`FakeQuantWithMinMaxVars` with a range for each entry of the last axis.

    Shape: inputs [..., c], min [c], max [c] -> outputs [..., c].
    Errors: InvalidArgumentError when min or max has not one entry per channel.
    """
    _check_channels(inputs, min, max)
    return _rounded_or_zero(inputs, min, max, num_bits, narrow_range)


def _check_channels(inputs: Any, low: Any, high: Any) -> None:
    if inputs.ndim < 1 or low.shape != inputs.shape[-1:] or high.shape != inputs.shape[-1:]:
        raise InvalidArgumentError(
            "min and max must have one entry for each channel of inputs "
            f"{list(inputs.shape)}, got shapes {list(low.shape)} and {list(high.shape)}"
        )


@op(
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    inputs=("gradients: float", "inputs: float", "min: float", "max: float"),
    outputs=(
        "backprops_wrt_input: float",
        "backprop_wrt_min: float",
        "backprop_wrt_max: float",
    ),
    attrs=_VARS_ATTRS,
)
def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any, inputs: Any, min: Any, max: Any, *, num_bits: int, narrow_range: bool
) -> Any:
    """Gradient of `FakeQuantWithMinMaxVarsPerChannel`.

    Shape: gradients [..., c], inputs [..., c], min [c], max [c] -> backprops_wrt_input [...,
    c], backprop_wrt_min [c], backprop_wrt_max [c].
    """
    _check_channels(inputs, min, max)
    inside, below, above = _range_gradients(gradients, inputs, min, max, num_bits, narrow_range)
    others = tuple(range(inputs.ndim - 1))
    return inside, below.sum(axis=others), above.sum(axis=others)


@gradient("FakeQuantWithMinMaxVarsPerChannel")
def fake_quant_channels_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("FakeQuantWithMinMaxVarsPerChannelGradient", grad, *g.inputs, **g.attrs)
