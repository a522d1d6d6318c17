"""Keras trains on penstock as it did on TensorFlow 2.21, by golden losses and gradients."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from tests.conformance.keras_parity.architectures import ARCHITECTURES
from tests.conformance.keras_parity.program import train

# Keras' own variables have an `__array__` that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

GOLDEN = Path(__file__).parents[2] / "golden" / "keras"


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("mlp", "cnn") else pytest.param(name, marks=pytest.mark.slow)
        for name in ARCHITECTURES
    ],
)
def test_losses_and_gradients_are_those_that_tensorflow_gave(name):
    with np.load(GOLDEN / f"{name}.npz") as archive:
        expected = dict(archive)

    got = train(tf.keras, tf, name, modes=("graph",))

    for key, value in expected.items():
        scale = np.abs(value).max()
        np.testing.assert_allclose(got[key], value, rtol=0, atol=1e-5 * scale, err_msg=key)
