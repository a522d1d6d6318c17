import io
import zipfile

import numpy as np
import pytest

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire.npz import read_arrays, read_headers, write_arrays

ARRAYS = {
    "plain": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/b": np.float64(2.5),
    "turned": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "empty": np.zeros((0, 3), np.int8),
}


def test_what_numpy_wrote_is_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)

    found = dict(read_arrays(tmp_path / "a.npz"))

    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    assert {header.name: header.shape for header in read_headers(tmp_path / "a.npz")} == {
        name: np.shape(array) for name, array in ARRAYS.items()
    }


def test_numpy_reads_what_is_written(tmp_path):
    write_arrays(tmp_path / "a.npz", ((name, np.asarray(a)) for name, a in ARRAYS.items()))

    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert sorted(found) == sorted(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)


def test_pickled_objects_are_neither_read_nor_written(tmp_path):
    np.savez(tmp_path / "a.npz", evil=np.array([print], object))

    assert read_headers(tmp_path / "a.npz")[0].is_pickled
    with pytest.raises(InvalidArgumentError, match="pickled and could run any code"):
        list(read_arrays(tmp_path / "a.npz"))
    with pytest.raises(InvalidArgumentError, match="holds objects"):
        write_arrays(tmp_path / "b.npz", [("x", np.array([None]))])
    assert not (tmp_path / "b.npz").exists()


def test_a_false_size_is_refused_before_anything_is_allocated(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("big.npy", header.getvalue())

    with pytest.raises(DataLossError, match="must take 8796093022208 bytes"):
        list(read_arrays(tmp_path / "a.npz"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)

    with pytest.raises(DataLossError):
        read_headers(tmp_path / "a.npz")
    with pytest.raises(NotFoundError):
        read_headers(tmp_path / "none.npz")
