"""Order through the public names."""

import numpy as np
import pytest

import penstock as tf

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int64", "uint16"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_sort_is_numpys(dtype, axis, direction):
    x = RNG.integers(0, 100, (4, 5)).astype(dtype)
    x[0, 0] = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else x[0, 0]

    expected = np.sort(x, axis)
    if direction == "DESCENDING":
        expected = np.flip(expected, axis)

    np.testing.assert_array_equal(tf.sort(x, axis, direction), expected)


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_argsort_keeps_equals_in_their_order(direction):
    assert tf.argsort([2, 2, 2], direction=direction).numpy().tolist() == [0, 1, 2]


def test_sort_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="direction"):
        tf.sort([1], direction="UP")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.sort([1], axis=1)


def test_sort_works_along_an_axis_of_unknown_size():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def both(x):
        return tf.sort(x, axis=0), tf.argsort(x, direction="DESCENDING")

    x = RNG.normal(size=(3, 4)).astype(np.float32)
    in_order, places = both(x)

    np.testing.assert_array_equal(in_order, np.sort(x, 0))
    np.testing.assert_array_equal(places, np.argsort(-x, -1))


def test_the_gradient_of_sort_goes_back_to_where_the_elements_were():
    x = tf.constant([[3.0, 1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sort(x) * [[1.0, 10.0, 100.0]]

    np.testing.assert_array_equal(tape.gradient(y, x), [[100, 1, 10]])


def test_top_k_names_its_results():
    found = tf.math.top_k([[1, 5, 3]], k=2, index_type=tf.int64)

    assert found.values.numpy().tolist() == [[5, 3]]
    assert found.indices.dtype == tf.int64


def test_top_k_refuses_more_than_there_are():
    with pytest.raises(tf.errors.InvalidArgumentError, match="k must be"):
        tf.math.top_k([1, 2], k=3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_is_numpys(side):
    rows = np.sort(RNG.normal(size=(2, 3, 6)), -1)
    wanted = RNG.normal(size=(2, 3, 4))

    expected = [
        [np.searchsorted(r, w, side) for r, w in zip(rr, ww, strict=True)]
        for rr, ww in zip(rows, wanted, strict=True)
    ]

    np.testing.assert_array_equal(tf.searchsorted(rows, wanted, side), expected)


def test_approximate_answers_are_exact():
    x = RNG.normal(size=(3, 20)).astype(np.float32)

    values, places = tf.math.approx_min_k(x, 4)

    np.testing.assert_array_equal(values, np.sort(x, -1)[:, :4])
    np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), -1), values)
