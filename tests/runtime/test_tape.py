import numpy as np
import pytest

import penstock as tf
from penstock.runtime.dispatch import call


def _sum(x):
    return call("Sum", x, list(range(x.shape.rank)), keep_dims=False)


def test_the_gradient_of_a_product_is_the_other_factor():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])

    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = x * y

    dx, dy = tape.gradient(z, [x, y])
    np.testing.assert_array_equal(dx, [3, 4])
    np.testing.assert_array_equal(dy, [1, 2])


def test_broadcast_axes_are_summed():
    x, y = tf.constant([[1.0], [2.0]]), tf.constant([3.0, 4.0, 5.0])

    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = x * y

    dx, dy = tape.gradient(z, [x, y])
    np.testing.assert_array_equal(dx, [[12], [12]])
    np.testing.assert_array_equal(dy, [3, 3, 3])


def test_a_variable_is_watched_when_it_is_read():
    v = tf.Variable(3.0)

    with tf.GradientTape() as tape:
        y = v * v

    assert tape.watched_variables() == (v,) or tape.watched_variables()[0] is v
    assert float(tape.gradient(y, v)) == 6.0


def test_a_variable_read_twice_counts_each_read_once():
    v = tf.Variable(2.0)

    with tf.GradientTape() as tape:
        a, b = v.read_value(), v.read_value()
        y = a + b * 3.0

    assert float(tape.gradient(y, v)) == 4.0


def test_a_variable_that_is_not_trainable_is_not_watched():
    v = tf.Variable(2.0, trainable=False)

    with tf.GradientTape() as tape:
        y = v * 1.0

    assert tape.gradient(y, v) is None


def test_a_tape_that_is_not_persistent_answers_once():
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)

    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(y, x)


def test_a_persistent_tape_answers_again():
    x = tf.constant(3.0)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
        z = y * x

    assert float(tape.gradient(y, x)) == 6.0
    assert float(tape.gradient(z, x)) == 27.0


def test_nested_tapes_give_the_second_derivative():
    x = tf.constant(3.0)

    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        first = inner.gradient(y, x)

    assert float(outer.gradient(first, x)) == 18.0


def test_no_path_gives_none_or_zeros():
    x, y = tf.constant([1.0, 2.0]), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * y

    assert tape.gradient(z, x) is None
    zeros = tape.gradient(z, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(zeros, [0, 0])


def test_stop_recording_hides_what_is_inside():
    x = tf.constant(2.0)

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        with tape.stop_recording():
            z = y * x
        w = y + z

    assert float(tape.gradient(w, x)) == 4.0


def test_output_gradients_weight_the_targets():
    x = tf.constant([1.0, 2.0])

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x

    gradient = tape.gradient(y, x, output_gradients=tf.constant([10.0, 100.0]))
    np.testing.assert_array_equal(gradient, [20, 400])


def test_a_source_that_is_a_target_gets_ones():
    x = tf.constant([1.0, 2.0])

    with tf.GradientTape() as tape:
        tape.watch(x)

    np.testing.assert_array_equal(tape.gradient(x, x), [1, 1])


def test_integers_carry_no_gradient():
    x = tf.constant([1, 2])

    with tf.GradientTape() as tape:
        with pytest.warns(UserWarning, match="floating"):
            tape.watch(x)
        y = x * x

    assert tape.gradient(y, x) is None


def test_a_gathered_variable_gets_slices():
    table = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))

    with tf.GradientTape() as tape:
        y = _sum(table.sparse_read([0, 2, 0]))

    gradient = tape.gradient(y, table)
    assert isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), [[2, 2], [0, 0], [1, 1]])


def test_the_jacobian_has_a_row_for_each_element_of_the_target():
    x = tf.constant([1.0, 2.0])

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x

    np.testing.assert_array_equal(tape.jacobian(y, x), [[2, 0], [0, 4]])


def test_the_batch_jacobian_keeps_rows_apart():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x

    np.testing.assert_array_equal(
        tape.batch_jacobian(y, x), [[[2, 0], [0, 4]], [[6, 0], [0, 8]]]
    )


def test_a_custom_gradient_replaces_the_real_one():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * 100.0

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = square(x)

    assert float(y) == 9.0
    assert float(tape.gradient(y, x)) == 100.0


def test_a_custom_gradient_holds_in_functions_and_outside_of_them():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * 100.0

    @tf.function(autograph=False)
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = square(x)
        return tape.gradient(y, x)

    @tf.function(autograph=False)
    def plain(x):
        return square(x)

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = plain(x)

    assert float(inside(x)) == 100.0
    assert float(tape.gradient(y, x)) == 100.0


def test_recomputing_gives_the_same_gradient():
    v = tf.Variable(2.0)

    def cube(x):
        return x * x * v

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.recompute_grad(cube)(x)

    dx, dv = tape.gradient(y, [x, v])
    assert float(dx) == 12.0
    assert float(dv) == 9.0
