"""Files, and tensors in strings; bytes and errors are those of TensorFlow 2.21."""

import gzip
import zlib

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors

gfile = tf.io.gfile


@pytest.fixture
def tree(tmp_path):
    """A directory with `a/b.txt`, `a/c.txt` and `a/d.dat`."""
    (tmp_path / "a").mkdir()
    for name in ("b.txt", "c.txt", "d.dat"):
        (tmp_path / "a" / name).write_text(name)
    return str(tmp_path)


class TestSerializedTensors:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (
                np.float32([[1, 2]]),
                b'\x08\x01\x12\x08\x12\x02\x08\x01\x12\x02\x08\x02"\x08\x00\x00\x80?\x00\x00\x00@',
            ),
            (np.array([b"a", b"bc"], object), b"\x08\x07\x12\x04\x12\x02\x08\x02B\x01aB\x02bc"),
            (np.int16(3), b'\x08\x05\x12\x00"\x02\x03\x00'),
            (np.array([True, False]), b'\x08\n\x12\x04\x12\x02\x08\x02"\x02\x01\x00'),
        ],
    )
    def test_the_bytes_are_tensorflows(self, value, expected):
        text = tf.io.serialize_tensor(value)

        assert text.numpy() == expected
        np.testing.assert_array_equal(tf.io.parse_tensor(text, tf.as_dtype(value.dtype)), value)

    @pytest.mark.parametrize(
        ("text", "dtype", "message"),
        [
            (b'\x08\x05\x12\x00"\x02\x03\x00', tf.int32, "Type mismatch"),
            (b"garbage", tf.int32, "Could not parse"),
            ([b"a"], tf.int32, "to be a scalar"),
        ],
    )
    def test_what_is_no_such_tensor_is_refused(self, text, dtype, message):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            tf.io.parse_tensor(text, dtype)

    def test_a_function_parses_tensors(self):
        @tf.function
        def double(text):
            return tf.io.parse_tensor(text, tf.int32) * 2

        assert double(tf.io.serialize_tensor([3, 4])).numpy().tolist() == [6, 8]


class TestSerializedSparse:
    tensor = tf.sparse.from_dense([[1, 0], [0, 2]])

    def test_a_part_is_a_tensor(self):
        parts = tf.io.serialize_sparse(self.tensor)

        values = [
            tf.io.parse_tensor(part, dtype).numpy().tolist()
            for part, dtype in zip(parts, (tf.int64, tf.int32, tf.int64), strict=True)
        ]
        assert values == [[[0, 0], [1, 1]], [1, 2], [2, 2]]

    def test_rows_are_joined_again(self):
        rows = tf.io.serialize_many_sparse(self.tensor)

        again = tf.io.deserialize_many_sparse(rows, tf.int32)

        assert rows.shape == [2, 3]
        np.testing.assert_array_equal(tf.sparse.to_dense(again), [[1, 0], [0, 2]])

    def test_tensors_of_different_size_are_stacked(self):
        wide = tf.sparse.from_dense([[5, 6, 0]])
        both = tf.stack([tf.io.serialize_sparse(self.tensor), tf.io.serialize_sparse(wide)])

        parts = tf.raw_ops.DeserializeSparse(serialized_sparse=both, dtype=tf.int32)

        dense = tf.sparse.to_dense(tf.SparseTensor(*parts))
        np.testing.assert_array_equal(dense, [[[1, 0, 0], [0, 2, 0]], [[5, 6, 0], [0, 0, 0]]])

    def test_variants_keep_the_parts(self):
        parts = tf.io.serialize_many_sparse(self.tensor, out_type=tf.variant)

        again = tf.raw_ops.DeserializeSparse(serialized_sparse=parts, dtype=tf.int32)

        assert parts.dtype == tf.variant
        np.testing.assert_array_equal(
            tf.sparse.to_dense(tf.SparseTensor(*again)), [[1, 0], [0, 2]]
        )

    def test_another_dtype_is_refused(self):
        rows = tf.io.serialize_many_sparse(self.tensor)

        with pytest.raises(errors.InvalidArgumentError, match="type float32 but"):
            tf.io.deserialize_many_sparse(rows, tf.float32)


class TestStrings:
    def test_json_examples_become_bytes_as_in_tensorflow(self):
        text = (
            '{"features":{"feature":{"b":{"int64List":{"value":["1",2]}},'
            '"a":{"float_list":{"value":[1.5]}},"c":{"bytesList":{"value":["YWI="]}}}}}'
        )

        binary = tf.io.decode_json_example([text, "{}"]).numpy()

        assert binary.tolist() == [
            (
                b"\n(\n\x0b\n\x01b\x12\x06\x1a\x04\x08\x01\x08\x02"
                b"\n\x0c\n\x01a\x12\x07\x12\x05\r\x00\x00\xc0?"
                b"\n\x0b\n\x01c\x12\x06\n\x04\n\x02ab"
            ),
            b"",
        ]

    @pytest.mark.parametrize("text", ["nope", '{"feat": 1}'])
    def test_what_is_no_example_is_refused(self, text):
        with pytest.raises(errors.InvalidArgumentError, match="must be a tensorflow"):
            tf.io.decode_json_example([text])

    def test_compressed_strings_are_inflated(self):
        assert tf.io.decode_compressed([zlib.compress(b"one")], "ZLIB").numpy()[0] == b"one"
        two = gzip.compress(b"one") + gzip.compress(b"two")
        assert tf.io.decode_compressed(two, "GZIP").numpy() == b"onetwo"
        assert tf.io.decode_compressed("one").numpy() == b"one"

    def test_other_compressions_are_refused(self):
        with pytest.raises(errors.DataLossError, match="header"):
            tf.io.decode_compressed("abc", "GZIP")
        with pytest.raises(errors.InvalidArgumentError, match="Only ZLIB"):
            tf.io.decode_compressed("abc", "BZ2")


class TestWholeFiles:
    def test_a_file_is_written_with_its_directories(self, tmp_path):
        path = str(tmp_path / "new" / "file.txt")

        tf.io.write_file(path, "xyz")

        assert tf.io.read_file(path).numpy() == b"xyz"

    def test_a_function_reads_what_is_there_when_it_runs(self, tree):
        path = f"{tree}/a/b.txt"

        @tf.function
        def read():
            return tf.io.read_file(path)

        assert read().numpy() == b"b.txt"
        tf.io.write_file(path, "other")
        assert read().numpy() == b"other"

    @pytest.mark.parametrize(
        ("name", "error"),
        [("nothing", errors.NotFoundError), ("a", errors.FailedPreconditionError)],
    )
    def test_what_is_no_file_is_not_read(self, tree, name, error):
        with pytest.raises(error, match=name):
            tf.io.read_file(f"{tree}/{name}")

    def test_patterns_match_names_in_order(self, tree):
        def match(*patterns):
            found = tf.io.matching_files([f"{tree}{pattern}" for pattern in patterns]).numpy()
            return [name.decode().removeprefix(tree) for name in found]

        assert match("/a/*.txt") == ["/a/b.txt", "/a/c.txt"]
        assert match("/a/[cd].*", "/a/b.???", "/no*") == ["/a/b.txt", "/a/c.txt", "/a/d.dat"]
        assert match("/*") == ["/a"]
        assert match("/**/*.txt") == ["/a/b.txt", "/a/c.txt"]

    def test_a_variable_keeps_the_names(self, tree):
        names = tf.io.match_filenames_once(f"{tree}/a/b*")

        assert names.numpy().tolist() == [f"{tree}/a/b.txt".encode()]


class TestDirectories:
    def test_files_are_seen(self, tree):
        assert gfile.exists(tree)
        assert not gfile.exists(f"{tree}/q")
        assert not gfile.exists("")
        assert gfile.isdir(f"{tree}/a")
        assert not gfile.isdir(f"{tree}/a/b.txt")
        assert gfile.listdir(f"{tree}/a") == ["b.txt", "c.txt", "d.dat"]
        assert gfile.glob([f"{tree}/a/c*", f"{tree}/a/b*"]) == [
            f"{tree}/a/c.txt",
            f"{tree}/a/b.txt",
        ]
        assert gfile.stat(f"{tree}/a/b.txt").length == 5
        assert gfile.stat(tree).is_directory
        assert list(gfile.walk(tree)) == [
            (tree, ["a"], []),
            (f"{tree}/a", [], ["b.txt", "c.txt", "d.dat"]),
        ]
        assert next(gfile.walk(tree, topdown=False))[0] == f"{tree}/a"

    def test_directories_are_made_and_removed(self, tree):
        gfile.mkdir(f"{tree}/m")
        gfile.mkdir(f"{tree}/m")
        gfile.makedirs(f"{tree}/m/n/o")
        assert gfile.isdir(f"{tree}/m/n/o")

        gfile.rmtree(f"{tree}/m")
        assert not gfile.exists(f"{tree}/m")

    def test_files_are_copied_renamed_and_removed(self, tree):
        gfile.copy(f"{tree}/a/c.txt", f"{tree}/e")
        gfile.rename(f"{tree}/e", f"{tree}/f")
        gfile.copy(f"{tree}/a/b.txt", f"{tree}/f", overwrite=True)
        assert gfile.GFile(f"{tree}/f").read() == "b.txt"

        gfile.remove(f"{tree}/f")
        assert gfile.listdir(tree) == ["a"]

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            (lambda t: gfile.listdir(f"{t}/q"), errors.NotFoundError),
            (lambda t: gfile.listdir(f"{t}/a/b.txt"), errors.NotFoundError),
            (lambda t: gfile.mkdir(f"{t}/m/n"), errors.NotFoundError),
            (lambda t: gfile.makedirs(f"{t}/a/b.txt"), errors.FailedPreconditionError),
            (lambda t: gfile.copy(f"{t}/a/b.txt", f"{t}/a/c.txt"), errors.AlreadyExistsError),
            (lambda t: gfile.copy(f"{t}/q", f"{t}/r"), errors.NotFoundError),
            (lambda t: gfile.rename(f"{t}/a/b.txt", f"{t}/a/c.txt"), errors.AlreadyExistsError),
            (lambda t: gfile.rename(f"{t}/q", f"{t}/r"), errors.NotFoundError),
            (lambda t: gfile.remove(f"{t}/q"), errors.NotFoundError),
            (lambda t: gfile.remove(f"{t}/a"), errors.FailedPreconditionError),
            (lambda t: gfile.stat(f"{t}/q"), errors.NotFoundError),
            (lambda t: gfile.rmtree(f"{t}/q"), errors.NotFoundError),
        ],
    )
    def test_what_cannot_be_done_raises_tensorflows_error(self, tree, call, error):
        with pytest.raises(error):
            call(tree)

    def test_names_are_joined_by_slashes(self):
        assert gfile.join("a", "b", "c") == "a/b/c"
        assert gfile.join("gs://x", "y") == "gs://x/y"
        assert gfile.join("a", "/b") == "/b"


class TestGFile:
    def test_text_is_written_and_read_by_lines(self, tmp_path):
        path = tmp_path / "file.txt"
        with gfile.GFile(path, "w") as file:
            file.write("line1\nline2\nlast")
        with gfile.GFile(path, "a") as file:
            file.write("X")

        assert list(gfile.GFile(path)) == ["line1\n", "line2\n", "lastX"]
        file = gfile.GFile(path)
        assert (file.readline(), file.tell(), file.readlines()) == (
            "line1\n",
            6,
            ["line2\n", "lastX"],
        )
        assert gfile.GFile(path, "rb").read(4) == b"line"
        assert file.size() == 17

    def test_places_are_counted_from_three_ends(self, tmp_path):
        path = tmp_path / "file.txt"
        path.write_text("0123456789")
        file = gfile.GFile(path)

        file.seek(3)
        assert file.read(3) == "345"
        file.seek(-2, 1)
        assert file.read(2) == "45"
        file.seek(-2, 2)
        assert file.read() == "89"
        with pytest.raises(errors.OutOfRangeError):
            file.seek(-1)

    @pytest.mark.parametrize(
        ("mode", "call", "error"),
        [
            ("r", lambda f: f.read(), errors.NotFoundError),
            ("w", lambda f: f.read(), errors.PermissionDeniedError),
            ("r", lambda f: f.write("x"), errors.PermissionDeniedError),
        ],
    )
    def test_a_mode_is_kept_to(self, tmp_path, mode, call, error):
        with pytest.raises(error):
            call(gfile.GFile(tmp_path / "file.txt", mode))

    def test_another_mode_is_refused(self):
        with pytest.raises(errors.InvalidArgumentError, match="mode is not"):
            gfile.GFile("file.txt", "q")


def test_records_are_written_under_tf_io(tmp_path):
    path = str(tmp_path / "records")
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        writer.write(b"one")
        writer.write("two")

    dataset = tf.data.TFRecordDataset(path, "GZIP").batch(3)

    assert [batch.numpy().tolist() for batch in dataset] == [[b"one", b"two"]]
