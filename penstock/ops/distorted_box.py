"""Random crops that keep enough of an object in sight: numpy only.

Source: Szegedy et al., Going Deeper with Convolutions (2015), section 6.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.philox import Generator, from_seed
from penstock.ops.precision import single
from penstock.ops.table import op

_ATTRS = {
    "aspect_ratio_range": (0.75, 1.33),
    "area_range": (0.05, 1.0),
    "max_attempts": 100,
    "use_image_if_no_bounding_boxes": False,
}
_OUTPUTS = ("begin: T", "size: T", "bboxes: float")
_WORDS: Final = 1 << 32
_CHUNK: Final = 256

Box = tuple[int, int, int, int]


class _Dice:
    """Numbers from the words of a stream, one after the other."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._words: list[int] = []

    def word(self) -> int:
        """A number of 32 bits."""
        if not self._words:
            self._words = self._generator.words(_CHUNK).tolist()[::-1]
            self._generator = self._generator.skip(_CHUNK // 4)
        return self._words.pop()

    def fraction(self) -> np.float32:
        """A float in [0, 1), of 23 bits."""
        return np.float32((self.word() & 0x7FFFFF) / (1 << 23))

    def below(self, limit: int) -> int:
        """A number in [0, limit), each as likely."""
        if limit & (limit - 1) == 0:
            return self.word() & (limit - 1)
        rest = (_WORDS - 1) % limit + 1
        while (word := self.word()) < rest:
            pass
        return word % limit


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a crop must satisfy."""

    ratios: Sequence[float]
    areas: Sequence[float]
    covered: float
    attempts: int


def _nearest(value: float | np.floating[Any]) -> int:
    """As C rounds: halves to even, of a single-precision number."""
    return int(np.rint(np.float32(value)))


def _crop(
    dice: _Dice, width: int, height: int, ratio: np.float32, limits: _Limits
) -> Box | None:
    """A rectangle of a ratio and an allowed area, as x, y, width, height."""
    least = np.float32(limits.areas[0]) * np.float32(width) * np.float32(height)
    most = np.float32(limits.areas[1]) * np.float32(width) * np.float32(height)
    rows = _nearest(math.sqrt(least / ratio))
    most_rows = _nearest(math.sqrt(most / ratio))
    if _nearest(most_rows * ratio) > width:
        most_rows = int((width + 0.5 - 1e-7) / ratio)
        if _nearest(most_rows * ratio) > width:
            most_rows -= 1
    most_rows = min(most_rows, height)
    rows = min(rows, most_rows)
    if rows < most_rows:
        rows += dice.below(most_rows - rows + 1)
    columns = _nearest(rows * ratio)
    # Rounding may miss the area by a row: try one more, then one less.
    if columns * rows < least:
        rows += 1
        columns = _nearest(rows * ratio)
    if columns * rows > most:
        rows -= 1
        columns = _nearest(rows * ratio)
    fits = least <= columns * rows <= most and 0 < columns <= width and 0 < rows <= height
    if not fits:
        return None
    y = dice.below(height - rows) if rows < height else 0
    x = dice.below(width - columns) if columns < width else 0
    return x, y, columns, rows


def _covers(crop: Box, boxes: Sequence[Box], share: float) -> bool:
    """Whether the crop shows enough of one of the boxes, given as x1, y1, x2, y2."""
    x, y, columns, rows = crop
    for x1, y1, x2, y2 in boxes:
        area = (x2 - x1) * (y2 - y1)
        across = min(x + columns, x2) - max(x, x1)
        down = min(y + rows, y2) - max(y, y1)
        common = across * down if across > 0 and down > 0 else 0
        if area > 0 and np.float32(common) / np.float32(area) >= share:
            return True
    return False


def _sample(
    dice: _Dice, image_size: Any, bounding_boxes: Any, limits: _Limits, whole_image: bool
) -> tuple[Any, Any, Any]:
    if image_size.shape != (3,):
        raise InvalidArgumentError(
            f"image_size must be [height, width, channels], got shape {list(image_size.shape)}"
        )
    height, width = int(image_size[0]), int(image_size[1])
    if height <= 0 or width <= 0:
        raise InvalidArgumentError(f"the image must not be empty, got {height} x {width}")
    boxes = _read_boxes(bounding_boxes, width, height, whole_image)
    found: Box = (0, 0, width, height)
    low, high = (np.float32(entry) for entry in limits.ratios)
    for _ in range(limits.attempts):
        ratio = dice.fraction() * (high - low) + low
        crop = _crop(dice, width, height, ratio, limits)
        if crop is not None and _covers(crop, boxes, limits.covered):
            found = crop
            break
    x, y, columns, rows = found
    kind = image_size.dtype
    scale = np.array([height, width, height, width], np.float32)
    edges = np.array([y, x, y + rows, x + columns], np.float32) / scale
    return (
        np.array([y, x, 0], kind),
        np.array([rows, columns, -1]).astype(kind),
        edges.reshape(1, 1, 4),
    )


def _read_boxes(boxes: Any, width: int, height: int, whole_image: bool) -> list[Box]:
    if boxes.ndim != 3 or boxes.shape[-1] != 4:
        raise InvalidArgumentError(
            f"bounding_boxes must be [batch, n, 4], got shape {list(boxes.shape)}"
        )
    if not boxes.size:
        if not whole_image:
            raise InvalidArgumentError(
                "bounding_boxes must not be empty; set use_image_if_no_bounding_boxes to take "
                "the whole image"
            )
        return [(0, 0, width, height)]
    flat = boxes.reshape(-1, 4)
    if (flat < 0).any() or (flat > 1).any() or (flat[:, :2] > flat[:, 2:]).any():
        raise InvalidArgumentError(
            "bounding_boxes must be [y_min, x_min, y_max, x_max] in [0, 1]"
        )
    scale = np.array([height, width, height, width], np.float32)
    edges = (flat * scale).astype(np.int64).tolist()
    return [(x1, y1, x2, y2) for y1, x1, y2, x2 in edges]


def _limits(
    covered: Any, ratios: Sequence[float], areas: Sequence[float], attempts: int
) -> _Limits:
    share = float(np.float32(covered))
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"min_object_covered must be in [0, 1], got {share}")
    if len(ratios) != 2 or len(areas) != 2:
        raise InvalidArgumentError(
            f"aspect_ratio_range and area_range must have two entries, got {tuple(ratios)} and "
            f"{tuple(areas)}"
        )
    if not (0 < ratios[0] <= ratios[1]) or not (0 < areas[0] <= areas[1] <= 1):
        raise InvalidArgumentError(
            "aspect_ratio_range must be positive and rising, area_range in (0, 1], got "
            f"{tuple(ratios)} and {tuple(areas)}"
        )
    return _Limits(
        tuple(single(entry) for entry in ratios),
        tuple(single(entry) for entry in areas),
        share,
        attempts,
    )


def _dice_of(seed: int, seed2: int) -> _Dice:
    if seed == 0 and seed2 == 0:
        seed, seed2 = secrets.randbits(63), secrets.randbits(63)
    mask = (1 << 64) - 1
    key = np.array([seed & mask], np.uint64)
    return _Dice(Generator(key, np.array([0, seed2 & mask], np.uint64)))


@op(
    "StatelessSampleDistortedBoundingBox",
    inputs=(
        "image_size: T",
        "bounding_boxes: float",
        "min_object_covered: float",
        "seed: Tseed",
    ),
    outputs=_OUTPUTS,
    attrs=_ATTRS,
    kernel="host",
    differentiable=False,
)
def stateless_sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    min_object_covered: Any,
    seed: Any,
    *,
    aspect_ratio_range: Sequence[float],
    area_range: Sequence[float],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
) -> Any:
    """A random crop that shows enough of one of the boxes, a function of `seed`.

    Shape: image_size [3], bounding_boxes [batch, n, 4], min_object_covered [], seed [2] ->
    begin [3], size [3], bboxes [1, 1, 4].
    Errors: InvalidArgumentError for wrong shapes, boxes or ranges.
    """
    limits = _limits(min_object_covered, aspect_ratio_range, area_range, max_attempts)
    dice = _Dice(from_seed(seed))
    return _sample(dice, image_size, bounding_boxes, limits, use_image_if_no_bounding_boxes)


@op(
    "SampleDistortedBoundingBoxV2",
    inputs=("image_size: T", "bounding_boxes: float", "min_object_covered: float"),
    outputs=_OUTPUTS,
    attrs={"seed": 0, "seed2": 0, **_ATTRS},
    kernel="host",
    stateful=True,
    differentiable=False,
)
def sample_distorted_bounding_box_v2(
    image_size: Any,
    bounding_boxes: Any,
    min_object_covered: Any,
    *,
    seed: int,
    seed2: int,
    aspect_ratio_range: Sequence[float],
    area_range: Sequence[float],
    max_attempts: int,
    use_image_if_no_bounding_boxes: bool,
) -> Any:
    """`StatelessSampleDistortedBoundingBox`, another crop each time unless seeded.

    Shape: image_size [3], bounding_boxes [batch, n, 4], min_object_covered [] -> begin [3],
    size [3], bboxes [1, 1, 4].
    Errors: InvalidArgumentError for wrong shapes, boxes or ranges.
    """
    limits = _limits(min_object_covered, aspect_ratio_range, area_range, max_attempts)
    dice = _dice_of(seed, seed2)
    return _sample(dice, image_size, bounding_boxes, limits, use_image_if_no_bounding_boxes)


@op(
    "SampleDistortedBoundingBox",
    inputs=("image_size: T", "bounding_boxes: float"),
    outputs=_OUTPUTS,
    attrs={"seed": 0, "seed2": 0, "min_object_covered": 0.1, **_ATTRS},
    kernel="host",
    stateful=True,
    differentiable=False,
)
def sample_distorted_bounding_box(
    image_size: Any, bounding_boxes: Any, *, min_object_covered: float, **attrs: Any
) -> Any:
    """`SampleDistortedBoundingBoxV2` whose share of the object is fixed.

    Shape: image_size [3], bounding_boxes [batch, n, 4] -> begin [3], size [3],
    bboxes [1, 1, 4].
    """
    return sample_distorted_bounding_box_v2(
        image_size, bounding_boxes, min_object_covered, **attrs
    )
