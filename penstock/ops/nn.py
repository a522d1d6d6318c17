"""Activations, softmax and biases, and the gradient ops that TensorFlow has for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import FLOATS, NUMBERS, REALS, unary, widened
from penstock.ops.namespace import namespace
from penstock.ops.precision import single
from penstock.ops.table import gradient, op
from penstock.ops.windows import is_channels_first

# Klambauer et al., Self-Normalizing Neural Networks (2017): fixed point of mean 0, variance 1.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


@op("Relu", inputs=("features: T",), outputs=("activations: T",), shape="same")
def relu(features: Any) -> Any:
    """The larger of `features` and zero.

    Shape: features [...] -> activations [...].
    """
    return unary("Relu", features, REALS).maximum(features, 0)


@op(
    "ReluGrad",
    inputs=("gradients: T", "features: T"),
    outputs=("backprops: T",),
    shape="same",
)
def relu_grad(gradients: Any, features: Any) -> Any:
    """`gradients` where `features` is positive, else zero.

    Shape: gradients [...], features [...] -> backprops [...].
    """
    return _choose(features > 0, gradients, 0)


@gradient("Relu")
def relu_gradient(g: Any, grad: Any) -> Any:
    """TensorFlow passes the outputs: they are positive where the inputs are."""
    return g.call("ReluGrad", grad, g.outputs[0])


@gradient("ReluGrad")
def relu_grad_gradient(g: Any, grad: Any) -> Any:
    """The step has no slope of its own."""
    features = g.inputs[1]
    return g.call("ReluGrad", grad, features), g.call("ZerosLike", features)


@op("Relu6", inputs=("features: T",), outputs=("activations: T",), shape="same")
def relu6(features: Any) -> Any:
    """`features` limited to 0 to 6.

    Shape: features [...] -> activations [...].
    """
    xp = unary("Relu6", features, REALS)
    return xp.minimum(xp.maximum(features, 0), 6)


@op(
    "Relu6Grad",
    inputs=("gradients: T", "features: T"),
    outputs=("backprops: T",),
    shape="same",
)
def relu6_grad(gradients: Any, features: Any) -> Any:
    """`gradients` where `features` is between 0 and 6, else zero.

    Shape: gradients [...], features [...] -> backprops [...].
    """
    return _choose((features > 0) & (features < 6), gradients, 0)


@gradient("Relu6")
def relu6_gradient(g: Any, grad: Any) -> Any:
    """Through the outputs, as in TensorFlow."""
    return g.call("Relu6Grad", grad, g.outputs[0])


@gradient("Relu6Grad")
def relu6_grad_gradient(g: Any, grad: Any) -> Any:
    """The step has no slope of its own."""
    features = g.inputs[1]
    return g.call("Relu6Grad", grad, features), g.call("ZerosLike", features)


@op(
    "LeakyRelu",
    inputs=("features: T",),
    outputs=("activations: T",),
    attrs={"alpha": 0.2},
    shape="same",
)
def leaky_relu(features: Any, *, alpha: float) -> Any:
    """`features` where positive, `alpha * features` elsewhere.

    Shape: features [...] -> activations [...].
    """
    unary("LeakyRelu", features, FLOATS)
    return _choose(features > 0, features, _scaled(features, single(alpha)))


@op(
    "LeakyReluGrad",
    inputs=("gradients: T", "features: T"),
    outputs=("backprops: T",),
    attrs={"alpha": 0.2},
    shape="same",
)
def leaky_relu_grad(gradients: Any, features: Any, *, alpha: float) -> Any:
    """`gradients` where `features` is positive, `alpha * gradients` elsewhere.

    Shape: gradients [...], features [...] -> backprops [...].
    """
    return _choose(features > 0, gradients, _scaled(gradients, single(alpha)))


@gradient("LeakyRelu")
def leaky_relu_gradient(g: Any, grad: Any) -> Any:
    """Through the inputs: with a negative `alpha` the outputs do not tell the side."""
    return g.call("LeakyReluGrad", grad, g.inputs[0], alpha=g.attrs["alpha"])


@gradient("LeakyReluGrad")
def leaky_relu_grad_gradient(g: Any, grad: Any) -> Any:
    """The step has no slope of its own."""
    features = g.inputs[1]
    back = g.call("LeakyReluGrad", grad, features, alpha=g.attrs["alpha"])
    return back, g.call("ZerosLike", features)


@op(
    "Elu",
    inputs=("features: T",),
    outputs=("activations: T",),
    shape="same",
    host_limit=1 << 14,
)
def elu(features: Any) -> Any:
    """`features` where positive, `exp(features) - 1` elsewhere.

    Shape: features [...] -> activations [...].
    """
    xp = unary("Elu", features, FLOATS)
    # The minimum keeps the branch that is not taken finite, so that its slope is too.
    below = xp.expm1(xp.minimum(widened(features), 0))
    return _choose(features < 0, below.astype(features.dtype), features)


@op("EluGrad", inputs=("gradients: T", "outputs: T"), outputs=("backprops: T",), shape="same")
def elu_grad(gradients: Any, outputs: Any) -> Any:
    """`gradients` times the slope of `Elu` where it gave `outputs`.

    Shape: gradients [...], outputs [...] -> backprops [...].
    """
    return _choose(outputs < 0, (outputs + 1) * gradients, gradients)


@gradient("Elu")
def elu_gradient(g: Any, grad: Any) -> Any:
    """Through the outputs."""
    return g.call("EluGrad", grad, g.outputs[0])


@op("Selu", inputs=("features: T",), outputs=("activations: T",), shape="same")
def selu(features: Any) -> Any:
    """Scaled `Elu`, which keeps mean 0 and variance 1.

    Shape: features [...] -> activations [...].
    Source: Klambauer et al., Self-Normalizing Neural Networks (2017).
    """
    xp = unary("Selu", features, FLOATS)
    x = widened(features)
    below = xp.expm1(xp.minimum(x, 0)) * _SELU_SCALE_ALPHA
    return xp.where(x < 0, below, x * _SELU_SCALE).astype(features.dtype)


@op("SeluGrad", inputs=("gradients: T", "outputs: T"), outputs=("backprops: T",), shape="same")
def selu_grad(gradients: Any, outputs: Any) -> Any:
    """`gradients` times the slope of `Selu` where it gave `outputs`.

    Shape: gradients [...], outputs [...] -> backprops [...].
    """
    y, dy = widened(outputs), widened(gradients)
    slope = namespace(y, dy).where(y < 0, y + _SELU_SCALE_ALPHA, _SELU_SCALE)
    # A scalar choice is float64 in numpy, whatever y is.
    return (dy * slope.astype(y.dtype)).astype(gradients.dtype)


@gradient("Selu")
def selu_gradient(g: Any, grad: Any) -> Any:
    """Through the outputs."""
    return g.call("SeluGrad", grad, g.outputs[0])


@op("Softplus", inputs=("features: T",), outputs=("activations: T",), shape="same")
def softplus(features: Any) -> Any:
    """Logarithm of `1 + exp(features)`.

    Shape: features [...] -> activations [...].
    """
    xp = unary("Softplus", features, FLOATS)
    x = widened(features)
    return xp.logaddexp(x, x.dtype.type(0)).astype(features.dtype)


@op(
    "SoftplusGrad",
    inputs=("gradients: T", "features: T"),
    outputs=("backprops: T",),
    shape="same",
)
def softplus_grad(gradients: Any, features: Any) -> Any:
    """`gradients` times the logistic function of `features`.

    Shape: gradients [...], features [...] -> backprops [...].
    """
    x = widened(features)
    return (widened(gradients) / (namespace(gradients, x).exp(-x) + 1)).astype(features.dtype)


@gradient("Softplus")
def softplus_gradient(g: Any, grad: Any) -> Any:
    """Through the inputs."""
    return g.call("SoftplusGrad", grad, g.inputs[0])


@op("Softsign", inputs=("features: T",), outputs=("activations: T",), shape="same")
def softsign(features: Any) -> Any:
    """`features / (1 + |features|)`.

    Shape: features [...] -> activations [...].
    """
    unary("Softsign", features, FLOATS)
    return features / (abs(features) + 1)


@op(
    "SoftsignGrad",
    inputs=("gradients: T", "features: T"),
    outputs=("backprops: T",),
    shape="same",
)
def softsign_grad(gradients: Any, features: Any) -> Any:
    """`gradients / (1 + |features|)^2`.

    Shape: gradients [...], features [...] -> backprops [...].
    """
    below = abs(features) + 1
    return gradients / (below * below)


@gradient("Softsign")
def softsign_gradient(g: Any, grad: Any) -> Any:
    """Through the inputs."""
    return g.call("SoftsignGrad", grad, g.inputs[0])


@op(
    "Softmax",
    inputs=("logits: T",),
    outputs=("softmax: T",),
    shape="same",
    host_limit=1 << 16,
)
def softmax(logits: Any) -> Any:
    """Exponentials of the last axis, scaled to sum to one.

    Shape: logits [..., classes] -> softmax [..., classes].
    """
    shifted = _shifted(logits, "Softmax")
    xp = namespace(shifted)
    powers = xp.exp(shifted)
    total = powers.sum(axis=-1, keepdims=True)
    if xp is not np or not np.isfinite(total).all():
        # Beside an infinite logit the others have no share, where 0 / NaN would say NaN. All
        # powers of such a row are 0 or NaN.
        total = xp.where(xp.isnan(total), xp.ones_like(total), total)
    return (powers / total).astype(logits.dtype)


@gradient("Softmax")
def softmax_gradient(g: Any, grad: Any) -> Any:
    """Each gradient less their mean under the distribution, times the probability."""
    y = g.outputs[0]
    mean = g.call("Sum", g.call("Mul", grad, y), np.int32(-1), keep_dims=True)
    return g.call("Mul", g.call("Sub", grad, mean), y)


@op(
    "LogSoftmax",
    inputs=("logits: T",),
    outputs=("logsoftmax: T",),
    shape="same",
    host_limit=1 << 16,
)
def log_softmax(logits: Any) -> Any:
    """Logarithm of `Softmax`, without its loss of small values.

    Shape: logits [..., classes] -> logsoftmax [..., classes].
    """
    shifted = _shifted(logits, "LogSoftmax")
    xp = namespace(shifted)
    total = xp.exp(shifted).sum(axis=-1, keepdims=True)
    return (shifted - xp.log(total)).astype(logits.dtype)


@gradient("LogSoftmax")
def log_softmax_gradient(g: Any, grad: Any) -> Any:
    """Each gradient less the probability times their sum."""
    total = g.call("Sum", grad, np.int32(-1), keep_dims=True)
    return g.call("Sub", grad, g.call("Mul", total, g.call("Exp", g.outputs[0])))


@op("L2Loss", inputs=("t: T",), outputs=("output: T",))
def l2_loss(t: Any) -> Any:
    """Half the sum of the squares.

    Shape: t [...] -> output [].
    """
    unary("L2Loss", t, FLOATS)
    x = widened(t)
    return ((x * x).sum() / 2).astype(t.dtype)


@gradient("L2Loss")
def l2_loss_gradient(g: Any, grad: Any) -> Any:
    """The tensor itself, scaled."""
    return g.call("Mul", g.inputs[0], grad)


@op(
    "BiasAdd",
    inputs=("value: T", "bias: T"),
    outputs=("output: T",),
    attrs={"data_format": "NHWC"},
    shape="same",
)
def bias_add(value: Any, bias: Any, *, data_format: str) -> Any:
    """Sum of `value` and one number per channel.

    Shape: value [n, ..., c] or [n, c, ...], bias [c] -> output [n, ..., c] or
    [n, c, ...].
    Errors: InvalidArgumentError when value is no batch, or bias is not one number per channel.
    """
    unary("BiasAdd", value, NUMBERS)
    axis = _channel_axis(value, data_format)
    if bias.ndim != 1 or bias.shape[0] != value.shape[axis]:
        raise InvalidArgumentError(
            f"bias must have one entry for each of the {value.shape[axis]} channels of value "
            f"{list(value.shape)}, got shape {list(bias.shape)}"
        )
    if axis == -1 or value.ndim == 2:
        return value + bias
    return value + bias.reshape((-1,) + (1,) * (value.ndim - 2))


@op("BiasAddV1", inputs=("value: T", "bias: T"), outputs=("output: T",), shape="same")
def bias_add_v1(value: Any, bias: Any) -> Any:
    """Sum of `value` and one number per entry of its last axis.

    Shape: value [n, ..., c], bias [c] -> output [n, ..., c].
    """
    return bias_add(value, bias, data_format="NHWC")


@op(
    "BiasAddGrad",
    inputs=("out_backprop: T",),
    outputs=("output: T",),
    attrs={"data_format": "NHWC"},
)
def bias_add_grad(out_backprop: Any, *, data_format: str) -> Any:
    """Sum over all axes but that of the channels.

    Shape: out_backprop [n, ..., c] or [n, c, ...] -> output [c].
    """
    kept = _channel_axis(out_backprop, data_format) % out_backprop.ndim
    others = tuple(axis for axis in range(out_backprop.ndim) if axis != kept)
    # Sums of small integers must stay of their type, where numpy would widen them.
    wider = widened(out_backprop)
    return wider.sum(axis=others, dtype=wider.dtype).astype(out_backprop.dtype)


@gradient("BiasAdd", "BiasAddV1")
def bias_add_gradient(g: Any, grad: Any) -> Any:
    """The bias collects the gradients of its channel."""
    if not g.needs(1):
        return grad, None
    return grad, g.call("BiasAddGrad", grad, data_format=g.attrs.get("data_format", "NHWC"))


def _channel_axis(value: Any, data_format: str) -> int:
    if value.ndim < 2:
        raise InvalidArgumentError(
            f"value must have a batch axis, got shape {list(value.shape)}"
        )
    return 1 if is_channels_first(data_format) else -1


def _shifted(logits: Any, name: str) -> Any:
    """`logits` less their largest, which keeps the exponentials finite, in the wider type."""
    unary(name, logits, FLOATS)
    if logits.ndim == 0:
        raise InvalidArgumentError(f"{name} needs logits of rank 1 or more, got a scalar")
    x = widened(logits)
    if not x.size:
        return x
    top = x.max(axis=-1, keepdims=True)
    return x - top


def _scaled(x: Any, factor: float) -> Any:
    return (widened(x) * factor).astype(x.dtype)


def _choose(condition: Any, x: Any, y: Any) -> Any:
    """`where` that keeps the dtype of `x` for scalars and half-precision arrays too."""
    xp = namespace(condition, x, y)
    return xp.where(condition, x, x.dtype.type(y) if isinstance(y, int) else y)
