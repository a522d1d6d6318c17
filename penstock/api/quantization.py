"""`tf.quantization`: floats as small integers and back."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "dequantize",
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_args_gradient",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_gradient",
    "fake_quant_with_min_max_vars_per_channel",
    "fake_quant_with_min_max_vars_per_channel_gradient",
    "quantize",
    "quantize_and_dequantize",
    "quantize_and_dequantize_v2",
    "quantized_concat",
]


def fake_quant_with_min_max_args(
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """`inputs` limited to [min, max] and rounded to the steps of `num_bits` bits.

    The range is shifted a little where that makes zero one of the steps.

    Args:
        inputs: float32.
        min: least value.
        max: largest value.
        num_bits: 2 to 16.
        narrow_range: whether the least of the integers stays unused.
        name: name of the op.

    Raises:
        InvalidArgumentError: `min` is not below `max`, or `num_bits` out of range.
    """
    attrs = {"min": float(min), "max": float(max)}
    attrs |= {"num_bits": num_bits, "narrow_range": narrow_range}
    return call("FakeQuantWithMinMaxArgs", inputs, name=name, **attrs)


def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """`gradients` where `fake_quant_with_min_max_args` did not limit `inputs`, else zero."""
    attrs = {"min": float(min), "max": float(max)}
    attrs |= {"num_bits": num_bits, "narrow_range": narrow_range}
    return call("FakeQuantWithMinMaxArgsGradient", gradients, inputs, name=name, **attrs)


def fake_quant_with_min_max_vars(
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """`fake_quant_with_min_max_args` whose range can be learned: `min` and `max` get gradients.

    Args:
        inputs: float32.
        min: least value, a scalar.
        max: largest value, a scalar.
        num_bits: 2 to 16.
        narrow_range: whether the least of the integers stays unused.
        name: name of the op.
    """
    return call(
        "FakeQuantWithMinMaxVars",
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gradients of `fake_quant_with_min_max_vars` in inputs, min and max."""
    return call(
        "FakeQuantWithMinMaxVarsGradient",
        gradients,
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """`fake_quant_with_min_max_vars` with a range for each entry of the last axis.

    Args:
        inputs: float32 `[..., c]`.
        min: least values `[c]`.
        max: largest values `[c]`.
        num_bits: 2 to 16.
        narrow_range: whether the least of the integers stays unused.
        name: name of the op.
    """
    return call(
        "FakeQuantWithMinMaxVarsPerChannel",
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """Gradients of `fake_quant_with_min_max_vars_per_channel` in inputs, min and max."""
    return call(
        "FakeQuantWithMinMaxVarsPerChannelGradient",
        gradients,
        inputs,
        min,
        max,
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def quantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,  # noqa: N803  (TensorFlow's name)
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Integers that stand for floats of a range.

    Args:
        input: float32.
        min_range: least value, a scalar, or one for each entry of `axis`.
        max_range: largest value, likewise.
        T: quantized type: qint8, quint8, qint16, quint16 or qint32.
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
        round_mode: "HALF_AWAY_FROM_ZERO" or, with mode "SCALED", "HALF_TO_EVEN".
        name: name of the op.
        narrow_range: whether the least of the integers stays unused; with mode "SCALED".
        axis: axis with a range for each entry; None for one range.
        ensure_minimum_range: share of the range's size that it must be long.

    Returns:
        The integers, and the least and largest value that they stand for.
    """
    return call(
        "QuantizeV2",
        input,
        min_range,
        max_range,
        T=as_dtype(T),
        mode=mode,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        ensure_minimum_range=ensure_minimum_range,
        name=name,
    )


def dequantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    axis: int | None = None,
    narrow_range: bool = False,
    dtype: Any = dtypes.float32,
) -> Any:
    """Floats that quantized integers stand for; the inverse of `quantize`.

    Args:
        input: quantized integers.
        min_range: least value, a scalar, or one for each entry of `axis`.
        max_range: largest value, likewise.
        mode: that of `quantize`.
        name: name of the op.
        axis: axis with a range for each entry; None for one range.
        narrow_range: that of `quantize`.
        dtype: float32, or with mode "MIN_COMBINED" bfloat16.
    """
    return call(
        "Dequantize",
        input,
        min_range,
        max_range,
        mode=mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        dtype=as_dtype(dtype),
        name=name,
    )


def quantize_and_dequantize(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Any:
    """`quantize_and_dequantize_v2` whose gradient passes everywhere."""
    return _there_and_back(
        "QuantizeAndDequantizeV2",
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=axis,
        name=name,
    )


def quantize_and_dequantize_v2(
    input: Any,
    input_min: Any,
    input_max: Any,
    signed_input: bool = True,
    num_bits: int = 8,
    range_given: bool = False,
    round_mode: str = "HALF_TO_EVEN",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Any:
    """`input` as integers of `num_bits` bits, and back; the gradient stops outside the range.

    Args:
        input: floats.
        input_min: least value, used where `range_given`.
        input_max: largest value, used where `range_given`.
        signed_input: whether the integers have a sign.
        num_bits: number of bits.
        range_given: whether the range is given, or that of the input.
        round_mode: "HALF_TO_EVEN" or "HALF_UP".
        name: name of the op.
        narrow_range: whether the least of the integers stays unused.
        axis: axis along which every entry has a range of its own; None for one range.

    Raises:
        InvalidArgumentError: the range is inverted or no scalar.
    """
    return _there_and_back(
        "QuantizeAndDequantizeV4",
        input,
        input_min,
        input_max,
        signed_input=signed_input,
        num_bits=num_bits,
        range_given=range_given,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=axis,
        name=name,
    )


def _there_and_back(
    op_name: str, input: Any, low: Any, high: Any, *, axis: int | None, **attrs: Any
) -> Any:
    input = convert_to_tensor(input)
    low, high = (convert_to_tensor(end, dtype=input.dtype) for end in (low, high))
    if axis is None:
        axis = -1  # the op's word for one range
    elif axis < 0:
        axis += input.shape.rank
    return call(op_name, input, low, high, axis=axis, **attrs)


def quantized_concat(
    concat_dim: Any, values: Any, input_mins: Any, input_maxes: Any, name: str | None = None
) -> Any:
    """Join quantized tensors of various ranges.

    Args:
        concat_dim: axis along which to join.
        values: quantized tensors of one type.
        input_mins: least value of each.
        input_maxes: largest value of each.
        name: name of the op.

    Returns:
        The joined tensor, and the least and largest value that it stands for.
    """
    return call("QuantizedConcat", concat_dim, values, input_mins, input_maxes, name=name)
