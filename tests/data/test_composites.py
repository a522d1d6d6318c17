"""Ragged and sparse tensors as parts of elements."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset

ROWS = [[1], [2, 3], [], [4]]
DEEP = [[[1], [2, 3]], [], [[4, 5, 6]]]
CELLS = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0]], np.int32)


def _plain(value):
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in value)
    if isinstance(value, tf.RaggedTensor):
        return value.to_list()
    if isinstance(value, tf.SparseTensor):
        return tf.sparse.to_dense(value).numpy().tolist()
    return value.numpy().tolist()


def _contents(dataset):
    return [_plain(element) for element in dataset]


def _ragged(rows=ROWS):
    return Dataset.from_tensor_slices(tf.ragged.constant(rows))


def _sparse():
    return Dataset.from_tensor_slices(tf.sparse.from_dense(CELLS))


def test_slices_of_a_ragged_tensor_are_its_rows():
    assert _contents(_ragged()) == ROWS
    assert _contents(_ragged(DEEP)) == DEEP
    assert _ragged().element_spec == tf.RaggedTensorSpec([None], tf.int32, 0, tf.int64)
    assert len(_ragged()) == 4


def test_slices_of_a_sparse_tensor_are_its_rows():
    assert _contents(_sparse()) == CELLS.tolist()
    assert _sparse().element_spec == tf.SparseTensorSpec([3], tf.int32)
    assert len(_sparse()) == 3


def test_rows_are_batched():
    assert _contents(_ragged().batch(3)) == [[[1], [2, 3], []], [[4]]]
    assert _contents(_ragged(DEEP).batch(2)) == [DEEP[:2], DEEP[2:]]
    assert _contents(_sparse().batch(2)) == [CELLS[:2].tolist(), CELLS[2:].tolist()]
    assert _ragged().batch(3).element_spec == tf.RaggedTensorSpec([None, None], tf.int32)
    assert _sparse().batch(2).element_spec == tf.SparseTensorSpec([None, 3], tf.int32)


def test_batches_are_taken_apart():
    assert _contents(_ragged(DEEP).batch(2).unbatch()) == DEEP
    assert _contents(_sparse().batch(2).unbatch()) == CELLS.tolist()
    both = Dataset.from_tensors((tf.sparse.from_dense(CELLS), [1, 2, 3])).unbatch()
    assert _contents(both) == list(zip(CELLS.tolist(), [1, 2, 3], strict=True))


def test_batches_get_other_sizes():
    assert _contents(_ragged().batch(2).rebatch(3)) == [ROWS[:3], ROWS[3:]]
    assert _contents(_sparse().batch(2).rebatch(3)) == [CELLS.tolist()]


def test_sparse_rows_of_different_length_are_batched_to_the_longest():
    short = tf.SparseTensor([[1]], [5], [2])
    long = tf.SparseTensor([[3]], [7], [4])
    dataset = Dataset.from_generator(
        lambda: iter([short, long]), output_signature=tf.SparseTensorSpec([None], tf.int32)
    )

    assert _contents(dataset.batch(2)) == [[[0, 5, 0, 0], [0, 0, 0, 7]]]


def test_functions_take_and_give_them():
    assert _contents(_ragged().batch(2).map(lambda rows: rows * 2)) == [
        [[2], [4, 6]],
        [[], [8]],
    ]
    assert _contents(_sparse().map(tf.sparse.to_dense)) == CELLS.tolist()


def test_generators_yield_them():
    dataset = Dataset.from_generator(
        lambda: iter([tf.ragged.constant(ROWS)]),
        output_signature=tf.RaggedTensorSpec([None, None], tf.int32),
    )

    assert _contents(dataset) == [ROWS]


@pytest.mark.parametrize("filename", ["", "file"])
def test_they_are_cached(filename, tmp_path):
    dataset = _ragged().batch(2).cache(str(tmp_path / filename) if filename else "")

    assert _contents(dataset) == [ROWS[:2], ROWS[2:]]
    assert _contents(dataset) == [ROWS[:2], ROWS[2:]]


def test_iterators_of_functions_give_them():
    @tf.function
    def double(iterator):
        return iterator.get_next() * 2

    assert double(iter(_ragged().batch(2))).to_list() == [[2], [4, 6]]


def test_they_have_a_numpy_form():
    (sparse,) = Dataset.from_tensors(tf.sparse.from_dense(CELLS)).as_numpy_iterator()
    (ragged,) = Dataset.from_tensors(tf.ragged.constant(ROWS)).as_numpy_iterator()

    np.testing.assert_array_equal(sparse, CELLS)
    assert [row.tolist() for row in ragged] == ROWS


def _growing(x):
    return tf.range(x)


def test_tensors_of_different_sizes_make_ragged_batches():
    dataset = Dataset.range(4).map(_growing).ragged_batch(2)

    assert _contents(dataset) == [[[], [0]], [[0, 1], [0, 1, 2]]]
    assert dataset.element_spec == tf.RaggedTensorSpec([None, None], tf.int64)


def test_ragged_batches_may_have_several_ragged_axes():
    def square(x):
        return tf.ones([x, x + 1], tf.int32)

    dataset = Dataset.range(1, 3).map(lambda x: (square(x), x)).ragged_batch(2)

    assert _contents(dataset) == [([[[1, 1]], [[1, 1, 1], [1, 1, 1]]], [1, 2])]


def test_tensors_of_different_sizes_make_sparse_batches():
    dataset = Dataset.range(4).map(_growing)

    batches = list(dataset.sparse_batch(2, [5]))

    assert batches[1].indices.numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2]]
    assert batches[1].values.numpy().tolist() == [0, 1, 0, 1, 2]
    assert batches[1].dense_shape.numpy().tolist() == [2, 5]
    assert next(iter(dataset.sparse_batch(4, [None]))).dense_shape.numpy().tolist() == [4, 3]
    with pytest.raises(tf.errors.DataLossError, match="row_shape"):
        list(dataset.sparse_batch(4, [1]))
