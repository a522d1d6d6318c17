"""Elements of different sizes, padded and stacked."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def _growing(count=3):
    """[1], [2, 2], [3, 3, 3], ..."""
    return Dataset.range(1, count + 1).map(lambda x: tf.fill([x], x))


def test_elements_are_padded_to_the_greatest_of_their_batch():
    dataset = _growing().padded_batch(2)

    assert contents(dataset) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    assert dataset.element_spec == tf.TensorSpec([None, None], tf.int64)
    assert len(dataset) == 2


def test_shapes_and_values_can_be_given():
    dataset = _growing().padded_batch(
        2, padded_shapes=[4], padding_values=np.int64(-1), drop_remainder=True
    )

    assert contents(dataset) == [[[1, -1, -1, -1], [2, 2, -1, -1]]]
    assert dataset.element_spec == tf.TensorSpec([2, 4], tf.int64)


@pytest.mark.parametrize("shape", [[None], [-1], tf.TensorShape([None]), np.array([-1])])
def test_unknown_sizes_can_be_written_in_several_ways(shape):
    assert contents(_growing(2).padded_batch(2, padded_shapes=shape)) == [[[1, 0], [2, 2]]]


def test_each_component_has_its_own_shape_and_value():
    dataset = Dataset.from_tensor_slices({"a": [[1], [2]], "b": ["x", "y"]})

    padded = dataset.padded_batch(
        2, padded_shapes={"a": [3], "b": []}, padding_values={"a": 7, "b": ""}
    )

    assert contents(padded) == [{"a": [[1, 7, 7], [2, 7, 7]], "b": [b"x", b"y"]}]


def test_one_value_serves_all_components():
    dataset = Dataset.from_tensor_slices(([[1], [2]], [[3], [4]]))

    padded = dataset.padded_batch(2, padded_shapes=([2], [3]), padding_values=9)

    assert contents(padded) == [([[1, 9], [2, 9]], [[3, 9, 9], [4, 9, 9]])]


def test_strings_and_booleans_are_padded_with_their_zero():
    strings = Dataset.from_tensors(["a"]).concatenate(Dataset.from_tensors(["b", "c"]))
    truths = Dataset.from_tensors([True]).concatenate(Dataset.from_tensors([True, True]))

    assert contents(strings.padded_batch(2)) == [[[b"a", b""], [b"b", b"c"]]]
    assert contents(truths.padded_batch(2)) == [[[True, False], [True, True]]]


def test_nothing_is_cut_off():
    with pytest.raises(tf.errors.DataLossError, match="smaller size"):
        contents(_growing().padded_batch(2, padded_shapes=[1]))


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="not compatible"):
        Dataset.range(3).padded_batch(2, padded_shapes=[1])
    with pytest.raises(ValueError, match="unknown rank"):
        Dataset.from_generator(lambda: iter([[1]]), tf.int32).padded_batch(2)


def test_values_must_have_the_component_s_dtype():
    with pytest.raises(TypeError, match="padding_values"):
        Dataset.range(3).padded_batch(2, padding_values=1.5)


def test_a_batch_has_elements():
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        Dataset.range(3).padded_batch(0)
