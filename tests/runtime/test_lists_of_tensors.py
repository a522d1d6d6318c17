"""A list that holds tensors becomes one tensor."""

import numpy as np

import penstock as tf


def test_tensors_in_a_list_are_cast_to_the_dtype_asked_for():
    packed = tf.convert_to_tensor([tf.constant(3), 4], dtype=tf.int64)

    assert packed.dtype == tf.int64
    assert packed.numpy().tolist() == [3, 4]


def test_symbolic_tensors_in_a_list_are_cast_to_the_dtype_asked_for():
    @tf.function
    def sizes(n):
        return tf.convert_to_tensor([n, 4], dtype=tf.int64)

    assert sizes(tf.constant(3)).numpy().tolist() == [3, 4]


def test_a_float_range_has_as_many_numbers_as_its_dtype_tells():
    # 1.1 - 0.1 is 1 in float32 and more than that in float64 of float32's numbers.
    numbers = tf.range(0.1, 1.1, 0.1)

    assert numbers.shape == (10,)
    np.testing.assert_allclose(numbers, np.arange(1, 11, dtype=np.float32) / 10, rtol=1e-6)


def test_what_can_become_a_tensor_is_not_one_yet():
    class Convertible:
        def __tf_tensor__(self, dtype=None, name=None):
            return tf.constant(1)

    slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))

    assert not tf.is_tensor(Convertible())
    assert not tf.is_tensor(np.ones(3))
    assert tf.is_tensor(tf.constant(1))
    assert tf.is_tensor(tf.Variable(1))
    assert tf.is_tensor(slices)
