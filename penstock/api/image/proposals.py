"""`tf.image.generate_bounding_box_proposals`."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["generate_bounding_box_proposals"]


class GenerateBoundingBoxProposals(NamedTuple):
    """Regions, and how sure the network is of each."""

    rois: Any
    roi_probabilities: Any


def generate_bounding_box_proposals(
    scores: Any,
    bbox_deltas: Any,
    image_info: Any,
    anchors: Any,
    nms_threshold: Any = 0.7,
    pre_nms_topn: Any = 6000,
    min_size: Any = 16,
    post_nms_topn: int = 300,
    name: str | None = None,
) -> GenerateBoundingBoxProposals:
    """Return the best regions of images that a network scored and moved.

    Args:
        scores: [n, h, w, a] how sure the network is of each anchor.
        bbox_deltas: [n, h, w, 4 a] how it moves them: [dy, dx, dh, dw], relative to their size.
        image_info: [n, 5] height, width and scale of each image, and two numbers more.
        anchors: [h, w, a, 4] the boxes [y1, x1, y2, x2] before.
        nms_threshold: overlap above which the less sure of two boxes is left out.
        pre_nms_topn: number of boxes to look at.
        min_size: least length of a side, in pixels of the scaled image.
        post_nms_topn: number of regions; what is missing is zeros.
        name: name of the node.

    Returns:
        `rois` [n, post_nms_topn, 4] and `roi_probabilities` [n, post_nms_topn].

    Raises:
        InvalidArgumentError: sizes do not go together.

    Source: Ren et al., "Faster R-CNN", 2015.
    """
    return GenerateBoundingBoxProposals(
        *call(
            "GenerateBoundingBoxProposals",
            convert_to_tensor(scores, dtypes.float32),
            convert_to_tensor(bbox_deltas, dtypes.float32),
            convert_to_tensor(image_info, dtypes.float32),
            convert_to_tensor(anchors, dtypes.float32),
            convert_to_tensor(nms_threshold, dtypes.float32),
            convert_to_tensor(pre_nms_topn, dtypes.int32),
            convert_to_tensor(min_size, dtypes.float32),
            post_nms_topn=int(post_nms_topn),
            name=name,
        )
    )
