"""Quantized numbers through the public names."""

import numpy as np
import pytest

import penstock as tf

X = np.float32([[-2, 0.3], [0.6, 1]])


def test_quantized_numbers_are_cast_as_the_integers_that_store_them():
    stored = tf.bitcast(tf.constant([1, 200], tf.uint8), tf.quint8)

    assert tf.cast(stored, tf.int32).numpy().tolist() == [1, 200]
    assert tf.cast(stored, tf.float32).numpy().tolist() == [1.0, 200.0]
    back = tf.bitcast(tf.cast(tf.constant([1.5, 7.0]), tf.quint8), tf.uint8)
    assert back.numpy().tolist() == [1, 7]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_negative_axis_counts_from_the_end(axis):
    def there_and_back(axis):
        return tf.quantization.quantize_and_dequantize_v2(X, 0.0, 0.0, num_bits=3, axis=axis)

    # Each row, or each column, has its own range: the steps differ.
    expected = there_and_back(axis)
    np.testing.assert_array_equal(there_and_back(axis - 2), expected)
    assert not np.array_equal(expected, there_and_back(1 - axis))
