"""Tensors as protocol messages, and the logger."""

from __future__ import annotations

import logging
from typing import Any

from penstock.core.dtypes import as_dtype
from penstock.runtime.tensor import EagerTensor
from penstock.wire import tensors

__all__ = ["get_logger", "make_ndarray", "make_tensor_proto"]


def get_logger() -> logging.Logger:
    """Return the logger that messages go to."""
    return logging.getLogger("penstock")


def make_ndarray(tensor: Any) -> Any:
    """Return the array in a `TensorProto`.

    Raises:
        DataLossError: the message is damaged.
    """
    return tensors.make_ndarray(tensor)


def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Any = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:
    """Return a `TensorProto` of values.

    Args:
        values: a tensor, an array or Python values.
        dtype: of the message; None takes that of the values, float32 for Python floats.
        shape: of the message.
        verify_shape: the values must have exactly this shape.
        allow_broadcast: one value fills the whole shape.
    """
    given = values.numpy() if isinstance(values, EagerTensor) else values
    kind = None if dtype is None else as_dtype(dtype)
    if kind is None and isinstance(values, EagerTensor):
        kind = values.dtype
    return tensors.make_tensor_proto(given, kind, shape, verify_shape, allow_broadcast)
