"""Sets; the expected members are those of Python's sets, row by row."""

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors

A = [[[1, 2], [3, 3]], [[4, 5], [6, 7]]]
B = [[[1, 9, 1], [3, 4, 5]], [[0, 0, 0], [7, 6, 2]]]
SPARSE = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [3, 2]], [1, 2, 3, 4], [4, 3])
OTHER = tf.SparseTensor([[0, 0], [1, 1], [2, 0]], [1, 3, 9], [4, 2])
DENSE = [[1, 1], [2, 3], [9, 9], [4, 4]]
OPERATIONS = {
    "difference": set.difference,
    "intersection": set.intersection,
    "union": set.union,
}


def rows(tensor):
    """The sets of a tensor, by the place of their row."""
    if isinstance(tensor, tf.SparseTensor):
        shape = tensor.dense_shape.numpy()[:-1]
        found = {place: set() for place in np.ndindex(*shape)}
        for index, value in zip(tensor.indices.numpy(), tensor.values.numpy(), strict=True):
            found[tuple(index[:-1])].add(value)
        return found
    array = np.array(tensor)
    return {place: set(array[place].tolist()) for place in np.ndindex(*array.shape[:-1])}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("a", "b"), [(A, B), (SPARSE, OTHER), (DENSE, SPARSE), (SPARSE, DENSE)]
)
def test_rows_are_combined_one_by_one(name, a, b):
    found = getattr(tf.sets, name)(a, b)

    first, second = rows(a), rows(b)
    expected = {place: OPERATIONS[name](first[place], second[place]) for place in first}
    assert rows(found) == expected
    largest = max(len(members) for members in expected.values())
    assert found.dense_shape.numpy()[-1] == largest
    assert found.values.numpy().tolist() == [
        member for place in sorted(expected) for member in sorted(expected[place])
    ]


def test_a_difference_may_be_turned_round():
    found = tf.sets.difference(SPARSE, DENSE, aminusb=False)

    assert found.indices.numpy().tolist() == [[1, 0], [2, 0]]
    assert found.values.numpy().tolist() == [2, 9]


def test_strings_are_ordered_by_their_bytes():
    found = tf.sets.union([["b", "a"]], [["c", "a"]])

    assert found.values.numpy().tolist() == [b"a", b"b", b"c"]


def test_a_size_counts_different_members():
    tensor = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [3, 2]], [1, 1, 3, 4], [4, 3])

    assert tf.sets.size(tensor).numpy().tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tf.sets.union([[1.0]], [[2.0]]), TypeError, "invalid dtype"),
        (lambda: tf.sets.union([[1]], tf.constant([[2]], tf.int64)), TypeError, "Types don't"),
        (lambda: tf.sets.size([[1]]), TypeError, "Expected `SparseTensor`"),
        (lambda: tf.sets.union([1], [2]), errors.InvalidArgumentError, "rank 1 < 2"),
        (lambda: tf.sets.union([[1], [2]], [[2]]), errors.InvalidArgumentError, "Mismatched"),
        (
            lambda: tf.sets.size(tf.SparseTensor([[1, 0], [0, 1]], [1, 2], [4, 3])),
            errors.InvalidArgumentError,
            "out of order",
        ),
        (
            lambda: tf.sets.size(tf.SparseTensor([[0, 0], [5, 1]], [1, 2], [4, 3])),
            errors.InvalidArgumentError,
            "out of bounds",
        ),
    ],
)
def test_what_are_no_sets_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_functions_combine_sets_of_unknown_size():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)
    def both(a, b):
        return tf.sparse.to_dense(tf.sets.intersection(a, b))

    assert both(tf.constant([[1, 2, 3]]), tf.constant([[3, 1, 7]])).numpy().tolist() == [[1, 3]]
