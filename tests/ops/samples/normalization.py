"""Samples of normalizations and cross entropies."""

import numpy as np

from tests.ops.sample import Sample

random = np.random.default_rng(4)
x = random.normal(2, 3, size=(2, 3, 2, 4)).astype(np.float32)
grad = random.normal(size=x.shape).astype(np.float32)
scale, offset = np.float32([1.0, 2.0, -1.0, 0.5]), np.float32([0.0, 1.0, 2.0, -3.0])
old_mean, old_variance = np.float32([1.0, 0.0, 2.0, -1.0]), np.float32([1.0, 2.0, 0.5, 4.0])
none = np.zeros(0, np.float32)
mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
unbiased = variance * 12 / 11
epsilon = 0.5
training, inference = {"epsilon": epsilon}, {"epsilon": epsilon, "is_training": False}


def _normal(array, centre, spread):
    return ((array - centre) / np.sqrt(spread + epsilon) * scale + offset).astype(np.float32)


def _gradients(centre, spread):
    """Of inference: each entry on its own."""
    factor = 1 / np.sqrt(spread + epsilon)
    return (
        (grad * scale * factor).astype(np.float32),
        (grad * (x - centre) * factor).sum(axis=(0, 1, 2)).astype(np.float32),
        grad.sum(axis=(0, 1, 2)),
    )


def _training_gradient():
    """Gradient of sum(grad * y) in x by the chain rule, in float64."""
    wide = x.astype(np.float64)
    count, factor = 12, 1 / np.sqrt(wide.var(axis=(0, 1, 2)) + epsilon)
    shifted = wide - wide.mean(axis=(0, 1, 2))
    in_normal = grad * scale.astype(np.float64)
    in_variance = (in_normal * shifted).sum(axis=(0, 1, 2)) * -0.5 * factor**3
    in_mean = -(in_normal * factor).sum(axis=(0, 1, 2))
    total = in_normal * factor + in_variance * 2 * shifted / count + in_mean / count
    return total.astype(np.float32)


zero = np.float32(0)
trained = (_normal(x, mean, variance), mean, unbiased, mean, variance)
inferred = (_normal(x, old_mean, old_variance), old_mean, old_variance, old_mean, old_variance)
in_training = (_training_gradient(), *_gradients(mean, variance)[1:], zero, zero)
in_inference = (*_gradients(old_mean, old_variance), zero, zero)
vectors = (x, scale, offset, none, none)
moving = (x, scale, offset, old_mean, old_variance)
half_way = (mean + old_mean) / 2, (unbiased + old_variance) / 2
first = x.transpose(0, 3, 1, 2)
squares = np.stack(
    [(x[..., max(c - 1, 0) : c + 2] ** 2).sum(axis=-1) for c in range(4)], axis=-1
)
norm = 1.5 + 0.5 * squares
lrn = {"depth_radius": 1, "bias": 1.5, "alpha": 0.5, "beta": 0.75}
responses = (x * norm**-0.75).astype(np.float32)
ratios = grad * responses / norm
near = np.stack([ratios[..., max(c - 1, 0) : c + 2].sum(axis=-1) for c in range(4)], axis=-1)
lrn_gradient = (grad * norm**-0.75 - 2 * 0.5 * 0.75 * x * near).astype(np.float32)

logits = np.float32([[1.0, 2.0, -1.0], [0.5, 0.5, 3.0]])
labels = np.float32([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
rows = np.arange(2)

SAMPLES = [
    Sample("FusedBatchNorm", vectors, trained, training, differentiable=False),
    Sample("FusedBatchNorm", moving, inferred, inference, differentiable=False),
    Sample("FusedBatchNormV2", vectors, trained, training, differentiable=False),
    Sample("FusedBatchNormV3", vectors, (*trained, none), training, differentiable=False),
    Sample("FusedBatchNormV3", moving, (*inferred, none), inference, differentiable=False),
    Sample(
        "FusedBatchNormV3",
        moving,
        (trained[0], *half_way, mean, variance, none),
        training | {"exponential_avg_factor": 0.5},
        differentiable=False,
    ),
    Sample(
        "FusedBatchNormV3",
        (first, scale, offset, none, none),
        (trained[0].transpose(0, 3, 1, 2), *trained[1:], none),
        training | {"data_format": "NCHW"},
        differentiable=False,
    ),
    Sample(
        "FusedBatchNormV3",
        (x[:, None], scale, offset, none, none),
        (trained[0][:, None], *trained[1:], none),
        training | {"data_format": "NDHWC"},
        differentiable=False,
    ),
    Sample(
        "FusedBatchNormGrad",
        (grad, x, scale, mean, variance),
        in_training,
        training,
        differentiable=False,
    ),
    Sample(
        "FusedBatchNormGradV2",
        (grad, x, scale, old_mean, old_variance),
        in_inference,
        inference,
        differentiable=False,
    ),
    Sample(
        "FusedBatchNormGradV3",
        (grad, x, scale, mean, variance, none),
        in_training,
        training,
        differentiable=False,
    ),
    # The gradient is LRNGrad; the op knows no float64 to compare slopes in.
    Sample("LRN", (x,), responses, lrn, differentiable=False),
    Sample("LRN", (x,), (x / np.sqrt(1 + x * x)), {"depth_radius": 0}, differentiable=False),
    Sample("LRNGrad", (grad, x, responses), lrn_gradient, lrn, differentiable=False),
    Sample(
        "SoftmaxCrossEntropyWithLogits",
        (logits, labels),
        (-(labels * np.log(shares)).sum(axis=-1), shares - labels),
    ),
    Sample(
        "SoftmaxCrossEntropyWithLogits",
        (logits, labels[:1]),
        (-(labels[:1] * np.log(shares)).sum(axis=-1), shares - labels[:1]),
    ),
    Sample(
        "SparseSoftmaxCrossEntropyWithLogits",
        (logits, np.int64([1, 2])),
        (-np.log(shares)[rows, [1, 2]], shares - np.eye(3, dtype=np.float32)[[1, 2]]),
    ),
    Sample(
        "SparseSoftmaxCrossEntropyWithLogits",
        (np.zeros((0, 3), np.float32), np.zeros(0, np.int32)),
        (none, np.zeros((0, 3), np.float32)),
    ),
]
