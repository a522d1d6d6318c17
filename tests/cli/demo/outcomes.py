"""Outcomes of demo runs that never ran."""

import numpy as np

from penstock.cli.demo.client import Answers, Load
from penstock.cli.demo.digits import Scans
from penstock.cli.demo.outcome import Outcome


def outcome(wrong=(), *, served_off_by=0.0, versions=None):
    """Twenty scans, two of each digit; those at `wrong` are read as the next digit."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 2)
    read_as = labels.copy()
    read_as[list(wrong)] = (labels[list(wrong)] + 1) % 10
    probabilities = np.full((20, 10), 0.02, np.float32)
    # The surer, the further back: so that sorting by sureness can be seen.
    probabilities[np.arange(20), read_as] = 0.82 + 0.001 * np.arange(20)
    images = rng.integers(0, 17, (20, 8, 8, 1), dtype=np.uint8)
    return Outcome(
        held_out=Scans(images, labels),
        trained_on=60,
        probabilities=probabilities,
        history={
            "loss": [1.0, 0.5],
            "val_loss": [0.9, 0.6],
            "accuracy": [0.5, 0.9],
            "val_accuracy": [0.6, 0.95],
        },
        answers=Answers(probabilities + np.float32(served_off_by), np.linspace(1e-3, 2e-3, 20)),
        load=Load(connections=4, requests=100, seconds=0.5, largest_difference=1e-7),
        seconds={"train": 3.0, "export": 0.5},
        versions=versions or {"penstock": "0.1.0", "keras": "3"},
        seed=7,
    )
