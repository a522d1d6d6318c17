import gzip
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from penstock.wire.crc32c import masked_crc32c
from penstock.wire.record_options import TFRecordCompressionType, TFRecordOptions
from penstock.wire.records import RecordReader, TFRecordWriter, frame, read_records
from tests.wire.golden import GOLDEN, RECORDS

KINDS = {
    "": "records.tfrecord",
    "GZIP": "records.gzip.tfrecord",
    "ZLIB": "records.zlib.tfrecord",
}
PLAIN = (GOLDEN / "records.tfrecord").read_bytes()


def read_until_error(path, kind=""):
    """The records before the first error, and the error."""
    found = []
    with RecordReader(path, kind) as reader:
        try:
            found.extend(reader)
        except DataLossError as error:
            return found, error
    return found, None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("buffer_bytes", [None, 1, 13])
def test_tensorflows_records_are_read(kind, buffer_bytes):
    assert list(read_records(GOLDEN / KINDS[kind], kind, buffer_bytes)) == RECORDS


def test_records_are_written_byte_for_byte_as_tensorflow_does(tmp_path):
    with TFRecordWriter(tmp_path / "r") as writer:
        for record in RECORDS:
            writer.write(record)

    assert (tmp_path / "r").read_bytes() == PLAIN


def test_compressed_files_have_the_container_that_others_read(tmp_path):
    for kind, expand in (("GZIP", gzip.decompress), ("ZLIB", zlib.decompress)):
        with TFRecordWriter(tmp_path / kind, kind) as writer:
            for record in RECORDS:
                writer.write(record)
                writer.flush()

        assert expand((tmp_path / kind).read_bytes()) == PLAIN


def test_a_gzip_file_of_several_parts_is_read_to_the_end(tmp_path):
    (tmp_path / "r").write_bytes(gzip.compress(PLAIN) + gzip.compress(PLAIN))

    assert list(read_records(tmp_path / "r", "GZIP")) == RECORDS * 2


@given(st.lists(st.binary(max_size=3000), max_size=20), st.sampled_from(["", "GZIP", "ZLIB"]))
def test_what_was_written_is_read(tmp_path_factory, records, kind):
    path = tmp_path_factory.mktemp("records") / "r"
    with TFRecordWriter(path, kind) as writer:
        for record in records:
            writer.write(record)

    assert list(read_records(path, kind)) == records


def test_reading_goes_on_from_an_offset():
    with RecordReader(GOLDEN / "records.tfrecord") as reader:
        next(reader)
        next(reader)
        offset = reader.offset

    with RecordReader(GOLDEN / "records.tfrecord", offset=offset) as reader:
        assert list(reader) == RECORDS[2:]
    with pytest.raises(InvalidArgumentError, match="from its start"):
        RecordReader(GOLDEN / "records.gzip.tfrecord", "GZIP", offset=offset)


@pytest.mark.parametrize("size", range(1, 40))
def test_a_truncated_file_gives_what_is_whole(tmp_path, size):
    (tmp_path / "r").write_bytes(PLAIN[:size])

    found, error = read_until_error(tmp_path / "r")

    assert found == RECORDS[: sum(size >= end for end in (16, 33))]
    assert (error is None) == (size in (16, 33))
    if error:
        start = max(end for end in (0, 16, 33) if end <= size)
        assert f"truncated record at {start} of" in error.message


@pytest.mark.parametrize("position", [0, 7, 8, 11, 12, 16, 24, 28, 29, 40, -1])
def test_a_changed_byte_is_found(tmp_path, position):
    data = bytearray(PLAIN)
    data[position] ^= 0x20
    (tmp_path / "r").write_bytes(data)

    found, error = read_until_error(tmp_path / "r")

    assert found == RECORDS[: len(found)]
    assert "corrupted record at" in error.message


@pytest.mark.parametrize("length", [2000, 1 << 31, 1 << 40, (1 << 64) - 1])
@pytest.mark.parametrize("kind", KINDS)
def test_a_length_beyond_the_file_allocates_nothing(tmp_path, length, kind):
    header = struct.pack("<Q", length)
    data = header + struct.pack("<I", masked_crc32c(header)) + bytes(100)
    packed = {"": bytes, "GZIP": gzip.compress, "ZLIB": zlib.compress}[kind](data)
    (tmp_path / "r").write_bytes(packed)

    found, error = read_until_error(tmp_path / "r", kind)

    assert found == []
    assert error is not None


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_damaged_compression_is_data_loss(tmp_path, kind):
    packed = (GOLDEN / KINDS[kind]).read_bytes()
    for data in (PLAIN, packed[:-1], packed[:60], packed[:100] + b"\x55\x55" + packed[102:]):
        (tmp_path / "r").write_bytes(data)

        _, error = read_until_error(tmp_path / "r", kind)

        assert error is not None


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="No such file"):
        list(read_records(tmp_path / "none"))
    with pytest.raises(NotFoundError, match="No such file"):
        TFRecordWriter(tmp_path / "none" / "r")


def test_a_closed_writer_refuses_records(tmp_path):
    writer = TFRecordWriter(tmp_path / "r")
    writer.close()
    writer.close()

    with pytest.raises(FailedPreconditionError, match="closed"):
        writer.write(b"late")


def test_options_name_the_compression_in_three_ways():
    for given_type in ("ZLIB", TFRecordCompressionType.ZLIB, TFRecordOptions("ZLIB")):
        assert TFRecordOptions.get_compression_type_string(given_type) == "ZLIB"
    assert TFRecordOptions.get_compression_type_string(None) == ""
    with pytest.raises(ValueError, match="Not a valid compression_type"):
        TFRecordOptions("gzip")


def test_options_reach_zlib(tmp_path):
    sizes = {}
    for level in (0, 9):
        options = TFRecordOptions("ZLIB", compression_level=level, window_bits=12, mem_level=3)
        with TFRecordWriter(tmp_path / "r", options) as writer:
            writer.write(bytes(10_000))
        sizes[level] = (tmp_path / "r").stat().st_size

        assert list(read_records(tmp_path / "r", options)) == [bytes(10_000)]

    assert sizes[9] < 200
    assert sizes[0] > 10_000


def test_a_frame_is_what_a_file_has():
    assert b"".join(map(frame, RECORDS)) == PLAIN
    assert io.BytesIO(PLAIN).read(16) == frame(b"")


def many(path, count=3000):
    """A file with records of many lengths; returns them and where each begins."""
    rng = np.random.default_rng(0)
    records = [rng.bytes(int(size)) for size in rng.integers(0, 700, count)]
    records[count // 2] = rng.bytes(300_000)
    offsets, offset = [], 0
    with TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
            offsets.append(offset)
            offset += 16 + len(record)
    return records, offsets


def test_many_records_of_many_lengths_are_read(tmp_path):
    records, offsets = many(tmp_path / "file")

    assert list(read_records(tmp_path / "file")) == records
    with RecordReader(tmp_path / "file", offset=offsets[1700]) as reader:
        assert list(reader) == records[1700:]


@pytest.mark.parametrize("where", ["length", "length's checksum", "data", "checksum"])
@pytest.mark.parametrize("number", [0, 1, 700, 1500, 2999])
def test_all_records_before_a_damaged_one_are_given(tmp_path, where, number):
    records, offsets = many(tmp_path / "file")
    data = bytearray((tmp_path / "file").read_bytes())
    begin, size = offsets[number], len(records[number])
    place = {"length": 0, "length's checksum": 9, "data": 12, "checksum": 12 + size}[where]
    data[begin + place] ^= 1
    (tmp_path / "file").write_bytes(data)

    given, error = read_until_error(tmp_path / "file")

    assert f"record at {begin} of" in str(error)
    assert given == records[:number]


class TestRecordsOfOneSize:
    """Long rows of them are found at once."""

    def records(self):
        return [bytes([i % 251]) * size for size in (40, 7, 40, 0, 40) for i in range(300)]

    def test_they_come_as_they_were_written(self, tmp_path):
        path = tmp_path / "even.tfrecord"
        with TFRecordWriter(path) as writer:
            for record in self.records():
                writer.write(record)

        assert list(read_records(path)) == self.records()
        assert list(read_records(path, buffer_bytes=1000)) == self.records()

    @pytest.mark.parametrize("at", [0, 5, 56 * 100 + 3, 56 * 100 + 20, 56 * 299 + 54])
    def test_what_comes_before_damage_is_given(self, tmp_path, at):
        path = tmp_path / "damaged.tfrecord"
        with TFRecordWriter(path) as writer:
            for record in self.records():
                writer.write(record)
        data = bytearray(path.read_bytes())
        data[at] ^= 0x40
        path.write_bytes(data)

        found, error = read_until_error(path)

        assert found == self.records()[: at // 56]
        assert f"at {at // 56 * 56} " in str(error)
