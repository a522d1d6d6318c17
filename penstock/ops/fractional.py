"""Poolings over regions whose lengths are random, and their gradients: numpy only."""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import int64
from penstock.core.errors import InvalidArgumentError
from penstock.ops.philox import Generator
from penstock.ops.table import REQUIRED, gradient, op

_ATTRS: Final = {
    "pooling_ratio": REQUIRED,
    "pseudo_random": False,
    "overlapping": False,
    "deterministic": False,
    "seed": 0,
    "seed2": 0,
}
_MASK: Final = 0xFFFFFFFFFFFFFFFF


def _borders(length: int, regions: int, generator: Generator, pseudo_random: bool) -> Any:
    """Where regions begin, and the end of the last: lengths differ by one at most.

    Source: Graham, Fractional Max-Pooling (2015); the order in which TensorFlow draws.
    """
    if length % regions == 0:
        return np.arange(regions + 1, dtype=np.int64) * (length // regions)
    if pseudo_random:
        return _pseudo_random_borders(length, regions, generator)
    sizes = np.full(regions, length // regions, np.int64)
    sizes[: length % regions] += 1
    words = generator.words(regions)
    for i in range(regions):
        other = i + int(words[i]) % (regions - i)
        sizes[[i, other]] = sizes[[other, i]]
    return np.concatenate([[0], np.cumsum(sizes)])


def _pseudo_random_borders(length: int, regions: int, generator: Generator) -> Any:
    """Multiples of the ratio, shifted by one random number and rounded up."""
    ratio = length / regions
    k = length // regions
    most = min((k + 2) / ratio - 1, (length + 1 - k) / ratio - (regions - 1))
    # A double in [0, 1) of 52 random bits, the first word giving the high ones.
    high, low = (int(word) for word in generator.words(2))
    shift = math.ldexp((high & 0xFFFFF) << 32 | low, -52) * most
    borders = [1, *(math.ceil(ratio * (i + shift)) for i in range(1, regions)), length + 1]
    return np.array(borders, np.int64) - 1


def _regions(borders: Any, length: int, overlapping: bool) -> list[slice]:
    """Slices of the regions; overlapping ones take the first cell of the next with them."""
    extra = 1 if overlapping else 0
    return [
        slice(int(first), min(int(last) + extra, length))
        for first, last in itertools.pairwise(borders)
    ]


def _draw(
    value: Any,
    ratios: Sequence[float],
    *,
    pseudo_random: bool,
    deterministic: bool,
    seed: int,
    seed2: int,
) -> tuple[Any, Any]:
    """Borders of the regions along rows and columns."""
    if value.ndim != 4:
        raise InvalidArgumentError(f"value must have rank 4, got shape {list(value.shape)}")
    if len(ratios) != 4 or ratios[0] != 1 or ratios[3] != 1 or min(ratios) < 1:
        raise InvalidArgumentError(
            "pooling_ratio must be four numbers of 1 or more, 1 for batch and channels, got "
            f"{tuple(ratios)}"
        )
    if not deterministic and (seed or seed2):
        raise InvalidArgumentError("seed and seed2 must be 0 unless deterministic is true")
    if seed == 0 and seed2 == 0:
        seed, seed2 = secrets.randbits(63), secrets.randbits(63)
    generator = Generator(
        np.array([seed & _MASK], np.uint64), np.array([0, seed2 & _MASK], np.uint64)
    )
    borders = []
    for length, ratio in zip(value.shape[1:3], ratios[1:3], strict=True):
        regions = int(length / ratio)
        if regions < 1:
            raise InvalidArgumentError(
                f"pooling_ratio must not exceed the axis's length, got {ratio} for {length}"
            )
        borders.append(_borders(length, regions, generator, pseudo_random))
        generator = generator.skip(1 if pseudo_random else -(-regions // 4))
    return borders[0], borders[1]


def _cells(
    shape: Sequence[int], rows: Any, columns: Any, overlapping: bool
) -> Iterator[tuple[Any, Any]]:
    """Indices of an output, and the block of the input [n, rows, columns, c] that it pools."""
    for i, row in enumerate(_regions(rows, shape[1], overlapping)):
        for j, column in enumerate(_regions(columns, shape[2], overlapping)):
            yield (slice(None), i, j), (slice(None), row, column)


@op(
    "FractionalMaxPool",
    inputs=("value: T",),
    outputs=("output: T", "row_pooling_sequence: int64", "col_pooling_sequence: int64"),
    attrs=_ATTRS,
    kernel="host",
)
def fractional_max_pool(
    value: Any, *, pooling_ratio: Sequence[float], overlapping: bool, **attrs: Any
) -> Any:
    """Largest entry of each region; the regions are drawn anew at each call, unless seeded.

    Shape: value [n, h, w, c] -> output [n, oh, ow, c], row_pooling_sequence [oh + 1],
    col_pooling_sequence [ow + 1], the borders of the regions.
    Errors: InvalidArgumentError for a ratio below 1 or above the length of its axis.
    Source: Graham, Fractional Max-Pooling (2015).
    """
    rows, columns = _draw(value, pooling_ratio, **attrs)
    output = _empty_output(value, rows, columns)
    for place, block in _cells(value.shape, rows, columns, overlapping):
        output[place] = value[block].max(axis=(1, 2))
    return output, rows, columns


@op(
    "FractionalMaxPoolGrad",
    inputs=(
        "orig_input: T",
        "orig_output: T",
        "out_backprop: T",
        "row_pooling_sequence: int64",
        "col_pooling_sequence: int64",
    ),
    outputs=("output: T",),
    attrs={"overlapping": False},
    kernel="host",
)
def fractional_max_pool_grad(
    orig_input: Any,
    orig_output: Any,
    out_backprop: Any,
    row_pooling_sequence: Any,
    col_pooling_sequence: Any,
    *,
    overlapping: bool,
) -> Any:
    """Gradient of `FractionalMaxPool`; of equal largest entries the first gets it.

    Shape: orig_input [n, h, w, c], orig_output [n, oh, ow, c], out_backprop [n, oh, ow, c],
    row_pooling_sequence [oh + 1], col_pooling_sequence [ow + 1] -> output [n, h, w, c].
    """
    del orig_output
    total = np.zeros(orig_input.shape, out_backprop.dtype)
    n, _, _, c = orig_input.shape
    batch, channel = np.ogrid[:n, :c]
    for place, block in _cells(
        orig_input.shape, row_pooling_sequence, col_pooling_sequence, overlapping
    ):
        part = orig_input[block]
        first = part.reshape(n, -1, c).argmax(axis=1)
        row, column = np.divmod(first, part.shape[2])
        total[block][batch, row, column, channel] += out_backprop[place]
    return total


@op(
    "FractionalAvgPool",
    inputs=("value: T",),
    outputs=("output: T", "row_pooling_sequence: int64", "col_pooling_sequence: int64"),
    attrs=_ATTRS,
    kernel="host",
)
def fractional_avg_pool(
    value: Any, *, pooling_ratio: Sequence[float], overlapping: bool, **attrs: Any
) -> Any:
    """Mean of each region; the regions are drawn anew at each call, unless seeded.

    Shape: value [n, h, w, c] -> output [n, oh, ow, c], row_pooling_sequence [oh + 1],
    col_pooling_sequence [ow + 1], the borders of the regions.
    Errors: InvalidArgumentError for a ratio below 1 or above the length of its axis.
    """
    rows, columns = _draw(value, pooling_ratio, **attrs)
    output = _empty_output(value, rows, columns)
    for place, block in _cells(value.shape, rows, columns, overlapping):
        part = value[block]
        count = part.shape[1] * part.shape[2]
        total = part.sum(axis=(1, 2), dtype=value.dtype)
        # Means of integers round towards zero.
        output[place] = total / count if value.dtype.kind == "f" else np.trunc(total / count)
    return output, rows, columns


@op(
    "FractionalAvgPoolGrad",
    inputs=(
        "orig_input_tensor_shape: int64",
        "out_backprop: T",
        "row_pooling_sequence: int64",
        "col_pooling_sequence: int64",
    ),
    outputs=("output: T",),
    attrs={"overlapping": False},
    kernel="host",
)
def fractional_avg_pool_grad(
    orig_input_tensor_shape: Any,
    out_backprop: Any,
    row_pooling_sequence: Any,
    col_pooling_sequence: Any,
    *,
    overlapping: bool,
) -> Any:
    """Gradient of `FractionalAvgPool` for an input of a shape.

    Shape: orig_input_tensor_shape [4], out_backprop [n, oh, ow, c],
    row_pooling_sequence [oh + 1], col_pooling_sequence [ow + 1] -> output [n, h, w, c].
    """
    shape = tuple(int(length) for length in orig_input_tensor_shape)
    total = np.zeros(shape, out_backprop.dtype)
    for place, block in _cells(shape, row_pooling_sequence, col_pooling_sequence, overlapping):
        part = total[block]
        count = part.shape[1] * part.shape[2]
        part += (out_backprop[place] / count)[:, None, None]
    return total


def _empty_output(value: Any, rows: Any, columns: Any) -> Any:
    return np.empty(
        (value.shape[0], len(rows) - 1, len(columns) - 1, value.shape[3]), value.dtype
    )


@gradient("FractionalMaxPool")
def fractional_max_pool_gradient(g: Any, grad: Any, *_: Any) -> Any:
    """The native op, with the regions that were drawn."""
    overlapping = g.attrs["overlapping"]
    return g.call(
        "FractionalMaxPoolGrad",
        g.inputs[0],
        g.outputs[0],
        grad,
        *g.outputs[1:],
        overlapping=overlapping,
    )


@gradient("FractionalAvgPool")
def fractional_avg_pool_gradient(g: Any, grad: Any, *_: Any) -> Any:
    """The native op, with the regions that were drawn."""
    shape = g.call("Shape", g.inputs[0], out_type=int64)
    overlapping = g.attrs["overlapping"]
    return g.call("FractionalAvgPoolGrad", shape, grad, *g.outputs[1:], overlapping=overlapping)
