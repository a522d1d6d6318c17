"""Features of examples; values and errors are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors

Ragged = tf.io.RaggedFeature


def feature(*values):
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def example(**features):
    parts = {name: feature(*values) for name, values in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=parts)).SerializeToString()


A = example(x=(1.0, 2.0), y=(3,))
B = example(x=(4.0, 5.0))
C = example(y=(7, 8), x=(1.0,))


def sparse_parts(tensor):
    return (
        tensor.indices.numpy().tolist(),
        tensor.values.numpy().tolist(),
        tensor.dense_shape.numpy().tolist(),
    )


class TestDense:
    def test_values_are_stacked_and_missing_ones_have_the_default(self):
        parsed = tf.io.parse_example(
            [A, B],
            {
                "x": tf.io.FixedLenFeature([2], tf.float32),
                "y": tf.io.FixedLenFeature([], tf.int64, default_value=-1),
            },
        )

        np.testing.assert_array_equal(parsed["x"], [[1, 2], [4, 5]])
        assert parsed["y"].numpy().tolist() == [3, -1]

    @pytest.mark.parametrize(
        ("serialized", "features", "message"),
        [
            ([A, B], {"y": tf.io.FixedLenFeature([], tf.int64)}, "Feature: y .* is required"),
            (
                [A, C],
                {"x": tf.io.FixedLenFeature([2], tf.float32)},
                "Index: 1.  Number of float",
            ),
            ([A], {"x": tf.io.FixedLenFeature([2], tf.int64)}, "Data types don't match"),
            (
                [A],
                {"x": tf.io.VarLenFeature(tf.int64)},
                "Expected type: int64, Actual type: fl",
            ),
            ([A, b"garbage!"], {"x": tf.io.VarLenFeature(tf.float32)}, "Could not parse"),
            ([A], {"x": tf.io.VarLenFeature(tf.int32)}, "not in the list of allowed values"),
            ([[A]], {"x": tf.io.VarLenFeature(tf.float32)}, "scalar or vector"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, serialized, features, message):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            tf.io.parse_example(serialized, features)

    def test_errors_tell_the_name_of_the_example(self):
        with pytest.raises(errors.InvalidArgumentError, match="Name: second"):
            tf.io.parse_example(
                [A, B], {"y": tf.io.FixedLenFeature([], tf.int64)}, ["first", "second"]
            )

    @pytest.mark.parametrize(
        ("features", "message"),
        [
            ({}, "cannot be None or falsy"),
            ({"x": 3}, "Unsupported int 3 for key 'x'"),
            ({"x": tf.io.FixedLenFeature([None], tf.float32)}, "FixedLenSequenceFeature"),
            ({"x": tf.io.FixedLenSequenceFeature([], tf.float32)}, "allow_missing"),
            (
                {
                    "x": tf.io.FixedLenFeature([2], tf.float32),
                    "q": Ragged(tf.float32, value_key="x"),
                },
                "must not intersect",
            ),
        ],
    )
    def test_features_that_cannot_be_are_refused(self, features, message):
        with pytest.raises(ValueError, match=message):
            tf.io.parse_example([A], features)

    def test_rows_are_filled_up_to_the_longest(self):
        parsed = tf.io.parse_example(
            [A, C],
            {
                "x": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
                "y": tf.io.FixedLenSequenceFeature([1], tf.int64, True, default_value=-7),
            },
        )

        np.testing.assert_array_equal(parsed["x"], [[1, 2], [1, 0]])
        np.testing.assert_array_equal(parsed["y"], [[[3], [-7]], [[7], [8]]])

    def test_many_examples_are_parsed_like_few(self):
        many = [A, C] * 20
        parsed = tf.io.parse_example(
            many, {"x": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)}
        )

        np.testing.assert_array_equal(parsed["x"], [[1, 2], [1, 0]] * 20)


class TestSparse:
    def test_values_have_their_number_as_index(self):
        parsed = tf.io.parse_example([A, B, C], {"y": tf.io.VarLenFeature(tf.int64)})

        assert sparse_parts(parsed["y"]) == ([[0, 0], [2, 0], [2, 1]], [3, 7, 8], [3, 2])

    def test_indices_may_be_a_feature_and_are_sorted(self):
        rows = [example(i=(3, 1), v=(0.5, 0.25)), example(i=(0,), v=(1.0,))]
        kind = tf.io.SparseFeature("i", "v", tf.float32, 5)

        batch = tf.io.parse_example(rows, {"s": kind})
        one = tf.io.parse_single_example(rows[0], {"s": kind})

        assert list(batch) == ["s"]
        assert sparse_parts(batch["s"]) == (
            [[0, 1], [0, 3], [1, 0]],
            [0.25, 0.5, 1.0],
            [2, 5],
        )
        assert sparse_parts(one["s"]) == ([[1], [3]], [0.25, 0.5], [5])

    def test_each_axis_may_have_a_feature(self):
        rows = [example(i=(3, 1), j=(0, 1), v=(0.5, 0.25))]
        kind = tf.io.SparseFeature(["i", "j"], "v", tf.float32, [5, 2])

        parsed = tf.io.parse_example(rows, {"s": kind})

        assert sparse_parts(parsed["s"]) == ([[0, 1, 1], [0, 3, 0]], [0.25, 0.5], [1, 5, 2])


ROWS = [
    example(
        v=(1, 2, 3, 4, 5), sp=(0, 2, 5), ln=(2, 3), rid=(0, 0, 1, 1, 1), st=(0, 2), li=(2, 5)
    ),
    example(v=(9,), sp=(0, 1), ln=(1,), rid=(0,), st=(0,), li=(1,)),
]


class TestRagged:
    def test_values_become_rows(self):
        parsed = tf.io.parse_example([A, B, C], {"y": Ragged(tf.int64)})

        assert parsed["y"].to_list() == [[3], [], [7, 8]]
        assert parsed["y"].row_splits.dtype == tf.int32

    @pytest.mark.parametrize(
        "partition",
        [
            Ragged.RowSplits("sp"),
            Ragged.RowLengths("ln"),
            Ragged.ValueRowIds("rid"),
            Ragged.RowStarts("st"),
            Ragged.RowLimits("li"),
        ],
    )
    def test_a_partition_cuts_the_values_of_each_example(self, partition):
        kind = Ragged(tf.int64, value_key="v", partitions=[partition])

        batch = tf.io.parse_example(ROWS, {"q": kind})
        one = tf.io.parse_single_example(ROWS[0], {"q": kind})

        assert batch["q"].to_list() == [[[1, 2], [3, 4, 5]], [[9]]]
        assert one["q"].to_list() == [[1, 2], [3, 4, 5]]

    def test_partitions_are_told_outermost_first(self):
        rows = [example(v=(1, 2, 3, 4), b=(2, 2)), example(v=(5, 6), b=(1, 1))]
        parts = [Ragged.UniformRowLength(2), Ragged.RowLengths("b")]

        parsed = tf.io.parse_example(rows, {"q": Ragged(tf.int64, "v", parts)})

        assert parsed["q"].to_list() == [[[[1, 2], [3, 4]]], [[[5], [6]]]]


class TestSingle:
    def test_there_is_no_axis_for_the_batch(self):
        parsed = tf.io.parse_single_example(
            A,
            {
                "r": Ragged(tf.string),
                "x": tf.io.FixedLenFeature([2], tf.float32),
                "y": tf.io.VarLenFeature(tf.int64),
            },
        )

        assert parsed["x"].numpy().tolist() == [1, 2]
        assert sparse_parts(parsed["y"]) == ([[0]], [3], [1])
        assert parsed["r"].shape == [0]

    def test_a_vector_is_refused(self):
        with pytest.raises(ValueError, match="must be a scalar"):
            tf.io.parse_single_example([A], {"x": tf.io.FixedLenFeature([2], tf.float32)})


def test_shapes_are_known_while_tracing():
    seen = {}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def parse(serialized):
        parsed = tf.io.parse_example(
            serialized,
            {
                "q": tf.io.FixedLenSequenceFeature([3], tf.float32, allow_missing=True),
                "r": Ragged(tf.int64),
                "x": tf.io.FixedLenFeature([2], tf.float32),
            },
        )
        seen.update({key: value.shape.as_list() for key, value in parsed.items()})
        return parsed["x"] + 1

    np.testing.assert_array_equal(parse(tf.constant([A, B])), [[2, 3], [5, 6]])
    assert seen == {"q": [None, None, 3], "r": [None, None], "x": [None, 2]}


def test_a_dataset_parses_its_elements():
    dataset = tf.data.Dataset.from_tensor_slices([A, B]).map(
        lambda one: tf.io.parse_single_example(
            one, {"x": tf.io.FixedLenFeature([2], tf.float32)}
        )
    )

    assert [element["x"].numpy().tolist() for element in dataset] == [[1, 2], [4, 5]]
