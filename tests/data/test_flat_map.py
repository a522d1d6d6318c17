"""Datasets of elements, and their elements in one."""

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def test_flat_map_puts_one_after_the_other():
    dataset = Dataset.range(4).flat_map(lambda x: Dataset.from_tensors(x).repeat(x))

    assert contents(dataset) == [1, 2, 2, 3, 3, 3]
    assert dataset.element_spec == tf.TensorSpec([], tf.int64)


def test_inner_datasets_may_depend_on_the_element_in_every_way():
    def inner(x):
        rows = tf.reshape(tf.range(x * 4), [x * 2, 2])
        first = Dataset.from_tensor_slices(rows).map(lambda row: row + x).skip(x)
        return first.concatenate(Dataset.from_tensors(tf.stack([x, x])))

    assert contents(Dataset.range(1, 3).flat_map(inner)) == [
        [3, 4],
        [1, 1],
        [6, 7],
        [8, 9],
        [2, 2],
    ]


def test_constants_of_inner_datasets_are_not_used_up():
    dataset = Dataset.range(3).flat_map(lambda x: Dataset.from_tensors(x).repeat(2))

    assert contents(dataset) == [0, 0, 1, 1, 2, 2]


def test_functions_nest():
    dataset = Dataset.range(2).flat_map(
        lambda x: Dataset.range(2).flat_map(lambda y: Dataset.from_tensors((x, y)))
    )

    assert contents(dataset) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_function_that_gives_no_dataset_is_refused():
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        Dataset.range(3).flat_map(lambda x: x)


def test_blocks_are_taken_in_turn():
    dataset = Dataset.range(1, 6).interleave(
        lambda x: Dataset.from_tensors(x).repeat(6), cycle_length=2, block_length=4
    )

    # The example in TensorFlow's documentation.
    assert contents(dataset) == [
        *[1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2],
        *[3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4],
        *[5, 5, 5, 5, 5, 5],
    ]


@pytest.mark.parametrize("calls", [None, 2, tf.data.AUTOTUNE])
def test_the_place_of_a_dataset_that_ended_goes_to_the_next(calls):
    dataset = Dataset.range(1, 6).interleave(
        lambda x: Dataset.from_tensors(x).repeat(x),
        cycle_length=2,
        block_length=2,
        num_parallel_calls=calls,
    )

    # Written down from TensorFlow 2.21.
    assert contents(dataset) == [1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 4, 4, 5, 5, 5]


@pytest.mark.parametrize(
    "lengths", [{"cycle_length": 0}, {"cycle_length": 1, "block_length": 0}]
)
def test_lengths_must_be_positive(lengths):
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        Dataset.range(3).interleave(Dataset.from_tensors, **lengths)


def test_a_dataset_may_be_what_a_map_gives():
    inner = list(Dataset.range(3).map(Dataset.range))

    assert [contents(each) for each in inner] == [[], [0], [0, 1]]
