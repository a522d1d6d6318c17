import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, tf.int32),
        (2**40, tf.int64),
        (1.0, tf.float32),
        (1j, tf.complex128),
        (True, tf.bool),
        ("a", tf.string),
        (b"a", tf.string),
        ([1, 2.5], tf.float32),
        ([], tf.float32),
        (np.float64(1), tf.float64),
        (np.arange(3), tf.int64),
        (np.array(["x"]), tf.string),
        ([np.float64(1.0)], tf.float64),
    ],
)
def test_python_values_get_tensorflows_default_dtype(value, dtype):
    assert tf.constant(value).dtype == dtype


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1.5, tf.int32), ("a", tf.float32), (1, tf.bool), (1j, tf.float32), (True, tf.int8)],
)
def test_what_would_lose_meaning_is_refused(value, dtype):
    with pytest.raises(TypeError):
        tf.constant(value, dtype)


def test_integers_that_do_not_fit_wrap_around():
    assert tf.constant([300, -1], tf.uint8).numpy().tolist() == [44, 255]


def test_truth_values_become_numbers_where_numbers_are_asked_for():
    assert tf.constant(True, tf.int32).numpy() == 1
    assert (tf.constant(1.0) + True).numpy() == 2.0


def test_a_tensor_of_another_dtype_is_not_cast():
    with pytest.raises(ValueError, match="float32"):
        tf.convert_to_tensor(tf.constant(1.0), tf.int32)


def test_a_ragged_list_is_refused():
    with pytest.raises(ValueError, match="non-rectangular"):
        tf.constant([[1, 2], [3]])


def test_none_is_refused():
    with pytest.raises(ValueError, match="None"):
        tf.constant(None)


def test_a_constant_does_not_follow_the_array_it_was_made_of():
    array = np.zeros(3, np.float32)
    tensor = tf.constant(array)

    array[0] = 1

    np.testing.assert_array_equal(tensor, [0, 0, 0])


def test_float64_stays_float64():
    x = tf.constant(np.ones(3))

    assert (x * 2.0).dtype == tf.float64
    assert (x + x).numpy().dtype == np.float64


def test_dtypes_are_not_mixed():
    with pytest.raises(tf.errors.InvalidArgumentError, match="float64"):
        tf.constant(1.0) + tf.constant(1.0, tf.float64)


def test_a_list_of_tensors_is_stacked():
    x = tf.convert_to_tensor([tf.constant(1.0), 2.0])

    np.testing.assert_array_equal(x, [1, 2])
    assert x.dtype == tf.float32
