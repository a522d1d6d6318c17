"""What Keras gets for `h5py`: the same, but files that are opened to read are checked first.

libhdf5 believes what a file says of itself: damaged ones make it run without end, allocate
gigabytes or crash. Everything else is h5py's own.
"""

from __future__ import annotations

import math
import os
from typing import Any, BinaryIO, Final

import h5py

from penstock.core.errors import DataLossError
from penstock.wire.hdf5 import read_any_structure

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_READING: Final = ("r", "r+", "a")
# Deflating makes data at most 1032 times smaller; values that were never stored are zeros.
_MOST_UNPACKED: Final = 1100
_LEAST_BYTES: Final = 64 << 20


class DamagedFileError(DataLossError, OSError):
    """A file that is damaged; also an OSError, which is what h5py raises."""


class _FileType(type(h5py.File)):  # type: ignore[misc]
    """Files that others opened are files too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, h5py.File)


class File(h5py.File, metaclass=_FileType):  # type: ignore[misc]
    """h5py's file, checked before it is opened.

    Raises:
        DamagedFileError: reading it could harm the program.
    """

    def __init__(self, name: Any, mode: str = "r", *args: Any, **kwargs: Any) -> None:
        if mode in _READING:
            _check(name)
        super().__init__(name, mode, *args, **kwargs)


def _check(name: Any) -> None:
    if hasattr(name, "read") and hasattr(name, "seek"):
        place = name.tell()
        try:
            _check_bytes(name, getattr(name, "name", "weights"))
        finally:
            name.seek(place)
    elif isinstance(name, (str, bytes, os.PathLike)) and os.path.isfile(name):  # noqa: PTH113
        with open(name, "rb") as file:  # noqa: PTH123  (a name of bytes is allowed)
            _check_bytes(file, os.fsdecode(name))


def _check_bytes(file: BinaryIO, name: Any) -> None:
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        # Not of this format, which h5py tells.
        return
    try:
        datasets = read_any_structure(file, f"'{name}'").datasets
    except DataLossError as error:
        raise DamagedFileError(error.message) from None
    for each in datasets:
        size = math.prod(each.shape) * each.itemsize
        if size > max(_LEAST_BYTES, _MOST_UNPACKED * each.stored_bytes) and not each.note:
            raise DamagedFileError(
                f"dataset '{each.name}' of '{name}' must not take {size} bytes, "
                f"{each.stored_bytes} are stored"
            )


def __getattr__(name: str) -> Any:
    return getattr(h5py, name)
