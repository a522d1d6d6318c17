"""The checksum of HDF5's younger structures: Jenkins' lookup3.

Source: Bob Jenkins, lookup3, 2006; HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import struct
from typing import Final

_MASK: Final = 0xFFFFFFFF
_FINAL: Final = (
    (2, 1, 14),
    (0, 2, 11),
    (1, 0, 25),
    (2, 1, 16),
    (0, 2, 4),
    (1, 0, 14),
    (2, 1, 24),
)


def _turned(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _MASK


def lookup3(data: bytes) -> int:
    """The checksum of bytes."""
    state = [0xDEADBEEF + len(data) & _MASK] * 3
    # The last one to twelve bytes are mixed in another way.
    whole = max(0, (len(data) - 1) // 12)
    for part in struct.iter_unpack("<3I", data[: whole * 12]):
        a, b, c = ((value + more) & _MASK for value, more in zip(state, part, strict=True))
        a = (a - c & _MASK) ^ _turned(c, 4)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ _turned(a, 6)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ _turned(b, 8)
        b = b + a & _MASK
        a = (a - c & _MASK) ^ _turned(c, 16)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ _turned(a, 19)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ _turned(b, 4)
        b = b + a & _MASK
        state = [a, b, c]
    if not data:
        return state[2]
    tail = data[whole * 12 :].ljust(12, b"\0")
    more = struct.unpack("<3I", tail)
    state = [value + extra & _MASK for value, extra in zip(state, more, strict=True)]
    for to, other, bits in _FINAL:
        state[to] = (state[to] ^ state[other]) - _turned(state[other], bits) & _MASK
    return state[2]
