"""All that the demo found out, as one record: the report, the summary and the JSON read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.cli.demo.client import Answers, Load
from penstock.cli.demo.digits import Scans

# Served answers travel as decimal text and are computed in batches of other sizes.
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of the demo.

    Args:
        held_out: the scans that the model was judged on, n of them.
        trained_on: number of scans that it learned from.
        probabilities: [n, 10] of the model in memory.
        history: one value per epoch, under Keras' names.
        answers: of the served model, one request per scan.
        load: of several connections at once.
        seconds: stage -> how long it took.
        versions: package -> version.
        seed: of the split and the training.
    """

    held_out: Scans
    trained_on: int
    probabilities: NDArray[np.float32]
    history: Mapping[str, list[float]]
    answers: Answers
    load: Load
    seconds: Mapping[str, float]
    versions: Mapping[str, str]
    seed: int

    @property
    def read_as(self) -> NDArray[np.int64]:
        """The most probable digit of each held-out scan, [n]."""
        return self.probabilities.argmax(axis=1)

    @property
    def misread(self) -> NDArray[np.int64]:
        """Positions of the scans that were read wrongly, the surest mistakes first."""
        wrong = np.flatnonzero(self.read_as != self.held_out.labels)
        return wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")]

    @property
    def accuracy(self) -> float:
        """Share of the held-out scans that were read rightly."""
        return 1 - len(self.misread) / len(self.held_out)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Number of scans [10, 10] by digit and by what it was read as."""
        counts = np.zeros((10, 10), np.int64)
        np.add.at(counts, (self.held_out.labels, self.read_as), 1)
        return counts

    @property
    def largest_difference(self) -> float:
        """Between a served probability and the one in memory, over all requests."""
        alone = np.abs(self.answers.predictions - self.probabilities).max()
        return float(max(alone, self.load.largest_difference))

    @property
    def is_served_right(self) -> bool:
        """Whether every served answer equals the one in memory."""
        return self.largest_difference <= TOLERANCE

    def latency_ms(self, percentile: float) -> float:
        """Of a request of one row over one connection."""
        return float(np.percentile(self.answers.latencies_s, percentile)) * 1e3

    def summary(self) -> dict[str, Any]:
        """The figures, ready for JSON."""
        return {
            "trained_on": self.trained_on,
            "held_out": len(self.held_out),
            "epochs": len(self.history["loss"]),
            "seed": self.seed,
            "accuracy": round(self.accuracy, 6),
            "misread": len(self.misread),
            "served": {
                "equal": self.is_served_right,
                "largest_difference": self.largest_difference,
                "rows": len(self.answers.predictions),
                "p50_ms": round(self.latency_ms(50), 3),
                "p99_ms": round(self.latency_ms(99), 3),
                "connections": self.load.connections,
                "requests_per_s": round(self.load.requests_per_s, 1),
            },
            "seconds": {stage: round(value, 2) for stage, value in self.seconds.items()},
            "versions": dict(self.versions),
        }
