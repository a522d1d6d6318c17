"""Which elements come, and in what order."""

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents

INFINITE, UNKNOWN = tf.data.INFINITE_CARDINALITY, tf.data.UNKNOWN_CARDINALITY


@pytest.mark.parametrize("make", [lambda: Dataset.range(5), lambda: Dataset.range(5).map(abs)])
def test_take_skip_and_shard_slice(make):
    assert contents(make().take(3)) == [0, 1, 2]
    assert contents(make().take(-1)) == [0, 1, 2, 3, 4]
    assert contents(make().skip(3)) == [3, 4]
    assert contents(make().skip(-1)) == []
    assert contents(make().shard(2, 1)) == [1, 3]


def test_a_repeated_dataset_starts_again():
    assert contents(Dataset.range(2).repeat(3)) == [0, 1, 0, 1, 0, 1]
    assert contents(Dataset.range(2).repeat(0)) == []
    assert contents(Dataset.range(2).repeat().take(5)) == [0, 1, 0, 1, 0]
    assert contents(Dataset.range(2).repeat(-5).take(3)) == [0, 1, 0]


def test_an_empty_dataset_repeated_without_end_is_empty():
    assert contents(Dataset.range(3).filter(lambda _: False).repeat()) == []


def test_one_dataset_follows_the_other():
    assert contents(Dataset.range(2).concatenate(Dataset.range(7, 9))) == [0, 1, 7, 8]


def test_concatenated_specs_cover_both():
    first, second = Dataset.from_tensors([1, 2]), Dataset.from_tensors([1, 2, 3])

    assert first.concatenate(second).element_spec == tf.TensorSpec([None], tf.int32)


def test_concatenated_elements_must_be_alike():
    with pytest.raises(TypeError, match="Incompatible"):
        Dataset.range(3).concatenate(Dataset.from_tensors(1.0))
    with pytest.raises(TypeError, match="Incompatible"):
        Dataset.from_tensors((1, 2)).concatenate(Dataset.from_tensors(1))


def test_enumerate_counts():
    dataset = Dataset.from_tensor_slices(["a", "b"]).enumerate(start=5)

    assert contents(dataset) == [(5, b"a"), (6, b"b")]
    assert len(dataset) == 2


@pytest.mark.parametrize(("number", "index"), [(3, 3), (3, -1), (0, 0)])
def test_a_shard_must_exist(number, index):
    with pytest.raises(tf.errors.InvalidArgumentError):
        Dataset.range(10).shard(number, index)


def _two(_):
    return Dataset.range(2)


def _unknown():
    return Dataset.range(10).filter(lambda _: True)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Dataset.range(10).repeat(2), 20),
        (lambda: Dataset.range(10).repeat(), INFINITE),
        (lambda: Dataset.range(0).repeat(), 0),
        (lambda: _unknown().repeat(), INFINITE),
        (lambda: _unknown().repeat(0), 0),
        (lambda: Dataset.range(10).take(3), 3),
        (lambda: Dataset.range(10).take(-1), 10),
        (lambda: Dataset.range(10).repeat().take(3), 3),
        (lambda: _unknown().take(3), UNKNOWN),
        (lambda: Dataset.range(10).skip(3), 7),
        (lambda: Dataset.range(10).skip(-1), 0),
        (lambda: Dataset.range(10).repeat().skip(3), INFINITE),
        (lambda: Dataset.range(10).shard(3, 1), 3),
        (lambda: Dataset.range(10).shard(3, 0), 4),
        (lambda: Dataset.range(10).concatenate(Dataset.range(3)), 13),
        (lambda: _unknown().concatenate(Dataset.range(3).repeat()), INFINITE),
        (lambda: Dataset.zip(Dataset.range(10), Dataset.range(4).repeat()), 10),
        (lambda: Dataset.zip(_unknown(), Dataset.range(4)), UNKNOWN),
        (lambda: Dataset.range(10).flat_map(_two), UNKNOWN),
        (lambda: Dataset.range(10).batch(3).repeat(), INFINITE),
        (lambda: Dataset.range(10).prefetch(2).cache().shuffle(3), 10),
    ],
)
def test_the_number_of_elements_is_known_where_tensorflow_knows_it(make, expected):
    assert int(make().cardinality()) == expected


def test_counts_may_be_tensors():
    assert contents(Dataset.range(5).take(tf.constant(2, tf.int64))) == [0, 1]
    with pytest.raises(ValueError, match="int64"):
        Dataset.range(5).take(tf.constant(2.0))
