"""Files that may be read while a model is loaded: those inside its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from penstock.core.errors import PermissionDeniedError

_ROOT: Final[ContextVar[str | None]] = ContextVar("root of readable files", default=None)


@contextmanager
def confined(root: str | os.PathLike[str] | None) -> Iterator[None]:
    """Let only files below `root` be read inside of this block; None allows all."""
    token = _ROOT.set(None if root is None else os.fspath(root))
    try:
        yield
    finally:
        _ROOT.reset(token)


def check_confined(path: str) -> None:
    """Check that a file may be read.

    Raises:
        PermissionDeniedError: a model that is being loaded names a file outside its folder.
    """
    root = _ROOT.get()
    if root is None or _is_inside(path, root):
        return
    raise PermissionDeniedError(
        f"the model in '{root}' must read files of its own folder only, got '{path}'; pass "
        "LoadOptions(allow_unsafe_ops=True) if you trust it"
    )


def _is_inside(path: str, root: str) -> bool:
    if "://" in path or "://" in root:
        return path.startswith(root.rstrip("/") + "/") and ".." not in path.split("/")
    return Path(path).resolve().is_relative_to(Path(root).resolve())


def check_links(root: str | os.PathLike[str]) -> None:
    """Check that no link in a folder leads out of it.

    Raises:
        PermissionDeniedError: one does.
    """
    top = Path(root).resolve()
    for directory, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(directory) / name
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                raise PermissionDeniedError(
                    f"'{path}' must not lead out of the model's folder, and is a link to "
                    f"'{path.resolve()}'; copy the file to its place, or pass "
                    "LoadOptions(allow_unsafe_ops=True) if you trust it"
                )
