"""Reductions over axes, and running sums along one."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError

X = np.float32([[1.0, -2.0, 3.5], [0.5, 4.0, -1.0]])


@pytest.mark.parametrize(
    "axis", [None, 0, -1, [0, 1], (1,), [], np.int64(1), tf.constant([0]), tf.constant(-2)]
)
def test_axes_are_given_in_many_forms(axis):
    plain = axis if axis is None else tuple(np.atleast_1d(np.asarray(axis, np.int64)).tolist())

    np.testing.assert_allclose(tf.reduce_sum(X, axis), X.sum(axis=plain), rtol=1e-6)


@pytest.mark.parametrize("axis", [2, -3, [0, 0], [1, -1]])
def test_an_axis_must_be_there_and_be_named_once(axis):
    with pytest.raises((InvalidArgumentError, ValueError)):
        tf.reduce_sum(tf.constant(X), axis)


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_shape_is_known_before_running(keepdims):
    @tf.function(input_signature=[tf.TensorSpec([None, 3, 2])])
    def function(x):
        return tf.reduce_mean(x, axis=[0, -1], keepdims=keepdims)

    concrete = function.get_concrete_function()

    assert concrete.outputs[0].shape == ([1, 3, 1] if keepdims else [3])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (tf.reduce_sum, 0.0),
        (tf.reduce_prod, 1.0),
        (tf.reduce_max, -np.inf),
        (tf.reduce_min, np.inf),
        (tf.reduce_mean, np.nan),
        (tf.reduce_logsumexp, -np.inf),
    ],
)
def test_a_reduction_of_nothing(function, expected):
    np.testing.assert_equal(function(tf.zeros([0])).numpy(), np.float32(expected))


def test_truth_values_are_not_summed():
    with pytest.raises(InvalidArgumentError):
        tf.reduce_sum(tf.constant([True]))


def test_numbers_are_no_truth_values():
    with pytest.raises(TypeError):
        tf.reduce_all([1, 0])


def test_the_mean_of_integers_is_an_integer():
    assert tf.reduce_mean([1, 2]).numpy() == 1
    assert tf.reduce_mean([2**31 - 1, 2**31 - 1]).numpy() == 2**31 - 1


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_halves_are_summed_without_losing_small_terms(dtype):
    assert float(tf.reduce_sum(tf.ones([4096], dtype))) == 4096.0


def test_variance_and_deviation():
    np.testing.assert_allclose(tf.math.reduce_variance(X, 1), X.var(1), rtol=1e-5)
    np.testing.assert_allclose(
        tf.math.reduce_std(X, 0, True), X.std(0, keepdims=True), rtol=1e-5
    )
    assert tf.math.reduce_variance([1 + 2j, 3]).numpy() == 2.0
    with pytest.raises(TypeError):
        tf.math.reduce_std([1, 2])


def test_logsumexp_neither_overflows_nor_loses_infinities():
    values = tf.constant([[1000.0, 1000.0], [-np.inf, -np.inf], [np.inf, 1.0]])

    result = tf.reduce_logsumexp(values, axis=1).numpy()

    np.testing.assert_allclose(result, [1000.0 + np.log(2), -np.inf, np.inf], rtol=1e-6)


def test_nonzero_elements_of_every_kind_are_counted():
    assert tf.math.count_nonzero([[0, 1], [2, 0]], axis=0).numpy().tolist() == [1, 1]
    assert tf.math.count_nonzero(["", "a", "b"]).numpy() == 2
    assert tf.math.count_nonzero([True, False], dtype=tf.int32).dtype == tf.int32
    assert tf.math.zero_fraction([0, 1, 0, 3]).numpy() == 0.5


def test_the_place_of_the_largest():
    assert tf.argmax([[1, 3], [4, 2]]).numpy().tolist() == [1, 0]
    assert tf.argmax([[1, 3], [4, 2]], 1, tf.int32).dtype == tf.int32
    assert tf.argmax([np.nan, 1.0, 2.0]).numpy() == 2
    with pytest.raises(InvalidArgumentError):
        tf.argmax(tf.zeros([0]))
    with pytest.raises(InvalidArgumentError):
        tf.argmax([1.0], output_type=tf.float32)


def test_running_sums():
    assert tf.cumsum([1, 2, 3], exclusive=True).numpy().tolist() == [0, 1, 3]
    assert tf.math.cumprod([1, 2, 3], reverse=True).numpy().tolist() == [6, 6, 3]
    with pytest.raises(InvalidArgumentError):
        tf.cumsum([1.0], axis=1)


def test_a_reduction_of_unknown_rank_has_a_gradient():
    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec([None], tf.int32)])
    def gradient(x, axes):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.reduce_max(x, axes))
        return tape.gradient(total, x)

    assert gradient(X, [1]).numpy().tolist() == [[0, 0, 1], [0, 1, 0]]
    assert gradient(X, [-2, 1]).numpy().tolist() == [[0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("dtype", [tf.uint64, tf.int8])
def test_of_no_integers_the_smallest_is_the_largest_there_is(dtype):
    smallest = tf.function(lambda x: tf.reduce_min(x, 0), jit_compile=True, autograph=False)

    assert int(smallest(tf.zeros([0, 1], dtype))[0]) == dtype.max
