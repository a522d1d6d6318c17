"""Tables: what is found, what is refused, and where they can be used."""

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors

TextFile = tf.lookup.TextFileInitializer
Index = tf.lookup.TextFileIndex
MutableHashTable = tf.lookup.experimental.MutableHashTable
DenseHashTable = tf.lookup.experimental.DenseHashTable


def static(keys, values, default):
    pairs = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(pairs, default)


def as_dict(table):
    keys, values = table.export()
    return dict(zip(keys.numpy().tolist(), values.numpy().tolist(), strict=True))


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(b"emerson\nlake\npalmer\r\n")
    return str(path)


class TestStaticHashTable:
    def test_unknown_keys_get_the_default(self):
        table = static(["a", "b"], [1, 2], -1)

        found = table.lookup(tf.constant([["b", "x"], ["a", "a"]]))

        np.testing.assert_array_equal(found, [[2, -1], [1, 1]])
        assert int(table.size()) == 2
        assert as_dict(table) == {b"a": 1, b"b": 2}

    def test_ragged_and_sparse_keys_keep_their_places(self):
        table = static(["a", "b"], [1, 2], -1)

        ragged = table.lookup(tf.ragged.constant([["a"], ["b", "c"]]))
        sparse = table.lookup(tf.sparse.from_dense([["a", ""], ["b", "c"]]))

        assert ragged.to_list() == [[1], [2, -1]]
        assert sparse.values.numpy().tolist() == [1, 2, -1]
        assert sparse.indices.numpy().tolist() == [[0, 0], [1, 0], [1, 1]]

    def test_keys_of_another_dtype_are_refused(self):
        with pytest.raises(TypeError, match="Dtype of argument `keys` must be"):
            static(["a"], [1], -1).lookup(tf.constant([1]))

    def test_a_key_with_two_values_is_refused(self):
        with pytest.raises(errors.FailedPreconditionError, match="Key a has 1"):
            static(["a", "a"], [1, 2], -1)

    def test_a_default_that_is_no_scalar_is_refused(self):
        with pytest.raises(ValueError, match="not compatible"):
            static(["a"], [1], [1, 2])

    def test_different_numbers_of_keys_and_values_are_refused(self):
        with pytest.raises(errors.InvalidArgumentError, match=r"Expected shape \[2\]"):
            static(["a", "b"], [1], -1)


class TestTextFileInitializer:
    def test_lines_become_ids(self, vocabulary):
        lines = TextFile(vocabulary, tf.string, Index.WHOLE_LINE, tf.int64, Index.LINE_NUMBER)

        table = tf.lookup.StaticHashTable(lines, -1)

        assert as_dict(table) == {b"emerson": 0, b"lake": 1, b"palmer": 2}

    def test_ids_become_lines_from_an_offset_on(self, vocabulary):
        lines = TextFile(
            vocabulary,
            tf.int64,
            Index.LINE_NUMBER,
            tf.string,
            Index.WHOLE_LINE,
            vocab_size=2,
            value_index_offset=5,
        )

        table = tf.lookup.StaticHashTable(lines, "?")

        assert as_dict(table) == {5: b"emerson", 6: b"lake"}

    def test_whole_lines_may_be_numbers(self, tmp_path):
        path = tmp_path / "numbers.txt"
        path.write_text("30\n-4\n")
        lines = TextFile(str(path), tf.int64, Index.WHOLE_LINE, tf.int64, Index.LINE_NUMBER)

        assert as_dict(tf.lookup.StaticHashTable(lines, -1)) == {30: 0, -4: 1}

    def test_columns_are_read_as_numbers(self, tmp_path):
        path = tmp_path / "columns.txt"
        path.write_text("a 1 2.5\nb 2 3.5\n")

        lines = TextFile(str(path), tf.int64, 1, tf.float32, 2, delimiter=" ")

        assert as_dict(tf.lookup.StaticHashTable(lines, 0.0)) == {1: 2.5, 2: 3.5}

    @pytest.mark.parametrize(
        ("text", "arguments", "error", "message"),
        [
            ("a\n", {"vocab_size": 9}, errors.InvalidArgumentError, "expected 9 but got 1"),
            ("a\n\nb\n", {}, errors.InvalidArgumentError, "empty line"),
            ("", {}, errors.OutOfRangeError, "empty file"),
            ("a\na\n", {}, errors.FailedPreconditionError, "different value for same key"),
        ],
    )
    def test_a_file_that_does_not_fit_is_refused(
        self, tmp_path, text, arguments, error, message
    ):
        path = tmp_path / "lines.txt"
        path.write_text(text)
        lines = TextFile(
            str(path), tf.string, Index.WHOLE_LINE, tf.int64, Index.LINE_NUMBER, **arguments
        )

        with pytest.raises(error, match=message):
            tf.lookup.StaticHashTable(lines, -1)

    def test_a_missing_file_is_not_found(self, tmp_path):
        path = str(tmp_path / "nothing.txt")
        lines = TextFile(path, tf.string, Index.WHOLE_LINE, tf.int64, Index.LINE_NUMBER)

        with pytest.raises(errors.NotFoundError, match="nothing"):
            tf.lookup.StaticHashTable(lines, -1)

    @pytest.mark.parametrize(
        ("column", "message"),
        [(7, "expected at least 8 got 2"), (1, "Field x in line 0 is not a valid int64")],
    )
    def test_a_line_without_the_number_is_refused(self, tmp_path, column, message):
        path = tmp_path / "columns.txt"
        path.write_text("a x\n")
        lines = TextFile(str(path), tf.string, 0, tf.int64, column, delimiter=" ")

        with pytest.raises(errors.InvalidArgumentError, match=message):
            tf.lookup.StaticHashTable(lines, -1)

    def test_line_numbers_are_int64(self, vocabulary):
        with pytest.raises(ValueError, match="must be int64"):
            TextFile(vocabulary, tf.string, Index.WHOLE_LINE, tf.int32, Index.LINE_NUMBER)


class TestStaticVocabularyTable:
    def test_unknown_keys_get_the_id_of_a_bucket(self):
        ids = tf.constant([0, 1, 2], tf.int64)
        pairs = tf.lookup.KeyValueTensorInitializer(["a", "b", "c"], ids)
        table = tf.lookup.StaticVocabularyTable(pairs, 3)

        found = table.lookup(tf.constant(["a", "zz", "yy", "xx", "c"]))

        # TensorFlow 2.21 gives these.
        assert found.numpy().tolist() == [0, 4, 4, 5, 2]
        assert int(table.size()) == 6

    def test_numbers_are_hashed_as_text(self):
        pairs = tf.lookup.KeyValueTensorInitializer(
            tf.constant([10, 20], tf.int64), tf.constant([0, 1], tf.int64)
        )
        table = tf.lookup.StaticVocabularyTable(pairs, 3, lookup_key_dtype=tf.int32)

        found = table.lookup(tf.constant([10, 7, 8]))

        expected = tf.strings.to_hash_bucket_fast(["7", "8"], 3).numpy() + 2
        assert found.numpy().tolist() == [0, *expected]

    def test_without_known_keys_all_are_in_buckets(self):
        table = tf.lookup.StaticVocabularyTable(None, 3)

        assert table.lookup(tf.constant(["a", "b"])).numpy().tolist() == [0, 1]
        assert int(table.size()) == 3

    def test_it_needs_a_bucket(self):
        with pytest.raises(ValueError, match="num_oov_buckets"):
            tf.lookup.StaticVocabularyTable(None, 0)


class TestMutableHashTable:
    def test_keys_are_added_replaced_and_removed(self):
        table = MutableHashTable(tf.string, tf.int64, -1)

        table.insert(["a", "b", "a"], [1, 2, 3])
        table.remove(tf.constant(["b", "nothing"]))
        table.insert(["c"], [4])

        assert as_dict(table) == {b"a": 3, b"c": 4}
        assert table.lookup(tf.constant(["a", "b"])).numpy().tolist() == [3, -1]

    def test_values_have_the_shape_of_the_default(self):
        table = MutableHashTable(tf.int64, tf.float32, [0.0, 0.0])

        table.insert([1, 2], [[1.0, 2.0], [3.0, 4.0]])

        found = table.lookup(tf.constant([[2], [9]], tf.int64))
        np.testing.assert_array_equal(found, [[[3.0, 4.0]], [[0.0, 0.0]]])
        with pytest.raises(errors.InvalidArgumentError, match=r"Expected shape \[1, 2\]"):
            table.insert([1], [[1.0, 2.0, 3.0]])

    def test_a_call_may_bring_its_own_defaults(self):
        table = MutableHashTable(tf.string, tf.int64, -1)
        table.insert(["b"], [2])
        keys = tf.constant(["b", "z"])

        one = table.lookup(keys, dynamic_default_values=tf.constant(9, tf.int64))
        each = table.lookup(keys, dynamic_default_values=tf.constant([7, 8], tf.int64))

        assert one.numpy().tolist() == [2, 9]
        assert each.numpy().tolist() == [2, 8]

    def test_many_keys_survive_growth_and_removal(self):
        table = MutableHashTable(tf.int64, tf.int64, -1)
        numbers = np.arange(1000)

        table.insert(numbers, numbers * 2)
        table.remove(tf.constant(numbers[::2]))
        table.insert(numbers[:10], numbers[:10])

        expected = np.where(numbers % 2, numbers * 2, -1)
        expected[:10] = numbers[:10]
        np.testing.assert_array_equal(table.lookup(tf.constant(numbers)), expected)

    def test_a_checkpoint_holds_the_contents(self, tmp_path):
        table = MutableHashTable(tf.string, tf.int64, -1)
        table.insert(["a", "b"], [1, 2])
        path = tf.train.Checkpoint(table=table).write(str(tmp_path / "ckpt"))

        other = MutableHashTable(tf.string, tf.int64, -1)
        other.insert(["z"], [26])
        tf.train.Checkpoint(table=other).read(path).assert_consumed()

        names = [name for name, _ in tf.train.list_variables(path)]
        assert "table/.ATTRIBUTES/table-keys" in names
        assert "table/.ATTRIBUTES/table-values" in names
        assert as_dict(other) == {b"a": 1, b"b": 2}


class TestDenseHashTable:
    def test_export_shows_the_buckets_as_tensorflow_fills_them(self):
        table = DenseHashTable(tf.int64, tf.int64, -1, 0, -9, initial_num_buckets=4)

        table.insert([1, 2, 3], [10, 20, 30])
        table.insert([11, 12, 13], [10, 20, 30])

        keys, values = table.export()
        assert keys.numpy().ravel().tolist() == [0, 1, 2, 3, 11, 12, 13, 0]
        assert values.numpy().ravel().tolist() == [0, 10, 20, 30, 10, 20, 30, 0]
        assert int(table.size()) == 6

    def test_keys_may_be_vectors(self):
        table = DenseHashTable(tf.int64, tf.int64, -1, [0, 0], [-1, -1], initial_num_buckets=8)

        table.insert([[1, 2], [3, 4]], [5, 6])
        table.erase(tf.constant([[3, 4]], tf.int64))

        assert table.lookup([[1, 2], [3, 4]]).numpy().tolist() == [5, -1]

    @pytest.mark.parametrize(("key", "mark"), [(0, "empty_key"), (-9, "deleted_key")])
    def test_the_marks_are_no_keys(self, key, mark):
        table = DenseHashTable(tf.int64, tf.int64, -1, 0, -9, initial_num_buckets=4)

        with pytest.raises(errors.InvalidArgumentError, match=mark):
            table.insert([key], [1])
        with pytest.raises(errors.InvalidArgumentError, match=mark):
            table.lookup([key])

    def test_a_checkpoint_holds_the_contents(self, tmp_path):
        table = DenseHashTable(tf.string, tf.float32, [0.0], "", "$", initial_num_buckets=4)
        table.insert(["a", "b"], [[1.0], [2.0]])
        path = tf.train.Checkpoint(table=table).write(str(tmp_path / "ckpt"))

        other = DenseHashTable(tf.string, tf.float32, [0.0], "", "$", initial_num_buckets=16)
        tf.train.Checkpoint(table=other).read(path).assert_consumed()

        np.testing.assert_array_equal(other.lookup(["b", "c"]), [[2.0], [0.0]])


class TestInFunctions:
    def test_a_function_sees_what_is_inserted_after_it_was_traced(self):
        table = MutableHashTable(tf.string, tf.int64, -1)

        @tf.function
        def find(keys):
            return table.lookup(keys) * 2

        before = find(tf.constant(["a"])).numpy().tolist()
        table.insert(["a"], [21])

        assert before == [-2]
        assert find(tf.constant(["a"])).numpy().tolist() == [42]

    def test_a_function_inserts_in_order(self):
        table = MutableHashTable(tf.string, tf.int64, -1)

        @tf.function
        def count(key):
            table.insert(key, table.lookup(key) + 1)
            return table.lookup(key)

        assert [int(count(tf.constant("a"))) for _ in range(3)] == [0, 1, 2]

    def test_the_shape_is_known_while_tracing(self):
        table = MutableHashTable(tf.int64, tf.float32, [0.0, 0.0])
        seen = []

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.int64)])
        def find(keys):
            seen.append(table.lookup(keys).shape.as_list())
            return table.lookup(keys)

        find(tf.zeros([1, 3], tf.int64))
        assert seen == [[None, 3, 2]]

    def test_a_table_can_be_made_of_the_arguments(self):
        @tf.function
        def swap(keys, values):
            return static(keys, values, -1).lookup(keys[::-1])

        assert swap(tf.constant(["a", "b"]), tf.constant([1, 2])).numpy().tolist() == [2, 1]

    def test_a_session_fills_tables_when_it_is_asked_to(self):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            table = static(["a", "b"], [1, 2], -1)
            written = MutableHashTable(tf.string, tf.int64, -1)
            insert = written.insert(["q"], [5])
            keys = tf.compat.v1.placeholder(tf.string, [None])
            found = table.lookup(keys), written.lookup(keys)

            with pytest.raises(errors.FailedPreconditionError, match="not initialized"):
                session.run(found, {keys: ["a", "q"]})
            session.run([tf.compat.v1.tables_initializer(), insert])

            ids, numbers = session.run(found, {keys: ["a", "q"]})
            assert (ids.tolist(), numbers.tolist()) == ([1, -1], [-1, 5])

    def test_a_dataset_looks_keys_up(self):
        table = static(["a", "b"], [1, 2], -1)

        ids = tf.data.Dataset.from_tensor_slices(["b", "x", "a"]).map(table.lookup)

        assert [int(i) for i in ids] == [2, -1, 1]
