"""Arrays as short texts, in the notation of TensorFlow's `tf.print`."""

from __future__ import annotations

from typing import Any

import numpy as np

_ESCAPES = {ord('"'): '\\"', ord("'"): "\\'", ord("\\"): "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}
# Digits that always survive a round trip through text, and digits that are always needed.
_DIGITS = {"float64": (15, 17)}
_SHORT_DIGITS = (6, 9)


def summarize(array: Any, limit: int, *, escape: bool = True) -> str:
    """Write an array with at most `limit` elements from each end of every axis.

    Args:
        array: numpy array; strings are bytes objects.
        limit: number of elements; -1 for all.
        escape: whether strings stand in quotes.
    """
    array = np.asarray(array)
    if array.size == 0:
        return "[]"
    return _rows(array, limit, 0, escape)


def _rows(array: Any, limit: int, depth: int, escape: bool) -> str:
    if array.ndim == 0:
        return element(array[()], array.dtype, escape=escape)
    size = len(array)
    places: list[int | None] = list(range(size))
    if limit >= 0 and size > 2 * limit:
        places = [*range(limit), None, *range(size - limit, size)]
    parts = [
        "..." if i is None else _rows(array[i, ...], limit, depth + 1, escape) for i in places
    ]
    # Deeper parts are set apart by as many line ends as they have axes, and indented.
    between = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * (depth + 1)
    return f"[{between.join(parts)}]"


def element(value: Any, dtype: Any, *, escape: bool = True) -> str:
    """Write one element; floats with the fewest digits that tell them apart."""
    if dtype.kind == "O":
        return _text(value, escape) if isinstance(value, (bytes, str)) else str(value)
    if dtype.kind == "b":
        return str(int(value))
    if dtype.kind in "iu" or dtype.name in ("int4", "uint4", "int2", "uint2"):
        return str(int(value))
    if dtype.names is not None:
        return str(int(value[dtype.names[0]]))
    if dtype.kind == "c":
        # TensorFlow itself writes "?" here, which says nothing.
        part = np.dtype(f"float{dtype.itemsize * 4}")
        real = element(value.real.astype(part), part)
        return f"({real},{element(value.imag.astype(part), part)})"
    return _number(value, dtype)


def _number(value: Any, dtype: Any) -> str:
    wide = np.float64 if dtype == np.float64 else np.float32
    value = wide(value)
    if np.isnan(value):
        return "nan"
    short, full = _DIGITS.get(dtype.name, _SHORT_DIGITS)
    text = f"{float(value):.{short}g}"
    return text if wide(text) == value else f"{float(value):.{full}g}"


def _text(value: Any, escape: bool) -> str:
    raw = value.encode() if isinstance(value, str) else value
    if not escape:
        return str(raw.decode("utf-8", "replace"))
    return f'"{"".join(_escaped(byte) for byte in raw)}"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
