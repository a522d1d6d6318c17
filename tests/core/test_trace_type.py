"""Specs, shapes and dtypes as types of arguments, and as messages."""

import pytest

import penstock as tf
from penstock.core.trace_type import TraceType
from penstock.graph.func_graph import FuncGraph

SPEC = tf.TensorSpec([None, 2], tf.float32, "n")
RAGGED = tf.RaggedTensorSpec([None, None], tf.int32)


@pytest.mark.parametrize("kind", [SPEC, RAGGED, tf.TensorShape([1]), tf.float32])
def test_all_of_them_are_trace_types(kind):
    assert isinstance(kind, TraceType)


def test_specs_take_values_apart_and_build_them():
    ragged = tf.ragged.constant([[1], [2, 3]])

    parts = RAGGED.to_tensors(ragged)

    assert [part.numpy().tolist() for part in parts] == [[1, 2, 3], [0, 1, 3]]
    assert [spec.dtype for spec in RAGGED.flatten()] == [tf.int32, tf.int64]
    assert RAGGED.from_tensors(iter(parts)).to_list() == [[1], [2, 3]]
    assert SPEC.flatten() == [SPEC]
    with pytest.raises(TypeError, match="is needed"):
        RAGGED.to_tensors(tf.constant(1))


def test_specs_cast_values_that_fit():
    assert SPEC.cast([[1.0, 2.0]], None).numpy().tolist() == [[1, 2]]
    ragged = tf.ragged.constant([[1], [2, 3]])
    assert RAGGED.cast(ragged, None) is ragged
    for value in (tf.constant([1.0]), tf.constant([[1, 2]]), "a"):
        with pytest.raises(TypeError):
            SPEC.cast(value, None)
    with pytest.raises(TypeError, match="Can not cast"):
        RAGGED.cast(3, None)


def test_specs_make_placeholders_in_graphs():
    graph = FuncGraph("placeholders")

    with graph.as_default():
        made = SPEC.placeholder_value(None)

    assert made.graph is graph
    assert made.shape.as_list() == [None, 2]
    with pytest.raises(RuntimeError, match="belongs to a graph"):
        SPEC.placeholder_value(None)


@pytest.mark.parametrize("fact", [tf.float32, tf.TensorShape([None, 2])])
def test_facts_are_no_tensors(fact):
    assert fact.flatten() == fact.to_tensors(fact) == []
    assert fact.from_tensors(iter([])) is None
    assert fact.placeholder_value(None) is None
    assert fact.cast(fact, None) is fact
    with pytest.raises(AssertionError, match="Can not cast"):
        fact.cast(tf.int32, None)


@pytest.mark.parametrize(
    ("fact", "name"),
    [
        (tf.float32, "SerializedDType"),
        (tf.TensorShape([None, 2]), "TensorShapeProto"),
        (tf.TensorShape(None), "TensorShapeProto"),
        (SPEC, "TensorSpecProto"),
        (RAGGED, "TypeSpecProto"),
    ],
)
def test_facts_are_written_as_messages_and_read(fact, name):
    message = fact.experimental_as_proto()

    assert type(message).__name__ == name
    assert fact.experimental_type_proto() is type(message)
    assert type(fact).experimental_from_proto(message) == fact


def test_a_shape_as_a_message_names_unknown_sizes():
    message = tf.TensorShape([None, 2]).as_proto()

    assert [dim.size for dim in message.dim] == [-1, 2]
    assert tf.TensorShape(None).as_proto().unknown_rank
