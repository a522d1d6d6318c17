"""Python numbers as operands: axes and shapes in the form that an op call takes quickest."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.context import state
from penstock.runtime.tensor import EagerTensor, wrap

_LOW, _HIGH = -(2**31), 2**31


@functools.lru_cache(maxsize=2048)
def _kept(value: Any) -> EagerTensor:
    return wrap(np.array(value, np.int32))


@functools.lru_cache(maxsize=256)
def _scalar(value: int, dtype: DType) -> EagerTensor:
    array = (
        np.array(b"", object) if dtype.name == "string" else np.array(value).astype(dtype.np)
    )
    return wrap(array, dtype)


def integers(value: Any) -> Any:
    """Return an axis, a size, a shape or a nested list of those for use as an input of an op.

    Plain Python integers become tensors that are kept, when ops are run at once; anything else
    is left to the call.
    """
    kind = type(value)
    if kind is TensorShape:
        value = tuple(value)
        kind = tuple
    if kind is int:
        key = value if _LOW <= value < _HIGH else None
    elif kind is list or kind is tuple:
        key = _key(value)
    else:
        return value
    if key is None:
        return list(value) if kind is tuple else value
    # An empty list alone would not tell that it holds integers.
    return _kept(key) if state.graph is None else np.array(key, np.int32)


def _key(value: Any) -> Any:
    """A nested list of plain integers as nested tuples; None for anything else."""
    parts = []
    for item in value:
        kind = type(item)
        if kind is int and _LOW <= item < _HIGH:
            parts.append(item)
        elif kind is list or kind is tuple:
            inner = _key(item)
            if inner is None:
                return None
            parts.append(inner)
        else:
            return None
    lengths = {len(part) if type(part) is tuple else -1 for part in parts}
    return tuple(parts) if len(lengths) <= 1 else None


def scalar(value: int, dtype: DType) -> Any:
    """Return a small number, or for strings the empty one, as an operand of a dtype."""
    kept = _scalar(value, dtype)
    return kept if state.graph is None else kept.numpy()


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
