"""Executables are kept for the next process, in a bounded folder that processes can share."""

import os
import subprocess
import sys

import pytest

from penstock.runtime.executable_store import default_folder, remove_oldest

_PROGRAM = """
import jax.monitoring
hits = []
note = lambda name, **_: hits.append(name.endswith("cache_hits"))
jax.monitoring.register_event_listener(note)
import penstock as tf

@tf.function(autograph=False)
def f(x):
    for _ in range(3):
        x = tf.nn.softmax(tf.linalg.matmul(x, x) + tf.math.erf(x))
    return tf.linalg.matmul(x, tf.sin(x))

print(float(tf.reduce_sum(f(tf.reshape(tf.range(4096.0), [64, 64])))), sum(hits))
"""


def _name(letter):
    return f"jit_f-{letter * 64}-cache"


def _start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PENSTOCK_EXECUTABLES": str(folder)},
    )


def _run(folder):
    process = _start(folder)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert errors == ""
    value, hits = out.split()
    return float(value), int(hits)


def _files(folder):
    return sorted(path for path in folder.rglob("*-cache"))


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    value, hits = _run(tmp_path)
    assert hits == 0
    assert len(_files(tmp_path)) == 1
    again, hits = _run(tmp_path)
    assert (again, hits) == (value, 1)


def test_a_damaged_executable_is_compiled_again(tmp_path):
    value, _ = _run(tmp_path)
    (path,) = _files(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    assert _run(tmp_path) == (value, 0)


def test_processes_that_start_together_all_answer_right(tmp_path):
    processes = [_start(tmp_path) for _ in range(3)]
    answers = []
    for process in processes:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        answers.append(out.split()[0])
    assert len(set(answers)) == 1


def test_the_files_used_longest_ago_are_removed_first(tmp_path):
    for age, letter in enumerate("abcd"):
        path = tmp_path / _name(letter)
        path.write_bytes(bytes(100))
        os.utime(path, (1000 - age, 1000 - age))
    (tmp_path / "notes.txt").write_bytes(bytes(1000))
    assert remove_oldest(tmp_path, 250) == 2
    assert {path.name for path in tmp_path.iterdir()} == {_name("a"), _name("b"), "notes.txt"}
    assert remove_oldest(tmp_path, 250) == 0


def test_the_folder_is_named_by_jaxlib_and_belongs_to_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_EXECUTABLES", str(tmp_path / "kept"))
    folder = default_folder()
    assert folder is not None
    assert folder.parent == tmp_path / "kept"
    assert folder.name.startswith("jaxlib-")


@pytest.mark.skipif(sys.platform == "win32", reason="modes of folders are those of POSIX")
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_EXECUTABLES", str(tmp_path))
    tmp_path.chmod(0o777)
    assert default_folder() is None


def test_zero_turns_it_off(monkeypatch):
    monkeypatch.setenv("PENSTOCK_EXECUTABLES", "0")
    assert default_folder() is None
