"""Dilated windows by interleaving: what skips cells becomes dense on every k-th of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.nn.windows import starts_with_channels
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["space_to_batch", "with_space_to_batch"]


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Move the offsets within blocks of the spatial axes to the batch.

    Args:
        input: `[n, *spatial, ...]`.
        block_shape: lengths of a block, one for each spatial axis.
        paddings: zeros to add before and after each spatial axis.
        name: name of the op.

    Returns:
        `[n * cells of a block, *blocks, ...]`.
    """
    return call("SpaceToBatchND", input, block_shape, paddings, name=name)


def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[[Any, int, str], Any],
    filter_shape: Any = None,
    spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:
    """Apply `op`, which knows no dilation, with its window dilated.

    Args:
        input: `[n, *spatial, c]`, or `[n, c, *spatial]` with a data_format "NC...".
        dilation_rate: distance between the cells of the window, one for each spatial axis.
        padding: "SAME" or "VALID".
        op: called as `op(converted, number of spatial axes, "VALID")`, or with `padding` where
            no rate is above 1.
        filter_shape: lengths of the window; needed for "SAME".
        spatial_dims: the axes that `dilation_rate` is about; None for all.
        data_format: layout of `input`.

    Raises:
        ValueError: a rate is below 1, `padding` is neither, or `filter_shape` is missing.
    """
    input = convert_to_tensor(input)
    rates = np.asarray(dilation_rate, np.int32)
    if rates.ndim != 1 or (rates < 1).any():
        raise ValueError(f"dilation_rate must be positive numbers, got {dilation_rate}")
    first = 2 if starts_with_channels(data_format) else 1
    if spatial_dims is None:
        spatial_dims = range(first, first + len(rates))
    axes = [int(axis) for axis in spatial_dims]
    if axes != sorted(axes) or any(axis < 1 for axis in axes) or len(axes) != len(rates):
        raise ValueError(
            f"spatial_dims must be {len(rates)} rising axes from 1 on, got {list(axes)}"
        )
    count = len(rates)
    if (rates == 1).all():
        return op(input, count, padding)
    if padding == "SAME":
        if filter_shape is None:
            raise ValueError("filter_shape must be given when padding is 'SAME'")
        cells = np.asarray(filter_shape)[:count]
        reach = (cells - 1) * rates
        margins = np.stack([reach // 2, reach - reach // 2], axis=1)
    elif padding == "VALID":
        margins = np.zeros((count, 2), np.int64)
    else:
        raise ValueError(f"padding must be 'SAME' or 'VALID', got {padding!r}")
    # The op that moves blocks wants the axes without a gap: those between get blocks of 1.
    last = axes[-1]
    blocks = np.ones(last, np.int32)
    before = np.zeros((last, 2), np.int32)
    for axis, rate, margin in zip(axes, rates, margins, strict=True):
        blocks[axis - 1] = rate
        before[axis - 1] = margin
    lengths = call("Shape", input)[1 : last + 1]
    total = lengths + before.sum(axis=1, dtype=np.int32)
    rest = call("FloorMod", blocks - call("FloorMod", total, blocks), blocks)
    ends = call("Pack", [np.zeros(last, np.int32), rest], axis=1)
    moved = call("SpaceToBatchND", input, blocks, before + ends)
    result = op(moved, count, "VALID")
    return call("BatchToSpaceND", result, blocks, ends)
