"""Versions of a model in an object store: listed there, fetched into a folder of this machine.

A fetched version appears whole or not at all. What it was made of is noted beside it, so that
a version that was written anew under the same number is fetched again at the next start.
"""

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnavailableError,
)
from penstock.serving.source import Latest, VersionPolicy, version_number
from penstock.wire.file_system import FileSystem, file_system_of
from penstock.wire.files import AtomicFile

_MODEL_FILE = "saved_model.pb"
_MAX_FILES = 100_000
_MAX_DEPTH = 16
_FETCHES = 8
_COPY_BYTES = 4 << 20

_log = logging.getLogger("penstock.serving")


class RemoteStoragePathSource:
    """Finds the versions of one model in an object store.

    Args:
        name: of the model.
        base_path: address of the folder with the versions, such as `s3://models/digits`.
        cache: folder of this machine for what is fetched; only its owner may write to it.
        policy: chooses among the versions.
    """

    def __init__(
        self, name: str, base_path: str, cache: Path, policy: VersionPolicy | None = None
    ) -> None:
        self.name = name
        self.base_path = base_path.rstrip("/")
        self.policy = Latest() if policy is None else policy
        self.watched: Path | None = None
        digest = hashlib.sha256(self.base_path.encode()).hexdigest()[:16]
        self._folder = cache / digest

    def poll(self) -> Mapping[int, Path]:
        """Return the versions that should be served, with the folders that `prepare` fills.

        Raises:
            NotFoundError: the base path has nothing in it.
            UnavailableError: the store does not answer.
        """
        with _as_op_errors(self.base_path):
            files = file_system_of(self.base_path)
            files.forget_listing(self.base_path)
            try:
                names = files.names(self.base_path)
            except NotFoundError:
                raise NotFoundError(
                    f"base path '{self.base_path}' of model '{self.name}' is not a folder"
                ) from None
            numbers = {number for name in names if (number := version_number(name)) is not None}
            # An upload has no end that could be seen, but a model has a main file.
            ready = {
                number
                for number in self.policy(numbers)
                if files.exists(f"{self.base_path}/{number}/{_MODEL_FILE}")
            }
        return {number: self._folder / str(number) for number in sorted(ready)}

    def prepare(self, number: int) -> None:
        """Fetch a version, unless it is here and the same.

        Raises:
            OpError: it cannot be fetched.
        """
        source, target = f"{self.base_path}/{number}", self._folder / str(number)
        note = self._folder / f"{number}.json"
        with _as_op_errors(source):
            files = file_system_of(source)
            listing = dict(_walk(files, source))
            if target.is_dir() and _read(note) == listing:
                return
            _log.info("%s: fetching version %d from %s", self.name, number, source)
            self._fetch(files, source, listing, target)
            if dict(_walk(files, source)) != listing:
                shutil.rmtree(target, ignore_errors=True)
                raise UnavailableError(
                    f"'{source}' changed while it was fetched; it is tried again later"
                )
            with AtomicFile(note) as file:
                file.write(json.dumps(listing).encode())

    def release(self, number: int) -> None:
        """Remove what was fetched of a version that is not served any more."""
        (self._folder / f"{number}.json").unlink(missing_ok=True)
        shutil.rmtree(self._folder / str(number), ignore_errors=True)

    def _fetch(
        self, files: FileSystem, source: str, listing: Mapping[str, Any], target: Path
    ) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._folder / f".{target.name}.{secrets.token_hex(8)}"
        temporary.mkdir(mode=0o700)

        def fetch(name: str) -> None:
            place = temporary / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with files.open(f"{source}/{name}", "rb") as reader, place.open("xb") as writer:
                shutil.copyfileobj(reader, writer, _COPY_BYTES)
                size = writer.tell()
                writer.flush()
                os.fsync(writer.fileno())
            if size != listing[name][0]:
                raise DataLossError(
                    f"'{source}/{name}' must have {listing[name][0]} bytes, got {size}"
                )

        try:
            with ThreadPoolExecutor(_FETCHES, "penstock-fetch") as threads:
                for _ in threads.map(fetch, listing):
                    pass
            # A folder cannot be replaced at once, and one that differs must not stay.
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _walk(files: FileSystem, top: str) -> Iterator[tuple[str, list[int]]]:
    """Names below a folder with their sizes and times."""
    found = 0
    folders = [("", 0)]
    while folders:
        folder, depth = folders.pop()
        place = f"{top}/{folder}".rstrip("/")
        files.forget_listing(place)
        for name in files.names(place):
            # The names come from outside, and become paths here.
            if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
                raise InvalidArgumentError(f"'{place}' must not have a file named {name!r}")
            found += 1
            if found > _MAX_FILES or depth > _MAX_DEPTH:
                raise InvalidArgumentError(
                    f"'{top}' must have at most {_MAX_FILES} files, {_MAX_DEPTH} folders deep"
                )
            inner = f"{folder}/{name}".lstrip("/")
            about = files.statistics(f"{top}/{inner}")
            if about.is_directory:
                folders.append((inner, depth + 1))
            else:
                yield inner, [about.length, about.mtime_nsec]


def _read(note: Path) -> Any:
    try:
        return json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def _as_op_errors(where: str) -> Iterator[None]:
    """Clients of object stores have exceptions of their own, of many kinds."""
    try:
        yield
    except OpError:
        raise
    except Exception as error:
        raise UnavailableError(
            f"'{where}' cannot be read: {type(error).__name__}: {error}"
        ) from error
