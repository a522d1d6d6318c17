"""`tf.debugging`: assertions about tensors, and checks of numbers.

An assertion that is known to fail, eagerly or from what a graph knows already, raises at once;
otherwise it becomes an op that raises when the function runs.
"""

from __future__ import annotations

import collections.abc
from typing import Any

import numpy as np

from penstock.api.assertions import (
    Assert,
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_rank,
    assert_rank_at_least,
    assert_rank_in,
    assert_shapes,
)
from penstock.api.composite import open_to_composites
from penstock.api.numerics import (
    assert_all_finite,
    check_numerics,
    disable_check_numerics,
    enable_check_numerics,
)
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import TensorLike

__all__ = [
    "Assert",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "disable_check_numerics",
    "disable_traceback_filtering",
    "enable_check_numerics",
    "enable_traceback_filtering",
    "get_log_device_placement",
    "is_numeric_tensor",
    "is_traceback_filtering_enabled",
    "set_log_device_placement",
]


def _dtype_of(tensor: Any) -> dtypes.DType:
    kind = getattr(tensor, "dtype", None)
    return dtypes.as_dtype(kind) if kind is not None else convert_to_tensor(tensor).dtype


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> None:
    """Raise unless a tensor has the dtype `tf_type`.

    Raises:
        TypeError: it has another.
    """
    del name
    wanted = dtypes.as_dtype(tf_type)
    kind = _dtype_of(tensor)
    if kind != wanted:
        lead = f"{message}  " if message else ""
        raise TypeError(f"{lead}tensor must be of type {wanted!r}; got {kind!r}")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise unless x has an integer dtype.

    Raises:
        TypeError: it has another.
    """
    del name
    kind = _dtype_of(x)
    if not kind.is_integer:
        lead = f"{message}  " if message else ""
        raise TypeError(f"{lead}Expected x to be integer type.  Found: {kind!r}")


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise unless a tensor is a scalar.

    Raises:
        ValueError: it has axes.
    """
    tensor = convert_to_tensor(tensor, name=name)
    if tensor.shape.rank not in (None, 0):
        lead = f"{message}  " if message else ""
        raise ValueError(f"{lead}Expected scalar shape, saw shape: {tensor.shape}.")


def assert_proper_iterable(values: Any) -> None:
    """Raise unless `values` can be iterated over and is no tensor, array or text.

    Raises:
        TypeError: it is one of those.
    """
    improper = (TensorLike, np.ndarray, bytes, str)
    if isinstance(values, improper) or hasattr(values, "dense_shape"):
        raise TypeError(f'Expected "values" to be a "proper" iterable.  Found: {type(values)}')
    if not isinstance(values, collections.abc.Iterable):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> dtypes.DType:
    """Return the floating dtype that all tensors and `dtype` have in common.

    Args:
        tensors: a list of tensors, whose None are passed over.
        dtype: a dtype; without it and tensors the result is float32.

    Raises:
        ValueError: they differ, or are not floating.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    for tensor in tensors or ():
        if tensor is None:
            continue
        kind = _dtype_of(tensor).base_dtype
        if wanted is None:
            wanted = kind
        elif kind != wanted:
            raise ValueError(f"tensors must be of one dtype, {wanted.name}, got {kind.name}")
    if wanted is None:
        return dtypes.float32
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted!r}.")
    return wanted


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether this is a tensor of numbers."""
    if not isinstance(tensor, TensorLike):
        return False
    kind: dtypes.DType = tensor.dtype  # type: ignore[attr-defined]
    return kind.is_numeric or kind.is_quantized


def enable_traceback_filtering() -> None:
    """Accepted for compatibility: errors are raised where the user's line is near already."""


def disable_traceback_filtering() -> None:
    """Accepted for compatibility: tracebacks are always whole."""


def is_traceback_filtering_enabled() -> bool:
    """False: tracebacks are always whole."""
    return False


def get_log_device_placement() -> bool:
    """False: the placement of ops is not logged."""
    return False


def set_log_device_placement(enabled: bool) -> None:
    """Choose whether the placement of ops is logged.

    Raises:
        UnimplementedError: it should be.
    """
    if enabled:
        raise UnimplementedError("set_log_device_placement(True) is not implemented")


open_to_composites(globals())
