"""TensorBoard reads what is written here. Made with TensorBoard 2.21."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import penstock as tf

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")


def run(*arguments):
    return subprocess.run(
        [PYTHON, *arguments], capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python with TensorFlow")
    if run("-c", "import tensorboard").returncode:
        pytest.skip("the peer's Python has no TensorBoard")
    folder = tmp_path_factory.mktemp("logs")
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in range(3):
            tf.summary.scalar("loss", 1 / (step + 1), step=step)
        tf.summary.histogram("weights", np.arange(10.0), step=1, buckets=5)
        tf.summary.image("image", np.zeros([2, 4, 5, 3], np.uint8), step=1)
        tf.summary.audio("audio", np.zeros([1, 10, 1], np.float32), 8000, step=1)
        tf.summary.text("text", "**bold**", step=1)
        tf.summary.experimental.hparams({"rate": 0.5, "name": "adam", "fast": True})
        tf.summary.graph(tf.function(lambda x: x * 2.0).get_concrete_function(1.0).graph)
    old = {"writer": writer.handle, "step": 2}
    tf.raw_ops.WriteScalarSummary(**old, tag="old/number", value=2.5)
    tf.raw_ops.WriteHistogramSummary(**old, tag="old/histogram", values=[1.0, 2.0])
    tf.raw_ops.WriteImageSummary(
        **old,
        tag="old",
        tensor=np.zeros([1, 4, 5, 3], np.uint8),
        bad_color=np.uint8([0, 0, 0]),
        max_images=1,
    )
    writer.close()
    answer = run(str(Path(__file__).parent / "peer_reads.py"), str(folder))
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_numbers_are_curves(read):
    expected = [["scalars", step, [], [np.float32(1 / (step + 1)).item()]] for step in range(3)]

    assert read["tensors"]["loss"] == expected


def test_histograms_have_edges_and_counts(read):
    ((plugin, step, shape, values),) = read["tensors"]["weights"]

    assert (plugin, step, shape) == ("histograms", 1, [5, 3])
    np.testing.assert_allclose(np.reshape(values, shape)[:, 2], [2] * 5)


def test_images_sounds_and_texts_belong_to_their_plugins(read):
    tensors = read["tensors"]

    assert [tensors[tag][0][0] for tag in ("image", "audio", "text")] == [
        "images",
        "audio",
        "text",
    ]
    assert bytes.fromhex(tensors["text"][0][3][0]) == b"**bold**"


def test_values_of_the_older_form_are_read_too(read):
    assert read["scalars"] == {"old/number": [[2, 2.5]]}
    assert read["histograms"] == {"old/histogram": [2]}
    assert read["images"] == {"old/image": [[5, 4]]}


def test_parameters_are_those_of_a_trial(read):
    assert read["hparams"] == {"rate": 0.5, "name": "adam", "fast": True}


def test_sounds_are_whole_files(read):
    ((_, _, shape, values),) = read["tensors"]["audio"]

    assert shape[0] == 1
    assert bytes.fromhex(values[0])[:4] == b"RIFF"


def test_the_graph_is_found(read):
    assert read["has_graph"]
