"""Resizing of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops import resampling
from penstock.ops.elementwise import REALS, kinds, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import gradient, op

_CENTRES = {"align_corners": False, "half_pixel_centers": False}
_KERNEL = {"kernel_type": "lanczos3", "antialias": True}
_HOST_LIMIT = 1 << 18
_IMAGES = REALS - kinds(dtypes.uint32, dtypes.uint64)


def _sizes(name: str, images: Any, size: Any) -> tuple[int, int]:
    """Height and width of the result."""
    unary(name, images, _IMAGES)
    if images.ndim != 4:
        raise InvalidArgumentError(f"images must be [n, h, w, c], got {list(images.shape)}")
    sizes = np.asarray(size)
    if sizes.shape != (2,):
        raise InvalidArgumentError(f"size must be [height, width], got shape {sizes.shape}")
    height, width = (int(length) for length in sizes)
    if height <= 0 or width <= 0:
        raise InvalidArgumentError(f"size must be positive, got {height} and {width}")
    if not (images.shape[1] and images.shape[2]):
        raise InvalidArgumentError(f"images must not be empty, got {list(images.shape)}")
    return height, width


def _lerp(x: Any, axis: int, outputs: int, centres: dict[str, bool]) -> Any:
    """Linear interpolation along an axis."""
    length = x.shape[axis]
    at = resampling.positions(length, outputs, **centres)
    lower, upper, above = resampling.linear(at, length)
    shape = [1] * x.ndim
    shape[axis] = -1
    xp = namespace(x)
    first = xp.take(x, lower, axis=axis, mode="clip")
    second = xp.take(x, upper, axis=axis, mode="clip")
    return first + (second - first) * above.reshape(shape)


@op(
    "ResizeBilinear",
    inputs=("images: T", "size: int32"),
    outputs=("resized_images: float",),
    attrs=_CENTRES,
    constant_inputs=("size",),
    host_limit=_HOST_LIMIT,
)
def resize_bilinear(images: Any, size: Any, **centres: bool) -> Any:
    """Images resized by linear interpolation.

    Shape: images [n, h, w, c], size [2] -> resized_images [n, height, width, c].
    Dtype: resized_images is float32.
    Errors: InvalidArgumentError when size is not positive, or images are empty.
    """
    height, width = _sizes("ResizeBilinear", images, size)
    x = images.astype(np.float32)
    return _lerp(_lerp(x, 2, width, centres), 1, height, centres)


def _linear_matrix(length: int, outputs: int, centres: dict[str, bool]) -> Any:
    at = resampling.positions(length, outputs, **centres)
    lower, upper, above = resampling.linear(at, length)
    index = np.stack([lower, upper], axis=1)
    return resampling.Taps(index, np.stack([1 - above, above], axis=1)).matrix(length)


def _spread_both(grads: Any, rows: Any, columns: Any, dtype: Any) -> Any:
    wide = grads.astype(dtype) if dtype.itemsize > grads.dtype.itemsize else grads
    return resampling.spread(resampling.spread(wide, 1, rows), 2, columns).astype(dtype)


@op(
    "ResizeBilinearGrad",
    inputs=("grads: float", "original_image: T"),
    outputs=("output: T",),
    attrs=_CENTRES,
    host_limit=_HOST_LIMIT,
)
def resize_bilinear_grad(grads: Any, original_image: Any, **centres: bool) -> Any:
    """Gradient of `ResizeBilinear`.

    Shape: grads [n, height, width, c], original_image [n, h, w, c] -> output [n, h, w, c].
    """
    height, width = original_image.shape[1:3]
    rows = _linear_matrix(height, grads.shape[1], centres)
    columns = _linear_matrix(width, grads.shape[2], centres)
    return _spread_both(grads, rows, columns, original_image.dtype)


@op(
    "ResizeNearestNeighbor",
    inputs=("images: T", "size: int32"),
    outputs=("resized_images: T",),
    attrs=_CENTRES,
    constant_inputs=("size",),
    host_limit=_HOST_LIMIT,
)
def resize_nearest_neighbor(images: Any, size: Any, **centres: bool) -> Any:
    """Images resized by repeating or dropping rows and columns.

    Shape: images [n, h, w, c], size [2] -> resized_images [n, height, width, c].
    Errors: InvalidArgumentError when size is not positive, or images are empty.
    """
    sizes = _sizes("ResizeNearestNeighbor", images, size)
    xp = namespace(images)
    for axis, outputs in zip((1, 2), sizes, strict=True):
        index = resampling.nearest(images.shape[axis], outputs, **centres)
        images = xp.take(images, index, axis=axis, mode="clip")
    return images


@op(
    "ResizeNearestNeighborGrad",
    inputs=("grads: T", "size: int32"),
    outputs=("output: T",),
    attrs=_CENTRES,
    constant_inputs=("size",),
    host_limit=_HOST_LIMIT,
)
def resize_nearest_neighbor_grad(grads: Any, size: Any, **centres: bool) -> Any:
    """Gradient of `ResizeNearestNeighbor` for images of a size.

    Shape: grads [n, height, width, c], size [2] -> output [n, h, w, c].
    """
    dtype = grads.dtype
    wide = grads.astype(np.float32) if dtype.itemsize == 2 else grads
    matrices = []
    for outputs, length in zip(grads.shape[1:3], np.asarray(size).tolist(), strict=True):
        index = resampling.nearest(length, outputs, **centres)
        matrices.append((index[:, None] == np.arange(length)).astype(wide.dtype))
    rows, columns = matrices
    return _spread_both(wide, rows, columns, dtype)


@op(
    "ResizeBicubic",
    inputs=("images: T", "size: int32"),
    outputs=("resized_images: float",),
    attrs=_CENTRES,
    constant_inputs=("size",),
    host_limit=_HOST_LIMIT,
)
def resize_bicubic(images: Any, size: Any, **centres: bool) -> Any:
    """Images resized by cubic interpolation.

    Shape: images [n, h, w, c], size [2] -> resized_images [n, height, width, c].
    Dtype: resized_images is float32.
    Errors: InvalidArgumentError when size is not positive, or images are empty.
    Source: Keys, Cubic Convolution Interpolation (1981).
    """
    height, width = _sizes("ResizeBicubic", images, size)
    rows = resampling.cubic(images.shape[1], height, **centres)
    columns = resampling.cubic(images.shape[2], width, **centres)
    x = resampling.resample(images.astype(np.float32), 1, rows)
    return resampling.resample(x, 2, columns)


@op(
    "ResizeBicubicGrad",
    inputs=("grads: float", "original_image: T"),
    outputs=("output: T",),
    attrs=_CENTRES,
    host_limit=_HOST_LIMIT,
)
def resize_bicubic_grad(grads: Any, original_image: Any, **centres: bool) -> Any:
    """Gradient of `ResizeBicubic`.

    Shape: grads [n, height, width, c], original_image [n, h, w, c] -> output [n, h, w, c].
    """
    height, width = original_image.shape[1:3]
    rows = resampling.cubic(height, grads.shape[1], **centres).matrix(height)
    columns = resampling.cubic(width, grads.shape[2], **centres).matrix(width)
    return _spread_both(grads, rows, columns, original_image.dtype)


@op(
    "ResizeArea",
    inputs=("images: T", "size: int32"),
    outputs=("resized_images: float",),
    attrs={"align_corners": False},
    constant_inputs=("size",),
    differentiable=False,
    host_limit=_HOST_LIMIT,
)
def resize_area(images: Any, size: Any, *, align_corners: bool) -> Any:
    """Images resized by the mean of what lies under each pixel.

    Shape: images [n, h, w, c], size [2] -> resized_images [n, height, width, c].
    Dtype: resized_images is float32.
    Errors: InvalidArgumentError when size is not positive, or images are empty.
    """
    height, width = _sizes("ResizeArea", images, size)
    rows = resampling.area(images.shape[1], height, align_corners=align_corners)
    columns = resampling.area(images.shape[2], width, align_corners=align_corners)
    x = resampling.resample(images.astype(np.float32), 1, rows)
    return resampling.resample(x, 2, columns)


def _spans(
    lengths: Sequence[int], sizes: Sequence[int], scale: Any, translation: Any, **kernel: Any
) -> list[resampling.Taps]:
    scales, shifts = np.asarray(scale), np.asarray(translation)
    if scales.shape != (2,) or shifts.shape != (2,):
        raise InvalidArgumentError(
            f"scale and translation must have two entries, got shapes {list(scales.shape)} and "
            f"{list(shifts.shape)}"
        )
    return [
        resampling.spans(*entry, **kernel)
        for entry in zip(lengths, sizes, scales, shifts, strict=True)
    ]


@op(
    "ScaleAndTranslate",
    inputs=("images: T", "size: int32", "scale: float", "translation: float"),
    outputs=("resized_images: float",),
    attrs=_KERNEL,
    constant_inputs=("size", "scale", "translation"),
    host_limit=_HOST_LIMIT,
)
def scale_and_translate(
    images: Any, size: Any, scale: Any, translation: Any, *, kernel_type: str, antialias: bool
) -> Any:
    """Images scaled and moved, each pixel a weighted sum of those within reach of a kernel.

    Shape: images [n, h, w, c], size [2], scale [2], translation [2] -> resized_images
    [n, height, width, c].
    Dtype: resized_images is float32.
    Errors: InvalidArgumentError for an unknown kernel, a scale that is not positive, or sizes
    as in `ResizeBilinear`.
    """
    sizes = _sizes("ScaleAndTranslate", images, size)
    rows, columns = _spans(
        images.shape[1:3],
        sizes,
        scale,
        translation,
        kernel_type=kernel_type,
        antialias=antialias,
    )
    x = resampling.resample(images.astype(np.float32), 1, rows)
    return resampling.resample(x, 2, columns)


@op(
    "ScaleAndTranslateGrad",
    inputs=("grads: T", "original_image: T", "scale: float", "translation: float"),
    outputs=("output: T",),
    attrs=_KERNEL,
    constant_inputs=("scale", "translation"),
    host_limit=_HOST_LIMIT,
)
def scale_and_translate_grad(
    grads: Any,
    original_image: Any,
    scale: Any,
    translation: Any,
    *,
    kernel_type: str,
    antialias: bool,
) -> Any:
    """Gradient of `ScaleAndTranslate`.

    Shape: grads [n, height, width, c], original_image [n, h, w, c], scale [2], translation [2]
    -> output [n, h, w, c].
    """
    lengths = original_image.shape[1:3]
    rows, columns = _spans(
        lengths,
        grads.shape[1:3],
        scale,
        translation,
        kernel_type=kernel_type,
        antialias=antialias,
    )
    matrices = rows.matrix(lengths[0]), columns.matrix(lengths[1])
    return _spread_both(grads, *matrices, original_image.dtype)


@gradient("ResizeBilinear")
def resize_bilinear_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("ResizeBilinearGrad", grad, g.inputs[0], **g.attrs), None


@gradient("ResizeBicubic")
def resize_bicubic_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    return g.call("ResizeBicubicGrad", grad, g.inputs[0], **g.attrs), None


@gradient("ResizeNearestNeighbor")
def resize_nearest_neighbor_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    images = g.inputs[0]
    size = g.call("Shape", images)[1:3]
    return g.call("ResizeNearestNeighborGrad", grad, size, **g.attrs), None


@gradient("ScaleAndTranslate")
def scale_and_translate_gradient(g: Any, grad: Any) -> Any:
    """The native op."""
    images, _, scale, translation = g.inputs
    back = g.call("ScaleAndTranslateGrad", grad, images, scale, translation, **g.attrs)
    return back, None, None, None
