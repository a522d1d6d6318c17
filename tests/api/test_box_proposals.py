"""Proposals of regions: what is left out."""

import numpy as np
import pytest

import penstock as tf


def propose(boxes, scores, **kwargs):
    """Propose among boxes that the network does not move, in an image of 100 by 100."""
    count = len(boxes)
    return tf.image.generate_bounding_box_proposals(
        np.reshape(scores, (1, 1, count, 1)),
        np.zeros((1, 1, count, 4)),
        [[100.0, 100.0, 1.0, 100.0, 100.0]],
        np.reshape(boxes, (1, count, 1, 4)),
        **{"post_nms_topn": 4, **kwargs},
    )


FIRST, NEARLY, OTHER = [0, 0, 50, 50], [0, 0, 50, 45], [50, 50, 90, 90]


def test_the_less_sure_of_two_boxes_that_overlap_is_left_out():
    found = propose([FIRST, NEARLY, OTHER], [0.5, 0.9, 0.7])

    assert found.rois[0].numpy().tolist() == [NEARLY, OTHER, [0] * 4, [0] * 4]
    np.testing.assert_allclose(found.roi_probabilities, [[0.9, 0.7, 0, 0]])
    both = propose([FIRST, NEARLY, OTHER], [0.5, 0.9, 0.7], nms_threshold=0.95)
    assert both.rois[0].numpy().tolist() == [NEARLY, OTHER, FIRST, [0] * 4]


def test_small_boxes_and_those_with_low_scores_are_left_out():
    small = [0, 0, 10, 50]

    found = propose([small, OTHER], [0.9, 0.7])
    best = propose([FIRST, OTHER], [0.9, 0.7], pre_nms_topn=1)
    least = propose([small, OTHER], [0.9, 0.7], min_size=10, post_nms_topn=1)

    assert found.rois[0, 0].numpy().tolist() == OTHER
    assert best.roi_probabilities.numpy().astype(bool).tolist() == [[True] + [False] * 3]
    assert least.rois.numpy().tolist() == [[small]]


def test_growth_is_bounded():
    deltas = np.zeros((1, 1, 1, 4), np.float32)
    deltas[..., 2:] = 100.0
    found = tf.image.generate_bounding_box_proposals(
        [[[[0.5]]]],
        deltas,
        [[1e6, 1e6, 1.0, 0.0, 0.0]],
        [[[[500.0, 500.0, 516.0, 516.0]]]],
        post_nms_topn=1,
    )

    # 16 pixels grow to 1000 around their middle, 508.
    np.testing.assert_allclose(found.rois[0, 0], [8, 8, 1008, 1008], rtol=1e-5)


def test_sizes_that_do_not_go_together_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="bbox_deltas must"):
        tf.image.generate_bounding_box_proposals(
            np.zeros((1, 1, 2, 1)),
            np.zeros((1, 1, 2, 8)),
            np.zeros((1, 5)),
            np.zeros((1, 2, 1, 4)),
        )
    with pytest.raises(tf.errors.InvalidArgumentError, match="image_info must"):
        tf.image.generate_bounding_box_proposals(
            np.zeros((1, 1, 2, 1)),
            np.zeros((1, 1, 2, 4)),
            np.zeros((1, 4)),
            np.zeros((1, 2, 1, 4)),
        )
