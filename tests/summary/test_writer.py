import gc

import numpy as np
import pytest

import penstock as tf
from penstock.wire import protos
from tests.summary.reading import events, values


def test_writers_nest(tmp_path):
    outer = tf.summary.create_file_writer(str(tmp_path / "outer"))
    inner = tf.summary.create_file_writer(str(tmp_path / "inner"))
    with outer.as_default(step=1):
        with inner.as_default(step=2):
            tf.summary.scalar("in", 1.0)
        tf.summary.scalar("out", 1.0)

    assert [v[:2] for v in values(tmp_path / "outer")] == [(1, "out")]
    assert [v[:2] for v in values(tmp_path / "inner")] == [(2, "in")]


def test_the_file_is_named_as_tensorboard_looks_for_it(tmp_path):
    tf.summary.create_file_writer(tmp_path / "new" / "run", filename_suffix=".end").close()

    (path,) = (tmp_path / "new" / "run").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    assert path.name.endswith(".end")


def test_a_closed_writer_takes_nothing(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        writer.close()
        with pytest.raises(tf.errors.NotFoundError, match="it is closed"):
            tf.summary.scalar("a", 1.0, step=1)
    writer.close()

    for use in (writer.init, writer.set_as_default, writer.as_default):
        with pytest.raises(RuntimeError, match="already closed"):
            use()


def test_a_forgotten_writer_leaves_a_whole_file(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    tf.raw_ops.WriteScalarSummary(writer=writer.handle, step=1, tag="a", value=2.0)
    del writer
    gc.collect()

    assert [v.simple_value for e in events(tmp_path) for v in e.summary.value] == [2.0]


def test_a_writer_that_does_nothing_leaves_the_default_alone(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    nothing = tf.summary.create_noop_writer()
    with writer.as_default(step=1), nothing.as_default():
        tf.summary.scalar("a", 1.0)
    nothing.flush()
    nothing.close()

    assert len(values(tmp_path)) == 1


def test_a_directory_must_be_given_and_makeable(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ValueError, match="cannot be None"):
        tf.summary.create_file_writer(None)
    with pytest.raises(tf.errors.OpError):
        tf.summary.create_file_writer(str(tmp_path / "file" / "below"))


def test_a_saved_model_has_a_writer_of_its_own(tmp_path):
    class Model(tf.Module):
        def __init__(self):
            super().__init__()
            self.writer = tf.summary.create_file_writer(
                str(tmp_path / "logs"), experimental_trackable=True
            )

        @tf.function(input_signature=[tf.TensorSpec([])])
        def __call__(self, x):
            with self.writer.as_default():
                tf.summary.scalar("x", x, step=1)
            return x

    model = Model()
    tf.saved_model.save(model, str(tmp_path / "model"))
    del model
    # A writer makes files wherever the model says, so the caller must agree.
    with pytest.raises(tf.errors.PermissionDeniedError, match="CreateSummaryFileWriter"):
        tf.saved_model.load(str(tmp_path / "model"))
    agreed = tf.saved_model.LoadOptions(allow_unsafe_ops=True)
    loaded = tf.saved_model.load(str(tmp_path / "model"), options=agreed)
    loaded(tf.constant(3.0))
    del loaded
    gc.collect()

    assert [float(value) for *_, value in values(tmp_path / "logs")] == [3.0]


def test_messages_are_written_by_hand(tmp_path):
    with tf.compat.v1.summary.FileWriter(str(tmp_path)) as writer:
        summary = tf.compat.v1.Summary(
            value=[tf.compat.v1.Summary.Value(tag="a", simple_value=1)]
        )
        writer.add_summary(summary, 3)
        writer.add_summary(summary.SerializeToString(), 4)
        writer.add_graph(protos.GraphDef(node=[protos.NodeDef(name="n", op="NoOp")]))
        writer.add_run_metadata(protos.RunMetadata(), "run", 5)

    assert [(e.WhichOneof("what"), e.step) for e in events(tmp_path)] == [
        ("summary", 3),
        ("summary", 4),
        ("graph_def", 0),
        ("tagged_run_metadata", 5),
    ]


def test_the_iterator_of_tensorflow_1_reads_events(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        tf.summary.scalar("a", 2.5, step=1)
    (path,) = tmp_path.iterdir()

    first, second = tf.compat.v1.train.summary_iterator(str(path))

    assert first.file_version == "brain.Event:2"
    np.testing.assert_array_equal(tf.make_ndarray(second.summary.value[0].tensor), 2.5)
