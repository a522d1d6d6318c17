"""Files that appear whole or not at all."""

import ctypes
import os
import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from penstock.core.errors import FailedPreconditionError


class AtomicFile:
    """A file written beside its place, and moved there when it is complete.

    As a context manager it commits at the end, or discards on an exception.

    Example:
        >>> with AtomicFile("model.pb") as file:
        ...     written = file.write(b"...")
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = Path(path)
        self._temporary = Path(f"{self.path}.tempstate{secrets.token_hex(8)}")
        # "x": never through a link that somebody else has put there.
        self.file: BinaryIO = self._temporary.open("xb")
        self._sealed = False

    def seal(self) -> None:
        """Bring all bytes to the disk; the file is still in its temporary place."""
        self._sealed = True
        if not self.file.closed:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()

    def commit(self, path: str | os.PathLike[str] | None = None) -> None:
        """Move the file to its place, over what was there.

        Args:
            path: the place, where it was not known before.

        Raises:
            FailedPreconditionError: it has been discarded.
        """
        if self.file.closed and not self._sealed:
            raise FailedPreconditionError(f"'{self.path}' has been discarded")
        self.seal()
        self._temporary.replace(self.path if path is None else path)

    def discard(self) -> None:
        """Remove what was written."""
        self.file.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> BinaryIO:
        return self.file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a whole file, so that a reader sees the old bytes or the new, never a part."""
    with AtomicFile(path) as file:
        file.write(data)


def sync_directory(path: str | os.PathLike[str]) -> None:
    """Bring the names in a directory to the disk, after files were moved into it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_START_WRITING: Final = 2  # SYNC_FILE_RANGE_WRITE


def reserve(descriptor: int, start: int, size: int) -> None:
    """Let the system find room for bytes that will be written, all at once.

    What it cannot do it leaves: then the writes find room for themselves.
    """
    _linux("fallocate", descriptor, 0, ctypes.c_int64(start), ctypes.c_int64(size))


def start_writing(descriptor: int, start: int, size: int) -> None:
    """Let the system bring bytes to the disk from now on, while the program goes on.

    They are there only after `os.fsync`, which has less to wait for.
    """
    _linux(
        "sync_file_range",
        descriptor,
        ctypes.c_int64(start),
        ctypes.c_int64(size),
        _START_WRITING,
    )


def _linux(name: str, *arguments: Any) -> int:
    """Call a function of Linux; -1 where there is none, or it fails."""
    # Offsets have 64 bits where pointers have.
    if not sys.platform.startswith("linux") or sys.maxsize <= 1 << 32:
        return -1
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return -1 if function is None else int(function(*arguments))


_HERE: Final = -100  # AT_FDCWD
_EXCHANGE: Final = 2  # RENAME_EXCHANGE


def exchange(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Let two files or directories change places at once, where the system can.

    Returns:
        Whether it could; if not, nothing has changed.
    """
    return (
        _linux("renameat2", _HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
    )
