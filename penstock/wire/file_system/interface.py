"""What a file system can do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from penstock.core.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnknownError,
)


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """Size in bytes, time of the last change in nanoseconds, and whether it is a directory."""

    length: int
    mtime_nsec: int
    is_directory: bool


class FileSystem(Protocol):
    """Operations on the files of one scheme; names are given in full."""

    def open(self, path: str, mode: str) -> BinaryIO:
        """Open a file in a binary mode."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of that name."""

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of that name."""

    def names(self, path: str) -> list[str]:
        """Names of what is in a directory."""

    def forget_listing(self, path: str) -> None:
        """Ask the store anew for what is in a directory, the next time."""

    def glob(self, pattern: str) -> list[str]:
        """Files whose names match, in order."""

    def make_directory(self, path: str, *, with_parents: bool) -> None:
        """Make a directory; one that is there is left."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory with all that is in it."""

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, over what was there."""

    def statistics(self, path: str) -> FileStatistics:
        """Size and time of a file."""


_CLASSES: dict[int, type[OpError]] = {
    errno.ENOENT: NotFoundError,
    errno.EACCES: PermissionDeniedError,
    errno.EPERM: PermissionDeniedError,
    errno.EROFS: PermissionDeniedError,
    errno.EEXIST: AlreadyExistsError,
    errno.EISDIR: FailedPreconditionError,
    errno.ENOTDIR: FailedPreconditionError,
    errno.ENOTEMPTY: FailedPreconditionError,
    errno.ENOSPC: ResourceExhaustedError,
}


@contextmanager
def as_tensorflow_errors(path: str) -> Iterator[None]:
    """Turn errors of the operating system into TensorFlow's."""
    try:
        yield
    except OSError as error:
        number = error.errno
        if number is None:
            number = errno.ENOENT if isinstance(error, FileNotFoundError) else 0
        kind = _CLASSES.get(number, UnknownError)
        raise kind(f"{path}; {error.strerror or error}") from error
