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


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, [2**70], [True, False, 1]])
def test_integers_out_of_range_and_truth_before_numbers_are_refused(value):
    with pytest.raises(ValueError, match="Can't convert Python sequence"):
        tf.constant(value)


@pytest.mark.parametrize("value", [{"a": 1}, {1, 2}, {1: 2}.values()])
def test_what_has_no_order_is_no_tensor(value):
    with pytest.raises(ValueError, match="unsupported type"):
        tf.convert_to_tensor(value)


def test_large_integers_may_become_floats_and_unsigned_integers():
    assert tf.constant(2**70, tf.float64).numpy() == 2.0**70
    assert tf.constant(2**63, tf.uint64).numpy() == 2**63


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([np.float32(1), 2], tf.float32),
        ([1, np.float64(2)], tf.float32),
        ([np.float64(1), np.float32(2)], tf.float64),
        ([np.float16(1), 1.5], tf.float16),
        ([np.int64(2), 1], tf.int32),
    ],
)
def test_the_first_item_of_a_list_decides_among_floats(value, dtype):
    assert tf.constant(value).dtype == dtype


def test_empty_lists_may_hold_strings():
    assert tf.constant([], tf.string).shape == [0]


def test_tensors_are_formatted_as_their_values():
    assert f"{tf.constant([1, 2])} {tf.constant(2.5):.2f}" == "[1 2] 2.50"


def test_an_empty_tensor_is_false_and_a_scalar_has_no_items():
    assert not tf.constant([])
    with pytest.raises(TypeError, match="iterate"):
        iter(tf.constant(1))


def test_truth_values_multiply_and_unlike_values_do_not_compare():
    product = tf.constant([True, False]) * True
    assert product.numpy().tolist() == [True, False]
    with pytest.raises(TypeError):
        _ = tf.constant([1, 2]) == 2.5


def test_inputs_of_a_fixed_dtype_are_checked_on_the_quick_way():
    with pytest.raises(tf.errors.InvalidArgumentError, match="bool"):
        tf.where(tf.constant([1, 0]), 1.0, 2.0)


def test_ragged_tensors_are_written_as_their_elements_are():
    ragged = tf.RaggedTensor.from_row_splits(tf.constant([1.1, 2.0]), [0, 1, 1, 2])
    assert str(ragged) == "<tf.RaggedTensor [[1.1], [], [2.0]]>"


def test_truth_before_numbers_is_taken_where_the_dtype_is_told():
    assert tf.constant([True, 2], tf.int32).numpy().tolist() == [1, 2]


def test_sparse_tensors_are_written_with_their_parts():
    sparse = tf.SparseTensor([[0]], [1], [2])
    assert str(sparse).startswith("SparseTensor(indices=tf.Tensor([[0]], shape=(1, 1), dtype=")
