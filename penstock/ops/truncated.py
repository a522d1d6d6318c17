"""Normal numbers between two bounds, drawn one after another from a single Philox stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.ops import distributions
from penstock.ops.philox import Generator

# Where the nearer bound is further out than this, rejecting normal numbers is quick enough.
_FAR: Final = 1.3

Attempt = Callable[[int, int], tuple[Any, Any]]


def truncated_batches(generator: Generator, parameters: Any, each: int) -> Any:
    """Draw `each` numbers for every row (mean, deviation, low, high) of `parameters`.

    A row begins with the first block that the row before it has not touched.

    Shape: parameters [n, 4] -> [n, each].
    Errors: InvalidArgumentError unless deviation > 0, low < high and one of them is finite.
    """
    result = np.empty((len(parameters), each), parameters.dtype)
    block = 0
    for row, (mean, deviation, low, high) in zip(result, parameters, strict=True):
        if not (deviation > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
            raise InvalidArgumentError(
                "stddev must be positive and minval below maxval with a finite bound, got "
                f"stddev {deviation}, minval {low}, maxval {high}"
            )
        block = _fill(row, generator, block, (mean, deviation, low, high))
    return result


def _fill(row: Any, generator: Generator, block: int, parameters: tuple[Any, ...]) -> int:
    """Fill `row` and return the number of the next unused block."""
    mean, deviation, low, high = parameters
    if (np.isinf(low) and low < 0) or high < mean:
        low, high, deviation = high, low, -deviation
    attempt, blocks_each, numbers_each = _method(
        generator,
        dtype_of_numpy(row.dtype),
        (low - mean) / deviation,
        (high - mean) / deviation,
    )
    filled = 0
    while filled < len(row):
        steps = max(4, 2 * (len(row) - filled) // numbers_each)
        with np.errstate(all="ignore"):
            numbers, accepted = attempt(block, steps)
        places = np.flatnonzero(accepted.reshape(-1))[: len(row) - filled]
        row[filled : filled + len(places)] = numbers.reshape(-1)[places] * deviation + mean
        filled += len(places)
        done = filled == len(row) and len(places)
        used = int(places[-1]) // numbers_each + 1 if done else steps
        block += used * blocks_each
    return block


def _method(
    generator: Generator, dtype: DType, low: Any, high: Any
) -> tuple[Attempt, int, int]:
    """Choose how to draw between the standardised bounds.

    Returns:
        A function of a first block and a number of steps, giving candidates [steps, m] and
        whether each is accepted; the blocks and the candidates of one step.
    """
    kind = dtype.np.type
    per_block = 2 if dtype.size == 8 else 4

    def numbers(sampler: Any, block: int, blocks: int) -> Any:
        flat = sampler(generator.skip(block), blocks * per_block, dtype)
        return flat.reshape(blocks, per_block)

    def from_normal(block: int, steps: int) -> tuple[Any, Any]:
        z = numbers(distributions.normal, block, steps)
        return z, (z >= low) & (z <= high)

    def from_uniform(block: int, steps: int) -> tuple[Any, Any]:
        pairs = numbers(distributions.uniform, block, 2 * steps).reshape(steps, 2, per_block)
        z = pairs[:, 0] * (high - low) + low
        peak = kind(0) if low < 0 else low * low
        return z, pairs[:, 1] <= np.exp((peak - z * z) / kind(2))

    def from_exponential(block: int, steps: int) -> tuple[Any, Any]:
        pairs = numbers(distributions.uniform, block, steps).reshape(steps, -1, 2)
        rate = (low + np.sqrt(low * low + kind(4))) / kind(2)
        z = -np.log(pairs[:, :, 0]) / rate + low
        x = rate - z if low < rate else low - rate
        return z, (pairs[:, :, 1] <= np.exp(-x * x / kind(2))) & (z < high)

    if (low < -_FAR and high >= 0) or (high > _FAR and low <= 0):
        return from_normal, 1, per_block
    root = np.sqrt(low * low + kind(4))
    cutoff = kind(2) * np.exp(kind(0.5) + low * (low - root) / kind(4)) / (low + root)
    if high - low < cutoff:
        return from_uniform, 2, per_block
    return from_exponential, 1, per_block // 2
