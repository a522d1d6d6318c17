"""What jit_compile=True cannot compile names the op, the user's line and a bounded form."""

import numpy as np
import pytest

import penstock as tf
from penstock.graph.rewrites import rewrite_of

X = [3.0, -1.0, 5.0, 5.0]


def masked(x):
    return tf.boolean_mask(x, x > 0.0)


def unique(x):
    return tf.unique(x)[0]


def partitioned(x):
    return tf.dynamic_partition(x, tf.cast(x > 0.0, tf.int32), 2)[1]


def counted(x):
    return tf.range(tf.cast(tf.reduce_max(x), tf.int32))


def sliced(x):
    return x[: tf.argmax(x)]


def filled(x):
    return tf.fill([tf.cast(x[0], tf.int32)], 1.0)


def text(x):
    return tf.strings.as_string(x)


def grown(x):
    out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    for v in x:
        if v > 0.0:
            out = out.write(out.size(), v)
    return out.stack()


@pytest.mark.parametrize(
    ("program", "op", "rewrite"),
    [
        (masked, "Where", "tf.where(mask, x, 0)"),
        (unique, "Unique", "tf.math.unsorted_segment_sum"),
        (text, "AsString", "do strings and tables before"),
        (grown, "", "give the TensorArray a Python size|keep the sizes of its variables"),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_a_program_that_cannot_be_compiled_is_told_what_to_write(program, op, rewrite):
    plain, compiled = tf.function(program), tf.function(program, jit_compile=True)
    assert plain(tf.constant(X)).shape.rank == 1

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        compiled(tf.constant(X))

    message = str(caught.value)
    assert f"op {op}" in message
    assert f"made at {__file__}:" in message
    assert any(part in message for part in rewrite.split("|"))
    assert len(message) < 500


@pytest.mark.parametrize("program", [partitioned, counted, sliced, filled])
def test_sizes_that_follow_from_arguments_alone_are_compiled(program):
    plain, compiled = tf.function(program), tf.function(program, jit_compile=True)

    for first in (3.0, 2.0):
        x = tf.constant([first, *X[1:]])
        np.testing.assert_array_equal(compiled(x), plain(x))


@pytest.mark.parametrize(
    "op", ["Where", "Range", "Reshape", "StringJoin", "TensorListStack", "StatelessWhile"]
)
def test_each_rewrite_is_one_short_clause(op):
    text = rewrite_of(op, is_string=False)

    assert text != rewrite_of("NoSuchOp", is_string=False)
    assert len(text) < 100
    assert not text.endswith(".")


def test_the_bounded_forms_can_be_compiled():
    x = tf.constant(X)

    @tf.function(jit_compile=True)
    def f(x):
        mask = x > 0.0
        total = tf.reduce_sum(x * tf.cast(mask, x.dtype))
        parts = [tf.reduce_sum(tf.where(mask == side, x, 0.0)) for side in (True, False)]
        counted = tf.sequence_mask(tf.cast(x[0], tf.int32), maxlen=6)
        return total, parts, counted

    total, parts, counted = f(x)

    assert float(total) == 13.0
    assert [float(part) for part in parts] == [13.0, -1.0]
    np.testing.assert_array_equal(counted, [True, True, True, False, False, False])
