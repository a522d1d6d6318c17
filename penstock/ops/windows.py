"""Geometry of sliding windows: output sizes, padding, and the shifted views under a window.

A window slides over some neighbouring axes of an array. A *tap* is what one cell of the window
sees of the padded array over all places; poolings and depthwise convolutions combine the taps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from penstock.core.errors import InvalidArgumentError
from penstock.ops.namespace import namespace

CHANNELS_FIRST = frozenset({"NCW", "NCHW", "NCDHW", "CHANNELS_FIRST"})
CHANNELS_LAST = frozenset({"NWC", "NHWC", "NDHWC", "CHANNELS_LAST"})


@dataclass(frozen=True, slots=True)
class Window:
    """A window sliding over the axes `axis, axis + 1, ...` of an array.

    Every field but `axis` has one entry per sliding axis: `lengths` of the array, `size` of
    the window, its `strides` and `dilations`, the cells of `padding` before and after the
    array, and the number of places, `outputs`.
    """

    axis: int
    lengths: tuple[int, ...]
    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    outputs: tuple[int, ...]

    @property
    def is_padded(self) -> bool:
        """Whether any cell is added."""
        return any(low or high for low, high in self.padding)

    @property
    def is_tiling(self) -> bool:
        """Whether every cell of the array belongs to exactly one place."""
        return not self.is_padded and all(
            size == step and gap == 1 and count * size == length
            for size, step, gap, count, length in zip(
                self.size, self.strides, self.dilations, self.outputs, self.lengths, strict=True
            )
        )

    def sees(self) -> list[bool]:
        """For each cell, in the order of the taps, whether it meets the array at any place.

        In a small array some cells of the window meet nothing but padding.
        """
        by_axis = [
            [
                any(0 <= place * step + cell * gap - low < length for place in range(count))
                for cell in range(size)
            ]
            for length, size, step, gap, (low, _), count in zip(
                self.lengths,
                self.size,
                self.strides,
                self.dilations,
                self.padding,
                self.outputs,
                strict=True,
            )
        ]
        return [all(cells) for cells in itertools.product(*by_axis)]

    @property
    def cells(self) -> int:
        """Number of cells of the window."""
        return math.prod(self.size)

    @property
    def reach(self) -> tuple[int, ...]:
        """Length that the window spans along each axis."""
        return tuple(
            (size - 1) * gap + 1 for size, gap in zip(self.size, self.dilations, strict=True)
        )


def is_channels_first(data_format: str) -> bool:
    """Tell whether the channel axis comes right after the batch.

    Raises:
        InvalidArgumentError: the format is not one of TensorFlow's.
    """
    if data_format in CHANNELS_LAST:
        return False
    if data_format in CHANNELS_FIRST:
        return True
    raise InvalidArgumentError(
        f"data_format must be one of {sorted(CHANNELS_LAST | CHANNELS_FIRST)}, got "
        f"{data_format!r}"
    )


def sliding_window(
    axis: int,
    lengths: Sequence[int],
    size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    *,
    dilations: Sequence[int] = (),
    explicit_paddings: Sequence[int] = (),
) -> Window:
    """Place a window over the axes from `axis` on, with TensorFlow's rules for padding.

    Args:
        axis: the first of the axes.
        lengths: lengths of the axes.
        size: lengths of the window.
        strides: steps of the window.
        padding: "SAME", "VALID" or "EXPLICIT".
        dilations: distances between the cells of the window, 1 where left out.
        explicit_paddings: cells before and after each axis, in one flat list.
    """
    rank = len(lengths)
    dilations = dilations or (1,) * rank
    for name, values in (("ksize", size), ("strides", strides), ("dilations", dilations)):
        if len(values) != rank or any(value < 1 for value in values):
            raise InvalidArgumentError(
                f"{name} must be {rank} positive numbers along the axes that the window slides "
                f"over, got {tuple(values)}"
            )
    if padding != "EXPLICIT" and explicit_paddings:
        raise InvalidArgumentError(
            f"explicit_paddings must be empty when padding is {padding!r}, got "
            f"{tuple(explicit_paddings)}"
        )
    if padding == "SAME":
        margins = tuple(map(_same_margin, lengths, size, strides, dilations))
    elif padding == "VALID":
        margins = ((0, 0),) * rank
    elif padding == "EXPLICIT":
        margins = _explicit_margins(explicit_paddings, rank)
    else:
        raise InvalidArgumentError(
            f"padding must be 'SAME', 'VALID' or 'EXPLICIT', got {padding!r}"
        )
    outputs = tuple(
        _places(length + low + high, (cells - 1) * gap + 1, step)
        for length, (low, high), cells, gap, step in zip(
            lengths, margins, size, dilations, strides, strict=True
        )
    )
    return Window(
        axis, tuple(lengths), tuple(size), tuple(strides), tuple(dilations), margins, outputs
    )


def _places(length: int, reach: int, step: int) -> int:
    # int() rounds towards zero: with a stride above 1, a slightly too long window has no place.
    count = int((length - reach + step) / step)
    if count < 0:
        raise InvalidArgumentError(
            f"the window must fit the input: it spans {reach} cells, the padded input "
            f"has {length}"
        )
    return count


def _explicit_margins(paddings: Sequence[int], rank: int) -> tuple[tuple[int, int], ...]:
    if len(paddings) != 2 * rank or any(cells < 0 for cells in paddings):
        raise InvalidArgumentError(
            "explicit_paddings must be two numbers of 0 or more for each axis, got "
            f"{tuple(paddings)} along the axes that the window slides over"
        )
    return tuple(zip(paddings[::2], paddings[1::2], strict=True))


def _same_margin(length: int, cells: int, step: int, gap: int) -> tuple[int, int]:
    places = -(-length // step)
    missing = max((places - 1) * step + (cells - 1) * gap + 1 - length, 0)
    return missing // 2, missing - missing // 2


def pad(x: Any, window: Window, value: Any) -> Any:
    """Return `x` with the window's margins, filled with `value`."""
    if not window.is_padded:
        return x
    others = x.ndim - window.axis - len(window.size)
    margins = ((0, 0),) * window.axis + window.padding + ((0, 0),) * others
    return namespace(x).pad(x, margins, constant_values=value)


def tap_slices(window: Window) -> Iterator[tuple[slice, ...]]:
    """Give for each cell of the window what it sees of the padded array, last axis fastest."""
    leading = (slice(None),) * window.axis
    for offsets in itertools.product(*map(range, window.size)):
        yield leading + tuple(
            _tap_slice(offset * gap, step, count)
            for offset, gap, step, count in zip(
                offsets, window.dilations, window.strides, window.outputs, strict=True
            )
        )


def _tap_slice(first: int, step: int, count: int) -> slice:
    return slice(first, first + (count - 1) * step + 1, step) if count else slice(0, 0, step)


def taps(padded: Any, window: Window) -> Iterator[Any]:
    """Give the view of `padded` under each cell of the window."""
    for where in tap_slices(window):
        yield padded[where]


def scatter_taps(parts: Iterable[Any], window: Window) -> Any:
    """Add the parts up at the places that their taps came from: the transpose of `taps`.

    Args:
        parts: one array per cell of the window, of the shape of its tap.
        window: the window.

    Returns:
        An array without margins.
    """
    padded_lengths = [
        length + low + high
        for length, (low, high) in zip(window.lengths, window.padding, strict=True)
    ]
    total: Any = None
    end = window.axis + len(window.size)
    for where, part in zip(tap_slices(window), parts, strict=True):
        shape = (*part.shape[: window.axis], *padded_lengths, *part.shape[end:])
        if namespace(part) is jnp:
            spread = _spread(part, where, shape)
            total = spread if total is None else total + spread
        else:
            total = np.zeros(shape, part.dtype) if total is None else total
            total[where] += part
    inner = tuple(
        slice(low, low + length)
        for length, (low, _) in zip(window.lengths, window.padding, strict=True)
    )
    return total[(slice(None),) * window.axis + inner]


def _spread(part: Any, where: Sequence[slice], shape: Sequence[int]) -> Any:
    """Lay `part` out at `where` among zeros of `shape`; XLA fuses a pad, but not a scatter."""
    config = [(0, 0, 0)] * part.ndim
    for axis, place in enumerate(where):
        if place != slice(None):
            used = (
                place.start + (part.shape[axis] - 1) * place.step + 1 if part.shape[axis] else 0
            )
            config[axis] = (place.start, shape[axis] - used, place.step - 1)
    return lax.pad(part, jnp.zeros((), part.dtype), config)
