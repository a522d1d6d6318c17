"""Files of other schemes, such as `s3://` and `gs://`, through fsspec."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from penstock.core.errors import FailedPreconditionError, NotFoundError, UnimplementedError
from penstock.wire.file_system.interface import FileStatistics, as_tensorflow_errors

# TensorFlow's scheme for files in memory.
_ALIASES = {"ram": "memory"}


def _load() -> Any:
    try:
        import fsspec  # noqa: PLC0415  (an extra that only remote names need)
    except ImportError:
        raise UnimplementedError(
            "names with a scheme need fsspec: install penstock[remote]"
        ) from None
    return fsspec


class RemoteFileSystem:
    """The files of one scheme.

    Args:
        scheme: what stands before `://`.

    Raises:
        UnimplementedError: fsspec, or what it needs for the scheme, is not installed.
    """

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        try:
            self._files = _load().filesystem(_ALIASES.get(scheme, scheme))
        except (ImportError, ValueError) as error:
            raise UnimplementedError(
                f"File system scheme '{scheme}' not implemented: {error}"
            ) from error

    def _bare(self, path: str) -> str:
        return path.partition("://")[2] if self._scheme in _ALIASES else path

    def _full(self, name: str) -> str:
        return f"{self._scheme}://{name.partition('://')[2] or name.lstrip('/')}"

    def open(self, path: str, mode: str) -> BinaryIO:
        """Open a file in a binary mode."""
        with as_tensorflow_errors(path):
            return cast("BinaryIO", self._files.open(self._bare(path), mode))

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of that name."""
        return bool(self._files.exists(self._bare(path)))

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of that name."""
        return bool(self._files.isdir(self._bare(path)))

    def names(self, path: str) -> list[str]:
        """Names of what is in a directory."""
        if not self.is_directory(path):
            raise NotFoundError(f"Could not find directory {path}")
        found = self._files.ls(self._bare(path), detail=False)
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def forget_listing(self, path: str) -> None:
        """Ask the store anew for what is in a directory, the next time."""
        self._files.invalidate_cache(self._bare(path))

    def glob(self, pattern: str) -> list[str]:
        """Files whose names match, in order."""
        return sorted(self._full(name) for name in self._files.glob(self._bare(pattern)))

    def make_directory(self, path: str, *, with_parents: bool) -> None:
        """Make a directory; one that is there is left."""
        with as_tensorflow_errors(path):
            if with_parents:
                self._files.makedirs(self._bare(path), exist_ok=True)
            elif not self.is_directory(path):
                self._files.mkdir(self._bare(path), create_parents=False)

    def remove(self, path: str) -> None:
        """Remove a file."""
        if self.is_directory(path):
            raise FailedPreconditionError(f"{path}; Is a directory")
        with as_tensorflow_errors(path):
            self._files.rm_file(self._bare(path))

    def remove_tree(self, path: str) -> None:
        """Remove a directory with all that is in it."""
        if not self.exists(path):
            raise NotFoundError(f"{path} not found")
        with as_tensorflow_errors(path):
            self._files.rm(self._bare(path), recursive=True)

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, over what was there."""
        with as_tensorflow_errors(source):
            self._files.mv(self._bare(source), self._bare(target), recursive=True)

    def statistics(self, path: str) -> FileStatistics:
        """Size and time of a file."""
        with as_tensorflow_errors(path):
            info = self._files.info(self._bare(path))
        changed = info.get("mtime", info.get("LastModified", info.get("created", 0)))
        seconds = changed.timestamp() if hasattr(changed, "timestamp") else float(changed or 0)
        is_directory = info["type"] == "directory"
        return FileStatistics(info["size"] or 0, int(seconds * 1e9), is_directory)
