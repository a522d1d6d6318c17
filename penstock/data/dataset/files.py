"""Datasets of files: their names, lines, records and blocks of bytes."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from penstock.api.data_structure import Structure, value_of
from penstock.core import dtypes
from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, source
from penstock.data.dataset.flat_map import Interleaved
from penstock.data.dataset.map import check_calls
from penstock.data.run import AUTOTUNE, Run
from penstock.data.workers import Prefetched
from penstock.graph.symbol import Symbol
from penstock.ops.dataset import Element
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.wire.inflate import InflatingFile
from penstock.wire.record_options import TFRecordOptions
from penstock.wire.records import RecordReader
from penstock.wire.tensors import as_objects

_STRING = TensorSpec(TensorShape(()), dtypes.string)
_CHUNK_BYTES = 1 << 18
_AHEAD = 16


def _string(value: bytes) -> Any:
    return np.array(value, object)


def _names_dataset(filenames: Any) -> DatasetV2:
    """Names of files as a dataset of string scalars.

    Raises:
        TypeError: they are no strings.
    """
    if isinstance(filenames, DatasetV2):
        spec = filenames.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype != dtypes.string:
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements. Got a dataset of "
                f"`{getattr(spec, 'dtype', spec)!r}` elements."
            )
        if spec.shape.rank not in {0, None}:
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements of shape [] (i.e. "
                f"scalars). Got a dataset of element shape {spec.shape!r}."
            )
        return filenames
    if isinstance(filenames, os.PathLike):
        filenames = os.fspath(filenames)
    elif isinstance(filenames, (list, tuple)):
        filenames = [os.fspath(f) if isinstance(f, os.PathLike) else f for f in filenames]
        if not filenames:
            filenames = np.empty(0, object)
    tensor = convert_to_tensor(filenames)
    if tensor.dtype != dtypes.string:
        raise TypeError(
            "The `filenames` argument must contain `tf.string` elements. Got "
            f"`{tensor.dtype!r}` elements."
        )
    if isinstance(tensor, Symbol):
        flat = call("Reshape", tensor, [-1])
    else:
        flat = np.asarray(value_of(tensor), object).reshape(-1)
    return DatasetV2.from_tensor_slices(flat)  # type: ignore[attr-defined]


class Reader(Protocol):
    """Gives the parts of one file."""

    def __iter__(self) -> Iterator[bytes]:
        """The parts one after the other."""

    def __next__(self) -> bytes:
        """The next part."""

    def take(self, count: int) -> list[bytes]:
        """The next parts, at most so many; none at the end."""


class _Parts(Iterator[bytes]):
    """Parts that come one by one."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __next__(self) -> bytes:
        return next(self._parts)

    def take(self, count: int) -> list[bytes]:
        return list(itertools.islice(self._parts, count))


Opener = Callable[[str], Reader]


class _FileParts(Iterator[Element]):
    """What a reader gives for one file; after an error nothing more comes of it."""

    def __init__(self, name: Any, opener: Opener) -> None:
        self._name = os.fsdecode(np.asarray(name).item())
        self._opener = opener
        self._parts: Reader | None = None

    def __next__(self) -> Element:
        try:
            return (_string(next(self._parts or self._opened())),)
        except OpError:
            self._parts = _NOTHING
            raise

    def take(self, count: int) -> list[bytes]:
        """The next parts, at most so many; none at the end."""
        try:
            return (self._parts or self._opened()).take(count)
        except OpError:
            self._parts = _NOTHING
            raise

    def _opened(self) -> Reader:
        self._parts = parts = self._opener(self._name)
        return parts


_NOTHING = _Parts(iter(()))


class _Files(Iterator[Element]):
    """The parts of one file after the other."""

    def __init__(self, names: Iterator[Element], opener: Opener) -> None:
        self._names = names
        self._opener = opener
        self._parts: _FileParts | None = None

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._parts or self._following())
            except StopIteration:
                self._following()

    def take_stacked(self, count: int) -> Element:
        """The next elements as one, stacked: at most so many, and none at the end."""
        found: list[bytes] = []
        while len(found) < count:
            parts = (self._parts or self._following()).take(count - len(found))
            found.extend(parts)
            if not parts:
                try:
                    self._following()
                except StopIteration:
                    break
        return (as_objects(found),)

    def _following(self) -> _FileParts:
        self._parts = parts = _FileParts(next(self._names)[0], self._opener)
        return parts


class _ReaderDataset(DatasetV2):
    """Parts of files, of one after the other or of several in turn."""

    def __init__(self, filenames: Any, opener: Opener, num_parallel_reads: Any = None) -> None:
        self._opener = opener
        self._reads = None if num_parallel_reads is None else check_calls(num_parallel_reads)
        super().__init__((_names_dataset(filenames),))

    def _make_structure(self) -> Structure:
        return Structure(_STRING)

    def _start(self, run: Run) -> Iterator[Element]:
        names = self._parents[0]._start(run)
        if self._reads is None or self._reads == AUTOTUNE:
            parts = _Files(names, self._opener)
            return parts if self._reads is None else Prefetched(parts, _AHEAD)
        return Interleaved(
            names,
            lambda name: Prefetched(_FileParts(name[0], self._opener), _AHEAD),
            self._reads,
            1,
        )


class TFRecordDatasetV2(_ReaderDataset):
    """The records of TFRecord files, as string scalars.

    Args:
        filenames: a name, a list or tensor of names, or a dataset of names.
        compression_type: "", "ZLIB" or "GZIP".
        buffer_size: bytes read at a time.
        num_parallel_reads: how many files are read in turn; None reads one after the other.
        name: accepted for compatibility.

    Raises:
        TypeError: names are no strings.

    Source: `tf.data.TFRecordDataset`.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        kind = _compression(compression_type)

        def read(path: str) -> Reader:
            return RecordReader(path, kind, buffer_size)

        super().__init__(filenames, read, num_parallel_reads)


class TextLineDatasetV2(_ReaderDataset):
    """The lines of text files, without their ends, as string scalars.

    Args:
        filenames: a name, a list or tensor of names, or a dataset of names.
        compression_type: "", "ZLIB" or "GZIP".
        buffer_size: bytes read at a time.
        num_parallel_reads: how many files are read in turn; None reads one after the other.
        name: accepted for compatibility.

    Source: `tf.data.TextLineDataset`.
    """

    def __init__(
        self,
        filenames: Any,
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        size = buffer_size or _CHUNK_BYTES

        def read(path: str) -> Reader:
            return _Parts(_lines(path, _compression(compression_type), size))

        super().__init__(filenames, read, num_parallel_reads)


class FixedLengthRecordDatasetV2(_ReaderDataset):
    """Blocks of bytes of one size, of binary files.

    Args:
        filenames: a name, a list or tensor of names, or a dataset of names.
        record_bytes: size of a block.
        header_bytes: bytes at the start of each file that are passed over.
        footer_bytes: bytes at the end of each file that are left out.
        buffer_size: bytes read at a time.
        compression_type: "", "ZLIB" or "GZIP".
        num_parallel_reads: how many files are read in turn; None reads one after the other.
        name: accepted for compatibility.

    Source: `tf.data.FixedLengthRecordDataset`.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: int | None = None,
        compression_type: str | None = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        sizes = (int(record_bytes), int(header_bytes or 0), int(footer_bytes or 0))

        def read(path: str) -> Reader:
            return _Parts(_blocks(path, sizes, _compression(compression_type)))

        super().__init__(filenames, read, num_parallel_reads)


def _compression(kind: Any) -> str:
    text = kind.decode() if isinstance(kind, bytes) else str(kind or "")
    if text not in {"", "ZLIB", "GZIP"}:
        raise InvalidArgumentError(f"Unsupported compression_type: {text}.")
    return text


@contextmanager
def _opened(path: str, compression: str) -> Iterator[Any]:
    """The bytes of a file, uncompressed."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115  (closed below)
    except FileNotFoundError:
        raise NotFoundError(f"{path}; No such file or directory") from None
    with file:
        bits = TFRecordOptions.of(compression).wire_bits
        yield file if bits is None else InflatingFile(file, bits, path)


def _lines(path: str, compression: str, size: int) -> Iterator[bytes]:
    with _opened(path, compression) as file:
        rest = b""
        while chunk := file.read(size):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.replace(b"\r", b"")
        if rest:
            yield rest.replace(b"\r", b"")


def _blocks(path: str, sizes: tuple[int, int, int], compression: str) -> Iterator[bytes]:
    record, header, footer = sizes
    if record < 1:
        raise InvalidArgumentError("`record_bytes` must be > 0")
    with _opened(path, compression) as file:
        # Where the body ends is known only when the file has been read.
        body = file.read(header + footer) if compression else b""
        if compression:
            yield from _inflated_blocks(path, file, body, sizes)
            return
        length = os.fstat(file.fileno()).st_size - header - footer
        if length < 0 or length % record:
            raise InvalidArgumentError(_uneven(path, sizes, length))
        file.seek(header)
        for _ in range(length // record):
            yield file.read(record)


def _inflated_blocks(
    path: str, file: Any, start: bytes, sizes: tuple[int, int, int]
) -> Iterator[bytes]:
    record, header, footer = sizes
    waiting = start[header:]
    total = len(waiting)
    while chunk := file.read(_CHUNK_BYTES):
        waiting += chunk
        total += len(chunk)
        ready = (len(waiting) - footer) // record
        for i in range(ready):
            yield waiting[i * record : (i + 1) * record]
        waiting = waiting[max(ready, 0) * record :]
    if len(waiting) != footer:
        raise DataLossError(_uneven(path, sizes, total - footer))


def _uneven(path: str, sizes: tuple[int, int, int], length: int) -> str:
    record, header, footer = sizes
    return (
        f"Excluding the header ({header} bytes) and footer ({footer} bytes), input file "
        f'"{path}" has body length {length} bytes, which is not an exact multiple of the '
        f"record length ({record} bytes)."
    )


@source
def list_files(
    file_pattern: Any, shuffle: bool | None = None, seed: Any = None, name: str | None = None
) -> DatasetV2:
    """Return a dataset of the names of all files that match.

    Args:
        file_pattern: pattern with `*`, `?` and `[...]`, or a list of them.
        shuffle: whether names come in a random order; else they are sorted.
        seed: seed of that order.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: no file matches.
    """
    patterns = np.asarray(value_of(convert_to_tensor(file_pattern)), object).reshape(-1)
    found: list[bytes] = []
    for pattern in patterns.tolist():
        found.extend(os.fsencode(path) for path in _matching(os.fsdecode(pattern)))
    if not found:
        listed = ", ".join(os.fsdecode(pattern) for pattern in patterns.tolist())
        raise InvalidArgumentError(f"No files matched pattern: {listed}")
    names = np.array(sorted(found), object)
    dataset: Any = DatasetV2.from_tensor_slices(names)  # type: ignore[attr-defined]
    if shuffle is None or shuffle:
        dataset = dataset.shuffle(len(found), seed=seed)
    return dataset  # type: ignore[no-any-return]


def _matching(pattern: str) -> list[str]:
    # TensorFlow's `*` also matches names that begin with a dot.
    return glob.glob(pattern, include_hidden=True)  # noqa: PTH207
