"""Generators; given values were drawn by TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf


def _state(generator):
    return generator.state.numpy().tolist()


def test_a_generator_draws_tensorflows_numbers_and_moves_on():
    generator = tf.random.Generator.from_state([1, 2, 3], alg="philox")

    np.testing.assert_allclose(generator.uniform([2]), [0.4590117, 0.5334249], rtol=1e-6)
    np.testing.assert_allclose(generator.normal([2]), [0.196084, 0.2835653], rtol=1e-5)
    np.testing.assert_array_equal(generator.uniform([2], 0, 10, tf.int32), [4, 0])
    np.testing.assert_array_equal(generator.binomial([2], [50.0, 6.0], [0.3, 0.4]), [12, 3])
    np.testing.assert_array_equal(generator.make_seeds(1), [[-1417546236736230058], [0]])
    assert _state(generator.split(1)[0]) == [0, 0, 8754343334609561375]
    assert _state(generator) == [104449, 2, 3]


@pytest.mark.parametrize(
    ("seed", "state"),
    [
        (7, [7, 0, 0]),
        (-3, [-3, -1, -1]),
        (2**70, [0, 64, 0]),
        ([1, 2], [0, 1, 2]),
        ([1, 2, 3, 4], [1, 2, 3]),
    ],
)
def test_a_seed_becomes_a_state(seed, state):
    assert _state(tf.random.Generator.from_seed(seed)) == state


def test_skipping_carries_into_the_high_half_of_the_counter():
    generator = tf.random.Generator.from_state([-1, -1, 3], alg="philox")

    generator.skip(1)

    assert _state(generator) == [255, 0, 3]


def test_a_generator_can_be_reset():
    generator = tf.random.Generator.from_seed(1)
    first = generator.normal([3]).numpy()
    generator.reset_from_seed(1)

    np.testing.assert_array_equal(generator.normal([3]), first)
    generator.reset_from_key_counter(7, [1, 2])
    assert _state(generator) == [1, 2, 7]


def test_a_generator_moves_on_inside_a_function():
    generator, twin = (tf.random.Generator.from_seed(3) for _ in range(2))

    @tf.function
    def draw():
        return generator.normal([3]), generator.uniform([2], 0, 9, tf.int32)

    for _ in range(2):
        normal, integers = draw()
        np.testing.assert_allclose(normal, twin.normal([3]), rtol=1e-5)
        np.testing.assert_array_equal(integers, twin.uniform([2], 0, 9, tf.int32))


def test_a_copy_goes_its_own_way():
    generator = tf.random.Generator.from_seed(3)
    copy = tf.random.Generator(copy_from=generator)

    generator.skip(1)

    assert _state(copy) == [3, 0, 0]


def test_the_global_generator_can_be_replaced():
    generator = tf.random.Generator.from_seed(3)
    tf.random.set_global_generator(generator)

    assert tf.random.get_global_generator() is generator


def test_a_state_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="at least 3 numbers"):
        tf.random.Generator(state=[1], alg="philox")


def test_candidates_come_as_tensorflow_draws_them():
    tf.random.set_seed(3)

    sampled, true, expected = tf.random.log_uniform_candidate_sampler(
        [[1, 2]], 2, 3, True, 10, seed=1
    )

    np.testing.assert_array_equal(sampled, [0, 4, 3])
    np.testing.assert_allclose(true, [[0.5233368, 0.4002303]], rtol=1e-6)
    np.testing.assert_allclose(expected, [0.7445417, 0.2711738, 0.323422], rtol=1e-6)


def test_candidates_follow_given_weights():
    tf.random.set_seed(3)

    sampled, true, _ = tf.random.fixed_unigram_candidate_sampler(
        [[1, 2]], 2, 4, False, 4, unigrams=[1.0, 2, 3, 4], seed=1
    )

    np.testing.assert_array_equal(sampled, [3, 1, 3, 2])
    np.testing.assert_allclose(true, [[0.8, 1.2]], rtol=1e-6)
