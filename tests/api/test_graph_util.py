"""`tf.graph_util` and `tf.import_graph_def`."""

import pytest

import penstock as tf


@pytest.fixture
def graph_def():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [2], name="x")
        tf.add(x, tf.constant([1.0, 2.0]), name="y")
    return graph.as_graph_def()


def test_a_graph_def_is_written_into_a_graph(graph_def):
    with tf.Graph().as_default() as graph:
        given = tf.constant([3.0, 4.0])
        (y,) = tf.graph_util.import_graph_def(graph_def, {"x:0": given}, ["y:0"], name="part")
        with tf.compat.v1.Session(graph=graph) as session:
            assert session.run(y).tolist() == [4.0, 6.0]
    assert y.name == "part/y:0"


def test_a_graph_def_is_written_into_a_function(graph_def):
    @tf.function
    def run(x):
        (y,) = tf.import_graph_def(graph_def, input_map={"x:0": x}, return_elements=["y:0"])
        return y * 2.0

    assert run(tf.constant([3.0, 4.0])).numpy().tolist() == [8.0, 12.0]


def test_what_is_no_graph_def_and_eager_code_are_refused(graph_def):
    with pytest.raises(TypeError, match="GraphDef"):
        tf.import_graph_def("graph")
    with pytest.raises(tf.errors.UnimplementedError, match="needs a graph"):
        tf.import_graph_def(graph_def, return_elements=["y:0"])
