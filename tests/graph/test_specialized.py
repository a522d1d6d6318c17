"""Functions with `jit_compile=True` whose sizes come from arguments."""

import numpy as np
import pytest

import penstock as tf


def compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


def test_sizes_that_are_arguments_are_compiled_in():
    split = compiled(lambda x, sizes: tf.split(x, sizes, axis=1, num=2))
    x = np.arange(6.0).reshape(2, 3)

    for sizes in ([1, 2], [2, 1], [1, 2]):
        first, second = split(x, tf.constant(sizes))
        np.testing.assert_array_equal(first, x[:, : sizes[0]])
        np.testing.assert_array_equal(second, x[:, sizes[0] :])


def test_sizes_may_be_computed_of_arguments():
    squares = compiled(lambda n: tf.range(n * n))

    assert squares(tf.constant(2)).shape == [4]
    assert squares(tf.constant(3)).shape == [9]


def test_variables_keep_their_state_from_one_size_to_the_next():
    count = tf.Variable(0)

    @compiled
    def step(n):
        count.assign_add(1)
        return tf.range(n) * count

    results = [step(tf.constant(n)).numpy().tolist() for n in (2, 3, 2)]

    assert results == [[0, 1], [0, 2, 4], [0, 3]]
    assert int(count) == 3


def test_gradients_pass_functions_with_sizes_of_arguments():
    total = compiled(lambda x, n: tf.reduce_sum(tf.tile(x * x, n)))
    x = tf.constant([1.0, 2.0])

    for n in (2, 3):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = total(x, tf.constant([n]))
        np.testing.assert_array_equal(tape.gradient(y, x), [2.0 * n, 4.0 * n])


def test_only_sizes_that_stay_unknown_are_refused():
    known_at_run_time = compiled(lambda x: tf.reduce_sum(tf.where(x)))

    with pytest.raises(tf.errors.InvalidArgumentError, match="jit_compile=True but op Where"):
        known_at_run_time(tf.constant([1.0, 0.0]))


def test_sizes_that_do_not_fit_are_refused_as_elsewhere():
    reshape = compiled(tf.reshape)

    assert reshape(np.ones((2, 3)), tf.constant([3, 2])).shape == [3, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must fit the 6 elements"):
        reshape(np.ones((2, 3)), tf.constant([4, 2]))
