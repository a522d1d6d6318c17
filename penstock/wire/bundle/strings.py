"""String tensors as they stand in the data files of a checkpoint.

All lengths come first, then a checksum of the lengths, then the bytes. The checksum in the
entry covers the lengths as fixed-width numbers, the first checksum, and the bytes.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import DataLossError
from penstock.wire.crc32c import crc32c, mask
from penstock.wire.tensors import as_objects
from penstock.wire.varint import decode_varint, encode_varint

_CHECKSUM_BYTES: Final = 4


def encode_strings(strings: list[bytes]) -> tuple[bytes, int]:
    """Write strings.

    Returns:
        The bytes, and the masked checksum for the entry.
    """
    lengths = [len(string) for string in strings]
    crc = crc32c(_fixed_width(lengths))
    checksum = mask(crc).to_bytes(_CHECKSUM_BYTES, "little")
    body = b"".join(strings)
    data = b"".join(map(encode_varint, lengths)) + checksum + body
    return data, mask(crc32c(body, crc32c(checksum, crc)))


def decode_strings(data: bytes, count: int, checksum: int, name: str) -> NDArray[Any]:
    """Read `count` strings.

    Raises:
        DataLossError: a checksum fails, or the lengths do not add up to the data.
    """
    # Every length takes a byte at least, so a wrong count is found before any work.
    if count + _CHECKSUM_BYTES > len(data):
        raise DataLossError(f"'{name}' must have {count} strings, got {len(data)} bytes")
    lengths = []
    position = 0
    for _ in range(count):
        length, position = decode_varint(data, position, f"'{name}'")
        lengths.append(length)
    start = position + _CHECKSUM_BYTES
    if start + sum(lengths) != len(data):
        raise DataLossError(
            f"strings of '{name}' must take {sum(lengths)} bytes, got {len(data) - start}"
        )
    crc = crc32c(_fixed_width(lengths))
    stored = data[position:start]
    if mask(crc) != int.from_bytes(stored, "little"):
        raise DataLossError(f"lengths of the strings of '{name}' fail their checksum")
    if mask(crc32c(memoryview(data)[start:], crc32c(stored, crc))) != checksum:
        raise DataLossError(f"strings of '{name}' fail their checksum")
    strings = []
    for length in lengths:
        strings.append(data[start : start + length])
        start += length
    return as_objects(strings)


def _fixed_width(lengths: list[int]) -> bytes:
    """Four bytes a length, or eight where four are too few."""
    if all(length < 1 << 32 for length in lengths):
        return np.array(lengths, "<u4").tobytes()
    return b"".join(
        length.to_bytes(4 if length < 1 << 32 else 8, "little") for length in lengths
    )
