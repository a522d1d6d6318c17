"""The structure of HDF5 files, as h5py tells it; and what must not be believed."""

import io
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from penstock.core.errors import DataLossError
from penstock.wire.hdf5 import UnfamiliarError, read_structure
from penstock.wire.hdf5.checksum import lookup3

VALUES = {
    "f4": np.arange(6, dtype="<f4").reshape(2, 3),
    "f8": np.float64(1.5),
    "big": np.arange(3, dtype=">i4"),
    "u1": np.zeros((0, 4), np.uint8),
    "half": np.zeros(3, np.float16),
    "flag": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "fixed": np.array([b"ab", b"cde"]),
    "pair": np.zeros(2, [("a", "<i2"), ("b", "<f4", (3,))]),
    "raw": np.zeros(2, "V2"),
}


def written(add, **settings):
    out = io.BytesIO()
    with h5py.File(out, "w", **settings) as file:
        add(file)
    return bytearray(out.getvalue())


def add_everything(file):
    file.attrs["keras_version"] = "3.15"
    file.attrs["fixed"] = np.bytes_(b"bytes")
    file.attrs["names"] = ["a", "bc"]
    file.attrs["numbers"] = np.arange(4)
    for name, value in VALUES.items():
        file.create_dataset(f"group/inner/{name}", data=value)
    file.create_dataset("texts", data=["x", "yy"], dtype=h5py.string_dtype())
    file["again"] = file["group/inner/f4"]
    file["soft"] = h5py.SoftLink("/group")
    file["other"] = h5py.ExternalLink("other.h5", "/x")
    file["group/back"] = file["group"]


def add_chunks(file):
    data = np.arange(1000.0).reshape(50, 20)
    file.create_dataset("packed", data=data, chunks=(7, 20), compression="gzip", shuffle=True)
    file.create_dataset("plain", data=data, chunks=(50, 3), maxshape=(None, 20))
    file.create_dataset("empty", shape=(5, 5), chunks=(1, 1), dtype="f4")
    file.create_dataset("unwritten", shape=(10,), dtype="i8")


def seen(file, name=""):
    """Names, types and shapes, as h5py tells them."""
    found = {}
    with h5py.File(file, "r") as opened:
        opened.visititems(
            lambda name, item: (
                found.update({name: (str(item.dtype), tuple(item.shape))})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def read(data):
    return read_structure(io.BytesIO(bytes(data)), "'x.h5'")


@pytest.mark.parametrize("add", [add_everything, add_chunks])
def test_datasets_are_those_that_h5py_tells(add):
    data = written(add)
    found = {each.name: (each.dtype, each.shape) for each in read(data).datasets}
    expected = seen(io.BytesIO(bytes(data)))

    # h5py visits an object by one of its names.
    assert expected.items() <= found.items()
    assert set(found) - set(expected) <= {"again", "other", "group/inner/f4"}


def test_links_to_other_files_are_named_and_not_followed():
    (link,) = (each for each in read(written(add_everything)).datasets if each.name == "other")

    assert (link.shape, link.note) == ((), "links to another file, not read")


def test_texts_of_the_root_are_read():
    assert read(written(add_everything)).attributes == {
        "keras_version": "3.15",
        "fixed": "bytes",
    }


def test_the_younger_form_of_small_groups_is_read():
    def add(file):
        file.attrs["keras_version"] = "3.15"
        file.create_dataset("a/b", data=np.arange(3))

    data = written(add, libver="latest")

    assert data[8] == 3
    assert [(each.name, each.shape) for each in read(data).datasets] == [("a/b", (3,))]
    assert read(data).attributes == {"keras_version": "3.15"}


def test_groups_of_the_younger_form_with_many_members_are_unfamiliar():
    def add(file):
        for number in range(20):
            file.create_dataset(str(number), data=1)

    with pytest.raises(UnfamiliarError, match="links in a heap"):
        read(written(add, libver="latest"))


def test_a_checksum_of_the_younger_form_that_does_not_agree_is_refused():
    data = written(lambda file: file.create_dataset("a", data=1), libver="latest")
    data[data.rindex(b"OHDR") + 20] ^= 1

    with pytest.raises(DataLossError, match="checksum"):
        read(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"", 0xDEADBEEF), (b"Four score and seven years ago", 0x17770551)],
)
def test_the_checksum_is_lookup3(text, expected):
    # Values from the comments of the function's author.
    assert lookup3(text) == expected


# -- lies ---


def lie(data, signature, offset, number, size=8):
    place = data.index(signature) + offset
    data[place : place + size] = number.to_bytes(size, "little")
    return data


def plain():
    return written(lambda file: file.create_dataset("a/b", data=np.arange(3.0)))


@pytest.mark.parametrize(
    ("signature", "offset", "number", "match"),
    [
        (b"HEAP", 8, 1 << 40, "of "),
        (b"HEAP", 24, 1 << 60, "lies at"),
        (b"HEAP", 16, 1 << 33, "free bytes"),
        (b"TREE", 6, 0xFFFF, "node"),
        (b"TREE", 32, 1 << 50, "lies at"),
        (b"SNOD", 6, 0x7FFF, "symbols"),
    ],
)
def test_lengths_and_addresses_outside_of_the_file_are_refused(
    signature, offset, number, match
):
    size = 2 if signature in {b"TREE", b"SNOD"} and offset == 6 else 8

    with pytest.raises(DataLossError, match=match):
        read(lie(plain(), signature, offset, number, size))


def test_a_tree_that_comes_back_to_itself_is_refused():
    data = plain()
    place = data.index(b"TREE")
    data[place + 5] = 1
    data[place + 32 : place + 40] = place.to_bytes(8, "little")

    with pytest.raises(DataLossError, match=r"is of kind|comes back"):
        read(data)


def test_a_list_of_free_bytes_without_end_is_refused():
    data = plain()
    place = data.index(b"HEAP")
    size, free, address = struct.unpack_from("<QQQ", data, place + 8)
    struct.pack_into("<QQ", data, address + free, free, size - free)

    with pytest.raises(DataLossError, match="free bytes"):
        read(data)


def test_a_dataset_larger_than_the_file_is_refused():
    data = plain()
    place = data.index(struct.pack("<QQ", 3, 3))
    struct.pack_into("<QQ", data, place, 1 << 40, 1 << 40)

    with pytest.raises(DataLossError, match="are stored"):
        read(data)


@pytest.mark.parametrize("size", [0, 7, 8, 60, 95])
def test_a_cut_file_is_refused(size):
    with pytest.raises(DataLossError):
        read(plain()[:size])


def test_files_of_others_are_read_as_h5py_does():
    folder = Path(h5py.__file__).parent / "tests" / "data_files"
    if not folder.is_dir():
        pytest.skip("h5py came without its test files")
    for path in sorted(folder.glob("*.h5")):
        with path.open("rb") as file:
            found = {each.name for each in read_structure(file, path.name).datasets}

        assert found == set(seen(path)), path.name
