"""Directional derivatives, computed beside the values."""

import numpy as np
import pytest

import penstock as tf

Accumulator = tf.autodiff.ForwardAccumulator
X = np.array([1.0, 2.0, 3.0])
V = np.array([1.0, 0.5, -1.0])


def directional(function, step=1e-6):
    """The derivative at X along V, by differences."""
    ends = [np.asarray(function(tf.constant(X + sign * step * V))) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


FUNCTIONS = {
    "elementwise": lambda x: tf.sin(x) * tf.exp(x),
    "reduction": lambda x: tf.reduce_logsumexp(x * x),
    "softmax": tf.nn.softmax,
    "gather": lambda x: tf.gather(x * x, [2, 0, 0]),
    "matmul": lambda x: tf.matmul(x[:, None], x[None, :]),
    "inverse": lambda x: tf.linalg.inv(tf.linalg.diag(x) + 0.1),
    "sort": lambda x: tf.sort(x * x, direction="DESCENDING"),
    "concat": lambda x: tf.concat([x, 2 * x], 0),
    "scan": lambda x: tf.scan(lambda a, b: a * b, x),
    "stopped": lambda x: tf.stop_gradient(x) + x,
    "function": tf.function(lambda x: tf.reduce_sum(tf.tanh(x) * x), autograph=False),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_derivatives_along_a_direction(function):
    x = tf.constant(X)
    with Accumulator(x, tf.constant(V)) as acc:
        y = function(x)

    wanted = V if function is FUNCTIONS["stopped"] else directional(function)
    np.testing.assert_allclose(acc.jvp(y), wanted, rtol=1e-6, atol=1e-8)


def test_complex_functions():
    z = tf.constant([1.0 + 2.0j])
    with Accumulator(z, tf.constant([1.0 - 1.0j])) as acc:
        y = z**3

    np.testing.assert_allclose(acc.jvp(y), [3 * (1 + 2j) ** 2 * (1 - 1j)])


def test_variables_and_nests():
    w = tf.Variable([1.0, 2.0])
    with Accumulator(w, tf.constant([1.0, 1.0])) as acc:
        y = w * w
        z = w.read_value()

    found = acc.jvp({"y": y, "parts": [z, w]})

    assert found["y"].numpy().tolist() == [2, 4]
    assert [part.numpy().tolist() for part in found["parts"]] == [[1, 1], [1, 1]]


def test_what_does_not_depend_on_the_primals_has_no_derivative():
    x = tf.constant(2.0)
    with Accumulator(x, tf.constant(1.0)) as acc:
        count = tf.cast(x, tf.int32)
        other = tf.constant(3.0) * 2

    assert acc.jvp([count, other]) == [None, None]
    assert acc.jvp(other, unconnected_gradients="zero").numpy() == 0


def test_forward_over_reverse_and_reverse_over_forward_are_hessian_products():
    def loss(x):
        return tf.reduce_sum(tf.sin(x) * x)

    x, v = tf.constant(X), tf.constant(V)
    wanted = (2 * np.cos(X) - X * np.sin(X)) * V

    with Accumulator(x, v) as acc, tf.GradientTape() as tape:
        tape.watch(x)
        y = loss(x)
        gradient = tape.gradient(y, x)
    np.testing.assert_allclose(acc.jvp(gradient), wanted)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with Accumulator(x, v) as acc:
            y = loss(x)
        derivative = acc.jvp(y)
    np.testing.assert_allclose(tape.gradient(derivative, x), wanted)
    compiled = tf.function(loss, autograph=False)
    with Accumulator(x, v) as acc:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = compiled(x)
        gradient = tape.gradient(y, x)
    np.testing.assert_allclose(acc.jvp(gradient), wanted)


def test_accumulators_within_each_other_give_second_derivatives():
    x = tf.constant(3.0)
    one = tf.constant(1.0)
    with Accumulator(x, one) as outer:
        with Accumulator(x, one) as inner:
            y = x**3
        slope = inner.jvp(y)

    assert outer.jvp(slope).numpy() == pytest.approx(18)
    assert outer.jvp(y).numpy() == pytest.approx(27)
    assert inner.jvp(outer.jvp(y)) is None


def test_accumulators_work_within_functions_and_follow_loops_of_known_length():
    @tf.function
    def derivative(x, v):
        with Accumulator(x, v) as acc:
            y = tf.reduce_sum(tf.exp(x) * x)
        return acc.jvp(y)

    @tf.function
    def power(x):
        y = x
        for _ in tf.range(3):
            y = y * x
        return y

    x, v = tf.constant(X), tf.constant(V)

    np.testing.assert_allclose(derivative(x, v), np.sum(np.exp(X) * (1 + X) * V))
    with Accumulator(x, v) as acc:
        y = power(x)
    np.testing.assert_allclose(acc.jvp(y), 4 * X**3 * V)


def test_rules_of_custom_gradients_are_for_tapes_alone():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * 100

    x = tf.constant(3.0)
    with Accumulator(x, tf.constant(1.0)) as acc, tf.GradientTape() as tape:
        tape.watch(x)
        y = square(x)

    assert acc.jvp(y).numpy() == 6
    assert tape.gradient(y, x).numpy() == 100


def test_misuse_is_refused():
    x = tf.constant(X)
    acc = Accumulator(x, tf.constant(V))

    assert acc.jvp(x).numpy().tolist() == V.tolist()
    with pytest.raises(ValueError, match="shape of its primal"):
        Accumulator(x, tf.constant([1.0], tf.float64))
    with pytest.raises(ValueError, match="same"):
        Accumulator([x], [x, x])
    with acc, pytest.raises(ValueError, match="already recording"):
        acc.__enter__()
    with pytest.warns(UserWarning, match="must be floating"):
        Accumulator(tf.constant([1]), tf.constant([1]))
