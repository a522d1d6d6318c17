"""Names of `tf.data.experimental`."""

import numpy as np
import pytest

import penstock as tf
from tests.data.contents import Dataset, contents

experimental = tf.data.experimental


def test_a_list_of_elements_makes_a_dataset():
    dataset = experimental.from_list([(1, "a"), (2, "b")])

    assert contents(dataset) == [(1, b"a"), (2, b"b")]
    assert len(dataset) == 2
    with pytest.raises(ValueError, match="should not be empty"):
        experimental.from_list([])


def test_elements_have_numbers():
    assert int(experimental.at(Dataset.range(5, 10), 3)) == 8
    for number in (5, -1):
        with pytest.raises(tf.errors.OutOfRangeError):
            experimental.at(Dataset.range(5, 10), number)


def test_transformations_can_be_applied():
    assert contents(Dataset.range(4).batch(2).apply(experimental.unbatch())) == [0, 1, 2, 3]
    mapped = Dataset.range(3).apply(experimental.map_and_batch(lambda x: x + 1, 2))
    assert contents(mapped) == [[1, 2], [3]]
    assert contents(experimental.Counter(1, 2).take(3)) == [1, 3, 5]


def test_groups_are_folded_in_the_order_of_their_keys():
    def first_state(key):
        return key, np.int64(0)

    def add(state, x):
        return state[0], state[1] + x

    reducer = experimental.Reducer(first_state, add, lambda key, total: (key, total))
    dataset = Dataset.range(10).apply(experimental.group_by_reducer(lambda x: x % 3, reducer))

    assert contents(dataset) == [(0, 18), (1, 12), (2, 15)]


def test_a_dataset_can_be_written_to_records(tmp_path):
    path = str(tmp_path / "records")

    experimental.TFRecordWriter(path).write(Dataset.from_tensor_slices(["a", "b"]))

    assert contents(tf.data.TFRecordDataset(path)) == [b"a", b"b"]
    with pytest.raises(TypeError, match="produces scalar"):
        experimental.TFRecordWriter(path).write(Dataset.range(3))


def test_a_variant_tensor_stands_for_a_dataset():
    variant = experimental.to_variant(Dataset.range(3))

    dataset = experimental.from_variant(variant, tf.TensorSpec([], tf.int64))

    assert variant.dtype == tf.variant
    assert contents(dataset) == [0, 1, 2]


@pytest.mark.parametrize("initial", [None, [0.75, 0.25]])
def test_classes_are_resampled(initial):
    tf.random.set_seed(3)
    classes = Dataset.from_tensor_slices([0, 0, 0, 1]).repeat()

    def itself(x):
        return x

    resampled = classes.rejection_resample(itself, [0.5, 0.5], initial, seed=1)

    drawn = [label for label, _ in contents(resampled.take(2000))]
    np.testing.assert_allclose(np.bincount(drawn) / 2000, [0.5, 0.5], atol=0.05)
    tf.random.set_seed(None)


@pytest.mark.parametrize("name", ["snapshot", "fingerprint"])
def test_what_is_missing_says_so(name):
    with pytest.raises(tf.errors.UnimplementedError, match=name):
        getattr(Dataset.range(3), name)("path")
