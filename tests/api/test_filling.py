"""New tensors through the public names."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "int8", "bool", "complex64", "uint64"]
)
def test_zeros_and_ones_have_the_dtype_asked_for(dtype):
    for make, value in ((tf.zeros, 0), (tf.ones, 1)):
        result = make([2], dtype)

        assert result.dtype.name == dtype
        assert [complex(each) for each in result.numpy()] == [value, value]


def test_zeros_of_strings_are_empty():
    assert tf.zeros([2], tf.string).numpy().tolist() == [b"", b""]
    with pytest.raises(TypeError, match="string"):
        tf.ones([2], tf.string)


def test_a_negative_size_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative"):
        tf.zeros([-1])


@pytest.mark.parametrize("columns", [None, 2, 5])
def test_eye_is_numpys(columns):
    np.testing.assert_array_equal(tf.eye(3, columns, dtype=tf.int32), np.eye(3, columns))


def test_eye_repeats_over_a_batch_that_a_graph_computes():
    @tf.function
    def batch(n):
        return tf.eye(n, batch_shape=[n])

    np.testing.assert_array_equal(batch(tf.constant(2)), [np.eye(2)] * 2)


def test_one_hot_takes_its_dtype_from_its_values():
    assert tf.one_hot([0], 2).dtype == tf.float32
    assert tf.one_hot([0], 2, on_value=5).dtype == tf.int32
    assert tf.one_hot([0], 2, on_value=1.5, dtype=tf.float64).dtype == tf.float64
    with pytest.raises(TypeError, match="must have the dtype"):
        tf.one_hot([0], 2, on_value=5, off_value=1.0)
    with pytest.raises(TypeError):
        tf.one_hot([0], 2, dtype=tf.string)


def test_sequence_mask_finds_the_longest_row():
    mask = tf.sequence_mask([[1, 3], [0, 2]])

    assert mask.shape == [2, 2, 3]
    np.testing.assert_array_equal(mask[0, 1], [True, True, True])
    assert tf.sequence_mask([], 3).shape == [0, 3]
    with pytest.raises(ValueError, match="scalar"):
        tf.sequence_mask([1], [2])


def test_likes_take_the_shape_of_an_unknown_tensor():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def likes(x):
        return tf.zeros_like(x, tf.int32), tf.ones_like(x)

    zeros, ones = likes(tf.zeros([3]))

    np.testing.assert_array_equal(zeros, np.zeros(3, np.int32))
    np.testing.assert_array_equal(ones, np.ones(3, np.float32))
