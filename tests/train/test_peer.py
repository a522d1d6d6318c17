"""TensorFlow restores what is written here, and back. Made with TensorFlow 2.21."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import penstock as tf

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
KERNEL = np.arange(12.0, dtype=np.float32).reshape(3, 4) / 2


def objects():
    root = tf.Module()
    root.kernel = tf.Variable(KERNEL)
    root.parts = [tf.Variable(np.arange(5)), {"name": tf.Variable("ours")}]
    root.half = tf.Variable([1.5, 2.5], dtype=tf.bfloat16)
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python with TensorFlow")
    folder = tmp_path_factory.mktemp("peer")
    checkpoint = tf.train.Checkpoint(root=objects())
    checkpoint.write(folder / "plain")
    checkpoint.write(folder / "twice")
    checkpoint.write(folder / "twice")
    policy = tf.train.experimental.MaxShardSizePolicy(20)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    checkpoint.write(folder / "shards", options)
    checkpoint.save(folder / "background", tf.train.CheckpointOptions(enable_async=True))
    checkpoint.sync()
    manager = tf.train.CheckpointManager(checkpoint, folder / "managed", max_to_keep=1)
    manager.save()
    manager.save()
    named = tf.Variable([1.0, 2.0], name="named")
    tf.compat.v1.train.Saver([named]).save(None, str(folder / "saver"))
    return folder


@pytest.fixture(scope="module")
def answers(folder):
    program = Path(__file__).parent / "peer_checkpoints.py"
    run = subprocess.run(
        [PYTHON, str(program), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", ["plain", "twice", "shards", "background-1"])
def test_tensorflow_restores_objects(answers, name):
    expected = [KERNEL.ravel().tolist(), list(range(5)), "ours", [1.5, 2.5]]

    assert answers[name] == expected


def test_tensorflow_reads_the_state_file_and_names(answers, folder):
    assert answers["latest"] == tf.train.latest_checkpoint(folder / "managed")
    assert answers["by_name"] == [1, 2]


@pytest.mark.usefixtures("answers")
def test_shards_of_tensorflow_are_restored_here(folder):
    root = objects()

    tf.train.Checkpoint(root=root).read(folder / "theirs").assert_consumed()

    np.testing.assert_array_equal(root.kernel.numpy().ravel(), np.arange(12))
    assert root.parts[0].numpy().tolist() == [1, 2, 3, 4, 5]
    assert root.parts[1]["name"].numpy() == b"from TensorFlow"
