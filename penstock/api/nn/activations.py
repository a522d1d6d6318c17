"""Activations, softmax and biases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "bias_add",
    "crelu",
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def relu(features: Any, name: str | None = None) -> Any:
    """The larger of `features` and zero, element by element.

    Example:
        >>> import penstock as tf
        >>> tf.nn.relu([-2., 0., 3.]).numpy().tolist()
        [0.0, 0.0, 3.0]
    """
    return call("Relu", features, name=name)


def relu6(features: Any, name: str | None = None) -> Any:
    """`features` limited to the range 0 to 6."""
    return call("Relu6", features, name=name)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """`features` where positive, `alpha * features` elsewhere.

    Args:
        features: numbers; integers are cast to float32.
        alpha: slope below zero.
        name: name of the op.
    """
    features = convert_to_tensor(features)
    if features.dtype.is_integer:
        features = call("Cast", features, DstT=dtypes.float32)
    return call("LeakyRelu", features, alpha=float(alpha), name=name)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """`relu` of `features` and of their negatives, side by side along `axis`.

    Source: Shang et al., Understanding and Improving Convolutional Neural Networks (2016).
    """
    features = convert_to_tensor(features)
    both = call("ConcatV2", [features, call("Neg", features)], axis)
    return call("Relu", both, name=name)


def elu(features: Any, name: str | None = None) -> Any:
    """`features` where positive, `exp(features) - 1` elsewhere."""
    return call("Elu", features, name=name)


def selu(features: Any, name: str | None = None) -> Any:
    """Scaled `elu`, which drives activations to mean 0 and variance 1."""
    return call("Selu", features, name=name)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """`features` times the probability that a standard normal number is below them.

    Args:
        features: floats.
        approximate: whether to use the hyperbolic tangent in place of the error function.
        name: name of the op.

    Raises:
        ValueError: `features` are no floats.
    """
    features = convert_to_tensor(features)
    if not features.dtype.is_floating:
        raise ValueError(f"features must be floats, got {features.dtype.name}")
    if approximate:
        cubic = features + 0.044715 * call("Pow", features, _like(3, features))
        probability = 0.5 * (1.0 + call("Tanh", math.sqrt(2 / math.pi) * cubic))
    else:
        probability = 0.5 * (1.0 + call("Erf", features / math.sqrt(2.0)))
    return call("Mul", features, probability, name=name)


def silu(features: Any, beta: float = 1.0) -> Any:
    """`features * sigmoid(beta * features)`."""
    features = convert_to_tensor(features)
    beta = call("Cast", convert_to_tensor(beta), DstT=features.dtype)
    return features * call("Sigmoid", features * beta)


swish = silu


def sigmoid(x: Any, name: str | None = None) -> Any:
    """`1 / (1 + exp(-x))`."""
    return call("Sigmoid", x, name=name)


def tanh(x: Any, name: str | None = None) -> Any:
    """Hyperbolic tangent."""
    return call("Tanh", x, name=name)


def softplus(features: Any, name: str | None = None) -> Any:
    """`log(1 + exp(features))`."""
    return call("Softplus", features, name=name)


def softsign(features: Any, name: str | None = None) -> Any:
    """`features / (1 + |features|)`."""
    return call("Softsign", features, name=name)


def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Exponentials along `axis`, scaled to sum to one.

    Args:
        logits: floats of rank 1 or more.
        axis: axis of the classes; None for the last.
        name: name of the op.

    Raises:
        InvalidArgumentError: `logits` have no such axis.
    """
    return _along_last("Softmax", logits, axis, name)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Logarithm of `softmax`, without its loss of small values.

    Args:
        logits: floats of rank 1 or more.
        axis: axis of the classes; None for the last.
        name: name of the op.

    Raises:
        InvalidArgumentError: `logits` have no such axis.
    """
    return _along_last("LogSoftmax", logits, axis, name)


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Any:
    """Sum of `value` and one number per channel.

    Args:
        value: rank 2 or more.
        bias: as many numbers as there are channels.
        data_format: None or "N...C" when the channels are the last axis, "NC..." when they
            are the second.
        name: name of the op.

    Raises:
        ValueError: `data_format` is neither.
    """
    if data_format is not None:
        if data_format.startswith("NC"):
            data_format = "NCHW"
        elif data_format.startswith("N") and data_format.endswith("C"):
            data_format = "NHWC"
        else:
            raise ValueError(f"data_format must be 'N...C' or 'NC...', got {data_format!r}")
    return call("BiasAdd", value, bias, data_format=data_format or "NHWC", name=name)


def _like(value: float, tensor: Any) -> Any:
    return convert_to_tensor(value, dtype=tensor.dtype)


def _along_last(op_name: str, logits: Any, axis: int | None, name: str | None) -> Any:
    """Apply an op that works along the last axis along `axis`."""
    logits = convert_to_tensor(logits)
    rank = logits.shape.rank
    axis = -1 if axis is None else int(axis)
    if axis == -1 or (rank is not None and axis == rank - 1):
        return call(op_name, logits, name=name)
    if rank is None:
        raise InvalidArgumentError(f"axis must be -1 where the rank is unknown, got {axis}")
    if not -rank <= axis < rank:
        raise InvalidArgumentError(f"axis must be in [{-rank}, {rank}), got {axis}")
    swap = np.arange(rank, dtype=np.int32)
    swap[[axis, -1]] = swap[[-1, axis]]
    return call("Transpose", call(op_name, call("Transpose", logits, swap)), swap, name=name)


open_to_composites(globals())
