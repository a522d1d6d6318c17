import threading

import numpy as np
import pytest

import penstock as tf
from penstock.train.background import BackgroundWrites

ASYNC = tf.train.CheckpointOptions(enable_async=True)


def test_a_write_runs_while_the_program_goes_on():
    writes, gate, order = BackgroundWrites(), threading.Event(), []

    writes.start(lambda: (gate.wait(10), order.append("written")))
    order.append("went on")
    gate.set()
    writes.wait()

    assert order == ["went on", "written"]


def test_what_goes_wrong_is_told_once():
    writes = BackgroundWrites()

    def fail():
        raise OSError("disk full")

    writes.start(fail)
    with pytest.raises(OSError, match="disk full"):
        writes.wait()
    writes.wait()


def test_values_are_those_of_the_moment_of_saving(tmp_path):
    value = tf.Variable(np.arange(1000.0))
    checkpoint = tf.train.Checkpoint(value=value)

    path = checkpoint.save(tmp_path / "ckpt", ASYNC)
    value.assign(tf.zeros([1000], tf.float64))
    checkpoint.restore(path).assert_consumed()

    np.testing.assert_array_equal(value.numpy(), np.arange(1000.0))


def test_the_state_file_names_a_checkpoint_once_it_is_written(tmp_path):
    checkpoint = tf.train.Checkpoint(value=tf.Variable(1.0))
    paths = []
    options = tf.train.CheckpointOptions(
        enable_async=True,
        experimental_write_callbacks=[
            lambda path: paths.append((path, tf.train.latest_checkpoint(tmp_path)))
        ],
    )

    path = checkpoint.save(tmp_path / "ckpt", options)
    checkpoint.sync()

    assert paths == [(path, path)]


def test_a_manager_counts_what_is_written_in_the_background(tmp_path):
    checkpoint = tf.train.Checkpoint(value=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)

    for _ in range(4):
        manager.save(options=ASYNC)
    manager.sync()

    assert [path.rpartition("-")[2] for path in manager.checkpoints] == ["3", "4"]
    assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path)
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_a_failure_in_the_background_comes_out_at_the_next_use(tmp_path):
    checkpoint = tf.train.Checkpoint(value=tf.Variable(1.0))
    (tmp_path / "file").write_text("")

    checkpoint.write(tmp_path / "file" / "ckpt", ASYNC)

    with pytest.raises(OSError, match="file"):
        checkpoint.sync()
