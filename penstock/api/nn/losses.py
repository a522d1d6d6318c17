"""Cross entropies and other losses, one number per example."""

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
    "compute_average_loss",
    "l2_loss",
    "log_poisson_loss",
    "scale_regularization_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
    "zero_fraction",
]

_HALVES = (dtypes.float16, dtypes.bfloat16)


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Any:
    """Cross entropy between distributions and the softmax of `logits`.

    Gradients flow to the labels too.

    Args:
        labels: probabilities along `axis`.
        logits: unscaled logarithms of probabilities, of the same shape.
        axis: axis of the classes.
        name: name of the op.

    Returns:
        One number per example: the shape of `labels` without `axis`.

    Raises:
        InvalidArgumentError: the shapes do not fit each other.

    Example:
        >>> import penstock as tf
        >>> loss = tf.nn.softmax_cross_entropy_with_logits(labels=[[1., 0.]], logits=[[0., 0.]])
        >>> round(float(loss[0]), 4)
        0.6931
    """
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels, dtype_hint=logits.dtype)
    dtype = logits.dtype
    if dtype in _HALVES:
        logits = call("Cast", logits, DstT=dtypes.float32)
    if labels.dtype != logits.dtype:
        labels = call("Cast", labels, DstT=logits.dtype)
    rank = logits.shape.rank
    if axis != -1 and rank is not None:
        if not -rank <= axis < rank:
            raise InvalidArgumentError(f"axis must be in [{-rank}, {rank}), got {axis}")
        if axis % rank != rank - 1:
            order = [i for i in range(rank) if i != axis % rank] + [axis % rank]
            perm = np.asarray(order, np.int32)
            logits, labels = call("Transpose", logits, perm), call("Transpose", labels, perm)
    loss, _ = call(
        "SoftmaxCrossEntropyWithLogits", _as_matrix(logits), _as_matrix(labels), name=name
    )
    loss = loss if rank == 2 else call("Reshape", loss, call("Shape", logits)[:-1])
    return call("Cast", loss, DstT=dtype) if dtype in _HALVES else loss


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Any:
    """Cross entropy between classes and the softmax of `logits`.

    Args:
        labels: integers of at least 0 and below the number of classes.
        logits: unscaled logarithms of probabilities `[..., classes]`.
        name: name of the op.

    Returns:
        One number per label.

    Raises:
        ValueError: the shapes do not fit each other.
        InvalidArgumentError: a label is no class.
    """
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels)
    rank, label_rank = logits.shape.rank, labels.shape.rank
    if rank == 0:
        raise ValueError("logits must have an axis of classes, got a scalar")
    if rank is not None and label_rank is not None and label_rank != rank - 1:
        raise ValueError(
            f"labels must have rank {rank - 1}, one less than logits {logits.shape}, got shape "
            f"{labels.shape}"
        )
    if rank is not None and not labels.shape.is_compatible_with(logits.shape[:-1]):
        raise ValueError(
            f"labels must have the shape {logits.shape[:-1]} of logits without classes, got "
            f"{labels.shape}"
        )
    dtype = logits.dtype
    if dtype in _HALVES:
        logits = call("Cast", logits, DstT=dtypes.float32)
    if labels.dtype not in (dtypes.int32, dtypes.int64):
        labels = call("Cast", labels, DstT=dtypes.int64)
    flat = labels if rank == 2 else call("Reshape", labels, np.array([-1], np.int32))
    loss, _ = call("SparseSoftmaxCrossEntropyWithLogits", _as_matrix(logits), flat, name=name)
    loss = loss if rank == 2 else call("Reshape", loss, call("Shape", labels))
    return call("Cast", loss, DstT=dtype) if dtype in _HALVES else loss


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """Cross entropy of independent yes-or-no answers.

    Args:
        labels: probabilities, of the shape and dtype of `logits`.
        logits: logarithms of odds.
        name: name of the op.

    Raises:
        ValueError: an argument is missing, or the shapes differ.
    """
    labels, logits = _pair(labels, logits)
    zeros = call("ZerosLike", logits)
    positive = call("GreaterEqual", logits, zeros)
    # Both choices leave the exponent negative, and give the exact slope at zero.
    linear = call("SelectV2", positive, logits, zeros)
    minus_size = call("SelectV2", positive, call("Neg", logits), logits)
    return call(
        "AddV2", linear - logits * labels, call("Log1p", call("Exp", minus_size)), name=name
    )


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Any:
    """`sigmoid_cross_entropy_with_logits` with the positive answers weighted.

    Args:
        labels: probabilities, of the shape and dtype of `logits`.
        logits: logarithms of odds.
        pos_weight: weight of the positive answers; above 1 it raises recall.
        name: name of the op.

    Raises:
        ValueError: the shapes differ.
    """
    labels, logits = _pair(labels, logits)
    weight = 1 + (pos_weight - 1) * labels
    size = call("Neg", call("Abs", logits))
    softplus = call("Log1p", call("Exp", size)) + call("Relu", call("Neg", logits))
    return call("AddV2", (1 - labels) * logits, weight * softplus, name=name)


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Any:
    """Negative log likelihood of counts under a Poisson distribution.

    Args:
        targets: counts, of the shape and dtype of `log_input`.
        log_input: logarithm of the rate.
        compute_full_loss: whether to add Stirling's approximation of the term that does not
            depend on the rate.
        name: name of the op.

    Raises:
        ValueError: the shapes differ.
    """
    log_input = convert_to_tensor(log_input)
    targets = convert_to_tensor(targets, dtype_hint=log_input.dtype)
    _check_shapes("targets", targets, "log_input", log_input)
    loss = call("Sub", call("Exp", log_input), log_input * targets, name=name)
    if not compute_full_loss:
        return loss
    factorial = (
        targets * call("Log", targets)
        - targets
        + 0.5 * call("Log", convert_to_tensor(2 * math.pi, dtype=targets.dtype) * targets)
    )
    zeros, ones = call("ZerosLike", targets), call("OnesLike", targets)
    small = call(
        "LogicalAnd", call("GreaterEqual", targets, zeros), call("LessEqual", targets, ones)
    )
    return loss + call("SelectV2", small, zeros, factorial)


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of the squares of `t`."""
    return call("L2Loss", t, name=name)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """Share of the entries of `value` that are zero, as float32."""
    value = convert_to_tensor(value)
    zero = call("Equal", value, call("ZerosLike", value))
    counted = call("Cast", zero, DstT=dtypes.float32)
    axes = call("Range", 0, call("Rank", value), 1)
    return call("Mean", counted, axes, keep_dims=False, name=name)


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Any:
    """Sum of the losses of examples over the size of the batch on all replicas.

    Args:
        per_example_loss: losses of rank 1 or more, the batch first.
        sample_weight: weights of the examples, or None.
        global_batch_size: number of examples on all replicas; None for those given.

    Raises:
        ValueError: the losses are a scalar, or the size is no scalar or not positive.
    """
    loss = convert_to_tensor(per_example_loss)
    if loss.shape.rank == 0:
        raise ValueError("per_example_loss must have the batch as first axis, got a scalar")
    if loss.dtype.is_integer:
        loss = call("Cast", loss, DstT=dtypes.float64)
    dtype = loss.dtype
    if sample_weight is not None:
        weights = convert_to_tensor(sample_weight)
        if weights.dtype != dtype:
            weights = call("Cast", weights, DstT=dtype)
        loss = loss * _broadcastable(weights, loss)
    if global_batch_size is None:
        size: Any = call("Shape", loss)[0]
    else:
        size = convert_to_tensor(global_batch_size)
        if size.shape.rank != 0:
            raise ValueError(f"global_batch_size must be a scalar, got shape {size.shape}")
        if not size.dtype.is_integer:
            raise TypeError(f"global_batch_size must be an integer, got {size.dtype.name}")
        if isinstance(global_batch_size, int) and global_batch_size < 0:
            raise ValueError(f"global_batch_size must be positive, got {global_batch_size}")
    axes = call("Range", 0, call("Rank", loss), 1)
    total = call("Sum", loss, axes, keep_dims=False)
    return call("DivNoNan", total, call("Cast", size, DstT=dtype))


def scale_regularization_loss(regularization_loss: Any) -> Any:
    """Sum of regularization losses, of which every replica takes its share."""
    loss = convert_to_tensor(regularization_loss)
    axes = call("Range", 0, call("Rank", loss), 1)
    return call("Sum", loss, axes, keep_dims=False)


def _as_matrix(x: Any) -> Any:
    if x.shape.rank == 2:
        return x
    classes = x.shape[-1] if x.shape.rank else None
    if classes is not None:
        # A batch of unknown size with no entries cannot tell -1 from the classes.
        return call("Reshape", x, np.array([-1, classes], np.int32)) if classes else _empty(x)
    last = call("Shape", x)[-1:]
    return call("Reshape", x, call("ConcatV2", [np.array([-1], np.int32), last], 0))


def _empty(x: Any) -> Any:
    outer = call("Prod", call("Shape", x)[:-1], np.zeros(1, np.int32))
    return call("Reshape", x, call("Pack", [outer, np.int32(0)], axis=0))


def _pair(labels: Any, logits: Any) -> tuple[Any, Any]:
    if labels is None or logits is None:
        raise ValueError("labels and logits must both be given")
    logits = convert_to_tensor(logits)
    labels = convert_to_tensor(labels, dtype_hint=logits.dtype)
    _check_shapes("labels", labels, "logits", logits)
    return labels, logits


def _check_shapes(name: str, x: Any, other_name: str, other: Any) -> None:
    if not x.shape.is_compatible_with(other.shape):
        raise ValueError(
            f"{name} and {other_name} must have the same shape, got {x.shape} and {other.shape}"
        )


def _broadcastable(weights: Any, loss: Any) -> Any:
    """Weights with as many axes as the losses: one of length 1 comes or goes at the end."""
    if weights.shape.rank is None or loss.shape.rank is None or weights.shape.rank == 0:
        return weights
    if weights.shape.rank == loss.shape.rank + 1 and weights.shape[-1] == 1:
        return call("Squeeze", weights, squeeze_dims=(-1,))
    if weights.shape.rank == loss.shape.rank - 1:
        return call("ExpandDims", weights, -1)
    return weights


open_to_composites(globals())
