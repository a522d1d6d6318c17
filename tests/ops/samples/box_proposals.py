"""Samples of proposals of regions."""

import numpy as np

from tests.ops.sample import Sample

# Two places with one anchor each; the first moves by a quarter of its size and doubles.
SCORES = np.array([0.6, 0.9], np.float32).reshape(1, 1, 2, 1)
DELTAS = np.array([[0.25, 0.0, np.log(2.0), 0.0], [0.0, 0.0, 0.0, 0.0]], np.float32).reshape(
    1, 1, 2, 4
)
INFO = np.array([[40.0, 30.0, 1.0, 40.0, 30.0]], np.float32)
ANCHORS = np.array([[0.0, 0.0, 20.0, 10.0], [10.0, 20.0, 30.0, 40.0]], np.float32).reshape(
    1, 2, 1, 4
)

SAMPLES = [
    Sample(
        "GenerateBoundingBoxProposals",
        (
            SCORES,
            DELTAS,
            INFO,
            ANCHORS,
            np.float32(0.7),
            np.int32(10),
            np.float32(5.0),
        ),
        (
            # The best first, cut at the right edge of the image; then the one that moved down
            # by 5 and grew to 40, cut at the top; then nothing.
            np.array([[[10, 20, 30, 30], [0, 0, 35, 10], [0, 0, 0, 0]]], np.float32),
            np.array([[0.9, 0.6, 0.0]], np.float32),
        ),
        attrs={"post_nms_topn": 3},
        differentiable=False,
    )
]
