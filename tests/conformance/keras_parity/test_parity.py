"""Keras trains the same on penstock as on TensorFlow, gradient by gradient.

Made with TensorFlow 2.21 and Keras 3.15.1.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conformance.keras_parity.architectures import ARCHITECTURES

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
PROGRAM = Path(__file__).with_name("program.py")
REPOSITORY = PROGRAM.parents[3]


def results_of(side, name, output):
    python = PYTHON if side == "tensorflow" else sys.executable
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if side == "penstock":
        environment["PYTHONPATH"] = str(REPOSITORY)
    done = subprocess.run(
        [python, str(PROGRAM), side, name, str(output)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(output) as archive:
        return dict(archive)


def difference(expected, got):
    """Largest difference, relative to the largest number of the array."""
    scale = max(np.abs(expected).max(), 1e-30)
    return np.abs(expected.astype(np.float64) - got).max() / scale


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_losses_and_weights_are_tensorflows(name, tmp_path):
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    expected = results_of("tensorflow", name, tmp_path / "tensorflow.npz")
    got = results_of("penstock", name, tmp_path / "penstock.npz")

    assert set(got) == set(expected)
    far = {
        key: difference(value, got[key])
        for key, value in expected.items()
        if not difference(value, got[key]) <= 1e-5
    }
    assert not far
    assert sum("gradient" in key for key in expected) >= 8
