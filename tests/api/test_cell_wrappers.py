"""Recurrent cells within others."""

import numpy as np
import pytest

import penstock as tf


class Cell(tf.Module):
    """Adds its inputs to its state, and gives that."""

    state_size = 3
    output_size = 3
    built_for = None

    def build(self, shape):
        self.built_for = shape

    def __call__(self, inputs, state, scale=1.0):
        following = (state + inputs) * scale
        return following, following


X = np.ones((2, 3), np.float32)


def test_residuals_are_added():
    wrapped = tf.nn.RNNCellResidualWrapper(Cell())

    outputs, state = wrapped(X, wrapped.zero_state(2, tf.float32))

    assert outputs.numpy().tolist() == (2 * X).tolist()
    assert state.numpy().tolist() == X.tolist()
    assert (wrapped.state_size, wrapped.output_size) == (3, 3)
    own = tf.nn.RNNCellResidualWrapper(Cell(), residual_fn=lambda x, y: y - x)
    assert np.asarray(own(X, 0.0)[0]).tolist() == (0 * X).tolist()
    assert np.asarray(own(X, 0.0, scale=3.0)[0]).tolist() == (2 * X).tolist()
    narrow = tf.nn.RNNCellResidualWrapper(lambda x, s: (x[:, :2], s))
    with pytest.raises(ValueError, match="incompatible"):
        narrow(tf.constant(X), 0.0)


def test_entries_are_dropped_and_the_others_scaled():
    wide = np.ones((1, 1000), np.float32)
    cell = tf.nn.RNNCellDropoutWrapper(
        lambda x, s: (x, s), input_keep_prob=0.5, state_keep_prob=0.25, seed=1
    )

    outputs, state = cell(wide, wide)

    assert set(outputs.numpy().ravel()) == {0.0, 2.0}
    assert set(state.numpy().ravel()) == {0.0, 4.0}
    assert abs(np.mean(outputs) - 1) < 0.1
    assert abs(np.mean(state) - 1) < 0.2


def test_visitors_choose_what_of_a_state_is_dropped():
    cell = tf.nn.RNNCellDropoutWrapper(
        lambda x, s: (x, s),
        state_keep_prob=1e-6,
        dropout_state_filter_visitor=lambda state: [True, False],
    )

    _, (first, second) = cell(X, [X, X])

    assert first.numpy().tolist() == (0 * X).tolist()
    assert second.tolist() == X.tolist()


def test_variational_dropout_drops_the_same_entries_every_time():
    cell = tf.nn.RNNCellDropoutWrapper(
        Cell(),
        input_keep_prob=0.5,
        variational_recurrent=True,
        input_size=3,
        dtype=tf.float32,
        seed=3,
    )

    found = [cell(X, 0.0)[0].numpy() for _ in range(3)]

    assert set(found[0].ravel()) <= {0.0, 2.0}
    assert found[0][0].tolist() == found[0][1].tolist()
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    with pytest.raises(ValueError, match="dtype must be provided"):
        tf.nn.RNNCellDropoutWrapper(Cell(), variational_recurrent=True)
    with pytest.raises(ValueError, match="input_size must be provided"):
        tf.nn.RNNCellDropoutWrapper(Cell(), 0.5, variational_recurrent=True, dtype=tf.float32)


def test_wrappers_are_made_anew_of_their_configuration():
    cell = Cell()
    wrapped = tf.nn.RNNCellDropoutWrapper(cell, output_keep_prob=0.5, seed=2)

    again = tf.nn.RNNCellDropoutWrapper.from_config(wrapped.get_config())
    wrapped.build([2, 3])

    assert again.wrapped_cell is cell
    assert again.get_config() == wrapped.get_config()
    assert cell.built_for == [2, 3]
    with pytest.raises(ValueError, match="output_keep_prob"):
        tf.nn.RNNCellDropoutWrapper(cell, output_keep_prob=0.0)
    with pytest.raises(TypeError, match="not callable"):
        tf.nn.RNNCellResidualWrapper(3)


def test_cells_run_on_a_device():
    wrapped = tf.nn.RNNCellDeviceWrapper(Cell(), "/device:CPU:0")

    outputs, _ = wrapped(X, wrapped.get_initial_state(X))

    assert outputs.device.endswith("CPU:0")
    assert wrapped.get_config()["device"] == "/device:CPU:0"
    with pytest.raises(tf.errors.InvalidArgumentError, match="device"):
        tf.nn.RNNCellDeviceWrapper(Cell(), "/device:TPU:9")(X, 0.0)
