"""Conversion between dtypes."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices

__all__ = ["cast", "saturate_cast"]

_log = logging.getLogger("penstock")


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """Return x in another dtype.

    Args:
        x: a tensor or IndexedSlices.
        dtype: the dtype of the result. Fractions are cut off, and of complex numbers only the
            real part is kept.
        name: name of the node in a graph.
    """
    target = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, IndexedSlices):
        return IndexedSlices(cast(x.values, target, name), x.indices, x.dense_shape)
    x = convert_to_tensor(x)
    if x.dtype == target:
        return x
    if x.dtype.is_complex and target.is_floating:
        _log.warning("the cast from %s to %s drops imaginary parts", x.dtype.name, target.name)
    return call("Cast", x, DstT=target, name=name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """Return `value` in another dtype; what does not fit becomes the nearest value that does.

    Args:
        value: numbers.
        dtype: the dtype of the result.
        name: name of the node in a graph.
    """
    target = dtypes.as_dtype(dtype).base_dtype
    value = convert_to_tensor(value)
    if value.dtype.is_complex:
        real = value.dtype.real_dtype
        if target.is_complex:
            parts = [call(part, value, Tout=real) for part in ("Real", "Imag")]
            clipped = [_clipped(part, target.real_dtype) for part in parts]
            return cast(call("Complex", *clipped, Tout=value.dtype), target, name)
        value = call("Real", value, Tout=real)
    if value.dtype.is_bool or target.is_bool:
        return cast(value, target, name)
    return cast(_clipped(value, target.real_dtype), target, name)


def _clipped(value: Any, target: DType) -> Any:
    low = _inside(value.dtype, max(value.dtype.min, target.min, key=_exact), target, low=True)
    high = _inside(value.dtype, min(value.dtype.max, target.max, key=_exact), target, low=False)
    return call("Maximum", call("Minimum", value, high), low)


def _exact(number: Any) -> Any:
    return number if isinstance(number, int) else float(number)


def _inside(source: DType, limit: Any, target: DType, *, low: bool) -> Any:
    """Return a limit as `source`, moved towards zero where rounding put it outside."""
    rounded = np.asarray(limit).astype(source.np)[()]
    if source.is_floating:
        bound = _exact(target.min if low else target.max)
        while float(rounded) < bound if low else float(rounded) > bound:
            rounded = np.nextafter(rounded, source.np.type(0))
    return rounded


open_to_composites(globals())
