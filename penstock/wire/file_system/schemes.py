"""Which file system a name belongs to, and what goes from one to another."""

from __future__ import annotations

import functools
import os
import re
import shutil
from typing import Any, Final

from penstock.core.errors import AlreadyExistsError
from penstock.wire.file_system.interface import FileSystem
from penstock.wire.file_system.local import LocalFileSystem
from penstock.wire.file_system.remote import RemoteFileSystem

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def as_path(path: Any) -> str:
    """A name of a file as text.

    Raises:
        TypeError: it is neither text, bytes nor a path.
    """
    if hasattr(path, "numpy"):
        path = path.numpy()
    name = os.fspath(path)
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)


def file_system_of(path: str) -> FileSystem:
    """The file system that a name belongs to.

    Raises:
        UnimplementedError: its scheme needs what is not installed.
    """
    found = _SCHEME.match(path)
    return _file_system("" if found is None else found[1].lower())


@functools.lru_cache(maxsize=64)
def _file_system(scheme: str) -> FileSystem:
    if scheme in ("", "file"):
        return LocalFileSystem()
    return RemoteFileSystem(scheme)


def registered_schemes() -> list[str]:
    """Schemes that every installation knows, or that name TensorFlow's own file systems."""
    return ["ram", "file", "", "gs"]


def check_absent(path: str, *, overwrite: bool) -> None:
    """Check that a file may be written.

    Raises:
        AlreadyExistsError: it is there, and may not be overwritten.
    """
    if not overwrite and file_system_of(path).exists(path):
        raise AlreadyExistsError("file already exists")


def copy(source: str, target: str, *, overwrite: bool) -> None:
    """Copy a file, between file systems too.

    Raises:
        NotFoundError: there is no such file.
        AlreadyExistsError: the target is there, and may not be overwritten.
    """
    with file_system_of(source).open(source, "rb") as reader:
        check_absent(target, overwrite=overwrite)
        with file_system_of(target).open(target, "wb") as writer:
            shutil.copyfileobj(reader, writer)


def rename(source: str, target: str, *, overwrite: bool) -> None:
    """Give a file another name, or move it to another file system.

    Raises:
        NotFoundError: there is no such file.
        AlreadyExistsError: the target is there, and may not be overwritten.
    """
    check_absent(target, overwrite=overwrite)
    place = file_system_of(source)
    if place is file_system_of(target):
        place.rename(source, target)
    else:
        copy(source, target, overwrite=overwrite)
        place.remove(source)
