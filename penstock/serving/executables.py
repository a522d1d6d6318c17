"""Compiled executables kept from one start to the next, beside the model or elsewhere.

An executable is machine code: whoever can write the file decides what the server does. So files
are taken only from folders that nobody but the user of the process, or the system's own, can
write to; and they carry a checksum, so that a damaged one is compiled anew. Nothing in them is
ever unpickled.

While the process runs, its executables lie in a temporary folder of its own. Before a version
is loaded, those kept for its model are copied there; afterwards the new ones are copied back.
"""

import atexit
import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import OpError
from penstock.runtime.executables import (
    FILE_NAME,
    executables_key,
    keep_executables_in,
)
from penstock.serving.user_cache import is_private, user_cache
from penstock.wire.files import AtomicFile

BESIDE = Path(".penstock") / "executables"
_MAGIC = b"penstock executable 1\n"
_MAX_HEADER_BYTES = 1 << 12
_MAX_BYTES = 1 << 30
_MAX_KEPT = 512

_log = logging.getLogger("penstock.serving")
_lock = threading.Lock()
_work: Path | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """What there is before a version is loaded.

    Args:
        known: names of all executables.
        count: how many of them were kept for the model.
    """

    known: frozenset[str]
    count: int


class ExecutableCache:
    """Brings executables before a version is loaded, and keeps the new ones.

    Args:
        place: folder for all models; `None` for one beside each model, or in the user's cache
            where the model's is not private or cannot be written.
    """

    def __init__(self, place: Path | None = None) -> None:
        self.place = place
        self._key = ""

    def bring(self, version: Path) -> "Brought":
        """Make the executables of a model available."""
        work = _work_folder()
        if work is None:
            return Brought(frozenset(), 0)
        count = 0
        for folder in self._folders(version):
            for file in _files(folder):
                place = work / file.name
                count += place.exists() or _unwrap(file, place)
        return Brought(frozenset(file.name for file in work.iterdir()), count)

    def keep(self, version: Path, known: frozenset[str]) -> int:
        """Keep those executables of a model that are not among the known ones.

        Returns:
            How many there were.
        """
        work = _work_folder()
        if work is None:
            return 0
        new = [f for f in work.iterdir() if f.name not in known and FILE_NAME.fullmatch(f.name)]
        if new:
            for folder in self._folders(version):
                if self._write(folder, new):
                    break
        return len(new)

    def note(self, version: Path, what: str) -> None:
        """Remember that the executables of something are all kept."""
        for folder in self._folders(version):
            if folder.is_dir() and self._is_trusted(folder):
                with contextlib.suppress(OSError):
                    (folder / _note(what)).touch(mode=0o600)
                return

    def has_noted(self, version: Path, what: str) -> bool:
        """Whether that was remembered."""
        return any(
            is_private(folder) and (folder / _note(what)).is_file()
            for folder in self._folders(version)
        )

    def _write(self, folder: Path, files: list[Path]) -> bool:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_trusted(folder):
                return False
            for file in files:
                _wrap(file, folder / file.name)
            _prune(folder)
        except OSError as error:
            _log.debug("executables are not kept in %s: %s", folder, error)
            return False
        return True

    def _folders(self, version: Path) -> list[Path]:
        """Where the executables of a model may be, the best place first."""
        self._key = self._key or executables_key()
        if self.place is not None:
            return [self.place / self._key]
        folders = [version.parent / BESIDE / self._key]
        try:
            user = user_cache("executables")
        except OpError:
            return folders
        model = hashlib.sha256(str(version.parent.resolve()).encode()).hexdigest()[:16]
        return [*folders, user / model / self._key]

    def _is_trusted(self, folder: Path) -> bool:
        own = [folder] if self.place is not None else [folder, folder.parent]
        return all(is_private(each) for each in own)


def _work_folder() -> Path | None:
    """The folder that JAX uses in this process, or `None` when it uses another."""
    global _work  # noqa: PLW0603  (JAX has one such folder in a process)
    with _lock:
        if _work is None:
            made = Path(tempfile.mkdtemp(prefix="penstock-executables-"))
            if not keep_executables_in(made):
                made.rmdir()
                return None
            atexit.register(shutil.rmtree, made, ignore_errors=True)
            _work = made
        return _work if keep_executables_in(_work) else None


def _note(what: str) -> str:
    return "compiled-" + hashlib.sha256(what.encode()).hexdigest()[:32]


def _files(folder: Path) -> list[Path]:
    """Files of a folder that can be trusted."""
    if not (is_private(folder) and is_private(folder.parent)):
        return []
    try:
        return [f for f in folder.iterdir() if FILE_NAME.fullmatch(f.name) and is_private(f)]
    except OSError:
        return []


def _wrap(source: Path, target: Path) -> None:
    content = source.read_bytes()
    header = {
        "name": source.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with AtomicFile(target) as file:
        file.write(_MAGIC + json.dumps(header).encode() + b"\n" + content)
    target.chmod(0o600)


def _unwrap(source: Path, target: Path) -> bool:
    """Copy the executable in a file, if it is the one that was written there."""
    try:
        if source.stat().st_size > _MAX_BYTES:
            return False
        with source.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
            header = json.loads(file.readline(_MAX_HEADER_BYTES))
            content = file.read()
    except (OSError, ValueError, RecursionError):
        return False
    if header != {
        "name": source.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }:
        _log.debug("%s is damaged and is compiled anew", source)
        return False
    try:
        with AtomicFile(target) as file:
            file.write(content)
    except OSError:
        return False
    return True


def _prune(folder: Path) -> None:
    """Remove the oldest when there are many: models change, and leave theirs behind."""
    files = sorted(_files(folder), key=lambda file: file.stat().st_mtime)
    for file in files[:-_MAX_KEPT]:
        file.unlink(missing_ok=True)
