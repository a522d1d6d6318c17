"""TFRecord files: byte strings, each with its length and checksums.

A record is the length (8 bytes, little-endian), the masked CRC-32C of these 8 bytes, the data,
and the masked CRC-32C of the data. A file may be compressed as a whole.

Source: TensorFlow's `RecordWriter`, `RecordReader` and `tf.io.TFRecordOptions`.
"""

import functools
import os
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from penstock.wire.crc32c import crc32c_each, mask_each, masked_crc32c
from penstock.wire.inflate import InflatingFile
from penstock.wire.record_options import CompressionLike, TFRecordOptions

PathLike = str | os.PathLike[str]

_LENGTH: Final = struct.Struct("<QI")
_SIZE: Final = struct.Struct("<Q")
_CHECKSUM: Final = struct.Struct("<I")
_FRAME_BYTES: Final = _LENGTH.size + _CHECKSUM.size
_BUFFER_BYTES: Final = 256 * 1024
# Rows of records of one size that are worth a look by numpy, and how many short ones are borne.
_LONG_ROW: Final = 32
_GUESSES: Final = 4
_FEW: Final = 8  # records in the buffer, below which another piece is read first
MAX_RECORD_BYTES: Final = 1 << 32


class RecordReader:
    """Iterates over the records of a file.

    Args:
        path: the file.
        options: a `TFRecordOptions`, or "", "GZIP" or "ZLIB".
        buffer_bytes: how much is read at a time.
        offset: where to start, an `offset` of an earlier reader; uncompressed files only.

    Raises:
        NotFoundError: there is no such file.
    """

    def __init__(
        self,
        path: PathLike,
        options: CompressionLike = None,
        buffer_bytes: int | None = None,
        offset: int = 0,
    ) -> None:
        self._path = os.fspath(path)
        self._options = TFRecordOptions.of(options)
        self._buffer_bytes = max(buffer_bytes or _BUFFER_BYTES, 1)
        if offset and self._options.wire_bits is not None:
            raise InvalidArgumentError(
                f"a compressed file is read from its start, got offset {offset} "
                f"for '{self._path}'"
            )
        self._file = self._open()
        self._file.seek(offset)
        self._source = self._readable()
        self._buffer = memoryview(b"")
        self._position = 0
        self._checked: list[bytes] = []
        self._given = 0  # of the checked ones
        self.offset = offset  # of the next record, in uncompressed bytes

    def _open(self) -> BinaryIO:
        try:
            # Unbuffered: the reader has a buffer of its own.
            return Path(self._path).open("rb", buffering=0)
        except FileNotFoundError:
            raise NotFoundError(f"{self._path}; No such file or directory") from None

    def _readable(self) -> "BinaryIO | InflatingFile":
        bits = self._options.wire_bits
        return self._file if bits is None else InflatingFile(self._file, bits, self._path)

    def __iter__(self) -> Iterator[bytes]:
        """The records.

        Raises:
            DataLossError: a checksum fails or the file ends within a record; the records
                before have been given.
        """
        return self

    def __next__(self) -> bytes:
        if self._given < len(self._checked) or self._check_ahead():
            data = self._checked[self._given]
            self._given += 1
            self.offset += _FRAME_BYTES + len(data)
            return data
        return self._next_alone()

    def take(self, count: int) -> list[bytes]:
        """The next records, at most so many; none at the end of the file.

        Raises:
            DataLossError: as by iterating; the records before have been given.
        """
        if self._given == len(self._checked) and not self._check_ahead():
            return list(islice(self, 1))
        found = self._checked[self._given : self._given + count]
        self._given += len(found)
        self.offset += _FRAME_BYTES * len(found) + sum(map(len, found))
        return found

    def _check_ahead(self) -> bool:
        """Check the records that are whole in the buffer, side by side.

        Returns:
            Whether there are some. What is damaged or reaches beyond the buffer is left to be
            read alone, which tells what is wrong with it.
        """
        if self._file.closed:
            return False
        ends = _walk(self._buffer, self._position)
        if len(ends) < _FEW and len(self._buffer) - self._position < self._buffer_bytes:
            self._read_on()
            ends = _walk(self._buffer, self._position)
        if not ends:
            return False
        records = _whole_records(self._buffer, self._position, ends)
        self._checked, self._given = records, 0
        if records:
            self._position = ends[len(records) - 1] + _CHECKSUM.size
        return len(records) > 0

    def _read_on(self) -> None:
        """Read another piece behind what is left in the buffer."""
        piece = self._source.read(self._buffer_bytes)
        if piece:
            self._buffer = memoryview(bytes(self._buffer[self._position :]) + piece)
            self._position = 0

    def _next_alone(self) -> bytes:
        if self._file.closed:
            raise StopIteration
        header = self._take(_LENGTH.size)
        if not header:
            self.close()
            raise StopIteration
        if len(header) < _LENGTH.size:
            raise self._truncated()
        length, checksum = _LENGTH.unpack(header)
        if _length_checksum(length) != checksum:
            raise self._corrupted()
        self._check_length(length)
        data = bytes(self._take(length))
        footer = self._take(_CHECKSUM.size)
        if len(data) < length or len(footer) < _CHECKSUM.size:
            raise self._truncated()
        if masked_crc32c(data) != _CHECKSUM.unpack(footer)[0]:
            raise self._corrupted()
        self.offset += _LENGTH.size + length + _CHECKSUM.size
        return data

    def _take(self, size: int) -> memoryview | bytes:
        """The next bytes; fewer at the end of the file."""
        if len(self._buffer) - self._position >= size:
            start = self._position
            self._position += size
            return self._buffer[start : self._position]
        # Grown piece by piece, so that a false length costs no more than the file has.
        parts = bytearray(self._buffer[self._position :])
        while len(parts) < size:
            piece = self._source.read(max(self._buffer_bytes, min(size - len(parts), 1 << 24)))
            if not piece:
                break
            parts += piece
        self._buffer = memoryview(bytes(parts))
        self._position = min(size, len(parts))
        return self._buffer[: self._position]

    def _check_length(self, length: int) -> None:
        if length > MAX_RECORD_BYTES:
            raise self._corrupted()
        if self._source is self._file and length > len(self._buffer) - self._position:
            size = os.fstat(self._file.fileno()).st_size
            if self.offset + _LENGTH.size + length + _CHECKSUM.size > size:
                raise self._truncated()

    def _truncated(self) -> DataLossError:
        self.close()
        return DataLossError(f"truncated record at {self.offset} of '{self._path}'")

    def _corrupted(self) -> DataLossError:
        self.close()
        return DataLossError(f"corrupted record at {self.offset} of '{self._path}'")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._buffer = memoryview(b"")
        self._position = 0
        self._checked, self._given = [], 0

    def __del__(self) -> None:
        # A reader is often dropped before the end, with the dataset it reads for.
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _walk(buffer: memoryview, position: int) -> list[int]:
    """Ends of the records that are whole, if their lengths can be believed."""
    ends: list[int] = []
    append, read = ends.append, _SIZE.unpack_from
    last = len(buffer) - _FRAME_BYTES
    before = -1
    guesses = _GUESSES
    while position <= last:
        size = read(buffer, position)[0]
        if size == before and guesses:
            # Records of one size often stand in long rows.
            stride = size + _FRAME_BYTES
            count = _equal_sizes(buffer, position, stride)
            guesses = _GUESSES if count > _LONG_ROW else guesses - 1
            first = position + _LENGTH.size + size
            position += stride * count
            ends.extend(range(first, position, stride))
            before = -1
            continue
        before = size
        position += size
        if position > last:
            break
        append(position + _LENGTH.size)
        position += _FRAME_BYTES
    return ends


def _equal_sizes(buffer: memoryview, position: int, stride: int) -> int:
    """How many records from `position` on are whole and of one size."""
    room = (len(buffer) - position) // stride
    if room < 1:
        return 0
    sizes = np.ndarray((room,), "<u8", buffer, position, (stride,))
    return _first_wrong(sizes, sizes[:1])


def _whole_records(buffer: memoryview, position: int, ends: list[int]) -> list[bytes]:
    """The records that come before the first whose checksums fail."""
    data, view = buffer.obj, np.frombuffer(buffer, np.uint8)
    assert isinstance(data, bytes)
    stops = np.array(ends)
    starts = np.concatenate(([position - _CHECKSUM.size], stops[:-1])) + _FRAME_BYTES
    lengths, places = np.unique(stops - starts, return_inverse=True)
    sums = np.array([_length_checksum(length) for length in lengths.tolist()])[places]
    # One false length puts all that follow in the wrong place.
    known = _first_wrong(sums, _numbers_at(view, starts - _CHECKSUM.size))
    pairs = zip(starts[:known].tolist(), ends, strict=False)
    records = [data[start:end] for start, end in pairs]
    sums = mask_each(crc32c_each(records))
    del records[_first_wrong(sums, _numbers_at(view, stops[:known])) :]
    return records


def _first_wrong(sums: NDArray[Any], stored: NDArray[Any]) -> int:
    right = sums == stored
    return len(right) if right.all() else int(right.argmin())


def _numbers_at(data: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Little-endian numbers of four bytes."""
    # Items of that size at every byte: numpy copies each as a whole.
    items: Any = np.ndarray((len(data) - 3,), "V4", data, strides=(1,))
    return items[places].view("<u4")  # type: ignore[no-any-return]


def read_records(
    path: PathLike, options: CompressionLike = None, buffer_bytes: int | None = None
) -> Iterator[bytes]:
    """Yield the records of a file, and close it at the end.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: the file is damaged.
    """
    with RecordReader(path, options, buffer_bytes) as reader:
        yield from reader


class TFRecordWriter:
    """Writes records to a file, over what was there.

    Args:
        path: the file.
        options: a `TFRecordOptions`, or "", "GZIP" or "ZLIB".

    Example:
        >>> with TFRecordWriter("numbers.tfrecord") as writer:
        ...     writer.write(b"one")
    """

    def __init__(self, path: PathLike, options: CompressionLike = None) -> None:
        self._path = os.fspath(path)
        self._options = TFRecordOptions.of(options)
        self._deflate = self._options.compressor()
        try:
            self._file: BinaryIO = Path(self._path).open(  # noqa: SIM115  (closed by close)
                "wb", buffering=_BUFFER_BYTES
            )
        except FileNotFoundError:
            raise NotFoundError(f"{self._path}; No such file or directory") from None

    def write(self, record: bytes | str) -> None:
        """Append a record; text is written as UTF-8.

        Raises:
            FailedPreconditionError: the writer is closed.
        """
        self._check_open()
        framed = frame(record.encode() if isinstance(record, str) else record)
        self._file.write(framed if self._deflate is None else self._deflate.compress(framed))

    def flush(self) -> None:
        """Hand what has been written to the operating system.

        Raises:
            FailedPreconditionError: the writer is closed.
        """
        self._check_open()
        if self._deflate is not None:
            self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Complete and close the file."""
        if self._file.closed:
            return
        if self._deflate is not None:
            self._file.write(self._deflate.flush(zlib.Z_FINISH))
        self._file.close()

    def _check_open(self) -> None:
        if self._file.closed:
            raise FailedPreconditionError("Writer is closed.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def frame(record: bytes | memoryview) -> bytes:
    """The bytes of one record, with its length and checksums."""
    length = len(record)
    header = _LENGTH.pack(length, _length_checksum(length))
    return b"".join((header, record, _CHECKSUM.pack(masked_crc32c(record))))


# The records of a file are often of few lengths.
@functools.lru_cache(maxsize=4096)
def _length_checksum(length: int) -> int:
    return masked_crc32c(length.to_bytes(8, "little"))
