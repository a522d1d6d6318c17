"""`tf.map_fn` over the rows of sparse tensors, and to sparse tensors."""

import numpy as np
import pytest

import penstock as tf

DENSE = np.arange(24).reshape(2, 3, 4) % 3


def _both(function):
    return [function, tf.function(function, autograph=False)]


@pytest.mark.parametrize("number", [0, 1])
def test_rows_of_a_sparse_tensor_are_sparse_tensors(number):
    function = _both(
        lambda s: tf.map_fn(
            lambda row: tf.sparse.to_dense(row) * 2, s, fn_output_signature=tf.int64
        )
    )[number]

    np.testing.assert_array_equal(function(tf.sparse.from_dense(DENSE)), DENSE * 2)


@pytest.mark.parametrize("number", [0, 1])
def test_rows_that_stay_sparse_become_one_sparse_tensor(number):
    function = _both(lambda s: tf.map_fn(tf.sparse.transpose, s))[number]

    turned = function(tf.sparse.from_dense(DENSE))

    assert turned.dense_shape.numpy().tolist() == [2, 4, 3]
    np.testing.assert_array_equal(tf.sparse.to_dense(turned), DENSE.transpose(0, 2, 1))


def test_sparse_and_dense_rows_go_together():
    sparse = tf.sparse.from_dense(DENSE.astype(np.float32))
    dense = np.arange(16.0, dtype=np.float32).reshape(2, 4, 2)

    product = tf.map_fn(
        lambda pair: tf.sparse.sparse_dense_matmul(pair[0], pair[1]),
        (sparse, dense),
        fn_output_signature=tf.float32,
    )

    np.testing.assert_allclose(product, DENSE.astype(np.float32) @ dense)


def test_sparse_results_of_different_sizes_are_as_large_as_the_largest():
    stacked = tf.map_fn(
        lambda n: tf.sparse.from_dense(tf.ones([n])),
        tf.constant([1, 3, 0, 2]),
        fn_output_signature=tf.SparseTensorSpec([None], tf.float32),
    )

    assert stacked.shape.as_list() == [4, 3]
    np.testing.assert_array_equal(
        tf.sparse.to_dense(stacked), [[1, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 0]]
    )


def test_gradients_reach_the_values_of_sparse_rows():
    sparse = tf.sparse.from_dense(DENSE.astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(sparse.values)
        sums = tf.map_fn(tf.sparse.reduce_sum, sparse, fn_output_signature=tf.float32)
        loss = tf.reduce_sum(sums * [1.0, 10.0])

    gradient = tape.gradient(loss, sparse.values)

    np.testing.assert_array_equal(
        gradient, np.where(sparse.indices.numpy()[:, 0] == 0, 1.0, 10.0)
    )


def test_a_result_that_is_not_the_sparse_tensor_promised_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="SparseTensorSpec"):
        tf.map_fn(
            lambda n: tf.sparse.from_dense(tf.ones([2], tf.int32)),
            tf.constant([1]),
            fn_output_signature=tf.SparseTensorSpec([None], tf.float32),
        )
