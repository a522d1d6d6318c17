import numpy as np
import pytest

import penstock as tf
from penstock.wire import protos
from tests.summary.reading import events, values


@pytest.fixture
def writer(tmp_path):
    return tf.summary.create_file_writer(str(tmp_path))


def tags(folder):
    return [(step, tag) for step, tag, *_ in values(folder)]


def test_nothing_is_written_without_a_writer():
    assert not tf.summary.scalar("loss", 1.0, step=1)
    assert not tf.summary.should_record_summaries()


def test_what_is_written_is_on_the_disk_when_the_writer_ceases_to_be_the_default(
    writer, tmp_path
):
    with writer.as_default():
        assert tf.summary.scalar("loss", 1.0, step=1)
        assert tags(tmp_path) == []

    assert tags(tmp_path) == [(1, "loss")]


def test_more_events_than_may_wait_are_written_at_once(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path), max_queue=2)
    with writer.as_default():
        for step in range(3):
            tf.summary.scalar("loss", 1.0, step=step)

        assert len(tags(tmp_path)) == 3


def test_the_step_comes_from_the_call_then_from_the_writer_then_from_set_step(writer, tmp_path):
    tf.summary.experimental.set_step(5)
    with writer.as_default():
        tf.summary.scalar("a", 1.0)
    with writer.as_default(step=6):
        tf.summary.scalar("b", 1.0)
        tf.summary.scalar("c", 1.0, step=7)
    assert tf.summary.experimental.get_step() == 5
    tf.summary.experimental.set_step(None)

    assert tags(tmp_path) == [(5, "a"), (6, "b"), (7, "c")]


def test_a_summary_without_a_step_is_refused(writer):
    with writer.as_default(), pytest.raises(ValueError, match="No step set"):
        tf.summary.scalar("a", 1.0)


def test_a_variable_as_step_is_read_at_every_call(writer, tmp_path):
    step = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def train(loss):
        step.assign_add(1)
        tf.summary.scalar("loss", loss, step=step)

    with writer.as_default():
        train(1.0)
        train(1.0)

    assert tags(tmp_path) == [(1, "loss"), (2, "loss")]


def test_conditions_are_asked_each_time(writer, tmp_path):
    with writer.as_default():
        for step in range(4):
            with tf.summary.record_if(lambda step=step: step % 2 == 0):
                written = tf.summary.scalar("a", 1.0, step=step)
                assert bool(written) == (step % 2 == 0)

    assert tags(tmp_path) == [(0, "a"), (2, "a")]


def test_a_condition_in_a_function_depends_on_tensors(writer, tmp_path):
    @tf.function
    def record(wanted, step):
        with tf.summary.record_if(wanted):
            return tf.summary.scalar("a", 1.0, step=step)

    with writer.as_default():
        written = [
            bool(record(tf.constant(wanted), tf.constant(step, tf.int64)))
            for step, wanted in enumerate([True, False, True])
        ]

    assert written == [True, False, True]
    assert tags(tmp_path) == [(0, "a"), (2, "a")]


def test_summaries_in_a_loop_of_a_function_are_written_in_order(writer, tmp_path):
    @tf.function
    def count(n):
        for i in tf.range(n):
            tf.summary.scalar("a", tf.cast(i, tf.float32), step=tf.cast(i, tf.int64))

    with writer.as_default():
        count(tf.constant(3))

    assert [(step, float(value)) for step, _, _, value in values(tmp_path)] == [
        (0, 0.0),
        (1, 1.0),
        (2, 2.0),
    ]


def test_name_scopes_stand_before_the_tag(writer, tmp_path):
    with writer.as_default(step=1), tf.name_scope("outer"), tf.name_scope("inner"):
        tf.summary.scalar("a", 1.0)

    assert tags(tmp_path) == [(1, "outer/inner/a")]


# Source: TensorFlow 2.21.
def test_tags_in_branches_and_loops_of_a_function_begin_with_their_scopes(writer, tmp_path):
    @tf.function
    def traced(x):
        with tf.name_scope("A"):
            if x > 0:
                tf.summary.scalar("c", x, step=1)
            while x < 3.0:
                tf.summary.scalar("w", x, step=1)
                x += 1.0
                if x > 0:
                    tf.summary.scalar("wc", x, step=1)
            for _ in tf.range(1):
                with tf.name_scope("B"):
                    tf.summary.scalar("w2", x, step=1)

    with writer.as_default():
        traced(tf.constant(2.0))

    assert [tag for _, tag in tags(tmp_path)] == [
        "A/cond/c",
        "A/while/w",
        "A/while/cond/wc",
        "A/while_1/B/w2",
    ]


def test_a_scope_leaves_out_what_no_scope_may_have_but_the_tag_keeps_it():
    with tf.summary.experimental.summary_scope("n m!") as (tag, scope):
        assert (tag, scope) == ("n m!", "nm/")
    with tf.summary.experimental.summary_scope(None, "other") as (tag, scope):
        assert (tag, scope) == ("other", "other/")


def test_a_value_is_computed_only_if_it_is_recorded(writer):
    def fail():
        raise AssertionError

    with writer.as_default(step=1), tf.summary.record_if(False):
        assert not tf.summary.write("a", fail)


def test_metadata_may_be_a_message_or_its_bytes(writer, tmp_path):
    metadata = protos.SummaryMetadata(display_name="shown")
    with writer.as_default(step=1):
        tf.summary.write("a", [1, 2], metadata=metadata)
        tf.summary.write("b", [1, 2], metadata=metadata.SerializeToString())

    assert [e.summary.value[0].metadata for e in events(tmp_path)] == [metadata, metadata]
    np.testing.assert_array_equal(values(tmp_path)[0][3], [1, 2])


def test_raw_messages_are_written_as_they_are(writer, tmp_path):
    summary = protos.Summary(value=[protos.Summary.Value(tag="old", simple_value=2.5)])
    with writer.as_default():
        tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=4)

    assert events(tmp_path)[0].summary == summary


def test_raw_bytes_that_are_no_message_are_refused(writer):
    with writer.as_default(), pytest.raises(tf.errors.DataLossError, match="raw summary"):
        tf.summary.experimental.write_raw_pb(b"\xff\xff", step=1)


def test_the_graph_of_a_function_is_written_in_native_ops(writer, tmp_path):
    traced = tf.function(lambda x: x * 2.0).get_concrete_function(tf.TensorSpec([]))
    with writer.as_default():
        assert tf.summary.graph(traced.graph)

    graph = protos.GraphDef.FromString(events(tmp_path)[0].graph_def)
    assert {node.op for node in graph.node} == {"Placeholder", "Const", "Mul"}


def test_a_graph_with_gradients_is_written_to_be_looked_at(writer, tmp_path):
    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.conv2d(x, tf.ones([2, 2, 1, 1]), 1, "SAME")
        return tape.gradient(y, x)

    traced = slope.get_concrete_function(tf.TensorSpec([1, 4, 4, 1]))
    with writer.as_default():
        tf.summary.graph(traced.graph)

    graph = protos.GraphDef.FromString(events(tmp_path)[0].graph_def)
    names = [node.name for node in graph.node]
    assert "Conv2D" in {node.op for node in graph.node}
    assert len(set(names)) == len(names)
    inputs = {i.removeprefix("^").partition(":")[0] for node in graph.node for i in node.input}
    assert inputs <= set(names)


def test_what_is_no_graph_is_refused(writer):
    with writer.as_default(), pytest.raises(ValueError, match="graph_data=3"):
        tf.summary.graph(3)


def test_a_trace_has_the_graphs_of_the_functions_that_ran(writer, tmp_path):
    double = tf.function(lambda x: x * 2.0)
    triple = tf.function(lambda x: x + x + x)
    double(tf.constant(1.0))
    with writer.as_default():
        tf.summary.trace_on()
        triple(tf.constant(1.0))
        triple(tf.constant(2.0))
        tf.summary.trace_export("ran", step=3)
        double(tf.constant(1.0))

    ((step, tag, plugin, value),) = values(tmp_path)
    assert (step, tag, plugin) == (3, "ran", "graph_run_metadata_graph")
    (graphs,) = protos.RunMetadata.FromString(value.item()).function_graphs
    assert "AddV2" in {node.op for node in graphs.pre_optimization_graph.node}


def test_a_trace_must_be_on_to_be_exported(writer):
    with writer.as_default(), pytest.raises(ValueError, match="enable trace before export"):
        tf.summary.trace_export("a", step=1)
