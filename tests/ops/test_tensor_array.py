"""Arrays and stacks of tensors behind handles, as graphs of TensorFlow 1 use them."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def _array(size=3, **attrs):
    return raw.TensorArrayV3(size=size, dtype=tf.float32, **attrs)


def _write(handle, flow, index, value):
    value = tf.constant(value, tf.float32)
    return raw.TensorArrayWriteV3(handle=handle, index=index, value=value, flow_in=flow)


def _read(handle, flow, index):
    return raw.TensorArrayReadV3(handle=handle, index=index, flow_in=flow, dtype=tf.float32)


def test_what_is_written_is_stacked():
    handle, flow = _array()
    for i in range(3):
        flow = _write(handle, flow, i, [i, i + 1])

    stacked = raw.TensorArrayGatherV3(
        handle=handle, indices=[2, 0], flow_in=flow, dtype=tf.float32
    )

    np.testing.assert_array_equal(stacked, [[2, 3], [0, 1]])
    assert raw.TensorArraySizeV3(handle=handle, flow_in=flow).numpy() == 3


def test_an_element_is_written_and_read_once():
    handle, flow = _array()
    flow = _write(handle, flow, 1, 5.0)

    with pytest.raises(tf.errors.InvalidArgumentError, match="written once"):
        _write(handle, flow, 1, 6.0)
    assert _read(handle, flow, 1).numpy() == 5.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="clear_after_read"):
        _read(handle, flow, 1)


def test_places_out_of_range_are_told():
    handle, flow = _array(2)

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 2\)"):
        _write(handle, flow, 2, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="before it is read"):
        _read(handle, flow, 0)


def test_an_array_grows_where_it_may():
    handle, flow = _array(0, dynamic_size=True)

    flow = _write(handle, flow, 3, 1.0)

    assert raw.TensorArraySizeV3(handle=handle, flow_in=flow).numpy() == 4


def test_gradients_of_one_place_add_up():
    handle, flow = _array(2)
    flow = _write(handle, flow, 0, [1.0, 2.0])
    gradients, flow = raw.TensorArrayGradV3(handle=handle, flow_in=flow, source="g")
    again, flow = raw.TensorArrayGradV3(handle=handle, flow_in=flow, source="g")

    for each in (gradients, again):
        flow = _write(each, flow, 0, [1.0, 10.0])

    np.testing.assert_array_equal(_read(gradients, flow, 0), [2.0, 20.0])


def test_parts_are_split_and_joined():
    handle, flow = _array(2, clear_after_read=False)
    value = np.arange(10, dtype=np.float32).reshape(5, 2)

    flow = raw.TensorArraySplitV3(
        handle=handle, value=value, lengths=np.int64([2, 3]), flow_in=flow
    )
    joined, lengths = raw.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=tf.float32)

    np.testing.assert_array_equal(_read(handle, flow, 0), value[:2])
    np.testing.assert_array_equal(joined, value)
    np.testing.assert_array_equal(lengths, [2, 3])


def test_a_tensor_is_scattered_over_places():
    handle, flow = _array(3)

    flow = raw.TensorArrayScatterV3(
        handle=handle, indices=[2, 0], value=tf.constant([1.0, 2.0]), flow_in=flow
    )

    assert _read(handle, flow, 2).numpy() == 1.0
    assert _read(handle, flow, 0).numpy() == 2.0


def test_a_stack_gives_the_last_tensor_first():
    handle = raw.StackV2(max_size=2, elem_type=tf.float32)
    for value in ([1.0], [2.0, 3.0]):
        raw.StackPushV2(handle=handle, elem=tf.constant(value))

    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 2"):
        raw.StackPushV2(handle=handle, elem=tf.constant([4.0]))
    np.testing.assert_array_equal(
        raw.StackPopV2(handle=handle, elem_type=tf.float32), [2.0, 3.0]
    )
    np.testing.assert_array_equal(raw.StackPopV2(handle=handle, elem_type=tf.float32), [1.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="got none"):
        raw.StackPopV2(handle=handle, elem_type=tf.float32)
