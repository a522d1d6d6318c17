"""Systems with few diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.linalg.matrices import matrix_transpose
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_FORMATS = ("compact", "sequence", "matrix")


def _three(diagonals: Any, diagonals_format: str) -> tuple[Any, Any, Any]:
    """The diagonals above, on and below the main one, each of full length.

    Raises:
        ValueError: the format is unknown, or a sequence has another length than 3.
    """
    if diagonals_format == "compact":
        rows = call("Unpack", convert_to_tensor(diagonals), num=3, axis=-2)
        return rows[0], rows[1], rows[2]
    if diagonals_format == "matrix":
        matrix = convert_to_tensor(diagonals)
        above, main, below = (
            call("MatrixDiagPartV3", matrix, k, np.zeros((), matrix.dtype.np))
            for k in (1, 0, -1)
        )
        return _padded(above, after=True), main, _padded(below, after=False)
    if diagonals_format != "sequence":
        raise ValueError(
            f"diagonals_format must be one of {_FORMATS}, got {diagonals_format!r}"
        )
    if len(diagonals) != 3:
        raise ValueError(f"diagonals must be a sequence of 3, got {len(diagonals)}")
    main = convert_to_tensor(diagonals[1])
    above, below = (convert_to_tensor(diagonals[i], dtype_hint=main.dtype) for i in (0, 2))
    size = main.shape.as_list()[-1]
    if size is not None and above.shape.as_list()[-1] == size - 1:
        above = _padded(above, after=True)
    if size is not None and below.shape.as_list()[-1] == size - 1:
        below = _padded(below, after=False)
    return above, main, below


def _padded(diagonal: Any, *, after: bool) -> Any:
    paddings = np.zeros((diagonal.shape.rank, 2), np.int32)
    paddings[-1] = (0, 1) if after else (1, 0)
    return call("Pad", diagonal, paddings)


def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None
) -> Any:
    """Products of matrices with three diagonals and other matrices.

    Args:
        diagonals: the three diagonals: "compact" in the rows of one tensor, [..., 3, n], upper
            first; "sequence" as three tensors; "matrix" as whole matrices.
        rhs: right factors, [..., n, k].
        diagonals_format: one of the three words.
        name: name of the node in a graph.
    """
    rows = [call("ExpandDims", each, -2) for each in _three(diagonals, diagonals_format)]
    return call("TridiagonalMatMul", *rows, rhs, name=name)


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Any:
    """Solutions of systems with three diagonals.

    Args:
        diagonals: see `tridiagonal_matmul`.
        rhs: right-hand sides, [..., n] or [..., n, k].
        diagonals_format: see `tridiagonal_matmul`.
        transpose_rhs: whether right-hand sides are given as [..., k, n].
        conjugate_rhs: whether to conjugate them first.
        name: name of the node in a graph.
        partial_pivoting: whether rows may swap, which is safer.
        perturb_singular: whether to shift pivots that are 0, rather than to return NaN.

    Raises:
        ValueError: `perturb_singular` is asked for without pivoting.
    """
    if perturb_singular and not partial_pivoting:
        raise ValueError("perturb_singular must go with partial_pivoting")
    compact = call("Pack", list(_three(diagonals, diagonals_format)), axis=-2)
    rhs = convert_to_tensor(rhs, dtype_hint=compact.dtype)
    is_vector = rhs.shape.rank == compact.shape.rank - 1
    if is_vector:
        rhs = call("ExpandDims", rhs, -1)
        if conjugate_rhs and rhs.dtype.is_complex:
            rhs = call("Conj", rhs)
    elif transpose_rhs:
        rhs = matrix_transpose(rhs, conjugate=conjugate_rhs)
    elif conjugate_rhs and rhs.dtype.is_complex:
        rhs = call("Conj", rhs)
    solution = call(
        "TridiagonalSolve",
        compact,
        rhs,
        partial_pivoting=partial_pivoting,
        perturb_singular=perturb_singular,
        name=name,
    )
    if is_vector:
        return call("Squeeze", solution, squeeze_dims=(-1,))
    return solution


def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """Solutions of triangular systems of which only a few diagonals are not 0.

    Args:
        bands: the diagonals, [..., b, n]. With `lower` the first row is the main diagonal and
            element [d, i] stands at (i, i - d); else the last row is, and element
            [b - 1 - d, i] stands at (i, i + d). A list of rows will do as well.
        rhs: right-hand sides, [..., n, k].
        lower: whether the matrices are lower triangular.
        adjoint: whether to solve with the adjoint.
        name: name of the node in a graph.
    """
    if isinstance(bands, (list, tuple)):
        bands = call("Pack", [convert_to_tensor(band) for band in bands], axis=-2)
    return call("BandedTriangularSolve", bands, rhs, lower=lower, adjoint=adjoint, name=name)
