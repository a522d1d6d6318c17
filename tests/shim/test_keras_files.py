"""Keras' own files come back here as they were, and no code comes with them unasked.

In a process of its own: Keras takes hold of the name tensorflow.
"""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys, zipfile
import numpy as np
import penstock.keras as keras
import penstock as tf
folder = sys.argv[1]
rows = np.random.RandomState(0).rand(8, 4).astype(np.float32)
def build():
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="d")])
    model.compile("adam", loss=keras.losses.MeanSquaredError())
    return model
model = build()
model.fit(rows, rows[:, :3], verbose=0)
expected = model.predict(rows, verbose=0)
def same(other):
    np.testing.assert_allclose(other.predict(rows, verbose=0), expected, rtol=1e-6)
for name in ("m.keras", "m.h5"):
    model.save(f"{folder}/{name}")
    back = keras.models.load_model(f"{folder}/{name}")
    same(back)
    assert int(back.optimizer.iterations) == 1, name
model.save_weights(f"{folder}/m.weights.h5")
other = build()
other.load_weights(f"{folder}/m.weights.h5")
same(other)
tf.train.Checkpoint(model).write(f"{folder}/weights")
other = build()
tf.train.Checkpoint(other).read(f"{folder}/weights").expect_partial()
same(other)
code = keras.layers.Lambda(lambda x: x * 2, name="code", output_shape=(3,))
evil = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), code])
for name in ("evil.keras", "evil.h5"):
    evil.save(f"{folder}/{name}")
    try:
        keras.models.load_model(f"{folder}/{name}")
    except ValueError as error:
        assert "safe_mode=False" in str(error)
    else:
        raise AssertionError(name)
    keras.models.load_model(f"{folder}/{name}", safe_mode=False)
os.mkdir(f"{folder}/inner")
with zipfile.ZipFile(f"{folder}/m.keras") as good:
    with zipfile.ZipFile(f"{folder}/inner/out.keras", "w") as archive:
        for name in good.namelist():
            archive.writestr(name, good.read(name))
        archive.writestr("../stray", "x")
same(keras.models.load_model(f"{folder}/inner/out.keras"))
assert not os.path.exists(f"{folder}/stray")
"""


def test_models_and_weights_come_back_and_code_is_refused(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )

    assert run.returncode == 0, run.stderr
