"""Reading the arguments that say how a window moves: strides, dilations, padding, layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def per_axis(value: Any, spatial: int, channels_first: bool, name: str) -> tuple[int, ...]:
    """Bring `value` to one entry for every axis: batch, channels and `spatial` others.

    Args:
        value: one number for all spatial axes, one for each, or one for every axis.
        spatial: number of spatial axes.
        channels_first: whether the channels come right after the batch.
        name: how the caller's argument is called.

    Raises:
        ValueError: `value` has another length.
    """
    if value is None:
        value = (1,)
    entries = tuple(int(entry) for entry in np.atleast_1d(np.asarray(value)))
    if len(entries) == spatial + 2:
        return entries
    if len(entries) == 1:
        entries *= spatial
    elif len(entries) != spatial:
        raise ValueError(
            f"{name} must have length 1, {spatial} or {spatial + 2}, got {list(entries)}"
        )
    return (1, 1, *entries) if channels_first else (1, *entries, 1)


def read_padding(padding: Any, rank: int) -> dict[str, Any]:
    """The attrs `padding` and `explicit_paddings` for a padding as the API takes it.

    Args:
        padding: "SAME", "VALID", or a pair of numbers for every axis.
        rank: number of axes.

    Raises:
        ValueError: the pairs are not one for each axis.
    """
    if isinstance(padding, str):
        if padding == "EXPLICIT":
            raise ValueError(
                "padding 'EXPLICIT' must be given as a list of one pair of numbers per axis"
            )
        return {"padding": padding, "explicit_paddings": ()}
    pairs = [tuple(int(cells) for cells in pair) for pair in padding]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"padding must be a list of {rank} pairs, got {padding}")
    return {
        "padding": "EXPLICIT",
        "explicit_paddings": tuple(c for pair in pairs for c in pair),
    }


def named_padding(padding: Any) -> str:
    """Return `padding` where only a name will do.

    Raises:
        TypeError: it is a list.
    """
    if not isinstance(padding, str):
        raise TypeError(f"padding must be 'SAME' or 'VALID', got {padding}")
    return padding


def starts_with_channels(data_format: str | None) -> bool:
    """Whether a layout puts the channels right after the batch."""
    return data_format is not None and data_format.startswith("NC")


def entries_of(sizes: Sequence[int] | Any, name: str) -> tuple[int, ...]:
    """Integers of a list that an op takes as it is.

    Raises:
        TypeError: it is no list.
    """
    if not isinstance(sizes, (list, tuple, np.ndarray)):
        raise TypeError(f"{name} must be a list, got {sizes}")
    return tuple(int(entry) for entry in sizes)
