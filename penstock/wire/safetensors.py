"""Safetensors files: a JSON header with names, dtypes, shapes and places, then the values.

Source: the format's description by Hugging Face: 8 bytes with the length of the header
(little-endian), the header, then the values without gaps.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire.files import AtomicFile

Array = NDArray[Any]

_MAX_HEADER_BYTES: Final = 100_000_000  # what other readers allow too
_METADATA: Final = "__metadata__"
_DTYPES: Final[dict[str, DType]] = {
    "BOOL": dtypes.bool,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "U16": dtypes.uint16,
    "I16": dtypes.int16,
    "U32": dtypes.uint32,
    "I32": dtypes.int32,
    "U64": dtypes.uint64,
    "I64": dtypes.int64,
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
    "C64": dtypes.complex64,
    "F8_E4M3": dtypes.float8_e4m3fn,
    "F8_E5M2": dtypes.float8_e5m2,
}
_NAMES: Final = {dtype: name for name, dtype in _DTYPES.items()}


class TensorPlace(NamedTuple):
    """A tensor of the header: its dtype and shape, and where its values are."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    start: int
    stop: int


def holds(dtype: DType) -> bool:
    """Whether the format has a name for a dtype."""
    return dtype in _NAMES


def read_places(path: str | os.PathLike[str]) -> list[TensorPlace]:
    """The tensors of a file, in the order of their values.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the header is damaged, or does not fit the file.
    """
    what = f"'{os.fspath(path)}'"
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_MAX_HEADER_BYTES, size - 8):
                raise DataLossError(f"{what} must have a header within its {size} bytes")
            text = file.read(length)
    except FileNotFoundError:
        raise NotFoundError(f"{os.fspath(path)}; No such file or directory") from None
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataLossError(f"the header of {what} must be JSON: {error}") from None
    if not isinstance(header, dict):
        raise DataLossError(f"the header of {what} must be a JSON object")
    places = [
        _place(name, entry, 8 + length, size)
        for name, entry in header.items()
        if name != _METADATA
    ]
    return sorted(places, key=lambda place: place.start)


def _place(name: str, entry: Any, base: int, size: int) -> TensorPlace:
    try:
        dtype = _DTYPES[entry["dtype"]]
        shape = tuple(int(length) for length in entry["shape"])
        start, stop = (int(offset) + base for offset in entry["data_offsets"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise DataLossError(
            f"'{name}' must have a dtype of {', '.join(_DTYPES)}, a shape and data_offsets, "
            f"got {str(entry)[:100]}"
        ) from None
    if min(shape, default=0) < 0 or not base <= start <= stop <= size:
        raise DataLossError(f"'{name}' must lie within the {size} bytes of its file")
    if math.prod(shape) * dtype.size != stop - start:
        raise DataLossError(
            f"'{name}' must take {math.prod(shape) * dtype.size} bytes for "
            f"{dtype.name}{list(shape)}, its entry says {stop - start}"
        )
    return TensorPlace(name, dtype, shape, start, stop)


def read_tensors(path: str | os.PathLike[str]) -> Iterator[tuple[str, Array]]:
    """Yield names and arrays, one after the other.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file is damaged.
    """
    places = read_places(path)
    with Path(path).open("rb") as file:
        for place in places:
            file.seek(place.start)
            data = file.read(place.stop - place.start)
            if len(data) < place.stop - place.start:
                raise DataLossError(f"'{place.name}' ends after {len(data)} bytes")
            yield place.name, np.frombuffer(data, place.dtype.np).reshape(place.shape)


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, tuple[DType, tuple[int, ...]]],
    values: Iterator[tuple[str, Array]],
) -> None:
    """Write a file; a reader sees the old one or the new, never a part.

    Args:
        path: the file.
        tensors: dtype and shape by name, in the order of the values.
        values: names and arrays.

    Raises:
        InvalidArgumentError: a dtype has no name in the format.
    """
    header: dict[str, Any] = {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        if dtype not in _NAMES:
            raise InvalidArgumentError(
                f"'{name}' is {dtype.name}, which no safetensors file can hold"
            )
        end = position + math.prod(shape) * dtype.size
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(shape),
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the values are aligned
    with AtomicFile(Path(path)) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, array in values:
            dtype, shape = tensors[name]
            if array.shape != shape:
                raise InvalidArgumentError(
                    f"'{name}' must have shape {list(shape)}, got {list(array.shape)}"
                )
            little = np.ascontiguousarray(array, dtype.np.newbyteorder("<"))
            file.write(little.reshape(-1).view(np.uint8).data)
