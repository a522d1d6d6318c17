"""Isotonic regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["isotonic_regression"]

_DOUBLE = (dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64)


def isotonic_regression(
    inputs: Any, decreasing: bool = True, axis: int = -1
) -> tuple[Any, Any]:
    """The nearest sequences that never rise, or never fall.

    Args:
        inputs: numbers.
        decreasing: whether the results never rise; else they never fall.
        axis: axis of the sequences.

    Returns:
        The sequences, and for each entry the number of the constant segment that it belongs to.

    Example:
        >>> import penstock as tf
        >>> values, segments = tf.nn.isotonic_regression([3., 1., 2.])
        >>> values.numpy().tolist(), segments.numpy().tolist()
        ([3.0, 1.5, 1.5], [0, 1, 1])
    """
    inputs = convert_to_tensor(inputs)
    kind = inputs.dtype
    if not kind.is_floating:
        kind = dtypes.float64 if kind in _DOUBLE else dtypes.float32
    perm = None
    rank = inputs.shape.rank
    if rank is not None and axis % rank != rank - 1:
        perm = np.arange(rank, dtype=np.int32)
        perm[[axis, -1]] = perm[[-1, axis]]
        inputs = call("Transpose", inputs, perm)
    shape = call("Shape", inputs)
    rows = call("Prod", shape[:-1], np.zeros(1, np.int32), keep_dims=True)
    matrix = call("Reshape", inputs, call("ConcatV2", [rows, shape[-1:]], 0))
    signed = matrix if decreasing else call("Neg", matrix)
    values, segments = call("IsotonicRegression", signed, output_dtype=kind)
    values = call("Reshape", values if decreasing else call("Neg", values), shape)
    segments = call("Reshape", segments, shape)
    if perm is None:
        return values, segments
    return call("Transpose", values, perm), call("Transpose", segments, perm)
