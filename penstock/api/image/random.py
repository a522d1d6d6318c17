"""Images changed at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api import random
from penstock.api.image.codec import adjust_jpeg_quality
from penstock.api.image.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)
from penstock.api.image.shapes import at_least_3d
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "random_brightness",
    "random_contrast",
    "random_crop",
    "random_flip_left_right",
    "random_flip_up_down",
    "random_hue",
    "random_jpeg_quality",
    "random_saturation",
    "stateless_random_brightness",
    "stateless_random_contrast",
    "stateless_random_crop",
    "stateless_random_flip_left_right",
    "stateless_random_flip_up_down",
    "stateless_random_hue",
    "stateless_random_jpeg_quality",
    "stateless_random_saturation",
]

Sampler = Callable[..., Any]


def _stateful(seed: Any) -> Sampler:
    return lambda shape, low, high, dtype: random.uniform(shape, low, high, dtype, seed=seed)


def _stateless(seed: Any) -> Sampler:
    def sample(shape: Any, low: Any, high: Any, dtype: Any) -> Any:
        return random.stateless_uniform(shape, seed, low, high, dtype)

    return sample


def _between(sample: Sampler, low: Any, high: Any) -> Any:
    return sample([], low, high, dtypes.float32)


def random_flip_left_right(image: Any, seed: int | None = None) -> Any:
    """Mirror half of the images `[n, h, w, c]` or `[h, w, c]` about their vertical axis."""
    return _maybe_flipped(image, 1, _stateful(seed))


def random_flip_up_down(image: Any, seed: int | None = None) -> Any:
    """Mirror half of the images `[n, h, w, c]` or `[h, w, c]` about their horizontal axis."""
    return _maybe_flipped(image, 0, _stateful(seed))


def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """`random_flip_left_right` as a function of `seed`, two integers."""
    return _maybe_flipped(image, 1, _stateless(seed))


def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """`random_flip_up_down` as a function of `seed`, two integers."""
    return _maybe_flipped(image, 0, _stateless(seed))


def _maybe_flipped(image: Any, axis: int, sample: Sampler) -> Any:
    image = at_least_3d(image)
    rank = image.shape.rank
    if rank == 3:
        flipped = call("ReverseV2", image, np.array([axis], np.int32))
        return call("SelectV2", call("Less", _between(sample, 0, 1.0), 0.5), flipped, image)
    if rank not in (None, 4):
        raise ValueError(f"image must have either 3 or 4 axes, got shape {image.shape}")
    count = call("Shape", image)[:1]
    # A number that rounds to 1 flips its image.
    chosen = call("Round", sample(count, 0, 1, dtypes.float32))
    chosen = call("Reshape", chosen, np.array([-1, 1, 1, 1], np.int32))
    flipped = call("ReverseV2", image, np.array([axis + 1], np.int32))
    return call("SelectV2", call("Equal", chosen, 1.0), flipped, image)


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """Add a number between -`max_delta` and `max_delta`, in the range 0 to 1 of floats.

    Raises:
        ValueError: `max_delta` is negative.
    """
    return _brightened(image, max_delta, _stateful(seed))


def stateless_random_brightness(image: Any, max_delta: float, seed: Any) -> Any:
    """`random_brightness` as a function of `seed`, two integers."""
    return _brightened(image, max_delta, _stateless(seed))


def _brightened(image: Any, most: float, sample: Sampler) -> Any:
    if most < 0:
        raise ValueError(f"max_delta must be non-negative, got {most}")
    return adjust_brightness(image, _between(sample, -most, most))


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """Multiply the contrast by a number between `lower` and `upper`.

    Raises:
        ValueError: the range is empty, or begins below 0.
    """
    return adjust_contrast(image, _factor(lower, upper, _stateful(seed)))


def stateless_random_contrast(image: Any, lower: float, upper: float, seed: Any) -> Any:
    """`random_contrast` as a function of `seed`, two integers."""
    return adjust_contrast(image, _factor(lower, upper, _stateless(seed)))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Any:
    """Multiply the saturation of an RGB image by a number between `lower` and `upper`.

    Raises:
        ValueError: the range is empty, or begins below 0.
    """
    return adjust_saturation(image, _factor(lower, upper, _stateful(seed)))


def stateless_random_saturation(
    image: Any, lower: float, upper: float, seed: Any = None
) -> Any:
    """`random_saturation` as a function of `seed`, two integers."""
    return adjust_saturation(image, _factor(lower, upper, _stateless(seed)))


def _factor(lower: float, upper: float, sample: Sampler) -> Any:
    if upper <= lower:
        raise ValueError(f"upper must be > lower, got {upper} and {lower}")
    if lower < 0:
        raise ValueError(f"lower must be non-negative, got {lower}")
    return _between(sample, lower, upper)


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Any:
    """Turn the hue of an RGB image by up to `max_delta` rounds of the colour circle.

    Raises:
        ValueError: `max_delta` is not in [0, 0.5].
    """
    return adjust_hue(image, _turn(max_delta, _stateful(seed)))


def stateless_random_hue(image: Any, max_delta: float, seed: Any) -> Any:
    """`random_hue` as a function of `seed`, two integers."""
    return adjust_hue(image, _turn(max_delta, _stateless(seed)))


def _turn(most: float, sample: Sampler) -> Any:
    if most > 0.5:
        raise ValueError(f"max_delta must be <= 0.5, got {most}")
    if most < 0:
        raise ValueError(f"max_delta must be non-negative, got {most}")
    return _between(sample, -most, most)


def random_jpeg_quality(
    image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None
) -> Any:
    """Encode an image as JPEG of a quality in the range, and decode it again.

    Raises:
        ValueError: the range is empty, or not within 0 to 100.
    """
    return _worn(image, min_jpeg_quality, max_jpeg_quality, _stateful(seed))


def stateless_random_jpeg_quality(
    image: Any, min_jpeg_quality: int, max_jpeg_quality: int, seed: Any
) -> Any:
    """`random_jpeg_quality` as a function of `seed`, two integers."""
    return _worn(image, min_jpeg_quality, max_jpeg_quality, _stateless(seed))


def _worn(image: Any, least: int, most: int, sample: Sampler) -> Any:
    if least < 0 or most < 0 or least > 100 or most > 100:
        raise ValueError(f"jpeg quality must be between 0 and 100, got {least} to {most}")
    if least >= most:
        raise ValueError(
            f"min_jpeg_quality must be less than max_jpeg_quality, got {least} and {most}"
        )
    return adjust_jpeg_quality(image, sample([], least, most, dtypes.int32))


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Any:
    """Cut a part of a size out of `value`, at a random place.

    Args:
        value: a tensor of any rank.
        size: lengths of the part, one for each axis.
        seed: seed of the op.
        name: name of the op.

    Raises:
        InvalidArgumentError: the part is larger than `value`.
    """
    return _cropped(value, size, _stateful(seed), name)


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """`random_crop` as a function of `seed`, two integers."""
    return _cropped(value, size, _stateless(seed), name)


def _cropped(value: Any, size: Any, sample: Sampler, name: str | None) -> Any:
    value = convert_to_tensor(value)
    size = convert_to_tensor(size, dtype_hint=dtypes.int32)
    known = getattr(size, "_value", None)
    if known is not None and value.shape.is_fully_defined():
        lengths = np.asarray(value.shape.as_list())
        if lengths.shape != np.shape(known) or (lengths < np.asarray(known)).any():
            raise InvalidArgumentError(
                f"value must be at least as large as size, got {value.shape} and "
                f"{np.asarray(known).tolist()}"
            )
    lengths = call("Shape", value)
    limit = call("Cast", lengths, DstT=size.dtype) - size + 1
    places = sample(call("Shape", lengths), 0, size.dtype.max, size.dtype)
    begin = call("FloorMod", places, limit)
    return call("Slice", value, begin, size, name=name)
