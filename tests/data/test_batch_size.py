"""The size of batches, as Keras asks for it."""

import pytest

import penstock as tf
from penstock.data.batch_size import compute_batch_size


def always(x):
    return True


def next_number(x):
    return x + 1


BATCHED = tf.data.Dataset.range(16).batch(4)


@pytest.mark.parametrize(
    ("dataset", "size"),
    [
        (BATCHED, 4),
        (BATCHED.shuffle(3).repeat(2).prefetch(1), 4),
        (BATCHED.take(2).skip(1).shard(2, 0).cache(), 4),
        (BATCHED.filter(always).concatenate(BATCHED), 4),
        (BATCHED.batch(3), 3),
        (tf.data.Dataset.zip((BATCHED, BATCHED)), 4),
        (tf.data.Dataset.zip((BATCHED, BATCHED.unbatch().batch(2))), -1),
        (BATCHED.map(next_number), -1),
        (BATCHED.unbatch(), -1),
        (BATCHED.unbatch().padded_batch(5), 5),
        (tf.data.Dataset.range(16).batch(8, drop_remainder=True).map(next_number), 8),
        (tf.data.Dataset.from_tensors(tf.zeros((7, 2))), 7),
    ],
)
def test_the_size_of_batches_is_known_from_the_stages_or_the_shapes(dataset, size):
    found = compute_batch_size(dataset)

    assert found.dtype == tf.int64
    assert int(found) == size
