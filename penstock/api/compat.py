"""`tf.compat`: text and bytes, and the parts of TensorFlow 1 that TensorFlow 2 programs use."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock.api import v1 as v1
from penstock.core.dimension import Dimension
from penstock.core.dimension import dimension_value as dimension_value
from penstock.core.tensor_shape import TensorShape

bytes_or_text_types = (bytes, str)
complex_types = (numbers.Complex, np.number)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Return bytes for text or bytes.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Return text for text or bytes.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Return text for anything."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> str:
    """Return a path as text."""
    return str(path.__fspath__() if hasattr(path, "__fspath__") else path)


def dimension_at_index(shape: Any, index: int) -> Dimension:
    """Return a dimension of a shape, an unknown one where the rank is unknown."""
    known = TensorShape(shape)
    return Dimension(None if known.rank is None else known.as_list()[index])


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether programs may write what readers of that day know: three weeks are granted."""
    return dt.date(year, month, day) < (_horizon[-1] if _horizon else _three_weeks_on())


def _three_weeks_on() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=21)


# Days that stand for the horizon while `forward_compatibility_horizon` is in force.
_horizon: list[dt.date] = []


@contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Have `forward_compatible` grant, inside, what readers of a day know.

    Args:
        year: the day's year.
        month: its month.
        day: its number in the month.
    """
    _horizon.append(dt.date(year, month, day))
    try:
        yield
    finally:
        _horizon.pop()
