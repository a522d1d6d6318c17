"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.dtypes import DType, complex64, float32
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.namespace import namespace
from penstock.ops.table import gradient, op


def _check_rank(x: Any, axes: int) -> None:
    if x.ndim < axes:
        raise InvalidArgumentError(f"input must have rank {axes} or more, got shape {x.shape}")


def _lengths(fft_length: Any, axes: int) -> list[int]:
    if fft_length.shape != (axes,):
        raise InvalidArgumentError(
            f"fft_length must have shape [{axes}], got {list(fft_length.shape)}"
        )
    sizes = [int(size) for size in fft_length]
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(f"fft_length must not be negative, got {sizes}")
    return sizes


def _complex_row(name: str, function: str, axes: int) -> None:
    """Add the transform of the last `axes` axes, and its gradient."""

    def kernel(x: Any) -> Any:
        _check_rank(x, axes)
        if x.dtype.kind != "c":
            raise InvalidArgumentError(f"input must be complex, got {x.dtype}")
        if x.size == 0:
            return x
        transform = getattr(namespace(x).fft, f"{function}n")
        return transform(x, axes=tuple(range(-axes, 0))).astype(x.dtype)

    def rule(g: Any, grad: Any) -> tuple[Any]:
        # The adjoint of a transform is its inverse, up to the number of elements.
        other = name.replace("IFFT", "FFT") if function == "ifft" else f"I{name}"
        size = g.call("Shape", grad)
        count = g.call("Prod", size[-axes:], np.array([0], np.int32), keep_dims=False)
        scale = g.call("Cast", count, DstT=grad.dtype)
        flow = g.call(other, grad)
        return (g.call("RealDiv" if function == "ifft" else "Mul", flow, scale),)

    kernel.__doc__ = f"""{"Inverse Fourier" if function == "ifft" else "Fourier"} transform.

    Shape: input [...] -> output [...], along the last {axes} axes.
    """
    op(name, inputs=("input: Tcomplex",), outputs=("output: Tcomplex",), shape="same")(kernel)
    gradient(name)(rule)


for _axes, _suffix in ((1, ""), (2, "2D"), (3, "3D")):
    _complex_row(f"FFT{_suffix}", "fft", _axes)
    _complex_row(f"IFFT{_suffix}", "ifft", _axes)


def _real_shape(x: Any, fft_length: Any, *, last: Callable[[int], int]) -> TensorShape:
    if x.shape.rank is None:
        return TensorShape(None)
    axes = fft_length.shape.as_list()[0] if fft_length.shape.rank else None
    if axes is None:
        return TensorShape([None] * x.shape.rank)
    known = fft_length.value
    sizes: list[int | None] = [None] * axes
    if known is not None:
        sizes = [int(size) for size in known]
        sizes[-1] = last(sizes[-1]) if sizes[-1] else 0
    return TensorShape([*x.shape.as_list()[: x.shape.rank - axes], *sizes])


def _forward_shape(x: Any, fft_length: Any, **_: Any) -> TensorShape:
    return _real_shape(x, fft_length, last=lambda size: size // 2 + 1)


def _backward_shape(x: Any, fft_length: Any, **_: Any) -> TensorShape:
    return _real_shape(x, fft_length, last=lambda size: size)


def _forward_row(name: str, axes: int) -> None:
    """Add the transform of real numbers along the last `axes` axes."""

    def kernel(x: Any, fft_length: Any, *, Tcomplex: DType) -> Any:  # noqa: N803
        _check_rank(x, axes)
        sizes = _lengths(fft_length, axes)
        xp = namespace(x)
        if 0 in sizes or x.size == 0:
            shape = (*x.shape[:-axes], *sizes[:-1], sizes[-1] // 2 + 1 if sizes[-1] else 0)
            return xp.zeros(shape, Tcomplex.np)
        places = tuple(range(-axes, 0))
        return xp.fft.rfftn(x, s=sizes, axes=places).astype(Tcomplex.np)

    kernel.__doc__ = f"""Fourier transform of real numbers, without the redundant half.

    Shape: input [...], fft_length [{axes}] -> output [...], where the last {axes} axes have the
        sizes of fft_length, the very last one `size // 2 + 1`.
    """
    op(
        name,
        inputs=("input: Treal", "fft_length: int32"),
        outputs=("output: Tcomplex",),
        attrs={"Tcomplex": complex64},
        constant_inputs=("fft_length",),
        shape=_forward_shape,
    )(kernel)


def _backward_row(name: str, axes: int) -> None:
    """Add the inverse of `_forward_row`."""

    def kernel(x: Any, fft_length: Any, *, Treal: DType) -> Any:  # noqa: N803
        _check_rank(x, axes)
        sizes = _lengths(fft_length, axes)
        xp = namespace(x)
        if 0 in sizes or x.size == 0:
            return xp.zeros((*x.shape[:-axes], *sizes), Treal.np)
        places = tuple(range(-axes, 0))
        return xp.fft.irfftn(x, s=sizes, axes=places).astype(Treal.np)

    kernel.__doc__ = f"""Inverse Fourier transform that gives real numbers.

    Shape: input [...], fft_length [{axes}] -> output [...], where the last {axes} axes have the
        sizes of fft_length.
    """
    op(
        name,
        inputs=("input: Tcomplex", "fft_length: int32"),
        outputs=("output: Treal",),
        attrs={"Treal": float32},
        constant_inputs=("fft_length",),
        shape=_backward_shape,
    )(kernel)


for _axes, _suffix in ((1, ""), (2, "2D"), (3, "3D")):
    _forward_row(f"RFFT{_suffix}", _axes)
    _backward_row(f"IRFFT{_suffix}", _axes)


def _places(x: Any, fft_length: Any, axes: Any) -> tuple[list[int], list[int]]:
    places = [int(place) for place in axes.reshape(-1)]
    if len(places) != fft_length.size:
        raise InvalidArgumentError(
            f"fft_length and axes must be equally long, got {fft_length.size} and {len(places)}"
        )
    if any(not -x.ndim <= place < x.ndim for place in places):
        raise InvalidArgumentError(f"axes must be in [{-x.ndim}, {x.ndim}), got {places}")
    return _lengths(fft_length.reshape(-1), len(places)), places


@op(
    "FFTND",
    inputs=("input: Tcomplex", "fft_length: int32", "axes: int32"),
    outputs=("output: Tcomplex",),
    constant_inputs=("fft_length", "axes"),
)
def fftnd(x: Any, fft_length: Any, axes: Any) -> Any:
    """Fourier transform along any axes, each cut or filled with zeros to its length.

    Shape: input [...], fft_length [d], axes [d] -> output [...].
    """
    sizes, places = _places(x, fft_length, axes)
    return namespace(x).fft.fftn(x, s=sizes, axes=places).astype(x.dtype)


@op(
    "IFFTND",
    inputs=("input: Tcomplex", "fft_length: int32", "axes: int32"),
    outputs=("output: Tcomplex",),
    constant_inputs=("fft_length", "axes"),
)
def ifftnd(x: Any, fft_length: Any, axes: Any) -> Any:
    """Inverse Fourier transform along any axes.

    Shape: input [...], fft_length [d], axes [d] -> output [...].
    """
    sizes, places = _places(x, fft_length, axes)
    return namespace(x).fft.ifftn(x, s=sizes, axes=places).astype(x.dtype)


@op(
    "RFFTND",
    inputs=("input: Treal", "fft_length: int32", "axes: int32"),
    outputs=("output: Tcomplex",),
    attrs={"Tcomplex": complex64},
    constant_inputs=("fft_length", "axes"),
)
def rfftnd(x: Any, fft_length: Any, axes: Any, *, Tcomplex: DType) -> Any:  # noqa: N803
    """Fourier transform of real numbers along any axes, the last of which keeps one half.

    Shape: input [...], fft_length [d], axes [d] -> output [...].
    """
    sizes, places = _places(x, fft_length, axes)
    return namespace(x).fft.rfftn(x, s=sizes, axes=places).astype(Tcomplex.np)


@op(
    "IRFFTND",
    inputs=("input: Tcomplex", "fft_length: int32", "axes: int32"),
    outputs=("output: Treal",),
    attrs={"Treal": float32},
    constant_inputs=("fft_length", "axes"),
)
def irfftnd(x: Any, fft_length: Any, axes: Any, *, Treal: DType) -> Any:  # noqa: N803
    """Inverse of `RFFTND`.

    Shape: input [...], fft_length [d], axes [d] -> output [...].
    """
    sizes, places = _places(x, fft_length, axes)
    return namespace(x).fft.irfftn(x, s=sizes, axes=places).astype(Treal.np)
