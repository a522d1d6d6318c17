"""Looks at the file with the models from time to time, and serves what it says."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.core.errors import OpError
from penstock.serving.model_config import read_model_config

_log = logging.getLogger("penstock.serving")


class ConfigWatch:
    """A thread that reads a model config file again when it has changed.

    A file that makes no sense, or models that do not load, change nothing but the log; what
    failed is tried again at each look.

    Args:
        path: of the file, which was read just now.
        wait_s: time between two looks.
        reload: serves the models that it is given.
    """

    def __init__(self, path: Path, wait_s: float, reload: Callable[[Any], None]) -> None:
        self._path = path
        self._wait_s = wait_s
        self._reload = reload
        self._done = _read(path)
        self._complaint = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="penstock-config", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a reload that is going on is not waited for."""
        self._stop.set()
        self._thread.join(1.0)

    def look(self) -> None:
        """Read the file, and reload when it is another."""
        text = _read(self._path)
        if text is not None and text == self._done:
            return
        try:
            self._reload(read_model_config(self._path))
        except OpError as error:
            if error.message != self._complaint:
                self._complaint = error.message
                _log.warning("%s: %s", self._path, error.message)
            return
        self._done, self._complaint = text, ""
        _log.info("%s: models are as it says", self._path)

    def _work(self) -> None:
        while not self._stop.wait(self._wait_s):
            self.look()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
