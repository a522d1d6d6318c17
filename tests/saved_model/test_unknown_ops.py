"""Ops that penstock lacks leave the rest of a model usable, and users can give them kernels."""

import numpy as np
import pytest

import penstock as tf
from penstock.cli.main import main
from penstock.graph.graph_def.user_kernels import op_kernel, remove_kernel
from penstock.wire import protos


@pytest.fixture
def model(tmp_path):
    """A model whose op `Relu` became one that nobody knows, with an attr of its own."""
    module = tf.Module()
    spec = tf.TensorSpec([None, 2], tf.float32, "x")
    module.known = tf.function(lambda x: x + 1.0, [spec])
    module.unknown = tf.function(lambda x: tf.nn.relu(x) * 2.0, [spec])
    path = tmp_path / "model"
    tf.saved_model.save(module, path, {"known": module.known, "unknown": module.unknown})
    file = path / "saved_model.pb"
    message = protos.SavedModel.FromString(file.read_bytes())
    for function in message.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "Relu":
                node.op = "MyScale"
                node.attr["factor"].f = 3.0
    file.write_bytes(message.SerializeToString())
    return path


X = np.array([[1.0, -2.0]], np.float32)


def test_the_rest_of_a_model_is_usable(model):
    loaded = tf.saved_model.load(model)

    assert loaded.signatures["known"](x=X)["output_0"].numpy().tolist() == [[2, -1]]
    with pytest.raises(
        tf.errors.UnimplementedError, match=r"'MyScale'.*op_kernel; node 'Relu'"
    ):
        loaded.signatures["unknown"](x=X)


def test_inspect_tells_op_node_and_signature(model, capsys):
    assert main(["inspect", str(model)]) == 0

    told = capsys.readouterr().out
    assert "MyScale" in told
    line = next(line for line in told.splitlines() if "Relu" in line)
    assert "unknown" in line


def test_a_kernel_of_the_user_runs(model):
    @op_kernel("MyScale")
    def my_scale(x, *, factor, **_):
        return x * np.float32(factor)

    try:
        loaded = tf.saved_model.load(model)
        result = loaded.signatures["unknown"](x=X)["output_0"]
        again = loaded.unknown(tf.constant(X))
    finally:
        remove_kernel("MyScale")

    assert result.numpy().tolist() == again.numpy().tolist() == [[6, -12]]


@pytest.mark.parametrize("with_kernel", [False, True])
def test_an_unknown_op_is_saved_as_it_was_read(model, tmp_path, with_kernel):
    if with_kernel:
        op_kernel("MyScale")(lambda x, **_: x)
    try:
        loaded = tf.saved_model.load(model)
        tf.saved_model.save(loaded, tmp_path / "again", dict(loaded.signatures))
    finally:
        remove_kernel("MyScale")
    data = (tmp_path / "again" / "saved_model.pb").read_bytes()
    message = protos.SavedModel.FromString(data)

    nodes = [
        node
        for function in message.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "MyScale"
    ]
    assert nodes
    assert all(node.attr["factor"].f == 3.0 for node in nodes)
    assert all(set(node.attr) <= {"factor", "T", "_output_shapes"} for node in nodes)


def test_an_op_of_the_table_keeps_its_kernel():
    with pytest.raises(ValueError, match="'Relu' has a kernel already"):
        op_kernel("Relu")
