"""Floats as small integers and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.dtypes import DType, as_dtype, float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.elementwise import FLOATS, unary, widened
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

_ROUNDING = {"HALF_TO_EVEN", "HALF_UP"}
_V2_ATTRS = {
    "signed_input": True,
    "num_bits": 8,
    "range_given": False,
    "round_mode": "HALF_TO_EVEN",
    "narrow_range": False,
    "axis": -1,
}


def _there_and_back(
    x: Any,
    low: Any,
    high: Any,
    *,
    signed_input: bool,
    num_bits: int,
    range_given: bool,
    round_mode: str,
    narrow_range: bool,
    axis: int,
) -> Any:
    """Round `x` to the steps of a range that is symmetric around zero, or starts there."""
    unary("QuantizeAndDequantize", x, FLOATS)
    if not 1 <= num_bits <= 62:
        raise InvalidArgumentError(f"num_bits must be 1 to 62, got {num_bits}")
    if round_mode not in _ROUNDING:
        raise InvalidArgumentError(
            f"round_mode must be one of {sorted(_ROUNDING)}, got {round_mode!r}"
        )
    if not -1 <= axis < x.ndim:
        raise InvalidArgumentError(
            f"axis must be -1 or an axis of input {list(x.shape)}, got {axis}"
        )
    dtype = x.dtype
    xp = namespace(x, low, high)
    wide = widened(x)
    if range_given:
        # One range for all, along an axis too: TensorFlow's kernels refuse any other.
        low, high = _range_along(wide, widened(low), widened(high), -1)
    elif wide.size:
        others = tuple(i for i in range(wide.ndim) if axis == -1 or i != axis)
        low = wide.min(axis=others, keepdims=True)
        high = wide.max(axis=others, keepdims=True)
    else:
        return x
    kind = wide.dtype.type
    bits = num_bits - 1 if signed_input else num_bits
    most = kind(2**bits - 1)
    least = kind((1 if narrow_range else 0) - 2**bits) if signed_input else kind(0)
    huge = kind(np.finfo(wide.dtype).max)
    from_low = xp.where(least * low > 0, least / xp.where(low == 0, kind(1), low), huge)
    from_high = xp.where(most * high > 0, most / xp.where(high == 0, kind(1), high), huge)
    low_decides = from_low < from_high
    scale = xp.where(low_decides, from_low, from_high)
    # The step is a quotient of its own: the inverse of the scale would round twice.
    step = xp.where(low_decides, low / (least if signed_input else kind(1)), high / most)
    first = xp.where(low_decides, low, least * step)
    last = xp.where(low_decides, most * step, high)
    if range_given:
        wide = xp.minimum(xp.maximum(wide, first), last)
    scaled = wide * scale
    whole = xp.rint(scaled) if round_mode == "HALF_TO_EVEN" else xp.floor(scaled + kind(0.5))
    return (whole * step).astype(dtype)


def _range_along(x: Any, low: Any, high: Any, axis: int) -> tuple[Any, Any]:
    """Shape the ends of the range to broadcast over `x`."""
    shape = () if axis == -1 else (x.shape[axis],)
    if low.shape != shape or high.shape != shape:
        raise InvalidArgumentError(
            f"input_min and input_max must have shape {list(shape)}, got {list(low.shape)} and "
            f"{list(high.shape)}"
        )
    require(low <= high, InvalidArgumentError, "input_min must not be greater than input_max")
    if axis == -1:
        return low, high
    along = (-1,) + (1,) * (x.ndim - 1 - axis)
    return low.reshape(along), high.reshape(along)


@op(
    "QuantizeAndDequantize",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={
        "signed_input": True,
        "num_bits": 8,
        "range_given": False,
        "input_min": 0.0,
        "input_max": 0.0,
    },
    shape="same",
)
def quantize_and_dequantize(
    input: Any, *, input_min: float, input_max: float, **attrs: Any
) -> Any:
    """`QuantizeAndDequantizeV2` whose range is fixed.

    Shape: input [...] -> output [...].
    """
    dtype = input.dtype
    low, high = np.asarray(input_min, dtype), np.asarray(input_max, dtype)
    return _there_and_back(
        input, low, high, round_mode="HALF_TO_EVEN", narrow_range=False, axis=-1, **attrs
    )


@op(
    "QuantizeAndDequantizeV2",
    inputs=("input: T", "input_min: T", "input_max: T"),
    outputs=("output: T",),
    attrs=_V2_ATTRS,
    shape="same",
)
def quantize_and_dequantize_v2(input: Any, input_min: Any, input_max: Any, **attrs: Any) -> Any:
    """`input` as integers of few bits, and back.

    Shape: input [...], input_min [], input_max [] -> output [...].
    Errors: InvalidArgumentError when the range is inverted or has another shape.
    """
    return _there_and_back(input, input_min, input_max, **attrs)


@op(
    "QuantizeAndDequantizeV3",
    inputs=("input: T", "input_min: T", "input_max: T", "num_bits: int32"),
    outputs=("output: T",),
    attrs={"signed_input": True, "range_given": True, "narrow_range": False, "axis": -1},
    constant_inputs=("num_bits",),
    shape="same",
)
def quantize_and_dequantize_v3(
    input: Any, input_min: Any, input_max: Any, num_bits: Any, **attrs: Any
) -> Any:
    """`QuantizeAndDequantizeV2` whose number of bits is an input.

    Shape: input [...], input_min [], input_max [], num_bits [] ->
    output [...].
    """
    return _there_and_back(
        input, input_min, input_max, num_bits=int(num_bits), round_mode="HALF_TO_EVEN", **attrs
    )


@op(
    "QuantizeAndDequantizeV4",
    inputs=("input: T", "input_min: T", "input_max: T"),
    outputs=("output: T",),
    attrs=_V2_ATTRS,
    shape="same",
)
def quantize_and_dequantize_v4(input: Any, input_min: Any, input_max: Any, **attrs: Any) -> Any:
    """`QuantizeAndDequantizeV2` whose gradient stops outside the range.

    Shape: input [...], input_min [], input_max [] -> output [...].
    Errors: InvalidArgumentError when the range is inverted or has another shape.
    """
    return _there_and_back(input, input_min, input_max, **attrs)


@gradient("QuantizeAndDequantize")
def quantize_and_dequantize_gradient(g: Any, grad: Any) -> Any:  # noqa: ARG001
    """Straight through."""
    return grad


@gradient("QuantizeAndDequantizeV2")
def quantize_and_dequantize_v2_gradient(g: Any, grad: Any) -> Any:  # noqa: ARG001
    """Straight through."""
    return grad, None, None


@gradient("QuantizeAndDequantizeV3")
def quantize_and_dequantize_v3_gradient(g: Any, grad: Any) -> Any:  # noqa: ARG001
    """Straight through."""
    return grad, None, None, None


@gradient("QuantizeAndDequantizeV4")
def quantize_and_dequantize_v4_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("QuantizeAndDequantizeV4Grad", grad, *g.inputs, axis=g.attrs["axis"])


@op(
    "QuantizeAndDequantizeV4Grad",
    inputs=("gradients: T", "input: T", "input_min: T", "input_max: T"),
    outputs=("input_backprop: T", "input_min_backprop: T", "input_max_backprop: T"),
    attrs={"axis": -1},
)
def quantize_and_dequantize_v4_grad(
    gradients: Any, input: Any, input_min: Any, input_max: Any, *, axis: int
) -> Any:
    """Gradient of `QuantizeAndDequantizeV4`: zero outside the range.

    Shape: gradients [...], input [...], input_min [] or [axis], input_max [] or [axis] ->
    input_backprop [...], input_min_backprop [] or [axis], input_max_backprop [] or [axis].
    """
    xp = namespace(gradients, input, input_min, input_max)
    low, high = _range_along(input, input_min, input_max, axis)
    zero = gradients.dtype.type(0)
    inside = (input >= low) & (input <= high)
    return (
        xp.where(inside, gradients, zero),
        xp.zeros(input_min.shape, gradients.dtype),
        xp.zeros(input_max.shape, gradients.dtype),
    )


def _storage(dtype: Any) -> np.dtype[Any]:
    """The plain integer type of a quantized numpy dtype."""
    found = dtype[0] if dtype.names else dtype
    return found if isinstance(found, np.dtype) else np.dtype(found)


@op(
    "QuantizeV2",
    inputs=("input: float", "min_range: float", "max_range: float"),
    outputs=("output: T", "output_min: float", "output_max: float"),
    attrs={
        "T": REQUIRED,
        "mode": "MIN_COMBINED",
        "round_mode": "HALF_AWAY_FROM_ZERO",
        "narrow_range": False,
        "axis": -1,
        "ensure_minimum_range": 0.01,
    },
    kernel="host",
    differentiable=False,
)
def quantize_v2(
    input: Any,
    min_range: Any,
    max_range: Any,
    *,
    T: DType,  # noqa: N803  (the attr's name)
    mode: str,
    round_mode: str,
    narrow_range: bool,
    axis: int,
    ensure_minimum_range: float,
) -> Any:
    """`input` as integers that cover a range, and the range that they do cover.

    Shape: input [...], min_range [] or [axis], max_range [] or [axis] -> output [...],
    output_min [] or [axis], output_max [] or [axis].
    Dtype: output has the quantized type T.
    Errors: InvalidArgumentError when the range is inverted, has another shape, or the modes do
    not exist together.
    """
    kind = as_dtype(T)
    integers = np.iinfo(_storage(kind.np))
    _check_modes(mode, round_mode, narrow_range)
    low, high = _range_along(input, min_range, max_range, axis)
    shape = np.shape(min_range)
    low = np.minimum(np.float32(0), low).astype(np.float32)
    gap = np.maximum(np.float32(1), np.maximum(abs(low), abs(high)))
    gap = (gap * np.float32(ensure_minimum_range)).astype(np.float32)
    high = np.maximum(np.float32(0), np.maximum(high, low + gap)).astype(np.float32)
    if mode == "SCALED":
        whole, low, high = _scaled(input, low, high, integers, round_mode, narrow_range)
    elif mode == "MIN_FIRST":
        whole = _min_first(input, low, high, integers)
    else:
        scale = np.float32(float(integers.max) - float(integers.min)) / (high - low)
        shifted = (np.clip(input, low, high) - low) * scale
        if integers.min < 0:
            shifted = shifted - np.float32((float(integers.max) - float(integers.min) + 1) / 2)
        whole = _away_from_zero(shifted)
    # In float64, which holds every 32-bit integer.
    limited = np.clip(whole.astype(np.float64), integers.min, integers.max)
    return (
        limited.astype(integers.dtype).view(kind.np),
        low.reshape(shape).astype(np.float32),
        high.reshape(shape).astype(np.float32),
    )


def _check_modes(mode: str, round_mode: str, narrow_range: bool) -> None:
    if mode not in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
        raise InvalidArgumentError(
            f"mode must be 'MIN_COMBINED', 'MIN_FIRST' or 'SCALED', got {mode!r}"
        )
    if round_mode not in ("HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"):
        raise InvalidArgumentError(
            f"round_mode must be 'HALF_AWAY_FROM_ZERO' or 'HALF_TO_EVEN', got {round_mode!r}"
        )
    if mode != "SCALED" and (round_mode == "HALF_TO_EVEN" or narrow_range):
        raise InvalidArgumentError(
            f"round_mode 'HALF_TO_EVEN' and narrow_range need mode 'SCALED', got {mode!r}"
        )


def _away_from_zero(x: Any) -> Any:
    return np.trunc(x + np.copysign(np.float32(0.5), x))


def _scaled(  # noqa: PLR0917  (all of it is what the mode is about)
    x: Any, low: Any, high: Any, integers: Any, round_mode: str, narrow_range: bool
) -> tuple[Any, Any, Any]:
    least = np.float32(integers.min + (1 if narrow_range else 0))
    most = np.float32(integers.max)
    huge = np.finfo(np.float32).max
    with np.errstate(divide="ignore", invalid="ignore"):
        from_low = np.where(least * low > 0, least / low, huge)
        from_high = np.where(most * high > 0, most / high, huge)
    scale = np.minimum(from_low, from_high).astype(np.float32)
    low, high = least / scale, most / scale
    product = np.clip(x, low, high) * scale
    return (np.rint if round_mode == "HALF_TO_EVEN" else _away_from_zero)(product), low, high


def _step(low: Any, high: Any, integers: Any) -> Any:
    """Length of one step of the type over the range, in float64."""
    count = float(2**integers.bits)
    return (np.float64(high) - np.float64(low)) * (count / (count - 1)) / count


def _min_first(x: Any, low: Any, high: Any, integers: Any) -> Any:
    length = _step(low, high, integers)
    if integers.dtype == np.uint8:
        # TensorFlow has a kernel of its own here, which does not round where zero lies.
        return _away_from_zero((np.clip(x, low, high) - low) / length)
    return _away_from_zero(x / length) - _away_from_zero(low / length) + integers.min


@op(
    "Dequantize",
    inputs=("input: T", "min_range: float", "max_range: float"),
    outputs=("output: dtype",),
    attrs={"mode": "MIN_COMBINED", "narrow_range": False, "axis": -1, "dtype": float32},
    kernel="host",
    differentiable=False,
)
def dequantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    *,
    mode: str,
    narrow_range: bool,
    axis: int,
    dtype: DType,
) -> Any:
    """Floats of the integers that `QuantizeV2` made.

    Shape: input [...], min_range [] or [axis], max_range [] or [axis] -> output [...].
    Dtype: output is float32 or bfloat16, as `dtype` says.
    """
    storage = _storage(input.dtype)
    integers = np.iinfo(storage)
    whole = input.view(storage) if input.dtype.names else input
    _check_modes(mode, "HALF_AWAY_FROM_ZERO", narrow_range and mode != "SCALED")
    if as_dtype(dtype) is not float32 and mode != "MIN_COMBINED":
        raise InvalidArgumentError(f"mode must be 'MIN_COMBINED' for bfloat16, got {mode!r}")
    low, high = _range_along(whole, min_range, max_range, axis)
    values = whole.astype(np.float32)
    if mode == "MIN_COMBINED":
        steps = np.float32(float(integers.max) - float(integers.min))
        half = np.float32((float(integers.max) - float(integers.min) + 1) / 2)
        if integers.min < 0:
            values = values + half
        result = values * ((high - low) / steps) + low
    elif mode == "MIN_FIRST":
        result = _floats_of(whole, low, high, integers)
    else:
        most = np.float32(integers.max)
        scale = high / most
        if integers.min < 0:
            scale = np.maximum(
                scale, low / np.float32(integers.min + (1 if narrow_range else 0))
            )
        result = values * scale
    return result.astype(as_dtype(dtype).np)


@op(
    "QuantizedConcat",
    inputs=(
        "concat_dim: int32",
        "values: N * T",
        "input_mins: N * float",
        "input_maxes: N * float",
    ),
    outputs=("output: T", "output_min: float", "output_max: float"),
    kernel="host",
    differentiable=False,
)
def quantized_concat(
    concat_dim: Any,
    values: Sequence[Any],
    input_mins: Sequence[Any],
    input_maxes: Sequence[Any],
) -> Any:
    """Quantized tensors joined along an axis, all brought to one range.

    Shape: concat_dim [], values [..., length, ...] each, input_mins [] each, input_maxes []
    each -> output [..., sum of the lengths, ...], output_min [], output_max [].
    Errors: InvalidArgumentError when the axis or the shapes do not fit.
    """
    dtype = values[0].dtype
    integers = np.iinfo(_storage(dtype))
    low = min(0.0, *(float(value) for value in input_mins))
    high = max(float(value) for value in input_maxes)
    if integers.min < 0:
        high = max(abs(low), abs(high))
        low = -high
    parts = []
    for value, first, last in zip(values, input_mins, input_maxes, strict=True):
        whole = value.view(integers.dtype) if value.dtype.names else value
        if (float(first), float(last)) != (low, high):
            floats = _floats_of(whole, float(first), float(last), integers)
            moved = _min_first(floats, np.float64(low), np.float64(high), integers)
            whole = np.clip(moved, integers.min, integers.max).astype(integers.dtype)
        parts.append(whole)
    axis = int(concat_dim)
    rank = parts[0].ndim
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"concat_dim must be in [{-rank}, {rank}), got {axis}")
    try:
        joined = np.concatenate(parts, axis=axis)
    except ValueError as error:
        raise InvalidArgumentError(
            f"values must have one shape but for axis {axis}, got "
            f"{[list(part.shape) for part in parts]}"
        ) from error
    return joined.view(dtype), np.float32(low), np.float32(high)


def _floats_of(whole: Any, low: Any, high: Any, integers: Any) -> Any:
    """What integers of mode "MIN_FIRST" stand for."""
    length = _step(low, high, integers)
    first = _away_from_zero(low / length) * length if np.all(length) else 0.0
    return (whole.astype(np.float64) - integers.min) * length + first
