"""Reading checkpoints by the names of their tensors."""

import json
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.wire.bundle import BundleReader

SHARED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "checkpoints"


@pytest.fixture
def path(tmp_path):
    checkpoint = tf.train.Checkpoint(
        a=tf.Variable([[1.0, 2.0]]), s=tf.Variable(b"text"), n=tf.Variable(np.int64(5))
    )
    return checkpoint.save(tmp_path / "ckpt")


def test_the_reader_tells_names_shapes_and_dtypes(path):
    reader = tf.train.load_checkpoint(path)

    assert reader.get_variable_to_shape_map()["a/.ATTRIBUTES/VARIABLE_VALUE"] == [1, 2]
    assert reader.get_variable_to_dtype_map()["n/.ATTRIBUTES/VARIABLE_VALUE"] == tf.int64
    assert reader.has_tensor("a/.ATTRIBUTES/VARIABLE_VALUE")
    assert not reader.has_tensor("a")


def test_a_scalar_comes_as_a_scalar(path):
    reader = tf.train.load_checkpoint(path)

    assert reader.get_tensor("s/.ATTRIBUTES/VARIABLE_VALUE") == b"text"
    assert reader.get_tensor("n/.ATTRIBUTES/VARIABLE_VALUE").dtype == np.int64


def test_a_directory_stands_for_its_latest_checkpoint(path):
    directory = Path(path).parent

    value = tf.train.load_variable(directory, "a/.ATTRIBUTES/VARIABLE_VALUE:0")

    np.testing.assert_array_equal(value, [[1.0, 2.0]])


def test_variables_are_listed_by_name(path):
    listed = tf.train.list_variables(path)

    assert [name for name, _ in listed] == sorted(name for name, _ in listed)
    assert ("a/.ATTRIBUTES/VARIABLE_VALUE", [1, 2]) in listed


def test_an_empty_directory_has_no_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="Couldn't find"):
        tf.train.load_checkpoint(tmp_path)
    assert tf.train.latest_checkpoint(tmp_path) is None


def test_a_state_file_that_cannot_be_read_is_none(tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"\xff not a message {")

    assert tf.train.get_checkpoint_state(tmp_path) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared fixtures are not there")
def test_a_state_file_of_tensorflow_is_understood():
    state = tf.train.get_checkpoint_state(SHARED / "manager" / "ckpt")

    assert state.model_checkpoint_path == str(SHARED / "manager" / "ckpt" / "ck-5")
    assert len(state.all_model_checkpoint_timestamps) == 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared fixtures are not there")
def test_what_tensorflow_saved_is_restored_into_objects_of_the_same_names():
    folder = "object_based"
    manifest = json.loads((SHARED / folder / "manifest.json").read_text())
    relative = next(iter(manifest["checkpoints"]))
    reader = BundleReader(SHARED / folder / relative)
    keys = [key for key in reader.keys() if key.endswith("VARIABLE_VALUE")]  # noqa: SIM118
    root = tf.Module()
    variables = {}
    for key in keys:
        *path, last, _, _ = key.split("/")
        if ".OPTIMIZER_SLOT" in key:
            continue
        parent = root
        for name in path:
            if name not in parent.__dict__:
                setattr(parent, name, tf.Module())
            parent = getattr(parent, name)
        variables[key] = tf.Variable(np.zeros_like(reader.read(key)))
        setattr(parent, last, variables[key])

    tf.train.Checkpoint(root).read(str(SHARED / folder / relative)).expect_partial()

    for key, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), reader.read(key))
    assert variables
