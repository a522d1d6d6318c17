"""Python numbers as operands: axes and shapes in the form that an op call takes quickest."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from penstock.core.tensor_shape import TensorShape
from penstock.runtime.context import state
from penstock.runtime.tensor import EagerTensor, wrap

_LOW, _HIGH = -(2**31), 2**31


@functools.lru_cache(maxsize=1024)
def _scalar(value: int) -> EagerTensor:
    return wrap(np.array(value, np.int32))


@functools.lru_cache(maxsize=1024)
def _vector(values: tuple[int, ...]) -> EagerTensor:
    return wrap(np.array(values, np.int32))


def integers(value: Any) -> Any:
    """Return an axis, a size, a shape or a list of those for use as an input of an op.

    Plain Python integers become tensors that are kept, when ops are run at once; anything else
    is left to the call.
    """
    kind = type(value)
    if state.graph is not None:
        return value.as_list() if kind is TensorShape else value
    if kind is int:
        return _scalar(value) if _LOW <= value < _HIGH else value
    if kind is TensorShape or kind is list:
        value = tuple(value)
    elif kind is not tuple:
        return value
    for item in value:
        if type(item) is not int or not _LOW <= item < _HIGH:
            return list(value)
    return _vector(value)


def static_integer(value: Any) -> int | None:
    """Return the integer that `value` is known to be while a graph is built, else None."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    found = known_array(value)
    if found is None or found.ndim or found.dtype.kind not in "iu":
        return None
    return int(found)


def known_array(tensor: Any) -> Any:
    """Return the value of a tensor as a numpy array where it is known, else None."""
    value = getattr(tensor, "_value", None)
    if value is None:
        value = getattr(tensor, "static_value", None)
    return None if value is None else np.asarray(value)
