"""The models that are trained on both sides, with their data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Task:
    """A model and what it is trained on."""

    model: Any
    inputs: np.ndarray
    labels: np.ndarray


def _labels(rng, count, classes):
    return rng.integers(0, classes, (count,)).astype(np.int32)


def mlp(keras, rng):
    model = keras.Sequential(
        [
            keras.Input((12,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(16, activation="tanh"),
            keras.layers.Dense(5),
        ]
    )
    return Task(model, rng.normal(size=(48, 12)).astype(np.float32), _labels(rng, 48, 5))


def cnn(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(8, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(2),
            layers.Dropout(0.3, seed=7),
            layers.Flatten(),
            layers.Dense(4),
        ]
    )
    return Task(model, rng.normal(size=(40, 8, 8, 2)).astype(np.float32), _labels(rng, 40, 4))


def lstm(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9, 5)),
            layers.LSTM(7, return_sequences=True),
            layers.LSTM(6),
            layers.Dense(3),
        ]
    )
    return Task(model, rng.normal(size=(32, 9, 5)).astype(np.float32), _labels(rng, 32, 3))


def gru(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((10,), dtype="int32"),
            layers.Embedding(20, 6, mask_zero=True),
            layers.Bidirectional(layers.GRU(5)),
            layers.Dense(3),
        ]
    )
    tokens = rng.integers(1, 20, (32, 10)).astype(np.int32)
    lengths = rng.integers(3, 11, (32,))
    tokens[np.arange(10)[None] >= lengths[:, None]] = 0
    return Task(model, tokens, _labels(rng, 32, 3))


def transformer(keras, rng):
    # Without biases: that of the keys has no gradient but noise, which Adam would blow up.
    layers = keras.layers
    tokens = keras.Input((8,), dtype="int32")
    x = layers.Embedding(30, 12)(tokens)
    attended = layers.MultiHeadAttention(3, key_dim=4, use_bias=False)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + attended)
    hidden = layers.Dense(24, activation="gelu")(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dense(12)(hidden))
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(tokens, layers.Dense(4)(x))
    return Task(model, rng.integers(0, 30, (32, 8)).astype(np.int32), _labels(rng, 32, 4))


ARCHITECTURES = {
    "mlp": mlp,
    "cnn": cnn,
    "lstm": lstm,
    "gru": gru,
    "transformer": transformer,
}
