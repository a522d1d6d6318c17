"""Proposals of regions: the best of many boxes that a network scored and moved."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import op

Array = Any

# Boxes grow by at most this factor, so that no exponential runs away.
_GREATEST_GROWTH: Final = math.log(1000.0 / 16.0)


def _shape(scores: Any, *_: Any, post_nms_topn: int, **__: Any) -> tuple[TensorShape, ...]:
    images = scores.shape[0] if scores.shape.rank else None
    return (
        TensorShape([images, post_nms_topn, 4]),
        TensorShape([images, post_nms_topn]),
    )


@op(
    "GenerateBoundingBoxProposals",
    inputs=(
        "scores: float",
        "bbox_deltas: float",
        "image_info: float",
        "anchors: float",
        "nms_threshold: float",
        "pre_nms_topn: int32",
        "min_size: float",
    ),
    outputs=("rois: float", "roi_probabilities: float"),
    attrs={"post_nms_topn": 300},
    kernel="host",
    differentiable=False,
    shape=_shape,
)
def generate_bounding_box_proposals(  # noqa: PLR0917  (the inputs of the op)
    scores: Array,
    bbox_deltas: Array,
    image_info: Array,
    anchors: Array,
    nms_threshold: Array,
    pre_nms_topn: Array,
    min_size: Array,
    *,
    post_nms_topn: int,
) -> tuple[Array, Array]:
    """Move anchors, cut them at the edges of the image, and keep the best that lie apart.

    Shape: scores [n, h, w, a], bbox_deltas [n, h, w, 4 a], image_info [n, 5],
        anchors [h, w, a, 4], nms_threshold [], pre_nms_topn [], min_size []
        -> rois [n, post_nms_topn, 4], roi_probabilities [n, post_nms_topn].
    Errors: InvalidArgumentError when sizes do not go together.
    """
    _check(scores, bbox_deltas, image_info, anchors)
    count = len(scores)
    rois = np.zeros((count, post_nms_topn, 4), np.float32)
    probabilities = np.zeros((count, post_nms_topn), np.float32)
    places = anchors.reshape(-1, 4).astype(np.float32)
    for i in range(count):
        flat = scores[i].reshape(-1)
        order = np.argsort(-flat, kind="stable")[: int(pre_nms_topn)]
        boxes = _moved(places[order], bbox_deltas[i].reshape(-1, 4)[order])
        height, width, scale = image_info[i, :3]
        limits = np.array([height, width, height, width], np.float32)
        boxes = np.clip(boxes, np.float32(0), limits)
        sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        large = sides >= min_size * scale
        boxes, kept_scores = boxes[large], flat[order][large]
        best = _apart(boxes, float(nms_threshold), post_nms_topn)
        rois[i, : len(best)] = boxes[best]
        probabilities[i, : len(best)] = kept_scores[best]
    return rois, probabilities


def _check(scores: Array, bbox_deltas: Array, image_info: Array, anchors: Array) -> None:
    if scores.ndim != 4 or bbox_deltas.ndim != 4:
        raise InvalidArgumentError(
            f"scores and bbox_deltas must have 4 axes, got shapes {list(scores.shape)} and "
            f"{list(bbox_deltas.shape)}"
        )
    images, height, width, kinds = scores.shape
    if bbox_deltas.shape != (images, height, width, 4 * kinds):
        raise InvalidArgumentError(
            f"bbox_deltas must have the shape {[images, height, width, 4 * kinds]}, got "
            f"{list(bbox_deltas.shape)}"
        )
    if image_info.shape != (images, 5):
        raise InvalidArgumentError(
            f"image_info must have the shape {[images, 5]}, got {list(image_info.shape)}"
        )
    if anchors.size != height * width * kinds * 4:
        raise InvalidArgumentError(
            f"anchors must have the shape {[height, width, kinds, 4]}, got "
            f"{list(anchors.shape)}"
        )


def _moved(anchors: Array, deltas: Array) -> Array:
    """Boxes [y1, x1, y2, x2] moved by [dy, dx, dh, dw], which are relative to their sizes."""
    sizes = anchors[:, 2:] - anchors[:, :2]
    centers = anchors[:, :2] + np.float32(0.5) * sizes + sizes * deltas[:, :2]
    grown = sizes * np.exp(np.minimum(deltas[:, 2:], np.float32(_GREATEST_GROWTH)))
    half = np.float32(0.5) * grown
    return np.concatenate([centers - half, centers + half], axis=1)


def _apart(boxes: Array, threshold: float, most: int) -> list[int]:
    """Places of boxes, best first, none of which overlaps a better one by too much."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(boxes), bool)
    kept: list[int] = []
    for i in range(len(boxes)):
        if not alive[i]:
            continue
        kept.append(i)
        if len(kept) == most:
            break
        begin = np.maximum(boxes[i, :2], boxes[:, :2])
        end = np.minimum(boxes[i, 2:], boxes[:, 2:])
        common = np.prod(np.maximum(end - begin, 0), axis=1)
        union = areas[i] + areas - common
        alive &= ~(common > threshold * union)
    return kept
