"""Linear operators: every one acts as its dense matrix does."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError, UnimplementedError

rng = np.random.default_rng(5)
M = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)
SPD = M @ M.swapaxes(1, 2)
linalg = tf.linalg


def _diag(size):
    return linalg.LinearOperatorDiag(np.arange(1.0, size + 1))


OPERATORS = {
    "full": lambda: linalg.LinearOperatorFullMatrix(M),
    "positive": lambda: linalg.LinearOperatorFullMatrix(
        SPD, is_self_adjoint=True, is_positive_definite=True
    ),
    "diagonal": lambda: _diag(3),
    "identity": lambda: linalg.LinearOperatorIdentity(3, dtype=tf.float64),
    "scaled": lambda: linalg.LinearOperatorScaledIdentity(3, np.array([2.0, 3.0])),
    "triangular": lambda: linalg.LinearOperatorLowerTriangular(M),
    "reflection": lambda: linalg.LinearOperatorHouseholder(M[:, 0]),
    "permutation": lambda: linalg.LinearOperatorPermutation([1, 2, 0], dtype=tf.float64),
    "toeplitz": lambda: linalg.LinearOperatorToeplitz([5.0, 2, 3], [5.0, 4, 1]),
    "tridiagonal": lambda: linalg.LinearOperatorTridiag(
        np.array([[1.0, 2, 0], [3, 4, 5], [0, 1, 2]])
    ),
    "circulant": lambda: linalg.LinearOperatorCirculant(
        np.array([6.0, 1, 1]), input_output_dtype=tf.float64
    ),
    "composition": lambda: linalg.LinearOperatorComposition(
        [linalg.LinearOperatorFullMatrix(M), _diag(3)]
    ),
    "kronecker": lambda: linalg.LinearOperatorKronecker(
        [linalg.LinearOperatorFullMatrix(M), _diag(2)]
    ),
    "blocks": lambda: linalg.LinearOperatorBlockDiag(
        [linalg.LinearOperatorFullMatrix(M), _diag(2)]
    ),
    "block triangle": lambda: linalg.LinearOperatorBlockLowerTriangular(
        [[_diag(2)], [linalg.LinearOperatorFullMatrix(M[0, :, :2]), _diag(3)]]
    ),
    "update": lambda: linalg.LinearOperatorLowRankUpdate(_diag(3), M[0, :, :2], [1.0, 2.0]),
    "adjoint": lambda: linalg.LinearOperatorAdjoint(linalg.LinearOperatorFullMatrix(M)),
    "inverse": lambda: linalg.LinearOperatorInversion(linalg.LinearOperatorFullMatrix(M)),
}
each_operator = pytest.mark.parametrize("name", OPERATORS)


@each_operator
def test_it_multiplies_and_solves_as_its_matrix_does(name):
    operator = OPERATORS[name]()
    dense = operator.to_dense().numpy()
    x = rng.normal(size=(dense.shape[-1], 2)).astype(dense.dtype)

    assert operator.shape == dense.shape
    np.testing.assert_allclose(operator.matmul(x), dense @ x, rtol=1e-5)
    np.testing.assert_allclose(
        operator.matmul(x, adjoint=True), dense.swapaxes(-1, -2) @ x, rtol=1e-5
    )
    np.testing.assert_allclose(
        dense @ operator.solve(x).numpy(), x + 0 * (dense @ x), atol=1e-4
    )
    np.testing.assert_allclose(operator.matvec(x[:, 0]), dense @ x[:, 0], rtol=1e-5)


@each_operator
def test_its_numbers_are_those_of_its_matrix(name):
    operator = OPERATORS[name]()
    dense = operator.to_dense().numpy()

    np.testing.assert_allclose(operator.determinant(), np.linalg.det(dense), rtol=1e-5)
    np.testing.assert_allclose(
        operator.log_abs_determinant(), np.linalg.slogdet(dense)[1], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        operator.trace(), np.trace(dense, axis1=-2, axis2=-1), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        operator.inverse().to_dense(), np.linalg.inv(dense), rtol=1e-4, atol=1e-5
    )


def test_products_of_diagonals_stay_diagonal():
    product = _diag(3) @ _diag(3)

    assert isinstance(product, linalg.LinearOperatorDiag)
    np.testing.assert_array_equal(product.diag, [1, 4, 9])


def test_what_is_not_square_cannot_be_solved():
    operator = linalg.LinearOperatorFullMatrix(M[0, :2])

    with pytest.raises(UnimplementedError, match="square"):
        operator.solve(np.ones((2, 1)))


def test_claims_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="singular"):
        linalg.LinearOperatorFullMatrix(M, is_non_singular=False, is_positive_definite=True)


def test_singular_operators_are_found():
    with pytest.raises(InvalidArgumentError, match="non-singular"):
        linalg.LinearOperatorDiag([1.0, 0.0]).assert_non_singular()


def test_conjugate_gradients_find_the_solution():
    operator = OPERATORS["positive"]()
    rhs = M[:, 0]

    found = linalg.experimental.conjugate_gradient(operator, rhs, tol=1e-12)

    np.testing.assert_allclose(found.x, np.linalg.solve(SPD, rhs[..., None])[..., 0], rtol=1e-6)
    assert int(found.i) <= 4


def test_numbers_of_rows_and_columns_are_dimensions():
    operator = linalg.LinearOperatorFullMatrix(M)

    assert (operator.range_dimension.value, operator.domain_dimension.value) == (3, 3)


def test_operators_remember_what_they_were_made_of():
    operator = tf.linalg.LinearOperatorDiag([1.0, 2.0], is_self_adjoint=True)

    assert operator.parameters == {
        "diag": [1.0, 2.0],
        "is_non_singular": None,
        "is_self_adjoint": True,
        "is_positive_definite": None,
        "is_square": None,
        "name": "LinearOperatorDiag",
    }
    assert operator.graph_parents == []
    assert tf.linalg.LinearOperatorCirculant2D([[1.0, 2.0]]).name == "LinearOperatorCirculant2D"
