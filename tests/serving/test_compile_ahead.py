"""A version is compiled by another process, and this one finds the executables."""

import json
import os
import subprocess
import sys
import time

import pytest

from penstock.core.errors import NotFoundError
from penstock.serving.compile_ahead import compile_ahead
from penstock.serving.executables import ExecutableCache
from penstock.serving.loader import SavedModelLoader
from tests.serving.test_executables import PROGRAM, ROOT, kept, python, saved  # noqa: F401


def test_what_the_other_process_compiled_is_found(saved, tmp_path, monkeypatch):  # noqa: F811
    place = tmp_path / "executables"

    assert compile_ahead(saved / "1", (1, 4), place, with_warm_up=True)

    files = kept(place)
    # One for each size.
    assert len(files) == 2
    found = json.loads(python(PROGRAM, saved / "1", place))
    assert found["hits"] >= 2
    assert [file for file in kept(place) if file in files] == files
    assert was_asked(saved / "1", (1, 4), place, monkeypatch) == 0
    assert was_asked(saved / "1", (1, 8), place, monkeypatch) == 1


def was_asked(path, sizes, place, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "penstock.serving.loader.compile_ahead", lambda *args, **__: asked.append(args)
    )
    SavedModelLoader(sizes, ExecutableCache(place)).compile_ahead(path, lambda: False)
    return len(asked)


def test_a_version_that_does_not_load_is_left_to_whoever_asked(tmp_path):
    (tmp_path / "1").mkdir()

    assert not compile_ahead(tmp_path / "1", (1,), tmp_path / "e", with_warm_up=True)
    assert kept(tmp_path) == []


def test_it_gives_up_when_the_server_stops(saved, tmp_path):  # noqa: F811
    start = time.monotonic()

    assert not compile_ahead(
        saved / "1", (1,), tmp_path, with_warm_up=True, is_stopping=lambda: True
    )
    assert time.monotonic() - start < 2


def test_it_ends_with_the_process_that_asked(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "penstock.serving.compiling_process"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    task = {"path": str(tmp_path), "sizes": [1], "place": None, "with_warm_up": False}
    child.stdin.write(json.dumps(task).encode() + b"\n")
    child.stdin.close()

    assert child.wait(30) == 1


def test_a_loader_without_a_cache_asks_nobody(saved, monkeypatch):  # noqa: F811
    asked = []
    monkeypatch.setattr(
        "penstock.serving.loader.compile_ahead", lambda *_, **__: asked.append(1)
    )

    SavedModelLoader((1,)).compile_ahead(saved / "1", lambda: False)

    assert asked == []


def test_what_is_compiled_already_is_not_asked_for_again(saved, tmp_path, monkeypatch):  # noqa: F811
    asked = []
    monkeypatch.setattr(
        "penstock.serving.loader.compile_ahead", lambda *args, **__: asked.append(args)
    )
    monkeypatch.setattr(ExecutableCache, "bring", lambda *_: type("B", (), {"count": 0})())
    monkeypatch.setattr(SavedModelLoader, "_keep", lambda *_: None)
    loader = SavedModelLoader((1, 2), ExecutableCache(tmp_path))

    loader.compile_ahead(saved / "1", lambda: False)
    model = loader.load("m", 1, saved / "1")
    loader.compile_ahead(saved / "1", lambda: False)

    assert [args[:3] for args in asked] == [(saved / "1", (1, 2), tmp_path)]
    assert model.close() is False


def test_a_version_that_is_not_there_is_told(tmp_path):
    loader = SavedModelLoader((1,), ExecutableCache(tmp_path))
    with pytest.raises(NotFoundError):
        loader.compile_ahead(tmp_path / "none", lambda: False)
