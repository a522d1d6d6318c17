"""Diagonals and bands of matrices: part of `tf.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.operands import integers
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "diag",
    "diag_part",
    "set_diag",
    "band_part",
    "tensor_diag",
    "tensor_diag_part",
]


def diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Matrices with given diagonals.

    Args:
        diagonal: [..., n] for one diagonal, [..., m, n] for m of them, the highest first.
        name: name of the node in a graph.
        k: the diagonal (0 is the main one), or the lowest and the highest.
        num_rows: number of rows; -1 takes the least that fits.
        num_cols: number of columns; -1 takes the least that fits.
        padding_value: what the other places hold.
        align: side to which shorter diagonals above and below the main one are aligned:
            "RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT" or "RIGHT_RIGHT".

    Raises:
        InvalidArgumentError: the diagonals do not fit the size.
    """
    diagonal = convert_to_tensor(diagonal)
    if diagonal.dtype.is_bool:
        padding_value = bool(padding_value)
    return call(
        "MatrixDiagV3",
        diagonal,
        integers(k),
        integers(num_rows),
        integers(num_cols),
        padding_value,
        align=align,
        name=name,
    )


def diag_part(
    input: Any,
    name: str | None = "diag_part",
    k: Any = 0,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Diagonals of matrices; see `diag` for the arguments.

    Raises:
        InvalidArgumentError: a diagonal lies outside of the matrices.
    """
    input = convert_to_tensor(input)
    if input.dtype.is_bool:
        padding_value = bool(padding_value)
    return call("MatrixDiagPartV3", input, integers(k), padding_value, align=align, name=name)


def set_diag(
    input: Any,
    diagonal: Any,
    name: str | None = "set_diag",
    k: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Matrices with some diagonals replaced; see `diag` for the arguments."""
    return call("MatrixSetDiagV3", input, diagonal, integers(k), align=align, name=name)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Matrices with zeros outside of a band around the main diagonal.

    Args:
        input: a batch of matrices.
        num_lower: number of diagonals to keep below the main one; negative keeps all.
        num_upper: number of diagonals to keep above it; negative keeps all.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.linalg.band_part([[1, 2], [3, 4]], -1, 0).numpy().tolist()
        [[1, 0], [3, 4]]
    """
    if isinstance(num_lower, int) and isinstance(num_upper, int):
        num_lower, num_upper = np.array(num_lower, np.int64), np.array(num_upper, np.int64)
    return call("MatrixBandPart", input, num_lower, num_upper, name=name)


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """Tensor of twice the rank with the input on its diagonal and zeros elsewhere."""
    return call("Diag", diagonal, name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """Diagonal of a tensor whose shape is a shape written twice."""
    return call("DiagPart", input, name=name)
