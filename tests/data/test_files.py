"""Datasets of files."""

import gzip
import zlib

import pytest

import penstock as tf
from penstock.wire.records import TFRecordWriter
from tests.data.contents import Dataset, contents

COMPRESS = {"": lambda data: data, "GZIP": gzip.compress, "ZLIB": zlib.compress}


@pytest.fixture
def lines(tmp_path):
    for name, text in (("a", b"1\n2\n3\n"), ("b", b"4\n5\n"), ("c", b"6\n7\n8\n9")):
        (tmp_path / name).write_bytes(text)
    return [str(tmp_path / name) for name in "abc"]


@pytest.mark.parametrize("kind", COMPRESS)
def test_lines_lose_their_ends(kind, tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(COMPRESS[kind](b"a\r\nb\n\nc"))

    dataset = tf.data.TextLineDataset(path, compression_type=kind, buffer_size=3)

    assert contents(dataset) == [b"a", b"b", b"", b"c"]
    assert dataset.element_spec == tf.TensorSpec([], tf.string)


def test_files_come_one_after_the_other(lines):
    expected = [b"%d" % i for i in range(1, 10)]

    assert contents(tf.data.TextLineDataset(lines)) == expected
    assert contents(tf.data.TextLineDataset(Dataset.from_tensor_slices(lines))) == expected
    assert contents(tf.data.TextLineDataset([lines])) == expected
    assert contents(tf.data.TextLineDataset([])) == []


def test_files_are_read_in_turn(lines):
    dataset = tf.data.TextLineDataset(lines, num_parallel_reads=2)

    # Written down from TensorFlow 2.21.
    assert contents(dataset) == [b"1", b"4", b"2", b"5", b"3", b"6", b"7", b"8", b"9"]


def test_names_may_be_elements(lines):
    names = Dataset.from_tensor_slices(lines[:2])

    assert contents(names.flat_map(tf.data.TextLineDataset)) == [b"1", b"2", b"3", b"4", b"5"]
    assert contents(
        names.interleave(lambda name: tf.data.TextLineDataset(name).skip(1), cycle_length=2)
    ) == [b"2", b"5", b"3"]


def test_a_missing_file_is_named_when_its_turn_comes(lines):
    iterator = iter(tf.data.TextLineDataset([lines[1], "/no/such/file"]))

    assert [next(iterator).numpy() for _ in range(2)] == [b"4", b"5"]
    with pytest.raises(tf.errors.NotFoundError, match="/no/such/file"):
        next(iterator)


def test_names_must_be_strings():
    with pytest.raises(TypeError, match=r"tf.string.*tf.int32"):
        tf.data.TFRecordDataset([1])
    with pytest.raises(TypeError, match=r"tf\.int64"):
        tf.data.TFRecordDataset(Dataset.range(3))


@pytest.mark.parametrize("kind", COMPRESS)
def test_records_come_as_they_were_written(kind, tmp_path):
    path = str(tmp_path / "records")
    records = [b"one", b"", b"x" * 10_000]
    with TFRecordWriter(path, kind) as writer:
        for record in records:
            writer.write(record)

    assert contents(tf.data.TFRecordDataset(path, compression_type=kind)) == records


def test_damaged_records_say_so(tmp_path):
    path = tmp_path / "records"
    with TFRecordWriter(path) as writer:
        writer.write(b"one")
        writer.write(b"two")
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1
    path.write_bytes(bytes(damaged))

    iterator = iter(tf.data.TFRecordDataset(str(path)))

    assert next(iterator).numpy() == b"one"
    with pytest.raises(tf.errors.DataLossError):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize("kind", COMPRESS)
def test_blocks_lie_between_header_and_footer(kind, tmp_path):
    path = tmp_path / "blocks"
    path.write_bytes(COMPRESS[kind](b"HHaabbccF"))

    dataset = tf.data.FixedLengthRecordDataset(path, 2, 2, 1, compression_type=kind)

    assert contents(dataset) == [b"aa", b"bb", b"cc"]


@pytest.mark.parametrize("kind", COMPRESS)
def test_blocks_must_be_whole(kind, tmp_path):
    path = tmp_path / "blocks"
    path.write_bytes(COMPRESS[kind](b"HHaabbcccF"))
    dataset = tf.data.FixedLengthRecordDataset(path, 2, 2, 1, compression_type=kind)

    with pytest.raises(
        (tf.errors.InvalidArgumentError, tf.errors.DataLossError), match="body length 7 bytes"
    ):
        contents(dataset)


def test_blocks_have_a_size(tmp_path):
    path = tmp_path / "blocks"
    path.write_bytes(b"aa")

    with pytest.raises(tf.errors.InvalidArgumentError, match="record_bytes"):
        contents(tf.data.FixedLengthRecordDataset(path, 0))


def test_an_unknown_compression_is_refused(lines):
    with pytest.raises(tf.errors.InvalidArgumentError, match="compression_type"):
        contents(tf.data.TextLineDataset(lines, compression_type="LZ4"))


def test_files_that_match_are_listed(lines, tmp_path):
    (tmp_path / ".hidden").touch()
    expected = sorted(str(path).encode() for path in tmp_path.iterdir())

    assert contents(Dataset.list_files(str(tmp_path / "*"), shuffle=False)) == expected
    assert sorted(contents(Dataset.list_files(str(tmp_path / "*")))) == expected
    patterns = [str(tmp_path / "[bc]"), str(tmp_path / "?")]
    assert contents(Dataset.list_files(patterns[:1], shuffle=False)) == [
        path.encode() for path in lines[1:]
    ]
    assert len(contents(Dataset.list_files(patterns))) == 5


def test_a_pattern_must_match_something(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="No files matched pattern"):
        Dataset.list_files(str(tmp_path / "*.none"))


@pytest.fixture
def records(tmp_path):
    """Two files of records; the third record of the first is damaged in `damaged`."""
    paths = {}
    for name, start in (("first", 0), ("second", 40)):
        paths[name] = tmp_path / name
        with TFRecordWriter(paths[name]) as writer:
            for i in range(start, start + 40):
                writer.write(b"record %d" % i)
    paths["damaged"] = tmp_path / "damaged"
    data = paths["first"].read_bytes()
    paths["damaged"].write_bytes(data.replace(b"record 2", b"record X", 1))
    return {name: str(path) for name, path in paths.items()}


@pytest.mark.parametrize("size", [1, 7, 40, 64, 1000])
def test_batches_reach_over_the_ends_of_files(records, size):
    dataset = tf.data.TFRecordDataset([records["first"], records["second"]])

    batches = [batch.tolist() for batch in dataset.batch(size).as_numpy_iterator()]

    expected = [b"record %d" % i for i in range(80)]
    assert batches == [expected[i : i + size] for i in range(0, 80, size)]
    whole = dataset.batch(size, drop_remainder=True)
    assert len(contents(whole)) == 80 // size


def test_no_files_make_no_batches():
    assert contents(tf.data.TFRecordDataset([]).batch(4)) == []


def test_a_damaged_record_ends_its_file_and_the_batch_with_it(records):
    dataset = tf.data.TFRecordDataset([records["damaged"], records["second"]])
    iterator = iter(dataset.batch(3))

    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        next(iterator)
    assert next(iterator).numpy().tolist() == [b"record 40", b"record 41", b"record 42"]


def test_batches_of_lines_are_those_of_the_files(lines):
    batches = contents(tf.data.TextLineDataset(lines).batch(4))

    assert batches == [
        [b"1", b"2", b"3", b"4"],
        [b"5", b"6", b"7", b"8"],
        [b"9"],
    ]
