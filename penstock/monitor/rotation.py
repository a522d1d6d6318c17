"""Files that are begun anew when they are large or old, and of which only so many are kept."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from penstock.core.errors import InvalidArgumentError

_PART = ".part"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is finished, and how many are kept.

    Args:
        max_bytes: of one file.
        max_age_s: of one file, from its first byte.
        max_files: that are kept; the oldest go first.
    """

    max_bytes: int = 64 << 20
    max_age_s: float = 60.0
    max_files: int = 100

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_age_s", "max_files"):
            if getattr(self, name) <= 0:
                raise InvalidArgumentError(
                    f"{name} must be more than 0, got {getattr(self, name)}"
                )


class RotatingFile:
    """Bytes into numbered files `<prefix>-<time>-<process>-<number><suffix>`.

    A file has another name until it is finished, so that whoever reads a folder only ever
    sees whole ones.

    Args:
        prefix: folder and beginning of the names.
        suffix: end of the names.
        rotation: when a file is finished.
        now: seconds since 1970.
    """

    def __init__(
        self,
        prefix: Path,
        suffix: str,
        rotation: Rotation,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._prefix = prefix
        self._suffix = suffix
        self._rotation = rotation
        self._now = now
        self._number = 0
        self._open: tuple[Path, int, float] | None = None
        self._size = 0
        prefix.parent.mkdir(parents=True, exist_ok=True)

    def write(self, data: bytes) -> None:
        """Append whole records."""
        if self._open is not None and self._size + len(data) > self._rotation.max_bytes:
            self.finish()
        path, descriptor, began = self._open or self._begin()
        self._open = (path, descriptor, began)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        self._size += len(data)
        self.finish_old()

    def finish_old(self) -> None:
        """Finish the file if its time has come."""
        if self._open is not None and self._now() - self._open[2] >= self._rotation.max_age_s:
            self.finish()

    def finish(self) -> None:
        """Give the file its name, and delete those that are too many."""
        if self._open is None:
            return
        path, descriptor, _ = self._open
        self._open, self._size = None, 0
        os.close(descriptor)
        os.replace(path, path.with_suffix(""))  # noqa: PTH105  (its name ends in .part)
        for old in self.files()[: -self._rotation.max_files]:
            old.unlink(missing_ok=True)

    def files(self) -> list[Path]:
        """Finished files of this prefix, oldest first."""
        found = self._prefix.parent.glob(f"{_literal(self._prefix.name)}-*{self._suffix}")
        return sorted(found, key=lambda path: path.name)

    def _begin(self) -> tuple[Path, int, float]:
        began = self._now()
        stamp = datetime.fromtimestamp(began, UTC).strftime("%Y%m%dT%H%M%S%fZ")
        self._number += 1
        name = f"{self._prefix.name}-{stamp}-{os.getpid()}-{self._number:06}{self._suffix}"
        path = self._prefix.with_name(name + _PART)
        # Requests hold what users sent, which only the server's own user may read.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        return path, os.open(path, flags, 0o600), began


def _literal(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)
