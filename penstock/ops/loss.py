"""Cross entropies: a loss and its gradient at once, as TensorFlow's ops give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.elementwise import FLOATS, kinds, unary, widened
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

_CLASSES = kinds(dtypes.int32, dtypes.int64)


@op(
    "SoftmaxCrossEntropyWithLogits",
    inputs=("features: T", "labels: T"),
    outputs=("loss: T", "backprop: T"),
    host_limit=1 << 18,
)
def softmax_cross_entropy_with_logits(features: Any, labels: Any) -> Any:
    """Cross entropy between `labels` and the softmax of `features`, and its gradient.

    Shape: features [n, classes], labels [n, classes], broadcast together -> loss [n], backprop
    [n, classes].
    Errors: InvalidArgumentError when the shapes do not broadcast to a matrix.
    """
    unary("SoftmaxCrossEntropyWithLogits", features, FLOATS)
    try:
        shape = np.broadcast_shapes(features.shape, labels.shape)
    except ValueError:
        shape = ()
    if len(shape) != 2:
        raise InvalidArgumentError(
            "features and labels must broadcast to one matrix, got shapes "
            f"{list(features.shape)} and {list(labels.shape)}"
        )
    xp = namespace(features, labels)
    target = widened(labels)
    shifted, powers, total = _exponentials(xp.broadcast_to(widened(features), shape))
    loss = (target * (xp.log(total) - shifted)).sum(axis=-1)
    backprop = powers / total - target
    return loss.astype(features.dtype), backprop.astype(features.dtype)


@gradient("SoftmaxCrossEntropyWithLogits")
def softmax_cross_entropy_gradient(g: Any, grad_loss: Any, grad_backprop: Any) -> Any:
    """Through the second output, which is the gradient already."""
    features, labels = g.inputs
    in_features = in_labels = None
    if grad_loss is not None:
        column = g.call("ExpandDims", grad_loss, np.int32(-1))
        if g.needs(0):
            in_features = g.call("Mul", column, g.outputs[1])
        if g.needs(1):
            in_labels = g.call("Mul", column, g.call("Neg", g.call("LogSoftmax", features)))
    if grad_backprop is not None:
        if g.needs(0):
            softmax = g.call("Softmax", features)
            product = g.call("Mul", grad_backprop, softmax)
            mean = g.call("Sum", product, np.int32(-1), keep_dims=True)
            second = g.call("Mul", g.call("Sub", grad_backprop, mean), softmax)
            in_features = (
                second if in_features is None else g.call("AddV2", in_features, second)
            )
        if g.needs(1):
            minus = g.call("Neg", grad_backprop)
            in_labels = minus if in_labels is None else g.call("AddV2", in_labels, minus)
    return (
        None if in_features is None else g.reduce_to(in_features, features),
        None if in_labels is None else g.reduce_to(in_labels, labels),
    )


@op(
    "SparseSoftmaxCrossEntropyWithLogits",
    inputs=("features: T", "labels: Tlabels"),
    outputs=("loss: T", "backprop: T"),
    host_limit=1 << 15,
)
def sparse_softmax_cross_entropy_with_logits(features: Any, labels: Any) -> Any:
    """Cross entropy between classes and the softmax of `features`, and its gradient.

    Shape: features [n, classes], labels [n] -> loss [n], backprop [n, classes].
    Errors: InvalidArgumentError when the shapes do not fit or a label is no class.
    """
    xp = unary("SparseSoftmaxCrossEntropyWithLogits", features, FLOATS)
    unary("SparseSoftmaxCrossEntropyWithLogits", labels, _CLASSES)
    if features.ndim != 2 or labels.ndim != 1 or features.shape[0] != labels.shape[0]:
        raise InvalidArgumentError(
            "features must be [n, classes] and labels [n], got shapes "
            f"{list(features.shape)} and {list(labels.shape)}"
        )
    classes = features.shape[1]
    if classes == 0:
        raise InvalidArgumentError(
            f"features must have at least one class, got shape {list(features.shape)}"
        )
    in_range = (labels >= 0) & (labels < classes)
    require(in_range, InvalidArgumentError, f"labels must be in [0, {classes})", got=labels)
    shifted, powers, total = _exponentials(widened(features))
    # XLA fuses a comparison with the classes; a gather or scatter would stand alone.
    chosen = labels[:, None] == xp.arange(classes, dtype=labels.dtype)
    picked = xp.where(chosen, shifted, shifted.dtype.type(0)).sum(axis=-1)
    loss = xp.log(total[:, 0]) - picked
    backprop = powers / total - chosen
    return loss.astype(features.dtype), backprop.astype(features.dtype)


@gradient("SparseSoftmaxCrossEntropyWithLogits")
def sparse_softmax_cross_entropy_gradient(g: Any, grad_loss: Any, grad_backprop: Any) -> Any:
    """As for dense labels, which only the first term sees."""
    features = g.inputs[0]
    in_features = None
    if grad_loss is not None:
        column = g.call("ExpandDims", grad_loss, np.int32(-1))
        in_features = g.call("Mul", column, g.outputs[1])
    if grad_backprop is not None:
        softmax = g.call("Softmax", features)
        product = g.call("Mul", grad_backprop, softmax)
        mean = g.call("Sum", product, np.int32(-1), keep_dims=True)
        second = g.call("Mul", g.call("Sub", grad_backprop, mean), softmax)
        in_features = second if in_features is None else g.call("AddV2", in_features, second)
    return in_features, None


def _exponentials(logits: Any) -> tuple[Any, Any, Any]:
    """`logits` less their largest, the exponentials of that, and the sum of these."""
    xp = namespace(logits)
    if logits.size:
        logits = logits - logits.max(axis=-1, keepdims=True)
    powers = xp.exp(logits)
    return logits, powers, powers.sum(axis=-1, keepdims=True)


@op(
    "ComputeAccidentalHits",
    inputs=("true_classes: int64", "sampled_candidates: int64"),
    outputs=("indices: int32", "ids: int64", "weights: float"),
    attrs={"num_true": REQUIRED, "seed": 0, "seed2": 0},
    kernel="host",
    differentiable=False,
)
def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, *, num_true: int, seed: int, seed2: int
) -> Any:
    """Where true classes stand in a sample of classes.

    Shape: true_classes [n, num_true], sampled_candidates [k] -> indices [hits], the examples;
    ids [hits], the places in the sample; weights [hits], the least float32.
    Errors: InvalidArgumentError when true_classes has another number of columns.
    """
    del seed, seed2
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        raise InvalidArgumentError(
            f"true_classes must be [n, {num_true}], got shape {list(true_classes.shape)}"
        )
    places = {int(label): place for place, label in enumerate(sampled_candidates)}
    hits = [
        (row, places[label])
        for row, labels in enumerate(true_classes.tolist())
        for label in labels
        if label in places
    ]
    pairs = np.array(hits, np.int64).reshape(-1, 2)
    lowest = np.finfo(np.float32).min
    return pairs[:, 0].astype(np.int32), pairs[:, 1], np.full(len(pairs), lowest, np.float32)
