"""Sizes given as lists of tensors."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64, tf.int16, tf.uint8])
def test_sizes_that_are_packed_of_tensors_may_be_of_any_number_type(dtype):
    two, three = tf.cast(2, dtype), tf.cast(3, dtype)
    in_function = tf.function(lambda a, b: tf.reshape(tf.range(6), (a, b)), autograph=False)

    assert tf.reshape(tf.range(6), (two, three)).shape == [2, 3]
    assert tf.reshape(tf.range(6), (two, 3)).shape == [2, 3]
    assert in_function(two, three).shape == [2, 3]
    assert tf.fill((two,), 7).numpy().tolist() == [7, 7]
    assert tf.tile([1], (three,)).numpy().tolist() == [1, 1, 1]
    assert tf.transpose(np.ones((2, 3)), (two - 1, two - 2)).shape == [3, 2]


def test_one_tensor_of_sizes_must_be_of_integers():
    with pytest.raises(tf.errors.InvalidArgumentError, match="integers"):
        tf.reshape(tf.range(6), tf.constant([2.0, 3.0]))


def test_an_eager_loop_leaves_numbers_and_arrays_as_they_are():
    seen = []

    def body(i, x):
        seen.append(type(i))
        return i + 1, x + i

    i, x = tf.while_loop(lambda i, x: i < 3, body, (0, np.array(0)))

    assert seen == [int, int, int]
    assert (i.dtype, x.dtype) == (tf.int32, tf.int64)
    assert (int(i), int(x)) == (3, 3)
