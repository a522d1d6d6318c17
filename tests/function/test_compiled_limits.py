"""What `jit_compile=True` refuses, and how the refusal reads."""

import re
from pathlib import Path

import pytest

import penstock as tf
from penstock.ops.table import lookup

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compiled-functions.md"
LENGTH = tf.Variable(3)


def compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


REFUSED = {
    "Where": (lambda x: tf.where(x > 1.0), tf.constant([1.0, 2.0])),
    "Unique": (lambda x: tf.unique(x).y, tf.constant([1, 1])),
    "StringUpper": (tf.strings.upper, tf.constant(["a"])),
    "Reshape": (lambda x: tf.reshape(x, [1, 1]), tf.constant(["a"])),
    "AsString": (tf.strings.as_string, tf.constant([1])),
    "PyFunc": (
        lambda x: tf.numpy_function(lambda a: a + 1, [x], tf.float32),
        tf.constant([1.0]),
    ),
    "MatrixSquareRoot": (tf.linalg.sqrtm, tf.eye(2)),
    "Range": (lambda x: x + tf.range(LENGTH), tf.constant([1])),
}


@pytest.mark.parametrize("op", REFUSED)
def test_what_cannot_be_compiled_is_named_with_the_line_of_the_program(op):
    function, argument = REFUSED[op]

    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        compiled(function)(argument)

    assert f"op {op} cannot be compiled" in str(error.value)
    assert re.search(r"made at \S*test_compiled_limits\.py:\d+", str(error.value))


@pytest.mark.parametrize("op", REFUSED)
def test_the_same_functions_run_without_jit_compile(op):
    function, argument = REFUSED[op]

    plain = tf.function(function, autograph=False)(argument)

    assert plain.numpy().tolist() == function(argument).numpy().tolist()


def test_sizes_may_come_from_arguments():
    ranges = compiled(tf.range)

    assert ranges(tf.constant(2)).numpy().tolist() == [0, 1]
    assert ranges(tf.constant(3)).numpy().tolist() == [0, 1, 2]


def test_the_page_lists_ops_that_have_no_compiled_form():
    tables = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    named = {
        name for line in tables for name in re.findall(r"`([A-Z]\w+)`", line.split("|")[2])
    }

    assert len(named) > 100
    assert sorted(name for name in named if lookup(name).device is not None) == []
