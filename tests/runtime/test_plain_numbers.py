"""Plain Python numbers as floats, and assigned values of another kind."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", [tf.float32, "float32"])
def test_a_number_beyond_float32_becomes_infinite(dtype):
    assert np.isposinf(tf.convert_to_tensor(1e300, dtype).numpy())


def test_an_integer_beyond_64_bits_is_refused():
    with pytest.raises(ValueError, match="out-of-range"):
        tf.convert_to_tensor(10**400, tf.float32)


def test_a_quantized_variable_takes_no_plain_integers():
    variable = tf.Variable(tf.bitcast(tf.constant([1, 2], tf.int8), tf.qint8))
    with pytest.raises((ValueError, TypeError)):
        variable.assign(tf.constant([3, 4], tf.int8))
