"""Resizing of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.image.geometry import (
    crop_to_bounding_box,
    pad_to_bounding_box,
)
from penstock.api.image.shapes import as_batch, known_integer, require, size_of, unbatched
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = ["ResizeMethod", "resize", "resize_with_crop_or_pad", "resize_with_pad"]


class ResizeMethod:
    """Names of the methods of `tf.image.resize`."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


# Methods that are kernels of `ScaleAndTranslate`, always or when antialiasing is asked for.
_KERNELS = {
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
    "gaussian": "gaussian",
    "mitchellcubic": "mitchellcubic",
}
_ANTIALIASED = {"bilinear": "triangle", "bicubic": "keyscubic"}
_OPS = {"bilinear": "ResizeBilinear", "bicubic": "ResizeBicubic"}


def resize(
    images: Any,
    size: Any,
    method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Resize images.

    Args:
        images: `[n, h, w, c]` or `[h, w, c]`.
        size: new height and width.
        method: one of the names in `ResizeMethod`.
        preserve_aspect_ratio: whether `size` is the largest that both may become.
        antialias: whether to smooth when sizes shrink; "nearest" and "area" never do.
        name: name of the op.

    Returns:
        float32, but for method "nearest", which keeps the type.

    Raises:
        ValueError: the shapes do not fit, or there is no such method.

    Example:
        >>> import penstock as tf
        >>> tf.image.resize(tf.ones([4, 6, 1]), [2, 3]).shape.as_list()
        [2, 3, 1]
    """
    batch, added = as_batch(images, "images")
    wanted = _read_size(size)
    if preserve_aspect_ratio:
        wanted = _within(batch, wanted)
    if method == "nearest":
        out = call("ResizeNearestNeighbor", batch, wanted, half_pixel_centers=True, name=name)
    elif method == "area":
        out = call("ResizeArea", batch, wanted, name=name)
    elif method in _KERNELS or (antialias and method in _ANTIALIASED):
        kernel = _KERNELS.get(method) or _ANTIALIASED[method]
        lengths = call("Cast", call("Shape", batch)[1:3], DstT=dtypes.float32)
        scale = call("Cast", convert_to_tensor(wanted), DstT=dtypes.float32) / lengths
        out = call(
            "ScaleAndTranslate",
            batch,
            wanted,
            scale,
            np.zeros(2, np.float32),
            kernel_type=kernel,
            antialias=antialias,
            name=name,
        )
    elif method in _OPS:
        out = call(_OPS[method], batch, wanted, half_pixel_centers=True, name=name)
    else:
        raise ValueError(f"method must be a name in tf.image.ResizeMethod, got {method!r}")
    return unbatched(out, added)


def _read_size(size: Any) -> Any:
    """int32 vector of two: a numpy array where it is method, else a tensor."""
    vector: Any
    if isinstance(size, Tensor):
        vector = size
    elif isinstance(size, (list, tuple)) and any(isinstance(each, Tensor) for each in size):
        vector = convert_to_tensor(size, dtype_hint=np.int32)
    else:
        vector = np.asarray(size)
        if vector.dtype.kind in "iu":
            vector = vector.astype(np.int32)
    if tuple(vector.shape) != (2,):
        raise ValueError(f"size must be a new height and width, got shape {vector.shape}")
    if isinstance(vector, Tensor):
        if not vector.dtype.is_integer:
            raise ValueError(f"size must be int32, got {vector.dtype.name}")
        return call("Cast", vector, DstT=dtypes.int32)
    if vector.dtype != np.int32:
        raise ValueError(f"size must be int32, got {vector.dtype}")
    return vector


def _within(batch: Any, size: Any) -> Any:
    """The largest size of the same ratio of height and width that fits in `size`."""
    lengths = call("Cast", call("Shape", batch)[1:3], DstT=dtypes.float32)
    wanted = call("Cast", convert_to_tensor(size), DstT=dtypes.float32)
    factor = call("Min", wanted / lengths, 0, keep_dims=False)
    return call("Cast", call("Round", lengths * factor), DstT=dtypes.int32)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """Cut off or add zeros on both sides until an image has a size.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        target_height: height of the result.
        target_width: width of the result.

    Raises:
        ValueError: `image` has another rank, or a target is not positive.
    """
    batch, added = as_batch(image)
    require(target_height > 0, f"target_height must be > 0, got {target_height}")
    require(target_width > 0, f"target_width must be > 0, got {target_width}")
    height, width = size_of(batch)
    top, above, rows = _crop_and_pad(height, target_height)
    left, before, columns = _crop_and_pad(width, target_width)
    cropped = crop_to_bounding_box(batch, top, left, rows, columns)
    padded = pad_to_bounding_box(cropped, above, before, target_height, target_width)
    return unbatched(padded, added)


def _crop_and_pad(length: Any, target: Any) -> tuple[Any, Any, Any]:
    """What to cut off and what to add at the beginning, and how much of the image stays."""
    if isinstance(length, int) and known_integer(target) is not None:
        difference = int(known_integer(target) or 0) - length
        kept = min(length + difference, length)
        return max(-difference // 2, 0), max(difference // 2, 0), kept
    difference = target - convert_to_tensor(length)
    return (
        call("Maximum", call("FloorDiv", -difference, 2), 0),
        call("Maximum", call("FloorDiv", difference, 2), 0),
        call("Minimum", length, target),
    )


def resize_with_pad(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: str = ResizeMethod.BILINEAR,
    antialias: bool = False,
) -> Any:
    """Resize an image until it fits in a size, and add zeros on both sides.

    Args:
        image: `[n, h, w, c]` or `[h, w, c]`.
        target_height: height of the result.
        target_width: width of the result.
        method: as for `resize`.
        antialias: as for `resize`.

    Raises:
        ValueError: `image` has another rank, or a target is not positive.
    """
    batch, added = as_batch(image)
    require(target_height > 0, f"target_height must be > 0, got {target_height}")
    require(target_width > 0, f"target_width must be > 0, got {target_width}")
    height, width = (_float(length) for length in size_of(batch))
    wanted_height, wanted_width = _float(target_height), _float(target_width)
    ratio = call("Maximum", width / wanted_width, height / wanted_height)
    new_height, new_width = height / ratio, width / ratio
    rows, columns = _floor(new_height), _floor(new_width)
    above = call("Maximum", 0, _floor((wanted_height - new_height) / 2))
    before = call("Maximum", 0, _floor((wanted_width - new_width) / 2))
    size = call("Pack", [rows, columns], axis=0)
    resized = resize(batch, size, method, antialias=antialias)
    # By the size that was asked for: of an image of unknown shape the promised one is a guess.
    margins = [0, 0, above, target_height - above - rows, before]
    margins = [*margins, target_width - before - columns, 0, 0]
    pairs = call("Reshape", call("Pack", margins, axis=0), np.array([4, 2], np.int32))
    return unbatched(call("Pad", resized, pairs), added)


def _float(value: Any) -> Any:
    return call("Cast", convert_to_tensor(value), DstT=dtypes.float32)


def _floor(value: Any) -> Any:
    return call("Cast", call("Floor", value), DstT=dtypes.int32)
