"""Windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def _kind(dtype: Any) -> Any:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"dtype must be floating, got {kind.name}")
    return kind


def _length(window_length: Any) -> Any:
    length = convert_to_tensor(window_length, dtypes.int32)
    if length.shape.rank not in (None, 0):
        raise ValueError(f"window_length must be a scalar, got shape {length.shape}")
    return length


def _places(length: Any, kind: Any) -> Any:
    """0, 1, ... below `length`."""
    return call("Cast", call("Range", 0, length, 1), DstT=kind)


def _at_least_two(length: Any, window: Any) -> Any:
    """The window, or a one where `length` is 1, for which the formulas divide by zero."""
    return call("SelectV2", call("Equal", length, 1), call("OnesLike", window), window)


def _raised_cosine(
    window_length: Any, periodic: Any, dtype: Any, a: float, b: float, name: str | None
) -> Any:
    kind = _kind(dtype)
    length = _length(window_length)
    periodic = call("Cast", convert_to_tensor(periodic, dtypes.bool), DstT=dtypes.int32)
    even = 1 - call("FloorMod", length, 2)
    period = call("Cast", length + periodic * even - 1, DstT=kind)
    angle = call("RealDiv", np.array(2 * math.pi, kind.np) * _places(length, kind), period)
    window = np.array(a, kind.np) - np.array(b, kind.np) * call("Cos", angle)
    return call("Identity", _at_least_two(length, window), name=name)


def hann_window(
    window_length: Any,
    periodic: Any = True,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Hann window.

    Args:
        window_length: number of samples.
        periodic: whether a window of even length is one period of a repeated one.
        dtype: floating type.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> tf.signal.hann_window(4).numpy().round(2).tolist()
        [0.0, 0.5, 1.0, 0.5]
    """
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5, name)


def hamming_window(
    window_length: Any,
    periodic: Any = True,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Hamming window; arguments as in `hann_window`."""
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46, name)


def kaiser_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Kaiser window.

    Args:
        window_length: number of samples.
        beta: shape; the greater, the narrower.
        dtype: floating type.
        name: name of the node in a graph.
    """
    kind = _kind(dtype)
    length = _length(window_length)
    beta = call("Cast", convert_to_tensor(beta), DstT=kind)
    middle = call("Cast", length - 1, DstT=kind) / np.array(2, kind.np)
    place = (_places(length, kind) - middle) / middle
    inside = call("Maximum", 1 - call("Square", place), np.array(0, kind.np))
    root = beta * call("Sqrt", inside)
    # Scaled Bessel functions do not overflow for large beta.
    ratio = call("BesselI0e", root) / call("BesselI0e", beta)
    window = call("Exp", root - call("Abs", beta)) * ratio
    return call("Identity", _at_least_two(length, window), name=name)


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Kaiser-Bessel derived window, whose shifted squares sum to 1; `window_length` is even."""
    kind = _kind(dtype)
    half = call("FloorDiv", _length(window_length), 2)
    total = call("Cumsum", kaiser_window(half + 1, beta, kind), 0)
    rising = call("Sqrt", total[:-1] / total[-1])
    falling = call("ReverseV2", rising, np.array([0], np.int32))
    return call("ConcatV2", [rising, falling], 0, name=name)


def vorbis_window(
    window_length: Any, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Window of the Vorbis codec; `window_length` is even."""
    kind = _kind(dtype)
    length = _length(window_length)
    step = np.array(math.pi, kind.np) / call("Cast", length, DstT=kind)
    sine = call("Sin", step * (_places(length, kind) + np.array(0.5, kind.np)))
    quarter = np.array(math.pi / 2, kind.np)
    return call("Sin", quarter * call("Square", sine), name=name)
