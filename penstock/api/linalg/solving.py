"""Inverses, solutions of systems, functions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.linalg.factorizations import svd
from penstock.api.linalg.matrices import matrix_shape
from penstock.api.linalg.products import matmul
from penstock.core import dtypes
from penstock.core.tensor_shape import broadcast_static_shape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """Inverses of matrices, or of their adjoints.

    Args:
        input: matrices, [..., n, n].
        adjoint: whether to invert the adjoint.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a matrix is singular.
    """
    return call("MatrixInverse", input, adjoint=adjoint, name=name)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """Solutions of linear systems.

    Args:
        matrix: matrices, [..., n, n].
        rhs: right-hand sides, [..., n, k].
        adjoint: whether to solve with the adjoint.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a matrix is singular.
    """
    return call("MatrixSolve", matrix, rhs, adjoint=adjoint, name=name)


def triangular_solve(
    matrix: Any,
    rhs: Any,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Any:
    """Solutions of triangular systems.

    Args:
        matrix: matrices, [..., n, n], of which one triangle is read.
        rhs: right-hand sides, [..., n, k].
        lower: whether that triangle is the lower one.
        adjoint: whether to solve with the adjoint.
        name: name of the node in a graph.
    """
    return call("MatrixTriangularSolve", matrix, rhs, lower=lower, adjoint=adjoint, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """Solutions of systems whose matrices are given by their Cholesky factors.

    Args:
        chol: lower triangular factors, [..., n, n].
        rhs: right-hand sides, [..., n, k].
        name: name of the node in a graph.
    """
    return triangular_solve(chol, triangular_solve(chol, rhs), adjoint=True, name=name)


def lstsq(
    matrix: Any,
    rhs: Any,
    l2_regularizer: float = 0.0,
    fast: bool = True,
    name: str | None = None,
) -> Any:
    """Solutions of least squares.

    Args:
        matrix: matrices, [..., m, n].
        rhs: right-hand sides, [..., m, k].
        l2_regularizer: weight of the squared norm of the solution.
        fast: whether to use the normal equations, which need matrices of full rank.
        name: name of the node in a graph.
    """
    regularizer = convert_to_tensor(l2_regularizer, dtypes.float64)
    matrix = convert_to_tensor(matrix)
    rhs = convert_to_tensor(rhs, matrix.dtype)
    batches = matrix.shape[:-2], rhs.shape[:-2]
    if all(each.is_fully_defined() for each in batches) and batches[0] != batches[1]:
        whole = broadcast_static_shape(*batches).as_list()
        matrix, rhs = (
            call("BroadcastTo", each, np.array([*whole, *each.shape[-2:]], np.int32))
            for each in (matrix, rhs)
        )
    return call("MatrixSolveLs", matrix, rhs, regularizer, fast=fast, name=name)


def pinv(
    a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None
) -> Any:
    """Pseudo-inverses.

    Args:
        a: matrices, [..., m, n].
        rcond: singular values below `rcond` times the largest count as 0; None takes
            `10 * max(m, n) * eps`.
        validate_args: accepted for compatibility.
        name: name of the node in a graph.
    """
    a = convert_to_tensor(a)
    s, u, v = svd(a)
    if rcond is None:
        rows, columns = matrix_shape(a)
        size = (
            max(rows, columns)
            if isinstance(rows, int) and isinstance(columns, int)
            else (call("Cast", call("Maximum", rows, columns), DstT=s.dtype))
        )
        rcond = size * 10.0 * np.finfo(s.dtype.np).eps
    rcond = convert_to_tensor(rcond, s.dtype)
    largest = call("Max", s, np.array([-1], np.int32), keep_dims=True)
    cutoff = call("Mul", call("ExpandDims", rcond, -1), largest)
    s = call("SelectV2", call("Greater", s, cutoff), s, np.array(np.inf, s.dtype.np))
    if v.dtype.is_complex:
        s = call("Cast", s, DstT=v.dtype)
    scaled = call("RealDiv", v, call("ExpandDims", s, -2))
    return call("BatchMatMulV2", scaled, u, adj_y=True, name=name)


def matrix_rank(
    a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Any:
    """Ranks of matrices: how many singular values exceed a tolerance.

    Args:
        a: matrices, [..., m, n].
        tol: the tolerance; None takes `eps * max(m, n)` times the largest singular value.
        validate_args: accepted for compatibility.
        name: name of the node in a graph.

    Returns:
        int32 ranks, [...].
    """
    a = convert_to_tensor(a)
    s = svd(a, compute_uv=False)
    if tol is None:
        rows, columns = matrix_shape(a)
        eps = np.array(np.finfo(s.dtype.np).eps, s.dtype.np)
        size = call("Cast", call("Maximum", rows, columns), DstT=s.dtype)
        largest = call("Max", s, np.array([-1], np.int32), keep_dims=True)
        tol = call("Mul", call("Mul", eps, size), largest)
    exceeds = call("Greater", s, convert_to_tensor(tol, s.dtype))
    ones = call("Cast", exceeds, DstT=dtypes.int32)
    return call("Sum", ones, np.array([-1], np.int32), name=name)


def _triangles(lower_upper: Any) -> tuple[Any, Any]:
    """Separate factors that stand in one matrix; the diagonal belongs to the upper one."""
    below = call("MatrixBandPart", lower_upper, -1, 0)
    diagonal = call("MatrixDiagPart", lower_upper)
    lower = call("MatrixSetDiag", below, call("OnesLike", diagonal))
    return lower, call("MatrixBandPart", lower_upper, 0, -1)


def _permutation_matrix(perm: Any, dtype: Any) -> Any:
    perm = convert_to_tensor(perm)
    size = perm.shape.as_list()[-1]
    depth = size if size is not None else call("Shape", perm)[-1]
    on, off = (np.array(value, dtype.np) for value in (1, 0))
    return call("OneHot", perm, depth, on, off)


def lu_solve(
    lower_upper: Any,
    perm: Any,
    rhs: Any,
    validate_args: bool = False,
    name: str | None = None,
) -> Any:
    """Solutions of systems whose matrices are given by `lu`.

    Args:
        lower_upper: factors, [..., n, n].
        perm: order of rows, [..., n].
        rhs: right-hand sides, [..., n, k].
        validate_args: accepted for compatibility.
        name: name of the node in a graph.
    """
    lower_upper = convert_to_tensor(lower_upper)
    rhs = convert_to_tensor(rhs, dtype_hint=lower_upper.dtype)
    ordered = matmul(_permutation_matrix(perm, rhs.dtype), rhs)
    lower, upper = _triangles(lower_upper)
    return triangular_solve(upper, triangular_solve(lower, ordered), lower=False, name=name)


def lu_reconstruct(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Any:
    """Matrices whose factors `lu` gave; arguments as in `lu_solve`."""
    lower_upper = convert_to_tensor(lower_upper)
    lower, upper = _triangles(lower_upper)
    order = _permutation_matrix(perm, lower_upper.dtype)
    return matmul(order, matmul(lower, upper), transpose_a=True, name=name)


def lu_matrix_inverse(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Any:
    """Inverses of matrices whose factors `lu` gave; arguments as in `lu_solve`."""
    lower_upper = convert_to_tensor(lower_upper)
    diagonal = call("MatrixDiagPart", lower_upper)
    eye = call("MatrixDiag", call("OnesLike", diagonal))
    return lu_solve(lower_upper, perm, eye, name=name)


def expm(input: Any, name: str | None = None) -> Any:
    """Exponentials of matrices, [..., n, n]."""
    return call("MatrixExponential", input, name=name)


def logm(input: Any, name: str | None = None) -> Any:
    """Principal logarithms of complex matrices, [..., n, n]."""
    return call("MatrixLogarithm", input, name=name)


def sqrtm(input: Any, name: str | None = None) -> Any:
    """Principal square roots of matrices, [..., n, n]."""
    return call("MatrixSquareRoot", input, name=name)
