"""Sums that XLA compiles wrongly are found and compiled otherwise."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(11)


@pytest.mark.parametrize("rows", [200, 256, 300])
def test_rows_less_the_sum_of_their_products_are_right(rows):
    s = RANDOM.uniform(size=(rows, rows)).astype(np.float32)
    x = np.linspace(-1, 1, rows, dtype=np.float32)

    @tf.function
    def f(s, x):
        return s + tf.reduce_sum(x * s, axis=1, keepdims=True)

    expected = s + (x.astype(np.float64) * s).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(f(s, x), expected, atol=1e-3)


def test_sums_inside_loops_are_right():
    s = RANDOM.uniform(size=(300, 300)).astype(np.float32)
    x = np.linspace(-1, 1, 300, dtype=np.float32)

    @tf.function
    def f(s, x, n):
        for _ in tf.range(n):
            s = s - tf.reduce_sum(tf.exp(x) * s, axis=1, keepdims=True) / 300.0
        return s

    expected = s.astype(np.float64)
    for _ in range(3):
        expected = expected - (np.exp(x) * expected).sum(axis=1, keepdims=True) / 300
    np.testing.assert_allclose(f(s, x, tf.constant(3)), expected, atol=1e-3)
