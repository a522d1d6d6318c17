"""Files of other schemes, kept in memory by fsspec."""

import secrets

import pytest

import penstock as tf
from penstock.core import errors

pytest.importorskip("fsspec", reason="names with a scheme need the extra 'remote'")
gfile = tf.io.gfile


@pytest.fixture
def place():
    return f"ram://{secrets.token_hex(4)}"


def test_files_in_memory_are_written_found_and_removed(place):
    with gfile.GFile(f"{place}/a/one.txt", "w") as file:
        file.write("1\n2")
    tf.io.write_file(f"{place}/a/two.dat", b"\x00")

    assert gfile.exists(f"{place}/a/one.txt")
    assert gfile.isdir(f"{place}/a")
    assert gfile.listdir(f"{place}/a") == ["one.txt", "two.dat"]
    assert gfile.glob(f"{place}/a/*.txt") == [f"{place}/a/one.txt"]
    assert gfile.stat(f"{place}/a/one.txt").length == 3
    assert tf.io.read_file(f"{place}/a/two.dat").numpy() == b"\x00"

    gfile.rename(f"{place}/a/two.dat", f"{place}/a/three.dat")
    gfile.remove(f"{place}/a/one.txt")
    assert gfile.listdir(f"{place}/a") == ["three.dat"]

    gfile.rmtree(place)
    assert not gfile.exists(f"{place}/a/three.dat")


def test_files_go_from_one_system_to_another(place, tmp_path):
    local = tmp_path / "file.txt"
    local.write_text("text")

    gfile.copy(local, f"{place}/copy.txt")
    gfile.rename(f"{place}/copy.txt", tmp_path / "back.txt")

    assert (tmp_path / "back.txt").read_text() == "text"
    assert not gfile.exists(f"{place}/copy.txt")


def test_a_missing_file_is_not_found(place):
    with pytest.raises(errors.NotFoundError):
        tf.io.read_file(f"{place}/nothing")
    with pytest.raises(errors.NotFoundError):
        gfile.listdir(f"{place}/nothing")


def test_an_unknown_scheme_is_named():
    with pytest.raises(errors.UnimplementedError, match="'nowhere'"):
        gfile.exists("nowhere://file")
