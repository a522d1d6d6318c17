"""Reading a tensor bundle."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import DType
from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.wire import protos
from penstock.wire.bundle.strings import decode_strings
from penstock.wire.crc32c import mask
from penstock.wire.ordered_code import slice_key
from penstock.wire.summed import read_summed
from penstock.wire.table import Table
from penstock.wire.tensors import make_dtype, static_shape

Array = NDArray[Any]

HEADER_KEY: Final = b""
VERSION: Final = 1  # of the format, as written
_ALIGNMENT: Final = 64
_MAX_TENSOR_BYTES: Final = 1 << 62  # the file's own size is the limit that matters


class Entry(NamedTuple):
    """What the index says of one tensor."""

    dtype: DType
    sizes: tuple[int, ...]
    message: Any


def index_name(prefix: str | os.PathLike[str]) -> str:
    """File name of the index."""
    return f"{os.fspath(prefix)}.index"


def data_name(prefix: str | os.PathLike[str], shard: int, shards: int) -> str:
    """File name of one shard of the values."""
    return f"{os.fspath(prefix)}.data-{shard:05d}-of-{shards:05d}"


class BundleReader:
    """Reads tensors by name. The index is read at once, values when asked for.

    Args:
        prefix: path without `.index`.

    Raises:
        NotFoundError: there is no index file.
        DataLossError: the index is damaged.
        UnimplementedError: the values are big-endian, or a later version wrote them.
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self.prefix = os.fspath(prefix)
        path = index_name(self.prefix)
        try:
            table = Table(Path(path).read_bytes(), f"'{path}'")
        except FileNotFoundError:
            raise NotFoundError(
                f"checkpoint '{self.prefix}' must have an index file, found no '{path}'"
            ) from None
        self._messages: dict[bytes, bytes] = dict(table)
        self._entries: dict[bytes, Entry] = {}
        self._read_header(path)
        self._keys = self._public_keys()

    def _read_header(self, path: str) -> None:
        serialized = self._messages.pop(HEADER_KEY, None)
        if serialized is None:
            raise DataLossError(f"'{path}' must start with a header, got a table without")
        self.header = protos.parse(protos.BundleHeaderProto, serialized, f"header of '{path}'")
        if self.header.endianness != protos.BundleHeaderProto.LITTLE:
            raise UnimplementedError(f"'{path}' must be little-endian, got big-endian values")
        if self.header.version.min_consumer > VERSION:
            raise UnimplementedError(
                f"'{path}' must be readable by version {VERSION} of the format, "
                f"needs {self.header.version.min_consumer}"
            )
        if not 0 < self.header.num_shards <= 99_999:
            raise DataLossError(f"'{path}' must have shards, claims {self.header.num_shards}")

    def _public_keys(self) -> list[str]:
        """Names of tensors; the parts of a partitioned one have no name."""
        # All keys of slices start with a zero byte, which no name does.
        return [
            key.decode("utf-8", "surrogateescape")
            for key in self._messages
            if not key.startswith(b"\x00")
        ]

    def keys(self) -> list[str]:
        """Names of all tensors, sorted by their bytes."""
        return list(self._keys)

    def __contains__(self, key: str) -> bool:
        return _encode(key) in self._messages

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def entry(self, key: str) -> Entry:
        """What the index says of a tensor.

        Raises:
            NotFoundError: there is none of that name.
        """
        return self._entry(_encode(key))

    def dtype_and_shape(self, key: str) -> tuple[DType, TensorShape]:
        """Type and shape of a tensor.

        Raises:
            NotFoundError: there is none of that name.
        """
        entry = self.entry(key)
        return entry.dtype, TensorShape(entry.sizes)

    def shape_map(self) -> dict[str, TensorShape]:
        """Shapes of all tensors by name."""
        return {key: TensorShape(self.entry(key).sizes) for key in self._keys}

    def dtype_map(self) -> dict[str, DType]:
        """Types of all tensors by name."""
        return {key: self.entry(key).dtype for key in self._keys}

    def read(self, key: str) -> Array:
        """Read a tensor; strings are an object array of bytes.

        Raises:
            NotFoundError: there is none of that name, or its file is missing.
            DataLossError: the values are damaged.
            UnimplementedError: it is a variant.
        """
        return self._read(_encode(key))

    def read_slice(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> Array:
        """Read a part of a tensor; a length of -1 reaches to the end of its axis.

        Raises:
            InvalidArgumentError: the part does not lie within the tensor.
        """
        shape = self.entry(key).sizes
        ranges = to_ranges(list(zip(starts, lengths, strict=True)), shape, f"'{key}'")
        part: Array = self.read(key)[tuple(slice(start, stop) for start, stop in ranges)]
        return part

    def messages(self) -> Iterator[tuple[bytes, Any]]:
        """Every key but the header's, also those of slices, and its BundleEntryProto."""
        for key in self._messages:
            yield key, self._entry(key).message

    def _entry(self, key: bytes) -> Entry:
        entry = self._entries.get(key)
        if entry is None:
            name = _shown(key)
            serialized = self._messages.get(key)
            if serialized is None:
                raise NotFoundError(
                    f"no tensor named '{name}' among {len(self._keys)} in '{self.prefix}'"
                )
            message = protos.parse(protos.BundleEntryProto, serialized, f"entry of '{name}'")
            dtype = make_dtype(message.dtype, f"'{name}'").base_dtype
            itemsize = max(dtype.size, 1)
            shape = static_shape(message.shape, itemsize, f"'{name}'", _MAX_TENSOR_BYTES)
            entry = Entry(dtype, shape, message)
            self._entries[key] = entry
        return entry

    def _read(self, key: bytes) -> Array:
        entry = self._entry(key)
        name = _shown(key)
        if entry.message.slices:
            return self._join_slices(key, entry)
        if not entry.dtype.is_numpy_compatible:
            raise UnimplementedError(f"'{name}' is a {entry.dtype.name}, which is not read")
        shape = entry.sizes
        count = math.prod(shape)
        size = entry.message.size
        if entry.dtype.size and size != count * entry.dtype.size:
            raise DataLossError(
                f"'{name}' must take {count * entry.dtype.size} bytes for "
                f"{entry.dtype.name}{list(shape)}, its entry says {size}"
            )
        raw, total = self._read_bytes(entry.message, name)
        if entry.dtype.name == "string":
            return decode_strings(raw.tobytes(), count, entry.message.crc32c, name).reshape(
                shape
            )
        if mask(total) != entry.message.crc32c:
            raise DataLossError(f"values of '{name}' in '{self.prefix}' fail their checksum")
        return raw.view(entry.dtype.np).reshape(shape)

    def _read_bytes(self, message: Any, name: str) -> tuple[NDArray[np.uint8], int]:
        """The bytes of an entry and their checksum."""
        shards = self.header.num_shards
        if not 0 <= message.shard_id < shards:
            raise DataLossError(
                f"'{name}' must be in one of {shards} shards, its entry says {message.shard_id}"
            )
        path = data_name(self.prefix, message.shard_id, shards)
        try:
            with Path(path).open("rb") as file:  # buffered, so that a read is never short
                return _read_range(file, message.offset, message.size, name)
        except FileNotFoundError:
            raise NotFoundError(f"'{name}' must be in '{path}', found no such file") from None

    def _data_bytes(self) -> int:
        shards = self.header.num_shards
        paths = [Path(data_name(self.prefix, shard, shards)) for shard in range(shards)]
        return sum(path.stat().st_size for path in paths if path.exists())

    def _join_slices(self, key: bytes, entry: Entry) -> Array:
        name = _shown(key)
        shape = entry.sizes
        if math.prod(shape) > self._data_bytes():
            raise DataLossError(f"'{name}' of shape {list(shape)} is more than the files hold")
        parts = []
        for message in entry.message.slices:
            extents = read_extents(message, len(shape), name)
            ranges = to_ranges(extents, shape, f"'{name}'")
            part_key = slice_key(key, extents)
            if self._entry(part_key).message.slices:
                raise DataLossError(f"a slice of '{name}' must not have slices itself")
            part = self._read(part_key)
            if part.shape != tuple(stop - start for start, stop in ranges):
                raise DataLossError(f"a slice of '{name}' has shape {list(part.shape)}")
            parts.append((tuple(slice(start, stop) for start, stop in ranges), part))
        if sum(part.size for _, part in parts) != math.prod(shape):
            raise DataLossError(f"slices of '{name}' must fill its shape {list(shape)}")
        whole: Array = np.zeros(shape, entry.dtype.np)
        for place, part in parts:
            whole[place] = part
        return whole


def _encode(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _shown(key: bytes) -> str:
    return key.decode("utf-8", "backslashreplace")


def _read_range(
    file: BufferedReader, offset: int, size: int, name: str
) -> tuple[NDArray[np.uint8], int]:
    """Read bytes of a file, whose length is asked before anything is allocated."""
    length = os.fstat(file.fileno()).st_size
    if offset < 0 or size < 0 or offset + size > length:
        raise DataLossError(
            f"'{name}' must lie within the {length} bytes of its file, "
            f"its entry says {size} bytes at {offset}"
        )
    raw = _aligned(size)
    try:
        return raw, read_summed(file, raw, offset)
    except EOFError:
        raise DataLossError(
            f"the file of '{name}' ends before its {size} bytes at {offset}"
        ) from None


def _aligned(size: int) -> NDArray[np.uint8]:
    """Room that begins where XLA takes memory over without a copy."""
    room: NDArray[np.uint8] = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size]


def read_extents(message: Any, rank: int, name: str) -> list[tuple[int, int]]:
    """Start and length along each axis, as they stand in the key of the slice."""
    if len(message.extent) != rank:
        raise DataLossError(f"a slice of '{name}' must have {rank} axes")
    return [
        (extent.start, extent.length) if extent.HasField("length") else (0, -1)
        for extent in message.extent
    ]


def to_ranges(
    extents: Iterable[tuple[int, int]], shape: Sequence[int], what: str
) -> list[tuple[int, int]]:
    """Start and stop along each axis of a slice.

    Raises:
        InvalidArgumentError: it does not lie within the shape.
    """
    ranges = []
    for (start, length), limit in zip(extents, shape, strict=True):
        stop = limit if length == -1 else start + length
        if not 0 <= start <= stop <= limit:
            raise InvalidArgumentError(
                f"a slice of {what} must lie within {list(shape)}, got {length} from {start}"
            )
        ranges.append((start, stop))
    return ranges
