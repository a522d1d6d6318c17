"""Runs of consecutive elements as datasets."""

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def _windows(dataset):
    return [contents(window) for window in dataset]


def _expected(count, size, shift, stride, drop):
    """Windows by their definition."""
    windows = []
    for start in range(0, count, shift):
        window = [i for i in range(start, start + size * stride, stride) if i < count]
        if not (drop and len(window) < size):
            windows.append(window)
    return windows


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize(
    ("size", "shift", "stride"),
    [(3, 3, 1), (3, 2, 1), (3, 1, 2), (2, 3, 1), (2, 5, 2), (1, 1, 1), (20, 4, 1)],
)
def test_windows_are_those_of_the_definition(size, shift, stride, drop):
    dataset = Dataset.range(11).window(size, shift, stride, drop)
    expected = _expected(11, size, shift, stride, drop)

    assert _windows(dataset) == expected
    assert len(dataset) == len(expected)


def test_each_component_has_its_own_dataset():
    (window,) = Dataset.from_tensor_slices({"a": [1, 2], "b": ["x", "y"]}).window(2)

    assert {key: contents(part) for key, part in window.items()} == {
        "a": [1, 2],
        "b": [b"x", b"y"],
    }


def test_the_spec_is_that_of_datasets():
    dataset = Dataset.range(7).window(3)

    assert dataset.element_spec == tf.data.DatasetSpec(tf.TensorSpec([], tf.int64))


def test_windows_can_be_put_together():
    dataset = Dataset.range(5).window(3, shift=1, drop_remainder=True)

    assert contents(dataset.flat_map(lambda window: window.batch(3))) == [
        [0, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
    ]
    pairs = Dataset.from_tensor_slices(([1, 2], [3, 4])).window(2)
    joined = pairs.flat_map(lambda a, b: Dataset.zip((a.batch(2), b.batch(2))))
    assert contents(joined) == [([1, 2], [3, 4])]


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_numbers_must_be_positive(numbers):
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        Dataset.range(3).window(*numbers)
