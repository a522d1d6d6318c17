"""Reductions over groups through the public names."""

import numpy as np

import penstock as tf
from penstock.api import sparse_segments

X = np.float32([[1, 2], [3, 5], [-1, 4]])


def test_means_of_segments_without_rows_are_zero():
    mean = tf.math.unsorted_segment_mean(X, [0, 0, -1], 2)
    root = tf.math.unsorted_segment_sqrt_n(X, [0, 0, -1], 2)

    np.testing.assert_array_equal(mean, [[2, 3.5], [0, 0]])
    np.testing.assert_allclose(root, [[4 / np.sqrt(2), 7 / np.sqrt(2)], [0, 0]], rtol=1e-6)


def test_means_work_with_numbers_of_more_axes():
    mean = tf.math.unsorted_segment_mean(X, [[0, 1], [0, 1], [1, 1]], 2)

    np.testing.assert_array_equal(mean, [2, 2.5])


def test_segments_of_unknown_number_work_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.int32)])
    def slope(x, ids):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.math.segment_mean(x, ids)
        return y, tape.gradient(y, x)

    value, gradient = slope(X, np.int32([0, 0, 2]))

    np.testing.assert_array_equal(value, [[2, 3.5], [0, 0], [-1, 4]])
    np.testing.assert_array_equal(gradient, [[0.5, 0.5], [0.5, 0.5], [1, 1]])


def test_a_sparse_gradient_holds_the_picked_rows_only():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = sparse_segments.segment_sum(x, [2, 2], [0, 1], sparse_gradient=True)

    gradient = tape.gradient(y, x)

    np.testing.assert_array_equal(gradient.indices, [2])
    np.testing.assert_array_equal(gradient.values, [[2, 2]])


def test_picked_rows_can_have_segments_to_spare():
    result = sparse_segments.segment_mean(X, [0, 1], [0, 0], num_segments=3)

    np.testing.assert_array_equal(result, [[2, 3.5], [0, 0], [0, 0]])


def test_mean_of_small_integers_is_float32_and_of_others_float64():
    ids = [0, 0, 1]
    small = tf.math.unsorted_segment_mean(tf.constant([1, 2, 5], tf.uint8), ids, 2)
    large = tf.math.unsorted_segment_mean(tf.constant([1, 2, 5]), ids, 2)

    assert (small.dtype, large.dtype) == (tf.float32, tf.float64)
