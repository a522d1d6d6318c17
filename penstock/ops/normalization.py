"""Normalization by the statistics of a batch, or of neighbouring channels."""

from __future__ import annotations

import math
from typing import Any

from penstock.core.dtypes import bfloat16, float16, float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import kinds, unary, widened
from penstock.ops.namespace import namespace
from penstock.ops.precision import single
from penstock.ops.table import gradient, op
from penstock.ops.windows import is_channels_first, pad, sliding_window, taps

_TYPES = kinds(float16, bfloat16, float32)
_ATTRS = {
    "epsilon": 0.0001,
    "exponential_avg_factor": 1.0,
    "data_format": "NHWC",
    "is_training": True,
}
_GRAD_ATTRS = {"epsilon": 0.0001, "data_format": "NHWC", "is_training": True}
_LRN_ATTRS = {"depth_radius": 5, "bias": 1.0, "alpha": 1.0, "beta": 0.5}


class _Layout:
    """Where the channels of an image or volume stand, and how to lay a vector along them."""

    def __init__(self, x: Any, data_format: str) -> None:
        if x.ndim not in (4, 5):
            raise InvalidArgumentError(f"x must have rank 4 or 5, got shape {list(x.shape)}")
        channel = 1 if is_channels_first(data_format) else x.ndim - 1
        self.channels = x.shape[channel]
        self.others = tuple(axis for axis in range(x.ndim) if axis != channel)
        self.count = math.prod(x.shape[axis] for axis in self.others)
        self._shape = (-1,) + (1,) * (x.ndim - 1 - channel)

    def along(self, vector: Any) -> Any:
        """Shape `vector` to broadcast over the channels."""
        return vector.reshape(self._shape)


def _normalized(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float,
    exponential_avg_factor: float,
    data_format: str,
    is_training: bool,
) -> tuple[Any, Any, Any, Any, Any]:
    xp = unary("FusedBatchNorm", x, _TYPES)
    layout = _Layout(x, data_format)
    _check_vectors(layout, scale=scale, offset=offset)
    if not is_training or exponential_avg_factor != 1:
        _check_vectors(layout, mean=mean, variance=variance)
    dtype = scale.dtype
    wide = widened(x)
    if is_training:
        centre = wide.mean(axis=layout.others)
        shifted = wide - layout.along(centre)
        spread = (shifted * shifted).mean(axis=layout.others)
        # The running variance is the unbiased one; what the gradient needs is not.
        new_mean = centre
        new_variance = spread * (layout.count / max(layout.count - 1, 1))
        if exponential_avg_factor != 1:
            share = single(exponential_avg_factor)
            new_mean = (1 - share) * widened(mean) + share * new_mean
            new_variance = (1 - share) * widened(variance) + share * new_variance
    else:
        centre, spread = widened(mean), widened(variance)
        shifted = wide - layout.along(centre)
        new_mean, new_variance = centre, spread
    factor = widened(scale) / xp.sqrt(spread + single(epsilon))
    y = shifted * layout.along(factor) + layout.along(widened(offset))
    return (
        y.astype(x.dtype),
        new_mean.astype(dtype),
        new_variance.astype(dtype),
        centre.astype(dtype),
        spread.astype(dtype),
    )


def _check_vectors(layout: _Layout, **vectors: Any) -> None:
    for name, vector in vectors.items():
        if vector.shape != (layout.channels,):
            raise InvalidArgumentError(
                f"{name} must have one entry for each of the {layout.channels} channels of x, "
                f"got shape {list(vector.shape)}"
            )


@op(
    "FusedBatchNorm",
    inputs=("x: T", "scale: T", "offset: T", "mean: T", "variance: T"),
    outputs=(
        "y: T",
        "batch_mean: T",
        "batch_variance: T",
        "reserve_space_1: T",
        "reserve_space_2: T",
    ),
    attrs=_ATTRS,
)
def fused_batch_norm(
    x: Any, scale: Any, offset: Any, mean: Any, variance: Any, **attrs: Any
) -> Any:
    """Channels of `x` brought to mean 0 and variance 1, then scaled and shifted.

    In training the batch's own statistics serve, and the moving ones are returned; otherwise
    `mean` and `variance` serve.

    Shape: x [n, h, w, c] or [n, c, h, w], scale [c], offset [c], mean [c] or [0], variance [c]
    or [0] -> y [n, h, w, c] or [n, c, h, w], batch_mean [c], batch_variance [c],
    reserve_space_1 [c], reserve_space_2 [c].
    Errors: InvalidArgumentError when a vector has not one entry per channel.
    Source: TensorFlow op `FusedBatchNorm`.
    """
    return _normalized(x, scale, offset, mean, variance, **attrs)


@op(
    "FusedBatchNormV2",
    inputs=("x: T", "scale: U", "offset: U", "mean: U", "variance: U"),
    outputs=(
        "y: T",
        "batch_mean: U",
        "batch_variance: U",
        "reserve_space_1: U",
        "reserve_space_2: U",
    ),
    attrs=_ATTRS,
)
def fused_batch_norm_v2(
    x: Any, scale: Any, offset: Any, mean: Any, variance: Any, **attrs: Any
) -> Any:
    """`FusedBatchNorm` of half-precision images with single-precision statistics.

    Shape: x [n, h, w, c] or [n, c, h, w], scale [c], offset [c], mean [c] or [0], variance [c]
    or [0] -> y [n, h, w, c] or [n, c, h, w], batch_mean [c], batch_variance [c],
    reserve_space_1 [c], reserve_space_2 [c].
    """
    return _normalized(x, scale, offset, mean, variance, **attrs)


@op(
    "FusedBatchNormV3",
    inputs=("x: T", "scale: U", "offset: U", "mean: U", "variance: U"),
    outputs=(
        "y: T",
        "batch_mean: U",
        "batch_variance: U",
        "reserve_space_1: U",
        "reserve_space_2: U",
        "reserve_space_3: U",
    ),
    attrs=_ATTRS,
)
def fused_batch_norm_v3(
    x: Any, scale: Any, offset: Any, mean: Any, variance: Any, **attrs: Any
) -> Any:
    """`FusedBatchNormV2`, also of volumes; the last output is for accelerators and empty here.

    Shape: x [n, ..., c] or [n, c, ...], scale [c], offset [c], mean [c] or [0], variance [c] or
    [0] -> y [n, ..., c] or [n, c, ...], batch_mean [c], batch_variance [c], reserve_space_1
    [c], reserve_space_2 [c], reserve_space_3 [0].
    """
    outputs = _normalized(x, scale, offset, mean, variance, **attrs)
    return (*outputs, namespace(x, scale).zeros(0, scale.dtype))


def _backward(
    y_backprop: Any,
    x: Any,
    scale: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> tuple[Any, Any, Any]:
    xp = namespace(y_backprop, x, scale)
    layout = _Layout(x, data_format)
    _check_vectors(layout, scale=scale, reserve_space_1=mean, reserve_space_2=variance)
    grad, wide = widened(y_backprop), widened(x)
    inverse = 1 / xp.sqrt(widened(variance) + single(epsilon))
    shifted = wide - layout.along(widened(mean))
    in_offset = grad.sum(axis=layout.others)
    product = (grad * shifted).sum(axis=layout.others)
    factor = layout.along(scale * inverse)
    if is_training:
        # The batch's statistics depend on x too: take out of the gradient its mean and its part
        # along x.
        centred = grad - layout.along(in_offset / layout.count)
        slope = layout.along(product * inverse * inverse / layout.count)
        in_x = factor * (centred - shifted * slope)
    else:
        in_x = factor * grad
    dtype = mean.dtype
    return in_x.astype(x.dtype), (product * inverse).astype(dtype), in_offset.astype(dtype)


def _with_placeholders(outputs: tuple[Any, Any, Any]) -> tuple[Any, ...]:
    """Add the two outputs that TensorFlow's op has for mean and variance, which get nothing."""
    xp = namespace(*outputs)
    return (*outputs, xp.zeros((), outputs[1].dtype), xp.zeros((), outputs[1].dtype))


@op(
    "FusedBatchNormGrad",
    inputs=(
        "y_backprop: T",
        "x: T",
        "scale: T",
        "reserve_space_1: T",
        "reserve_space_2: T",
    ),
    outputs=(
        "x_backprop: T",
        "scale_backprop: T",
        "offset_backprop: T",
        "reserve_space_3: T",
        "reserve_space_4: T",
    ),
    attrs=_GRAD_ATTRS,
)
def fused_batch_norm_grad(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    **attrs: Any,
) -> Any:
    """Gradient of `FusedBatchNorm`; the reserved inputs are mean and biased variance.

    Shape: y_backprop [n, h, w, c], x [n, h, w, c], scale [c], reserve_space_1 [c],
    reserve_space_2 [c] -> x_backprop [n, h, w, c], scale_backprop [c], offset_backprop [c],
    reserve_space_3 [], reserve_space_4 [], or images with the channels first.
    """
    outputs = _backward(y_backprop, x, scale, reserve_space_1, reserve_space_2, **attrs)
    return _with_placeholders(outputs)


@op(
    "FusedBatchNormGradV2",
    inputs=(
        "y_backprop: T",
        "x: T",
        "scale: float",
        "reserve_space_1: U",
        "reserve_space_2: U",
    ),
    outputs=(
        "x_backprop: T",
        "scale_backprop: U",
        "offset_backprop: U",
        "reserve_space_3: U",
        "reserve_space_4: U",
    ),
    attrs=_GRAD_ATTRS,
)
def fused_batch_norm_grad_v2(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    **attrs: Any,
) -> Any:
    """Gradient of `FusedBatchNormV2`; the reserved inputs are mean and biased variance.

    Shape: y_backprop [n, h, w, c], x [n, h, w, c], scale [c], reserve_space_1 [c],
    reserve_space_2 [c] -> x_backprop [n, h, w, c], scale_backprop [c], offset_backprop [c],
    reserve_space_3 [], reserve_space_4 [], or images with the channels first.
    """
    outputs = _backward(y_backprop, x, scale, reserve_space_1, reserve_space_2, **attrs)
    return _with_placeholders(outputs)


@op(
    "FusedBatchNormGradV3",
    inputs=(
        "y_backprop: T",
        "x: T",
        "scale: float",
        "reserve_space_1: U",
        "reserve_space_2: U",
        "reserve_space_3: U",
    ),
    outputs=(
        "x_backprop: T",
        "scale_backprop: U",
        "offset_backprop: U",
        "reserve_space_4: U",
        "reserve_space_5: U",
    ),
    attrs=_GRAD_ATTRS,
)
def fused_batch_norm_grad_v3(  # noqa: PLR0917  (as many inputs as the op has)
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    reserve_space_3: Any,  # noqa: ARG001  (for accelerators; empty here)
    **attrs: Any,
) -> Any:
    """Gradient of `FusedBatchNormV3`; the first reserved inputs are mean and biased variance.

    Shape: y_backprop [n, ..., c], x [n, ..., c], scale [c], reserve_space_1 [c],
    reserve_space_2 [c], reserve_space_3 [0] -> x_backprop [n, ..., c], scale_backprop [c],
    offset_backprop [c], reserve_space_4 [], reserve_space_5 [], or images with the channels
    first.
    """
    outputs = _backward(y_backprop, x, scale, reserve_space_1, reserve_space_2, **attrs)
    return _with_placeholders(outputs)


def _add_gradient(forward: str, backward: str) -> None:
    @gradient(forward)
    def forward_gradient(g: Any, grad: Any, *_: Any) -> Any:
        """As in TensorFlow, the statistics that are returned carry no gradient."""
        if grad is None:
            return None, None, None, None, None
        x, scale, _, mean, variance = g.inputs
        attrs = {name: g.attrs[name] for name in _GRAD_ATTRS}
        if attrs["is_training"]:
            mean, variance = g.outputs[3:5]
        in_x, in_scale, in_offset, _, _ = g.call(
            backward, grad, x, scale, mean, variance, *g.outputs[5:], **attrs
        )
        return in_x, in_scale, in_offset, None, None


_add_gradient("FusedBatchNorm", "FusedBatchNormGrad")
_add_gradient("FusedBatchNormV2", "FusedBatchNormGradV2")
_add_gradient("FusedBatchNormV3", "FusedBatchNormGradV3")


@op("LRN", inputs=("input: T",), outputs=("output: T",), attrs=_LRN_ATTRS, shape="same")
def lrn(input: Any, *, depth_radius: int, bias: float, alpha: float, beta: float) -> Any:
    """Each entry over a power of the sum of squares of its neighbours along the channels.

    Shape: input [n, h, w, c] -> output [n, h, w, c].
    Source: Krizhevsky et al., ImageNet Classification (2012), section 3.3.
    """
    unary("LRN", input, _TYPES)
    x = widened(input)
    norm = single(bias) + single(alpha) * _over_neighbours(x * x, depth_radius)
    return (x * norm ** -single(beta)).astype(input.dtype)


@op(
    "LRNGrad",
    inputs=("input_grads: T", "input_image: T", "output_image: T"),
    outputs=("output: T",),
    attrs=_LRN_ATTRS,
    shape="same",
)
def lrn_grad(
    input_grads: Any,
    input_image: Any,
    output_image: Any,
    *,
    depth_radius: int,
    bias: float,
    alpha: float,
    beta: float,
) -> Any:
    """Gradient of `LRN`.

    Shape: input_grads [n, h, w, c], input_image [n, h, w, c], output_image [n, h, w, c] ->
    output [n, h, w, c].
    """
    grad, x, y = widened(input_grads), widened(input_image), widened(output_image)
    norm = single(bias) + single(alpha) * _over_neighbours(x * x, depth_radius)
    through_norm = _over_neighbours(grad * y / norm, depth_radius)
    total = grad * norm ** -single(beta) - 2 * single(alpha) * single(beta) * x * through_norm
    return total.astype(input_grads.dtype)


@gradient("LRN")
def lrn_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("LRNGrad", grad, g.inputs[0], g.outputs[0], **g.attrs)


def _over_neighbours(x: Any, radius: int) -> Any:
    """Sum along the last axis of what is at most `radius` away."""
    if x.ndim != 4 or radius < 0:
        raise InvalidArgumentError(
            "input must have rank 4 and depth_radius be 0 or more, got shape "
            f"{list(x.shape)} and {radius}"
        )
    channels = x.shape[-1]
    reach = max(min(radius, channels - 1), 0)
    window = sliding_window(
        3, (channels,), (2 * reach + 1,), (1,), "EXPLICIT", explicit_paddings=(reach, reach)
    )
    return sum(taps(pad(x, window, 0), window))
