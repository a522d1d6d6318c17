"""The order of `TopKV2`: ties by place, NaN and infinities, both zeros."""

import numpy as np
import pytest

import penstock as tf


def expected(x, k):
    order = sorted(
        range(len(x)),
        key=lambda i: (not np.isnan(x[i]), -float(x[i]) if x[i] == x[i] else 0.0, i),
    )
    return order[:k]


@pytest.mark.parametrize("k", [2, 3, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint32])
def test_equal_elements_keep_their_order(dtype, k):
    generator = np.random.default_rng(3)
    for _ in range(20):
        x = generator.integers(0, 7, 40).astype(dtype)
        if dtype in (np.float32, np.float64):
            x[generator.integers(0, 40, 6)] = [np.inf, -np.inf, -0.0, 0.0, -1.5, 2.5]
        values, places = tf.math.top_k(x, k)
        assert places.numpy().tolist() == expected(x, k)
        np.testing.assert_array_equal(values, x[expected(x, k)])


def test_distinct_elements_of_long_rows():
    x = np.random.default_rng(4).permutation(3 * 500).reshape(3, 500).astype(np.float32)
    values, places = tf.math.top_k(x, 5)
    np.testing.assert_array_equal(values, -np.sort(-x, axis=1)[:, :5])
    np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), 1), values)


def test_nan_comes_first():
    x = np.array([1, np.nan, 3, -np.nan, 2], np.float32)
    _, places = tf.math.top_k(x, 3)
    assert places.numpy().tolist() == [1, 3, 2]
