"""The place for what can be made again, under the home of the user who runs the server."""

import os
import stat
import sys
import tempfile
from pathlib import Path

from penstock.core.errors import PermissionDeniedError


def user_cache(name: str) -> Path:
    """Return a folder that only this user can write to; it is made if need be.

    Raises:
        PermissionDeniedError: there is none, nor can it be made.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "penstock" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        # Containers may have a home that is read-only, or none. A name that others can foresee
        # is safe as long as the owner is looked at.
        user = os.getuid() if hasattr(os, "getuid") else "user"
        folder = Path(tempfile.gettempdir()) / f"penstock-{user}" / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise PermissionDeniedError(
                f"no folder for what is cached: {folder}: {error.strerror}; set "
                "XDG_CACHE_HOME to one that can be written"
            ) from error
    for place in (folder.parent, folder):
        if not is_private(place):
            raise PermissionDeniedError(
                f"'{place}' must belong to the user of this process, and nobody else may be "
                "able to write to it"
            )
    return folder


def is_private(path: Path) -> bool:
    """Whether only the user of this process, or the system's own, can write to a file."""
    if sys.platform == "win32":
        return True  # whoever can write there is told by lists that `stat` does not show
    try:
        about = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(about.st_mode):
        return False
    return about.st_uid in (0, os.getuid()) and not about.st_mode & (
        stat.S_IWGRP | stat.S_IWOTH
    )
