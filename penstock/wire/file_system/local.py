"""Files of this machine."""

from __future__ import annotations

import glob
import os
import shutil
from pathlib import Path
from typing import BinaryIO, cast

from penstock.core.errors import FailedPreconditionError, NotFoundError
from penstock.wire.file_system.interface import FileStatistics, as_tensorflow_errors

_SCHEME = "file://"


class LocalFileSystem:
    """Files of this machine, with or without `file://` before their names."""

    @staticmethod
    def _path(path: str) -> Path:
        return Path(path.removeprefix(_SCHEME))

    def open(self, path: str, mode: str) -> BinaryIO:
        """Open a file in a binary mode."""
        with as_tensorflow_errors(path):
            return cast("BinaryIO", self._path(path).open(mode))

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of that name."""
        return bool(path) and self._path(path).exists()

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of that name."""
        return bool(path) and self._path(path).is_dir()

    def names(self, path: str) -> list[str]:
        """Names of what is in a directory."""
        if not self.is_directory(path):
            raise NotFoundError(f"Could not find directory {path}")
        with as_tensorflow_errors(path):
            return sorted(os.listdir(self._path(path)))  # noqa: PTH208  (names alone)

    def forget_listing(self, path: str) -> None:
        """Do nothing: each look is a new one."""

    def glob(self, pattern: str) -> list[str]:
        """Files whose names match, in order; `*` does not cross directories."""
        prefix = _SCHEME if pattern.startswith(_SCHEME) else ""
        bare = pattern.removeprefix(_SCHEME)
        # pathlib would change how the names are written.
        found = glob.glob(bare, include_hidden=True)  # noqa: PTH207
        return sorted(prefix + name for name in found)

    def make_directory(self, path: str, *, with_parents: bool) -> None:
        """Make a directory; one that is there is left."""
        place = self._path(path)
        if place.exists() and not place.is_dir():
            raise FailedPreconditionError(f"{path} is not a directory")
        with as_tensorflow_errors(path):
            place.mkdir(parents=with_parents, exist_ok=True)

    def remove(self, path: str) -> None:
        """Remove a file."""
        if self.is_directory(path):
            raise FailedPreconditionError(f"{path}; Is a directory")
        with as_tensorflow_errors(path):
            self._path(path).unlink()

    def remove_tree(self, path: str) -> None:
        """Remove a directory with all that is in it."""
        place = self._path(path)
        if not place.exists():
            raise NotFoundError(f"{path} not found")
        with as_tensorflow_errors(path):
            shutil.rmtree(place) if place.is_dir() else place.unlink()

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, over what was there."""
        with as_tensorflow_errors(source):
            self._path(source).replace(self._path(target))

    def statistics(self, path: str) -> FileStatistics:
        """Size and time of a file."""
        with as_tensorflow_errors(path):
            found = self._path(path).stat()
        return FileStatistics(found.st_size, found.st_mtime_ns, self.is_directory(path))
