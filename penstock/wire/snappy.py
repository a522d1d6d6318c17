"""Snappy decompression, for table blocks that other programs compressed.

Source: the format description of Snappy (framing not included).
"""

from typing import Final

from penstock.core.errors import DataLossError
from penstock.wire.varint import decode_varint

# No three bytes can stand for more than 64, so a larger claim is false.
_MAX_RATIO: Final = 64


def decompress(data: bytes) -> bytes:
    """Decompress one block.

    Raises:
        DataLossError: the data are damaged.
    """
    size, position = decode_varint(data, 0, "compressed block")
    if size > _MAX_RATIO * len(data):
        raise DataLossError(f"a block of {len(data)} bytes must not claim to hold {size}")
    out = bytearray()
    while position < len(data):
        tag = data[position]
        if tag & 3 == 0:
            length, position = _literal_length(data, position)
            if position + length > len(data):
                raise _damaged(position)
            out += data[position : position + length]
            position += length
        else:
            length, offset, position = _copy(data, position)
            _repeat(out, offset, length, position)
        if len(out) > size:
            break
    if len(out) != size:
        raise DataLossError(f"a compressed block must hold {size} bytes, got {len(out)}")
    return bytes(out)


def _literal_length(data: bytes, position: int) -> tuple[int, int]:
    length = data[position] >> 2
    position += 1
    if length < 60:
        return length + 1, position
    width = length - 59
    if position + width > len(data):
        raise _damaged(position)
    return int.from_bytes(data[position : position + width], "little") + 1, position + width


def _copy(data: bytes, position: int) -> tuple[int, int, int]:
    """Length and offset of a back-reference, and the position behind it."""
    tag = data[position]
    width = (0, 1, 2, 4)[tag & 3]
    operand = data[position + 1 : position + 1 + width]
    if len(operand) < width:
        raise _damaged(position)
    offset = int.from_bytes(operand, "little")
    if tag & 3 == 1:
        return 4 + (tag >> 2 & 7), (tag >> 5) << 8 | offset, position + 1 + width
    return (tag >> 2) + 1, offset, position + 1 + width


def _repeat(out: bytearray, offset: int, length: int, position: int) -> None:
    if not 0 < offset <= len(out):
        raise _damaged(position)
    pattern = bytes(out[len(out) - offset :])
    # A copy may reach into what it writes: then the pattern goes on.
    out += (pattern * (length // offset + 1))[:length]


def _damaged(position: int) -> DataLossError:
    return DataLossError(f"a compressed block is damaged near byte {position}")
