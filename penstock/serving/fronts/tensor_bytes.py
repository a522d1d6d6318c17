"""Named tensors as bytes, for memory that two processes share.

A header in JSON tells name, type, shape and place of each tensor; the numbers follow, each
tensor at a multiple of 64 bytes. Requests are alike, so headers are made and read once.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from penstock.core import dtypes
from penstock.core.errors import DataLossError
from penstock.serving.servable import Array, Arrays

_ALIGNMENT = 64
_STRING = "string"
_LENGTH_BYTES = 4


def size_of(arrays: Arrays) -> int:
    """Bytes that `pack` needs."""
    return _laid_out(_described(arrays))[1]


def pack(arrays: Arrays, memory: memoryview) -> int:
    """Write tensors into memory; returns the bytes used, which are `size_of(arrays)`."""
    header, total, places = _laid_out(_described(arrays))
    memory[: len(header)] = header
    for value, (start, end) in zip(arrays.values(), places, strict=True):
        if value.dtype.hasobject:
            memory[start:end] = _strings_to_bytes(value)
        elif end > start:
            target = np.frombuffer(memory[start:end], value.dtype).reshape(value.shape)
            target[...] = value
    return total


def unpack(memory: memoryview) -> dict[str, Array]:
    """Return the tensors that `pack` has written; numbers stay where they are.

    Raises:
        DataLossError: the bytes are none.
    """
    length = int.from_bytes(memory[:_LENGTH_BYTES], "little")
    if length + _LENGTH_BYTES > len(memory):
        raise DataLossError(f"a header of {length} bytes does not fit {len(memory)} bytes")
    arrays = {}
    for name, dtype, shape, start, end in _read_header(
        bytes(memory[_LENGTH_BYTES : _LENGTH_BYTES + length])
    ):
        if not 0 <= start <= end <= len(memory):
            raise DataLossError(f"tensor '{name}' lies beyond the {len(memory)} bytes")
        if dtype is None:
            arrays[name] = _strings_from_bytes(memory[start:end], shape)
        else:
            arrays[name] = np.frombuffer(memory[start:end], dtype).reshape(shape)
    return arrays


_Description = tuple[tuple[str, str, tuple[int, ...], int], ...]


def _described(arrays: Arrays) -> _Description:
    return tuple(
        [
            (name, _STRING, value.shape, _bytes_of_strings(value))
            if value.dtype.hasobject
            else (name, value.dtype.str, value.shape, value.nbytes)
            if value.dtype.kind != "V"
            else (name, dtypes.dtype_of_numpy(value.dtype).name, value.shape, value.nbytes)
            for name, value in arrays.items()
        ]
    )


@lru_cache(maxsize=1024)
def _laid_out(described: _Description) -> tuple[bytes, int, tuple[tuple[int, int], ...]]:
    """Header with its length before it, bytes of all, and where each tensor lies."""
    # Places have at most 20 digits, which the space for the header allows for.
    room = sum(
        len(name) * 6 + len(kind) + 22 * (len(shape) + 3) for name, kind, shape, _ in described
    )
    position = _LENGTH_BYTES + room + 16
    rows, places = [], []
    for name, kind, shape, size in described:
        position = -(-position // _ALIGNMENT) * _ALIGNMENT
        rows.append([name, kind, list(shape), position, position + size])
        places.append((position, position + size))
        position += size
    header = orjson.dumps(rows)
    return len(header).to_bytes(_LENGTH_BYTES, "little") + header, position, tuple(places)


@lru_cache(maxsize=1024)
def _read_header(header: bytes) -> list[tuple[str, Any, tuple[int, ...], int, int]]:
    try:
        rows = []
        for name, kind, shape, start, end in orjson.loads(header):
            dtype = None
            if kind != _STRING:
                dtype = np.dtype(kind) if kind[0] in "<>|=" else dtypes.as_dtype(kind).np
                if math.prod(shape) * dtype.itemsize != end - start:
                    raise ValueError(f"tensor '{name}' has another size than its shape")
            rows.append((name, dtype, tuple(shape), start, end))
        return rows
    except (ValueError, TypeError) as error:
        raise DataLossError(f"not a header of tensors: {error}") from None


def _bytes_of_strings(value: Array) -> int:
    return 8 * value.size + sum(map(len, value.ravel()))


def _strings_to_bytes(value: Array) -> bytes:
    flat = value.ravel().tolist()
    lengths = np.array([len(each) for each in flat], "<u8")
    return lengths.tobytes() + b"".join(flat)


def _strings_from_bytes(memory: memoryview, shape: tuple[int, ...]) -> Array:
    count = math.prod(shape)
    if 8 * count > len(memory):
        raise DataLossError(f"{count} strings do not fit {len(memory)} bytes")
    ends = np.cumsum(np.frombuffer(memory[: 8 * count], "<u8")).tolist()
    text = bytes(memory[8 * count :])
    if (ends[-1] if ends else 0) != len(text):
        raise DataLossError("strings have another size than they say")
    flat = np.empty(count, object)
    start = 0
    for i, end in enumerate(ends):
        flat[i] = text[start:end]
        start = end
    return flat.reshape(shape)
