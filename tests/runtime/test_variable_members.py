"""Members that programs of TensorFlow 1 use: of variables, tensors and slices."""

import pytest

import penstock as tf


def test_variables_count_up_to_a_limit():
    counter = tf.Variable(1)

    assert counter.count_up_to(3).numpy() == 1
    assert counter.count_up_to(3).numpy() == 2
    with pytest.raises(tf.errors.OutOfRangeError):
        counter.count_up_to(3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="int32 or int64"):
        tf.Variable(1.0).count_up_to(3)


def test_variables_are_loaded_and_referred_to():
    variable = tf.Variable([1.0, 2.0])

    variable.load([3.0, 4.0])

    assert variable.numpy().tolist() == [3, 4]
    assert variable.experimental_ref() == variable.ref()
    assert tf.constant(1).experimental_ref().deref().numpy() == 1


def test_variables_learn_their_shape():
    variable = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))

    variable.set_shape([2])

    assert variable.shape.as_list() == [2]
    with pytest.raises(ValueError, match="not compatible"):
        variable.set_shape([3])
    with pytest.raises(ValueError, match="incompatible"):
        variable.assign([1.0])


def test_what_needs_a_session_says_so():
    variable = tf.Variable(1.0)

    for use in (lambda: variable.initial_value, variable.eval, variable.to_proto):
        with pytest.raises(RuntimeError, match="not supported when eager"):
            use()
    with pytest.raises(tf.errors.UnimplementedError, match="eager"):
        tf.constant(1).eval()
    with pytest.raises(tf.errors.UnimplementedError, match="from_proto"):
        tf.Variable.from_proto(None)


def test_slices_of_a_saved_variable_are_written_as_checkpoints_write_them():
    info = tf.Variable.SaveSliceInfo("whole", [4, 6], [0, 2], [4, 3])

    assert info.spec == "4 6 0,4:2,3"
    assert info.full_name == "whole"


def test_slices_outside_of_graphs_have_no_consumers():
    slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))

    assert slices.consumers() == []
    assert tf.IndexedSlicesSpec() == tf.IndexedSlicesSpec(
        None, tf.float32, tf.int64, None, [None]
    )
