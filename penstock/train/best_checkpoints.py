"""Which checkpoints of a directory are best by a metric, in a file beside them."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from penstock.core.errors import DataLossError
from penstock.wire.files import write_atomically

_MAX_BYTES = 1 << 20


class BestCheckpoints:
    """The checkpoints with the best metrics, as the file `<name>.best.json` has them.

    Args:
        directory: where the checkpoints are.
        name: name of the checkpoints, before the number.
        count: how many are kept.
        mode: "min" or "max": whether a small or a large metric is good.

    Raises:
        ValueError: the mode is neither.
        DataLossError: the file is damaged.
    """

    def __init__(
        self, directory: str | os.PathLike[str], name: str, count: int, mode: str
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"best_mode must be 'min' or 'max', got {mode!r}")
        self._directory = Path(directory)
        self._file = self._directory / f"{name}.best.json"
        self._count = count
        self._sign = 1.0 if mode == "min" else -1.0
        self._metrics: dict[str, float] = self._read() if count else {}

    def _read(self) -> dict[str, float]:
        if not self._file.is_file():
            return {}
        if self._file.stat().st_size > _MAX_BYTES:
            raise DataLossError(f"'{self._file}' must be at most {_MAX_BYTES} bytes")
        try:
            found = json.loads(self._file.read_bytes())
            return {str(path): float(metric) for path, metric in found.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise DataLossError(
                f"'{self._file}' must map checkpoints to metrics: {error}; remove it to start "
                "anew"
            ) from None

    @property
    def path(self) -> str | None:
        """Path of the best one, or None."""
        name = next(iter(self._ranked()), None)
        return None if name is None else os.fspath(self._directory / name)

    @property
    def metric(self) -> float | None:
        """Metric of the best one, or None."""
        return next((self._metrics[name] for name in self._ranked()), None)

    def _ranked(self) -> list[str]:
        """Names, the best first; of equal ones the older."""
        return sorted(self._metrics, key=lambda name: self._sign * self._metrics[name])

    def __contains__(self, path: str) -> bool:
        return Path(path).name in self._metrics

    def add(self, path: str, metric: float | None) -> None:
        """Note a checkpoint; without a metric, or with one that is no number, it is no best."""
        self._metrics.pop(Path(path).name, None)
        if self._count and metric is not None and not math.isnan(metric):
            self._metrics[Path(path).name] = metric

    def forget_surplus(self) -> list[str]:
        """Write the file, and return the paths that are no longer among the best."""
        gone = self._ranked()[self._count :]
        for name in gone:
            del self._metrics[name]
        if self._count:
            write_atomically(self._file, json.dumps(self._metrics).encode())
        return [os.fspath(self._directory / name) for name in gone]
