"""Samples of grey-scale dilation."""

import numpy as np

from tests.ops import naive
from tests.ops.sample import Sample

random = np.random.default_rng(6)
x = random.normal(size=(1, 5, 4, 2)).astype(np.float32)
kernel = random.normal(size=(3, 2, 2)).astype(np.float32)
grad = random.normal(size=(1, 3, 4, 2)).astype(np.float32)
attrs = {"strides": (1, 2, 1, 1), "rates": (1, 1, 1, 1), "padding": "SAME"}
holes = {"strides": (1, 1, 1, 1), "rates": (1, 2, 1, 1), "padding": "VALID"}


def _best(array, weights, strides, padding, rates=None):
    """For each place and channel: the largest sum, the cell and the index that gave it."""
    best = {}
    for place, cell, at in naive.visits(
        array.shape[1:3], weights.shape[:2], strides, padding, rates
    ):
        for c in range(array.shape[3]):
            total = array[(0, *at, c)] + weights[(*cell, c)]
            if (place, c) not in best or total > best[place, c][0]:
                best[place, c] = (total, cell, at)
    return best


def _dilated(shape, best):
    out = np.zeros(shape, np.float32)
    for (place, c), (total, _, _) in best.items():
        out[(0, *place, c)] = total
    return out


best = _best(x, kernel, (2, 1), "SAME")
in_input, in_filter = np.zeros_like(x), np.zeros_like(kernel)
for (place, c), (_, cell, at) in best.items():
    in_input[(0, *at, c)] += grad[(0, *place, c)]
    in_filter[(*cell, c)] += grad[(0, *place, c)]

SAMPLES = [
    Sample("Dilation2D", (x, kernel), _dilated((1, 3, 4, 2), best), attrs),
    Sample(
        "Dilation2D",
        (x, kernel),
        _dilated((1, 1, 3, 2), _best(x, kernel, (1, 1), "VALID", (2, 1))),
        holes,
    ),
    Sample(
        "Dilation2D",
        (np.uint8([[[[5], [1]]]]), np.uint8([[[2], [9]]])),
        np.uint8([[[[10], [3]]]]),
        {"strides": (1, 1, 1, 1), "rates": (1, 1, 1, 1), "padding": "SAME"},
    ),
    Sample("Dilation2DBackpropInput", (x, kernel, grad), in_input, attrs, differentiable=False),
    Sample(
        "Dilation2DBackpropFilter", (x, kernel, grad), in_filter, attrs, differentiable=False
    ),
]
