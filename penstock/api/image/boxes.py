"""Boxes in images: choosing among overlapping ones, and drawing them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.api import random
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "combined_non_max_suppression",
    "draw_bounding_boxes",
    "non_max_suppression",
    "non_max_suppression_overlaps",
    "non_max_suppression_padded",
    "non_max_suppression_with_scores",
    "sample_distorted_bounding_box",
    "stateless_sample_distorted_bounding_box",
]

_NO_LIMIT = float("-inf")


class CombinedNonMaxSuppression(NamedTuple):
    """What `combined_non_max_suppression` gives."""

    nmsed_boxes: Any
    nmsed_scores: Any
    nmsed_classes: Any
    valid_detections: Any


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    name: str | None = None,
) -> Any:
    """Indices of the best boxes, without those that overlap a better one.

    Args:
        boxes: `[n, 4]`: y1, x1, y2, x2; any two opposite corners.
        scores: `[n]`.
        max_output_size: how many indices to return at most.
        iou_threshold: intersection over union above which a box is dropped.
        score_threshold: score that a box must exceed.
        name: name of the op.

    Returns:
        int32 `[k]`, by falling score.

    Raises:
        InvalidArgumentError: shapes or limits do not fit.
    """
    boxes, scores = _pair(boxes, scores)
    iou, least = (_like(value, boxes) for value in (iou_threshold, score_threshold))
    return call("NonMaxSuppressionV3", boxes, scores, max_output_size, iou, least, name=name)


def non_max_suppression_with_scores(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    soft_nms_sigma: Any = 0.0,
    name: str | None = None,
) -> tuple[Any, Any]:
    """`non_max_suppression` that can lower the scores of overlapping boxes instead.

    Args:
        boxes: as for `non_max_suppression`.
        scores: `[n]`.
        max_output_size: how many indices to return at most.
        iou_threshold: as for `non_max_suppression`; unused with a sigma above 0.
        score_threshold: score that a box must exceed.
        soft_nms_sigma: how little overlap lowers a score; 0 drops boxes.
        name: name of the op.

    Returns:
        int32 indices `[k]`, and their scores.
    """
    boxes, scores = _pair(boxes, scores)
    limits = (_like(value, boxes) for value in (iou_threshold, score_threshold, soft_nms_sigma))
    indices, kept, _ = call(
        "NonMaxSuppressionV5", boxes, scores, max_output_size, *limits, name=name
    )
    return indices, kept


def non_max_suppression_padded(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    pad_to_max_output_size: bool = False,
    name: str | None = None,
    sorted_input: bool = False,
    canonicalized_coordinates: bool = False,
    tile_size: int = 512,
) -> tuple[Any, Any]:
    """`non_max_suppression` whose result can have a fixed length, also of batches.

    Args:
        boxes: `[..., n, 4]`.
        scores: `[..., n]`.
        max_output_size: how many indices to return at most.
        iou_threshold: as for `non_max_suppression`.
        score_threshold: score that a box must exceed.
        pad_to_max_output_size: whether to fill the indices up with 0; needed for batches.
        name: name of the op.
        sorted_input: accepted for compatibility.
        canonicalized_coordinates: accepted for compatibility.
        tile_size: accepted for compatibility.

    Returns:
        int32 indices `[..., k]`, and how many of them are valid.

    Raises:
        ValueError: batches without padding, or of unknown size.
    """
    del sorted_input, canonicalized_coordinates, tile_size
    boxes, scores = _pair(boxes, scores)
    iou, least = (_like(value, boxes) for value in (iou_threshold, score_threshold))

    def choose(each: Any, own: Any) -> Any:
        return call(
            "NonMaxSuppressionV4",
            each,
            own,
            max_output_size,
            iou,
            least,
            pad_to_max_output_size=pad_to_max_output_size,
            name=name,
        )

    if boxes.shape.rank == 2:
        indices, count = choose(boxes, scores)
        return indices, count
    if not pad_to_max_output_size:
        raise ValueError("pad_to_max_output_size must be true for batches of boxes")
    outer = boxes.shape[:-2]
    if not outer.is_fully_defined():
        raise ValueError(f"batches of boxes must have a known size, got shape {boxes.shape}")
    total = int(np.prod(outer.as_list()))
    tail = call("Shape", boxes)[-2:]
    flat_boxes = call(
        "Reshape", boxes, call("ConcatV2", [np.array([total], np.int32), tail], 0)
    )
    flat_scores = call("Reshape", scores, np.array([total, -1], np.int32))
    chosen = [choose(flat_boxes[i], flat_scores[i]) for i in range(total)]
    indices = call("Pack", [entry[0] for entry in chosen], axis=0)
    counts = call("Pack", [entry[1] for entry in chosen], axis=0)
    lengths = np.array(outer.as_list(), np.int32)
    shape = call("ConcatV2", [lengths, np.array([-1], np.int32)], 0)
    return call("Reshape", indices, shape), call("Reshape", counts, lengths)


def non_max_suppression_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    name: str | None = None,
) -> Any:
    """`non_max_suppression` with any measure of overlap `[n, n]`."""
    return call(
        "NonMaxSuppressionWithOverlaps",
        overlaps,
        scores,
        max_output_size,
        np.float32(overlap_threshold),
        np.float32(score_threshold),
        name=name,
    )


def combined_non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = _NO_LIMIT,
    pad_per_class: bool = False,
    clip_boxes: bool = True,
    name: str | None = None,
) -> tuple[Any, Any, Any, Any]:
    """The best boxes of each image of a batch, chosen class by class.

    Args:
        boxes: `[batch, n, 1 or classes, 4]`.
        scores: `[batch, n, classes]`.
        max_output_size_per_class: how many boxes to keep of a class.
        max_total_size: how many boxes to keep of an image.
        iou_threshold: as for `non_max_suppression`.
        score_threshold: score that a box must exceed.
        pad_per_class: whether results are no longer than what all classes can give.
        clip_boxes: whether to limit boxes to [0, 1].
        name: name of the op.

    Returns:
        Boxes, scores and classes, padded with 0, and how many of them are valid.
    """
    found = call(
        "CombinedNonMaxSuppression",
        boxes,
        scores,
        max_output_size_per_class,
        max_total_size,
        convert_to_tensor(iou_threshold, dtype=np.float32),
        convert_to_tensor(score_threshold, dtype=np.float32),
        pad_per_class=pad_per_class,
        clip_boxes=clip_boxes,
        name=name,
    )
    return CombinedNonMaxSuppression(*found)


def draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Any:
    """Images with the outlines of boxes.

    Args:
        images: floats `[n, h, w, c]`.
        boxes: `[n, m, 4]`: first row and column, last row and column, in shares of the image.
        colors: `[k, c]`, taken in turn; None for ten colours.
        name: name of the op.
    """
    if colors is None:
        return call("DrawBoundingBoxes", images, boxes, name=name)
    return call("DrawBoundingBoxesV2", images, boxes, colors, name=name)


def stateless_sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """A random crop that shows enough of one of the boxes; the whole image where none is found.

    Args:
        image_size: height, width and channels.
        bounding_boxes: `[batch, n, 4]`: y_min, x_min, y_max, x_max, in shares of the image.
        seed: two integers, of which the crop is a function.
        min_object_covered: share of a box that the crop must show.
        aspect_ratio_range: least and largest width / height; None for 0.75 and 1.33.
        area_range: least and largest share of the image; None for 0.05 and 1.
        max_attempts: how often to try; None for 100.
        use_image_if_no_bounding_boxes: whether no boxes mean the whole image.
        name: name of the op.

    Returns:
        Begin and size for `tf.slice`, and the crop as a box `[1, 1, 4]`.
    """
    begin, size, box = call(
        "StatelessSampleDistortedBoundingBox",
        image_size,
        convert_to_tensor(bounding_boxes, dtype=np.float32),
        convert_to_tensor(min_object_covered, dtype=np.float32),
        seed,
        aspect_ratio_range=tuple(aspect_ratio_range or (0.75, 1.33)),
        area_range=tuple(area_range or (0.05, 1.0)),
        max_attempts=100 if max_attempts is None else max_attempts,
        use_image_if_no_bounding_boxes=bool(use_image_if_no_bounding_boxes),
        name=name,
    )
    return begin, size, box


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: int = 0,
    min_object_covered: Any = 0.1,
    aspect_ratio_range: Any = None,
    area_range: Any = None,
    max_attempts: int | None = None,
    use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> tuple[Any, Any, Any]:
    """`stateless_sample_distorted_bounding_box` with another crop at each call.

    Args:
        image_size: as there.
        bounding_boxes: as there.
        seed: seed of the op; 0 for none.
        min_object_covered: as there.
        aspect_ratio_range: as there.
        area_range: as there.
        max_attempts: as there.
        use_image_if_no_bounding_boxes: as there.
        name: name of the op.

    Returns:
        As there.
    """
    drawn = random.uniform(
        [2], -(2**31), 2**31 - 1, dtype=dtypes.int32, seed=seed if seed else None
    )
    return stateless_sample_distorted_bounding_box(
        image_size,
        bounding_boxes,
        drawn,
        min_object_covered,
        aspect_ratio_range,
        area_range,
        max_attempts,
        use_image_if_no_bounding_boxes,
        name,
    )


def _pair(boxes: Any, scores: Any) -> tuple[Any, Any]:
    boxes = convert_to_tensor(boxes, dtype_hint=np.float32)
    return boxes, convert_to_tensor(scores, dtype=boxes.dtype)


def _like(value: Any, tensor: Any) -> Any:
    return convert_to_tensor(value, dtype=tensor.dtype)
