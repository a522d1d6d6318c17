"""Discrete cosine transforms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.api.signal.fourier import irfft, rfft
from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def _check(type: Any, n: Any, axis: Any, norm: Any) -> None:
    if axis != -1:
        raise UnimplementedError(f"axis must be -1, got {axis}")
    if type not in _INVERSE:
        raise ValueError(f"type must be 1, 2, 3 or 4, got {type}")
    if type == 1 and norm == "ortho":
        raise ValueError("norm must be None for type 1, got 'ortho'")
    if norm not in (None, "ortho"):
        raise ValueError(f"norm must be None or 'ortho', got {norm!r}")
    if n is not None and n < 1:
        raise ValueError(f"n must be at least 1, got {n}")


def _size(tensor: Any) -> Any:
    known = tensor.shape.as_list()[-1]
    return call("Shape", tensor)[-1] if known is None else known


def _sized(tensor: Any, n: int | None) -> Any:
    """Cut the last axis, or fill it with zeros, to `n`."""
    if n is None:
        return tensor
    tensor = tensor[..., :n]
    known = tensor.shape.as_list()[-1]
    lack = n - (call("Shape", tensor)[-1] if known is None else known)
    if isinstance(lack, int) and not lack:
        return tensor
    paddings: list[Any] = [[0, 0]] * (tensor.shape.rank - 1)
    return call("Pad", tensor, convert_to_tensor([*paddings, [0, lack]], dtypes.int32))


def dct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Discrete cosine transform along the last axis.

    Args:
        input: float32 or float64 numbers.
        type: 1, 2, 3 or 4.
        n: length to cut or to fill with zeros to; None takes that of the input.
        axis: must be -1.
        norm: None, or "ortho" for an orthonormal transform.
        name: name of the node in a graph.

    Raises:
        ValueError: an argument is outside of these.
        UnimplementedError: `axis` is another.
    """
    _check(type, n, axis, norm)
    x = _sized(convert_to_tensor(input, dtype_hint=dtypes.float32), n)
    size = _size(x)
    if type == 1:
        if isinstance(size, int) and size < 2:
            raise ValueError(f"type 1 needs more than one number, got {size}")
        mirrored = call("ReverseV2", x[..., 1:-1], np.array([-1], np.int32))
        both = call("ConcatV2", [x, mirrored], -1)
        return _real_part(rfft(both), name)
    if type == 2:
        return _second(x, size, norm, name)
    if type == 3:
        return _third(x, size, norm, name)
    odd = _second(_grown(x, size), 2 * size, None, None)[..., 1::2]
    if norm == "ortho":
        odd = odd * (np.array(math.sqrt(0.5), x.dtype.np) * call("Rsqrt", _as(size, x)))
    return call("Identity", odd, name=name)


def _as(size: Any, like: Any) -> Any:
    if isinstance(size, int):
        return convert_to_tensor(np.array(size, like.dtype.np))
    return call("Cast", size, DstT=like.dtype)


def _real_part(value: Any, name: str | None) -> Any:
    return call("Real", value, Tout=value.dtype.real_dtype, name=name)


def _grown(x: Any, size: Any) -> Any:
    """Append as many zeros as there are numbers."""
    paddings: list[Any] = [[0, 0]] * (x.shape.rank - 1)
    return call("Pad", x, convert_to_tensor([*paddings, [0, size]], dtypes.int32))


def _turns(size: Any, like: Any, sign: float) -> Any:
    """2 exp(sign * i * pi * k / (2 * size)) for k below `size`."""
    places = call("Cast", call("Range", 0, size, 1), DstT=like.dtype)
    angle = places * (np.array(sign * math.pi / 2, like.dtype.np) / _as(size, like))
    kind = dtypes.complex64 if like.dtype is dtypes.float32 else dtypes.complex128
    two = np.array(2, like.dtype.np)
    return call("Complex", two * call("Cos", angle), two * call("Sin", angle), Tout=kind)


def _weights(first: Any, rest: Any, size: Any) -> Any:
    """A vector of `size` numbers: `first`, then `rest` again and again."""
    others = call("BroadcastTo", call("ExpandDims", rest, 0), [size - 1])
    return call("ConcatV2", [call("ExpandDims", first, 0), others], 0)


def _second(x: Any, size: Any, norm: str | None, name: str | None) -> Any:
    spectrum = rfft(_grown(x, size))[..., :size]
    result = _real_part(spectrum * _turns(size, x, -1.0), name)
    if norm is None:
        return result
    first = np.array(0.5, x.dtype.np) * call("Rsqrt", _as(size, x))
    return result * _weights(first, first * np.array(math.sqrt(2.0), x.dtype.np), size)


def _third(x: Any, size: Any, norm: str | None, name: str | None) -> Any:
    whole = _as(size, x)
    if norm == "ortho":
        first = call("Sqrt", whole)
        x = x * _weights(first, first * np.array(math.sqrt(0.5), x.dtype.np), size)
    else:
        x = x * whole
    turns = _turns(size, x, 1.0)
    spectrum = turns * call("Complex", x, call("ZerosLike", x), Tout=turns.dtype)
    return call("Identity", irfft(spectrum, [2 * size])[..., :size], name=name)


def idct(
    input: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Inverse of `dct`; arguments as there.

    Without a norm it is the inverse up to a factor: 2 * (n - 1) for type 1, else 2 * n.
    """
    _check(type, n, axis, norm)
    return dct(input, type=_INVERSE[type], n=n, axis=axis, norm=norm, name=name)
