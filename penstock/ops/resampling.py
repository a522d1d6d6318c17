"""Resampling of images along one axis: which entries an output sees, and with what weights.

All arithmetic is float32 in TensorFlow's order, so that borders fall where they fall there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import InvalidArgumentError
from penstock.ops.namespace import namespace

Floats = NDArray[np.float32]

_HALF: Final = np.float32(0.5)
_TABLE_SIZE: Final = 1024
_TINY: Final = 1000 * float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class Taps:
    """`index` and `weight` [outputs, k]: output i is the sum of weight * input[index]."""

    index: NDArray[np.int64]
    weight: Floats

    def matrix(self, length: int) -> Floats:
        """The same as a matrix [outputs, length]."""
        dense = np.zeros((len(self.index), length), np.float32)
        rows = np.arange(len(self.index))[:, None]
        np.add.at(dense, (rows, self.index), self.weight)
        return dense


def scale_of(length: int, outputs: int, align_corners: bool) -> np.float32:
    """Distance of neighbouring outputs, in entries of the input."""
    if align_corners and outputs > 1:
        return np.float32(length - 1) / np.float32(outputs - 1)
    return np.float32(length) / np.float32(outputs) if outputs else np.float32(0)


def positions(
    length: int, outputs: int, *, align_corners: bool, half_pixel_centers: bool
) -> Floats:
    """Where in the input the outputs lie.

    Raises:
        InvalidArgumentError: both conventions are asked for.
    """
    if align_corners and half_pixel_centers:
        raise InvalidArgumentError("align_corners and half_pixel_centers must not both be true")
    scale = scale_of(length, outputs, align_corners)
    place = np.arange(outputs, dtype=np.float32)
    return (place + _HALF) * scale - _HALF if half_pixel_centers else place * scale


def linear(at: Floats, length: int) -> tuple[Any, Any, Floats]:
    """Lower and upper neighbours of `at`, and how far it is above the lower."""
    floor = np.floor(at)
    lower = np.maximum(floor, 0).astype(np.int64)
    upper = np.minimum(np.ceil(at), length - 1).astype(np.int64)
    return np.minimum(lower, length - 1), upper, at - floor


def nearest(
    length: int, outputs: int, *, align_corners: bool, half_pixel_centers: bool
) -> NDArray[np.int64]:
    """Index of the entry that each output repeats."""
    if align_corners and half_pixel_centers:
        raise InvalidArgumentError("align_corners and half_pixel_centers must not both be true")
    scale = scale_of(length, outputs, align_corners)
    place = np.arange(outputs, dtype=np.float32)
    at = (place + _HALF) * scale if half_pixel_centers else place * scale
    # Halves go up: positions are never negative.
    whole = np.floor(at + _HALF) if align_corners else np.floor(at)
    places: NDArray[np.int64] = np.minimum(whole, length - 1).astype(np.int64)
    return places


def cubic(length: int, outputs: int, *, align_corners: bool, half_pixel_centers: bool) -> Taps:
    """Four neighbours with the weights of a cubic, looked up in TensorFlow's table of 1024."""
    at = positions(
        length, outputs, align_corners=align_corners, half_pixel_centers=half_pixel_centers
    )
    floor = np.floor(at)
    offset = np.rint((at - floor) * np.float32(_TABLE_SIZE)).astype(np.int64)
    near, far = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    weight = np.stack(
        [far[offset], near[offset], near[_TABLE_SIZE - offset], far[_TABLE_SIZE - offset]],
        axis=1,
    )
    wanted = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    index = np.clip(wanted, 0, length - 1)
    if half_pixel_centers:
        # Beyond the border nothing counts, and the rest is scaled up.
        weight = np.where(index == wanted, weight, np.float32(0))
        total = weight.sum(axis=1, keepdims=True)
        weight = weight / np.where(abs(total) >= _TINY, total, np.float32(1))
    return Taps(index, weight.astype(np.float32))


def _cubic_table(a: float) -> tuple[Floats, Floats]:
    """Weights at distances 0 to 1 and 1 to 2."""
    x = np.arange(_TABLE_SIZE + 1, dtype=np.float64) / _TABLE_SIZE
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(np.float32), far.astype(np.float32)


def area(length: int, outputs: int, *, align_corners: bool) -> Taps:
    """Entries under each output, by the share of them that lies there."""
    scale = scale_of(length, outputs, align_corners)
    start = np.arange(outputs, dtype=np.float32) * scale
    end = np.arange(1, outputs + 1, dtype=np.float32) * scale
    first, last = np.floor(start).astype(np.int64), np.ceil(end).astype(np.int64)
    widest = int((last - first).max(initial=1))
    index = first[:, None] + np.arange(widest)
    cell = index.astype(np.float32)
    covered = np.minimum(cell + 1, end[:, None]) - np.maximum(cell, start[:, None])
    covered = np.where(index < last[:, None], covered, np.float32(0))
    weight = (covered / scale).astype(np.float32) if outputs else covered
    return Taps(np.clip(index, 0, length - 1), weight)


def _lanczos(radius: float) -> Callable[[Any], Any]:
    def kernel(x: Any) -> Any:
        safe = np.where(x <= 1e-3, 1.0, x)
        value = radius * np.sin(np.pi * safe) * np.sin(np.pi * safe / radius)
        value = value / (np.pi * np.pi * safe * safe)
        return np.where(x > radius, 0.0, np.where(x <= 1e-3, 1.0, value))

    return kernel


def _gaussian(x: Any) -> Any:
    return np.where(x >= 1.5, 0.0, np.exp(-x * x / (2 * 0.5 * 0.5)))


def _box(x: Any) -> Any:
    return np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))


def _triangle(x: Any) -> Any:
    return np.where(x < 1, 1 - x, 0.0)


def _keys_cubic(x: Any) -> Any:
    inner = ((1.5 * x - 2.5) * x) * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0.0, np.where(x >= 1, outer, inner))


def _mitchell_cubic(x: Any) -> Any:
    inner = ((7 / 6 * x - 2) * x) * x + 8 / 9
    outer = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x >= 2, 0.0, np.where(x >= 1, outer, inner))


# Kernel type -> radius, kernel over the distance.
_KERNELS: Final[dict[str, tuple[float, Callable[[Any], Any]]]] = {
    "lanczos1": (1.0, _lanczos(1.0)),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "gaussian": (1.5, _gaussian),
    "box": (1.0, _box),
    "triangle": (1.0, _triangle),
    "keyscubic": (2.0, _keys_cubic),
    "mitchellcubic": (2.0, _mitchell_cubic),
}


def spans(  # noqa: PLR0917  (the attrs of the op along one axis)
    length: int,
    outputs: int,
    scale: float,
    translation: float,
    kernel_type: str,
    antialias: bool,
) -> Taps:
    """Entries within the reach of a kernel around each output, of an image scaled and moved.

    Raises:
        InvalidArgumentError: there is no such kernel, or the scale is not positive.
    """
    if kernel_type not in _KERNELS:
        raise InvalidArgumentError(
            f"kernel_type must be one of {sorted(_KERNELS)}, got {kernel_type!r}"
        )
    if not scale > 0:
        raise InvalidArgumentError(f"scale must be positive, got {scale}")
    radius, kernel = _KERNELS[kernel_type]
    inverse = np.float32(1) / np.float32(scale)
    widening = np.maximum(inverse, np.float32(1)) if antialias else np.float32(1)
    at = (np.arange(outputs, dtype=np.float32) + _HALF) * inverse
    at = at - inverse * np.float32(translation)
    reach = np.float32(radius) * widening
    inside = (at >= 0) & (at <= length)
    first = np.clip(np.ceil(at - reach - _HALF), 0, length - 1).astype(np.int64)
    last = np.clip(np.floor(at + reach - _HALF), 0, length - 1).astype(np.int64)
    width = min(2 * math.ceil(float(reach)) + 1, length)
    index = first[:, None] + np.arange(max(width, 1))
    distance = index.astype(np.float32) + _HALF - at[:, None]
    weight = kernel(abs(distance * (np.float32(1) / widening)).astype(np.float32))
    weight = np.where((index <= last[:, None]) & inside[:, None], weight, 0.0)
    weight = weight.astype(np.float32)
    total = weight.sum(axis=1, keepdims=True)
    small = abs(total) < _TINY
    weight = np.where(small, np.float32(0), weight / np.where(small, np.float32(1), total))
    return Taps(np.minimum(index, length - 1), weight)


def resample(x: Any, axis: int, taps: Taps) -> Any:
    """Apply `taps` along an axis of `x`."""
    xp = namespace(x)
    shape = [1] * x.ndim
    shape[axis] = -1
    total: Any = None
    for k in range(taps.index.shape[1]):
        part = xp.take(x, taps.index[:, k], axis=axis, mode="clip") * taps.weight[:, k].reshape(
            shape
        )
        total = part if total is None else total + part
    return total


def spread(grad: Any, axis: int, matrix: Any) -> Any:
    """Transpose of a resampling along an axis, whose matrix is [outputs, length]."""
    xp = namespace(grad)
    moved = xp.moveaxis(grad, axis, -1) @ matrix
    return xp.moveaxis(moved, -1, axis)
