"""Ops that TensorFlow does not load are refused when they are saved."""

import pytest

import penstock as tf


def test_an_op_that_tensorflow_took_out_is_named(tmp_path):
    model = tf.Module()
    spec = tf.TensorSpec([2, 2], tf.float32)
    model.serve = tf.function(lambda x: tf.raw_ops.MatrixExponential(input=x), [spec])

    with pytest.raises(tf.errors.UnimplementedError, match="MatrixExponential"):
        tf.saved_model.save(model, tmp_path / "m")

    assert not (tmp_path / "m").exists()
