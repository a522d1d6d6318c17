"""Variable-length integers, as protobuf and the table file write them."""

from penstock.core.errors import DataLossError, InvalidArgumentError

_MAX_BYTES = 10  # 64 bits, seven at a time


def encode_varint(value: int) -> bytes:
    """Write a number from 0 to 2^64 - 1, seven bits a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes | memoryview, start: int, what: str = "data") -> tuple[int, int]:
    """Read a number.

    Returns:
        The number and the position behind it.

    Raises:
        DataLossError: the data end within the number, or it is longer than 64 bits.
    """
    value = shift = 0
    for position in range(start, min(start + _MAX_BYTES, len(data))):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, position + 1
        shift += 7
    raise DataLossError(f"{what} must have a varint at byte {start}, got none that ends")


def split_strings(data: bytes, count: int, what: str) -> list[bytes]:
    """Read `count` strings written as all the lengths, then all the bytes.

    Raises:
        InvalidArgumentError: the lengths do not add up to the data.
    """
    # Every length takes a byte at least, so a wrong count is found before any work.
    if count > len(data):
        raise InvalidArgumentError(
            f"{what} must have {count} strings, got {len(data)} bytes, too few for the lengths"
        )
    lengths = []
    position = 0
    for _ in range(count):
        length, position = decode_varint(data, position, what)
        lengths.append(length)
    if position + sum(lengths) != len(data):
        raise InvalidArgumentError(
            f"strings of {what} must take {sum(lengths)} bytes after their lengths, "
            f"got {len(data) - position}"
        )
    strings = []
    for length in lengths:
        strings.append(data[position : position + length])
        position += length
    return strings
