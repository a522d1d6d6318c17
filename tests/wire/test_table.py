import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DataLossError, InvalidArgumentError
from penstock.wire import snappy
from penstock.wire.table import Table, TableWriter
from tests.wire.golden import GOLDEN


def write(items, **options):
    file = io.BytesIO()
    writer = TableWriter(file, **options)
    for key, value in items:
        writer.add(key, value)
    writer.finish()
    return file.getvalue()


@pytest.mark.parametrize("name", ["all.index", "sharded.index"])
def test_a_table_is_written_byte_for_byte_as_tensorflow_does(name):
    data = (GOLDEN / "ckpt" / name).read_bytes()

    assert write(Table(data)) == data


@given(
    st.dictionaries(st.binary(max_size=12), st.binary(max_size=40)),
    st.sampled_from([1, 100, 1000]),
)
def test_what_was_written_is_read_in_order(items, block_bytes):
    expected = sorted(items.items())

    assert list(Table(write(expected, block_bytes=block_bytes))) == expected


def test_keys_must_rise():
    with pytest.raises(InvalidArgumentError, match="above"):
        write([(b"b", b""), (b"a", b"")])


@pytest.mark.parametrize("position", [0, 3, 40, -60, -49, -48, -1])
def test_a_changed_byte_is_found(position):
    data = bytearray(write([(b"key%02d" % i, b"value") for i in range(20)]))
    data[position] ^= 0x55

    with pytest.raises(DataLossError):
        list(Table(bytes(data)))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 200])
def test_a_part_of_a_table_is_refused(size):
    data = write([(b"key%02d" % i, b"value") for i in range(50)])

    with pytest.raises(DataLossError):
        list(Table(data[:size]))


# Written by hand from the format description: a length, then literals and copies.
SNAPPY = {
    b"\x00": b"",
    b"\x03\x08abc": b"abc",
    b"\x0a\x04ab\x1e\x02\x00": b"ab" * 5,
    b"\x08\x0cabcd\x01\x04": b"abcdabcd",
    b"\x46\xf0\x3c" + b"x" * 61 + b"\x22\x3d\x00": b"x" * 70,
    b"\x06\x08abc\x0b\x03\x00\x00\x00": b"abcabc",
}


@pytest.mark.parametrize("data", SNAPPY, ids=bytes.hex)
def test_snappy_blocks_are_decompressed(data):
    assert snappy.decompress(data) == SNAPPY[data]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 11, b"\x05\x08abc", b"\x03\x0cabc", b"\x04\x00a\x05\x00", b"\x04\x00a\x05",
     b"\x04\x00a\x09\x05", b"\xff\xff\xff\xff\x0f\x00a", b"\x02\x08abc", b"\x02\xf4\x01"],
    ids=bytes.hex,
)  # fmt: skip
def test_damaged_snappy_blocks_are_refused(data):
    with pytest.raises(DataLossError):
        snappy.decompress(data)
