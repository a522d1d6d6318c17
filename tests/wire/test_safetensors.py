import json

import ml_dtypes
import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire.safetensors import holds, read_places, read_tensors, write_tensors

# Made by hand from the description of the format.
HEADER = json.dumps(
    {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "BF16", "shape": [2], "data_offsets": [8, 12]},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
    }
).encode()
VALUES = np.float32([1, 2]).tobytes() + np.array([3, 4], ml_dtypes.bfloat16).tobytes()
FILE = len(HEADER).to_bytes(8, "little") + HEADER + VALUES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.safetensors"


def test_tensors_are_read_in_the_order_of_their_values(path):
    path.write_bytes(FILE)

    (a_name, a), (b_name, b) = read_tensors(path)

    assert (a_name, b_name) == ("a", "b")
    np.testing.assert_array_equal(a, [[1, 2]])
    assert b.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(b.astype(np.float32), [3, 4])


def test_what_is_written_follows_the_description(path):
    arrays = {"x": np.arange(3, dtype=np.int16), "y": np.array(True)}
    specs = {"x": (dtypes.int16, (3,)), "y": (dtypes.bool, ())}

    write_tensors(path, specs, iter(arrays.items()))

    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    assert json.loads(data[8 : 8 + length]) == {
        "x": {"dtype": "I16", "shape": [3], "data_offsets": [0, 6]},
        "y": {"dtype": "BOOL", "shape": [], "data_offsets": [6, 7]},
    }
    assert data[8 + length :] == arrays["x"].tobytes() + b"\x01"


def test_strings_have_no_place(path):
    assert not holds(dtypes.string)
    with pytest.raises(InvalidArgumentError, match="no safetensors file can hold"):
        write_tensors(path, {"s": (dtypes.string, ())}, iter([]))
    with pytest.raises(InvalidArgumentError, match="must have shape"):
        write_tensors(path, {"x": (dtypes.int8, (2,))}, iter([("x", np.zeros(3, np.int8))]))
    assert not path.exists()


def entry(**changes):
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 3},
        entry(dtype="F31"),
        entry(shape=[3]),
        entry(shape=[-2]),
        entry(shape="ab"),
        entry(data_offsets=[0, 1 << 40], shape=[1 << 38]),
        entry(data_offsets=[8, 0]),
        entry(data_offsets=[-8, 0]),
    ],
)
def test_headers_that_do_not_fit_are_refused(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))

    with pytest.raises(DataLossError):
        read_places(path)


@pytest.mark.parametrize("data", [b"", b"\xff" * 8 + b"{}", bytes(8), FILE[:40]])
def test_damaged_files_are_refused(path, data):
    path.write_bytes(data)

    with pytest.raises(DataLossError):
        read_places(path)


def test_a_missing_file_is_told(path):
    with pytest.raises(NotFoundError):
        read_places(path)
