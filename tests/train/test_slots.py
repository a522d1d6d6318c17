"""What optimizers keep beside variables is in checkpoints."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1.train


def trained(steps=0):
    root = tf.Module()
    root.w = tf.Variable([1.0, 2.0])
    root.momentum = v1.MomentumOptimizer(0.1, 0.5)
    root.adam = v1.AdamOptimizer(0.1)
    for _ in range(steps):
        step(root)
    return root


def step(root):
    for optimizer in (root.momentum, root.adam):
        optimizer.minimize(lambda: tf.reduce_sum(root.w), var_list=[root.w])


def test_slots_are_saved_under_their_variable_and_optimizer(tmp_path):
    prefix = tf.train.Checkpoint(root=trained(1)).write(tmp_path / "ckpt")

    reader = tf.train.load_checkpoint(prefix)
    keys = {key for key in reader.get_variable_to_shape_map() if "_CHECK" not in key}
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    slots = ("momentum/momentum", "adam/m", "adam/v")
    assert keys == {
        f"w{value}",
        f"adam/beta1_power{value}",
        f"adam/beta2_power{value}",
        *(f"w/.OPTIMIZER_SLOT/{slot}{value}" for slot in slots),
    }
    np.testing.assert_array_equal(
        reader.get_tensor(f"w/.OPTIMIZER_SLOT/momentum/momentum{value}"), [1.0, 1.0]
    )


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    whole, before, after = trained(4), trained(2), trained()
    prefix = tf.train.Checkpoint(root=before).write(tmp_path / "ckpt")

    status = tf.train.Checkpoint(root=after).read(prefix)
    np.testing.assert_allclose(
        after.momentum.get_slot(after.w, "momentum").numpy(),
        before.momentum.get_slot(before.w, "momentum").numpy(),
    )
    for _ in range(2):
        step(after)

    status.assert_consumed()
    np.testing.assert_allclose(after.w.numpy(), whole.w.numpy(), rtol=1e-6)


def test_a_slot_comes_when_its_variable_does(tmp_path):
    prefix = tf.train.Checkpoint(root=trained(1)).write(tmp_path / "ckpt")
    late = tf.Module()
    late.momentum = v1.MomentumOptimizer(0.1, 0.5)

    tf.train.Checkpoint(root=late).read(prefix).expect_partial()
    late.w = tf.Variable([0.0, 0.0])

    np.testing.assert_array_equal(
        late.momentum.get_slot(late.w, "momentum").numpy(), [1.0, 1.0]
    )


def test_slots_can_be_left_out(tmp_path):
    options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
    with_slots = tf.train.Checkpoint(root=trained(1)).write(tmp_path / "with")
    without = tf.train.Checkpoint(root=trained(1)).write(tmp_path / "without", options)

    assert not [name for name, _ in tf.train.list_variables(without) if "SLOT" in name]
    root = trained()
    tf.train.Checkpoint(root=root).read(with_slots, options)
    assert root.momentum.get_slot(root.w, "momentum") is None


def test_a_device_that_is_none_is_refused(tmp_path):
    options = tf.train.CheckpointOptions(experimental_io_device="nonsense")

    with pytest.raises(ValueError, match="nonsense"):
        tf.train.Checkpoint(root=trained()).write(tmp_path / "ckpt", options)
