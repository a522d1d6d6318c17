"""Gradients of branches and loops that print, draw random numbers, check or call Python."""

import io
from contextlib import redirect_stderr

import numpy as np
import pytest

import penstock as tf

X = np.array([1.0, 2.0], np.float32)


def test_a_loop_that_prints_is_differentiated_and_prints_once():
    w = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in tf.range(3):
                if i > 0:
                    tf.print("round", i)
                    y = y * w
                else:
                    y = y * x
        return tape.gradient(y, [x, w])

    written = io.StringIO()
    with redirect_stderr(written):
        by_x, by_w = f(tf.constant(X))

    # y = x² w²
    np.testing.assert_allclose(by_x, 2 * X * 4)
    np.testing.assert_allclose(by_w, (X**2 * 2 * 2).sum())
    assert written.getvalue().split("\n") == ["round 1", "round 2", ""]


def test_the_gradient_sees_the_numbers_that_were_drawn():
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = y * tf.random.uniform(tf.shape(x))
        return y, tape.gradient(y, x)

    y, gradient = f(tf.constant(X))

    np.testing.assert_allclose(gradient, y / X, rtol=1e-6)


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_loop_with_checks_in_another_function_is_differentiated(where):
    @tf.function
    def inner(x):
        y = x
        for i in tf.range(2):
            tf.debugging.assert_less(i, 5)
            y = y * x
        return y

    def outer(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        return tape.gradient(y, x)

    run = outer if where == "outside" else tf.function(outer)

    np.testing.assert_allclose(run(tf.constant(X)), 3 * X**2)


def test_rows_that_python_functions_see_are_differentiated():
    seen = []

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.map_fn(
                lambda v: (
                    tf.numpy_function(lambda a: seen.append(a) or a, [v], tf.float32) * 0.0
                    + v * v
                ),
                x,
            )
        return tape.gradient(y, x)

    np.testing.assert_allclose(f(tf.constant(X)), 2 * X)
    assert seen == [1.0, 2.0]


def test_a_branch_of_several_with_effects_is_differentiated():
    @tf.function
    def f(i, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.switch_case(
                i, [lambda: x * 2.0, lambda: x * x * (tf.random.uniform([]) * 0.0 + 1.0)]
            )
        return tape.gradient(y, x)

    np.testing.assert_allclose(f(tf.constant(0), tf.constant(X)), [2.0, 2.0])
    np.testing.assert_allclose(f(tf.constant(1), tf.constant(X)), 2 * X)


def test_a_second_gradient_of_effects_is_refused():
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = x
                for _ in tf.range(2):
                    y = y * x * (1.0 + 0.0 * tf.random.uniform([]))
            gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x)

    with pytest.raises(LookupError, match="second gradient"):
        f(tf.constant(X))
