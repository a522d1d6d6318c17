"""Keys whose byte order is the order of the values in them.

Checkpoints name the slices of a partitioned variable this way.

Source: TensorFlow's `OrderedCode`, and `EncodeTensorNameSlice` for the slices.
"""

import re
from collections.abc import Iterable
from typing import Final

_ESCAPES: Final = {b"\x00": b"\x00\xff", b"\xff": b"\xff\x00"}


def encode_number(value: int) -> bytes:
    """Write a number >= 0: how many bytes follow, then these, highest first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def encode_string(value: bytes) -> bytes:
    """Write a string with an end mark, and escape what could be taken for one."""
    return re.sub(rb"[\x00\xff]", lambda match: _ESCAPES[match[0]], value) + b"\x00\x01"


def encode_signed(value: int) -> bytes:
    """Write a number whose length is told by the ones it starts with, its sign turned."""
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    header = (1 << 8 * size) - (1 << 7 * size)
    return (header ^ value & (1 << 8 * size) - 1).to_bytes(size, "big")


def slice_key(name: bytes, extents: Iterable[tuple[int, int]]) -> bytes:
    """Key of a slice.

    Args:
        name: of the whole variable.
        extents: start and length along each axis; (0, -1) for a whole axis.
    """
    extents = list(extents)
    numbers = b"".join(encode_signed(number) for extent in extents for number in extent)
    return encode_number(0) + encode_string(name) + encode_number(len(extents)) + numbers
