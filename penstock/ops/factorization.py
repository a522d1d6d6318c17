"""Factorizations of matrices: Cholesky, QR, SVD, eigenvalues, LU.

All kernels work on the last two axes. Half precision is computed in float32.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from penstock.core.dtypes import DType, int32
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import require
from penstock.ops.elementwise import INEXACT
from penstock.ops.linalg import adjoint
from penstock.ops.table import REQUIRED, gradient, host_kernel, op

jnp = jax.numpy


def widened(x: Any) -> Any:
    """Return `x` in a type that LAPACK knows."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind != "c" else x


def check_matrix(x: Any, *, square: bool) -> None:
    """Refuse what is no matrix of floats or complex numbers, or no square one.

    Errors: InvalidArgumentError.
    """
    if x.dtype not in INEXACT:
        raise InvalidArgumentError(f"input must be floats or complex numbers, got {x.dtype}")
    if x.ndim < 2:
        raise InvalidArgumentError(
            f"input must have rank 2 or more, got shape {tuple(x.shape)}"
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise InvalidArgumentError(f"input must be square matrices, got shape {tuple(x.shape)}")


def square_shape(input: Any, *_: Any, **__: Any) -> TensorShape:
    """Shape of the result of an op on square matrices."""
    shape = input.shape
    if shape.rank is None:
        return TensorShape(None)
    if shape.rank < 2:
        raise InvalidArgumentError(f"input must have rank 2 or more, got shape {shape}")
    *batch, rows, columns = shape.as_list()
    if rows is not None and columns is not None and rows != columns:
        raise InvalidArgumentError(f"input must be square matrices, got shape {shape}")
    size = columns if rows is None else rows
    return TensorShape([*batch, size, size])


def lower_as_hermitian(x: Any) -> Any:
    """The Hermitian matrix whose lower triangle is that of `x`; the upper one is not read."""
    strict = jnp.tril(x, -1)
    diagonal = jnp.tril(x) - strict
    return strict + adjoint(jnp, strict) + diagonal.real.astype(x.dtype)


@op(
    "Cholesky",
    inputs=("input: T",),
    outputs=("output: T",),
    kernel="device",
    shape=square_shape,
)
def cholesky(x: Any) -> Any:
    """Lower triangular factor of a positive definite matrix; NaN where it is none.

    Shape: input [..., n, n] -> output [..., n, n].
    """
    check_matrix(x, square=True)
    wide = widened(x)
    # The value depends on the lower triangle alone, the gradient is symmetric.
    even = (wide + adjoint(jnp, wide)) / 2
    used = even + jax.lax.stop_gradient(lower_as_hermitian(wide) - even)
    return jax.lax.linalg.cholesky(used, symmetrize_input=False).astype(x.dtype)


@host_kernel("Cholesky")
def cholesky_on_host(x: Any) -> Any:
    """Numpy kernel of `Cholesky`."""
    check_matrix(x, square=True)
    wide = widened(x)
    try:
        return np.linalg.cholesky(wide).astype(x.dtype)
    except np.linalg.LinAlgError:
        result = np.empty_like(wide)
        for place in np.ndindex(*x.shape[:-2]):
            try:
                result[place] = np.linalg.cholesky(wide[place])
            except np.linalg.LinAlgError:
                result[place] = np.tril(np.full(x.shape[-2:], np.nan, wide.dtype))
        return result.astype(x.dtype)


def adjoint_call(g: Any, tensor: Any) -> Any:
    """Transpose the last two axes and conjugate, as a call within a gradient rule."""
    rank = tensor.shape.rank
    order = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return g.call(
        "ConjugateTranspose" if tensor.dtype.is_complex else "Transpose", tensor, order
    )


def scaled_call(g: Any, tensor: Any, factor: float) -> Any:
    """Multiply with a number, as a call within a gradient rule."""
    return g.call("Mul", tensor, np.array(factor, tensor.dtype.np))


@gradient("Cholesky")
def cholesky_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Gradient that is symmetric, as the input is.

    Source: Murray, "Differentiation of the Cholesky decomposition", 2016.
    """
    factor = g.outputs[0]
    middle = g.call("BatchMatMulV2", factor, grad, adj_x=True)
    halved = scaled_call(g, g.call("MatrixDiagPart", middle), 0.5)
    middle = g.call("MatrixBandPart", g.call("MatrixSetDiag", middle, halved), -1, 0)
    left = g.call("MatrixTriangularSolve", factor, middle, adjoint=True)
    both = g.call("MatrixTriangularSolve", factor, adjoint_call(g, left), adjoint=True)
    return (scaled_call(g, g.call("AddV2", both, adjoint_call(g, both)), 0.5),)


@op(
    "CholeskyGrad",
    inputs=("l: T", "grad: T"),
    outputs=("output: T",),
    kernel="device",
    shape="same",
)
def cholesky_grad(l: Any, grad: Any) -> Any:  # noqa: E741
    """Gradient with respect to the input of `Cholesky`, of that with respect to its output `l`.

    Shape: l [..., n, n], grad [..., n, n] -> output [..., n, n].
    """
    check_matrix(l, square=True)
    wide, flow = widened(l), widened(grad)
    middle = jnp.tril(adjoint(jnp, wide) @ flow)
    middle = middle - jnp.tril(jnp.triu(middle)) / 2
    solve = jax.lax.linalg.triangular_solve
    left = solve(wide, middle, left_side=True, lower=True, transpose_a=True)
    both = solve(wide, left, left_side=False, lower=True)
    return ((both + adjoint(jnp, both)) / 2).astype(l.dtype)


def _qr_shapes(input: Any, *, full_matrices: bool) -> tuple[TensorShape, TensorShape]:
    if input.shape.rank is None:
        return TensorShape(None), TensorShape(None)
    *batch, rows, columns = input.shape.as_list()
    least = None if rows is None or columns is None else min(rows, columns)
    if full_matrices:
        return TensorShape([*batch, rows, rows]), TensorShape([*batch, rows, columns])
    return TensorShape([*batch, rows, least]), TensorShape([*batch, least, columns])


@op(
    "Qr",
    inputs=("input: T",),
    outputs=("q: T", "r: T"),
    attrs={"full_matrices": False},
    kernel="device",
    shape=_qr_shapes,
)
def qr(x: Any, *, full_matrices: bool) -> tuple[Any, Any]:
    """Orthonormal and upper triangular factors.

    Shape: input [..., m, n] -> q [..., m, p], r [..., p, n] with p = m, or the lesser of
        m and n.
    """
    check_matrix(x, square=False)
    rows, columns = x.shape[-2:]
    wide = widened(x)
    if rows < columns:
        # JAX differentiates tall matrices; the left square block determines q.
        q, r = jnp.linalg.qr(wide[..., :rows])
        r = jnp.concatenate([r, adjoint(jnp, q) @ wide[..., rows:]], axis=-1)
    else:
        q, r = jnp.linalg.qr(wide, mode="complete" if full_matrices else "reduced")
    return q.astype(x.dtype), r.astype(x.dtype)


@host_kernel("Qr")
def qr_on_host(x: Any, *, full_matrices: bool) -> tuple[Any, Any]:
    """Numpy kernel of `Qr`."""
    check_matrix(x, square=False)
    q, r = np.linalg.qr(widened(x), mode="complete" if full_matrices else "reduced")
    return q.astype(x.dtype), r.astype(x.dtype)


def _svd_shapes(
    input: Any, *, compute_uv: bool, full_matrices: bool
) -> tuple[TensorShape, ...]:
    if input.shape.rank is None:
        return (TensorShape(None),) * 3
    *batch, rows, columns = input.shape.as_list()
    least = None if rows is None or columns is None else min(rows, columns)
    if not compute_uv:
        # As TensorFlow's shape function has it, which checks what graphs in files say.
        return TensorShape([*batch, least]), TensorShape([0]), TensorShape([0])
    u, v = (rows, columns) if full_matrices else (least, least)
    return (
        TensorShape([*batch, least]),
        TensorShape([*batch, rows, u]),
        TensorShape([*batch, columns, v]),
    )


@op(
    "Svd",
    inputs=("input: T",),
    outputs=("s: T", "u: T", "v: T"),
    attrs={"compute_uv": True, "full_matrices": False},
    kernel="device",
    shape=_svd_shapes,
)
def svd(x: Any, *, compute_uv: bool, full_matrices: bool) -> tuple[Any, Any, Any]:
    """Singular values, largest first, and singular vectors in columns.

    Shape: input [..., m, n] -> s [..., p], u [..., m, p], v [..., n, p], where p is the lesser
        of m and n; with `full_matrices` u and v are square; without `compute_uv` they are [].
    """
    check_matrix(x, square=False)
    wide = widened(x)
    if not compute_uv:
        s = jnp.linalg.svd(wide, compute_uv=False)
        return s.astype(x.dtype), jnp.zeros((), x.dtype), jnp.zeros((), x.dtype)
    u, s, v = jnp.linalg.svd(wide, full_matrices=False)
    v = adjoint(jnp, v)
    if full_matrices and x.shape[-2] != x.shape[-1]:
        all_u, _, all_v = jnp.linalg.svd(jax.lax.stop_gradient(wide), full_matrices=True)
        u, v = _completed(u, all_u), _completed(v, adjoint(jnp, all_v))
    return s.astype(x.dtype), u.astype(x.dtype), v.astype(x.dtype)


def _completed(part: Any, whole: Any) -> Any:
    """The columns of `part`, and those of `whole` beyond them, at right angles to them."""
    rest = whole[..., part.shape[-1] :]
    # Of no effect on the value: it turns the rest as far as the part turns.
    rest = rest - part @ (adjoint(jnp, part) @ rest)
    return jnp.concatenate([part, rest], axis=-1)


@host_kernel("Svd")
def svd_on_host(x: Any, *, compute_uv: bool, full_matrices: bool) -> tuple[Any, Any, Any]:
    """Numpy kernel of `Svd`."""
    check_matrix(x, square=False)
    wide = widened(x)
    if not compute_uv:
        s = np.linalg.svd(wide, compute_uv=False)
        return s.astype(x.dtype), np.zeros((), x.dtype), np.zeros((), x.dtype)
    u, s, v = np.linalg.svd(wide, full_matrices=full_matrices)
    return s.astype(x.dtype), u.astype(x.dtype), adjoint(np, v).astype(x.dtype)


def _eigen_shapes(input: Any, *, compute_v: bool, **_: Any) -> tuple[TensorShape, TensorShape]:
    square = square_shape(input)
    if square.rank is None:
        return TensorShape(None), TensorShape(None) if compute_v else TensorShape([0])
    return TensorShape(square.as_list()[:-1]), square if compute_v else TensorShape([0])


@op(
    "SelfAdjointEigV2",
    inputs=("input: T",),
    outputs=("e: T", "v: T"),
    attrs={"compute_v": True},
    kernel="device",
    shape=_eigen_shapes,
)
def self_adjoint_eig_v2(x: Any, *, compute_v: bool) -> tuple[Any, Any]:
    """Eigenvalues, least first, and eigenvectors in columns; only the lower triangle is read.

    Shape: input [..., n, n] -> e [..., n], v [..., n, n], or [] without `compute_v`.
    """
    check_matrix(x, square=True)
    v, e = jax.lax.linalg.eigh(lower_as_hermitian(widened(x)), symmetrize_input=False)
    return e.astype(x.dtype), v.astype(x.dtype) if compute_v else jnp.zeros((), x.dtype)


@host_kernel("SelfAdjointEigV2")
def self_adjoint_eig_v2_on_host(x: Any, *, compute_v: bool) -> tuple[Any, Any]:
    """Numpy kernel of `SelfAdjointEigV2`."""
    check_matrix(x, square=True)
    if not compute_v:
        return np.linalg.eigvalsh(widened(x)).astype(x.dtype), np.zeros((), x.dtype)
    e, v = np.linalg.eigh(widened(x))
    return e.astype(x.dtype), v.astype(x.dtype)


@op(
    "Eig",
    inputs=("input: T",),
    outputs=("e: Tout", "v: Tout"),
    attrs={"compute_v": True, "Tout": REQUIRED},
    kernel="host",
    shape=_eigen_shapes,
)
def eig(x: Any, *, compute_v: bool, Tout: DType) -> tuple[Any, Any]:  # noqa: N803
    """Eigenvalues and eigenvectors, in columns; those of complex matrices by absolute value.

    Shape: input [..., n, n] -> e [..., n], v [..., n, n], or [] without `compute_v`.
    Dtype: complex, whatever the input is.
    """
    check_matrix(x, square=True)
    e, v = np.linalg.eig(x) if compute_v else (np.linalg.eigvals(x), None)
    e = e.astype(Tout.np)
    order = np.broadcast_to(np.arange(e.shape[-1]), e.shape)
    if x.dtype.kind == "c":
        order = np.argsort(np.abs(e), axis=-1, kind="stable")
    e = np.take_along_axis(e, order, axis=-1)
    if v is None:
        return e, np.zeros((), Tout.np)
    return e, np.take_along_axis(v.astype(Tout.np), order[..., None, :], axis=-1)


@gradient("Eig")
def eig_gradient(g: Any, grad_e: Any, grad_v: Any) -> tuple[Any]:
    """Gradient for distinct eigenvalues and eigenvectors of unit length.

    Source: Boeddeker et al., "On the computation of complex-valued gradients", 2017.
    """
    kind = g.attrs["Tout"]
    e, v = g.outputs
    if not g.attrs["compute_v"]:
        e, v = g.call("Eig", g.inputs[0], compute_v=True, Tout=kind)
        grad_v = None
    grad_e = g.call("ZerosLike", e) if grad_e is None else grad_e
    middle = g.call("MatrixDiag", grad_e)
    if grad_v is not None:
        gaps = g.call("Sub", g.call("ExpandDims", e, -2), g.call("ExpandDims", e, -1))
        inverse = g.call("DivNoNan", np.ones((), kind.np), gaps)
        inverse = g.call("Conj", g.call("MatrixSetDiag", inverse, g.call("ZerosLike", e)))
        projected = g.call("BatchMatMulV2", v, grad_v, adj_x=True)
        diagonal = g.call("MatrixDiagPart", projected)
        real = g.call("Cast", g.call("Real", diagonal, Tout=kind.real_dtype), DstT=kind)
        overlap = g.call("BatchMatMulV2", v, v, adj_x=True)
        along = g.call("BatchMatMulV2", overlap, g.call("MatrixDiag", real))
        across = g.call("Mul", inverse, g.call("Sub", projected, along))
        middle = g.call("AddV2", middle, across)
    right = g.call("BatchMatMulV2", middle, v, adj_y=True)
    result = g.call("MatrixSolve", adjoint_call(g, v), right)
    return (result if result.dtype == g.inputs[0].dtype else _real_part(g, result),)


def _real_part(g: Any, tensor: Any) -> Any:
    return g.call("Real", tensor, Tout=g.inputs[0].dtype)


def _lu_shapes(input: Any, **_: Any) -> tuple[TensorShape, TensorShape]:
    square = square_shape(input)
    return square, square if square.rank is None else TensorShape(square.as_list()[:-1])


@op(
    "Lu",
    inputs=("input: T",),
    outputs=("lu: T", "p: output_idx_type"),
    attrs={"output_idx_type": int32},
    kernel="device",
    shape=_lu_shapes,
)
def lu(x: Any, *, output_idx_type: DType) -> tuple[Any, Any]:
    """Lower and upper triangular factors in one matrix, and the order of rows they belong to.

    Shape: input [..., n, n] -> lu [..., n, n], p [..., n].
    Errors: InvalidArgumentError when a pivot is 0.
    """
    check_matrix(x, square=True)
    packed, _, order = jax.lax.linalg.lu(widened(x))
    require_pivots(jnp, packed)
    return packed.astype(x.dtype), order.astype(output_idx_type.np)


def require_pivots(xp: Any, packed: Any) -> None:
    """Refuse factors with a pivot that is 0 or NaN.

    Errors: InvalidArgumentError.
    """
    pivots = xp.abs(xp.diagonal(packed, axis1=-2, axis2=-1))
    require(pivots > 0, InvalidArgumentError, "input must be invertible")


@gradient("Lu")
def lu_gradient(g: Any, grad_lu: Any, _grad_p: Any) -> Any:
    """Leave it to the kernel's pullback; the order of rows has no gradient."""
    return g.generic(grad_lu, None)


@op("MatrixDeterminant", inputs=("input: T",), outputs=("output: T",), kernel="device")
def matrix_determinant(x: Any) -> Any:
    """Determinant.

    Shape: input [..., n, n] -> output [...].
    """
    check_matrix(x, square=True)
    return jnp.linalg.det(widened(x)).astype(x.dtype)


@host_kernel("MatrixDeterminant")
def matrix_determinant_on_host(x: Any) -> Any:
    """Numpy kernel of `MatrixDeterminant`."""
    check_matrix(x, square=True)
    return np.asarray(np.linalg.det(widened(x)), x.dtype)


def _spread(g: Any, tensor: Any) -> Any:
    """Give numbers two axes of size 1, so that they scale matrices."""
    return g.call("ExpandDims", g.call("ExpandDims", tensor, -1), -1)


@gradient("MatrixDeterminant")
def matrix_determinant_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Scale the adjoint of the inverse (Jacobi's formula)."""
    inverse = g.call("MatrixInverse", g.inputs[0], adjoint=True)
    return (g.call("Mul", _spread(g, g.call("Mul", grad, g.outputs[0])), inverse),)


@op(
    "LogMatrixDeterminant",
    inputs=("input: T",),
    outputs=("sign: T", "log_abs_determinant: T"),
    kernel="device",
)
def log_matrix_determinant(x: Any) -> tuple[Any, Any]:
    """Sign of the determinant and logarithm of its absolute value.

    Shape: input [..., n, n] -> sign [...], log_abs_determinant [...].
    """
    check_matrix(x, square=True)
    sign, log = jnp.linalg.slogdet(widened(x))
    return sign.astype(x.dtype), log.astype(x.dtype)


@host_kernel("LogMatrixDeterminant")
def log_matrix_determinant_on_host(x: Any) -> tuple[Any, Any]:
    """Numpy kernel of `LogMatrixDeterminant`."""
    check_matrix(x, square=True)
    sign, log = np.linalg.slogdet(widened(x))
    return np.asarray(sign, x.dtype), np.asarray(log, x.dtype)


@gradient("LogMatrixDeterminant")
def log_matrix_determinant_gradient(g: Any, _grad_sign: Any, grad_log: Any) -> tuple[Any]:
    """Scale the adjoint of the inverse; the sign is constant."""
    if grad_log is None:
        return (None,)
    inverse = g.call("MatrixInverse", g.inputs[0], adjoint=True)
    return (g.call("Mul", _spread(g, grad_log), inverse),)
