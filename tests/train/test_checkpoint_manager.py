"""Numbered checkpoints of which the newest are kept."""

from pathlib import Path

import pytest

import penstock as tf


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        self.now += 1.0
        return self.now


def manager_in(directory, clock, **kwargs):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(0))
    kwargs.setdefault("max_to_keep", 2)
    return tf.train.CheckpointManager(checkpoint, directory, clock=clock, **kwargs)


def names(paths):
    return [Path(path).name for path in paths]


def test_only_the_newest_are_kept(tmp_path):
    manager = manager_in(tmp_path, Clock())

    for _ in range(4):
        manager.save()

    assert names(manager.checkpoints) == ["ckpt-3", "ckpt-4"]
    assert sorted(path.name for path in tmp_path.glob("*.index")) == [
        "ckpt-3.index",
        "ckpt-4.index",
    ]
    assert not list(tmp_path.glob("ckpt-1.data*"))
    assert names([manager.latest_checkpoint]) == ["ckpt-4"]


def test_a_new_manager_goes_on_where_another_ended(tmp_path):
    clock = Clock()
    first = manager_in(tmp_path, clock)
    first.save()
    first.save()
    second = manager_in(tmp_path, clock)
    second.restore_or_initialize()

    second.save()

    assert names(second.checkpoints) == ["ckpt-2", "ckpt-3"]


def test_one_of_every_n_hours_is_kept_for_good(tmp_path):
    clock = Clock()
    manager = manager_in(tmp_path, clock, max_to_keep=1, keep_checkpoint_every_n_hours=1)
    for _ in range(4):
        clock.now += 1900.0
        manager.save()

    kept = sorted(path.stem for path in tmp_path.glob("*.index"))

    assert kept == ["ckpt-2", "ckpt-4"]
    assert names(manager.checkpoints) == ["ckpt-4"]


def test_none_keeps_all(tmp_path):
    manager = manager_in(tmp_path, Clock(), max_to_keep=None)

    for _ in range(3):
        manager.save()

    assert names(manager.checkpoints) == ["ckpt-1", "ckpt-2", "ckpt-3"]


def test_a_number_may_be_given(tmp_path):
    manager = manager_in(tmp_path, Clock(), checkpoint_name="step")

    path = manager.save(checkpoint_number=70)

    assert names([path]) == ["step-70"]
    assert tf.train.latest_checkpoint(tmp_path) == path


def test_nothing_is_saved_before_the_interval_has_passed(tmp_path):
    step = tf.Variable(0)
    manager = manager_in(tmp_path, Clock(), step_counter=step, checkpoint_interval=5)

    saved = []
    for _ in range(8):
        saved.append(manager.save() is not None)
        step.assign_add(1)

    assert saved == [True, False, False, False, False, True, False, False]


def test_the_initializer_runs_when_there_is_nothing_to_restore(tmp_path):
    calls = []
    manager = manager_in(tmp_path, Clock(), init_fn=lambda: calls.append(1))

    assert manager.restore_or_initialize() is None
    assert calls == [1]


def test_max_to_keep_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="max_to_keep"):
        manager_in(tmp_path, Clock(), max_to_keep=0)


def test_a_directory_that_was_moved_is_still_understood(tmp_path):
    manager = manager_in(tmp_path / "old", Clock())
    manager.save()
    (tmp_path / "old").rename(tmp_path / "new")

    latest = tf.train.latest_checkpoint(tmp_path / "new")

    assert latest == str(tmp_path / "new" / "ckpt-1")


def test_what_killed_programs_left_goes_after_a_day(tmp_path):
    left = tmp_path / "ckpt-7.data.tempstate0123456789abcdef"
    others = [tmp_path / "ckpt-7.data", tmp_path / "mine-7.data.tempstate0123456789abcdef"]
    for path in (left, *others):
        path.write_bytes(b"")
    checkpoint = tf.train.Checkpoint(value=tf.Variable(0.0))
    now = left.stat().st_mtime

    tf.train.CheckpointManager(checkpoint, tmp_path, 1, clock=lambda: now + 3600)
    assert left.exists()
    tf.train.CheckpointManager(checkpoint, tmp_path, 1, clock=lambda: now + 25 * 3600)

    assert not left.exists()
    assert all(path.exists() for path in others)
