"""Parts, mirror images and turns of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.image.shapes import (
    as_batch,
    at_least_3d,
    pack,
    require,
    size_of,
    unbatched,
)
from penstock.api.operands import static_integer
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = [
    "central_crop",
    "crop_and_resize",
    "crop_to_bounding_box",
    "extract_glimpse",
    "extract_patches",
    "flip_left_right",
    "flip_up_down",
    "pad_to_bounding_box",
    "rot90",
    "transpose",
]


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """Cut a rectangle out of an image.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        offset_height: first row.
        offset_width: first column.
        target_height: number of rows.
        target_width: number of columns.

    Raises:
        ValueError: `image` has another rank, or the rectangle is not inside.
    """
    batch, added = as_batch(image)
    height, width = size_of(batch)
    require(offset_height >= 0, f"offset_height must be >= 0, got {offset_height}")
    require(offset_width >= 0, f"offset_width must be >= 0, got {offset_width}")
    require(target_height > 0, f"target_height must be > 0, got {target_height}")
    require(target_width > 0, f"target_width must be > 0, got {target_width}")
    require(
        height >= offset_height + target_height,
        f"the crop must end inside the image of height {height}",
    )
    require(
        width >= offset_width + target_width,
        f"the crop must end inside the image of width {width}",
    )
    begin = pack(0, offset_height, offset_width, 0)
    size = pack(-1, target_height, target_width, -1)
    return unbatched(call("Slice", batch, begin, size), added)


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """Place an image in a rectangle of zeros.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        offset_height: rows above it.
        offset_width: columns before it.
        target_height: number of rows of the rectangle.
        target_width: number of columns of the rectangle.

    Raises:
        ValueError: `image` has another rank, or does not fit.
    """
    batch, added = as_batch(image)
    height, width = size_of(batch)
    below = target_height - offset_height - height
    after = target_width - offset_width - width
    require(offset_height >= 0, f"offset_height must be >= 0, got {offset_height}")
    require(offset_width >= 0, f"offset_width must be >= 0, got {offset_width}")
    require(after >= 0, f"width {width} must be <= target - offset")
    require(below >= 0, f"height {height} must be <= target - offset")
    margins = pack(0, 0, offset_height, below, offset_width, after, 0, 0)
    if isinstance(margins, Tensor):
        margins = call("Reshape", margins, np.array([4, 2], np.int32))
    else:
        margins = margins.reshape(4, 2)
    return unbatched(call("Pad", batch, margins), added)


def central_crop(image: Any, central_fraction: Any) -> Any:
    """Cut the margins off, so that a share of height and width is left.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        central_fraction: the share, above 0 and up to 1.

    Raises:
        ValueError: the share is out of range, or `image` has a lower rank.
    """
    image = convert_to_tensor(image)
    if not isinstance(central_fraction, Tensor):
        if not 0 < central_fraction <= 1:
            raise ValueError(f"central_fraction must be within (0, 1], got {central_fraction}")
        if central_fraction == 1.0:
            return image
    image = at_least_3d(image)
    height, width = size_of(image)
    top, rows = _central(height, central_fraction)
    left, columns = _central(width, central_fraction)
    rank = image.shape.rank or 4
    begin = pack(*[0] * (rank - 3), top, left, 0)
    size = pack(*[-1] * (rank - 3), rows, columns, -1)
    return call("Slice", image, begin, size)


def _central(length: Any, share: Any) -> tuple[Any, Any]:
    """First entry and number of entries in the middle."""
    if isinstance(length, int) and not isinstance(share, Tensor):
        first = int((length - length * share) / 2)
        return first, length - first * 2
    wide = call("Cast", convert_to_tensor(length), DstT=dtypes.float64)
    part = call("Cast", convert_to_tensor(share), DstT=dtypes.float64)
    first = call("Cast", (wide - wide * part) / 2, DstT=dtypes.int32)
    return first, length - first * 2


def flip_left_right(image: Any) -> Any:
    """Mirror an image `[n, h, w, c]` or `[h, w, c]` about its vertical axis.

    Raises:
        ValueError: `image` has a lower rank.
    """
    return _flipped(image, 1)


def flip_up_down(image: Any) -> Any:
    """Mirror an image `[n, h, w, c]` or `[h, w, c]` about its horizontal axis.

    Raises:
        ValueError: `image` has a lower rank.
    """
    return _flipped(image, 0)


def _flipped(image: Any, axis: int) -> Any:
    batch, added = as_batch(at_least_3d(image))
    return unbatched(call("ReverseV2", batch, np.array([axis + 1], np.int32)), added)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """Turn an image by 90 degrees, `k` times, against the clock.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        k: how often.
        name: name of the op.

    Raises:
        ValueError: `image` has another rank.
    """
    batch, added = as_batch(at_least_3d(image))
    if isinstance(k, Tensor):
        known = static_integer(k)
        k = k if known is None else known
    if not isinstance(k, Tensor):
        return unbatched(call("Identity", _turned(batch, int(k) % 4), name=name), added)
    if not batch.shape[1] == batch.shape[2] is not None:
        raise ValueError(f"k must be known unless images are square, got {batch.shape}")
    quarter = call("FloorMod", k, 4)
    out = batch
    for turns in (1, 2, 3):
        turned = _turned(batch, turns)
        out = call("SelectV2", call("Equal", quarter, turns), turned, out)
    return unbatched(call("Identity", out, name=name), added)


def _turned(batch: Any, quarters: int) -> Any:
    columns = np.array([2], np.int32)
    swap = np.array([0, 2, 1, 3], np.int32)
    if quarters == 1:
        return call("Transpose", call("ReverseV2", batch, columns), swap)
    if quarters == 2:
        return call("ReverseV2", batch, np.array([1, 2], np.int32))
    if quarters == 3:
        return call("ReverseV2", call("Transpose", batch, swap), columns)
    return batch


def transpose(image: Any, name: str | None = None) -> Any:
    """Exchange rows and columns of an image `[n, h, w, c]` or `[h, w, c]`.

    Raises:
        ValueError: `image` has another rank.
    """
    batch, added = as_batch(at_least_3d(image))
    out = call("Transpose", batch, np.array([0, 2, 1, 3], np.int32), name=name)
    return unbatched(out, added)


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """What a window sees at each of its places, laid out along the channels.

    Args:
        images: `[n, h, w, c]`.
        sizes: lengths of the window, `[1, rows, columns, 1]`.
        strides: steps of the window, `[1, rows, columns, 1]`.
        rates: distances between the cells of the window, `[1, rows, columns, 1]`.
        padding: "SAME" or "VALID".
        name: name of the op.

    Returns:
        `[n, oh, ow, rows * columns * c]`.
    """
    return call(
        "ExtractImagePatches",
        convert_to_tensor(images),
        ksizes=tuple(sizes),
        strides=tuple(strides),
        rates=tuple(rates),
        padding=padding,
        name=name,
    )


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Any:
    """Crops of images, all resized to one size.

    Args:
        image: `[n, h, w, c]`.
        boxes: `[m, 4]`: first row and column, last row and column, in shares of the image.
        box_indices: numbers of the images `[m]`.
        crop_size: height and width of the crops.
        method: "bilinear" or "nearest".
        extrapolation_value: what stands outside of an image.
        name: name of the op.

    Returns:
        float32 `[m, height, width, c]`.
    """
    return call(
        "CropAndResize",
        image,
        boxes,
        box_indices,
        crop_size,
        method=method,
        extrapolation_value=float(extrapolation_value),
        name=name,
    )


def extract_glimpse(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    noise: str = "uniform",
    name: str | None = None,
) -> Any:
    """Rectangles of images, with noise outside of the images.

    Args:
        input: float32 `[n, h, w, c]`.
        size: height and width of the rectangles.
        offsets: their places `[n, 2]`, rows and columns.
        centered: whether places count from the middle of the image.
        normalized: whether places are shares of the image.
        noise: "uniform", "gaussian" or "zero".
        name: name of the op.

    Returns:
        float32 `[n, height, width, c]`.
    """
    return call(
        "ExtractGlimpseV2",
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=False,
        noise=noise,
        name=name,
    )
