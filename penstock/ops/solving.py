"""Inverses, and solutions of linear systems."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.factorization import check_matrix, require_pivots, square_shape, widened
from penstock.ops.linalg import adjoint as adjoint_of
from penstock.ops.linalg import broadcast_dims
from penstock.ops.namespace import namespace
from penstock.ops.table import gradient, host_kernel, op

jnp = jax.numpy


@functools.cache
def scipy_linalg() -> Any:
    """The module `scipy.linalg`, loaded when first needed: it costs a fifth of a second."""
    import scipy.linalg  # noqa: PLC0415

    return scipy.linalg


@op(
    "MatrixInverse",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"adjoint": False},
    kernel="device",
    shape=square_shape,
)
def matrix_inverse(x: Any, *, adjoint: bool) -> Any:
    """Inverse of a matrix, or of its adjoint.

    Shape: input [..., n, n] -> output [..., n, n].
    Errors: InvalidArgumentError when a matrix is singular.
    """
    check_matrix(x, square=True)
    wide = adjoint_of(jnp, widened(x)) if adjoint else widened(x)
    packed, _, order = jax.lax.linalg.lu(wide)
    require_pivots(jnp, packed)
    eye = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=wide.dtype), wide.shape)
    return _lu_solve(packed, order, eye).astype(x.dtype)


def _lu_solve(packed: Any, order: Any, rhs: Any) -> Any:
    permuted = jnp.take_along_axis(rhs, order[..., None], axis=-2)
    solve = jax.lax.linalg.triangular_solve
    inner = solve(packed, permuted, left_side=True, lower=True, unit_diagonal=True)
    return solve(packed, inner, left_side=True, lower=False)


@host_kernel("MatrixInverse")
def matrix_inverse_on_host(x: Any, *, adjoint: bool) -> Any:
    """Numpy kernel of `MatrixInverse`."""
    check_matrix(x, square=True)
    wide = adjoint_of(np, widened(x)) if adjoint else widened(x)
    try:
        result = np.linalg.inv(wide)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError("input must be invertible") from None
    if np.isnan(wide).any():
        raise InvalidArgumentError("input must be invertible, got NaN")
    return result.astype(x.dtype)


@gradient("MatrixInverse")
def matrix_inverse_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Multiply with the inverse on both sides."""
    inverse, turned = g.outputs[0], g.attrs["adjoint"]
    right = g.call("BatchMatMulV2", grad, inverse, adj_x=turned, adj_y=not turned)
    return (g.call("Neg", g.call("BatchMatMulV2", inverse, right, adj_x=not turned)),)


def _solution_shape(matrix: Any, rhs: Any, *_: Any, **__: Any) -> TensorShape:
    if matrix.shape.rank is None or rhs.shape.rank is None:
        return TensorShape(None)
    if matrix.shape.rank < 2 or rhs.shape.rank < 2:
        raise InvalidArgumentError(
            f"matrix and rhs must have rank 2 or more, got {matrix.shape} and {rhs.shape}"
        )
    columns = matrix.shape.as_list()[-1]
    batch = broadcast_dims(matrix.shape.as_list()[:-2], rhs.shape.as_list()[:-2])
    return TensorShape([*batch, columns, rhs.shape.as_list()[-1]])


def _check_system(matrix: Any, rhs: Any, *, broadcasts: bool) -> None:
    if matrix.ndim < 2 or rhs.ndim < 2:
        raise InvalidArgumentError(
            f"matrix and rhs must have rank 2 or more, got {matrix.shape} and {rhs.shape}"
        )
    if matrix.shape[-2] != rhs.shape[-2]:
        raise InvalidArgumentError(
            f"matrix and rhs must have equally many rows, got {matrix.shape} and {rhs.shape}"
        )
    if broadcasts:
        broadcast_dims(list(matrix.shape[:-2]), list(rhs.shape[:-2]))
    elif matrix.shape[:-2] != rhs.shape[:-2]:
        raise InvalidArgumentError(
            f"matrix and rhs must have one batch shape, got {matrix.shape} and {rhs.shape}"
        )


@op(
    "MatrixSolve",
    inputs=("matrix: T", "rhs: T"),
    outputs=("output: T",),
    attrs={"adjoint": False},
    kernel="device",
    shape=_solution_shape,
)
def matrix_solve(matrix: Any, rhs: Any, *, adjoint: bool) -> Any:
    """Solution of a linear system by elimination.

    Shape: matrix [..., n, n], rhs [..., n, k] -> output [..., n, k].
    Errors: InvalidArgumentError when a matrix is singular.
    """
    check_matrix(matrix, square=True)
    _check_system(matrix, rhs, broadcasts=False)
    wide = adjoint_of(jnp, widened(matrix)) if adjoint else widened(matrix)
    packed, _, order = jax.lax.linalg.lu(wide)
    require_pivots(jnp, packed)
    return _lu_solve(packed, order, widened(rhs)).astype(matrix.dtype)


@host_kernel("MatrixSolve")
def matrix_solve_on_host(matrix: Any, rhs: Any, *, adjoint: bool) -> Any:
    """Numpy kernel of `MatrixSolve`."""
    check_matrix(matrix, square=True)
    _check_system(matrix, rhs, broadcasts=False)
    wide = adjoint_of(np, widened(matrix)) if adjoint else widened(matrix)
    try:
        result = np.linalg.solve(wide, widened(rhs))
    except np.linalg.LinAlgError:
        raise InvalidArgumentError("matrix must be invertible") from None
    return result.astype(matrix.dtype)


def _solution_gradients(g: Any, op_name: str, grad: Any, **attrs: Any) -> tuple[Any, Any]:
    """Gradients of matrix and rhs; `op_name` solves with the other adjoint."""
    matrix, turned = g.inputs[0], g.attrs["adjoint"]
    grad_rhs = g.call(op_name, matrix, grad, adjoint=not turned, **attrs)
    grad_matrix = None
    if g.needs(0):
        pair = (g.outputs[0], grad_rhs) if turned else (grad_rhs, g.outputs[0])
        grad_matrix = g.call("Neg", g.call("BatchMatMulV2", *pair, adj_y=True))
    return grad_matrix, grad_rhs


@gradient("MatrixSolve")
def matrix_solve_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Solve with the adjoint."""
    return _solution_gradients(g, "MatrixSolve", grad)


@op(
    "MatrixTriangularSolve",
    inputs=("matrix: T", "rhs: T"),
    outputs=("output: T",),
    attrs={"lower": True, "adjoint": False},
    kernel="device",
    shape=_solution_shape,
)
def matrix_triangular_solve(matrix: Any, rhs: Any, *, lower: bool, adjoint: bool) -> Any:
    """Solution of a triangular system; the other triangle is not read.

    Shape: matrix [..., n, n], rhs [..., n, k] -> output [..., n, k], batch shapes broadcast.
    """
    check_matrix(matrix, square=True)
    _check_system(matrix, rhs, broadcasts=True)
    batch = jnp.broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2])
    wide = jnp.broadcast_to(widened(matrix), (*batch, *matrix.shape[-2:]))
    wide_rhs = jnp.broadcast_to(widened(rhs), (*batch, *rhs.shape[-2:]))
    return jax.lax.linalg.triangular_solve(
        wide,
        wide_rhs,
        left_side=True,
        lower=lower,
        transpose_a=adjoint,
        conjugate_a=adjoint and matrix.dtype.kind == "c",
    ).astype(matrix.dtype)


@host_kernel("MatrixTriangularSolve")
def matrix_triangular_solve_on_host(
    matrix: Any, rhs: Any, *, lower: bool, adjoint: bool
) -> Any:
    """Numpy kernel of `MatrixTriangularSolve`."""
    check_matrix(matrix, square=True)
    _check_system(matrix, rhs, broadcasts=True)
    batch = np.broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2])
    wide = np.broadcast_to(widened(matrix), (*batch, *matrix.shape[-2:]))
    wide_rhs = np.broadcast_to(widened(rhs), (*batch, *rhs.shape[-2:]))
    result = np.empty(wide_rhs.shape, wide_rhs.dtype)
    if result.size == 0:
        return result.astype(matrix.dtype)
    solve = scipy_linalg().get_lapack_funcs("trtrs", (wide, wide_rhs))
    for place in np.ndindex(*batch):
        solution, info = solve(wide[place], wide_rhs[place], lower=lower, trans=2 * adjoint)
        result[place] = (
            solution
            if info == 0
            else _substitute(wide[place], wide_rhs[place], lower=lower, adjoint=adjoint)
        )
    return result.astype(matrix.dtype)


def _substitute(matrix: Any, rhs: Any, *, lower: bool, adjoint: bool) -> Any:
    """Solve with zeros on the diagonal too, which give infinities and NaN."""
    if adjoint:
        matrix, lower = adjoint_of(np, matrix), not lower
    size = len(matrix)
    order = range(size) if lower else range(size - 1, -1, -1)
    solution = np.zeros_like(rhs)
    with np.errstate(all="ignore"):
        for i in order:
            known = slice(0, i) if lower else slice(i + 1, size)
            solution[i] = (rhs[i] - matrix[i, known] @ solution[known]) / matrix[i, i]
    return solution


op(
    "BatchMatrixTriangularSolve",
    inputs=("matrix: T", "rhs: T"),
    outputs=("output: T",),
    attrs={"lower": True, "adjoint": False},
    kernel="device",
    shape=_solution_shape,
)(matrix_triangular_solve)
host_kernel("BatchMatrixTriangularSolve")(matrix_triangular_solve_on_host)


@gradient("MatrixTriangularSolve", "BatchMatrixTriangularSolve")
def matrix_triangular_solve_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Solve with the adjoint, and keep the triangle that was read."""
    lower = g.attrs["lower"]
    grad_matrix, grad_rhs = _solution_gradients(g, "MatrixTriangularSolve", grad, lower=lower)
    if grad_matrix is not None:
        below, above = (-1, 0) if lower else (0, -1)
        grad_matrix = g.call("MatrixBandPart", grad_matrix, below, above)
        grad_matrix = g.reduce_to(grad_matrix, g.inputs[0])
    return grad_matrix, g.reduce_to(grad_rhs, g.inputs[1])


def _least_squares_shape(matrix: Any, rhs: Any, *_: Any, **__: Any) -> TensorShape:
    return _solution_shape(matrix, rhs)


@op(
    "MatrixSolveLs",
    inputs=("matrix: T", "rhs: T", "l2_regularizer: double"),
    outputs=("output: T",),
    attrs={"fast": True},
    kernel="device",
    shape=_least_squares_shape,
)
def matrix_solve_ls(matrix: Any, rhs: Any, l2_regularizer: Any, *, fast: bool) -> Any:
    """Solution of least squares, or of least norm where there are many.

    `fast` takes the normal equations, which give NaN for a matrix of less than full rank; the
    other way ignores the regularizer.

    Shape: matrix [..., m, n], rhs [..., m, k], l2_regularizer [] -> output [..., n, k].
    """
    _check_system(matrix, rhs, broadcasts=False)
    wide, wide_rhs = widened(matrix), widened(rhs)
    if not fast:
        return (jnp.linalg.pinv(wide) @ wide_rhs).astype(matrix.dtype)
    rows, columns = matrix.shape[-2:]
    turned = adjoint_of(jnp, wide)
    weight = l2_regularizer.astype(wide.dtype)
    if rows >= columns:
        square = turned @ wide + weight * jnp.eye(columns, dtype=wide.dtype)
        return _cholesky_solve(square, turned @ wide_rhs).astype(matrix.dtype)
    square = wide @ turned + weight * jnp.eye(rows, dtype=wide.dtype)
    return (turned @ _cholesky_solve(square, wide_rhs)).astype(matrix.dtype)


def _cholesky_solve(square: Any, rhs: Any) -> Any:
    factor = jax.lax.linalg.cholesky(square)
    solve = functools.partial(
        jax.lax.linalg.triangular_solve, factor, left_side=True, lower=True
    )
    return solve(solve(rhs), transpose_a=True, conjugate_a=square.dtype.kind == "c")


@host_kernel("MatrixSolveLs")
def matrix_solve_ls_on_host(matrix: Any, rhs: Any, l2_regularizer: Any, *, fast: bool) -> Any:
    """Numpy kernel of `MatrixSolveLs`."""
    _check_system(matrix, rhs, broadcasts=False)
    wide, wide_rhs = widened(matrix), widened(rhs)
    if not fast:
        return (np.linalg.pinv(wide) @ wide_rhs).astype(matrix.dtype)
    rows, columns = matrix.shape[-2:]
    turned = adjoint_of(np, wide)
    weight = np.asarray(l2_regularizer, wide.dtype)
    tall = rows >= columns
    square = turned @ wide if tall else wide @ turned
    square = square + weight * np.eye(min(rows, columns), dtype=wide.dtype)
    right = turned @ wide_rhs if tall else wide_rhs
    try:
        factor = np.linalg.cholesky(square)
    except np.linalg.LinAlgError:
        shape = (*matrix.shape[:-2], columns, rhs.shape[-1])
        return np.full(shape, np.nan, matrix.dtype)
    inner = np.linalg.solve(adjoint_of(np, factor), np.linalg.solve(factor, right))
    return (inner if tall else turned @ inner).astype(matrix.dtype)


@op(
    "TridiagonalMatMul",
    inputs=("superdiag: T", "maindiag: T", "subdiag: T", "rhs: T"),
    outputs=("output: T",),
)
def tridiagonal_mat_mul(superdiag: Any, maindiag: Any, subdiag: Any, rhs: Any) -> Any:
    """Product of a matrix with three diagonals and another matrix.

    Shape: superdiag [..., 1, n], maindiag [..., 1, n], subdiag [..., 1, n], rhs [..., n, k] ->
        output [..., n, k]; the last element of superdiag and the first of subdiag are not read.
    """
    size = rhs.shape[-2]
    for name, diagonal in (
        ("superdiag", superdiag),
        ("maindiag", maindiag),
        ("subdiag", subdiag),
    ):
        if diagonal.ndim != rhs.ndim or diagonal.shape[-2:] != (1, size):
            raise InvalidArgumentError(
                f"{name} must have shape [..., 1, {size}], got {tuple(diagonal.shape)}"
            )
    xp = namespace(superdiag, maindiag, subdiag, rhs)
    above, main, below = (xp.swapaxes(d, -1, -2) for d in (superdiag, maindiag, subdiag))
    empty = xp.zeros_like(rhs[..., :1, :])
    up = xp.concatenate([above[..., :-1, :] * rhs[..., 1:, :], empty], axis=-2)
    down = xp.concatenate([empty, below[..., 1:, :] * rhs[..., :-1, :]], axis=-2)
    return main * rhs + up[..., :size, :] + down[..., :size, :]


@op(
    "TridiagonalSolve",
    inputs=("diagonals: T", "rhs: T"),
    outputs=("output: T",),
    attrs={"partial_pivoting": True, "perturb_singular": False},
    shape=lambda _diagonals, rhs, **_: rhs.shape,
)
def tridiagonal_solve(
    diagonals: Any, rhs: Any, *, partial_pivoting: bool, perturb_singular: bool
) -> Any:
    """Solution of a system with three diagonals, NaN when the matrix is singular.

    Shape: diagonals [..., 3, n], rhs [..., n, k] -> output [..., n, k]; the rows of diagonals
        are the one above, the main one and the one below, the last element of the first row and
        the first of the last row are not read.
    Errors: InvalidArgumentError for `perturb_singular` without pivoting.
    """
    if perturb_singular and not partial_pivoting:
        raise InvalidArgumentError("perturb_singular must go with partial_pivoting")
    if diagonals.ndim < 2 or diagonals.shape[-2] != 3 or rhs.shape[-2] != diagonals.shape[-1]:
        raise InvalidArgumentError(
            f"diagonals must be [..., 3, n] and rhs [..., n, k], got {tuple(diagonals.shape)} "
            f"and {tuple(rhs.shape)}"
        )
    xp = namespace(diagonals, rhs)
    if rhs.shape[-2] == 0:
        return rhs
    sweep = _sweep_on_host if xp is np else _sweep_on_device
    size = rhs.shape[-2]
    above, main, below = (xp.moveaxis(diagonals[..., i, :, None], -2, 0) for i in range(3))
    zero, right = xp.zeros_like(main[:1]), xp.moveaxis(rhs, -2, 0)
    # Row i: what stands on the columns i - 1, i and i + 1, and the right-hand side.
    rows = (
        xp.concatenate([zero, below[1:]]),
        main,
        xp.concatenate([above[: size - 1], zero]),
        right,
    )
    first = (rows[1][0], rows[2][0], xp.zeros_like(zero[0]), right[0])
    last, upper = sweep(_eliminate(xp, pivot=partial_pivoting), first, [r[1:] for r in rows])
    upper = [xp.concatenate([u, end[None]]) for u, end in zip(upper, last, strict=True)]
    if perturb_singular:
        upper[0] = _away_from_zero(xp, upper[0], diagonals)
    nothing = xp.zeros_like(right[0])
    start = (nothing, nothing, xp.zeros(main[0].shape, np.bool_))
    (_, _, singular), (solution,) = sweep(_substitute_row(xp), start, [u[::-1] for u in upper])
    nan = np.array(np.nan, rhs.dtype)
    return xp.where(singular[..., None, :], nan, xp.moveaxis(solution[::-1], 0, -2))


def _sweep_on_host(step: Any, carry: Any, rows: list[Any]) -> tuple[Any, list[Any]]:
    """Run `step(carry, row) -> (carry, out)` over all rows; give the carry and the outs."""
    outs = []
    for row in zip(*rows, strict=True):
        carry, out = step(carry, row)
        outs.append(out)
    width = len(outs[0]) if outs else len(carry)
    if not outs:
        return carry, [np.empty((0, *part.shape), part.dtype) for part in carry[:width]]
    return carry, [np.stack(parts) for parts in zip(*outs, strict=True)]


def _sweep_on_device(step: Any, carry: Any, rows: list[Any]) -> tuple[Any, list[Any]]:
    carry, outs = jax.lax.scan(step, carry, tuple(rows))
    return carry, list(outs)


def _eliminate(xp: Any, *, pivot: bool) -> Any:
    """Step that finishes a row (diagonal, next, next but one, right) of the upper triangle."""

    def step(here: Any, there: Any) -> tuple[Any, Any]:
        below, main, above, right = there
        nothing = xp.zeros_like(main)
        other = (below, main, above, right)
        if pivot:
            swap = xp.abs(below) > xp.abs(here[0])
            pairs = list(zip(here, other, strict=True))
            here = tuple(xp.where(swap, b, a) for a, b in pairs)
            other = tuple(xp.where(swap, a, b) for a, b in pairs)
        divisor = xp.where(here[0] == 0, xp.ones_like(here[0]), here[0])
        factor = xp.where(here[0] == 0, nothing, other[0] / divisor)
        left = (
            other[1] - factor * here[1],
            other[2] - factor * here[2],
            nothing,
            other[3] - factor * here[3],
        )
        return left, here

    return step


def _away_from_zero(xp: Any, pivots: Any, diagonals: Any) -> Any:
    """Replace pivots that are too small by one that is just large enough."""
    unit = np.finfo(diagonals.dtype).eps
    small = unit * xp.max(xp.abs(diagonals), axis=(-1, -2))[..., None]
    small = xp.where(small == 0, unit, small)
    return xp.where(xp.abs(pivots) < small, small.astype(pivots.dtype), pivots)


def _substitute_row(xp: Any) -> Any:
    """Step of the back substitution; the carry is the last two results, and where it failed."""

    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        following, second, singular = carry
        diagonal, next_one, next_two, right = row
        known = right - next_one * following - next_two * second
        divisor = xp.where(diagonal == 0, xp.ones_like(diagonal), diagonal)
        value = known / divisor
        return (value, following, singular | (diagonal == 0)), (value,)

    return step


@gradient("TridiagonalSolve")
def tridiagonal_solve_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Solve with the transposed matrix, and keep three diagonals of the outer product."""
    diagonals, solution = g.inputs[0], g.outputs[0]
    above, main, below = g.call("Unpack", diagonals, num=3, axis=-2)
    turned = g.call("Pack", [_shifted(g, below, 1), main, _shifted(g, above, -1)], axis=-2)
    grad_rhs = g.call("TridiagonalSolve", turned, grad, **g.attrs)
    products = []
    for shift in (1, 0, -1):
        moved = _shifted_rows(g, solution, shift)
        products.append(g.call("Sum", g.call("Mul", grad_rhs, moved), [-1], keep_dims=False))
    return g.call("Neg", g.call("Pack", products, axis=-2)), grad_rhs


def _shifted(g: Any, vector: Any, by: int) -> Any:
    """Move the last axis by one place towards 0 (`by` 1) or away from it (-1), adding a 0."""
    moved = _shifted_rows(g, g.call("ExpandDims", vector, -1), by)
    return g.call("Squeeze", moved, squeeze_dims=(-1,))


def _shifted_rows(g: Any, tensor: Any, by: int) -> Any:
    if by == 0:
        return tensor
    rank = tensor.shape.rank
    padding = np.zeros((rank, 2), np.int32)
    padding[-2] = (0, 1) if by > 0 else (1, 0)
    begin = np.zeros(rank, np.int32)
    begin[-2] = 1 if by > 0 else 0
    padded = g.call("Pad", tensor, padding)
    return g.call("Slice", padded, begin, g.call("Shape", tensor))


@op(
    "BandedTriangularSolve",
    inputs=("matrix: T", "rhs: T"),
    outputs=("output: T",),
    attrs={"lower": True, "adjoint": False},
)
def banded_triangular_solve(matrix: Any, rhs: Any, *, lower: bool, adjoint: bool) -> Any:
    """Solution of a triangular system of which only a few diagonals are not 0.

    Shape: matrix [..., b, n], rhs [..., n, k] -> output [..., n, k], batch shapes broadcast.
        With `lower` the first row is the main diagonal and element [d, i] stands at (i, i - d);
        else the last row is the main diagonal and element [b - 1 - d, i] stands at (i, i + d).
    """
    if matrix.ndim < 2 or rhs.ndim < 2 or matrix.shape[-1] != rhs.shape[-2]:
        raise InvalidArgumentError(
            f"matrix must be [..., b, n] and rhs [..., n, k], got {tuple(matrix.shape)} and "
            f"{tuple(rhs.shape)}"
        )
    bands, size = matrix.shape[-2:]
    if not 1 <= bands <= max(size, 1):
        raise InvalidArgumentError(f"matrix must have 1 to {size} bands, got {bands}")
    xp = namespace(matrix, rhs)
    row, column = np.indices((size, size))
    offset = row - column if lower else column - row
    inside = (offset >= 0) & (offset < bands)
    place = np.clip(offset if lower else bands - 1 - offset, 0, bands - 1)
    dense = xp.where(inside, matrix[..., place, row], np.zeros((), matrix.dtype))
    solve = matrix_triangular_solve_on_host if xp is np else matrix_triangular_solve
    return solve(dense, rhs, lower=lower, adjoint=adjoint)
