"""Hears of changes in folders from the operating system, where watchfiles is installed."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

try:
    import watchfiles
except ImportError:  # an extra; without it changes are found by polling alone
    watchfiles = None  # type: ignore[assignment]

_DEBOUNCE_MS = 200
_STEP_MS = 50


class FolderWatch:
    """A thread that calls back when something appears or goes in one of some folders.

    Args:
        folders: that are there now; what is below their sub-folders is not watched.
        changed: called from the thread.
    """

    def __init__(self, folders: Sequence[Path], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if watchfiles is not None and folders:
            self._thread = threading.Thread(
                target=self._watch, args=(list(folders),), name="penstock-watch", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, folders: list[Path]) -> None:
        try:
            for _ in watchfiles.watch(
                *folders,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=self._stop,
                rust_timeout=500,
                raise_interrupt=False,
                recursive=False,
                ignore_permission_denied=True,
            ):
                self._changed()
        except (OSError, RuntimeError):
            return  # no more watches are to be had, or the folder is gone: polling goes on
