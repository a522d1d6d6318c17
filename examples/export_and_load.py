"""A model on its way to disk and back, in TensorFlow's own format.

    python examples/export_and_load.py

The folder that it writes can be read by TensorFlow, and served by `penstock serve`.
"""

import tempfile
from pathlib import Path

import penstock as tf


class Scaler(tf.Module):
    """Multiplies by a factor that it has learned."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x):
        return {"scaled": self.factor * x}


def main():
    scaler = Scaler()
    scaler.factor.assign(2.5)
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder, "scaler", "1"))
        tf.saved_model.save(scaler, place, signatures=scaler.__call__)
        loaded = tf.saved_model.load(place)
        print(loaded.signatures["serving_default"](x=tf.constant([1.0, 2.0]))["scaled"].numpy())


if __name__ == "__main__":
    main()
