"""Handles of variables, as graphs of TensorFlow make them."""

import numpy as np
import pytest

import penstock as tf


def _handle(name, dtype=tf.float32):
    return tf.raw_ops.VarHandleOp(dtype=dtype, shape=[2], shared_name=name)


def test_handles_of_one_name_are_of_one_variable():
    one, other = _handle("shared"), _handle("shared")

    tf.raw_ops.AssignVariableOp(resource=one, value=tf.constant([1.0, 2.0]))

    assert tf.raw_ops.VarIsInitializedOp(resource=other)
    np.testing.assert_array_equal(
        tf.raw_ops.ReadVariableOp(resource=other, dtype=tf.float32), [1.0, 2.0]
    )


def test_a_name_keeps_its_dtype():
    _handle("typed")

    with pytest.raises(tf.errors.InvalidArgumentError, match="float32"):
        _handle("typed", tf.int32)


def test_a_destroyed_variable_has_no_value():
    handle = _handle("destroyed")
    tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant([1.0, 2.0]))

    tf.raw_ops.DestroyResourceOp(resource=handle)

    assert not tf.raw_ops.VarIsInitializedOp(resource=handle)
    with pytest.raises(tf.errors.NotFoundError, match="gone already"):
        tf.raw_ops.DestroyResourceOp(resource=handle, ignore_lookup_error=False)


def test_a_function_finds_the_variable_by_its_name():
    @tf.function
    def add():
        handle = _handle("found")
        tf.raw_ops.AssignAddVariableOp(resource=handle, value=tf.constant([1.0, 1.0]))
        return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)

    tf.raw_ops.AssignVariableOp(resource=_handle("found"), value=tf.constant([1.0, 2.0]))

    np.testing.assert_array_equal(add(), [2.0, 3.0])
    np.testing.assert_array_equal(add(), [3.0, 4.0])


def test_a_counter_stops_at_its_limit():
    counter = tf.Variable(0)

    def count():
        return tf.raw_ops.ResourceCountUpTo(resource=counter.handle, limit=2, T=tf.int32)

    assert [int(count()), int(count())] == [0, 1]
    with pytest.raises(tf.errors.OutOfRangeError, match="limit of 2"):
        count()


def test_gather_nd_of_a_variable_has_a_gradient():
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    with tf.GradientTape() as tape:
        picked = tf.raw_ops.ResourceGatherNd(
            resource=variable.handle, indices=[[0, 1], [1, 1]], dtype=tf.float32
        )

    np.testing.assert_array_equal(picked, [2.0, 4.0])
    np.testing.assert_array_equal(tape.gradient(picked, variable), [[0, 1], [0, 1]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 2\)"):
        tf.raw_ops.ResourceGatherNd(
            resource=variable.handle, indices=[[2, 0]], dtype=tf.float32
        )


def test_gather_nd_of_rows_has_slices_as_gradient():
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    with tf.GradientTape() as tape:
        picked = tf.raw_ops.ResourceGatherNd(
            resource=variable.handle, indices=[[1], [1]], dtype=tf.float32
        )
    slices = tape.gradient(picked, variable)

    assert isinstance(slices, tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(slices), [[0, 0], [2, 2]])
