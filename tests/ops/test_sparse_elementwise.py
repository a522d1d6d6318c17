"""Sparse tensors times, through and plus dense ones, in compiled functions too."""

import numpy as np
import pytest

import penstock as tf

INDICES = [[0, 1], [1, 0], [2, 3]]


def _sparse(values):
    return tf.SparseTensor(INDICES, values, [3, 4])


@pytest.mark.parametrize("jit", [None, True])
def test_elements_meet_those_of_the_dense_operand(jit):
    dense = np.arange(1, 5, dtype=np.float32)

    @tf.function(jit_compile=jit)
    def f(s):
        return (s * dense).values, (s / tf.constant([[2.0], [4.0], [8.0]])).values

    product, quotient = f(_sparse([1.0, 2.0, 3.0]))

    np.testing.assert_allclose(product, [2.0, 2.0, 12.0])
    np.testing.assert_allclose(quotient, [0.5, 0.5, 0.375])


@pytest.mark.parametrize("jit", [None, True])
def test_integers_are_not_divided_by_zero(jit):
    @tf.function(jit_compile=jit)
    def f(s, dense):
        return tf.raw_ops.SparseDenseCwiseDiv(
            sp_indices=s.indices, sp_values=s.values, sp_shape=s.dense_shape, dense=dense
        )

    s = _sparse([7, -7, 9])
    np.testing.assert_array_equal(f(s, tf.constant([2, 3, 4, 5])), [2, -3, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="zero"):
        f(s, tf.constant([1, 0, 1, 1]))


@pytest.mark.parametrize("jit", [None, True])
def test_what_does_not_broadcast_is_refused(jit):
    f = tf.function(lambda s: (s * tf.ones([2, 4])).values, jit_compile=jit)

    with pytest.raises(tf.errors.InvalidArgumentError, match="broadcast"):
        f(_sparse([1.0, 2.0, 3.0]))
