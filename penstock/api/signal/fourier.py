"""Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

_NORMS = (None, "backward", "ortho", "forward")


def fft(input: Any, name: str | None = None) -> Any:
    """Fourier transform of complex numbers along the last axis."""
    return call("FFT", _complex(input), name=name)


def ifft(input: Any, name: str | None = None) -> Any:
    """Inverse Fourier transform along the last axis."""
    return call("IFFT", _complex(input), name=name)


def fft2d(input: Any, name: str | None = None) -> Any:
    """Fourier transform of complex numbers along the last two axes."""
    return call("FFT2D", _complex(input), name=name)


def ifft2d(input: Any, name: str | None = None) -> Any:
    """Inverse Fourier transform along the last two axes."""
    return call("IFFT2D", _complex(input), name=name)


def fft3d(input: Any, name: str | None = None) -> Any:
    """Fourier transform of complex numbers along the last three axes."""
    return call("FFT3D", _complex(input), name=name)


def ifft3d(input: Any, name: str | None = None) -> Any:
    """Inverse Fourier transform along the last three axes."""
    return call("IFFT3D", _complex(input), name=name)


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Fourier transform of real numbers along the last axis.

    Args:
        input_tensor: float32 or float64 numbers.
        fft_length: [1], the length to cut or to fill with zeros to; None takes the input's.
        name: name of the node in a graph.

    Returns:
        Complex numbers, `fft_length // 2 + 1` along the last axis.
    """
    return _forward("RFFT", 1, input_tensor, fft_length, name)


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Fourier transform of real numbers along the last two axes; see `rfft`."""
    return _forward("RFFT2D", 2, input_tensor, fft_length, name)


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Fourier transform of real numbers along the last three axes; see `rfft`."""
    return _forward("RFFT3D", 3, input_tensor, fft_length, name)


def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Inverse of `rfft`.

    Args:
        input_tensor: complex64 or complex128 numbers.
        fft_length: [1], the length of the result; None takes `2 * (n - 1)`.
        name: name of the node in a graph.
    """
    return _backward("IRFFT", 1, input_tensor, fft_length, name)


def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Inverse of `rfft2d`; see `irfft`."""
    return _backward("IRFFT2D", 2, input_tensor, fft_length, name)


def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    """Inverse of `rfft3d`; see `irfft`."""
    return _backward("IRFFT3D", 3, input_tensor, fft_length, name)


def _real(value: Any) -> Any:
    tensor = convert_to_tensor(value, dtype_hint=dtypes.float32)
    if tensor.dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"input_tensor must be float32 or float64, got {tensor.dtype.name}")
    return tensor


def _complex(value: Any) -> Any:
    tensor = convert_to_tensor(value, dtype_hint=dtypes.complex64)
    if tensor.dtype not in (dtypes.complex64, dtypes.complex128):
        raise InvalidArgumentError(
            f"input must be complex64 or complex128, got {tensor.dtype.name}"
        )
    return tensor


def _complex_kind(real: Any) -> Any:
    return dtypes.complex64 if real.dtype is dtypes.float32 else dtypes.complex128


def _last_sizes(tensor: Any, axes: int) -> list[Any]:
    """The last sizes of a shape: integers where known, else scalar tensors."""
    dims = None if tensor.shape.rank is None else tensor.shape.as_list()[-axes:]
    if dims is not None and None not in dims:
        return dims
    dynamic = call("Shape", tensor)
    return [
        dynamic[i - axes] if dims is None or dims[i] is None else dims[i] for i in range(axes)
    ]


def _filled(tensor: Any, wanted: list[int]) -> Any:
    """Fill the last axes with zeros up to the sizes `wanted`."""
    if tensor.shape.rank is None:
        return tensor
    have = tensor.shape.as_list()[-len(wanted) :]
    paddings: list[Any] = [[0, 0]] * (tensor.shape.rank - len(wanted))
    for size, goal, place in zip(have, wanted, range(-len(wanted), 0), strict=True):
        if size is None:
            lack = call("Maximum", goal - call("Shape", tensor)[place], 0)
            paddings.append([0, lack])
        else:
            paddings.append([0, max(goal - size, 0)])
    if all(after == 0 for _, after in paddings if isinstance(after, int)) and all(
        isinstance(after, int) for _, after in paddings
    ):
        return tensor
    return call("Pad", tensor, convert_to_tensor(paddings, dtypes.int32))


def _static_lengths(fft_length: Any, axes: int) -> list[int] | None:
    found = getattr(fft_length, "_value", None)
    found = getattr(fft_length, "static_value", None) if found is None else found
    if found is None:
        return None
    sizes = [int(size) for size in np.asarray(found).reshape(-1)]
    return sizes if len(sizes) == axes else None


def _forward(op: str, axes: int, value: Any, fft_length: Any, name: str | None) -> Any:
    tensor = _real(value)
    lengths = _last_sizes(tensor, axes) if fft_length is None else fft_length
    lengths = convert_to_tensor(lengths, dtypes.int32)
    known = _static_lengths(lengths, axes)
    if known is not None and fft_length is not None:
        tensor = _filled(tensor, known)
    return call(op, tensor, lengths, Tcomplex=_complex_kind(tensor), name=name)


def _backward(op: str, axes: int, value: Any, fft_length: Any, name: str | None) -> Any:
    tensor = _complex(value)
    if fft_length is None:
        *front, last = _last_sizes(tensor, axes)
        whole = 2 * (last - 1)
        whole = max(whole, 0) if isinstance(whole, int) else call("Maximum", whole, 0)
        lengths = convert_to_tensor([*front, whole], dtypes.int32)
    else:
        lengths = convert_to_tensor(fft_length, dtypes.int32)
        known = _static_lengths(lengths, axes)
        if known is not None:
            half = known[-1] // 2 + 1 if known[-1] else 0
            tensor = _filled(tensor, [*known[:-1], half])
    return call(op, tensor, lengths, Treal=tensor.dtype.real_dtype, name=name)


def _placed(tensor: Any, fft_length: Any, axes: Any, *, half: bool) -> tuple[Any, Any]:
    rank = tensor.shape.rank
    if rank is None:
        raise ValueError(f"input_tensor must have a known rank, got shape {tensor.shape}")
    if axes is None:
        count = rank if fft_length is None else len(fft_length)
        places = list(range(rank - count, rank))
    else:
        places = [int(place) for place in np.asarray(axes).reshape(-1)]
    if fft_length is not None:
        return convert_to_tensor(fft_length, dtypes.int32), np.array(places, np.int32)
    sizes = _last_sizes(tensor, rank)
    lengths = [sizes[place] for place in places]
    if half and lengths:
        lengths[-1] = 2 * (lengths[-1] - 1)
    return convert_to_tensor(lengths, dtypes.int32), np.array(places, np.int32)


def _scaled(result: Any, lengths: Any, norm: str | None, *, inverse: bool) -> Any:
    """Apply what a norm other than "backward" divides by."""
    if norm not in _NORMS:
        raise ValueError(f"norm must be one of {_NORMS}, got {norm!r}")
    if norm in (None, "backward"):
        return result
    count = call("Prod", lengths, np.array([0], np.int32), keep_dims=False)
    real = result.dtype.real_dtype
    scale = call("Cast", count, DstT=real)
    if norm == "ortho":
        scale = call("Sqrt", scale)
    if result.dtype.is_complex:
        scale = call("Cast", scale, DstT=result.dtype)
    return call("Mul" if inverse else "RealDiv", result, scale)


def fftnd(
    input_tensor: Any,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Fourier transform of complex numbers along any axes.

    Args:
        input_tensor: complex64 or complex128 numbers.
        fft_length: lengths to cut or to fill with zeros to; None takes those of the input.
        axes: the axes; None takes the last ones, as many as lengths, or all.
        norm: "backward" or None divides in the inverse, "forward" here, "ortho" half in each.
        name: name of the node in a graph.
    """
    tensor = _complex(input_tensor)
    lengths, places = _placed(tensor, fft_length, axes, half=False)
    result = call("FFTND", tensor, lengths, places, name=name)
    return _scaled(result, lengths, norm, inverse=False)


def ifftnd(
    input_tensor: Any,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Inverse of `fftnd`; arguments as there."""
    tensor = _complex(input_tensor)
    lengths, places = _placed(tensor, fft_length, axes, half=False)
    result = call("IFFTND", tensor, lengths, places, name=name)
    return _scaled(result, lengths, norm, inverse=True)


def rfftnd(
    input_tensor: Any,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Fourier transform of real numbers along any axes; the last one keeps one half.

    Args:
        input_tensor: float32 or float64 numbers.
        fft_length: see `fftnd`.
        axes: see `fftnd`.
        norm: see `fftnd`.
        name: name of the node in a graph.
    """
    tensor = _real(input_tensor)
    lengths, places = _placed(tensor, fft_length, axes, half=False)
    result = call("RFFTND", tensor, lengths, places, Tcomplex=_complex_kind(tensor), name=name)
    return _scaled(result, lengths, norm, inverse=False)


def irfftnd(
    input_tensor: Any,
    fft_length: Any = None,
    axes: Any = None,
    norm: str | None = None,
    name: str | None = None,
) -> Any:
    """Inverse of `rfftnd`; arguments as in `fftnd`."""
    tensor = _complex(input_tensor)
    lengths, places = _placed(tensor, fft_length, axes, half=True)
    kind = tensor.dtype.real_dtype
    result = call("IRFFTND", tensor, lengths, places, Treal=kind, name=name)
    return _scaled(result, lengths, norm, inverse=True)


def fftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """Move the zero frequency to the middle.

    Args:
        x: a tensor.
        axes: the axes to shift; None takes all.
        name: name of the node in a graph.
    """
    return _shifted(x, axes, name, inverse=False)


def ifftshift(x: Any, axes: Any = None, name: str | None = None) -> Any:
    """Move the zero frequency back to the front; arguments as in `fftshift`."""
    return _shifted(x, axes, name, inverse=True)


def _shifted(x: Any, axes: Any, name: str | None, *, inverse: bool) -> Any:
    x = convert_to_tensor(x)
    rank = x.shape.rank
    places = list(range(rank)) if axes is None else np.asarray(axes).reshape(-1).tolist()
    sizes = _last_sizes(x, rank) if rank else []
    shifts = [-(sizes[place] // 2) if inverse else sizes[place] // 2 for place in places]
    shift = convert_to_tensor(shifts, dtypes.int32)
    return call("Roll", x, shift, np.array(places, np.int32), name=name)
