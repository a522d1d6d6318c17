"""Saving and loading take little memory beside the values themselves."""

import tracemalloc

import numpy as np
import pytest

import penstock as tf

COUNT, SHAPE = 16, (1024, 1024)
WEIGHTS = COUNT * 4 * 1024 * 1024


@pytest.fixture
def checkpoint(tmp_path):
    # What is loaded at the first time of all is not counted.
    small = tf.train.Checkpoint(v=tf.Variable(0))
    small.read(small.write(tmp_path / "small"))
    tracemalloc.start()
    values = {f"v{i}": tf.Variable(np.full(SHAPE, i, np.float32)) for i in range(COUNT)}
    yield tf.train.Checkpoint(**values)
    tracemalloc.stop()


def peak_of(work):
    """Bytes of Python and numpy at most during the work, above those before it."""
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    work()
    _, most = tracemalloc.get_traced_memory()
    return most - before


def test_a_save_takes_less_than_a_fifth_of_the_values(checkpoint, tmp_path):
    assert peak_of(lambda: checkpoint.write(tmp_path / "ckpt")) < 0.2 * WEIGHTS


def test_a_load_takes_less_than_a_fifth_of_the_values(checkpoint, tmp_path):
    checkpoint.write(tmp_path / "ckpt")

    def load():
        checkpoint.read(tmp_path / "ckpt").assert_consumed()

    assert peak_of(load) < 0.2 * WEIGHTS
