"""What input pipelines cost: an epoch of images, and a fresh pipeline of Keras."""

import sys

from sides import Side, both, measure, peer_python, report

IMAGES = """
import numpy as np
import MODULE as tf
images = np.random.RandomState(0).randint(0, 256, (ROWS, 28, 28)).astype("uint8")
labels = np.arange(ROWS) % 10
def scale(image, label):
    return tf.cast(image, tf.float32) / 255.0, label
"""

# One call of `work` is one epoch. Keras and the guides write pipelines in this order.
BATCHED = """
dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(ROWS).batch(128)
dataset = dataset.map(scale, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
def work():
    for batch in dataset:
        pass
"""

SINGLY = """
dataset = tf.data.Dataset.from_tensor_slices((images, labels)).map(scale)
dataset = dataset.shuffle(1000).batch(128).prefetch(tf.data.AUTOTUNE)
def work():
    for batch in dataset:
        pass
"""

# `predict` makes such a pipeline in every call.
FRESH = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
PREPARE
import numpy as np
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
rows = np.random.RandomState(0).rand(100, 20).astype("float32")
def work():
    next(iter(ArrayDataAdapter(rows, batch_size=32).get_tf_dataset()))
"""

_INSTALL = "import penstock; penstock.install_as_tensorflow()"


def fresh():
    sides = [Side("penstock", FRESH.replace("PREPARE", _INSTALL))]
    if peer_python():
        sides.append(Side("tensorflow", FRESH.replace("PREPARE", ""), peer_python()))
    return sides


def main(rows=60_000, rounds=8):
    failed = 0
    for name, program in (("batched", BATCHED), ("singly", SINGLY)):
        sides = both((IMAGES + program).replace("ROWS", str(rows)), warm=1)
        best = measure(sides, rounds=rounds, calls=1)
        question = f"epoch of {rows} images, mapped {name}"
        failed += report(question, best, {"tensorflow": 1.0})
    best = measure(fresh(), rounds=rounds, calls=10)
    failed += report("fresh pipeline of Keras' predict", best, {"tensorflow": 0.1})
    return 1 if failed else 0


if __name__ == "__main__":
    small = "--small" in sys.argv
    raise SystemExit(main(rows=2000, rounds=2) if small else main())
