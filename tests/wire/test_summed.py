import numpy as np
import pytest

from penstock.wire import summed
from penstock.wire.crc32c import crc32c
from penstock.wire.summed import PIECE_BYTES, read_summed, write_summed

# On both sides of one piece, and of several.
SIZES = [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 1, 3 * PIECE_BYTES]


def some_bytes(size):
    return np.frombuffer(np.random.default_rng(size).bytes(size), np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_written_bytes_stand_behind_the_others_and_are_summed(tmp_path, size):
    raw = some_bytes(size)
    with (tmp_path / "file").open("wb") as file:
        file.write(b"head")
        checksum = write_summed(file, raw, 4)
        file.write(b"tail")

    assert (tmp_path / "file").read_bytes() == b"head" + raw.tobytes() + b"tail"
    assert checksum == crc32c(raw)


@pytest.mark.parametrize("size", SIZES)
def test_read_bytes_are_those_from_the_start_on(tmp_path, size):
    expected = some_bytes(size)
    (tmp_path / "file").write_bytes(b"head" + expected.tobytes() + b"tail")
    raw = np.zeros(size, np.uint8)
    with (tmp_path / "file").open("rb") as file:
        checksum = read_summed(file, raw, 4)

    assert raw.tobytes() == expected.tobytes()
    assert checksum == crc32c(expected)


@pytest.mark.parametrize("size", [10, 2 * PIECE_BYTES])
def test_a_file_that_ends_early_is_an_error(tmp_path, size):
    (tmp_path / "file").write_bytes(bytes(size))
    with (tmp_path / "file").open("rb") as file, pytest.raises(EOFError):
        read_summed(file, np.zeros(size, np.uint8), 1)


def test_a_system_that_reserves_nothing_writes_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(summed, "reserve", lambda *_: None)
    monkeypatch.setattr(summed, "start_writing", lambda *_: None)
    raw = some_bytes(2 * PIECE_BYTES)
    with (tmp_path / "file").open("wb") as file:
        write_summed(file, raw, 0)

    assert (tmp_path / "file").read_bytes() == raw.tobytes()
