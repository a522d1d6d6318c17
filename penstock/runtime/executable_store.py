"""The executables of all programs of a user, so that the next process need not compile.

On by default: what takes long to compile is kept in a folder of the user's cache, one for each
version of jaxlib and kind of processor. PENSTOCK_EXECUTABLES names another folder, and "0"
turns it off; a folder chosen through JAX's own settings is left as it is.

Any number of processes may share the folder. A file is named by a hash of what it was compiled
from and is never changed; one that is read before it is whole, or that is damaged, is not
understood and is compiled again. The folder is kept below a size by removing the files that
were used longest ago when a process that has added some ends.
"""

from __future__ import annotations

import atexit
import os
import stat
import sys
import threading
import warnings
from pathlib import Path

import jax

from penstock.runtime.executables import FILE_NAME, executables_key

MOST_BYTES = 512 << 20
# Seconds of compiling from which an executable is kept: reading one takes a few milliseconds.
_LEAST_SECONDS = 0.05

# Options of JAX that its type hints do not name.
_FOLDER_OPTION, _SWITCH = "jax_compilation_cache_dir", "jax_enable_compilation_cache"

_lock = threading.Lock()
_state = {"asked": False}


def store_executables() -> None:
    """Let long compilations be kept, unless the program or the user wants otherwise."""
    if _state["asked"]:
        return
    with _lock:
        if _state["asked"]:
            return
        _state["asked"] = True
        folder = default_folder()
        if folder is None or getattr(jax.config, _FOLDER_OPTION) is not None:
            return
        _start(folder)


def default_folder() -> Path | None:
    """The folder for this kind of machine, made if it is missing; None where there is none."""
    chosen = os.environ.get("PENSTOCK_EXECUTABLES", "")
    if chosen == "0" or not getattr(jax.config, _SWITCH):
        return None
    base = Path(chosen) if chosen else _user_cache() / "penstock" / "executables"
    try:
        folder = base / executables_key()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_own(folder) and _is_own(base) else None
    except (OSError, RuntimeError):
        return None


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _is_own(folder: Path) -> bool:
    """Whether nobody but the user can write to a folder: what lies there is run."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _start(folder: Path) -> None:
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Further caches of XLA would put the folder's name into the keys.
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # A file that cannot be read or written costs a compilation, which is what there was before.
    warnings.filterwarnings("ignore", ".*persistent compilation cache.*")
    before = _names(folder)
    atexit.register(_end, folder, before)


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir())
    except OSError:
        return frozenset()


def _end(folder: Path, before: frozenset[str]) -> None:
    if _names(folder) != before:
        remove_oldest(folder, MOST_BYTES)


def remove_oldest(folder: Path, most: int) -> int:
    """Remove the executables that were used longest ago, until the others fit `most` bytes.

    Files that another process removes meanwhile do not matter.

    Returns:
        The number of files that were removed.
    """
    found: list[tuple[float, int, Path]] = []
    try:
        for entry in os.scandir(folder):
            if FILE_NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                about = entry.stat()
                used = max(about.st_atime, about.st_mtime)
                found.append((used, about.st_size, Path(entry.path)))
    except OSError:
        return 0
    total = sum(size for _, size, _ in found)
    removed = 0
    for _, size, path in sorted(found):
        if total <= most:
            break
        path.unlink(missing_ok=True)
        total -= size
        removed += 1
    return removed
