"""Archives of numpy's arrays, `.npz`. Objects are never read, since numpy pickles them."""

import lzma
import math
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire.files import AtomicFile

Array = NDArray[Any]

_SUFFIX: Final = ".npy"
# What unpacking a damaged archive raises.
UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)
_READERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class ArrayHeader(NamedTuple):
    """What stands before the values of an array."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def is_pickled(self) -> bool:
        """Whether the values are Python objects."""
        return self.dtype.hasobject


def open_archive(path: str | os.PathLike[str]) -> zipfile.ZipFile:
    """Open a zip archive.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is none.
    """
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFoundError(f"{os.fspath(path)}; No such file or directory") from None
    except (ValueError, *UNREADABLE) as error:
        raise DataLossError(f"'{os.fspath(path)}' must be a zip archive: {error}") from None


def read_headers(path: str | os.PathLike[str]) -> list[ArrayHeader]:
    """Names, shapes and dtypes of all arrays; no values are read.

    Raises:
        DataLossError: the archive is damaged.
    """
    with open_archive(path) as archive:
        headers = []
        for item in archive.infolist():
            with _opened(archive, item) as file:
                headers.append(_header(file, item))
        return headers


def read_arrays(path: str | os.PathLike[str]) -> Iterator[tuple[str, Array]]:
    """Yield names and arrays, one after the other.

    Raises:
        DataLossError: the archive is damaged.
        InvalidArgumentError: an array is pickled.
    """
    with open_archive(path) as archive:
        for item in archive.infolist():
            with _opened(archive, item) as file:
                yield _read(file, item)


def _opened(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(item)
    except UNREADABLE as error:
        raise DataLossError(f"'{item.filename}' cannot be unpacked: {error}") from None


def _header(file: IO[bytes], item: zipfile.ZipInfo) -> ArrayHeader:
    name = item.filename.removesuffix(_SUFFIX)
    try:
        version = np.lib.format.read_magic(file)
        shape, is_fortran, dtype = _READERS[version](file)
    except KeyError:
        raise DataLossError(f"'{name}' must be an array of version 1 or 2") from None
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataLossError(f"'{name}' must be an array of numpy: {error}") from None
    except Exception as error:
        # Inflating reports damage by an error class of its own, and headers by any of Python's.
        raise DataLossError(f"'{name}' has a damaged header: {error}") from error
    if any(size < 0 for size in shape):
        raise DataLossError(f"'{name}' must have sizes from 0 on, got {list(shape)}")
    return ArrayHeader(name, shape, dtype, is_fortran)


def _read(file: IO[bytes], item: zipfile.ZipInfo) -> tuple[str, Array]:
    header = _header(file, item)
    if header.is_pickled:
        raise InvalidArgumentError(
            f"'{header.name}' holds Python objects, which are pickled and could run any code; "
            "leave it out of the archive"
        )
    size = math.prod(header.shape) * header.dtype.itemsize
    # What the archive says it holds comes first, before anything is allocated.
    if size > item.file_size:
        raise DataLossError(
            f"'{header.name}' must take {size} bytes, the archive has {item.file_size}"
        )
    try:
        data = file.read(size)
    except UNREADABLE as error:
        raise DataLossError(f"'{header.name}' is damaged: {error}") from None
    if len(data) < size:
        raise DataLossError(f"'{header.name}' ends after {len(data)} of {size} bytes")
    flat: Array = np.frombuffer(data, header.dtype)
    return header.name, flat.reshape(header.shape, order="F" if header.is_fortran else "C")


def write_arrays(path: str | os.PathLike[str], arrays: Iterable[tuple[str, Array]]) -> None:
    """Write an archive; a reader sees the old file or the new, never a part.

    Raises:
        InvalidArgumentError: an array holds objects.
    """
    with AtomicFile(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays:
            if array.dtype.hasobject:
                raise InvalidArgumentError(f"'{name}' holds objects, which no .npz can hold")
            with archive.open(f"{name}{_SUFFIX}", "w", force_zip64=True) as item:
                np.lib.format.write_array(item, np.asanyarray(array), allow_pickle=False)
