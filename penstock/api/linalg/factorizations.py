"""Factorizations, determinants, eigenvalues."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


class Qr(NamedTuple):
    """What `qr` returns."""

    q: Any
    r: Any


class Lu(NamedTuple):
    """What `lu` returns."""

    lu: Any
    p: Any


class LogMatrixDeterminant(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    log_abs_determinant: Any


def cholesky(input: Any, name: str | None = None) -> Any:
    """Lower triangular factor of positive definite matrices.

    Args:
        input: symmetric or Hermitian matrices, [..., n, n]; the lower triangle alone is read.
        name: name of the node in a graph.

    Returns:
        Factors, [..., n, n]; NaN where a matrix is not positive definite.
    """
    return call("Cholesky", input, name=name)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Qr:
    """Orthonormal and upper triangular factors.

    Args:
        input: matrices, [..., m, n].
        full_matrices: whether q is square.
        name: name of the node in a graph.
    """
    return Qr(*call("Qr", input, full_matrices=full_matrices, name=name))


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """Singular values, largest first, and singular vectors.

    Args:
        tensor: matrices, [..., m, n].
        full_matrices: whether u and v are square.
        compute_uv: whether to compute the vectors.
        name: name of the node in a graph.

    Returns:
        s, u and v such that the matrix is `u @ diag(s) @ adjoint(v)`; without
        `compute_uv` s alone.
    """
    s, u, v = call("Svd", tensor, full_matrices=full_matrices, compute_uv=compute_uv, name=name)
    if tensor_is_complex(s):
        s = call("Real", s, Tout=s.dtype.real_dtype)
    return (s, u, v) if compute_uv else s


def tensor_is_complex(tensor: Any) -> bool:
    """Whether a tensor holds complex numbers."""
    return bool(tensor.dtype.is_complex)


def eigh(tensor: Any, name: str | None = None) -> tuple[Any, Any]:
    """Eigenvalues, least first, and eigenvectors of symmetric or Hermitian matrices.

    Args:
        tensor: matrices, [..., n, n]; the lower triangle alone is read.
        name: name of the node in a graph.

    Returns:
        Eigenvalues [..., n] and eigenvectors [..., n, n], in columns.
    """
    e, v = call("SelfAdjointEigV2", tensor, compute_v=True, name=name)
    return e, v


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues, least first, of symmetric or Hermitian matrices; see `eigh`."""
    return call("SelfAdjointEigV2", tensor, compute_v=False, name=name)[0]


def _complex_kind(tensor: Any) -> Any:
    wide = tensor.dtype in (dtypes.float64, dtypes.complex128)
    return dtypes.complex128 if wide else dtypes.complex64


def eig(tensor: Any, name: str | None = None) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors of any square matrices.

    Args:
        tensor: matrices, [..., n, n].
        name: name of the node in a graph.

    Returns:
        Complex eigenvalues [..., n] and eigenvectors [..., n, n], in columns.
    """
    tensor = convert_to_tensor(tensor)
    e, v = call("Eig", tensor, Tout=_complex_kind(tensor), compute_v=True, name=name)
    return e, v


def eigvals(tensor: Any, name: str | None = None) -> Any:
    """Complex eigenvalues of any square matrices; see `eig`."""
    tensor = convert_to_tensor(tensor)
    return call("Eig", tensor, Tout=_complex_kind(tensor), compute_v=False, name=name)[0]


def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Eigenvalues, least first, and eigenvectors of a Hermitian matrix with three diagonals.

    Args:
        alpha: main diagonal, [n].
        beta: diagonal above it, [n - 1].
        eigvals_only: whether to return eigenvalues alone.
        select: "a" for all, "i" for those with indices in `select_range`, ends included, "v"
            for those with values in it, the lower end excluded.
        select_range: two numbers.
        tol: accepted for compatibility; eigenvalues are as exact as the type allows.
        name: name of the node in a graph.

    Raises:
        ValueError: `select` is another word, or lacks its range.
    """
    if select not in ("a", "i", "v"):
        raise ValueError(f"select must be 'a', 'i' or 'v', got {select!r}")
    if select != "a" and select_range is None:
        raise ValueError(f"select_range must be given for select={select!r}")
    alpha = convert_to_tensor(alpha)
    beta = convert_to_tensor(beta, alpha.dtype)
    pad = np.zeros((), alpha.dtype.np)
    main = call("MatrixDiagV3", alpha, 0, -1, -1, pad)
    upper = call("MatrixDiagV3", beta, 1, -1, -1, pad)
    below = call("Conj", beta) if alpha.dtype.is_complex else beta
    lower = call("MatrixDiagV3", below, -1, -1, -1, pad)
    matrix = call("AddN", [main, upper, lower])
    e, v = eigh(matrix, name=name)
    if alpha.dtype.is_complex:
        e = call("Real", e, Tout=alpha.dtype.real_dtype)
    if select == "i":
        first, last = int(select_range[0]), int(select_range[1])
        e, v = e[first : last + 1], v[:, first : last + 1]
    elif select == "v":
        low, high = (convert_to_tensor(bound, e.dtype) for bound in select_range)
        inside = call("LogicalAnd", call("Greater", e, low), call("LessEqual", e, high))
        places = call("Reshape", call("Where", inside), [-1])
        e, v = call("GatherV2", e, places, 0), call("GatherV2", v, places, 1)
    return e if eigvals_only else (e, v)


def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Lu:
    """Lower and upper triangular factors, in one matrix, and the order of rows.

    Args:
        input: matrices, [..., n, n].
        output_idx_type: type of the order, int32 or int64.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a matrix is singular.
    """
    return Lu(*call("Lu", input, output_idx_type=as_dtype(output_idx_type), name=name))


def det(input: Any, name: str | None = None) -> Any:
    """Determinants of matrices, [..., n, n] -> [...]."""
    return call("MatrixDeterminant", input, name=name)


def slogdet(input: Any, name: str | None = None) -> LogMatrixDeterminant:
    """Signs and logarithms of absolute values of determinants, [..., n, n] -> twice [...]."""
    return LogMatrixDeterminant(*call("LogMatrixDeterminant", input, name=name))


def logdet(matrix: Any, name: str | None = None) -> Any:
    """Logarithms of determinants of positive definite matrices, [..., n, n] -> [...]."""
    diagonal = call("MatrixDiagPart", cholesky(matrix))
    if diagonal.dtype.is_complex:
        diagonal = call("Real", diagonal, Tout=diagonal.dtype.real_dtype)
    total = call("Sum", call("Log", diagonal), np.array([-1], np.int32))
    return call("Mul", np.array(2, total.dtype.np), total, name=name)
