"""Sparse matrices behind handles."""

import numpy as np
import pytest

import penstock as tf
from penstock.shim import sparse_matrix as csr

rng = np.random.default_rng(4)


def _sparse(shape, dtype=np.float32):
    dense = (rng.normal(size=shape) * (rng.random(shape) < 0.6)).astype(dtype)
    return dense, tf.sparse.from_dense(dense)


def _handle(sparse):
    return csr.sparse_tensor_to_csr_sparse_matrix(
        sparse.indices, sparse.values, sparse.dense_shape
    )


def _dense(handle, dtype=tf.float32):
    return csr.csr_sparse_matrix_to_dense(handle, dtype).numpy()


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_a_matrix_comes_back_as_it_went_in(shape):
    dense, sparse = _sparse(shape)

    back = csr.csr_sparse_matrix_to_sparse_tensor(_handle(sparse), tf.float32)

    np.testing.assert_array_equal(back.indices, sparse.indices)
    np.testing.assert_array_equal(back.values, sparse.values)
    assert back.dense_shape.numpy().tolist() == list(shape)
    np.testing.assert_array_equal(_dense(_handle(sparse)), dense)


def test_a_handle_is_a_scalar_variant():
    handle = _handle(_sparse((3, 4))[1])

    assert handle.dtype == tf.variant
    assert handle.shape == ()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"transpose_a": True},
        {"transpose_b": True},
        {"adjoint_a": True, "adjoint_b": True},
    ],
)
@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
def test_the_product_of_two_sparse_matrices_is_that_of_the_dense_ones(options, batch, dtype):
    def shape(name, rows, columns):
        turned = any(key.endswith(f"_{name}") for key in options)
        return (*batch, columns, rows) if turned else (*batch, rows, columns)

    def turned(x, name):
        if options.get(f"transpose_{name}"):
            return np.swapaxes(x, -1, -2)
        return np.swapaxes(x.conj(), -1, -2) if options.get(f"adjoint_{name}") else x

    a, sparse_a = _sparse(shape("a", 3, 4), dtype)
    b, sparse_b = _sparse(shape("b", 4, 5), dtype)

    c = csr.sparse_matrix_sparse_mat_mul(_handle(sparse_a), _handle(sparse_b), dtype, **options)

    np.testing.assert_allclose(_dense(c, dtype), turned(a, "a") @ turned(b, "b"), rtol=1e-5)


def test_elements_of_a_product_that_cancel_stay():
    a = _handle(tf.sparse.from_dense([[1.0, 1.0], [0.0, 0.0]]))
    b = _handle(tf.sparse.from_dense([[1.0, 0.0], [-1.0, 0.0]]))

    c = csr.sparse_matrix_sparse_mat_mul(a, b, tf.float32)

    parts = csr.csr_sparse_matrix_to_sparse_tensor(c, tf.float32)
    assert parts.indices.numpy().tolist() == [[0, 0]]
    assert parts.values.numpy().tolist() == [0.0]


@pytest.mark.parametrize("batch", [(), (2,)])
def test_the_product_with_a_dense_matrix(batch):
    a, sparse = _sparse((*batch, 3, 4))
    b = rng.normal(size=(*batch, 5, 4)).astype(np.float32)

    output = csr.sparse_matrix_mat_mul(
        _handle(sparse), b, transpose_b=True, transpose_output=True
    )

    wanted = np.swapaxes(a @ np.swapaxes(b, -1, -2), -1, -2)
    np.testing.assert_allclose(output, wanted, rtol=1e-5, atol=1e-6)


def test_rows_columns_and_counts_of_each_matrix_of_a_batch():
    handle = _handle(tf.sparse.from_dense([[[0.0, 1, 2], [0, 0, 3]], [[0, 0, 0], [4, 0, 0]]]))

    rows, columns, values = csr.csr_sparse_matrix_components(handle, 1, tf.float32)

    assert csr.sparse_matrix_nnz(handle).numpy().tolist() == [3, 1]
    assert rows.numpy().tolist() == [0, 0, 1]
    assert columns.numpy().tolist() == [0]
    assert values.numpy().tolist() == [4.0]


def test_a_transposed_matrix_and_one_of_chosen_elements():
    dense = np.array([[1.0, 2.0], [0.0, 3.0]], np.float32)
    handle = csr.dense_to_csr_sparse_matrix(dense, [[0, 1], [1, 1]])

    turned = csr.sparse_matrix_transpose(handle, tf.float32)

    np.testing.assert_array_equal(_dense(turned), [[0, 0], [2, 3]])


def test_handles_pass_through_functions():
    dense, sparse = _sparse((3, 4))

    @tf.function
    def squared(indices, values, shape):
        handle = csr.sparse_tensor_to_csr_sparse_matrix(indices, values, shape)
        product = csr.sparse_matrix_sparse_mat_mul(handle, handle, tf.float32, transpose_b=True)
        return csr.csr_sparse_matrix_to_dense(product, tf.float32)

    got = squared(sparse.indices, sparse.values, sparse.dense_shape)

    np.testing.assert_allclose(got, dense @ dense.T, rtol=1e-5, atol=1e-6)


def test_what_is_no_sparse_matrix_is_refused():
    handle = _handle(_sparse((3, 4))[1])
    refused = tf.errors.InvalidArgumentError
    with pytest.raises(refused, match="rank 2 or 3"):
        csr.sparse_tensor_to_csr_sparse_matrix([[0]], [1.0], [2])
    with pytest.raises(refused, match="lie inside"):
        csr.sparse_tensor_to_csr_sparse_matrix([[5, 0]], [1.0], [2, 2])
    with pytest.raises(refused, match="float32, float64"):
        csr.sparse_tensor_to_csr_sparse_matrix([[0, 0]], np.array([1]), [2, 2])
    with pytest.raises(refused, match="must hold float64"):
        csr.csr_sparse_matrix_to_dense(handle, tf.float64)
    with pytest.raises(refused, match="as many columns"):
        csr.sparse_matrix_sparse_mat_mul(handle, handle, tf.float32)
    with pytest.raises(refused, match="one rank"):
        csr.sparse_matrix_mat_mul(handle, np.ones(3, np.float32))
    with pytest.raises(refused, match="index must be"):
        csr.csr_sparse_matrix_components(handle, 1, tf.float32)
    with pytest.raises(refused, match="only one of"):
        csr.sparse_matrix_mat_mul(
            handle, np.ones((3, 1), np.float32), transpose_a=True, adjoint_a=True
        )
