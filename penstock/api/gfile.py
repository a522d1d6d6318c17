"""`tf.io.gfile`: files and directories, local or of any scheme that fsspec knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from penstock.api.file_reader import GFile
from penstock.core.errors import NotFoundError, OpError
from penstock.wire import file_system
from penstock.wire.file_system import FileStatistics, as_path, file_system_of

__all__ = [
    "GFile",
    "copy",
    "exists",
    "get_registered_schemes",
    "glob",
    "isdir",
    "join",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file.

    Args:
        src: its name.
        dst: name of the copy.
        overwrite: whether a file of that name may be replaced.

    Raises:
        NotFoundError: there is no such file.
        AlreadyExistsError: the copy is there already.
    """
    file_system.copy(as_path(src), as_path(dst), overwrite=overwrite)


def exists(path: Any) -> bool:
    """Whether there is a file or directory of that name."""
    name = as_path(path)
    return file_system_of(name).exists(name)


def get_registered_schemes() -> list[str]:
    """Schemes of file names; others may work through fsspec."""
    return file_system.registered_schemes()


def glob(pattern: Any) -> list[str]:
    """Files whose names match a pattern, or one of several.

    Args:
        pattern: `*` and `?` stand for characters but slashes, `[...]` for one of some.
    """
    patterns = pattern if isinstance(pattern, (list, tuple)) else [pattern]
    return [name for one in map(as_path, patterns) for name in file_system_of(one).glob(one)]


def isdir(path: Any) -> bool:
    """Whether there is a directory of that name."""
    name = as_path(path)
    return file_system_of(name).is_directory(name)


def join(path: Any, *paths: Any) -> str:
    """Join parts of a name with slashes."""
    return os.path.join(as_path(path), *map(as_path, paths))  # noqa: PTH118  (may have a scheme)


def listdir(path: Any) -> list[str]:
    """Names of what is in a directory.

    Raises:
        NotFoundError: there is no such directory.
    """
    name = as_path(path)
    return file_system_of(name).names(name)


def makedirs(path: Any) -> None:
    """Make a directory and those that it is in; what is there is left.

    Raises:
        FailedPreconditionError: there is a file of that name.
    """
    name = as_path(path)
    file_system_of(name).make_directory(name, with_parents=True)


def mkdir(path: Any) -> None:
    """Make a directory; one that is there is left.

    Raises:
        NotFoundError: there is no directory to make it in.
        FailedPreconditionError: there is a file of that name.
    """
    name = as_path(path)
    file_system_of(name).make_directory(name, with_parents=False)


def remove(path: Any) -> None:
    """Remove a file.

    Raises:
        NotFoundError: there is no such file.
        FailedPreconditionError: it is a directory.
    """
    name = as_path(path)
    file_system_of(name).remove(name)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Give a file another name.

    Args:
        src: its name.
        dst: the other name.
        overwrite: whether a file of that name may be replaced.

    Raises:
        NotFoundError: there is no such file.
        AlreadyExistsError: there is one of the other name.
    """
    file_system.rename(as_path(src), as_path(dst), overwrite=overwrite)


def rmtree(path: Any) -> None:
    """Remove a directory with all that is in it.

    Raises:
        NotFoundError: there is no such directory.
    """
    name = as_path(path)
    file_system_of(name).remove_tree(name)


def stat(path: Any) -> FileStatistics:
    """Size and time of a file.

    Raises:
        NotFoundError: there is no such file.
    """
    name = as_path(path)
    return file_system_of(name).statistics(name)


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[OpError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Visit a directory and all below it.

    Args:
        top: the directory.
        topdown: whether a directory comes before those in it.
        onerror: called with the error of a directory that cannot be read.

    Yields:
        The name of a directory, the names of directories in it, and those of files.
    """
    name = as_path(top)
    try:
        names = listdir(name)
    except NotFoundError as error:
        if onerror is not None:
            onerror(error)
        return
    directories = [entry for entry in names if isdir(join(name, entry))]
    files = [entry for entry in names if entry not in set(directories)]
    if topdown:
        yield name, directories, files
    for directory in directories:
        yield from walk(join(name, directory), topdown, onerror)
    if not topdown:
        yield name, directories, files
