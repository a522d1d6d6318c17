"""Where one serialized `Example` in the form of every usual writer has its lists of values."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import DataLossError

Integers = NDArray[np.int64]
# Kind, start and end of the list of each feature.
Places = dict[bytes, tuple[int, int, int]]

ABSENT, BYTES, FLOATS, INTEGERS = 0, 1, 2, 3
# Tags of the fields 1, 2 and 3, pieces with a length.
KEY, VALUE = 1 << 3 | 2, 2 << 3 | 2
_KINDS: Final = (KEY, VALUE, 3 << 3 | 2)
_LONGEST: Final = 10  # bytes of a number of 64 bits


class UnreadableExampleError(DataLossError):
    """A message that is no `Example`; `index` is its number."""

    def __init__(self, index: int) -> None:
        super().__init__(f"message {index} is no Example")
        self.index = index


def length_at(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """A length and the position behind it; None for what is not written so before `end`."""
    value = shift = 0
    for position in range(start, min(start + 5, end)):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    return None


def usual_places(data: bytes) -> Places | None:
    """Kind, start and end of each feature, or None for another form."""
    try:
        return _places(data)
    except IndexError:
        return None


def _places(data: bytes) -> Places | None:
    """The same, or an error.

    Lengths below 128 are read in place: a call for each would take most of the time.
    """
    size = len(data)
    places: Places = {}
    if size == 0:
        return places
    length, position = data[1], 2
    if length >= 0x80:
        length, position = _long_length(data, 1)
    if data[0] != KEY or length + position != size:
        return None
    while position < size:
        if data[position] != KEY:
            return None
        length = data[position + 1]
        position += 2
        if length >= 0x80:
            length, position = _long_length(data, position - 1)
        end = position + length
        key_size = data[position + 1]
        key = position + 2
        after = key + key_size
        if end > size or data[position] != KEY or key_size >= 0x80 or data[after] != VALUE:
            return None
        name = data[key:after]
        length, position = data[after + 1], after + 2
        if length >= 0x80:
            length, position = _long_length(data, after + 1)
        if position + length != end:
            return None
        if length == 0:
            places[name] = (ABSENT, end, end)
            continue
        tag = data[position]
        length = data[position + 1]
        position += 2
        if length >= 0x80:
            length, position = _long_length(data, position - 1)
        if tag not in _KINDS or position + length != end:
            return None
        places[name] = (tag >> 3, position, end)
        position = end
    return places


def _long_length(data: bytes, start: int) -> tuple[int, int]:
    found = length_at(data, start, len(data))
    if found is None:
        raise IndexError
    return found


def varints(raw: NDArray[np.uint8], last: NDArray[np.bool_], ends: Integers) -> Integers:
    """Numbers of seven bits a byte, the low ones first.

    Args:
        raw: their bytes, of all messages.
        last: which bytes end a number.
        ends: where the bytes of each message end.

    Raises:
        UnreadableExampleError: a number is too long.
    """
    stops = np.flatnonzero(last)
    starts = np.concatenate(([0], stops[:-1] + 1))
    sizes = stops - starts + 1
    if sizes.max() > _LONGEST:
        where = starts[int(np.argmax(sizes > _LONGEST))]
        raise UnreadableExampleError(int(np.searchsorted(ends, where, "right")))
    shifts = (np.arange(len(raw)) - np.repeat(starts, sizes)) * 7
    parts = (raw & 0x7F).astype(np.uint64) << shifts.astype(np.uint64)
    return np.add.reduceat(parts, starts).view(np.int64)
