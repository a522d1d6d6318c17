import shutil
import struct

import ml_dtypes
import numpy as np
import pytest

from penstock.core import dtypes
from penstock.core.errors import (
    AlreadyExistsError,
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from penstock.wire import protos
from penstock.wire.bundle import BundleReader, BundleWriter, data_name, merge_bundles
from penstock.wire.files import AtomicFile
from penstock.wire.ordered_code import encode_number, encode_signed, encode_string
from penstock.wire.table import Table, TableWriter
from tests.wire.golden import GOLDEN, assert_identical, expected_array, load_json

EXPECTED = load_json("ckpt/all.json")
ROWS = np.arange(9100 * 2, dtype=np.int64).astype(np.int8).reshape(9100, 2)


@pytest.fixture
def copied(tmp_path):
    """A checkpoint of TensorFlow's that a test may damage."""
    shutil.copytree(GOLDEN / "ckpt", tmp_path / "ckpt")
    return tmp_path / "ckpt"


def change_entry(index, key, **fields):
    """Change what an index says of a key, with all checksums right."""
    items = dict(Table(index.read_bytes()))
    kind = protos.BundleEntryProto if key else protos.BundleHeaderProto
    message = kind.FromString(items[key])
    for name, value in fields.items():
        if isinstance(value, dict):
            getattr(message, name).CopyFrom(type(getattr(message, name))(**value))
        else:
            setattr(message, name, value)
    items[key] = message.SerializeToString()
    with index.open("wb") as file:
        writer = TableWriter(file)
        for each in sorted(items.items()):
            writer.add(*each)
        writer.finish()


def test_a_checkpoint_lists_its_tensors():
    reader = BundleReader(GOLDEN / "ckpt/all")

    assert reader.keys() == sorted(EXPECTED)
    assert {key: shape.as_list() for key, shape in reader.shape_map().items()} == {
        key: described["shape"] for key, described in EXPECTED.items()
    }
    assert len(reader) == len(EXPECTED)
    assert "scalar" in reader
    assert "scala" not in reader


@pytest.mark.parametrize("key", EXPECTED)
def test_tensorflows_tensors_are_read(key):
    reader = BundleReader(GOLDEN / "ckpt/all")
    dtype, shape = reader.dtype_and_shape(key)

    assert_identical(reader.read(key), expected_array(EXPECTED[key], dtype))
    assert shape.as_list() == EXPECTED[key]["shape"]


def test_a_checkpoint_is_written_byte_for_byte_as_tensorflow_does(tmp_path):
    reader = BundleReader(GOLDEN / "ckpt/all")
    in_file_order = sorted(reader, key=lambda key: (reader.entry(key).message.offset, key))

    with BundleWriter(tmp_path / "all") as writer:
        for key in in_file_order:
            writer.add(key, reader.read(key), reader.dtype_and_shape(key)[0])

    for name in ("all.index", "all.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == (GOLDEN / "ckpt" / name).read_bytes()


def test_a_partitioned_tensor_is_read_as_a_whole():
    reader = BundleReader(GOLDEN / "ckpt/sharded")

    assert reader.keys() == ["alone", "rows"]
    assert_identical(reader.read("rows"), ROWS)
    assert_identical(reader.read("alone"), np.array([1, 2], np.int32))


def test_a_part_of_a_tensor_is_read():
    reader = BundleReader(GOLDEN / "ckpt/sharded")

    assert_identical(reader.read_slice("rows", (50, 1), (30, -1)), ROWS[50:80, 1:])
    with pytest.raises(InvalidArgumentError, match="must lie within"):
        reader.read_slice("rows", (9090, 0), (20, -1))


def test_partitioned_tensors_can_be_written(tmp_path):
    with BundleWriter(tmp_path / "parts") as writer:
        for start in (0, 60, 9000):
            part = ROWS[start : {0: 60, 60: 9000, 9000: 9100}[start]]
            writer.add_slice("rows", ROWS.shape, (start, 0), part)

    assert_identical(BundleReader(tmp_path / "parts").read("rows"), ROWS)


def test_a_slice_that_is_the_whole_is_an_ordinary_tensor(tmp_path):
    with BundleWriter(tmp_path / "whole") as writer:
        writer.add_slice("rows", (2, 2), (0, 0), np.eye(2))

    reader = BundleReader(tmp_path / "whole")
    assert not reader.entry("rows").message.slices
    assert_identical(reader.read("rows"), np.eye(2))


def test_bundles_are_merged_and_keep_their_slices(tmp_path):
    for i, (start, stop) in enumerate([(0, 70), (70, 9100)]):
        with BundleWriter(tmp_path / f"part{i}") as writer:
            writer.add_slice("rows", ROWS.shape, (start, 0), ROWS[start:stop])
            writer.add(f"own{i}", np.float32(i))

    merge_bundles([tmp_path / "part0", tmp_path / "part1"], tmp_path / "merged")

    reader = BundleReader(tmp_path / "merged")
    assert reader.keys() == ["own0", "own1", "rows"]
    assert_identical(reader.read("rows"), ROWS)
    assert reader.read("own1") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "merged.data-00000-of-00002",
        "merged.data-00001-of-00002",
        "merged.index",
    ]


def test_bundles_that_share_a_name_are_not_merged(tmp_path):
    for part in ("a", "b"):
        with BundleWriter(tmp_path / part) as writer:
            writer.add("same", np.zeros(2))

    with pytest.raises(AlreadyExistsError, match="same"):
        merge_bundles([tmp_path / "a", tmp_path / "b"], tmp_path / "merged")
    assert BundleReader(tmp_path / "a").read("same").tolist() == [0, 0]


def test_dtypes_without_a_numpy_name_keep_their_bits(tmp_path):
    values = np.arange(-8, 8).astype(ml_dtypes.int4)
    quantized = np.arange(4, dtype=np.int8)
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("int4", values)
        writer.add("qint8", quantized, dtypes.qint8)

    reader = BundleReader(tmp_path / "c")
    assert_identical(reader.read("int4"), values)
    assert reader.dtype_and_shape("qint8")[0] is dtypes.qint8
    assert_identical(reader.read("qint8"), quantized.view(dtypes.qint8.np))


def test_nothing_is_at_the_prefix_before_finish(tmp_path):
    writer = BundleWriter(tmp_path / "sub/c")
    writer.add("x", np.ones(3))

    with pytest.raises(NotFoundError):
        BundleReader(tmp_path / "sub/c")
    writer.finish()
    assert BundleReader(tmp_path / "sub/c").read("x").tolist() == [1, 1, 1]


def test_an_interrupted_writer_leaves_the_old_checkpoint(tmp_path):
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("x", np.ones(3))
    before = sorted(path.name for path in tmp_path.iterdir())

    def interrupted():
        with BundleWriter(tmp_path / "c") as writer:
            writer.add("x", np.zeros(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert BundleReader(tmp_path / "c").read("x").tolist() == [1, 1, 1]


def test_names_and_dtypes_that_no_file_can_hold_are_refused(tmp_path):
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("x", np.ones(3))
        with pytest.raises(AlreadyExistsError, match="'x'"):
            writer.add("x", np.ones(3))
        with pytest.raises(InvalidArgumentError):
            writer.add("", np.ones(3))
        with pytest.raises(InvalidArgumentError):
            writer.add("\x00slice", np.ones(3))
        with pytest.raises(UnimplementedError, match="variant"):
            writer.add("v", np.ones(3), dtypes.variant)
        with pytest.raises(InvalidArgumentError, match="float32"):
            writer.add("f", np.ones(3), dtypes.float32)
        with pytest.raises(InvalidArgumentError, match="strings"):
            writer.add("o", np.array([1, None], object))
        with pytest.raises(InvalidArgumentError, match="lie within"):
            writer.add_slice("s", (2, 2), (1, 0), np.ones((2, 2)))
    with pytest.raises(FailedPreconditionError, match="finished"):
        writer.add("y", np.ones(3))


def test_a_missing_checkpoint_tensor_or_file_is_not_found(copied):
    with pytest.raises(NotFoundError, match=r"no\.index"):
        BundleReader(copied / "no")
    with pytest.raises(NotFoundError, match="'nothing' among"):
        BundleReader(copied / "all").read("nothing")
    (copied / "all.data-00000-of-00001").unlink()
    with pytest.raises(NotFoundError, match="data-00000"):
        BundleReader(copied / "all").read("scalar")


@pytest.mark.parametrize("key", ["dtype/float32", "dtype/string", "scalar"])
def test_changed_values_are_found(copied, key):
    path = copied / "all.data-00000-of-00001"
    message = BundleReader(copied / "all").entry(key).message
    for position in range(message.offset, message.offset + message.size):
        data = bytearray(path.read_bytes())
        data[position] ^= 0x10
        path.write_bytes(data)

        with pytest.raises(DataLossError):
            BundleReader(copied / "all").read(key)

        data[position] ^= 0x10
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("scalar", {"size": 1 << 50}),
        ("scalar", {"offset": 1 << 50}),
        ("scalar", {"offset": -8}),
        ("scalar", {"size": -1}),
        ("scalar", {"shard_id": 7}),
        ("scalar", {"shard_id": -1}),
        ("scalar", {"dtype": 999}),
        ("scalar", {"shape": {"dim": [{"size": 1 << 60}]}}),
        ("scalar", {"shape": {"dim": [{"size": -1}]}}),
        ("scalar", {"shape": {"unknown_rank": True}}),
        ("dtype/string", {"shape": {"dim": [{"size": 1 << 60}]}}),
        ("dtype/string", {"shape": {"dim": [{"size": 3}]}}),
        ("dtype/string", {"dtype": 1}),
    ],
    ids=str,
)
def test_entries_that_make_no_sense_are_refused(copied, key, fields):
    change_entry(copied / "all.index", key.encode(), **fields)

    with pytest.raises((DataLossError, InvalidArgumentError)):
        BundleReader(copied / "all").read(key)


def test_slices_that_make_no_sense_are_refused(copied):
    for fields in (
        {"shape": {"dim": [{"size": 1 << 40}, {"size": 2}]}},
        {"shape": {"dim": [{"size": 9101}, {"size": 2}]}},
        {"shape": {"dim": [{"size": 9100}]}},
        {"shape": {"dim": [{"size": 100}, {"size": 2}]}},
    ):
        change_entry(copied / "sharded.index", b"rows", **fields)
        with pytest.raises((DataLossError, InvalidArgumentError)):
            BundleReader(copied / "sharded").read("rows")


def test_variants_and_foreign_bundles_are_refused(copied):
    change_entry(copied / "all.index", b"scalar", dtype=21)
    with pytest.raises(UnimplementedError, match="variant"):
        BundleReader(copied / "all").read("scalar")
    change_entry(copied / "all.index", b"", version={"min_consumer": 9})
    with pytest.raises(UnimplementedError, match="version"):
        BundleReader(copied / "all")
    change_entry(copied / "all.index", b"", version={}, endianness=1)
    with pytest.raises(UnimplementedError, match="little-endian"):
        BundleReader(copied / "all")


def test_a_table_without_a_header_is_no_checkpoint(tmp_path):
    with (tmp_path / "c.index").open("wb") as file:
        TableWriter(file).finish()

    with pytest.raises(DataLossError, match="header"):
        BundleReader(tmp_path / "c")


def test_data_files_are_named_as_tensorflow_does():
    assert data_name("ckpt-7", 3, 12) == "ckpt-7.data-00003-of-00012"


# Published with the format: the bytes start with as many ones as there are bytes.
SIGNED = {
    0: "80",
    1: "81",
    -1: "7f",
    63: "bf",
    -64: "40",
    64: "c040",
    -65: "3fbf",
    8192: "e02000",
}


@pytest.mark.parametrize("value", SIGNED)
def test_signed_numbers_are_encoded_by_their_length(value):
    assert encode_signed(value).hex() == SIGNED[value]


def test_encodings_sort_as_their_values():
    extremes = [
        -(2**63),
        -(2**40),
        -8193,
        -65,
        -64,
        -1,
        0,
        1,
        63,
        64,
        8191,
        8192,
        2**40,
        2**63 - 1,
    ]
    strings = [b"", b"\x00", b"\x00\xff", b"a", b"a\x00", b"ab", b"\xff"]

    assert sorted(extremes, key=encode_signed) == extremes
    assert sorted(map(abs, extremes), key=encode_number) == sorted(map(abs, extremes))
    assert sorted(strings, key=encode_string) == strings


def test_values_are_little_endian_on_disk(tmp_path):
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("x", np.array([1, 2], ">i4"))

    assert (tmp_path / "c.data-00000-of-00001").read_bytes() == struct.pack("<2i", 1, 2)


def test_values_are_never_written_over_those_that_an_index_refers_to(tmp_path):
    prefix = tmp_path / "ckpt"
    for number in range(4):
        before = {p: p.read_bytes() for p in tmp_path.glob("*.data-*")}
        writer = BundleWriter(prefix)
        writer.add("a", np.full(3, number))
        index = writer_index_commit(writer, tmp_path, before)

        assert index == before
        np.testing.assert_array_equal(BundleReader(prefix).read("a"), [number] * 3)


def writer_index_commit(writer, folder, before):
    """Finish, and give the earlier values as they were just before the new index counted."""
    seen = {}
    original = AtomicFile.commit

    def commit(self, path=None):
        if self.path.name.endswith(".index"):
            seen.update({p: p.read_bytes() for p in before if p.exists()})
        original(self, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AtomicFile, "commit", commit)
        writer.finish()
    return seen


def test_only_the_files_of_the_newest_writing_stay(tmp_path):
    for _ in range(3):
        with BundleWriter(tmp_path / "ckpt") as writer:
            writer.add("a", np.zeros(3))

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["ckpt.data-00000-of-00001", "ckpt.index"]


def test_a_tensor_is_found_in_the_shard_that_was_started_for_it(tmp_path):
    with BundleWriter(tmp_path / "ckpt") as writer:
        writer.add("a", np.arange(3))
        writer.start_shard()
        writer.add("b", np.arange(4))

    assert (tmp_path / "ckpt.data-00001-of-00002").stat().st_size == 32
    np.testing.assert_array_equal(BundleReader(tmp_path / "ckpt").read("b"), np.arange(4))
