"""Rules of `tf.custom_gradient` in SavedModels: those of TensorFlow are kept, ours told of.

Values and gradients of the golden models are those that TensorFlow 2.21 gives for them.
"""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model" / "custom_gradients"
X = np.float32([1, 2])
CASES = {
    "plain": (15.0, [14, 28], None, [14, 14]),
    "of_a_variable": (40.0, [20, 120], [64, 64], [70, 260]),
    "in_a_loop": (257.0, [14, 28], None, [14, 14]),
}


def _gradients(call, x, w):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = call(x)
    return y, tape.gradient(y, [x, w])


def _check(found, value, dx, dw):
    y, (of_x, of_w) = found
    assert float(y) == value
    np.testing.assert_allclose(of_x, dx)
    assert (of_w is None) == (dw is None)
    if dw is not None:
        np.testing.assert_allclose(of_w, dw)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_in_a_file_is_followed(name):
    value, dx, dw, _ = CASES[name]
    model = tf.saved_model.load(GOLDEN / "kept")

    _check(_gradients(getattr(model, name), tf.constant(X), model.w), value, dx, dw)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_in_a_file_is_followed_inside_another_function(name):
    value, dx, dw, _ = CASES[name]
    model = tf.saved_model.load(GOLDEN / "kept")
    call = getattr(model, name)

    @tf.function
    def inside(x):
        return _gradients(call, x, model.w)

    _check(inside(tf.constant(X)), value, dx, dw)
    around = tf.function(lambda x: call(x) + 0.0)
    _check(_gradients(around, tf.constant(X), model.w), value, dx, dw)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_gradients_go_through_the_rule(name):
    model = tf.saved_model.load(GOLDEN / "kept")
    x = tf.constant(X)
    with tf.GradientTape() as outer:
        outer.watch(x)
        _, (dx, _) = _gradients(getattr(model, name), x, model.w)

    np.testing.assert_allclose(outer.gradient(dx, x), CASES[name][3])


@pytest.mark.parametrize("name", CASES)
def test_a_rule_that_a_file_lacks_is_missed_where_a_gradient_is_asked_for(name):
    model = tf.saved_model.load(GOLDEN / "lost")
    call = getattr(model, name)

    assert float(call(tf.constant(X))) == CASES[name][0]
    with pytest.raises(LookupError, match="CustomGradient-"):
        _gradients(call, tf.constant(X), model.w)
    with pytest.raises(LookupError, match="CustomGradient-"):
        tf.function(lambda x: _gradients(call, x, model.w))(tf.constant(X))


@tf.custom_gradient
def _doubled(x):
    return tf.identity(x), lambda dy: dy * 2.0


@pytest.mark.parametrize("rounds", [0, 2])
def test_a_rule_of_our_own_is_not_replaced_by_another_when_it_is_saved(tmp_path, rounds):
    def serve(x):
        x = _doubled(x)
        for _ in tf.range(rounds):
            x = _doubled(x * x)
        return x

    model = tf.Module()
    model.serve = tf.function(serve, [tf.TensorSpec([2])])
    tf.saved_model.save(model, tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")

    np.testing.assert_allclose(loaded.serve(tf.constant(X)), X if rounds == 0 else X**4)
    with pytest.raises(LookupError, match="gradient rule"):
        _gradients(loaded.serve, tf.constant(X), tf.Variable(1.0))
