"""Hashable forms of attrs and constant values, for the keys of caches."""

from __future__ import annotations

from typing import Any

import numpy as np


def freeze(value: Any) -> Any:
    """Return a hashable stand-in for an attr's value; equal values give equal stand-ins."""
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted((key, freeze(item)) for key, item in value.items()))
    if isinstance(value, (np.ndarray, np.generic)):
        return freeze_array(value)
    # 1, 1.0 and True are equal in Python but not for a kernel.
    if isinstance(value, (bool, int, float)):
        return (type(value).__name__, repr(value))
    return value


def freeze_array(array: Any) -> Any:
    """Return a hashable stand-in for an array: dtype, shape and contents."""
    array = np.asarray(array)
    if array.dtype == object:
        return ("object", array.shape, tuple(array.ravel().tolist()))
    return (array.dtype.str + array.dtype.name, array.shape, array.tobytes())


def freeze_attrs(attrs: dict[str, Any]) -> Any:
    """Return a hashable stand-in for all attrs of a call."""
    if not attrs:
        return ()
    return tuple((key, freeze(attrs[key])) for key in sorted(attrs))
