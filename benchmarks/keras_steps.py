"""What a Keras train step costs, beside Keras on TensorFlow and Keras on JAX."""

import sys

from sides import Side, measure, peer_python, report

SETUP = """
import os
os.environ["KERAS_BACKEND"] = "WHICH"
PREPARE
import numpy as np
import keras
keras.utils.set_random_seed(0)
"""

MLP = """
model = keras.Sequential([
    keras.layers.Input((64,)),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(10),
])
x = np.random.RandomState(0).rand(64, 64).astype("float32")
y = np.random.RandomState(1).randint(0, 10, (64,))
"""

LSTM = """
model = keras.Sequential([
    keras.layers.Input((32, 32)),
    keras.layers.LSTM(64),
    keras.layers.Dense(10),
])
x = np.random.RandomState(0).rand(64, 32, 32).astype("float32")
y = np.random.RandomState(1).randint(0, 10, (64,))
"""

STEP = """
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
def work():
    return model.train_on_batch(x, y)
"""


_INSTALL = "import penstock; penstock.install_as_tensorflow()"


def sides(network):
    def source(backend, prepare):
        return (SETUP + network + STEP).replace("WHICH", backend).replace("PREPARE", prepare)

    found = [
        Side("penstock", source("tensorflow", _INSTALL)),
        Side("keras_on_jax", source("jax", "")),
    ]
    if peer_python():
        found.append(Side("keras_on_tensorflow", source("tensorflow", ""), peer_python()))
    return found


def main(rounds=30, calls=10):
    status = report(
        "Keras MLP train step",
        measure(sides(MLP), rounds=rounds, calls=calls),
        {"keras_on_tensorflow": 0.5, "keras_on_jax": 1.15},
    )
    return status | report(
        "Keras LSTM train step",
        measure(sides(LSTM), rounds=rounds, calls=calls),
        {"keras_on_jax": 1.1},
    )


if __name__ == "__main__":
    raise SystemExit(main(2, 2) if "--small" in sys.argv else main())
