"""`tape.why` names what keeps a gradient from being there."""

import re

import numpy as np
import pytest

import penstock as tf


def why(function, source, watch=True, **options):
    with tf.GradientTape(**options) as tape:
        if watch:
            tape.watch(source)
        target = function(source)
    return tape, target


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda x: tf.cast(tf.argmax(tf.stack([x, x])), tf.float32),
            "op ArgMax at .* gives int64",
        ),
        (lambda x: tf.stop_gradient(x * x) + 1.0, "tf.stop_gradient at .* stops it"),
        (lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), "Cast at .* to int32"),
        (lambda x: tf.round(x) * 2.0, "op Round at .* has no gradient"),
        (lambda x: tf.constant(x.numpy() * 2.0), "through numpy"),
        (lambda x: tf.constant(1.0) * 2.0, "nothing that the tape recorded makes the target"),
    ],
)
def test_what_blocks_a_gradient_is_named(function, words):
    x = tf.constant(2.0)
    tape, y = why(function, x)

    assert tape.gradient(y, x) is None
    text = tape.why(y, x)
    assert text == tape.why(y, x)
    assert re.search(words, text), text
    assert len(text) < 200


def test_the_line_of_the_blocking_op_is_the_users():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cast(x > 1.0, tf.float32)

    assert f"{__file__}:" in tape.why(y, x)
    assert "op Greater" in tape.why(y, x)


def test_a_source_that_was_not_watched_is_told():
    x = tf.constant(2.0)
    tape, y = why(lambda x: x * 2.0, x, watch=False)

    assert "was not watched" in tape.why(y, x)


def test_a_variable_that_is_not_trainable_is_told():
    v = tf.Variable(1.0, trainable=False, name="counter")
    tape, y = why(lambda v: v * 2.0, v, watch=False)

    assert (
        tape.why(y, v)
        == "variable 'counter:0' is not trainable: it is watched by tape.watch alone"
    )


def test_a_variable_that_was_not_read_is_told():
    v, w = tf.Variable(1.0), tf.Variable(2.0, name="idle")
    tape, y = why(lambda v: v * 2.0, v, watch=False)

    assert "'idle:0' was not read" in tape.why(y, w)


def test_integers_are_told():
    x = tf.constant(3.0)
    tape, y = why(lambda x: tf.cast(x, tf.int64), x)

    assert tape.why(y, x).startswith("the target is int64")


def test_a_numpy_array_as_target_is_told():
    x = tf.constant(3.0)
    tape, y = why(lambda x: np.square(x.numpy()), x)

    assert "no tensor but float32" in tape.why(y, x)


def test_what_is_computed_after_the_tape_is_told():
    x = tf.constant(3.0)
    tape, y = why(lambda x: x * x, x)

    assert "outside of the tape" in tape.why(y * 2.0, x)


def test_an_op_inside_a_function_is_named():
    x = tf.constant(3.0)
    step = tf.function(lambda x: tf.cast(x > 0.0, tf.float32))
    tape, y = why(step, x)

    assert tape.gradient(y, x) is None
    assert "in function '<lambda>', op Greater at" in tape.why(y, x)


def test_a_tape_inside_a_function_answers_too():
    texts = []

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.floor(x)
        texts.append(tape.why(y, x))
        return y

    f(tf.constant(1.5))

    assert "op Floor" in texts[0]


def test_a_gradient_that_is_there_is_told():
    x = tf.constant(3.0)
    tape, y = why(lambda x: x * x, x, persistent=True)

    assert float(tape.gradient(y, x)) == 6.0
    assert "all of them have gradients" in tape.why(y, x)


def test_a_nest_of_sources_gives_a_nest_of_reasons():
    x, z = tf.constant(3.0), tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch([x, z])
        y = tf.stop_gradient(x) * 2.0

    reasons = tape.why(y, {"x": x, "z": z})

    assert "stop_gradient" in reasons["x"]
    assert "nothing that the tape recorded uses the source" in reasons["z"]
