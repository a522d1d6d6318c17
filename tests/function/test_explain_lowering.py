"""`explain_lowering` and PENSTOCK_EXPLAIN tell which rules fired, where and why."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError

pytestmark = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="the rules are for the CPU"
)


def _pooled():
    @tf.function
    def pooled(x):
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    return pooled


def test_rules_are_told_for_arguments_without_running_anything():
    text = _pooled().explain_lowering(tf.TensorSpec([1, 4, 4, 1]))
    first, second = text.splitlines()
    assert first == "lowering rules that fire in 'pooled':"
    assert second.startswith("  tiled_maximum:")
    assert "Op:MaxPool" in second
    assert second.endswith("a window of 4 cells")


def test_rules_are_told_of_what_has_run():
    pooled = _pooled()
    assert pooled.explain_lowering() == "no lowering rule fires in 'pooled'"
    pooled(tf.zeros([1, 4, 4, 1]))
    assert "tiled_maximum" in pooled.explain_lowering()


def test_rules_of_a_gradient_are_told():
    pooled = _pooled()
    x = tf.Variable(tf.zeros([1, 4, 4, 1]))
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(pooled(x))
    tape.gradient(y, x)
    assert "MaxPoolGrad" in pooled.explain_lowering()


def test_sizes_that_are_not_known_are_an_error():
    with pytest.raises(InvalidArgumentError, match="known shape"):
        _pooled().explain_lowering(tf.TensorSpec([None, 4, 4, 1]))


def test_options_are_chosen_anew_for_other_sizes():
    calls = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([None, 512])] * 2)
    def product(x, y):
        calls.assign_add(1)
        return tf.linalg.matmul(x, y, transpose_b=True)

    small = np.ones((8, 512), np.float32)
    np.testing.assert_array_equal(product(small, small), np.full((8, 8), 512.0))
    assert "library_fusion" not in product.explain_lowering()
    large = np.ones((512, 512), np.float32)
    np.testing.assert_array_equal(product(large, large), np.full((512, 512), 512.0))
    assert "library_fusion" in product.explain_lowering()
    np.testing.assert_array_equal(product(small, small), np.full((8, 8), 512.0))


def test_the_variable_prints_them():
    program = (
        "import penstock as tf\n"
        "tf.function(lambda x: tf.nn.max_pool2d(x, 2, 2, 'VALID'))(tf.zeros([1, 4, 4, 1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PENSTOCK_EXPLAIN": "1"},
    )
    assert "tiled_maximum" in done.stderr
