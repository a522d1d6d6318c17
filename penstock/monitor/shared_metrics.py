"""Metrics of several processes that serve together, as if they were one.

Each process writes what it counted to a file of its own now and then. Whoever is asked for the
metrics adds the files of the others to what it has itself. What a process counted stays when it
ends; its gauges go with it.
"""

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Final

from penstock.core import metrics
from penstock.core.metrics import HistogramValue
from penstock.monitor import exposition, process
from penstock.monitor.exposition import Values, merge

_SUFFIX: Final = ".metrics.json"
_EVERY_S: Final = 1.0


class SharedMetrics:
    """Writes the metrics of this process, and adds those of the others.

    Args:
        folder: that the processes share, and nobody else.
        every_s: time between two writings.
    """

    def __init__(self, folder: Path, every_s: float = _EVERY_S) -> None:
        exposition.before_encoding(process.observe)
        self._folder = folder
        self._file = folder / f"{os.getpid()}{_SUFFIX}"
        self._every_s = every_s
        self._stopping = threading.Event()
        self._last = b""
        self._thread = threading.Thread(target=self._work, name="penstock-metrics", daemon=True)

    def start(self) -> None:
        """Begin to write, and let pages of metrics have those of the others, too."""
        exposition.add_others(self.others)
        self.write()
        self._thread.start()

    def stop(self) -> None:
        """Write for the last time."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._every_s + 1)
        self.write()

    def write(self) -> None:
        """Write what was counted, if it has changed."""
        exposition.look()
        told = {
            row.name: [[values, _plain(cell.value())] for values, cell in row.collect()]
            for row in metrics.rows()
        }
        data = json.dumps({name: cells for name, cells in told.items() if cells}).encode()
        if data != self._last:
            self._last = data
            part = self._file.with_suffix(".part")
            part.write_bytes(data)
            part.replace(self._file)

    def others(self) -> dict[str, Values]:
        """Return what the other processes counted, added up."""
        found: dict[str, Values] = {}
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if path != self._file:
                with contextlib.suppress(OSError, ValueError):
                    told = json.loads(path.read_bytes())
                    _add(found, told, is_alive=_is_alive(path))
        return found

    def _work(self) -> None:
        while not self._stopping.wait(self._every_s):
            with contextlib.suppress(OSError):
                self.write()


def _add(found: dict[str, Values], told: dict[str, Any], *, is_alive: bool) -> None:
    kinds = {row.name: row.kind for row in metrics.rows()}
    for name, cells in told.items():
        kind = kinds.get(name)
        if kind is None or (kind == "gauge" and not is_alive):
            continue
        values = found.setdefault(name, {})
        for labels, value in cells:
            key = tuple(labels)
            if isinstance(value, dict):
                value = HistogramValue(tuple(value["counts"]), value["sum"])  # noqa: PLW2901
            values[key] = merge(name, kind, values[key], value) if key in values else value


def _plain(value: Any) -> Any:
    if isinstance(value, HistogramValue):
        return {"counts": value.counts, "sum": value.sum}
    return value


def _is_alive(path: Path) -> bool:
    try:
        os.kill(int(path.name.partition(".")[0]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
