"""Samples of linear algebra."""

import numpy as np

from penstock.core.dtypes import complex128, int32
from tests.ops.sample import Sample

rng = np.random.default_rng(7)
a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
z = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
stack, one = rng.normal(size=(5, 2, 3)), rng.normal(size=(1, 3, 4))
bytes_a, bytes_b = np.int8([[100, 100]]), np.int8([[100], [100]])
square = np.array([[4.0, 1.0, -2.0], [0.5, 3.0, 1.0], [2.0, -1.0, 5.0]])
squares = np.stack([square, square.T + np.eye(3)])
positive = np.array([[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]])
factor = np.linalg.cholesky(positive)
tall = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]])
rhs = rng.normal(size=(3, 2))
permuted = np.array([[0.0, 2.0], [4.0, 1.0]])
diagonals = np.array([[1.0, 2.0, 9.0], [4.0, 5.0, 6.0], [9.0, 1.0, 2.0]])
tridiagonal = np.array([[4.0, 1.0, 0.0], [1.0, 5.0, 2.0], [0.0, 2.0, 6.0]])
bands = np.array([[2.0, 3.0, 4.0], [9.0, 1.0, -1.0]])
banded = np.array([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, -1.0, 4.0]])
angle = np.array([[0.0, -0.5], [0.5, 0.0]])
rotation = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
q, r = np.linalg.qr(tall)
values, vectors = np.linalg.eigh(positive)


def _cholesky_gradient(lower, grad):
    middle = np.tril(lower.T @ grad)
    middle -= np.diag(np.diag(middle)) / 2
    inverse = np.linalg.inv(lower)
    both = inverse.T @ middle @ inverse
    return (both + both.T) / 2


SAMPLES = [
    Sample("MatMul", (a, b), a @ b),
    Sample("MatMul", (a.T, b.T), a @ b, {"transpose_a": True, "transpose_b": True}),
    Sample("MatMul", (a.T, b), a @ b, {"transpose_a": True}),
    Sample("MatMul", (a, b.T), a @ b, {"transpose_b": True}),
    Sample("MatMul", (np.float32(a), np.float32(b)), np.float32(a @ b)),
    Sample("MatMul", (np.float16([[1, 2]]), np.float16([[3], [4]])), np.float16([[11]])),
    Sample("MatMul", (np.int32([[1, 2]]), np.int32([[3], [4]])), np.int32([[11]])),
    Sample("MatMul", (np.zeros((2, 0)), np.zeros((0, 3))), np.zeros((2, 3))),
    Sample("BatchMatMul", (stack, stack), stack @ stack.swapaxes(1, 2), {"adj_y": True}),
    Sample("BatchMatMulV2", (stack, one), stack @ one),
    Sample("BatchMatMulV2", (stack, one[0]), stack @ one),
    Sample("BatchMatMulV2", (stack, one[0].T), stack @ one, {"adj_y": True}),
    Sample("BatchMatMulV2", (z, z), z.conj().T @ z, {"adj_x": True}, differentiable=False),
    Sample("BatchMatMulV3", (bytes_a, bytes_b), np.int32([[20000]]), {"Tout": int32}),
    Sample("Einsum", ((a, b),), a @ b, {"equation": "ij,jk->ik"}),
    Sample("Einsum", ((a,),), a.sum(0), {"equation": "ij->j"}),
    Sample("Einsum", ((square,),), np.trace(square), {"equation": "ii->"}),
    Sample("Einsum", ((stack, one),), stack @ one, {"equation": "...ij,...jk->...ik"}),
    Sample(
        "Einsum",
        ((stack, stack),),
        np.einsum("bij,bik->jbk", stack, stack),
        {"equation": "bij,bik->jbk"},
    ),
    Sample("Einsum", ((np.arange(3.0),),), np.diag(np.arange(3.0)), {"equation": "i->ii"}),
    Sample("Cholesky", (positive,), factor, differentiable=False),
    Sample("Cholesky", (-np.eye(2),), np.array([[np.nan, 0], [np.nan, np.nan]]), {}, False),
    Sample("CholeskyGrad", (factor, square), _cholesky_gradient(factor, square), {}, False),
    Sample("Qr", (tall,), (q, r)),
    Sample("Qr", (square[:2],), tuple(np.linalg.qr(square[:2]))),
    Sample(
        "Qr", (tall,), tuple(np.linalg.qr(tall, "complete")), {"full_matrices": True}, False
    ),
    Sample(
        "Svd",
        (tall,),
        (np.linalg.svd(tall, compute_uv=False), np.zeros(()), np.zeros(())),
        {"compute_uv": False},
    ),
    Sample(
        "Svd", (np.diag([3.0, 2.0]),), (np.array([3.0, 2.0]), np.eye(2), np.eye(2)), {}, False
    ),
    Sample("SelfAdjointEigV2", (positive,), (values, vectors), differentiable=False),
    Sample(
        "SelfAdjointEigV2",
        (np.tril(positive),),
        (values, np.zeros(())),
        {"compute_v": False},
    ),
    Sample(
        "Eig",
        (np.diag([2.0, 5.0]),),
        (np.array([2, 5], complex), np.eye(2, dtype=complex)),
        {"Tout": complex128},
    ),
    Sample("Lu", (permuted,), (np.array([[4.0, 1.0], [0.0, 2.0]]), np.int32([1, 0]))),
    Sample("MatrixDeterminant", (squares,), np.linalg.det(squares)),
    Sample("MatrixDeterminant", (np.zeros((2, 0, 0)),), np.ones(2)),
    Sample("LogMatrixDeterminant", (squares,), tuple(np.linalg.slogdet(squares))),
    Sample("MatrixInverse", (squares,), np.linalg.inv(squares)),
    Sample("MatrixInverse", (square,), np.linalg.inv(square.T), {"adjoint": True}),
    Sample("MatrixSolve", (square, rhs), np.linalg.solve(square, rhs)),
    Sample("MatrixSolve", (square, rhs), np.linalg.solve(square.T, rhs), {"adjoint": True}),
    Sample("MatrixSolveLs", (tall, rhs, np.array(0.0)), np.linalg.pinv(tall) @ rhs),
    Sample(
        "MatrixSolveLs",
        (tall, rhs, np.array(0.5)),
        np.linalg.solve(tall.T @ tall + 0.5 * np.eye(2), tall.T @ rhs),
        differentiable=False,
    ),
    Sample(
        "MatrixSolveLs",
        (tall, rhs, np.array(9.0)),
        np.linalg.pinv(tall) @ rhs,
        {"fast": False},
        differentiable=False,
    ),
    Sample("MatrixTriangularSolve", (square, rhs), np.linalg.solve(np.tril(square), rhs)),
    Sample(
        "MatrixTriangularSolve",
        (squares, rhs),
        np.linalg.solve(np.triu(squares).swapaxes(1, 2), np.stack([rhs, rhs])),
        {"lower": False, "adjoint": True},
    ),
    Sample("BatchMatrixTriangularSolve", (square, rhs), np.linalg.solve(np.tril(square), rhs)),
    Sample("TridiagonalMatMul", (*diagonals[:, None], rhs), tridiagonal @ rhs),
    Sample("TridiagonalSolve", (diagonals, rhs), np.linalg.solve(tridiagonal, rhs)),
    Sample(
        "TridiagonalSolve",
        (diagonals, rhs),
        np.linalg.solve(tridiagonal, rhs),
        {"partial_pivoting": False},
    ),
    Sample("BandedTriangularSolve", (bands, rhs), np.linalg.solve(banded, rhs)),
    Sample("MatrixExponential", (angle,), rotation),
    Sample("MatrixLogarithm", (rotation + 0j,), angle + 0j, differentiable=False),
    Sample("MatrixSquareRoot", (positive @ positive,), positive, differentiable=False),
]
