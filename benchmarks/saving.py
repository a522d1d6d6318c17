"""What it costs to save and to load a model of a hundred layers.

The model is a Keras MLP of 25 MB, trained with Adam. The `.keras` file, and a SavedModel by
`tf.saved_model.save`, which builds and writes all its functions.
"""

import sys
import tempfile

from sides import Side, measure_cases, peer_python, report

PROGRAM = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
PREPARE
import keras
import tensorflow as tf
folder = FOLDER
hidden = [keras.layers.Dense(256, "relu") for _ in range(LAYERS - 1)]
model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
model.compile("adam", "mse")
model.optimizer.build(model.trainable_variables)
file, saved = os.path.join(folder, "NAME.keras"), os.path.join(folder, "NAME")
CASES = {
    "model.save": lambda: model.save(file),
    "load_model": lambda: keras.models.load_model(file),
    "saved_model.save": lambda: tf.saved_model.save(model, saved),
    "saved_model.load": lambda: tf.saved_model.load(saved),
}
for case in CASES.values():
    case()
def settle(value):
    pass
"""

_INSTALL = "import penstock; penstock.install_as_tensorflow()"


def sides(folder, layers):
    program = PROGRAM.replace("FOLDER", repr(folder)).replace("LAYERS", str(layers))
    ours = program.replace("PREPARE", _INSTALL).replace("NAME", "penstock")
    found = [Side("penstock", ours)]
    if peer_python():
        theirs = program.replace("PREPARE", "").replace("NAME", "tensorflow")
        found.append(Side("tensorflow", theirs, peer_python()))
    return found


def main(layers=100, rounds=2):
    cases = ["model.save", "load_model", "saved_model.save", "saved_model.load"]
    with tempfile.TemporaryDirectory() as folder:
        best = measure_cases(sides(folder, layers), cases, rounds)
    failed = 0
    for case, seconds in best.items():
        failed += report(f"{case}, {layers} layers", seconds, {"tensorflow": 1.0})
    return 1 if failed else 0


if __name__ == "__main__":
    small = "--small" in sys.argv
    raise SystemExit(main(layers=5, rounds=1) if small else main())
