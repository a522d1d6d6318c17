"""Python functions among tensors."""

import numpy as np
import pytest

import penstock as tf


def test_py_function_runs_each_time_that_its_graph_runs():
    seen = []

    @tf.function
    def double(x):
        return tf.py_function(lambda v: seen.append(float(v)) or v * 2, [x], tf.float32)

    first, second = double(tf.constant(1.0)), double(tf.constant(2.0))

    assert (first, second) == (2.0, 4.0)
    assert seen == [1.0, 2.0]


@pytest.mark.parametrize("graph", [False, True])
def test_py_function_has_the_gradient_of_its_body(graph):
    def cube(x):
        return tf.py_function(lambda v: v**3, [x], tf.float32)

    run = tf.function(cube) if graph else cube
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = run(x)
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)

    np.testing.assert_allclose(first, [3.0, 12.0])
    np.testing.assert_allclose(second, [6.0, 12.0])


def test_the_body_runs_once_for_a_value_and_its_gradient():
    count = []

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.py_function(lambda v: count.append(1) or v * v, [x], tf.float32)
        return tape.gradient(y, x)

    slope = run(tf.constant(3.0))

    assert slope == 6.0
    assert len(count) == 1


def test_py_function_in_a_loop_has_the_gradient_of_every_round():
    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(3):
                y = tf.py_function(lambda v: v * v, [y], tf.float32)
        return tape.gradient(y, x)

    slope = run(tf.constant(2.0))

    assert slope == 8 * 2.0**7


def test_a_spec_gives_the_result_its_shape():
    @tf.function
    def run(x):
        y = tf.py_function(lambda v: v, [x], tf.TensorSpec([2], tf.float32))
        assert y.shape == [2]
        return y

    np.testing.assert_array_equal(run(tf.constant([1.0, 2.0])), [1.0, 2.0])


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError("no"), tf.errors.InvalidArgumentError),
        (TypeError("no"), tf.errors.InvalidArgumentError),
        (StopIteration("no"), tf.errors.OutOfRangeError),
        (KeyError("no"), tf.errors.UnknownError),
        (tf.errors.DataLossError(None, None, "no"), tf.errors.DataLossError),
    ],
)
def test_an_error_of_the_function_is_one_of_this_library(raised, expected):
    def fail(_):
        raise raised

    with pytest.raises(expected, match="no"):
        tf.py_function(fail, [1], tf.int32)


def test_py_function_refuses_results_of_another_dtype():
    with pytest.raises(tf.errors.InvalidArgumentError, match="float64"):
        tf.py_function(lambda v: tf.cast(v, tf.float64), [1.0], tf.float32)


def test_numpy_function_takes_and_gives_arrays():
    @tf.function
    def run(x, text):
        turned = tf.numpy_function(lambda v: v[::-1].copy(), [x], tf.float32)
        longer = tf.numpy_function(lambda v: v + b"!", [text], tf.string)
        low, high = tf.numpy_function(
            lambda v: (v.min(), v.max()), [x], [tf.float32, tf.float32]
        )
        return turned, longer, low, high

    turned, longer, low, high = run(tf.constant([1.0, 2.0]), tf.constant("a"))

    np.testing.assert_array_equal(turned, [2.0, 1.0])
    assert longer == b"a!"
    assert (low, high) == (1.0, 2.0)


def test_numpy_function_in_a_graph_refuses_another_dtype():
    @tf.function
    def run(x):
        return tf.numpy_function(lambda v: v.astype(np.float64), [x], tf.float32)

    with pytest.raises(tf.errors.InvalidArgumentError, match="must be float32"):
        run(tf.constant(1.0))


def test_both_are_decorators():
    @tf.numpy_function(Tout=tf.float32)
    def half(x):
        return np.float32(x / 2)

    @tf.py_function(Tout=tf.float32)
    def twice(x):
        return x * 2

    assert half(tf.constant(3.0)) == 1.5
    assert twice(tf.constant(3.0)) == 6.0


def test_a_node_without_results_has_its_effect():
    seen = []

    @tf.function
    def run(x):
        tf.numpy_function(lambda v: seen.append(int(v)), [x], [])
        return x

    run(tf.constant(4))

    assert seen == [4]
