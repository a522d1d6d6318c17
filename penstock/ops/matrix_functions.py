"""Functions of matrices: exponential, logarithm, square root."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import numpy as np

from penstock.ops.factorization import check_matrix, square_shape, widened
from penstock.ops.solving import scipy_linalg
from penstock.ops.table import gradient, host_kernel, op


def _per_matrix(function: Any, x: Any) -> Any:
    """Apply a function of one matrix to each of a stack."""
    wide = widened(x)
    result = np.empty(wide.shape, wide.dtype)
    for place in np.ndindex(*x.shape[:-2]):
        result[place] = function(wide[place])
    return result.astype(x.dtype)


@op(
    "MatrixExponential",
    inputs=("input: T",),
    outputs=("output: T",),
    kernel="device",
    shape=square_shape,
)
def matrix_exponential(x: Any) -> Any:
    """Exponential.

    Shape: input [..., n, n] -> output [..., n, n].
    """
    check_matrix(x, square=True)
    if x.size == 0:
        return x
    return jax.scipy.linalg.expm(widened(x), max_squarings=64).astype(x.dtype)


@host_kernel("MatrixExponential")
def matrix_exponential_on_host(x: Any) -> Any:
    """Numpy kernel of `MatrixExponential`."""
    check_matrix(x, square=True)
    if x.size == 0:
        return x
    return scipy_linalg().expm(widened(x)).astype(x.dtype)


@op(
    "MatrixLogarithm",
    inputs=("input: T",),
    outputs=("output: T",),
    kernel="host",
    shape=square_shape,
)
def matrix_logarithm(x: Any) -> Any:
    """Principal logarithm.

    Shape: input [..., n, n] -> output [..., n, n].
    Dtype: complex.
    """
    check_matrix(x, square=True)
    with warnings.catch_warnings():
        # SciPy warns where the logarithm is inexact; it is computed in double precision always.
        warnings.simplefilter("ignore", RuntimeWarning)
        return _per_matrix(scipy_linalg().logm, x.astype(np.complex128)).astype(x.dtype)


def _principal_root(matrix: Any) -> Any:
    """Principal square root; NaN in a real type that cannot hold it."""
    root = scipy_linalg().sqrtm(matrix)
    if np.iscomplexobj(root) and not np.iscomplexobj(matrix):
        return np.full(matrix.shape, np.nan, matrix.dtype)
    return root


@op(
    "MatrixSquareRoot",
    inputs=("input: T",),
    outputs=("output: T",),
    kernel="host",
    shape=square_shape,
)
def matrix_square_root(x: Any) -> Any:
    """Principal square root.

    Shape: input [..., n, n] -> output [..., n, n].
    """
    check_matrix(x, square=True)
    return _per_matrix(_principal_root, x)


@gradient("MatrixSquareRoot")
def matrix_square_root_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Solve Sylvester's equation `s* g + g s* = grad` for the square root s, as a system.

    Source: Higham, "Functions of matrices", 2008, section 6.
    """
    root = g.outputs[0]
    *batch, size = root.shape.as_list()[:-1]
    eye = np.eye(size, dtype=root.dtype.np)
    adjoint = g.call("Conj", root) if root.dtype.is_complex else root
    # Rows of the gradient stacked into one vector: (s* x 1 + 1 x conj(s)) vec(g) = vec(grad).
    left = g.call("Einsum", [adjoint, eye], equation="...ba,cd->...acbd")
    right = g.call("Einsum", [adjoint, eye], equation="...cd,ab->...acbd")
    system = g.call("Reshape", g.call("AddV2", left, right), [*batch, size * size, size * size])
    flat = g.call("Reshape", grad, [*batch, size * size, 1])
    solved = g.call("MatrixSolve", system, flat)
    return (g.call("Reshape", solved, [*batch, size, size]),)
