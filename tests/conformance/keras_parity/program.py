"""Trains one architecture and writes gradients, losses and weights; runs on either side.

Usage: program.py {penstock,tensorflow} ARCHITECTURE OUTPUT.npz
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np


def _architectures():
    path = Path(__file__).with_name("architectures.py")
    spec = importlib.util.spec_from_file_location("keras_parity_architectures", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ARCHITECTURES


def _set_weights(model, rng):
    for weight in model.trainable_weights:
        scale = 1.0 if weight.name == "gamma" else 0.0
        weight.assign((scale + rng.normal(0, 0.3, weight.shape)).astype(np.float32))


def _reset_seeds(model):
    for layer in model.layers:
        for generator in getattr(layer, "_seed_generators", []):
            state = generator.state.numpy()
            state[1] = 0
            generator.state.assign(state)


def train(keras, tf, name, modes=("eager", "graph")):
    """Give every gradient, loss and weight of three epochs, by name."""
    numpy = keras.ops.convert_to_numpy
    keras.backend.clear_session()
    rng = np.random.default_rng(20)
    task = _architectures()[name](keras, rng)
    model = task.model
    _set_weights(model, rng)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = tf.constant(task.inputs[:8]), tf.constant(task.labels[:8])

    def gradients(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        found = tape.gradient(value, [weight.value for weight in model.trainable_weights])
        return value, [tf.convert_to_tensor(gradient) for gradient in found]

    results = {}
    moving = [numpy(weight) for weight in model.non_trainable_weights]
    for mode in modes:
        value, found = (gradients if mode == "eager" else tf.function(gradients))(x, y)
        results[f"{mode} loss"] = numpy(value)
        for weight, gradient in zip(model.trainable_weights, found, strict=True):
            results[f"{mode} gradient {weight.path}"] = numpy(gradient)
        # Moving averages and dropout's seeds start from the same place in every mode.
        for weight, start in zip(model.non_trainable_weights, moving, strict=True):
            weight.assign(start)
        _reset_seeds(model)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    history = model.fit(
        task.inputs, task.labels, batch_size=16, epochs=3, shuffle=False, verbose=0
    )
    for key, values in history.history.items():
        results[f"fit {key}"] = np.array(values)
    for weight in model.weights:
        results[f"final {weight.path}"] = numpy(weight)
    evaluated = model.evaluate(task.inputs, task.labels, batch_size=16, verbose=0)
    results["evaluate"] = np.array(evaluated)
    results["predict"] = model.predict(task.inputs, batch_size=7, verbose=0)
    return results


def main(side, name, output):
    """Train on one side and write the results."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if side == "penstock":
        import penstock

        penstock.install_as_tensorflow()
    import keras
    import tensorflow as tf

    assert ("penstock" in sys.modules) == (side == "penstock")
    np.savez(output, **train(keras, tf, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
