"""Elements left out."""

import logging

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def test_unique_keeps_what_comes_first():
    assert contents(Dataset.from_tensor_slices([1, 37, 2, 37, 2, 1]).unique()) == [1, 37, 2]
    assert contents(Dataset.from_tensor_slices(["a", "b", "a"]).unique()) == [b"a", b"b"]
    rows = Dataset.from_tensor_slices([[1, 2], [1, 2], [2, 1]])
    assert contents(rows.unique()) == [[1, 2], [2, 1]]


def test_unique_takes_one_component_of_some_dtypes():
    with pytest.raises(TypeError, match="float32"):
        Dataset.from_tensor_slices([1.0]).unique()
    with pytest.raises(tf.errors.InvalidArgumentError, match="single component"):
        Dataset.from_tensor_slices(([1], [2])).unique()


def test_failing_elements_are_left_out():
    dataset = Dataset.range(4).map(lambda x: 6 // (x - 1))

    assert contents(dataset.ignore_errors()) == [-6, 6, 3]


def test_failures_can_be_logged(caplog):
    dataset = Dataset.range(3).map(lambda x: 6 // (x - 1)).ignore_errors(log_warning=True)

    with caplog.at_level(logging.WARNING):
        contents(dataset)

    assert "division by zero" in caplog.text
