"""Sliding windows by their definition, one cell at a time: slow, and hard to get wrong."""

import itertools
import math

import numpy as np


def places_of(lengths, size, strides, padding, dilations):
    """Number of places of a window, and how many cells are missing before the first."""
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilations, strict=True)]
    if padding == "VALID":
        counts = [
            math.ceil((n - r + 1) / s) for n, r, s in zip(lengths, reach, strides, strict=True)
        ]
        return counts, [0] * len(counts)
    counts = [math.ceil(n / s) for n, s in zip(lengths, strides, strict=True)]
    missing = [
        max((c - 1) * s + r - n, 0)
        for c, s, r, n in zip(counts, strides, reach, lengths, strict=True)
    ]
    return counts, [m // 2 for m in missing]


def visits(lengths, size, strides, padding, dilations=None):
    """Every (place, cell of the window, index in the input) that lies in the input."""
    dilations = dilations or [1] * len(size)
    counts, before = places_of(lengths, size, strides, padding, dilations)
    for place in itertools.product(*map(range, counts)):
        for cell in itertools.product(*map(range, size)):
            at = tuple(
                p * s + c * d - b
                for p, s, c, d, b in zip(place, strides, cell, dilations, before, strict=True)
            )
            if all(0 <= a < n for a, n in zip(at, lengths, strict=True)):
                yield place, cell, at


def convolve(x, kernel, strides, padding, dilations=None):
    """[n, ..., c] with [..., c, filters]."""
    spatial = x.shape[1:-1]
    size = kernel.shape[:-2]
    counts, _ = places_of(spatial, size, strides, padding, dilations or [1] * len(size))
    out = np.zeros((x.shape[0], *counts, kernel.shape[-1]), x.dtype)
    for place, cell, at in visits(spatial, size, strides, padding, dilations):
        out[(slice(None), *place)] += x[(slice(None), *at)] @ kernel[cell]
    return out


def input_gradient(shape, kernel, grad, strides, padding):
    """Gradient of `convolve` in an input of `shape`."""
    out = np.zeros(shape, grad.dtype)
    for place, cell, at in visits(shape[1:-1], kernel.shape[:-2], strides, padding):
        out[(slice(None), *at)] += grad[(slice(None), *place)] @ kernel[cell].T
    return out


def filter_gradient(x, shape, grad, strides, padding):
    """Gradient of `convolve` in a filter of `shape`."""
    out = np.zeros(shape, grad.dtype)
    for place, cell, at in visits(x.shape[1:-1], shape[:-2], strides, padding):
        out[cell] += x[(slice(None), *at)].T @ grad[(slice(None), *place)]
    return out


def depthwise(x, kernel, strides, padding, dilations=None):
    """[n, ..., c] with [..., c, multiplier]."""
    parts = [
        convolve(x[..., c : c + 1], kernel[..., c : c + 1, :], strides, padding, dilations)
        for c in range(x.shape[-1])
    ]
    return np.concatenate(parts, axis=-1)


def pool(x, size, strides, padding, combine):
    """`combine` of the cells under the window, of [n, ..., c]."""
    counts, _ = places_of(x.shape[1:-1], size, strides, padding, [1] * len(size))
    seen = {}
    for place, _, at in visits(x.shape[1:-1], size, strides, padding):
        seen.setdefault(place, []).append(x[(slice(None), *at)])
    out = np.zeros((x.shape[0], *counts, x.shape[-1]), x.dtype)
    for place, cells in seen.items():
        out[(slice(None), *place)] = combine(np.stack(cells), axis=0)
    return out


def max_pool_gradient(x, grad, size, strides, padding):
    """Each place's gradient, at the first of its largest cells."""
    out = np.zeros(x.shape, grad.dtype)
    best = {}
    for place, _, at in visits(x.shape[1:-1], size, strides, padding):
        for n, c in itertools.product(range(x.shape[0]), range(x.shape[-1])):
            value = x[(n, *at, c)]
            if (place, n, c) not in best or value > best[place, n, c][0]:
                best[place, n, c] = (value, at)
    for (place, n, c), (_, at) in best.items():
        out[(n, *at, c)] += grad[(n, *place, c)]
    return out


def mean_pool_gradient(shape, grad, size, strides, padding):
    """Each place's gradient, in equal shares at its cells."""
    cells = {}
    for place, _, at in visits(shape[1:-1], size, strides, padding):
        cells.setdefault(place, []).append(at)
    out = np.zeros(shape, grad.dtype)
    for place, ats in cells.items():
        for at in ats:
            out[(slice(None), *at)] += grad[(slice(None), *place)] / len(ats)
    return out
