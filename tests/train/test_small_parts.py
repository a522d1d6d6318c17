"""Views of checkpoints, Python state, averages, clusters, and waiting for checkpoints."""

import numpy as np
import pytest

import penstock as tf


class Counter(tf.train.experimental.PythonState):
    def __init__(self):
        self.count = 0

    def serialize(self):
        return str(self.count)

    def deserialize(self, string_value):
        self.count = int(string_value)


def test_python_state_is_saved_and_restored(tmp_path):
    counter = Counter()
    counter.count = 12
    path = tf.train.Checkpoint(c=counter).write(tmp_path / "c")
    other = Counter()

    tf.train.Checkpoint(c=other).read(path).assert_consumed()

    assert other.count == 12


def test_a_view_numbers_objects_and_matches_them(tmp_path):
    module = tf.Module()
    module.a = tf.Variable(1.0)
    module.b = [tf.Variable(2.0)]
    saved = tf.train.Checkpoint(m=module)
    view = tf.train.CheckpointView(saved.write(tmp_path / "c"))
    extra = tf.Variable(1.0)

    assert view.children(0) == {"m": 1}
    assert view.descendants() == [0, 1, 2, 3, 4]
    assert view.match(saved)[2] is module.a
    matched, only_there, only_here = view.diff(tf.train.Checkpoint(m=tf.Module(), z=extra))
    assert sorted(matched) == [0, 1]
    assert only_there == [2, 3, 4]
    assert [id(item) for item in only_here] == [id(extra)]


def test_averages_follow_their_variables():
    average = tf.train.ExponentialMovingAverage(0.9)
    v = tf.Variable([1.0, 2.0], name="v")
    average.apply([v])
    v.assign([3.0, 4.0])

    average.apply([v])

    np.testing.assert_allclose(average.average(v).numpy(), [1.2, 2.2], rtol=1e-6)
    assert average.average_name(v) == "v/ExponentialMovingAverage"
    assert average.variables_to_restore()["v/ExponentialMovingAverage"] is v
    assert average.average(tf.Variable(1.0)) is None


def test_averages_move_faster_at_first():
    average = tf.train.ExponentialMovingAverage(0.99, num_updates=3)
    v = tf.Variable(5.0)
    average.apply([v])
    v.assign(10.0)

    average.apply([v])

    # The decay is (1 + 3) / (10 + 3).
    np.testing.assert_allclose(average.average(v).numpy(), 5 * 4 / 13 + 10 * 9 / 13, rtol=1e-6)


def test_only_floating_variables_have_averages():
    average = tf.train.ExponentialMovingAverage(0.9)

    with pytest.raises(TypeError, match="non-Variable"):
        average.apply([tf.constant(1.0)])
    with pytest.raises(TypeError, match="half, float, or double"):
        average.apply([tf.Variable(1)])


def test_a_cluster_tells_its_tasks():
    spec = tf.train.ClusterSpec({"worker": ["a:1", "b:2"], "ps": {1: "c:3"}})

    assert spec.as_dict() == {"worker": ["a:1", "b:2"], "ps": {1: "c:3"}}
    assert spec.num_tasks("worker") == 2
    assert spec.task_indices("ps") == [1]
    assert spec.job_tasks("ps") == [None, "c:3"]
    assert tf.train.ClusterSpec(spec.as_cluster_def()) == spec
    with pytest.raises(ValueError, match="No such job"):
        spec.num_tasks("chief")
    with pytest.raises(ValueError, match="index 0"):
        spec.task_address("ps", 0)
    with pytest.raises(TypeError, match="dict"):
        tf.train.ClusterSpec(3)


def test_new_checkpoints_are_waited_for(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds
        if now[0] in {2.0, 5.0}:
            checkpoint.save(tmp_path / "ckpt")

    found = list(
        tf.train.checkpoints_iterator(tmp_path, timeout=4, clock=lambda: now[0], sleep=sleep)
    )

    assert [path.rpartition("/")[2] for path in found] == ["ckpt-1", "ckpt-2"]
