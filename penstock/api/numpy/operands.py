"""Operands of NumPy's functions: tensors, arrays and Python values brought to one dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, TensorLike):
        return True
    return isinstance(value, (list, tuple)) and any(_holds_tensor(item) for item in value)


def _kind(value: Any) -> Any:
    """What `numpy.result_type` must know of a value: its dtype, or a Python number itself."""
    if isinstance(value, TensorLike):
        return value.dtype.as_numpy_dtype  # type: ignore[attr-defined]
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return np.result_type(*[_kind(item) for item in value])
    if isinstance(value, (bool, int, float, complex)):
        return value
    return np.asarray(value).dtype


def common_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype that NumPy gives to a result of these operands."""
    return np.result_type(*[_kind(value) for value in values])


def tensor_of(value: Any, dtype: Any = None) -> Any:
    """Turn a value into a tensor, with NumPy's default dtypes: int64 and float64.

    Args:
        value: a tensor, an array, or Python values.
        dtype: a dtype to cast to; None keeps that of the value.
    """
    if not isinstance(value, Tensor):
        if isinstance(value, (list, tuple)) and _holds_tensor(value):
            wanted = common_dtype(value)
            value = call("Pack", [tensor_of(item, wanted) for item in value], axis=0)
        elif isinstance(value, TensorLike):
            value = convert_to_tensor(value)
        else:
            value = convert_to_tensor(np.asarray(value))
    return value if dtype is None else cast(value, dtype)


def cast(tensor: Any, dtype: Any) -> Any:
    """The tensor in another dtype."""
    wanted = dtypes.as_dtype(np.dtype(dtype) if isinstance(dtype, type) else dtype)
    return tensor if tensor.dtype == wanted else call("Cast", tensor, DstT=wanted)


def promoted(*values: Any) -> list[Any]:
    """The values as tensors of their common dtype."""
    wanted = common_dtype(*values)
    return [tensor_of(value, wanted) for value in values]


def floating(value: Any) -> Any:
    """The value as a tensor of floating or complex numbers; integers become float64."""
    tensor = tensor_of(value)
    inexact = tensor.dtype.is_floating or tensor.dtype.is_complex
    return tensor if inexact else cast(tensor, np.float64)


def rank_of(tensor: Any) -> int:
    """Number of axes, which must be known.

    Raises:
        ValueError: it is not.
    """
    rank = tensor.shape.rank
    if rank is None:
        raise ValueError("NumPy's functions need tensors of known rank")
    return int(rank)


def axis_of(axis: int, rank: int) -> int:
    """Count a negative axis from the end.

    Raises:
        ValueError: the axis is out of range.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} must be in [{-rank}, {rank})")
    return axis % rank
