"""Graphs to and from TensorFlow's messages."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.tensor_shape import TensorShape
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.attr_values import read_attr, write_attr
from penstock.graph.graph_def.reader import Library, in_order
from penstock.graph.graph_def.writer import LibraryWriter, write_graph
from penstock.graph.graph_function import GraphFunction
from penstock.ops.table import lookup
from penstock.runtime.dispatch import call
from penstock.wire import protos


def written(function, *specs):
    """The FunctionDef of a trace, the library it stands in, and the trace."""
    concrete = tf.function(function).get_concrete_function(*specs)
    writer = LibraryWriter()
    graph = concrete.graph
    message = writer.add("__inference_f_1", graph.inputs, graph.outputs, graph.nodes)
    return message, writer.message, concrete


def read_back(library, name, specs, captured=()):
    """A callable of the function `name`, read from messages."""
    graph = FuncGraph("read")
    with graph.as_default():
        inputs = [graph.placeholder(spec.dtype, spec.shape) for spec in specs]
        inputs += [graph.capture(tensor) for tensor in captured]
        outputs = Library(library.function).inline(name, inputs)
    function = GraphFunction(graph, inputs, outputs, graph.nodes)
    return lambda *args: [
        tensor.numpy() for tensor in function([*map(tf.constant, args), *captured])
    ]


MATRIX = tf.TensorSpec([None, 3], tf.float32)
X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], np.float32)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (3, "i"),
        (True, "b"),
        ("SAME", "s"),
        (2.5, "f"),
        (tf.int64, "type"),
        (TensorShape([None, 2]), "shape"),
        ((1, 2, 2, 1), "list"),
        ((tf.float32, tf.string), "list"),
        ((TensorShape([1]), TensorShape(None)), "list"),
        ((), "list"),
    ],
)
def test_an_attr_comes_back_as_it_was(value, field):
    message = protos.AttrValue()

    write_attr(message, value)

    assert message.WhichOneof("value") == field
    back = read_attr(message)
    if isinstance(value, TensorShape) and value.rank is not None:
        assert back.as_list() == value.as_list()
    elif field == "list" and value and isinstance(value[0], TensorShape):
        assert [shape.rank for shape in back] == [shape.rank for shape in value]
    else:
        assert back == value


def test_an_integer_for_a_float_attr_is_written_as_a_float():
    message = protos.AttrValue()

    write_attr(message, 1, like=0.5)

    assert message.f == 1.0


def test_type_and_number_attrs_follow_from_the_tensors():
    message, _, _ = written(lambda x: tf.concat([x, x, x], 0), MATRIX)

    node = next(node for node in message.node_def if node.op == "ConcatV2")

    assert node.attr["N"].i == 3
    assert node.attr["T"].type == protos.DT_FLOAT
    assert node.attr["Tidx"].type == protos.DT_INT32


def test_tensors_are_named_by_node_argument_and_position():
    message, _, _ = written(lambda x: tf.split(x, 3, axis=1)[1] + 1.0, MATRIX)
    split = next(node for node in message.node_def if node.op == "Split")
    add = next(node for node in message.node_def if node.op == "AddV2")

    assert add.input[0] == f"{split.name}:output:1"
    assert split.input[1] == message.signature.input_arg[0].name


def test_a_function_is_read_back_with_the_same_results():
    def f(x):
        rows = tf.shape(x)[0]
        return tf.reshape(tf.transpose(x), [3, rows]) * 2.0, tf.nn.softmax(x)

    message, library, _ = written(f, MATRIX)

    first, second = read_back(library, message.signature.name, [MATRIX])(X)

    np.testing.assert_allclose(first, X.T * 2)
    exponentials = np.exp(X)
    np.testing.assert_allclose(
        second, exponentials / exponentials.sum(-1, keepdims=True), rtol=1e-5
    )


def test_reads_and_assignments_keep_their_order_through_control_inputs():
    variable = tf.Variable([1.0, 2.0])

    def f(x):
        before = variable.read_value()
        variable.assign_add(x)
        between = variable.read_value()
        variable.assign(between * 10.0)
        return before, between

    message, library, concrete = written(f, tf.TensorSpec([2], tf.float32))
    nodes = {node.name: node for node in message.node_def}
    add = next(node for node in nodes.values() if node.op == "AssignAddVariableOp")
    assign = next(node for node in nodes.values() if node.op == "AssignVariableOp")

    assert any(
        text.startswith("^") and nodes[text[1:]].op == "ReadVariableOp" for text in add.input
    )
    assert message.control_ret[assign.name] == assign.name
    # The order in the message must not matter.
    shuffled = list(message.node_def)[::-1]
    del message.node_def[:]
    message.node_def.extend(shuffled)
    run = read_back(
        library,
        message.signature.name,
        [tf.TensorSpec([2], tf.float32)],
        concrete.captured_inputs,
    )
    before, between = run(np.array([1.0, 1.0], np.float32))
    np.testing.assert_array_equal(before, [1.0, 2.0])
    np.testing.assert_array_equal(between, [2.0, 3.0])
    np.testing.assert_array_equal(variable.numpy(), [20.0, 30.0])


def test_branches_and_loops_become_functions_of_their_own():
    scale = tf.Variable(2.0)

    def f(x, n):
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * scale, lambda: -x)
        return tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a + y), [0, y])[1]

    specs = [MATRIX, tf.TensorSpec([], tf.int32)]
    message, library, concrete = written(f, *specs)
    nodes = {node.op: node for node in message.node_def}
    names = {function.signature.name for function in library.function}

    assert nodes["StatelessIf"].attr["then_branch"].func.name in names
    assert nodes["StatelessWhile"].attr["body"].func.name in names
    assert "maximum_iterations" not in nodes["StatelessWhile"].attr
    run = read_back(library, message.signature.name, specs, concrete.captured_inputs)
    np.testing.assert_allclose(run(X, np.int32(3))[0], X * 2 * 4)
    np.testing.assert_allclose(run(-X, np.int32(1))[0], X * 2)


def test_what_has_no_native_form_is_refused_by_name():
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call("Qr", x)[0]
        return tape.gradient(y, x)

    with pytest.raises(tf.errors.UnimplementedError, match=r"_VJP.*TensorFlow's ops"):
        written(f, tf.TensorSpec([2, 2], tf.float32))


def test_an_unknown_op_raises_only_when_it_is_reached():
    message, library, _ = written(lambda x: (x + 1.0, tf.tanh(x)), MATRIX)
    for node in message.node_def:
        if node.op == "Tanh":
            node.op = "TanhOfTheFuture"
    specs = [MATRIX]
    graph = FuncGraph("read")
    with graph.as_default():
        inputs = [graph.placeholder(tf.float32, [None, 3]) for _ in specs]
        kept, unknown = Library(library.function, "model 'm'").inline("__inference_f_1", inputs)
    usable = GraphFunction(graph, inputs, [kept], graph.nodes)
    broken = GraphFunction(graph, inputs, [unknown], graph.nodes)

    np.testing.assert_allclose(usable([tf.constant(X)])[0].numpy(), X + 1)
    with pytest.raises(tf.errors.UnimplementedError, match=r"TanhOfTheFuture.*model 'm'"):
        broken([tf.constant(X)])


def test_an_attr_that_the_row_does_not_know_is_not_ignored():
    message, library, _ = written(tf.tanh, MATRIX)
    for node in message.node_def:
        if node.op == "Tanh":
            node.attr["saturate"].b = True
    run = read_back(library, message.signature.name, [MATRIX])

    with pytest.raises(tf.errors.UnimplementedError, match="saturate"):
        run(X)


def test_a_function_that_calls_itself_is_damaged():
    message, library, _ = written(tf.tanh, MATRIX)
    for node in message.node_def:
        if node.op == "Tanh":
            node.op = "PartitionedCall"
            node.attr["f"].func.name = message.signature.name

    with pytest.raises(tf.errors.DataLossError, match="without end"):
        read_back(library, message.signature.name, [MATRIX])


def test_a_missing_function_or_tensor_is_damage():
    message, library, _ = written(tf.tanh, MATRIX)
    with pytest.raises(tf.errors.DataLossError, match="'nothing'"):
        read_back(library, "nothing", [MATRIX])
    message.node_def[0].input[0] = "gone:y:0"
    with pytest.raises(tf.errors.DataLossError, match="gone:y:0"):
        read_back(library, message.signature.name, [MATRIX])


def test_nodes_are_sorted_after_their_inputs_and_stay_in_order_otherwise():
    def node(name, *inputs):
        return protos.NodeDef(name=name, op="NoOp", input=inputs)

    nodes = [node("c", "^a"), node("b"), node("a"), node("d", "b:1", "^c")]

    assert [n.name for n in in_order(nodes, "g")] == ["b", "a", "c", "d"]
    with pytest.raises(tf.errors.UnimplementedError, match="cycle"):
        in_order([node("a", "b"), node("b", "a")], "g")


def test_a_graph_def_names_tensors_by_node_and_position():
    concrete = tf.function(lambda x: tf.split(x, 3, axis=1)[2]).get_concrete_function(MATRIX)

    message = write_graph(concrete.graph.outputs, concrete.graph.nodes)
    by_op = {node.op: node for node in message.node}

    assert set(by_op) == {"Placeholder", "Const", "Split"}
    assert by_op["Split"].input[1] == by_op["Placeholder"].name
    assert message.versions.producer > 0


def test_shapes_of_the_file_are_kept_and_missing_ones_inferred():
    message, library, _ = written(lambda x: tf.matmul(x, x, transpose_b=True), MATRIX)
    graph = FuncGraph("read")
    for node in message.node_def:
        node.attr.pop("_output_shapes")
    with graph.as_default():
        given = [graph.placeholder(tf.float32, [None, 3])]
        (inferred,) = Library(library.function).inline(message.signature.name, given)

    assert inferred.shape.as_list() == [None, None]
    assert lookup("MatMul").name in {node.op for node in graph.nodes}
