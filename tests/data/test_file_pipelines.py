"""Pipelines from files to batches, and tables from datasets."""

import sqlite3

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors

experimental = tf.data.experimental


def rows(dataset):
    return [tuple(x.numpy() for x in (e if isinstance(e, tuple) else (e,))) for e in dataset]


def batches(dataset):
    return [{key: value.numpy().tolist() for key, value in e.items()} for e in dataset]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b,c\n1,2.5,x\n3,,y\n5,4.5,"z,w"\n')
    return str(path)


@pytest.fixture
def seven(tmp_path):
    path = tmp_path / "seven.csv"
    lines = [f"{i},{i / 2},{'yes' if i % 2 else 'no'}\n" for i in range(7)]
    path.write_text("f1,f2,label\n" + "".join(lines))
    return str(path)


class TestCsvDataset:
    def test_fields_are_typed_and_empty_ones_have_defaults(self, table):
        dataset = experimental.CsvDataset(
            table, [tf.int32, tf.constant([-1.0]), tf.string], header=True
        )

        assert rows(dataset) == [(1, 2.5, b"x"), (3, -1.0, b"y"), (5, 4.5, b"z,w")]
        assert [spec.dtype for spec in dataset.element_spec] == [
            tf.int32,
            tf.float32,
            tf.string,
        ]

    @pytest.mark.parametrize("which", [{"select_cols": [0, 2]}, {"exclude_cols": [1]}])
    def test_columns_are_chosen(self, table, which):
        dataset = experimental.CsvDataset(table, [tf.int32, tf.string], header=True, **which)

        assert rows(dataset) == [(1, b"x"), (3, b"y"), (5, b"z,w")]

    def test_quotes_may_enclose_line_ends(self, tmp_path):
        path = tmp_path / "lines.tsv"
        path.write_bytes(b'1\t"a\nb"\r\n2\tc')

        dataset = experimental.CsvDataset(str(path), [tf.int32, tf.string], field_delim="\t")

        assert rows(dataset) == [(1, b"a\nb"), (2, b"c")]

    @pytest.mark.parametrize(
        ("defaults", "message"),
        [
            ([tf.int32, tf.float32, tf.string], "Field 1 is required but missing"),
            ([tf.int32, tf.string], "Expect 2 fields but have more"),
            ([tf.string, tf.string, tf.int32], "Field 2 in record is not a valid int32: x"),
        ],
    )
    def test_a_record_that_does_not_fit_is_refused(self, table, defaults, message):
        dataset = experimental.CsvDataset(table, defaults, header=True)

        with pytest.raises(errors.InvalidArgumentError, match=message):
            rows(dataset)

    def test_a_missing_file_is_not_found(self, tmp_path):
        with pytest.raises(errors.NotFoundError):
            rows(experimental.CsvDataset(str(tmp_path / "nothing"), [tf.string]))


class TestMakeCsvDataset:
    def test_names_and_types_are_inferred(self, seven):
        dataset = experimental.make_csv_dataset(seven, 3, num_epochs=1, shuffle=False)

        assert batches(dataset) == [
            {"f1": [0, 1, 2], "f2": [0.0, 0.5, 1.0], "label": [b"no", b"yes", b"no"]},
            {"f1": [3, 4, 5], "f2": [1.5, 2.0, 2.5], "label": [b"yes", b"no", b"yes"]},
            {"f1": [6], "f2": [3.0], "label": [b"no"]},
        ]
        assert {k: s.dtype for k, s in dataset.element_spec.items()} == {
            "f1": tf.int32,
            "f2": tf.float32,
            "label": tf.string,
        }

    def test_a_label_comes_apart(self, seven):
        dataset = experimental.make_csv_dataset(
            seven, 7, label_name="label", select_columns=["f1", "label"], num_epochs=1,
            shuffle=False,
        )  # fmt: skip

        features, label = next(iter(dataset))
        assert list(features) == ["f1"]
        assert label.numpy().tolist() == [b"no", b"yes"] * 3 + [b"no"]

    def test_all_records_come_in_a_shuffled_epoch(self, seven):
        dataset = experimental.make_csv_dataset(seven, 3, num_epochs=1, shuffle_seed=3)

        assert sorted(v for batch in batches(dataset) for v in batch["f1"]) == list(range(7))

    def test_without_epochs_batches_are_full_for_ever(self, seven):
        dataset = experimental.make_csv_dataset(seven, 3, shuffle=False)

        assert [len(batch["f1"]) for batch in batches(dataset.take(5))] == [3] * 5

    def test_malformed_records_may_be_left_out(self, tmp_path):
        path = tmp_path / "bad.csv"
        path.write_text("a,b\n1,2\nx,3\n4,5\n")
        common = {"column_defaults": [tf.int32, tf.int32], "num_epochs": 1, "shuffle": False}

        kept = experimental.make_csv_dataset(str(path), 2, ignore_errors=True, **common)
        strict = experimental.make_csv_dataset(str(path), 2, **common)

        assert batches(kept) == [{"a": [1, 4], "b": [2, 5]}]
        with pytest.raises(errors.InvalidArgumentError, match="not a valid int32: x"):
            batches(strict)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"label_name": "nope"}, "must be one of the columns"),
            ({"header": False}, "Neither is provided"),
            ({"select_columns": ["q"]}, "select_columns must be among"),
        ],
    )
    def test_columns_that_are_not_told_right_are_refused(self, seven, arguments, message):
        with pytest.raises(ValueError, match=message):
            experimental.make_csv_dataset(seven, 3, num_epochs=1, **arguments)

    def test_some_file_must_match(self, tmp_path):
        with pytest.raises(ValueError, match="No files match"):
            experimental.make_csv_dataset(str(tmp_path / "*.csv"), 3)


FEATURES = {
    "x": tf.io.FixedLenFeature([2], tf.float32),
    "y": tf.io.VarLenFeature(tf.int64),
}


@pytest.fixture
def records(tmp_path):
    path = str(tmp_path / "examples.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for i in range(5):
            x = tf.train.Feature(float_list=tf.train.FloatList(value=[i, i + 0.5]))
            y = tf.train.Feature(int64_list=tf.train.Int64List(value=[i]))
            features = tf.train.Features(feature={"x": x, "y": y})
            writer.write(tf.train.Example(features=features).SerializeToString())
    return path


class TestExamples:
    def test_batches_of_features_come_from_files(self, records):
        dataset = experimental.make_batched_features_dataset(
            records, 2, FEATURES, label_key="x", num_epochs=1, shuffle=False
        )

        labels = [label.numpy().tolist() for _, label in dataset]
        assert labels == [[[0, 0.5], [1, 1.5]], [[2, 2.5], [3, 3.5]], [[4, 4.5]]]
        assert list(dataset.element_spec[0]) == ["y"]

    def test_the_label_is_a_feature(self, records):
        with pytest.raises(ValueError, match="must be one of the `features` keys"):
            experimental.make_batched_features_dataset(records, 2, FEATURES, label_key="z")

    def test_batches_of_strings_are_parsed(self, records):
        parse = experimental.parse_example_dataset(FEATURES, num_parallel_calls=2)
        dataset = tf.data.TFRecordDataset(records).batch(5).apply(parse)

        (parsed,) = dataset
        np.testing.assert_array_equal(parsed["x"][:, 0], np.arange(5))
        np.testing.assert_array_equal(parsed["y"].values, np.arange(5))
        with pytest.raises(TypeError, match="vectors of strings"):
            tf.data.TFRecordDataset(records).apply(parse)


class TestTables:
    keys = tf.data.Dataset.from_tensor_slices(["a", "b", "c"])

    def test_keys_are_numbered(self):
        table = experimental.index_table_from_dataset(self.keys)

        assert table.lookup(tf.constant(["b", "z"])).numpy().tolist() == [1, -1]

    def test_unknown_keys_get_buckets(self):
        table = experimental.index_table_from_dataset(self.keys, num_oov_buckets=2)

        # TensorFlow 2.21 gives these.
        assert table.lookup(tf.constant(["b", "z", "c"])).numpy().tolist() == [1, 4, 2]
        assert int(table.size()) == 5

    def test_pairs_fill_a_table(self):
        pairs = tf.data.Dataset.from_tensor_slices((["a", "b"], [10, 20]))

        table = experimental.table_from_dataset(pairs, default_value=-1, vocab_size=1)
        initializer = experimental.DatasetInitializer(pairs)
        whole = tf.lookup.StaticHashTable(initializer, -1)

        assert table.lookup(tf.constant(["a", "b"])).numpy().tolist() == [10, -1]
        assert whole.lookup(tf.constant(["a", "b"])).numpy().tolist() == [10, 20]

    @pytest.mark.parametrize("arguments", [{"num_oov_buckets": -1}, {"vocab_size": 0}], ids=str)
    def test_numbers_that_cannot_be_are_refused(self, arguments):
        with pytest.raises(ValueError, match="must be greater than"):
            experimental.index_table_from_dataset(self.keys, **arguments)


class TestPadding:
    def test_blank_elements_are_marked(self):
        dataset = tf.data.Dataset.from_tensor_slices({"a": [1, 2]})

        padded = dataset.apply(experimental.pad_to_cardinality(3))

        assert batches(padded) == [
            {"a": 1, "valid": True},
            {"a": 2, "valid": True},
            {"a": 0, "valid": False},
        ]

    def test_a_dataset_that_is_too_long_is_refused(self):
        dataset = tf.data.Dataset.from_tensor_slices({"a": [1, 2]})

        with pytest.raises(ValueError, match="less than the target cardinality"):
            dataset.apply(experimental.pad_to_cardinality(1))


def test_rows_of_a_query_are_elements(tmp_path):
    path = str(tmp_path / "rows.db")
    database = sqlite3.connect(path)
    database.execute("create table t (name text, size integer, share real)")
    database.executemany("insert into t values (?, ?, ?)", [("a", 1, 0.5), ("b", 2, 0.25)])
    database.commit()
    database.close()

    dataset = experimental.SqlDataset(
        "sqlite", path, "select * from t order by size", (tf.string, tf.int32, tf.float64)
    )

    assert rows(dataset) == [(b"a", 1, 0.5), (b"b", 2, 0.25)]
    with pytest.raises(errors.InvalidArgumentError, match="not supported"):
        experimental.SqlDataset("other", path, "select 1", (tf.int32,))
