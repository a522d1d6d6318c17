"""Lists of tensors as ops see them."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("declared", "expected"), [([2, -1], [2, -1]), (-1, -1), ([], []), ([3], [3])]
)
def test_a_list_knows_the_declared_shape_of_its_elements(declared, expected):
    made = tf.raw_ops.EmptyTensorList(
        element_shape=np.array(declared, np.int32), max_num_elements=4, element_dtype=tf.float32
    )

    shape = tf.raw_ops.TensorListElementShape(input_handle=made, shape_type=tf.int64)

    assert shape.dtype == tf.int64
    np.testing.assert_array_equal(shape, expected)
