"""Versions on disk."""

import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.source import (
    FileSystemStoragePathSource,
    Latest,
    Specific,
    every_version,
)


@pytest.fixture
def base(tmp_path):
    for name in ("1", "3", "20", "tmp", "-4", "5x", "1.5", "٣", ".7"):
        (tmp_path / name).mkdir()
    (tmp_path / "30").write_text("a file")
    (tmp_path / str(1 << 63)).mkdir()
    return tmp_path


def versions(base, policy=None):
    return list(FileSystemStoragePathSource("m", base, policy).poll())


def test_the_latest_version_is_the_highest_number(base):
    assert versions(base) == [20]


def test_a_version_is_found_with_its_folder(base):
    assert FileSystemStoragePathSource("m", base).poll() == {20: base / "20"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Latest(2), [3, 20]),
        (Latest(9), [1, 3, 20]),
        (every_version, [1, 3, 20]),
        (Specific(frozenset({3, 4})), [3]),
    ],
)
def test_the_policy_chooses(base, policy, expected):
    assert versions(base, policy) == expected


def test_no_folder_is_no_version(tmp_path):
    assert versions(tmp_path) == []


def test_a_base_path_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(NotFoundError, match="of model 'm' is not a folder"):
        versions(tmp_path / "none")


def test_a_model_in_place_of_its_versions_is_an_error_that_helps(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    (tmp_path / "variables").mkdir()

    with pytest.raises(InvalidArgumentError, match="is a SavedModel itself; move it into"):
        versions(tmp_path)


def test_at_least_one_version_must_be_wanted():
    with pytest.raises(InvalidArgumentError, match="num_versions must be at least 1, got 0"):
        Latest(0)
