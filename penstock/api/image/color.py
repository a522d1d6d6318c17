"""Colours of images: types, spaces and adjustments."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.image.shapes import at_least_3d
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "convert_image_dtype",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "per_image_standardization",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rgb_to_yiq",
    "rgb_to_yuv",
    "yiq_to_rgb",
    "yuv_to_rgb",
]

# Rows are the contributions of the three channels.
_RGB_TO_YIQ = (
    (0.299, 0.59590059, 0.2115),
    (0.587, -0.27455667, -0.52273617),
    (0.114, -0.32134392, 0.31119955),
)
_YIQ_TO_RGB = (
    (1, 1, 1),
    (0.95598634, -0.27201283, -1.10674021),
    (0.6208248, -0.64720424, 1.70423049),
)
_RGB_TO_YUV = (
    (0.299, -0.14714119, 0.61497538),
    (0.587, -0.28886916, -0.51496512),
    (0.114, 0.43601035, -0.10001026),
)
_YUV_TO_RGB = (
    (1, 1, 1),
    (0, -0.394642334, 2.03206185),
    (1.13988303, -0.58062185, 0),
)
_GREY = (0.2989, 0.5870, 0.1140)
_SMALL_FLOATS = (dtypes.float16, dtypes.float32)


def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Any:
    """Change the type of an image, and scale it from the range of the old to that of the new.

    Floats lie between 0 and 1, integers between 0 and their largest.

    Args:
        image: numbers.
        dtype: a float or integer type.
        saturate: whether values out of range become the nearest in range.
        name: name of the op.

    Raises:
        AttributeError: `dtype` is neither float nor integer.

    Example:
        >>> import penstock as tf
        >>> tf.image.convert_image_dtype(tf.constant([0, 255], tf.uint8), tf.float32).numpy()
        array([0., 1.], dtype=float32)
    """
    image = convert_to_tensor(image)
    dtype = as_dtype(dtype)
    if not dtype.is_floating and not dtype.is_integer:
        raise AttributeError(f"dtype must be floating point or integer, got {dtype.name}")
    if dtype is image.dtype:
        return call("Identity", image, name=name)
    if image.dtype.is_integer and dtype.is_integer:
        return _between_integers(image, dtype, saturate, name)
    if image.dtype.is_floating and dtype.is_floating:
        return call("Cast", image, DstT=dtype, name=name)
    if image.dtype.is_integer:
        scale = convert_to_tensor(1.0 / image.dtype.max, dtype=dtype)
        return call("Mul", call("Cast", image, DstT=dtype), scale, name=name)
    scaled = image * (dtype.max + 0.5)
    return (
        _saturated(scaled, dtype) if saturate else call("Cast", scaled, DstT=dtype, name=name)
    )


def _between_integers(image: Any, dtype: Any, saturate: bool, name: str | None) -> Any:
    have, want = image.dtype.max, dtype.max
    if have > want:
        scaled = call(
            "FloorDiv", image, convert_to_tensor((have + 1) // (want + 1), image.dtype)
        )
        return _saturated(scaled, dtype) if saturate else call("Cast", scaled, DstT=dtype)
    cast = _saturated(image, dtype) if saturate else call("Cast", image, DstT=dtype)
    scale = convert_to_tensor((want + 1) // (have + 1), dtype=dtype)
    return call("Mul", cast, scale, name=name)


def _saturated(image: Any, dtype: Any) -> Any:
    """Cast with values out of range brought to its ends first."""
    have = image.dtype
    if have.min < dtype.min:
        image = call("Maximum", image, _bound(dtype.min, have, up=True))
    if have.max > dtype.max:
        image = call("Minimum", image, _bound(dtype.max, have, up=False))
    return call("Cast", image, DstT=dtype)


def _bound(limit: Any, dtype: Any, up: bool) -> Any:
    """`limit` in `dtype`, never beyond what the limited type can hold."""
    value = np.asarray(limit, dtype.as_numpy_dtype)
    if dtype.is_floating and (int(value) < limit if up else int(value) > limit):
        value = np.nextafter(value, np.asarray(0, value.dtype))
    return value


def _as_float(image: Any) -> tuple[Any, Any]:
    """An image as float32 (halves stay), and its own type."""
    image = convert_to_tensor(image)
    if image.dtype in _SMALL_FLOATS:
        return image, image.dtype
    return convert_image_dtype(image, dtypes.float32), image.dtype


def adjust_brightness(image: Any, delta: Any) -> Any:
    """Add `delta`, in the range 0 to 1 of floats, to an image of any type."""
    scaled, dtype = _as_float(image)
    delta = call("Cast", convert_to_tensor(delta), DstT=scaled.dtype)
    return convert_image_dtype(scaled + delta, dtype, saturate=True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Multiply each channel's distance from its mean over the image.

    Args:
        images: `[..., h, w, c]`.
        contrast_factor: the factor.
    """
    scaled, dtype = _as_float(images)
    factor = convert_to_tensor(contrast_factor, dtype=dtypes.float32)
    return convert_image_dtype(call("AdjustContrastv2", scaled, factor), dtype, saturate=True)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """`gain * image ** gamma`, in the range 0 to 1 of floats.

    Raises:
        ValueError: `gamma` is negative.
    """
    scaled, dtype = _as_float(image)
    if not isinstance(gamma, Tensor) and gamma < 0:
        raise ValueError(f"gamma must not be negative, got {gamma}")
    return convert_image_dtype(gain * scaled**gamma, dtype, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """Turn the hue of an RGB image by `delta` rounds of the colour circle.

    Args:
        image: `[..., h, w, 3]`.
        delta: rounds, -1 to 1.
        name: name of the op.

    Raises:
        ValueError: `delta` is out of range.
    """
    if not isinstance(delta, Tensor) and not -1 <= delta <= 1:
        raise ValueError(f"delta must be in [-1, 1], got {delta}")
    scaled, dtype = _as_float(image)
    delta = convert_to_tensor(delta, dtype=dtypes.float32)
    return convert_image_dtype(call("AdjustHue", scaled, delta, name=name), dtype)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """Multiply the saturation of an RGB image `[..., h, w, 3]`."""
    scaled, dtype = _as_float(image)
    factor = convert_to_tensor(saturation_factor, dtype=dtypes.float32)
    return convert_image_dtype(call("AdjustSaturation", scaled, factor, name=name), dtype)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """Weighted mean of red, green and blue, in the type of `images`.

    Args:
        images: `[..., 3]`.
        name: name of the op.

    Returns:
        `[..., 1]`.
    """
    images = convert_to_tensor(images)
    scaled = convert_image_dtype(images, dtypes.float32)
    grey = _mixed(scaled, np.array(_GREY, np.float32)[:, None])
    return convert_image_dtype(grey, images.dtype, name=name)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Three equal channels of one.

    Args:
        images: `[..., 1]`.
        name: name of the op.

    Raises:
        ValueError: there is another number of channels.
    """
    images = convert_to_tensor(images)
    rank = images.shape.rank
    if rank is not None and images.shape[-1] not in (None, 1):
        raise ValueError(f"the last axis of images must be 1, got {images.shape[-1]}")
    if rank is None:
        ones = call("OnesLike", call("Shape", images))[:-1]
        times: Any = call("ConcatV2", [ones, np.array([3], np.int32)], 0)
    else:
        times = np.array([1] * (rank - 1) + [3], np.int32)
    return call("Tile", images, times, name=name)


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value, each in [0, 1], of floats `[..., 3]`."""
    return call("RGBToHSV", _preferring_float32(images), name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Red, green and blue of hue, saturation and value, floats `[..., 3]`."""
    return call("HSVToRGB", _preferring_float32(images), name=name)


def _preferring_float32(images: Any) -> Any:
    """Images as a tensor; what is none becomes float32, the default of TensorFlow's op."""
    return convert_to_tensor(images, dtype_hint=dtypes.float32)


def rgb_to_yiq(images: Any) -> Any:
    """Luma and chroma of the NTSC system of floats `[..., 3]`."""
    return _transformed(images, _RGB_TO_YIQ)


def yiq_to_rgb(images: Any) -> Any:
    """Red, green and blue of luma and chroma of the NTSC system, floats `[..., 3]`."""
    return _transformed(images, _YIQ_TO_RGB)


def rgb_to_yuv(images: Any) -> Any:
    """Luma and chroma of the PAL system of floats `[..., 3]`."""
    return _transformed(images, _RGB_TO_YUV)


def yuv_to_rgb(images: Any) -> Any:
    """Red, green and blue of luma and chroma of the PAL system, floats `[..., 3]`."""
    return _transformed(images, _YUV_TO_RGB)


def _transformed(images: Any, matrix: Any) -> Any:
    images = convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise TypeError(f"images must be floats, got {images.dtype.name}")
    return _mixed(images, np.array(matrix, images.dtype.as_numpy_dtype))


def _mixed(images: Any, matrix: Any) -> Any:
    """Product of the last axis and a matrix."""
    rows = call("Reshape", images, np.array([-1, matrix.shape[0]], np.int32))
    shape = call("Shape", images)[:-1]
    target = call("ConcatV2", [shape, np.array(matrix.shape[1:], np.int32)], 0)
    if images.shape.rank is not None and images.shape[-1] not in (None, matrix.shape[0]):
        raise InvalidArgumentError(
            f"images must have {matrix.shape[0]} channels, got {images.shape[-1]}"
        )
    return call("Reshape", call("MatMul", rows, matrix), target)


def per_image_standardization(image: Any) -> Any:
    """Bring each image to mean 0 and variance 1, as float32.

    A constant image is not divided by its deviation of 0, but by the least that one different
    pixel could make.

    Args:
        image: `[..., h, w, c]`.

    Raises:
        ValueError: `image` has a lower rank.
    """
    image = call("Cast", at_least_3d(image), DstT=dtypes.float32)
    axes = np.array([-1, -2, -3], np.int32)
    count = call("Prod", call("Shape", image)[-3:], 0, keep_dims=False)
    mean = call("Mean", image, axes, keep_dims=True)
    variance = call("Mean", call("SquaredDifference", image, mean), axes, keep_dims=True)
    least = call("Rsqrt", call("Cast", count, DstT=dtypes.float32))
    return (image - mean) / call("Maximum", call("Sqrt", variance), least)
