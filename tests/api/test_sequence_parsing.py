"""Features of sequence examples; values and errors are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock.core import errors
from tests.api.test_parsing import feature, sparse_parts

Steps = tf.io.FixedLenSequenceFeature
CONTEXT = {
    "c": tf.io.FixedLenFeature([], tf.int64),
    "v": tf.io.VarLenFeature(tf.string),
}


def sequence(context, **lists):
    message = tf.train.SequenceExample(
        context=tf.train.Features(feature={k: feature(*v) for k, v in context.items()}),
        feature_lists=tf.train.FeatureLists(
            feature_list={
                name: tf.train.FeatureList(
                    feature=[feature(*s) if s else tf.train.Feature() for s in steps]
                )
                for name, steps in lists.items()
            }
        ),
    )
    return message.SerializeToString()


A = sequence({"c": (1,), "v": (b"a", b"b")}, x=[(1.0, 2.0), (3.0, 4.0)], t=[(1,), (2, 3), ()])
B = sequence({"c": (2,)}, x=[(5.0, 6.0)], t=[])
C = sequence({"c": (3,), "v": (b"z",)}, t=[(9,)])


def test_a_batch_is_filled_up_to_the_longest_sequence():
    context, steps, lengths = tf.io.parse_sequence_example(
        [A, B], CONTEXT, {"x": Steps([2], tf.float32), "t": tf.io.VarLenFeature(tf.int64)}
    )

    assert context["c"].numpy().tolist() == [1, 2]
    assert sparse_parts(context["v"]) == ([[0, 0], [0, 1]], [b"a", b"b"], [2, 2])
    np.testing.assert_array_equal(steps["x"], [[[1, 2], [3, 4]], [[5, 6], [0, 0]]])
    assert sparse_parts(steps["t"]) == (
        [[0, 0, 0], [0, 1, 0], [0, 1, 1]],
        [1, 2, 3],
        [2, 3, 2],
    )
    assert lengths["x"].numpy().tolist() == [2, 1]


def test_steps_may_be_ragged():
    context, steps, lengths = tf.io.parse_sequence_example(
        [A, B, C], {"v": tf.io.RaggedFeature(tf.string)}, {"t": tf.io.RaggedFeature(tf.int64)}
    )

    assert context["v"].to_list() == [[b"a", b"b"], [], [b"z"]]
    assert steps["t"].to_list() == [[[1], [2, 3], []], [], [[9]]]
    assert lengths == {}


def test_partitions_cut_every_step():
    message = sequence({}, v=[(1, 2, 3), (4,)], n=[(1, 2), (1,)])
    kind = tf.io.RaggedFeature(tf.int64, "v", [tf.io.RaggedFeature.RowLengths("n")])

    _, steps, _ = tf.io.parse_sequence_example([message], None, {"r": kind})

    assert steps["r"].to_list() == [[[[1], [2, 3]], [[4]]]]


def test_one_sequence_has_no_axis_for_the_batch():
    context, steps = tf.io.parse_single_sequence_example(
        A,
        CONTEXT,
        {
            "r": tf.io.RaggedFeature(tf.float32, value_key="x"),
            "t": tf.io.VarLenFeature(tf.int64),
        },
    )

    assert int(context["c"]) == 1
    assert sparse_parts(context["v"]) == ([[0], [1]], [b"a", b"b"], [2])
    assert sparse_parts(steps["t"]) == ([[0, 0], [1, 0], [1, 1]], [1, 2, 3], [3, 2])
    assert steps["r"].to_list() == [[1, 2], [3, 4]]


def test_a_list_that_may_be_missing_is_empty():
    _, steps = tf.io.parse_single_sequence_example(
        C, CONTEXT, {"x": Steps([2], tf.float32, allow_missing=True)}
    )

    assert steps["x"].shape == [0, 2]


@pytest.mark.parametrize(
    ("message", "steps", "text"),
    [
        (C, {"x": Steps([2], tf.float32)}, "Feature list 'x' is required"),
        (A, {"x": Steps([3], tf.float32)}, "values size: 2 but output shape"),
        (A, {"x": Steps([2], tf.int64)}, "Data types don't match"),
        (A, {"t": tf.io.VarLenFeature(tf.float32)}, "Data types don't match"),
        (b"garbage!", {"t": tf.io.VarLenFeature(tf.int64)}, "Invalid protocol message"),
    ],
    # Serialized maps come in another order in each process, and must not name tests.
    ids=["missing", "other size", "other dtype", "other dtype of any number", "garbage"],
)
def test_what_does_not_fit_is_refused(message, steps, text):
    with pytest.raises(errors.InvalidArgumentError, match=text):
        tf.io.parse_single_sequence_example(message, CONTEXT, steps)


@pytest.mark.parametrize(
    ("context", "steps", "text"),
    [
        (None, None, "at least one should have values"),
        (None, {"x": tf.io.FixedLenFeature([2], tf.float32)}, "Unsupported FixedLenFeature"),
        (None, {"x": Steps([2], tf.float32, default_value=1.0)}, "must be None"),
        ({"v": Steps([], tf.string, True)}, None, "Unsupported FixedLenSequenceFeature"),
    ],
)
def test_features_that_cannot_be_are_refused(context, steps, text):
    with pytest.raises(ValueError, match=text):
        tf.io.parse_single_sequence_example(A, context, steps)


def test_ops_of_older_graphs_give_the_same():
    results = tf.raw_ops.ParseSingleSequenceExample(
        serialized=A,
        feature_list_dense_missing_assumed_empty=np.array([], object),
        context_sparse_keys=["v"],
        context_dense_keys=["c"],
        feature_list_sparse_keys=["t"],
        feature_list_dense_keys=["x"],
        context_dense_defaults=[np.zeros(0, np.int64)],
        debug_name="",
        context_sparse_types=[tf.string],
        feature_list_dense_types=[tf.float32],
        context_dense_shapes=[[]],
        feature_list_sparse_types=[tf.int64],
        feature_list_dense_shapes=[[2]],
    )

    assert [int(t) for t in results[3]] == [1]
    np.testing.assert_array_equal(results[7][0], [[1, 2], [3, 4]])
    assert results[5][0].numpy().tolist() == [1, 2, 3]
