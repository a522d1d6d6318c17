"""A program that is killed while it saves leaves what it saved before.

PENSTOCK_KILLS sets how often, over all kinds of saving.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from tests.train.saving_child import SHAPES, Model

KINDS = 3
KILLS = -(-int(os.environ.get("PENSTOCK_KILLS", "20")) // KINDS)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def nursery():
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.train.saving_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        yield process
        process.stdin.close()


def done(folder):
    """The last save that the child said was done, and 0 before the first."""
    path = folder / "done"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return int(lines[-1]) if lines else 0


def load_checkpoint(folder):
    model = Model()
    tf.train.Checkpoint(model=model).read(str(folder / "ckpt")).assert_consumed()
    return model.parts


def load_managed(folder):
    model = Model()
    checkpoint = tf.train.Checkpoint(model=model)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2, keep_best=1)
    checkpoint.restore(manager.restore_or_initialize()).assert_consumed()
    # The metric is the number itself, so that the first one is best for ever.
    best = Model()
    tf.train.Checkpoint(model=best).restore(manager.best_checkpoint).expect_partial()
    assert float(best.parts[2]) == manager.best_metric == 1
    return model.parts


def load_saved_model(folder):
    return tf.saved_model.load(str(folder / "model")).total()


@pytest.mark.parametrize(
    ("kind", "load"),
    [
        ("checkpoint", load_checkpoint),
        ("manager", load_managed),
        ("saved_model", load_saved_model),
    ],
)
def test_a_kill_at_any_moment_leaves_the_last_good_one(tmp_path, nursery, kind, load):
    moments = random.Random(kind)  # noqa: S311
    for _ in range(KILLS):
        before = done(tmp_path)
        nursery.stdin.write(f"{kind} {tmp_path} {before}\n")
        nursery.stdin.flush()
        child = int(nursery.stdout.readline())
        deadline = time.monotonic() + 60
        while done(tmp_path) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        # Somewhere in the next saves: no event marks the moment, that is the point.
        time.sleep(moments.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        at_least = done(tmp_path)

        parts = [np.asarray(part) for part in load(tmp_path)]

        number = parts[2].item()
        assert number >= at_least > before
        for part, shape in zip(parts, SHAPES, strict=True):
            np.testing.assert_array_equal(part, np.full(shape, number, np.float32))
