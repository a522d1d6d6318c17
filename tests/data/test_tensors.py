"""Datasets of values in memory."""

import collections

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def test_from_tensors_is_one_element():
    dataset = Dataset.from_tensors(([1, 2], {"a": "x"}))

    assert contents(dataset) == [([1, 2], {"a": b"x"})]
    assert len(dataset) == 1
    assert dataset.element_spec == (
        tf.TensorSpec([2], tf.int32),
        {"a": tf.TensorSpec([], tf.string)},
    )


def test_slices_run_along_the_first_axis():
    dataset = Dataset.from_tensor_slices(([[1, 2], [3, 4]], [5.0, 6.0]))

    assert contents(dataset) == [([1, 2], 5.0), ([3, 4], 6.0)]
    assert len(dataset) == 2


def test_a_list_is_one_tensor_and_a_tuple_is_two():
    assert Dataset.from_tensor_slices([[1, 2], [3, 4]]).element_spec == tf.TensorSpec(
        [2], tf.int32
    )
    assert Dataset.from_tensor_slices(([1, 2], [3, 4])).element_spec == (
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.int32),
    )


def test_named_tuples_stay_named_tuples():
    point = collections.namedtuple("point", "x y")

    (element,) = Dataset.from_tensors(point(1, 2.0))

    assert isinstance(element, point)
    assert (int(element.x), float(element.y)) == (1, 2.0)


def test_strings_come_out_as_string_tensors():
    first = next(iter(Dataset.from_tensor_slices(["a", "bc"])))

    assert first.dtype == tf.string
    assert first.numpy() == b"a"


def test_float64_arrays_stay_float64():
    assert Dataset.from_tensors(np.zeros(2)).element_spec.dtype == tf.float64


def test_arrays_are_not_copied():
    array = np.zeros((4, 3), np.float32)

    row = next(iter(Dataset.from_tensor_slices(array)))

    assert np.shares_memory(row._value, array)


def test_none_stays_none():
    assert contents(Dataset.from_tensor_slices(([1, 2], None))) == [(1, None), (2, None)]


def test_first_sizes_must_agree():
    with pytest.raises(ValueError, match="3 and 4"):
        Dataset.from_tensor_slices((np.zeros(3), np.zeros(4)))


def test_scalars_have_no_slices():
    with pytest.raises(ValueError, match="rank >= 1"):
        Dataset.from_tensor_slices(3)


def test_an_empty_list_has_no_elements():
    assert contents(Dataset.from_tensor_slices([])) == []


def test_what_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match="unsupported type"):
        Dataset.from_tensors(object())


def test_a_dataset_can_be_an_element():
    (inner,) = Dataset.from_tensors(Dataset.range(3))

    assert contents(inner) == [0, 1, 2]


def test_datasets_have_no_numpy_form():
    with pytest.raises(TypeError, match="as_numpy_iterator"):
        Dataset.from_tensors(Dataset.range(3)).as_numpy_iterator()


def test_the_text_of_a_dataset_names_its_kind_and_spec():
    dataset = Dataset.range(3).batch(2)
    spec = "TensorSpec(shape=(None,), dtype=tf.int64, name=None)"

    assert repr(dataset) == f"<_BatchDataset element_spec={spec}>"
    assert dataset.__debug_string__().splitlines() == [
        repr(dataset),
        "--<_RangeDataset element_spec=TensorSpec(shape=(), dtype=tf.int64, name=None)>",
    ]


def test_a_dataset_is_true_and_equals_itself_alone():
    dataset = Dataset.range(0)

    assert dataset
    assert dataset == dataset  # noqa: PLR0124
    assert dataset != Dataset.range(0)
