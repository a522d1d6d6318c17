"""Gradient rules of the user's own inside branches and loops."""

import numpy as np
import pytest

import penstock as tf

MODES = [None, True]


@tf.custom_gradient
def clipped(x):
    return tf.identity(x), lambda dy: tf.clip_by_value(dy, -1.0, 1.0)


@pytest.mark.parametrize("jit", MODES)
def test_a_rule_in_branches_of_a_loop_is_followed(jit):
    @tf.function(jit_compile=jit)
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = clipped(y * 3.0) if tf.reduce_sum(y) > 0.0 else clipped(y * -2.0)
            z = tf.reduce_sum(y)
        return z, tape.gradient(z, x)

    z, gradient = f(tf.constant([1.0, -0.5]))

    # Each round clips what arrives to 1; the first one then gives it three times.
    np.testing.assert_allclose(z, 13.5)
    np.testing.assert_allclose(gradient, [3.0, 3.0])


@pytest.mark.parametrize("jit", MODES)
def test_variables_of_a_rule_in_a_loop_have_gradients(jit):
    w = tf.Variable(2.0)

    @tf.custom_gradient
    def scaled(x):
        def grad(dy, variables=None):
            return dy * 7.0, [tf.reduce_sum(dy) * 5.0]

        return x * w, grad

    @tf.function(jit_compile=jit)
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(2):
                y = scaled(y)
        return tape.gradient(y, [x, w])

    by_x, by_w = f(tf.constant([1.0, -0.5]))

    np.testing.assert_allclose(by_x, [49.0, 49.0])
    # 5 (1 + 1) of the last round, 5 (7 + 7) of the first.
    np.testing.assert_allclose(by_w, 80.0)


@pytest.mark.parametrize("jit", MODES)
def test_second_gradients_follow_the_rule_too(jit):
    @tf.custom_gradient
    def square(x):
        return x * x, lambda dy: dy * x * 3.0

    @tf.function(jit_compile=jit)
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = x
                for _ in tf.range(2):
                    y = square(y)
            gradient = inner.gradient(y, x)
        return gradient, outer.gradient(gradient, x)

    first, second = f(tf.constant(2.0))

    # The rule gives (x²)·3 and then x·3; x² differentiated again is 3 x by the rule.
    np.testing.assert_allclose(first, 9 * 2.0**3)
    np.testing.assert_allclose(second, 9 * (3 * 2.0 * 2.0 + 2.0**2))


def test_recomputed_blocks_in_a_loop_are_differentiated():
    w = tf.Variable(0.5)

    @tf.recompute_grad
    def block(x):
        return x * w

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = block(y)
        return tape.gradient(y, [x, w])

    by_x, by_w = f(tf.constant(2.0))

    np.testing.assert_allclose([by_x, by_w], [0.5**3, 3 * 0.5**2 * 2.0])
