"""Versions in object stores, played by fsspec's files in memory."""

import fsspec
import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError, UnavailableError
from penstock.serving.remote_source import RemoteStoragePathSource
from penstock.serving.source import every_version


@pytest.fixture
def store():
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def put(store, version, **contents):
    for name, content in contents.items():
        store.pipe(f"/models/m/{version}/{name.replace('__', '/')}", content)


def put_model(store, version, data=b"data"):
    put(store, version, variables__shard=data)
    store.pipe(f"/models/m/{version}/saved_model.pb", b"graph")


def source(tmp_path, **options):
    return RemoteStoragePathSource("m", "memory://models/m", tmp_path / "cache", **options)


def files_of(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_the_latest_version_is_found_and_fetched(store, tmp_path):
    put_model(store, 1)
    put_model(store, 12, b"newer")
    it = source(tmp_path)

    found = it.poll()
    assert list(found) == [12]
    assert not found[12].exists()
    it.prepare(12)

    assert files_of(found[12]) == {"saved_model.pb": b"graph", "variables/shard": b"newer"}


def test_the_policy_chooses_among_them(store, tmp_path):
    put_model(store, 1)
    put_model(store, 2)

    assert list(source(tmp_path, policy=every_version).poll()) == [1, 2]


def test_a_version_whose_main_file_is_not_there_yet_waits(store, tmp_path):
    put(store, 3, variables__shard=b"data")
    it = source(tmp_path)

    assert it.poll() == {}
    store.pipe("/models/m/3/saved_model.pb", b"graph")

    assert list(it.poll()) == [3]


def test_an_empty_store_is_an_error(store, tmp_path):
    with pytest.raises(NotFoundError, match="'memory://models/m' of model 'm' is not a folder"):
        source(tmp_path).poll()


def test_what_is_here_is_not_fetched_again(store, tmp_path):
    put_model(store, 1)
    source(tmp_path).prepare(1)
    folder = source(tmp_path).poll()[1]
    (folder / "mark").write_text("still here")

    source(tmp_path).prepare(1)

    assert (folder / "mark").exists()


def test_a_version_that_was_written_anew_is_fetched_again(store, tmp_path):
    put_model(store, 1)
    source(tmp_path).prepare(1)
    put_model(store, 1, b"other and longer")

    source(tmp_path).prepare(1)

    folder = source(tmp_path).poll()[1]
    assert (folder / "variables" / "shard").read_bytes() == b"other and longer"


def test_a_fetch_that_fails_leaves_nothing(store, tmp_path, monkeypatch):
    put_model(store, 1)
    it = source(tmp_path)
    monkeypatch.setattr(
        type(store), "_open", lambda *a, **k: (_ for _ in ()).throw(LookupError("too slow"))
    )

    with pytest.raises(UnavailableError, match="m/1' cannot be read: LookupError: too slow"):
        it.prepare(1)

    assert [p for p in (tmp_path / "cache").rglob("*") if p.name.startswith((".1", "1"))] == []


def test_what_changes_while_it_is_fetched_is_left_for_later(store, tmp_path, monkeypatch):
    put_model(store, 1)
    it = source(tmp_path)
    opened = type(store)._open

    def change_after(files, path, *args, **kwargs):
        file = opened(files, path, *args, **kwargs)
        if path.endswith("shard"):
            files.pipe("/models/m/1/another", b"file")
        return file

    monkeypatch.setattr(type(store), "_open", change_after)

    with pytest.raises(UnavailableError, match="changed while it was fetched"):
        it.prepare(1)

    assert not it.poll()[1].exists()


def test_released_versions_are_removed(store, tmp_path):
    put_model(store, 1)
    it = source(tmp_path)
    it.prepare(1)

    it.release(1)

    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []


def test_names_that_would_leave_the_folder_are_refused(store, tmp_path, monkeypatch):
    put_model(store, 1)
    it = source(tmp_path)
    listed = type(store).ls
    evil = {"name": "/models/m/1/..", "size": 3, "type": "file"}

    def ls(files, path, detail=True, **kwargs):
        found = listed(files, path, detail=detail, **kwargs)
        if path.rstrip("/").endswith("m/1"):
            found = [*found, evil if detail else evil["name"]]
        return found

    monkeypatch.setattr(type(store), "ls", ls)

    with pytest.raises(InvalidArgumentError, match=r"must not have a file named '\.\.'"):
        it.prepare(1)
