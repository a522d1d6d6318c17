import threading

import jax
import numpy as np
import pytest

import penstock as tf


def test_assigning_replaces_the_value():
    v = tf.Variable([1.0, 2.0])

    v.assign([3.0, 4.0])
    v.assign_add([1.0, 1.0])
    v.assign_sub([0.5, 0.5])

    np.testing.assert_array_equal(v.numpy(), [3.5, 4.5])


def test_another_shape_or_dtype_is_refused():
    v = tf.Variable([1.0, 2.0])

    with pytest.raises(ValueError, match="Shape mismatch"):
        v.assign([1.0])
    with pytest.raises((TypeError, ValueError)):
        v.assign(tf.constant([1, 2]))


def test_a_value_read_before_an_assignment_stays_as_it_was():
    v = tf.Variable(np.zeros(1000, np.float32))

    @tf.function(autograph=False)
    def step(x):
        v.assign_add(x)
        return v.read_value()

    one = tf.constant(np.ones(1000, np.float32))
    step(one)
    before = v.read_value()
    inside = step(one)
    step(one)

    assert float(before[0]) == 1.0
    assert float(inside[0]) == 2.0
    assert float(v[0]) == 3.0


def test_two_variables_do_not_share_a_buffer_after_one_is_assigned_to_the_other():
    a, b = tf.Variable([1.0, 1.0]), tf.Variable([2.0, 2.0])

    @tf.function(autograph=False)
    def copy():
        a.assign(b.read_value())

    @tf.function(autograph=False)
    def grow():
        a.assign_add([1.0, 1.0])

    copy()
    grow()
    grow()

    np.testing.assert_array_equal(a.numpy(), [4, 4])
    np.testing.assert_array_equal(b.numpy(), [2, 2])


def test_numpy_gives_a_copy():
    v = tf.Variable([1.0, 2.0])

    v.numpy()[0] = 9

    np.testing.assert_array_equal(v.numpy(), [1, 2])


def test_scatter_updates_slices():
    v = tf.Variable(np.zeros((3, 2), np.float32))
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([2, 0]))

    v.scatter_add(slices)
    v.scatter_update(slices)
    v.scatter_nd_add([[1, 1]], [5.0])

    np.testing.assert_array_equal(v.numpy(), [[3, 4], [0, 5], [1, 2]])


def test_an_index_out_of_range_is_an_error_and_changes_nothing():
    v = tf.Variable(np.zeros((3, 2), np.float32))

    with pytest.raises(tf.errors.InvalidArgumentError):
        v.scatter_add(tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([7])))

    np.testing.assert_array_equal(v.numpy(), np.zeros((3, 2)))


def test_threads_lose_no_update():
    v = tf.Variable(0.0)

    @tf.function(autograph=False)
    def step():
        v.assign_add(1.0)

    step()

    def work():
        for _ in range(50):
            step()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert float(v) == 401.0


def test_a_variable_is_no_tensor_but_stands_for_one():
    v = tf.Variable(1.0)

    assert not isinstance(v, tf.Tensor)
    assert tf.is_tensor(v)
    assert float(v + 1.0) == 2.0
    with pytest.raises(TypeError, match="unhashable"):
        hash(v)


def test_a_tensor_assigned_to_a_variable_outlives_the_variables_updates():
    v = tf.Variable(np.zeros(5000, np.float32))
    x = tf.constant(np.ones(5000, np.float32))

    @tf.function(autograph=False)
    def take(value):
        v.assign(value)

    @tf.function(autograph=False)
    def grow():
        v.assign_add(tf.ones_like(v))

    doubled = x * 2.0
    take(doubled)
    grow()
    grow()

    assert float(doubled[0]) == 2.0
    assert float(v[0]) == 4.0


def test_moving_a_value_to_the_device_compiles_nothing(caplog):
    variable = tf.Variable(np.arange(77_777, dtype=np.float32))

    with jax.log_compiles():
        moved = variable._holder.device_value()

    assert isinstance(moved, jax.Array)
    assert "Compiling" not in caplog.text
    np.testing.assert_array_equal(moved, np.arange(77_777))
