"""Colours of images: hue, saturation and contrast."""

from __future__ import annotations

from typing import Any

from penstock.core.dtypes import float16, float32
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.ops.elementwise import FLOATS, kinds, unary, widened
from penstock.ops.namespace import namespace
from penstock.ops.table import op

_TYPES = kinds(float16, float32)


def _channels(images: Any) -> tuple[Any, Any, Any]:
    wide = widened(images)
    return wide[..., 0], wide[..., 1], wide[..., 2]


def _hue_and_range(red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    """Hue in [0, 6), largest channel, and how far the least is below it."""
    xp = namespace(red)
    value = xp.maximum(xp.maximum(red, green), blue)
    spread = value - xp.minimum(xp.minimum(red, green), blue)
    grey = spread <= 0
    one = spread.dtype.type(1)
    safe = xp.where(grey, one, spread)
    hue = xp.where(
        red == value,
        (green - blue) / safe,
        xp.where(green == value, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = xp.where(grey, one * 0, xp.where(hue < 0, hue + 6, hue))
    return hue, value, spread


def _from_hue(hue: Any, least: Any, value: Any) -> Any:
    """Channels of a hue in [0, 6), between `least` and `value`."""
    xp = namespace(hue, least, value)
    shares = (
        xp.clip(abs(hue - 3) - 1, 0, 1),
        xp.clip(2 - abs(hue - 2), 0, 1),
        xp.clip(2 - abs(hue - 4), 0, 1),
    )
    return xp.stack([least + (value - least) * share for share in shares], axis=-1)


def _check_channels(images: Any, error: type[Exception] = InvalidArgumentError) -> None:
    if images.shape[-1] != 3:
        raise error(f"images must have 3 channels, got {images.shape[-1]}")


def _check_image(images: Any, name: str, factor: Any) -> None:
    unary(name, images, _TYPES)
    if images.ndim < 3:
        raise InvalidArgumentError(
            f"images of {name} must have rank 3 or more, got shape {list(images.shape)}"
        )
    if factor.shape != ():
        raise InvalidArgumentError(
            f"the factor of {name} must be a scalar, got shape {list(factor.shape)}"
        )


@op("RGBToHSV", inputs=("images: T",), outputs=("output: T",), shape="same")
def rgb_to_hsv(images: Any) -> Any:
    """Hue, saturation and value, each in [0, 1], of red, green and blue.

    Shape: images [..., 3] -> output [..., 3].
    Errors: FailedPreconditionError when there are not three channels.
    """
    xp = unary("RGBToHSV", images, FLOATS)
    if images.ndim < 1:
        raise InvalidArgumentError("images must have an axis of channels, got a scalar")
    _check_channels(images, FailedPreconditionError)
    hue, value, spread = _hue_and_range(*_channels(images))
    one = value.dtype.type(1)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, one), one * 0)
    return xp.stack([hue / 6, saturation, value], axis=-1).astype(images.dtype)


@op("HSVToRGB", inputs=("images: T",), outputs=("output: T",), shape="same")
def hsv_to_rgb(images: Any) -> Any:
    """Red, green and blue of hue, saturation and value.

    Shape: images [..., 3] -> output [..., 3].
    Errors: FailedPreconditionError when there are not three channels.
    """
    unary("HSVToRGB", images, FLOATS)
    if images.ndim < 1:
        raise InvalidArgumentError("images must have an axis of channels, got a scalar")
    _check_channels(images, FailedPreconditionError)
    hue, saturation, value = _channels(images)
    return _from_hue(hue * 6, (1 - saturation) * value, value).astype(images.dtype)


@op(
    "AdjustHue",
    inputs=("images: T", "delta: float"),
    outputs=("output: T",),
    shape="same",
    differentiable=False,
)
def adjust_hue(images: Any, delta: Any) -> Any:
    """Turn the hue by `delta` rounds of the colour circle.

    Shape: images [..., h, w, 3], delta [] -> output [..., h, w, 3].
    Errors: InvalidArgumentError when images have another shape.
    """
    _check_image(images, "AdjustHue", delta)
    _check_channels(images)
    hue, value, spread = _hue_and_range(*_channels(images))
    xp = namespace(images, delta)
    turned = hue + delta * 6
    turned = turned - 6 * xp.floor(turned / 6)
    return _from_hue(turned, value - spread, value).astype(images.dtype)


@op(
    "AdjustSaturation",
    inputs=("images: T", "scale: float"),
    outputs=("output: T",),
    shape="same",
    differentiable=False,
)
def adjust_saturation(images: Any, scale: Any) -> Any:
    """Multiply the saturation by `scale`, up to 1.

    Shape: images [..., h, w, 3], scale [] -> output [..., h, w, 3].
    Errors: InvalidArgumentError when images have another shape.
    """
    _check_image(images, "AdjustSaturation", scale)
    _check_channels(images)
    xp = namespace(images, scale)
    hue, value, spread = _hue_and_range(*_channels(images))
    one = value.dtype.type(1)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, one), one * 0)
    saturation = xp.clip(saturation * scale, 0, 1)
    return _from_hue(hue, (1 - saturation) * value, value).astype(images.dtype)


@op(
    "AdjustContrastv2",
    inputs=("images: T", "contrast_factor: float"),
    outputs=("output: T",),
    shape="same",
)
def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Multiply each channel's distance from its mean over the image.

    Shape: images [..., h, w, c], contrast_factor [] -> output [..., h, w, c].
    Errors: InvalidArgumentError when images have a lower rank.
    """
    _check_image(images, "AdjustContrastv2", contrast_factor)
    wide = widened(images)
    mean = wide.mean(axis=(-3, -2), keepdims=True)
    return ((wide - mean) * contrast_factor + mean).astype(images.dtype)
