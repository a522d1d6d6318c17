"""Boxes in images: choosing among overlapping ones, and drawing them. All in numpy."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import float16, float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import kinds, unary
from penstock.ops.table import op

_IMAGES: Final = kinds(float16, float32)
_LOWEST: Final = float(np.finfo(np.float32).min)

# Red, green, blue and alpha of the boxes of `DrawBoundingBoxes`, in turn.
_COLOURS: Final = np.array(
    [
        [1, 1, 0, 1],
        [0, 0, 1, 1],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
        [0.5, 0, 0.5, 1],
        [0.5, 0.5, 0, 1],
        [0.5, 0, 0, 1],
        [0, 0, 0.5, 1],
        [0, 1, 1, 1],
        [1, 0, 1, 1],
    ],
    np.float32,
)

Overlap = Callable[[int, list[int]], Any]


def _select(  # noqa: PLR0917  (the inputs of the ops)
    overlap: Overlap, scores: Any, size: int, threshold: float, least: float, sigma: float
) -> tuple[list[int], list[float]]:
    """Boxes by falling score, without those that overlap one before them.

    Args:
        overlap: gives how much a box overlaps each of others.
        scores: one per box.
        size: how many boxes to select at most.
        threshold: overlap above which a box is dropped.
        least: score that a box must exceed.
        sigma: above 0, overlap lowers scores, and the threshold does not matter.
    """
    # Entries: minus score, box, how many of the selected ones it was compared with.
    queue = [(-score, box, 0) for box, score in enumerate(scores.tolist()) if score > least]
    heapq.heapify(queue)
    selected: list[int] = []
    kept: list[float] = []
    while queue and len(selected) < size:
        minus, box, seen = heapq.heappop(queue)
        score = -minus
        others = selected[seen:]
        if others:
            overlaps = overlap(box, others)
            if sigma <= 0:
                if (overlaps > threshold).any():
                    continue
            else:
                score = _lowered(score, overlaps, least, sigma)
        if score == -minus:
            selected.append(box)
            kept.append(score)
        elif score > least:
            heapq.heappush(queue, (-score, box, len(selected)))
    return selected, kept


def _lowered(score: float, overlaps: Any, least: float, sigma: float) -> float:
    """Score of a box after the Gaussian penalties for its overlaps, the latest box first.

    Source: Bodla et al., Soft-NMS (2017).
    """
    for overlap in overlaps[::-1].tolist():
        score *= math.exp(-0.5 / sigma * overlap * overlap)
        if score <= least:
            break
    return score


def _overlap_of(boxes: Any) -> Overlap:
    """Intersection over union of boxes [y1, x1, y2, x2], whichever corner comes first."""
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    high = np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = (high - low).prod(axis=1)

    def overlap(box: int, others: list[int]) -> Any:
        common = np.minimum(high[box], high[others]) - np.maximum(low[box], low[others])
        shared = np.maximum(common, 0).prod(axis=1)
        union = areas[box] + areas[others] - shared
        empty = (areas[box] <= 0) | (areas[others] <= 0)
        return np.where(empty, 0, shared / np.where(empty, 1, union))

    return overlap


def _check_boxes(boxes: Any, scores: Any) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InvalidArgumentError(f"boxes must be [n, 4], got shape {list(boxes.shape)}")
    if scores.shape != boxes.shape[:1]:
        raise InvalidArgumentError(
            f"scores must be [{boxes.shape[0]}], one per box, got shape {list(scores.shape)}"
        )


def _read_size(size: Any) -> int:
    if np.ndim(size):
        raise InvalidArgumentError(
            f"max_output_size must be a scalar, got shape {list(np.shape(size))}"
        )
    if size < 0:
        raise InvalidArgumentError(f"max_output_size must be 0 or more, got {int(size)}")
    return int(size)


def _read_threshold(threshold: Any) -> float:
    if np.ndim(threshold) or not 0 <= threshold <= 1:
        raise InvalidArgumentError(f"iou_threshold must be in [0, 1], got {threshold}")
    return float(threshold)


def _choose(  # noqa: PLR0917  (the inputs of the ops)
    boxes: Any, scores: Any, size: Any, threshold: Any, least: Any = _LOWEST, sigma: Any = 0.0
) -> tuple[Any, Any]:
    """Indices and scores of the boxes that are kept."""
    _check_boxes(boxes, scores)
    selected, kept = _select(
        _overlap_of(boxes.astype(np.float32)),
        scores,
        _read_size(size),
        _read_threshold(threshold),
        float(least),
        float(sigma),
    )
    return np.array(selected, np.int32), np.array(kept, scores.dtype)


def _padded(values: Any, size: Any) -> Any:
    out = np.zeros(int(size), values.dtype)
    out[: len(values)] = values
    return out


@op(
    "NonMaxSuppression",
    inputs=("boxes: float", "scores: float", "max_output_size: int32"),
    outputs=("selected_indices: int32",),
    attrs={"iou_threshold": 0.5},
    kernel="host",
    differentiable=False,
)
def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, *, iou_threshold: float
) -> Any:
    """Indices of the best boxes, without those that overlap a better one.

    Shape: boxes [n, 4], scores [n], max_output_size [] -> selected_indices [k].
    Errors: InvalidArgumentError for wrong shapes, sizes or thresholds.
    """
    return _choose(boxes, scores, max_output_size, iou_threshold)[0]


@op(
    "NonMaxSuppressionV2",
    inputs=("boxes: T", "scores: T", "max_output_size: int32", "iou_threshold: T_threshold"),
    outputs=("selected_indices: int32",),
    kernel="host",
    differentiable=False,
)
def non_max_suppression_v2(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any
) -> Any:
    """`NonMaxSuppression` whose threshold is an input.

    Shape: boxes [n, 4], scores [n], max_output_size [], iou_threshold [] -> selected_indices
    [k].
    """
    return _choose(boxes, scores, max_output_size, iou_threshold)[0]


@op(
    "NonMaxSuppressionV3",
    inputs=(
        "boxes: T",
        "scores: T",
        "max_output_size: int32",
        "iou_threshold: T_threshold",
        "score_threshold: T_threshold",
    ),
    outputs=("selected_indices: int32",),
    kernel="host",
    differentiable=False,
)
def non_max_suppression_v3(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any, score_threshold: Any
) -> Any:
    """`NonMaxSuppressionV2` of the boxes whose score exceeds a threshold.

    Shape: boxes [n, 4], scores [n], max_output_size [], iou_threshold [], score_threshold [] ->
    selected_indices [k].
    """
    return _choose(boxes, scores, max_output_size, iou_threshold, score_threshold)[0]


@op(
    "NonMaxSuppressionV4",
    inputs=(
        "boxes: T",
        "scores: T",
        "max_output_size: int32",
        "iou_threshold: T_threshold",
        "score_threshold: T_threshold",
    ),
    outputs=("selected_indices: int32", "valid_outputs: int32"),
    attrs={"pad_to_max_output_size": False},
    kernel="host",
    differentiable=False,
)
def non_max_suppression_v4(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    pad_to_max_output_size: bool,
) -> Any:
    """`NonMaxSuppressionV3` that can pad its result with zeros, and tells how much is valid.

    Shape: boxes [n, 4], scores [n], max_output_size [], iou_threshold [], score_threshold [] ->
    selected_indices [k], valid_outputs [].
    """
    found, _ = _choose(boxes, scores, max_output_size, iou_threshold, score_threshold)
    count = np.int32(len(found))
    return (_padded(found, max_output_size) if pad_to_max_output_size else found), count


@op(
    "NonMaxSuppressionV5",
    inputs=(
        "boxes: T",
        "scores: T",
        "max_output_size: int32",
        "iou_threshold: T",
        "score_threshold: T",
        "soft_nms_sigma: T",
    ),
    outputs=("selected_indices: int32", "selected_scores: T", "valid_outputs: int32"),
    attrs={"pad_to_max_output_size": False},
    kernel="host",
    differentiable=False,
)
def non_max_suppression_v5(  # noqa: PLR0917  (as many inputs as the op has)
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    soft_nms_sigma: Any,
    *,
    pad_to_max_output_size: bool,
) -> Any:
    """`NonMaxSuppressionV4` that can lower the scores of overlapping boxes instead.

    Shape: boxes [n, 4], scores [n], max_output_size [], iou_threshold [], score_threshold [],
    soft_nms_sigma [] -> selected_indices [k], selected_scores [k], valid_outputs [].
    Errors: InvalidArgumentError for wrong shapes, sizes, thresholds, or a negative sigma.
    """
    if soft_nms_sigma < 0:
        raise InvalidArgumentError(f"soft_nms_sigma must be 0 or more, got {soft_nms_sigma}")
    found, kept = _choose(
        boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma
    )
    count = np.int32(len(found))
    if pad_to_max_output_size:
        found, kept = _padded(found, max_output_size), _padded(kept, max_output_size)
    return found, kept, count


@op(
    "NonMaxSuppressionWithOverlaps",
    inputs=(
        "overlaps: float",
        "scores: float",
        "max_output_size: int32",
        "overlap_threshold: float",
        "score_threshold: float",
    ),
    outputs=("selected_indices: int32",),
    kernel="host",
    differentiable=False,
)
def non_max_suppression_with_overlaps(
    overlaps: Any,
    scores: Any,
    max_output_size: Any,
    overlap_threshold: Any,
    score_threshold: Any,
) -> Any:
    """`NonMaxSuppressionV3` with any measure of overlap.

    Shape: overlaps [n, n], scores [n], max_output_size [], overlap_threshold [],
    score_threshold [] -> selected_indices [k].
    Errors: InvalidArgumentError for wrong shapes or sizes.
    """
    if overlaps.ndim != 2 or overlaps.shape[0] != overlaps.shape[1]:
        raise InvalidArgumentError(f"overlaps must be square, got {list(overlaps.shape)}")
    if scores.shape != overlaps.shape[:1]:
        raise InvalidArgumentError(
            f"scores must be [{overlaps.shape[0]}], got shape {list(scores.shape)}"
        )
    selected, _ = _select(
        lambda box, others: overlaps[box, others],
        scores,
        _read_size(max_output_size),
        float(overlap_threshold),
        float(score_threshold),
        0.0,
    )
    return np.array(selected, np.int32)


@op(
    "CombinedNonMaxSuppression",
    inputs=(
        "boxes: float",
        "scores: float",
        "max_output_size_per_class: int32",
        "max_total_size: int32",
        "iou_threshold: float",
        "score_threshold: float",
    ),
    outputs=(
        "nmsed_boxes: float",
        "nmsed_scores: float",
        "nmsed_classes: float",
        "valid_detections: int32",
    ),
    attrs={"pad_per_class": False, "clip_boxes": True},
    kernel="host",
    differentiable=False,
)
def combined_non_max_suppression(  # noqa: PLR0917  (as many inputs as the op has)
    boxes: Any,
    scores: Any,
    max_output_size_per_class: Any,
    max_total_size: Any,
    iou_threshold: Any,
    score_threshold: Any,
    *,
    pad_per_class: bool,
    clip_boxes: bool,
) -> Any:
    """The best boxes of each image of a batch, chosen class by class.

    Shape: boxes [batch, n, 1 or classes, 4], scores [batch, n, classes],
    max_output_size_per_class [], max_total_size [], iou_threshold [], score_threshold [] ->
    nmsed_boxes [batch, total, 4], nmsed_scores [batch, total], nmsed_classes [batch, total],
    valid_detections [batch]; total is max_total_size, or with pad_per_class at most what all
    classes give.
    Errors: InvalidArgumentError for wrong shapes, sizes or thresholds.
    """
    if boxes.ndim != 4 or boxes.shape[3] != 4 or scores.ndim != 3:
        raise InvalidArgumentError(
            "boxes must be [batch, n, classes, 4] and scores [batch, n, classes], got shapes "
            f"{list(boxes.shape)} and {list(scores.shape)}"
        )
    batch, _, classes = scores.shape
    if boxes.shape[2] not in (1, classes):
        raise InvalidArgumentError(
            f"boxes must have 1 or {classes} classes, got {boxes.shape[2]}"
        )
    size, total = int(max_output_size_per_class), int(max_total_size)
    if size <= 0 or total <= 0:
        raise InvalidArgumentError(
            f"max_output_size_per_class and max_total_size must be positive, got {size} and "
            f"{total}"
        )
    threshold = _read_threshold(iou_threshold)
    if pad_per_class:
        total = min(total, size * classes)
    out_boxes = np.zeros((batch, total, 4), np.float32)
    out_scores, out_classes = (np.zeros((batch, total), np.float32) for _ in range(2))
    valid = np.zeros(batch, np.int32)
    for i in range(batch):
        found = []
        for k in range(classes):
            own = boxes[i, :, k if boxes.shape[2] > 1 else 0]
            selected, kept = _select(
                _overlap_of(own), scores[i, :, k], size, threshold, float(score_threshold), 0.0
            )
            found += [(-score, k, own[box]) for box, score in zip(selected, kept, strict=True)]
        found.sort(key=lambda entry: entry[0])
        valid[i] = min(len(found), total)
        for place, (minus, k, box) in enumerate(found[:total]):
            out_boxes[i, place], out_scores[i, place], out_classes[i, place] = box, -minus, k
    if clip_boxes:
        out_boxes = np.clip(out_boxes, 0, 1)
    return out_boxes, out_scores, out_classes, valid


def _drawn(images: Any, boxes: Any, colours: Any) -> Any:
    unary("DrawBoundingBoxes", images, _IMAGES)
    if images.ndim != 4 or boxes.ndim != 3 or boxes.shape[2] != 4:
        raise InvalidArgumentError(
            "images must be [n, h, w, c] and boxes [n, m, 4], got shapes "
            f"{list(images.shape)} and {list(boxes.shape)}"
        )
    if boxes.shape[0] != images.shape[0]:
        raise InvalidArgumentError(
            f"boxes must be for {images.shape[0]} images, got {boxes.shape[0]}"
        )
    out = images.copy()
    _, height, width, depth = images.shape
    scale = np.array([height - 1, width - 1] * 2, np.float32)
    edges = np.trunc(boxes * scale).astype(np.int64)
    for image, own in zip(out, edges.tolist(), strict=True):
        for i, (top, left, bottom, right) in enumerate(own):
            if top > bottom or left > right:
                continue
            if top >= height or bottom < 0 or left >= width or right < 0:
                continue
            colour = colours[i % len(colours), :depth]
            rows = slice(max(top, 0), min(bottom, height - 1) + 1)
            columns = slice(max(left, 0), min(right, width - 1) + 1)
            if top >= 0:
                image[top, columns] = colour
            if bottom < height:
                image[bottom, columns] = colour
            if left >= 0:
                image[rows, left] = colour
            if right < width:
                image[rows, right] = colour
    return out


def _default_colours(depth: int) -> Any:
    colours = _COLOURS.copy()
    if depth == 1:
        colours[:, 0] = 1
    return colours


@op(
    "DrawBoundingBoxes",
    inputs=("images: T", "boxes: float"),
    outputs=("output: T",),
    kernel="host",
    differentiable=False,
)
def draw_bounding_boxes(images: Any, boxes: Any) -> Any:
    """Images with the outlines of boxes in ten colours.

    Shape: images [n, h, w, c], boxes [n, m, 4] -> output [n, h, w, c].
    Errors: InvalidArgumentError for wrong shapes, or more than 4 channels.
    """
    if images.ndim == 4 and images.shape[3] not in (1, 3, 4):
        raise InvalidArgumentError(
            f"images must have 1, 3 or 4 channels, got {images.shape[3]}"
        )
    return _drawn(images, boxes, _default_colours(images.shape[-1]))


@op(
    "DrawBoundingBoxesV2",
    inputs=("images: T", "boxes: float", "colors: float"),
    outputs=("output: T",),
    kernel="host",
    differentiable=False,
)
def draw_bounding_boxes_v2(images: Any, boxes: Any, colors: Any) -> Any:
    """Images with the outlines of boxes in given colours, or ten where there are none.

    Shape: images [n, h, w, c], boxes [n, m, 4], colors [k, c] -> output [n, h, w, c].
    Errors: InvalidArgumentError for wrong shapes, or colours of fewer channels.
    """
    if colors.ndim != 2 or colors.shape[1] < images.shape[-1]:
        raise InvalidArgumentError(
            f"colors must be [k, {images.shape[-1]}], got shape {list(colors.shape)}"
        )
    return _drawn(images, boxes, colors if len(colors) else _default_colours(images.shape[-1]))
