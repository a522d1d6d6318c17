"""Elements stacked and taken apart."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def test_a_last_batch_may_have_fewer_elements():
    dataset = Dataset.range(5).batch(2)

    assert contents(dataset) == [[0, 1], [2, 3], [4]]
    assert len(dataset) == 3
    assert dataset.element_spec == tf.TensorSpec([None], tf.int64)


def test_a_remainder_can_be_dropped():
    dataset = Dataset.range(5).batch(2, drop_remainder=True)

    assert contents(dataset) == [[0, 1], [2, 3]]
    assert len(dataset) == 2
    assert dataset.element_spec == tf.TensorSpec([2], tf.int64)


def test_all_components_are_stacked():
    dataset = Dataset.from_tensor_slices({"a": ["x", "y"], "b": [[1.0], [2.0]]}).batch(2)

    assert contents(dataset) == [{"a": [b"x", b"y"], "b": [[1.0], [2.0]]}]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.bool_, np.complex64])
def test_dtypes_stay(dtype):
    values = np.array([0, 1, 1], dtype)

    (batch,) = Dataset.from_tensor_slices(values).map(lambda x: x).batch(3).as_numpy_iterator()

    assert batch.dtype == dtype
    np.testing.assert_array_equal(batch, values)


def test_bfloat16_stays():
    values = tf.constant([1.0, 2.5], tf.bfloat16)

    (batch,) = Dataset.from_tensor_slices(values).map(lambda x: x * 2).batch(2)

    assert batch.dtype == tf.bfloat16
    assert tf.cast(batch, tf.float32).numpy().tolist() == [2.0, 5.0]


def test_shuffled_rows_are_stacked_with_their_labels():
    images = np.arange(40).reshape(20, 2)
    dataset = Dataset.from_tensor_slices((images, np.arange(20))).shuffle(20, seed=1).batch(3)

    for rows, labels in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(rows, images[labels])


def test_elements_of_one_batch_must_have_one_shape():
    ragged = Dataset.range(1, 4).map(lambda x: tf.fill([x], x))

    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        contents(ragged.batch(2))

    assert "[tensor]: [2], [batch]: [1]" in str(raised.value)


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_has_elements(size):
    with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
        Dataset.range(3).batch(size)


def test_after_an_error_the_next_batch_comes():
    iterator = iter(Dataset.range(6).map(lambda x: 1 // (x - 1)).batch(2))

    with pytest.raises(tf.errors.InvalidArgumentError):
        next(iterator)
    assert [x.numpy().tolist() for x in iterator] == [[1, 0], [0, 0]]


def test_unbatch_undoes_batch():
    dataset = Dataset.from_tensor_slices(([1, 2, 3], ["a", "b", "c"])).batch(2).unbatch()

    assert contents(dataset) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert dataset.element_spec == (tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.string))


def test_scalars_cannot_be_unbatched():
    with pytest.raises(ValueError, match="scalar components"):
        Dataset.range(3).unbatch()


def test_unbatched_components_must_have_one_size():
    with pytest.raises(ValueError, match="2 and 3"):
        Dataset.from_tensors(([1, 2], [3, 4, 5])).unbatch()

    uneven = Dataset.from_generator(
        lambda: iter([([1, 2], [3])]), (tf.int32, tf.int32), ([None], [None])
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="Component 0 had size 2"):
        contents(uneven.unbatch())


def test_unbatched_lengths_are_known_where_sizes_are():
    assert len(Dataset.from_tensors(np.zeros((4, 2))).unbatch()) == 4
    assert int(Dataset.range(4).batch(2).unbatch().cardinality()) == -2


def test_rebatch_changes_the_size():
    dataset = Dataset.range(7).batch(2).rebatch(3)

    assert contents(dataset) == [[0, 1, 2], [3, 4, 5], [6]]


def test_rebatch_takes_sizes_in_turn():
    dataset = Dataset.range(8).batch(4).rebatch([2, 1, 1])

    assert contents(dataset) == [[0, 1], [2], [3], [4, 5], [6], [7]]


def test_rebatch_can_drop_the_remainder():
    dataset = Dataset.range(7).batch(2).rebatch(3, drop_remainder=True)

    assert contents(dataset) == [[0, 1, 2], [3, 4, 5]]
    assert dataset.element_spec == tf.TensorSpec([3], tf.int64)


def test_rebatch_needs_batches():
    with pytest.raises(ValueError, match="scalar elements"):
        Dataset.range(7).rebatch(3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="positive"):
        Dataset.range(7).batch(2).rebatch([2, 0])
