"""First values of variables; expected samples are TensorFlow's (2.21)."""

import numpy as np
import pytest

import penstock as tf


def test_zeros_ones_and_constants_fill_a_shape():
    np.testing.assert_array_equal(tf.zeros_initializer()([2]), [0.0, 0.0])
    np.testing.assert_array_equal(tf.ones_initializer()([2], tf.bool), [True, True])
    np.testing.assert_array_equal(
        tf.constant_initializer([1, 2, 3, 4])([2, 2]), [[1, 2], [3, 4]]
    )
    assert tf.constant_initializer(3)([2]).dtype == tf.int32


def test_a_seed_gives_the_samples_of_tensorflow_each_time():
    normal, uniform = (
        tf.random_normal_initializer(seed=1),
        tf.random_uniform_initializer(seed=1),
    )

    for _ in range(2):
        np.testing.assert_allclose(normal([3]), [0.00633252, -0.02465083, 0.03155954], 1e-5)
        np.testing.assert_allclose(uniform([3]), [0.03784882, -0.00400198, 0.01002913], 1e-5)
    whole = tf.random_uniform_initializer(-2, 5, seed=1)([3], tf.int32)
    np.testing.assert_array_equal(whole, [-1, -2, 1])


def test_without_a_seed_samples_differ():
    make = tf.random_normal_initializer()

    assert not np.array_equal(make([4]), make([4]))


def test_a_config_makes_the_same_initializer():
    first = tf.random_normal_initializer(1.0, 0.5, seed=3)

    again = tf.random_normal_initializer.from_config(first.get_config())

    np.testing.assert_array_equal(again([3]), first([3]))


@pytest.mark.parametrize(
    ("make", "dtype", "error"),
    [
        (tf.zeros_initializer, tf.string, "numeric or boolean"),
        (tf.random_normal_initializer, tf.int32, "floating point"),
        (tf.random_uniform_initializer, tf.bool, "float or int"),
    ],
)
def test_a_dtype_that_does_not_fit_is_refused(make, dtype, error):
    with pytest.raises(ValueError, match=error):
        make()([2], dtype)


def test_a_constant_of_another_size_is_refused():
    with pytest.raises(TypeError, match="2 elements"):
        tf.constant_initializer([1, 2])([3])
