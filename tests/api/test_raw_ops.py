"""Ops called by their names and the names of their arguments."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("dtype", ["int32", tf.int32, np.int32, np.dtype("int32")])
def test_dtypes_may_be_given_in_any_form(dtype):
    assert tf.raw_ops.Cast(x=[1.5], DstT=dtype).dtype == tf.int32
    assert tf.raw_ops.Bitcast(input=[1.0], type=dtype).dtype == tf.int32
    assert tf.raw_ops.ArgMax(input=[1.0], dimension=0, output_type=dtype).dtype == tf.int32


def test_a_dtype_by_name_is_the_one_that_is_drawn():
    assert tf.raw_ops.RandomUniform(shape=[2], dtype="float32").dtype == tf.float32


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="sape"):
        tf.raw_ops.Reshape(tensor=[1.0], shape=[1], sape=[1])


def test_mapping_rows_of_nothing_builds_in_a_function():
    double = tf.function(lambda x: tf.map_fn(lambda row: row * 2.0, x), autograph=False)

    assert double(tf.zeros([0, 2])).shape == [0, 2]
