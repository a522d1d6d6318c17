import numpy as np
import pytest

import penstock as tf

experimental = tf.train.experimental


@pytest.fixture
def checkpoint():
    return tf.train.Checkpoint(
        matrix=tf.Variable(np.arange(100.0, dtype=np.float32).reshape(10, 10)),
        vector=tf.Variable(np.arange(50.0, dtype=np.float32)),
        scalar=tf.Variable(1.5),
        text=tf.Variable("abc"),
    )


def written(checkpoint, path, callback):
    options = tf.train.CheckpointOptions(experimental_sharding_callback=callback)
    return checkpoint.write(path, options)


@pytest.mark.parametrize("limit", [1000, 300, 150])
def test_shards_stay_below_their_size_but_for_a_single_string(checkpoint, tmp_path, limit):
    path = written(checkpoint, tmp_path / "c", experimental.MaxShardSizePolicy(limit))

    sizes = sorted(file.stat().st_size for file in tmp_path.glob("c.data-*"))
    assert len(sizes) <= 2 * sum(sizes) / limit + 1
    # The last one may be that of the objects, which is one string.
    assert all(size <= limit for size in sizes[:-1])
    blank = tf.train.Checkpoint(
        matrix=tf.Variable(np.zeros([10, 10], np.float32)),
        vector=tf.Variable(np.zeros([50], np.float32)),
        scalar=tf.Variable(0.0),
        text=tf.Variable(""),
    )
    blank.read(path).assert_consumed()
    np.testing.assert_array_equal(blank.matrix.numpy().ravel(), np.arange(100))
    np.testing.assert_array_equal(blank.vector.numpy(), np.arange(50))
    assert blank.text.numpy() == b"abc"


def test_one_task_has_one_shard(checkpoint, tmp_path):
    written(checkpoint, tmp_path / "c", experimental.ShardByTaskPolicy())

    assert [p.name for p in tmp_path.glob("*.data*")] == ["c.data-00000-of-00001"]


def test_a_callback_of_a_user_places_values_and_parts(checkpoint, tmp_path):
    class Halves(experimental.ShardingCallback):
        @property
        def description(self):
            return "halves of matrices"

        def __call__(self, shardable_tensors):
            first, second = {}, {}
            for each in shardable_tensors:
                if each.shape.rank == 2:
                    first[each.checkpoint_key] = {"10 10 0,5:-": each.tensor[:5]}
                    second[each.checkpoint_key] = {"10 10 5,5:-": each.tensor[5:]}
                else:
                    first[each.checkpoint_key] = {each.slice_spec: each.tensor}
            return [first, second]

    path = written(checkpoint, tmp_path / "c", Halves())

    assert (tmp_path / "c.data-00001-of-00002").stat().st_size == 200
    value = tf.train.load_variable(path, "matrix/.ATTRIBUTES/VARIABLE_VALUE")
    np.testing.assert_array_equal(value.ravel(), np.arange(100))


def test_a_callback_that_leaves_a_value_out_is_refused(checkpoint, tmp_path):
    class Nothing(experimental.ShardingCallback):
        def __call__(self, shardable_tensors):
            return [{}]

    with pytest.raises(tf.errors.InvalidArgumentError, match="is in no shard"):
        written(checkpoint, tmp_path / "c", Nothing())
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_read_is_refused(checkpoint, tmp_path):
    class Odd(experimental.ShardingCallback):
        def __call__(self, shardable_tensors):
            return [{each.checkpoint_key: {"10 x": each.tensor} for each in shardable_tensors}]

    with pytest.raises(tf.errors.InvalidArgumentError, match="must read like"):
        written(checkpoint, tmp_path / "c", Odd())


def test_a_shard_must_hold_something():
    with pytest.raises(ValueError, match="at least 1"):
        experimental.MaxShardSizePolicy(0)
