"""The model of the demo: its input pipeline, its layers, its training."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import penstock as tf
from penstock.cli.demo.digits import LARGEST_PIXEL, Scans, Split

BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, how it got there, and what it says of the held-out scans.

    `history` has one value per epoch under Keras' names; `probabilities` is [n, 10].
    """

    model: Any
    history: dict[str, list[float]]
    probabilities: NDArray[np.float32]
    seconds: float


def normalised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale pixels to 0 to 1, as the pipeline does; exact in float32."""
    return images.astype(np.float32) / np.float32(LARGEST_PIXEL)


def pipeline(scans: Scans, *, shuffle_seed: int | None = None) -> Any:
    """Batches of (image, label), in a fresh order each epoch if there is a seed."""
    data = tf.data.Dataset.from_tensor_slices((scans.images, scans.labels))
    if shuffle_seed is not None:
        data = data.shuffle(len(scans), seed=shuffle_seed)
    return data.batch(BATCH_SIZE).map(_normalise, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _normalise(images: Any, labels: Any) -> tuple[Any, Any]:
    return tf.cast(images, tf.float32) / float(LARGEST_PIXEL), labels


def build(seed: int) -> Any:
    """A small convolutional network that gives one probability per digit."""
    keras = tf.keras
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            *_convolution(32),
            *_convolution(32),
            keras.layers.MaxPooling2D(),
            *_convolution(64),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.4, seed=seed),
            keras.layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )


def _convolution(filters: int) -> list[Any]:
    layers = tf.keras.layers
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        # 43 steps an epoch are few: with Keras' momentum of 0.99 the averages would lag behind.
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


def train(split: Split, *, epochs: int, seed: int, verbose: int | str) -> Trained:
    """Fit the model, watching the held-out scans without learning from them.

    Args:
        epochs: passes over the training scans, at least 1.
        seed: of the first weights, the order of the scans and the dropout.
        verbose: what Keras shows: 0 nothing, 1 a progress bar, 2 one line an epoch.
    """
    keras = tf.keras
    started = time.perf_counter()
    model = build(seed)
    # The step shrinks along a half cosine, so that the last epochs settle instead of wandering.
    steps = epochs * -(-len(split.train) // BATCH_SIZE)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, decay_steps=steps)
    model.compile(
        keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    record = model.fit(
        pipeline(split.train, shuffle_seed=seed),
        validation_data=pipeline(split.held_out),
        epochs=epochs,
        shuffle=False,  # the pipeline does it
        verbose=verbose,
    )
    probabilities = model.predict(pipeline(split.held_out), verbose=0)
    history = {
        name: [float(value) for value in values] for name, values in record.history.items()
    }
    return Trained(model, history, probabilities, time.perf_counter() - started)


def export(model: Any, directory: Path) -> None:
    """Write `model` as a SavedModel, quietly."""
    model.export(str(directory), verbose=False)
