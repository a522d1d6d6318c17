"""Real TensorFlow loads our SavedModels and checkpoints, and we load its. TensorFlow 2.21."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from tests.saved_model.models import Trainer, X, batch, traced

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
HERE = Path(__file__).parent
BIAS = np.array([1.0, 2.0, 3.0], np.float32)


def run(python, script, *args):
    done = subprocess.run(
        [python, HERE / script, *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[2]), "KERAS_BACKEND": "tensorflow"},
    )
    assert done.returncode == 0, done.stderr[-3000:]


def peer(command, folder):
    """What TensorFlow answers."""
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    run(PYTHON, "peer.py", command, folder)
    with np.load(folder / "answer.npz") as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    tf.saved_model.save(traced(), folder / "model")
    return folder


def test_tensorflow_loads_a_model_with_live_variables(saved):
    answer = peer("read", saved)
    expected = {
        "signature": X * 2 + BIAS,
        "serve": X * 2 + BIAS,
        "calls": 2,
        "scale": X * 2,
        "scale_training": X * 6,
        "repeat": X[:1] * BIAS * 3,
        "repeat_negative": (-X[0] - 1) * 2,
        "picked": [5.0, 7.0],
        "list": 1.0,
        "pair": 4.0,
        "trainable": 1,
        "gradient": X[0] * 3,
        "after_assign": X * 2,
    }

    assert sorted(answer) == sorted(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(answer[key], value, rtol=1e-5, err_msg=key)


def test_tensorflow_goes_on_training_a_model(tmp_path):
    model = Trainer()
    tf.saved_model.save(model, tmp_path / "model")
    x, tokens, y = batch()
    np.savez(tmp_path / "batch", x=x, tokens=tokens, y=y)

    answer = peer("train", tmp_path)
    losses = [model.step(*map(tf.constant, (x, tokens, y))).numpy() for _ in range(4)]

    np.testing.assert_allclose(answer["losses"], losses, rtol=1e-5)
    np.testing.assert_allclose(answer["bias"], model.bias.numpy(), rtol=1e-4, atol=1e-6)


def test_a_session_restores_runs_and_saves_a_model(saved):
    answer = peer("session", saved)

    np.testing.assert_allclose(answer["y"], X * 2 + BIAS, rtol=1e-5)
    np.testing.assert_array_equal(answer["kernel"], np.eye(3) * 2)


def test_we_load_a_model_of_tensorflow(tmp_path):
    answer = peer("write", tmp_path)
    loaded = tf.saved_model.load(tmp_path / "theirs")
    v = tf.constant([1.0, -2.0, 3.0])

    np.testing.assert_allclose(loaded(tf.constant(X)), answer["plain"], rtol=1e-5)
    np.testing.assert_allclose(loaded(tf.constant(X), 2), answer["power"], rtol=1e-5)
    np.testing.assert_allclose(
        loaded(tf.constant(X), negate=True, power=3), answer["negated"], rtol=1e-5
    )
    result = loaded.loops(v)
    np.testing.assert_allclose(result["total"], answer["total"])
    # The count goes on from where it was saved.
    assert result["seen"].numpy() == answer["seen"] + 2
    np.testing.assert_array_equal(loaded.items[1]["deep"].numpy(), [2.0, 3.0])


def test_checkpoints_go_both_ways(tmp_path):
    def program():
        module = tf.Module()
        module.w = tf.Variable(np.ones((2, 3), np.float32))
        module.parts = {"list": [tf.Variable("ours")], "flag": tf.Variable(True)}
        return module, tf.train.Checkpoint(module=module, step=tf.Variable(7))

    _, checkpoint = program()
    checkpoint.save(tmp_path / "ours" / "ckpt")
    answer = peer("checkpoint", tmp_path)
    module, checkpoint = program()
    latest = tf.train.latest_checkpoint(tmp_path / "theirs")
    checkpoint.restore(latest).assert_consumed()

    np.testing.assert_array_equal(answer["w"], np.ones((2, 3)))
    assert answer["flag"]
    assert answer["count"] == 1
    np.testing.assert_array_equal(module.w.numpy(), np.full((2, 3), 2.0))
    assert module.parts["list"][0].numpy() == b"from TensorFlow"
    assert checkpoint.save_counter.numpy() == 4


def test_exported_keras_models_answer_alike_everywhere(tmp_path):
    run(sys.executable, "export.py", tmp_path)
    answer = peer("keras", tmp_path)

    checked = 0
    for path in sorted(tmp_path.glob("*.npz")):
        if path.stem == "answer":
            continue
        stored = np.load(path)
        for key in stored.files:
            if not key.startswith("y."):
                continue
            name = key[2:]
            expected = stored[key]
            theirs = [
                answer[f"{path.stem}.{name}"],
                answer[f"{path.stem}.signature.{'output_0' if name == 'y' else name}"],
            ]
            for got in (stored[f"again.{name}"], *theirs):
                np.testing.assert_allclose(
                    got, expected, rtol=1e-5, atol=1e-6, err_msg=path.stem
                )
            checked += 1
    assert checked == 6


@pytest.mark.parametrize(
    ("writer", "reader"), [("penstock", "tensorflow"), ("tensorflow", "penstock")]
)
def test_checkpoints_of_keras_models_go_both_ways(tmp_path, writer, reader):
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    python = {"penstock": sys.executable, "tensorflow": PYTHON}
    prefix = tmp_path / "ckpt"

    run(python[writer], "keras_checkpoint.py", writer, "save", prefix, tmp_path / "a.npy")
    run(python[reader], "keras_checkpoint.py", reader, "restore", prefix, tmp_path / "b.npy")

    expected = np.load(tmp_path / "a.npy")
    np.testing.assert_allclose(np.load(tmp_path / "b.npy"), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("writer", "reader"), [("penstock", "tensorflow"), ("tensorflow", "penstock")]
)
def test_slots_of_optimizers_go_both_ways(tmp_path, writer, reader):
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    python = {"penstock": sys.executable, "tensorflow": PYTHON}
    prefix, script = tmp_path / "ckpt", "slots_checkpoint.py"

    run(python[writer], script, writer, "save", prefix, tmp_path / "a.npz")
    run(python[reader], script, reader, "restore", prefix, tmp_path / "b.npz")

    with np.load(tmp_path / "a.npz") as expected, np.load(tmp_path / "b.npz") as got:
        # Ten variables, eleven slots, and what Keras keeps; and all after another step.
        assert set(got) == set(expected)
        assert len(expected) == 78
        for key in expected:
            np.testing.assert_allclose(got[key], expected[key], rtol=1e-5, err_msg=key)
