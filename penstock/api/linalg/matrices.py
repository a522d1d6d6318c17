"""Transposes, traces, and the sizes of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def matrix_shape(tensor: Any) -> tuple[Any, Any]:
    """Rows and columns of matrices: integers where known, else scalar tensors."""
    rank = tensor.shape.rank
    rows, columns = (None, None) if rank is None else tensor.shape.as_list()[-2:]
    if rows is None or columns is None:
        dynamic = call("Shape", tensor)
        rows = dynamic[-2] if rows is None else rows
        columns = dynamic[-1] if columns is None else columns
    return rows, columns


def matrix_transpose(
    a: Any, name: str | None = "matrix_transpose", conjugate: bool = False
) -> Any:
    """Swap the last two axes.

    Args:
        a: matrices, [..., m, n].
        name: name of the node in a graph.
        conjugate: whether to conjugate too.

    Raises:
        ValueError: the rank is below 2.
    """
    a = convert_to_tensor(a)
    rank = a.shape.rank
    op = "ConjugateTranspose" if conjugate and a.dtype.is_complex else "Transpose"
    if rank is None:
        dynamic = call("Rank", a)
        front = call("Range", 0, dynamic - 2, 1)
        last = call("Pack", [dynamic - 1, dynamic - 2], axis=0)
        return call(op, a, call("ConcatV2", [front, last], 0), name=name)
    if rank < 2:
        raise ValueError(f"a must have rank 2 or more, got shape {a.shape}")
    order = np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    return call(op, a, order, name=name)


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """Swap the last two axes and conjugate."""
    return matrix_transpose(matrix, name=name, conjugate=True)


def trace(x: Any, name: str | None = None) -> Any:
    """Sums of main diagonals, [..., m, n] -> [...]."""
    diagonal = call("MatrixDiagPart", convert_to_tensor(x))
    return call("Sum", diagonal, np.array([-1], np.int32), name=name)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """Cross products of vectors in space, [..., 3]."""
    return call("Cross", a, b, name=name)
