"""Partitions and shapes of ragged tensors under their public names, and TensorRT."""

import pytest

import penstock as tf

RowPartition = tf.experimental.RowPartition
DynamicRaggedShape = tf.experimental.DynamicRaggedShape


def test_partitions_are_made_and_described():
    partition = RowPartition.from_row_splits([0, 2, 5])

    assert partition.nrows().numpy() == 2
    assert partition.row_lengths().numpy().tolist() == [2, 3]
    assert repr(partition._type_spec) == (
        "RowPartitionSpec(nrows=2, nvals=5, uniform_row_length=None, dtype=tf.int64)"
    )
    assert RowPartition([0, 2], nvals=2).nvals() == 2


def test_shapes_know_lengths_of_ragged_axes():
    shape = DynamicRaggedShape.from_lengths([2, (1, 2), 3])

    assert shape.static_lengths() == [2, (1, 2), 3]
    assert shape.rank == 3
    assert shape[0].numpy() == 2
    assert isinstance(shape._type_spec, DynamicRaggedShape.Spec)
    assert shape.with_dtype(tf.int32).dtype is tf.int32
    with pytest.raises(ValueError, match="not uniform"):
        shape[1]


def test_tensorrt_is_refused():
    params = tf.experimental.tensorrt.ConversionParams(precision_mode="FP16")

    assert params.precision_mode == "FP16"
    assert params.minimum_segment_size == 3
    with pytest.raises(tf.errors.UnimplementedError, match="TensorRT"):
        tf.experimental.tensorrt.Converter("somewhere")
