"""Linear algebra through the public names."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError

rng = np.random.default_rng(11)
A = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)
SPD = A @ A.swapaxes(1, 2)
Z = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
B = rng.normal(size=(2, 3, 2))


def test_products_take_transposes_and_adjoints():
    np.testing.assert_allclose(tf.matmul(Z, Z, adjoint_a=True), Z.conj().T @ Z)
    np.testing.assert_allclose(tf.matmul(Z, Z, transpose_a=True), Z.T @ Z)
    np.testing.assert_allclose(tf.matmul(A, Z.real), A @ Z.real)
    with pytest.raises(ValueError, match="only one"):
        tf.matmul(Z, Z, transpose_a=True, adjoint_a=True)


def test_a_product_of_bytes_is_summed_in_the_type_asked_for():
    ones = tf.ones([2, 300], tf.int8)

    np.testing.assert_array_equal(
        tf.matmul(ones, ones, transpose_b=True, output_type=tf.int32), [[300, 300], [300, 300]]
    )


def test_inner_sizes_must_agree():
    with pytest.raises(InvalidArgumentError, match="inner sizes"):
        tf.matmul(tf.ones([2, 3]), tf.ones([4, 2]))


def test_the_shape_of_a_product_is_known_in_a_graph():
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None, 4])])
    def product(a, b):
        seen.append(tf.matmul(a, b).shape.as_list())
        return tf.matmul(a, b)

    assert product(tf.ones([2, 3]), tf.ones([3, 4])).shape == [2, 4]
    assert seen[0] == [None, 4]


@pytest.mark.parametrize("axes", [0, 1, 2, [[1], [0]], [[0, 2], [1, 0]]])
def test_tensordot_contracts_what_numpy_contracts(axes):
    a, b = rng.normal(size=(3, 3, 3)), rng.normal(size=(3, 3, 3))

    np.testing.assert_allclose(tf.tensordot(a, b, axes), np.tensordot(a, b, axes))


def test_tensordot_of_unknown_sizes():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([3, None])])
    def contract(a, b):
        return tf.tensordot(a, b, 1)

    assert contract(tf.ones([2, 5, 3]), tf.ones([3, 4])).shape == [2, 5, 4]


@pytest.mark.parametrize(("order", "axis"), [(2, None), (1, 0), (3, 1), (np.inf, 1)])
def test_norms_of_vectors(order, axis):
    x = B[0]

    np.testing.assert_allclose(
        tf.norm(x, order, axis),
        np.linalg.norm(x if axis is not None else x.ravel(), order, axis),
    )


@pytest.mark.parametrize("order", ["fro", 1, 2, np.inf])
def test_norms_of_matrices(order):
    np.testing.assert_allclose(
        tf.norm(A, order, axis=(1, 2)), np.linalg.norm(A, order, axis=(1, 2))
    )


def test_a_norm_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="ord"):
        tf.norm(A, -1)
    with pytest.raises(ValueError, match="ord"):
        tf.norm(A, 3, axis=(0, 1))


def test_a_global_norm_leaves_out_what_is_none():
    assert float(tf.linalg.global_norm([tf.constant([3.0]), None, tf.constant([4.0])])) == 5.0


def test_the_gradient_of_cholesky_is_symmetric():
    x = tf.constant(SPD)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tf.linalg.cholesky(x)))) * 2
    gradient = tape.gradient(total, x).numpy()

    # The logarithm of the determinant has the inverse for its gradient.
    np.testing.assert_allclose(gradient, np.linalg.inv(SPD), rtol=1e-8)


def test_the_gradient_of_eigenvalues_stands_in_the_lower_triangle():
    x = tf.constant(SPD)
    with tf.GradientTape() as tape:
        tape.watch(x)
        largest = tf.reduce_sum(tf.linalg.eigvalsh(x)[:, -1])
    vectors = np.linalg.eigh(SPD)[1][:, :, -1]
    outer = vectors[:, :, None] * vectors[:, None, :]
    expected = np.tril(2 * outer) - np.eye(3) * outer

    np.testing.assert_allclose(tape.gradient(largest, x), expected, rtol=1e-6, atol=1e-8)


def test_a_matrix_that_is_not_positive_definite_gives_nan():
    factor = tf.linalg.cholesky(np.stack([np.eye(2), -np.eye(2)])).numpy()

    np.testing.assert_array_equal(factor[0], np.eye(2))
    assert np.isnan(factor[1]).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("name", ["inv", "lu"])
def test_singular_matrices_are_refused(name):
    with pytest.raises(InvalidArgumentError, match="invertible"):
        getattr(tf.linalg, name)(np.ones((2, 2)))

    @tf.function
    def compiled(x):
        return getattr(tf.linalg, name)(x)[0]

    with pytest.raises(InvalidArgumentError, match="invertible"):
        compiled(tf.ones([2, 2]))


def test_factors_multiply_to_the_matrix():
    q, r = tf.linalg.qr(B)
    s, u, v = tf.linalg.svd(B)
    e, w = tf.linalg.eigh(SPD)

    np.testing.assert_allclose(tf.matmul(q, r), B)
    np.testing.assert_allclose(tf.matmul(u * s[:, None, :], v, adjoint_b=True), B)
    np.testing.assert_allclose(tf.matmul(w * e[:, None, :], w, adjoint_b=True), SPD)
    np.testing.assert_allclose(tf.linalg.lu_reconstruct(*tf.linalg.lu(A)), A)


def test_eigenvectors_of_any_matrix_stay_in_their_direction():
    e, v = (each.numpy() for each in tf.linalg.eig(A))

    np.testing.assert_allclose(A @ v, v * e[:, None, :], atol=1e-10)
    assert e.dtype == np.complex128


def test_systems_are_solved():
    expected = np.linalg.solve(A, B)

    np.testing.assert_allclose(tf.linalg.solve(A, B), expected)
    np.testing.assert_allclose(tf.linalg.lu_solve(*tf.linalg.lu(A), B), expected)
    np.testing.assert_allclose(
        tf.linalg.cholesky_solve(tf.linalg.cholesky(SPD), B), np.linalg.solve(SPD, B)
    )
    np.testing.assert_allclose(tf.linalg.lstsq(A, B), expected, rtol=1e-6)
    np.testing.assert_allclose(tf.linalg.lstsq(A, B, fast=False), expected)


def test_pseudo_inverses_and_ranks():
    flat = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])

    np.testing.assert_allclose(tf.linalg.pinv(flat), np.linalg.pinv(flat), atol=1e-12)
    np.testing.assert_array_equal(tf.linalg.matrix_rank(np.stack([flat, flat + B[0]])), [1, 2])


def test_functions_of_matrices_undo_each_other():
    root = tf.linalg.sqrtm(SPD).numpy()
    log = tf.linalg.logm(SPD.astype(np.complex128))

    np.testing.assert_allclose(root @ root, SPD)
    np.testing.assert_allclose(tf.linalg.expm(log), SPD, atol=1e-8)


def test_the_gradient_of_a_square_root_solves_sylvesters_equation():
    x = tf.constant(SPD[0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        root = tf.linalg.sqrtm(x)
        total = tf.linalg.trace(root)

    # The trace of the square root has half the inverse root for its gradient.
    np.testing.assert_allclose(tape.gradient(total, x), np.linalg.inv(root) / 2, rtol=1e-8)


@pytest.mark.parametrize("form", ["compact", "sequence", "matrix"])
def test_three_diagonals_in_every_form(form):
    main, above, below = np.array([4.0, 5, 6]), np.array([1.0, 2]), np.array([3.0, 1])
    dense = np.diag(main) + np.diag(above, 1) + np.diag(below, -1)
    given = {
        "compact": np.stack([np.append(above, 0), main, np.append(0, below)]),
        "sequence": [above, main, below],
        "matrix": dense,
    }[form]
    solution = tf.linalg.tridiagonal_solve(given, B[0], form)

    np.testing.assert_allclose(solution, np.linalg.solve(dense, B[0]))
    np.testing.assert_allclose(tf.linalg.tridiagonal_matmul(given, solution, form), B[0])


def test_a_singular_system_of_three_diagonals_gives_nan():
    rows = np.array([[0.0, 0, 0], [1, 0, 1], [0, 0, 0]])

    assert np.isnan(tf.linalg.tridiagonal_solve(rows, np.ones(3))).all()
    nearby = tf.linalg.tridiagonal_solve(rows, np.ones(3), perturb_singular=True)
    np.testing.assert_allclose(nearby, [1, 2.0**52, 1])


def test_eigenvalues_of_three_diagonals_can_be_chosen():
    alpha, beta = [1.0, 2.0, 3.0], [0.5, 0.6]
    dense = np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1)
    values = np.linalg.eigvalsh(dense)

    np.testing.assert_allclose(tf.linalg.eigh_tridiagonal(alpha, beta), values, rtol=1e-5)
    chosen = tf.linalg.eigh_tridiagonal(alpha, beta, select="i", select_range=(1, 2))
    np.testing.assert_allclose(chosen, values[1:], rtol=1e-5)


def test_empty_matrices_have_a_determinant_of_one():
    np.testing.assert_array_equal(tf.linalg.det(np.zeros((3, 0, 0))), np.ones(3))


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bhid,bhjd->bhij", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 2)]),
        ("iij->j", [(3, 3, 2)]),
        ("ijk->kj", [(2, 3, 4)]),
        ("ij,j", [(2, 3), (3,)]),
        ("b...c,b...d->...cd", [(2, 3, 4, 5), (2, 3, 4, 6)]),
    ],
)
def test_einsum_sums_what_numpy_sums(equation, shapes):
    operands = [rng.normal(size=shape) for shape in shapes]

    np.testing.assert_allclose(tf.einsum(equation, *operands), np.einsum(equation, *operands))


def test_the_gradient_of_einsum_spreads_what_was_summed():
    x = tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.einsum("bij,bjk->k", x, B))
    expected = np.broadcast_to(B.sum(-1)[:, None, :], A.shape)

    np.testing.assert_allclose(tape.gradient(total, x), expected)


@pytest.mark.parametrize(
    ("equation", "error"),
    [
        ("ij,jk->ik", InvalidArgumentError),
        ("ij->ij,", ValueError),
        ("ij,ij->iz", ValueError),
        ("i1,ij->i", ValueError),
    ],
)
def test_a_wrong_equation_is_refused(equation, error):
    with pytest.raises(error):
        tf.einsum(equation, tf.ones([2, 3]), tf.ones([2, 3]))


@pytest.mark.parametrize("shape", [(4, 3), (2, 3)])
def test_all_singular_vectors_have_gradients(shape):
    start = np.random.default_rng(4).normal(size=shape)

    def loss(a):
        s, u, v = tf.linalg.svd(a, full_matrices=True)
        return tf.reduce_sum(s) + tf.reduce_sum(u**3) ** 2 + tf.reduce_sum(tf.abs(v))

    x = tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    slope = np.zeros(shape)
    for place in np.ndindex(*shape):
        step = np.zeros(shape)
        step[place] = 1e-6
        slope[place] = (loss(x + step) - loss(x - step)) / 2e-6
    # One column stands alone beside the others, so that its sign is all that may change.
    np.testing.assert_allclose(tape.gradient(value, x), slope, rtol=1e-5, atol=1e-6)


def test_least_squares_broadcast_their_batches():
    a = np.stack([np.eye(3), 2 * np.eye(3)])
    b = np.ones((3, 1))

    solved = tf.linalg.lstsq(a, b)

    np.testing.assert_allclose(solved[..., 0], [[1, 1, 1], [0.5, 0.5, 0.5]])
