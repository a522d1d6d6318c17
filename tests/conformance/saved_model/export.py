"""Export Keras models from penstock, and keep what they answer. Usage: export.py FOLDER."""

import sys
from pathlib import Path

import numpy as np

import penstock as tf

tf.install_as_tensorflow()

import keras  # noqa: E402
from keras import layers  # noqa: E402

rng = np.random.default_rng(3)


def mlp():
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return model, {"x": rng.random((4, 5), np.float32)}


def cnn():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same", activation="gelu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3),
        ]
    )
    return model, {"x": rng.random((2, 8, 8, 3), np.float32)}


def lstm():
    model = keras.Sequential([keras.Input((None, 5)), layers.LSTM(6), layers.Dense(3)])
    return model, {"x": rng.random((2, 7, 5), np.float32)}


def gru():
    tokens = keras.Input((None,), dtype="int32")
    hidden = layers.Embedding(10, 4, mask_zero=True)(tokens)
    hidden = layers.Bidirectional(layers.GRU(5))(hidden)
    model = keras.Model(tokens, layers.Dense(2)(hidden))
    return model, {"x": np.array([[1, 2, 3, 0], [4, 5, 0, 0]], np.int32)}


def named():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = {"p": layers.Dense(2)(joined), "q": layers.Dense(1)(joined)}
    model = keras.Model({"a": a, "b": b}, outputs)
    return model, {"a": rng.random((2, 3), np.float32), "b": rng.random((2, 2), np.float32)}


def main(folder):
    keras.utils.set_random_seed(5)
    for make in (mlp, cnn, lstm, gru, named):
        model, inputs = make()
        model.export(folder / make.__name__, verbose=False)
        given = inputs if len(inputs) > 1 else inputs["x"]
        outputs = model(given)
        outputs = outputs if isinstance(outputs, dict) else {"y": outputs}
        loaded = tf.saved_model.load(folder / make.__name__)
        again = loaded.serve(tf.nest.map_structure(tf.constant, given))
        again = again if isinstance(again, dict) else {"y": again}
        np.savez(
            folder / make.__name__,
            **{f"x.{key}": value for key, value in inputs.items()},
            **{f"y.{key}": np.asarray(value) for key, value in outputs.items()},
            **{f"again.{key}": np.asarray(value) for key, value in again.items()},
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
