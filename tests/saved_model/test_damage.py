"""Whatever a SavedModel's bytes are, loading gives a model or an error of ours.

PENSTOCK_FUZZ sets how many damaged ones there are.
"""

import os
import random
import time
import tracemalloc

import pytest

import penstock as tf
from penstock.wire import protos
from tests.saved_model.damage import damage, strings_of
from tests.saved_model.golden import GOLDEN

COUNT = int(os.environ.get("PENSTOCK_FUZZ", "60"))
MODELS = ["module_signatures", "tf1_cnn_bn", "tf1_control_flow_v1"]
SECONDS, BYTES = 20, 200 << 20


def copy(source, target):
    """Copy files but not their modes, since goldens may be read-only."""
    for file in source.rglob("*"):
        if file.is_file():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def answers(path):
    """Whether a model comes, and not an error that says what is wrong; nothing else may."""
    start = time.monotonic()
    tracemalloc.start()
    try:
        tf.saved_model.load(str(path))
    except UnicodeDecodeError:
        raise
    except (tf.errors.OpError, ValueError) as error:
        assert str(error)  # noqa: PT017  (either way is right)
        return False
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < BYTES
        assert time.monotonic() - start < SECONDS
    return True


@pytest.mark.filterwarnings("ignore")  # what a damaged graph computes may overflow
@pytest.mark.parametrize("name", MODELS)
def test_parts_that_do_not_fit_are_refused(name, tmp_path):
    source = GOLDEN / name / "model"
    whole = protos.SavedModel.FromString((source / "saved_model.pb").read_bytes())
    strings, rng = strings_of(whole), random.Random(name)  # noqa: S311
    path = tmp_path / "model"
    copy(source, path)
    for _ in range(COUNT // len(MODELS)):
        changed = protos.SavedModel()
        changed.CopyFrom(whole)
        damage(changed, rng, strings)
        (path / "saved_model.pb").write_bytes(changed.SerializeToString())
        answers(path)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_refused(tmp_path):
    source = GOLDEN / "module_signatures" / "model"
    rng = random.Random(0)  # noqa: S311
    names = sorted(p.relative_to(source) for p in source.rglob("*") if p.is_file())
    path = tmp_path / "model"
    for _ in range(COUNT):
        copy(source, path)
        file = path / rng.choice(names)
        data = bytearray(file.read_bytes())
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data) + 1)
            data[place : place + rng.randrange(9)] = rng.randbytes(rng.randrange(5))
        file.write_bytes(data)
        answers(path)
