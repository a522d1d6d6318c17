"""Files that appear whole or not at all."""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

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

    def commit(self) -> None:
        """Move the file to its place, over what was there.

        Raises:
            FailedPreconditionError: it has been discarded.
        """
        if self.file.closed and not self._sealed:
            raise FailedPreconditionError(f"'{self.path}' has been discarded")
        self.seal()
        self._temporary.replace(self.path)

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
