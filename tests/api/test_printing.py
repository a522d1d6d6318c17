"""`tf.print`: the texts are those that TensorFlow 2.21 prints."""

import sys

import numpy as np
import pytest

import penstock as tf

LINES = [
    (("hello",), {}, "hello\n"),
    (("a", tf.constant("b")), {}, 'a "b"\n'),
    ((tf.constant("b"),), {}, "b\n"),
    ((tf.constant(["b"]),), {}, '["b"]\n'),
    (("x:", tf.constant([1.5, 2.0]), 5, 2.5, None, True), {}, "x: [1.5 2] 5 2.5 None True\n"),
    (({"a": tf.constant(1), "b": [tf.constant(2.5), "s"]},), {}, "{'a': 1, 'b': [2.5, 's']}\n"),
    (([tf.constant(1), 2, "q"],), {}, "[1, 2, 'q']\n"),
    (("{} x", 3), {}, "{} x 3\n"),
    (({}, tf.constant(1)), {}, "{} 1\n"),
    ((np.array([1, 2]),), {}, "array([1, 2])\n"),
    ((tf.constant(list(range(10))),), {"summarize": 2}, "[0 1 ... 8 9]\n"),
    (("a", "b"), {"sep": "-", "end": "!"}, "a-b!"),
]


@pytest.mark.parametrize(("inputs", "options", "text"), LINES, ids=[text for *_, text in LINES])
def test_values_are_written_as_in_tensorflow(inputs, options, text, capsys):
    tf.print(*inputs, **options)

    assert capsys.readouterr().err == text


def test_a_function_prints_when_it_runs(capsys):
    @tf.function
    def show(x):
        tf.print("x is", x, output_stream=sys.stdout)
        return x

    show(tf.constant([1, 2]))
    show(tf.constant([3, 4]))

    assert capsys.readouterr().out == "x is [1 2]\nx is [3 4]\n"


def test_a_file_gets_line_after_line(tmp_path):
    path = tmp_path / "out.txt"

    for i in range(2):
        tf.print(i, output_stream=f"file://{path}")

    assert path.read_text() == "0\n1\n"


def test_a_log_gets_the_line(caplog):
    with caplog.at_level("WARNING", logger="penstock"):
        tf.print("careful", output_stream="log(warning)")

    assert caplog.messages == ["careful"]


def test_what_it_does_not_know_is_refused():
    with pytest.raises(ValueError, match="output_stream"):
        tf.print("a", output_stream="nowhere")
    with pytest.raises(ValueError, match="colour"):
        tf.print("a", colour="red")
