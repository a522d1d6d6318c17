"""Writing a tensor bundle."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock.wire import protos
from penstock.wire.bundle.reader import HEADER_KEY, VERSION, data_name, index_name
from penstock.wire.bundle.strings import encode_strings
from penstock.wire.crc32c import mask
from penstock.wire.files import AtomicFile, sync_directory
from penstock.wire.ordered_code import slice_key
from penstock.wire.summed import write_summed
from penstock.wire.table import TableWriter
from penstock.wire.tensors import make_shape_proto

Array = NDArray[Any]

_FULL: Final = -1  # length of a slice along an axis that it spans


class BundleWriter:
    """Writes tensors, into one shard unless others are started.

    Nothing is at `prefix` before `finish`, which moves the values to their place and then
    the index: an interrupted writer leaves no checkpoint, or the one that was there. What the
    values are called depends on the number of shards; where there is a checkpoint of as many,
    empty shards keep the two apart.

    Args:
        prefix: path without `.index`; missing directories are made.

    Example:
        >>> with BundleWriter("model/ckpt-1") as writer:
        ...     writer.add("kernel", np.ones((2, 2), np.float32))
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self._prefix = os.fspath(prefix)
        self._directory = Path(self._prefix).parent
        self._directory.mkdir(parents=True, exist_ok=True)
        self._entries: dict[bytes, Any] = {}
        self._shards: list[AtomicFile] = []
        self._offset = 0
        self._is_open = True
        self.start_shard()

    def start_shard(self) -> None:
        """Write what follows into a further file.

        Raises:
            FailedPreconditionError: the checkpoint is finished or discarded.
        """
        self._check_open()
        if self._shards:
            self._data.seal()
        self._shards.append(AtomicFile(f"{self._prefix}.data"))
        self._offset = 0

    def add(self, key: str, array: Array | Any, dtype: DType | None = None) -> None:
        """Append a tensor.

        Args:
            key: its name.
            array: strings are objects, `bytes` or `str`.
            dtype: default: that of the array.

        Raises:
            AlreadyExistsError: the name is taken.
            InvalidArgumentError: the name is empty, or starts with a zero byte.
            UnimplementedError: no file can hold the dtype.
        """
        name = self._checked(key)
        self._entries[name] = self._write(np.asarray(array), dtype, key)

    def add_slice(
        self,
        key: str,
        shape: Sequence[int],
        starts: Sequence[int],
        array: Array,
        dtype: DType | None = None,
    ) -> None:
        """Append a part of a partitioned tensor.

        Args:
            key: name of the whole.
            shape: of the whole.
            starts: where the part begins along each axis.
            array: the part.
            dtype: default: that of the array.

        Raises:
            AlreadyExistsError: the name is that of another tensor, or the part was added.
            InvalidArgumentError: the part does not lie within the whole.
        """
        array = np.asarray(array)
        sizes = tuple(shape)
        axes = list(zip(starts, array.shape, sizes, strict=True))
        if any(start < 0 or start + length > size for start, length, size in axes):
            raise InvalidArgumentError(
                f"a slice of '{key}' must lie within {list(sizes)}, "
                f"got {list(array.shape)} from {list(starts)}"
            )
        if array.shape == sizes:
            self.add(key, array, dtype)
            return
        # An axis that is spanned is written without numbers, in the message and in the key.
        extents = [
            (0, _FULL) if length == size else (start, length) for start, length, size in axes
        ]
        whole = self._whole(key, sizes, as_dtype(array.dtype) if dtype is None else dtype)
        name = slice_key(_encode(key), extents)
        if name in self._entries:
            raise AlreadyExistsError(f"slice {extents} of '{key}' has been added already")
        message = whole.slices.add()
        for start, length in extents:
            message.extent.add(
                **({} if length == _FULL else {"start": start, "length": length})
            )
        self._entries[name] = self._write(array, dtype, key)

    @property
    def _data(self) -> AtomicFile:
        """The shard that is written to."""
        return self._shards[-1]

    def finish(self) -> None:
        """Write the index and put everything in its place.

        Raises:
            FailedPreconditionError: it has been finished or discarded.
        """
        self._check_open()
        while _shards_there(self._prefix, len(self._shards)):
            self.start_shard()
        self._is_open = False
        self._data.seal()
        count = len(self._shards)
        index = AtomicFile(index_name(self._prefix))
        try:
            write_index(index, self._entries, shards=count)
            index.seal()
            for i, shard in enumerate(self._shards):
                shard.commit(data_name(self._prefix, i, count))
            # The values have their names on the disk before anything refers to them.
            sync_directory(self._directory)
            index.commit()
        finally:
            index.discard()
            self._discard_shards()
        sync_directory(self._directory)
        _remove_other_shards(self._prefix, count)

    def discard(self) -> None:
        """Remove what was written; nothing is at the prefix."""
        self._is_open = False
        self._discard_shards()

    def _discard_shards(self) -> None:
        for shard in self._shards:
            shard.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def _check_open(self) -> None:
        if not self._is_open:
            raise FailedPreconditionError(f"checkpoint '{self._prefix}' is finished already")

    def _checked(self, key: str) -> bytes:
        self._check_open()
        name = _encode(key)
        if not name or name.startswith(b"\x00"):
            raise InvalidArgumentError(
                f"a name must not be empty or start with a zero byte, got {key!r}"
            )
        if name in self._entries:
            raise AlreadyExistsError(f"'{key}' has been added to '{self._prefix}' already")
        return name

    def _whole(self, key: str, shape: Sequence[int], dtype: DType) -> Any:
        """The entry of a partitioned tensor, which says dtype, shape and slices only."""
        found = self._entries.get(_encode(key))
        shape_proto = make_shape_proto(shape)
        if found is None:
            found = protos.BundleEntryProto(dtype=dtype.as_datatype_enum, shape=shape_proto)
            self._entries[self._checked(key)] = found
        elif not found.slices or found.shape != shape_proto:
            raise AlreadyExistsError(f"'{key}' has been added with another shape, or whole")
        elif found.dtype != dtype.as_datatype_enum:
            raise InvalidArgumentError(f"slices of '{key}' must have one dtype")
        return found

    def _write(self, array: Array, dtype: DType | None, key: str) -> Any:
        dtype = as_dtype(array.dtype) if dtype is None else dtype.base_dtype
        if not dtype.is_numpy_compatible:
            raise UnimplementedError(f"'{key}' is a {dtype.name}, which no file can hold")
        if dtype.name == "string":
            data, checksum = encode_strings(_strings(array, key))
            size = len(data)
            self._data.file.write(data)
        else:
            if array.dtype.itemsize != dtype.np.itemsize or array.dtype.hasobject:
                raise InvalidArgumentError(
                    f"'{key}' must be an array of {dtype.name}, got {array.dtype}"
                )
            little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            raw = little.reshape(-1).view(np.uint8)
            size = raw.nbytes
            checksum = mask(write_summed(self._data.file, raw, self._offset))
        entry = protos.BundleEntryProto(
            dtype=dtype.as_datatype_enum,
            shape=make_shape_proto(array.shape),
            shard_id=len(self._shards) - 1,
            offset=self._offset,
            size=size,
            crc32c=checksum,
        )
        self._offset += size
        return entry


def _shards_there(prefix: str, count: int) -> bool:
    """Whether there are values in as many shards, which an index may refer to."""
    return any(Path(data_name(prefix, i, count)).exists() for i in range(count))


def _remove_other_shards(prefix: str, count: int) -> None:
    """Remove the values of the checkpoint that was there before."""
    path = Path(prefix)
    shard = re.compile(re.escape(path.name) + r"\.data-\d{5}-of-(\d{5})")
    for other in path.parent.iterdir():
        match = shard.fullmatch(other.name)
        if match and int(match[1]) != count:
            other.unlink(missing_ok=True)


def write_index(index: AtomicFile, entries: dict[bytes, Any], shards: int) -> None:
    """Write header and entries as a table."""
    header = protos.BundleHeaderProto(num_shards=shards)
    header.version.producer = VERSION
    writer = TableWriter(index.file)
    writer.add(HEADER_KEY, header.SerializeToString())
    for key in sorted(entries):
        writer.add(key, entries[key].SerializeToString(deterministic=True))
    writer.finish()


def _encode(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _strings(array: Array, key: str) -> list[bytes]:
    strings = []
    for item in array.ravel().tolist():
        if not isinstance(item, str | bytes):
            raise InvalidArgumentError(f"'{key}' must hold strings, got {type(item).__name__}")
        strings.append(item.encode() if isinstance(item, str) else item)
    return strings
