"""Train a Keras model and save it with tf.train.Checkpoint, or restore it and predict.

Usage: keras_checkpoint.py {penstock,tensorflow} {save,restore} PREFIX OUTPUT.npy
"""

import importlib
import sys

import numpy as np

tf = importlib.import_module(sys.argv[1])
if sys.argv[1] == "penstock":
    tf.install_as_tensorflow()

keras = importlib.import_module("keras")
layers = keras.layers


def main(command, prefix, output):
    keras.utils.set_random_seed({"save": 1, "restore": 2}[command])
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    )
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 5), np.float32), rng.random((32, 3), np.float32)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    if command == "save":
        model.fit(x, y, verbose=0)
        checkpoint.write(prefix)
    else:
        checkpoint.read(prefix).assert_existing_objects_matched()
    np.save(output, model.predict(x, verbose=0))


if __name__ == "__main__":
    main(*sys.argv[2:])
