"""Graphs written as MetaGraphDefs, and read into other graphs."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
X = np.ones((2, 3), np.float32)


def build():
    """A loop, a branch and a step of training over two variables."""
    x = v1.placeholder(tf.float32, [None, 3], "x")
    n = v1.placeholder(tf.int32, [], "n")
    with v1.variable_scope("a"):
        w = v1.get_variable("w", [3, 2], initializer=v1.constant_initializer(2.0))
    count = v1.get_variable("count", initializer=1, trainable=False)
    product = tf.matmul(x, w)
    y = v1.cond(n > 1, lambda: product, lambda: -product)
    _, z = v1.while_loop(lambda i, _: i < n, lambda i, z: (i + 1, z + y), [0, y])
    tf.identity(z, name="z")
    with v1.control_dependencies([v1.assign_add(count, 1)]):
        tf.identity(count.read_value(), name="seen")
    loss = tf.reduce_mean(tf.square(product - 1.0))
    v1.train.GradientDescentOptimizer(0.1).minimize(loss, name="train")


def test_a_saved_graph_goes_on_in_another_session(tmp_path):
    with v1.Graph().as_default(), v1.Session() as session:
        build()
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver().save(session, tmp_path / "model", global_step=7)
        session.run("train", {"x:0": X})
        stepped = session.run(v1.trainable_variables()[0])

    with v1.Graph().as_default(), v1.Session() as session:
        saver = v1.train.import_meta_graph(f"{path}.meta")
        saver.restore(session, path)
        (w,) = v1.trainable_variables()

        assert path.endswith("model-7")
        assert w.name == "a/w:0"
        np.testing.assert_array_equal(session.run("z:0", {"x:0": X, "n:0": 3}), X[:, :2] * 24)
        assert session.run(["seen:0", "seen:0"]) == [2, 2]
        assert session.run("seen:0") == 3
        session.run("train", {"x:0": X})
        np.testing.assert_allclose(session.run(w), stepped, rtol=1e-6)
        session.run(w.initializer)
        np.testing.assert_array_equal(session.run(w), np.full((3, 2), 2.0))


def test_a_meta_graph_has_what_sessions_of_tensorflow_save_by(tmp_path):
    with v1.Graph().as_default() as graph:
        build()
        message = v1.train.export_meta_graph(tmp_path / "g.meta", graph=graph)
    names = {node.name for node in message.graph_def.node}

    assert message.saver_def.restore_op_name in names
    assert message.saver_def.filename_tensor_name.partition(":")[0] in names
    variables = message.collection_def["trainable_variables"].bytes_list.value
    assert [v1.VariableDef.FromString(data).variable_name for data in variables] == ["a/w:0"]
    assert message.collection_def["train_op"].node_list.value == ["train"]


def test_nodes_that_save_and_restore_run_in_sessions(tmp_path):
    with v1.Graph().as_default(), v1.Session() as session:
        build()
        message = v1.train.export_meta_graph()
    saver, target = message.saver_def, str(tmp_path / "by_nodes")

    with v1.Graph().as_default(), v1.Session() as session:
        v1.train.import_meta_graph(message)
        (w,) = v1.trainable_variables()
        session.run([v.initializer for v in v1.global_variables()])
        session.run(saver.save_tensor_name, {saver.filename_tensor_name: target})
        w.load(np.zeros((3, 2)), session)
        session.run(saver.restore_op_name, {saver.filename_tensor_name: target})

        np.testing.assert_array_equal(session.run(w), np.full((3, 2), 2.0))
    assert dict(tf.train.list_variables(target)) == {"a/w": [3, 2], "count": []}


def test_a_graph_def_is_imported_under_a_prefix_with_other_inputs():
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], "x")
        tf.multiply(x, 2.0, name="y")
        message = graph.as_graph_def()

    with v1.Graph().as_default() as other, v1.Session() as session:
        given = tf.constant([1.0, 2.0])
        y, op = v1.import_graph_def(
            message, {"x:0": given}, return_elements=["y:0", "y"], name="part"
        )

        np.testing.assert_array_equal(session.run(y), [2.0, 4.0])
        assert op.name == "part/y"
        assert other.get_tensor_by_name("part/y:0") is y
        with pytest.raises(ValueError, match="nowhere"):
            v1.import_graph_def(message, return_elements=["nowhere:0"])


def test_functions_can_be_made_of_a_graph_def():
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], "x")
        tf.exp(x, name="y")
        message = graph.as_graph_def()

    @tf.function
    def run(given):
        return v1.import_graph_def(message, {"x:0": given}, ["y:0"])[0]

    np.testing.assert_allclose(run(tf.constant([0.0, 1.0])), [1.0, np.e], rtol=1e-6)
