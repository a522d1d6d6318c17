"""How alike two images are, and how much one image varies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.api.image.color import convert_image_dtype
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "image_gradients",
    "psnr",
    "sobel_edges",
    "ssim",
    "ssim_multiscale",
    "total_variation",
]

_MSSSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_ROWS_AND_COLUMNS = np.array([-3, -2], np.int32)


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """Peak signal-to-noise ratio of images, in decibels.

    Args:
        a: images `[..., h, w, c]`.
        b: images of the same shape and type.
        max_val: range of their values, such as 255.
        name: name of the op.

    Returns:
        float32 `[...]`.
    """
    a, b, peak = _as_floats(a, b, max_val)
    axes = np.array([-3, -2, -1], np.int32)
    error = call("Mean", call("SquaredDifference", a, b), axes, keep_dims=False)
    decibels = 10 / math.log(10)
    return call(
        "Sub",
        2 * decibels * call("Log", peak),
        decibels * call("Log", error),
        name=name,
    )


def _as_floats(first: Any, second: Any, max_val: Any) -> tuple[Any, Any, Any]:
    """Images and their range as float32, scaled from their type."""
    first = convert_to_tensor(first)
    second = convert_to_tensor(second, dtype=first.dtype)
    peak = call("Cast", convert_to_tensor(max_val), DstT=first.dtype)
    return (
        convert_image_dtype(first, dtypes.float32),
        convert_image_dtype(second, dtypes.float32),
        convert_image_dtype(peak, dtypes.float32),
    )


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:
    """Structural similarity of images: 1 for equal ones.

    Args:
        img1: images `[..., h, w, c]`.
        img2: images of the same shape and type.
        max_val: range of their values, such as 255.
        filter_size: length of the Gaussian window.
        filter_sigma: width of the Gaussian.
        k1: constant of the comparison of brightness.
        k2: constant of the comparison of contrast and structure.
        return_index_map: whether to return the similarity at each place of the window.

    Returns:
        float32 `[...]`, or a map `[..., oh, ow]`.

    Raises:
        InvalidArgumentError: the images are smaller than the window.

    Source: Wang et al., Image Quality Assessment (2004).
    """
    first, second, peak = _as_floats(img1, img2, max_val)
    _check_pair(first, second, filter_size)
    brightness, structure = _similarities(
        first, second, peak, filter_size, filter_sigma, k1, k2
    )
    similarity = brightness * structure
    last = np.array([-1], np.int32)
    if not return_index_map:
        similarity = call("Mean", similarity, _ROWS_AND_COLUMNS, keep_dims=False)
    return call("Mean", similarity, last, keep_dims=False)


def _check_pair(first: Any, second: Any, filter_size: int) -> None:
    if first.shape.rank is not None and first.shape.rank < 3:
        raise ValueError(f"images must have at least three axes, got shape {first.shape}")
    if not first.shape.is_compatible_with(second.shape):
        raise ValueError(
            f"images must have the same shape, got {first.shape} and {second.shape}"
        )
    for length in first.shape.as_list()[-3:-1] if first.shape.rank is not None else []:
        if length is not None and length < filter_size:
            raise InvalidArgumentError(
                f"images must be at least as large as the filter of {filter_size}, got "
                f"{first.shape}"
            )


def _similarities(
    first: Any,
    second: Any,
    peak: Any,
    filter_size: int,
    filter_sigma: float,
    k1: float,
    k2: float,
) -> tuple[Any, Any]:
    """Similarity of brightness, and of contrast and structure, at each place and channel."""
    mean = _Window(first, filter_size, filter_sigma)
    c1, c2 = (k1 * peak) ** 2, (k2 * peak) ** 2
    mean1, mean2 = mean(first), mean(second)
    product = mean1 * mean2 * 2.0
    squares = call("Square", mean1) + call("Square", mean2)
    brightness = (product + c1) / (squares + c1)
    both = mean(first * second) * 2.0
    each = mean(call("Square", first) + call("Square", second))
    return brightness, (both - product + c2) / (each - squares + c2)


class _Window:
    """Means under a Gaussian window, channel by channel."""

    def __init__(self, images: Any, size: int, sigma: float) -> None:
        at = np.arange(size, dtype=np.float32) - (size - 1) / 2.0
        bell = np.exp(-0.5 * (at[:, None] ** 2 + at[None] ** 2) / sigma**2)
        bell = (bell / bell.sum()).astype(np.float32)[..., None, None]
        channels = images.shape[-1]
        if channels is None:
            raise ValueError("images must have a known number of channels")
        self._kernel = np.tile(bell, (1, 1, channels, 1))

    def __call__(self, x: Any) -> Any:
        shape = call("Shape", x)
        flat = call("Reshape", x, call("ConcatV2", [np.array([-1], np.int32), shape[-3:]], 0))
        out = call(
            "DepthwiseConv2dNative",
            flat,
            self._kernel,
            strides=(1, 1, 1, 1),
            padding="VALID",
        )
        target = call("ConcatV2", [shape[:-3], call("Shape", out)[1:]], 0)
        return call("Reshape", out, target)


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Any = _MSSSIM_WEIGHTS,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    """Structural similarity at several scales, each half of the one before.

    Args:
        img1: images `[..., h, w, c]`.
        img2: images of the same shape and type.
        max_val: range of their values, such as 255.
        power_factors: weights of the scales, the finest first.
        filter_size: as for `ssim`.
        filter_sigma: as for `ssim`.
        k1: as for `ssim`.
        k2: as for `ssim`.

    Returns:
        float32 `[...]`.

    Raises:
        InvalidArgumentError: the images are smaller than the window at a scale.

    Source: Wang et al., Multiscale Structural Similarity (2003).
    """
    first, second, peak = _as_floats(img1, img2, max_val)
    parts = []
    for scale in range(len(power_factors)):
        if scale:
            first, second = _halved(first), _halved(second)
        _check_pair(first, second, filter_size)
        brightness, structure = _similarities(
            first, second, peak, filter_size, filter_sigma, k1, k2
        )
        finest = scale < len(power_factors) - 1
        similarity = structure if finest else brightness * structure
        mean = call("Mean", similarity, _ROWS_AND_COLUMNS, keep_dims=False)
        parts.append(call("Relu", mean))
    stacked = call("Pack", parts, axis=-1)
    powers = call("Pow", stacked, convert_to_tensor(power_factors, dtype=dtypes.float32))
    last = np.array([-1], np.int32)
    return call("Mean", call("Prod", powers, last, keep_dims=False), last, keep_dims=False)


def _halved(images: Any) -> Any:
    """Means of blocks of four pixels; odd sizes repeat their last row or column first."""
    shape = call("Shape", images)
    flat = call("Reshape", images, call("ConcatV2", [np.array([-1], np.int32), shape[-3:]], 0))
    odd = call("FloorMod", shape[-3:-1], 2)
    rest = call("ConcatV2", [np.zeros(1, np.int32), odd, np.zeros(1, np.int32)], 0)
    margins = call("Pack", [np.zeros(4, np.int32), rest], axis=1)
    padded = call("MirrorPad", flat, margins, mode="SYMMETRIC")
    pooled = call("AvgPool", padded, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="VALID")
    target = call("ConcatV2", [shape[:-3], call("Shape", pooled)[1:]], 0)
    out = call("Reshape", pooled, target)
    known = images.shape.as_list() if images.shape.rank is not None else None
    if known is not None:
        halves = [None if n is None else (n + 1) // 2 for n in known[-3:-1]]
        out.set_shape([*known[:-3], *halves, known[-1]])
    return out


def total_variation(images: Any, name: str | None = None) -> Any:
    """Sum of the differences of neighbouring pixels: large for noise.

    Args:
        images: `[h, w, c]` or `[n, h, w, c]`.
        name: name of the op.

    Returns:
        A scalar, or one number per image.

    Raises:
        ValueError: `images` have another rank.
    """
    images = convert_to_tensor(images)
    rank = images.shape.rank
    if rank not in (3, 4):
        raise ValueError(f"images must have either 3 or 4 axes, got shape {images.shape}")
    if rank == 3:
        down, across = images[1:] - images[:-1], images[:, 1:] - images[:, :-1]
        axes = np.arange(3, dtype=np.int32)
    else:
        down = images[:, 1:] - images[:, :-1]
        across = images[:, :, 1:] - images[:, :, :-1]
        axes = np.arange(1, 4, dtype=np.int32)
    return call(
        "AddV2",
        call("Sum", call("Abs", down), axes, keep_dims=False),
        call("Sum", call("Abs", across), axes, keep_dims=False),
        name=name,
    )


def image_gradients(image: Any) -> tuple[Any, Any]:
    """Differences to the pixel below and to the one on the right, 0 at the end.

    Args:
        image: `[n, h, w, c]`.

    Returns:
        Both differences, shaped as `image`.

    Raises:
        ValueError: `image` has another rank.
    """
    image = convert_to_tensor(image)
    if image.shape.rank != 4:
        raise ValueError(f"image must be [n, h, w, c], got shape {image.shape}")
    down = image[:, 1:] - image[:, :-1]
    across = image[:, :, 1:] - image[:, :, :-1]
    return (
        call("Pad", down, np.array([[0, 0], [0, 1], [0, 0], [0, 0]], np.int32)),
        call("Pad", across, np.array([[0, 0], [0, 0], [0, 1], [0, 0]], np.int32)),
    )


def sobel_edges(image: Any) -> Any:
    """Sobel's measure of edges, down and across.

    Args:
        image: `[n, h, w, c]`.

    Returns:
        `[n, h, w, c, 2]`.
    """
    image = convert_to_tensor(image)
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float32)
    kernel = np.stack([down, down.T], axis=-1)[:, :, None]
    kernel = kernel.astype(image.dtype.as_numpy_dtype)
    channels = image.shape[-1]
    if channels is None:
        copies = call("Pack", [1, 1, call("Shape", image)[-1], 1], axis=0)
        kernel = call("Tile", kernel, copies)
    else:
        kernel = np.tile(kernel, (1, 1, channels, 1))
    margins = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    padded = call("MirrorPad", image, margins, mode="REFLECT")
    edges = call("DepthwiseConv2dNative", padded, kernel, strides=(1, 1, 1, 1), padding="VALID")
    target = call("ConcatV2", [call("Shape", image), np.array([2], np.int32)], 0)
    return call("Reshape", edges, target)
