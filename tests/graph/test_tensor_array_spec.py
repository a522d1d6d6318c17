"""Specs of tensor arrays, and tensor arrays as arguments of functions."""

import pytest

import penstock as tf

SPEC = tf.TensorArraySpec([3], tf.float32, True)


def test_a_spec_tells_of_elements_and_size():
    made = tf.type_spec_from_value(tf.TensorArray(tf.int32, 2, element_shape=[2]))

    assert made == tf.TensorArraySpec([2], tf.int32, False, True)
    assert repr(made) == "TensorArraySpec(TensorShape([2]), tf.int32, False, True)"
    assert SPEC.value_type is tf.TensorArray
    with pytest.raises(TypeError, match="must be a TensorArray"):
        tf.TensorArraySpec.from_value(3)


def test_shapes_of_elements_do_not_part_specs():
    other = tf.TensorArraySpec([4], tf.float32, True)

    assert SPEC.is_subtype_of(other)
    assert SPEC.most_specific_common_supertype([other]) == SPEC
    assert (
        SPEC.most_specific_common_supertype([tf.TensorArraySpec([3], tf.int32, True)]) is None
    )
    assert SPEC.is_compatible_with(tf.TensorArraySpec([None], tf.float32, True))
    assert not SPEC.is_compatible_with(other)


def test_functions_take_arrays_with_what_they_hold():
    @tf.function
    def finish(array):
        return array.write(1, [5.0, 6.0, 7.0]).stack()

    for first in ([1.0, 2.0, 3.0], [9.0, 2.0, 3.0]):
        array = tf.TensorArray(tf.float32, 2, element_shape=[3]).write(0, first)
        assert finish(array).numpy().tolist() == [first, [5, 6, 7]]
    assert finish.experimental_get_tracing_count() == 1


def test_none_has_a_spec():
    spec = tf.NoneTensorSpec()

    assert tf.NoneTensorSpec.from_value(None) == spec
    assert spec.most_specific_compatible_shape(tf.NoneTensorSpec()) is spec
    with pytest.raises(ValueError, match="compatible with both"):
        spec.most_specific_compatible_shape(tf.TensorSpec([]))
