"""Values of objects in files."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock.wire.bundle import BundleReader, BundleWriter


class Net(tf.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.w = tf.Variable(np.arange(6.0, dtype=np.float32).reshape(2, 3) * scale)
        self.parts = {"bias": tf.Variable([scale, scale]), "list": [tf.Variable(scale)]}


def test_values_stand_under_the_names_that_lead_to_them(tmp_path):
    path = tf.train.Checkpoint(net=Net()).write(tmp_path / "c")

    assert BundleReader(path).keys() == [
        "_CHECKPOINTABLE_OBJECT_GRAPH",
        "net/parts/bias/.ATTRIBUTES/VARIABLE_VALUE",
        "net/parts/list/0/.ATTRIBUTES/VARIABLE_VALUE",
        "net/w/.ATTRIBUTES/VARIABLE_VALUE",
    ]


def test_slashes_and_dots_in_names_are_escaped(tmp_path):
    module = tf.Module()
    module.d = {"a/b.c": tf.Variable(1)}
    path = tf.train.Checkpoint(m=module).write(tmp_path / "c")

    assert "m/d/a.Sb..c/.ATTRIBUTES/VARIABLE_VALUE" in BundleReader(path).keys()  # noqa: SIM118


def test_restored_objects_have_the_saved_values(tmp_path):
    path = tf.train.Checkpoint(net=Net(2.0)).save(tmp_path / "ckpt")
    net = Net(0.0)

    status = tf.train.Checkpoint(net=net).restore(path)

    status.assert_consumed()
    np.testing.assert_array_equal(net.w.numpy(), np.arange(6.0).reshape(2, 3) * 2)
    np.testing.assert_array_equal(net.parts["bias"].numpy(), [2.0, 2.0])
    assert net.parts["list"][0].numpy() == 2.0


def test_an_object_made_after_restore_gets_its_value_then(tmp_path):
    path = tf.train.Checkpoint(net=Net(3.0)).write(tmp_path / "c")
    root = tf.Module()
    tf.train.Checkpoint(net=root).read(path)

    root.w = tf.Variable(np.zeros((2, 3), np.float32))
    root.parts = {"bias": tf.Variable([0.0, 0.0])}

    np.testing.assert_array_equal(root.w.numpy()[1], [9.0, 12.0, 15.0])
    np.testing.assert_array_equal(root.parts["bias"].numpy(), [3.0, 3.0])


def test_a_list_that_grows_after_restore_gets_its_values_then(tmp_path):
    saved = tf.Module()
    saved.items = [tf.Variable(1.0), tf.Variable(2.0)]
    path = tf.train.Checkpoint(m=saved).write(tmp_path / "c")
    module = tf.Module()
    module.items = []
    tf.train.Checkpoint(m=module).read(path)

    module.items.append(tf.Variable(0.0))
    module.items.append(tf.Variable(0.0))

    assert [item.numpy() for item in module.items] == [1.0, 2.0]


def test_save_numbers_the_checkpoints_and_restores_the_number(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    first = checkpoint.save(tmp_path / "ckpt")
    second = checkpoint.save(tmp_path / "ckpt")
    other = tf.train.Checkpoint(v=tf.Variable(0.0))

    other.restore(second).assert_consumed()

    assert (Path(first).name, Path(second).name) == ("ckpt-1", "ckpt-2")
    assert other.save_counter.numpy() == 2
    assert Path(other.save(tmp_path / "ckpt")).name == "ckpt-3"


def test_save_is_noted_as_the_latest_of_its_directory(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable(1.0)).save(tmp_path / "ckpt")

    assert tf.train.latest_checkpoint(tmp_path) == path


def test_write_is_not_noted(tmp_path):
    tf.train.Checkpoint(v=tf.Variable(1.0)).write(tmp_path / "ckpt")

    assert tf.train.latest_checkpoint(tmp_path) is None


def test_a_root_object_stands_at_the_root(tmp_path):
    path = tf.train.Checkpoint(Net(), step=tf.Variable(7)).write(tmp_path / "c")
    keys = BundleReader(path).keys()

    assert "w/.ATTRIBUTES/VARIABLE_VALUE" in keys
    assert "step/.ATTRIBUTES/VARIABLE_VALUE" in keys


def test_a_name_of_the_root_cannot_be_given_twice():
    with pytest.raises(ValueError, match=r"root\.w"):
        tf.train.Checkpoint(Net(), w=tf.Variable(1.0))


def test_what_cannot_be_tracked_is_refused():
    with pytest.raises(ValueError, match="trackable"):
        tf.train.Checkpoint(x=3)


def test_assert_consumed_names_the_values_without_object(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).write(tmp_path / "c")
    status = tf.train.Checkpoint(a=tf.Variable(0.0)).read(path)

    with pytest.raises(AssertionError, match=r"b/\.ATTRIBUTES/VARIABLE_VALUE"):
        status.assert_consumed()
    status.assert_existing_objects_matched()
    status.expect_partial()


def test_assert_existing_objects_matched_names_the_objects_without_value(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0)).write(tmp_path / "c")
    status = tf.train.Checkpoint(a=tf.Variable(0.0), c=tf.Variable(0.0)).read(path)

    with pytest.raises(AssertionError, match=r"root\.c"):
        status.assert_existing_objects_matched()


def test_assert_nontrivial_match_refuses_a_checkpoint_of_something_else(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable(1.0)).write(tmp_path / "c")

    status = tf.train.Checkpoint(other=tf.Variable(0.0)).read(path)

    with pytest.raises(AssertionError, match="Nothing except the root"):
        status.assert_nontrivial_match()


def test_restoring_nothing_is_allowed_but_asserts_nothing():
    status = tf.train.Checkpoint(a=tf.Variable(1.0)).restore(None)

    with pytest.raises(AssertionError, match="No checkpoint"):
        status.assert_consumed()
    status.expect_partial()


def test_a_value_of_another_shape_is_refused(tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable([1.0, 2.0])).write(tmp_path / "c")

    with pytest.raises(ValueError, match="hape"):
        tf.train.Checkpoint(a=tf.Variable([1.0])).read(path)


def test_a_missing_checkpoint_is_not_found(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="nowhere"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).restore(str(tmp_path / "nowhere"))


def test_a_checkpoint_without_objects_is_restored_by_the_names_of_variables(tmp_path):
    with BundleWriter(tmp_path / "v1") as writer:
        writer.add("layer/kernel", np.array([4.0, 5.0], np.float32))
    variable = tf.Variable([0.0, 0.0], name="layer/kernel")

    tf.train.Checkpoint(k=variable).restore(tmp_path / "v1").assert_consumed()

    np.testing.assert_array_equal(variable.numpy(), [4.0, 5.0])


def test_strings_booleans_and_half_precision_come_back_as_they_were(tmp_path):
    values = {
        "s": tf.Variable([b"a", b"\x00\xff"]),
        "b": tf.Variable([True, False]),
        "h": tf.Variable(np.array([1.5, -2.0], np.float16)),
        "f": tf.Variable(tf.constant([1.0, 3.0], tf.bfloat16)),
    }
    path = tf.train.Checkpoint(**values).write(tmp_path / "c")
    empty = {name: tf.Variable(tf.zeros_like(v.read_value())) for name, v in values.items()}

    tf.train.Checkpoint(**empty).read(path).assert_consumed()

    for name, variable in values.items():
        assert empty[name].numpy().tolist() == variable.numpy().tolist()


def test_an_object_shared_by_two_names_is_written_once(tmp_path):
    variable = tf.Variable(1.0)
    path = tf.train.Checkpoint(a=variable, b=variable).write(tmp_path / "c")

    assert len(BundleReader(path)) == 2


def test_callbacks_are_told_the_path(tmp_path):
    told = []
    options = tf.train.CheckpointOptions(experimental_write_callbacks=[told.append])

    path = tf.train.Checkpoint(a=tf.Variable(1.0)).write(tmp_path / "c", options)

    assert told == [path]
