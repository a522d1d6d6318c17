"""Signatures of traces as text. The expected texts are those of TensorFlow 2.21."""

import penstock as tf

SPEC = "TensorSpec(shape=(None,), dtype=tf.float32, name={})"


def trace():
    @tf.function
    def f(x, n=2, *, flag=True):
        return {"a": x, "b": [x, None]}

    return f.get_concrete_function(tf.TensorSpec([None], tf.float32))


def test_one_line_shows_parameters_and_result():
    text = trace().pretty_printed_signature(verbose=False)

    x = SPEC.format("None")
    assert text.startswith(f"(x: {x}, n: Literal[2], *, flag: Literal[True]) -> Dict[['a', ")
    assert text.endswith("Literal[None]]]]")


def test_the_long_form_has_a_line_for_each_part():
    variable = tf.Variable(1.0)
    concrete = tf.function(lambda: variable * 2.0).get_concrete_function()

    lines = str(concrete).split("\n")

    assert lines[0] == "ConcreteFunction Input Parameters:"
    assert lines[1] == "Output Type:"
    assert lines[3] == "Captures:"
    assert lines[4].endswith("TensorSpec(shape=(), dtype=tf.resource, name=None)")
    assert trace().pretty_printed_signature().endswith("Captures:\n  None")


def test_the_function_def_has_tensorflows_ops():
    definition = (
        tf.function(lambda x: x * 2.0)
        .get_concrete_function(tf.TensorSpec([None], tf.float32))
        .function_def
    )

    assert [arg.name for arg in definition.signature.input_arg] == ["x"]
    assert "Mul" in {node.op for node in definition.node_def}
