import io
import json
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock.cli.main import main
from penstock.wire.bundle import BundleReader, BundleWriter
from tests.wire.golden import GOLDEN

VALUES = {
    "kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.array([1, 2], ml_dtypes.bfloat16),
    "step": np.int64(7),
}


def converted(*arguments):
    out = io.StringIO()
    status = main(("convert", *map(str, arguments)), out)
    return status, out.getvalue()


@pytest.fixture
def checkpoint(tmp_path):
    with BundleWriter(tmp_path / "ckpt") as writer:
        for name, array in VALUES.items():
            writer.add(name, array)
        writer.add("text", np.array(b"abc", object))
    return tmp_path / "ckpt"


def test_an_old_checkpoint_becomes_a_new_one(tmp_path):
    assert converted(GOLDEN / "ckpt_v1" / "all", tmp_path / "new")[0] == 0

    reader = BundleReader(tmp_path / "new")
    assert len(reader) == 9
    np.testing.assert_array_equal(reader.read("s"), [b"ab", b"c"])
    np.testing.assert_array_equal(reader.read("p")[4:7], reader.read("p")[:3])


def test_numpy_reads_the_weights_and_what_it_cannot_hold_is_told(checkpoint, tmp_path, capsys):
    assert converted(checkpoint, tmp_path / "a.npz")[0] == 0

    with np.load(tmp_path / "a.npz") as found:
        assert sorted(found) == ["kernel", "step"]
        np.testing.assert_array_equal(found["kernel"], VALUES["kernel"])
    assert capsys.readouterr().err.rstrip().endswith(": half, text")


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_weights_come_back_as_they_were(checkpoint, tmp_path, kind):
    converted(checkpoint, tmp_path / f"a.{kind}")

    converted(tmp_path / f"a.{kind}", tmp_path / "back")

    reader = BundleReader(tmp_path / "back")
    assert ("half" in reader) == (kind == "safetensors")
    for key in reader:
        assert reader.read(key).dtype == VALUES[key].dtype
        np.testing.assert_array_equal(reader.read(key), VALUES[key])


def test_objects_are_left_behind_and_values_keep_their_keys(tmp_path):
    tf.train.Checkpoint(a=tf.Variable([1.0])).write(tmp_path / "objects")

    _, text = converted(tmp_path / "objects", tmp_path / "a.npz", "--json")

    assert json.loads(text)["left_out"] == []
    with np.load(tmp_path / "a.npz") as found:
        assert list(found) == ["a/.ATTRIBUTES/VARIABLE_VALUE"]


def test_nothing_is_written_over_unless_asked(checkpoint, tmp_path, capsys):
    converted(checkpoint, tmp_path / "a.npz")

    assert converted(checkpoint, tmp_path / "a.npz")[0] == 1
    assert "pass --force" in capsys.readouterr().err
    assert converted(checkpoint, tmp_path / "a.npz", "--force")[0] == 0
    assert converted(tmp_path / "a.npz", checkpoint)[0] == 1


def test_pickled_arrays_are_refused(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", evil=np.array([print], object))

    assert converted(tmp_path / "a.npz", tmp_path / "ckpt")[0] == 1
    assert "'evil' holds Python objects" in capsys.readouterr().err
    assert not (tmp_path / "ckpt.index").exists()


def test_what_has_no_sense_is_refused(checkpoint, tmp_path, capsys):
    assert converted(GOLDEN / "records.tfrecord", tmp_path / "a.npz")[0] == 1
    assert converted(checkpoint, tmp_path / "a.keras")[0] == 1

    records, keras = capsys.readouterr().err.splitlines()
    assert "a TFRecord file cannot be converted" in records
    assert "weights become a checkpoint" in keras


# In a process of its own: Keras takes hold of the name tensorflow.
KERAS = """
import sys
import numpy as np
import penstock.keras as keras
from penstock.cli.main import main
import penstock as tf
folder = sys.argv[1]
layers = [keras.layers.Input((4,), name="x"), keras.layers.Dense(3)]
plain = keras.Sequential(layers)
plain.save(f"{folder}/plain.keras")
assert main(["convert", f"{folder}/plain.keras", f"{folder}/saved"]) == 0
rows = np.random.RandomState(0).rand(2, 4).astype(np.float32)
served = tf.saved_model.load(f"{folder}/saved").serve(rows)
np.testing.assert_allclose(served, plain.predict(rows, verbose=0), rtol=1e-6)
evil = keras.Sequential(
    [*layers, keras.layers.Lambda(lambda x: x * 2, name="evil", output_shape=(3,))]
)
evil.save(f"{folder}/evil.keras")
assert main(["convert", f"{folder}/evil.keras", f"{folder}/refused"]) == 1
assert main(["convert", f"{folder}/evil.keras", f"{folder}/trusted", "--unsafe"]) == 0
served = tf.saved_model.load(f"{folder}/trusted").serve(rows)
np.testing.assert_allclose(served, plain.predict(rows, verbose=0) * 2, rtol=1e-6)
"""


def test_a_keras_model_becomes_a_saved_model_and_code_in_it_is_refused(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KERAS, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "hold Python code: evil; pass --unsafe" in run.stderr
    assert not (tmp_path / "refused").exists()
