"""Executables are kept from one process to the next, and taken from nobody else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.serving import executables
from penstock.serving.executables import BESIDE, ExecutableCache
from penstock.serving.user_cache import is_private, user_cache

ROOT = Path(__file__).parents[2]
NAME = "jit_f-" + "0" * 64 + "-cache"
# Loads one model twice over and says what was found and made.
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from jax._src import monitoring
from penstock.serving.executables import ExecutableCache
from penstock.serving.loader import SavedModelLoader
hits = []
def listen(event, **_):
    if event.endswith("/cache_hits"):
        hits.append(event)
monitoring.register_event_listener(listen)
path = Path(sys.argv[1])
place = Path(sys.argv[2]) if len(sys.argv) > 2 else None
loader = SavedModelLoader((1, 4), ExecutableCache(place))
model = loader.load("m", 1, path)
loader.finish(model, path)
(name,) = model.signatures["serving_default"].inputs
x = np.arange(6, dtype=np.float32).reshape(2, 3)
y = model.run("serving_default", {name: x})["y"]
print(json.dumps({"hits": len(hits), "y": y.tolist()}))
"""
SAVE = """
import sys
import penstock as tf
class M(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def f(self, x):
        return {"y": tf.nn.relu(tf.matmul(x, tf.ones([3, 2]))) + 1}
m = M()
tf.saved_model.save(m, sys.argv[1], signatures={"serving_default": m.f})
"""


def python(text, *args, **environment):
    done = subprocess.run(
        [sys.executable, "-c", text, *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "m"
    python(SAVE, folder / "1")
    return folder


def kept(folder):
    return sorted(folder.rglob("*-cache"))


def test_what_one_process_compiled_the_next_finds_beside_the_model(saved, tmp_path):
    first = json.loads(python(PROGRAM, saved / "1", XDG_CACHE_HOME=str(tmp_path)))
    files = kept(saved / BESIDE)

    second = json.loads(python(PROGRAM, saved / "1", XDG_CACHE_HOME=str(tmp_path)))

    assert first["hits"] == 0
    assert second["hits"] >= 2
    assert first["y"] == second["y"] == [[4.0, 4.0], [13.0, 13.0]]
    assert files
    assert kept(saved / BESIDE) == files
    assert all(is_private(file) for file in files)
    assert b"pickle" not in b"".join(file.read_bytes() for file in files)


def test_a_damaged_executable_is_compiled_anew(saved, tmp_path):
    place = tmp_path / "cache"
    python(PROGRAM, saved / "1", place)
    for file in kept(place):
        content = bytearray(file.read_bytes())
        content[-9] ^= 1
        file.write_bytes(content)

    again = json.loads(python(PROGRAM, saved / "1", place))

    assert again == {"hits": 0, "y": [[4.0, 4.0], [13.0, 13.0]]}


@pytest.fixture
def work(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(executables, "_work_folder", lambda: folder)
    monkeypatch.setattr(executables, "executables_key", lambda: "key")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def version(tmp_path):
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    return folder


def keep_one(version, work):
    (work / NAME).write_bytes(b"code")
    assert ExecutableCache().keep(version, frozenset()) == 1
    (work / NAME).unlink()
    return version.parent / BESIDE / "key"


def test_only_new_executables_are_kept(version, work):
    (work / NAME).write_bytes(b"code")

    assert ExecutableCache().keep(version, frozenset({NAME})) == 0


def test_an_executable_comes_back_as_it_was(version, work):
    keep_one(version, work)

    brought = ExecutableCache().bring(version)

    assert (brought.known, brought.count) == ({NAME}, 1)
    assert (work / NAME).read_bytes() == b"code"


@pytest.mark.parametrize("what", ["file", "folder", "parent"])
def test_what_others_can_write_to_is_not_trusted(version, work, what):
    folder = keep_one(version, work)
    {"file": folder / NAME, "folder": folder, "parent": folder.parent}[what].chmod(0o777)

    assert ExecutableCache().bring(version).count == 0


def test_links_are_not_followed(version, work, tmp_path):
    folder = keep_one(version, work)
    (folder / NAME).rename(tmp_path / "elsewhere")
    (folder / NAME).symlink_to(tmp_path / "elsewhere")

    assert ExecutableCache().bring(version).count == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_what_another_user_owns_is_not_trusted(version, work):
    folder = keep_one(version, work)
    os.chown(folder / NAME, 12345, -1)

    assert ExecutableCache().bring(version).count == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"code",
        b"penstock executable 1\n",
        b"penstock executable 1\n[]\ncode",
        b'penstock executable 1\n{"name": "x", "bytes": 4, "sha256": "0"}\ncode',
        b"penstock executable 1\n" + b"[" * 5000,
    ],
)
def test_files_of_other_kinds_are_left(version, work, content):
    folder = keep_one(version, work)
    (folder / NAME).write_bytes(content)

    assert ExecutableCache().bring(version).count == 0
    assert list(work.iterdir()) == []


def test_a_file_under_another_name_is_left(version, work):
    folder = keep_one(version, work)
    (folder / NAME).rename(folder / NAME.replace("0", "1"))

    assert ExecutableCache().bring(version).count == 0


def test_a_model_that_others_write_to_has_its_executables_in_the_users_cache(
    version, work, tmp_path
):
    beside = version.parent / BESIDE
    beside.mkdir(parents=True)
    beside.chmod(0o777)

    folder = keep_one(version, work)

    assert not folder.exists() or kept(folder) == []
    assert len(kept(tmp_path / "home")) == 1
    assert ExecutableCache().bring(version).count == 1


def test_a_place_that_cannot_be_written_costs_nothing_but_time(version, work, tmp_path):
    (tmp_path / "file").write_text("no folder")
    (work / NAME).write_bytes(b"code")

    assert ExecutableCache(tmp_path / "file").keep(version, frozenset()) == 1
    assert ExecutableCache(tmp_path / "file").bring(version).count == 0


def test_a_cache_that_belongs_to_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    user_cache("executables").chmod(0o777)

    with pytest.raises(executables.OpError, match="nobody else may be able to write to it"):
        user_cache("executables")
