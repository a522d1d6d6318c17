"""The parts of TensorFlow 1 that TensorFlow 2 programs use."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import UnimplementedError

v1 = tf.compat.v1


def scratch_graph():
    return tf.__internal__.FuncGraph("scratch").as_default()


def test_placeholders_need_a_graph():
    with pytest.raises(RuntimeError, match="not compatible with eager execution"):
        v1.placeholder(tf.float32, [2])


def test_a_placeholder_keeps_the_shape_it_was_given():
    with scratch_graph():
        made = v1.placeholder(tf.float32, [None, 3])

    assert made.shape.as_list() == [None, 3]
    assert made.dtype == tf.float32


@pytest.mark.parametrize("shape", [[2, 3], [None, 3]])
def test_a_sparse_placeholder_keeps_the_shape_it_was_given(shape):
    with scratch_graph():
        made = v1.sparse_placeholder(tf.float32, shape)

    assert isinstance(made, tf.SparseTensor)
    assert made.shape.as_list() == shape
    assert made.indices.shape.as_list() == [None, 2]
    assert made.values.dtype == tf.float32


def test_a_sparse_placeholder_may_be_of_any_rank():
    with scratch_graph():
        made = v1.sparse_placeholder(tf.int32)

    assert made.shape.rank is None


def test_a_missing_name_is_named_and_can_be_probed():
    assert not hasattr(v1, "Session2")
    with pytest.raises(UnimplementedError, match=r"tf\.compat\.v1\.Session2 is not"):
        _ = v1.Session2


def test_images_are_resized_with_samples_at_the_corners():
    image = tf.constant([[[0.0], [1.0]], [[2.0], [3.0]]])

    resized = tf.compat.v1.image.resize(image, [3, 3], align_corners=True)

    np.testing.assert_allclose(resized[..., 0], [[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]])
    assert tf.compat.v1.image.resize_images(image, [2, 2], "nearest") is image
    with pytest.raises(ValueError, match="size"):
        tf.compat.v1.image.resize(image, [2])
