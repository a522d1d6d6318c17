"""Random numbers through the public names; given values were drawn by TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def _unpredictable_afterwards():
    yield
    from penstock.runtime import random_state

    random_state.set_seed(None)


DRAWS = {
    "uniform": (
        lambda: tf.random.uniform([3], seed=1),
        [0.3875184, 0.7485455, 0.548719],
        [0.8333188, 0.3893474, 0.6661812],
    ),
    "normal": (
        lambda: tf.random.normal([3], 1.0, 2.0, seed=2),
        [4.514269, -3.6234603, 0.6687304],
        [0.49031246, 1.2997743, 1.3768492],
    ),
    "truncated": (
        lambda: tf.random.truncated_normal([3], seed=2),
        [1.7571344, -0.16563478, -0.9275309],
        [-0.25484377, 0.14988714, 0.18842459],
    ),
    "integers": (
        lambda: tf.random.uniform([3], 0, 1000, tf.int32, seed=3),
        [370, 611, 758],
        [839, 199, 137],
    ),
    "gamma": (
        lambda: tf.random.gamma([2], [0.5, 2.0], seed=4),
        [[1.8100432, 1.5974392], [0.3116735, 2.6867509]],
        [[1.1377698, 0.38975385], [0.13979897, 0.8415948]],
    ),
    "poisson": (
        lambda: tf.random.poisson([4], [3.0], seed=5),
        [[3], [6], [0], [7]],
        [[3], [4], [4], [3]],
    ),
    "classes": (
        lambda: tf.random.categorical([[0.0, 1.0]], 5, seed=6),
        [[1, 1, 1, 1, 1]],
        [[1, 1, 0, 1, 0]],
    ),
    "shuffle": (
        lambda: tf.random.shuffle(tf.range(6), seed=7),
        [4, 1, 5, 2, 3, 0],
        [4, 2, 3, 1, 5, 0],
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_calls_of_one_op_go_on_in_tensorflows_sequence(name):
    draw, first, second = DRAWS[name]
    tf.random.set_seed(5)

    np.testing.assert_allclose(draw(), first, rtol=2e-6)
    np.testing.assert_allclose(draw(), second, rtol=2e-6)


def test_ops_without_a_seed_get_theirs_from_the_global_one():
    tf.random.set_seed(5)

    np.testing.assert_allclose(tf.random.uniform([2]), [0.62639308, 0.52984321], rtol=1e-6)
    np.testing.assert_allclose(tf.random.uniform([2]), [0.70170748, 0.04336786], rtol=1e-6)


def test_setting_the_seed_starts_functions_afresh_too():
    @tf.function
    def draw():
        return tf.random.uniform([2], seed=3)

    tf.random.set_seed(5)
    first, second = draw().numpy(), draw().numpy()
    tf.random.set_seed(5)

    assert (first != second).all()
    np.testing.assert_array_equal(draw(), first)


def test_equal_ops_in_one_function_do_not_share_a_stream():
    @tf.function
    def draw():
        return tf.random.normal([2], seed=1), tf.random.normal([2], seed=1)

    one, two = draw()

    np.testing.assert_array_equal(one, two)


def test_without_any_seed_numbers_are_not_repeated():
    assert (tf.random.uniform([8]) != tf.random.uniform([8])).numpy().any()


def test_seeds_are_split_and_folded_as_tensorflow_does():
    np.testing.assert_array_equal(
        tf.random.split([1, 2], 2), [[1105988140, 1738052849], [-335576002, 370444179]]
    )
    np.testing.assert_array_equal(tf.random.fold_in([1, 2], 7), [1105988140, 7])


def test_an_index_shuffle_is_a_permutation():
    places = tf.random.experimental.index_shuffle(tf.range(5), [1, 2], 4)

    np.testing.assert_array_equal(places, [2, 0, 1, 4, 3])


def test_a_stateless_shuffle_moves_whole_rows():
    rows = tf.reshape(tf.range(10), [5, 2])
    shuffled = tf.random.experimental.stateless_shuffle(rows, [1, 2])

    np.testing.assert_array_equal(shuffled[:, 0] // 2, [0, 2, 1, 4, 3])


def test_bounds_are_reached_below_and_not_above():
    drawn = tf.random.stateless_uniform([4000], [1, 2], -2, 3, tf.int32).numpy()

    assert set(drawn) == {-2, -1, 0, 1, 2}


def test_a_gamma_number_moves_with_its_parameters():
    alpha, beta = tf.constant([0.5, 4.0]), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch([alpha, beta])
        drawn = tf.random.stateless_gamma([500, 2], [1, 2], alpha, beta)
        mean = tf.reduce_mean(drawn, 0)
    by_alpha, by_beta = tape.gradient(mean, [alpha, beta])

    # The mean of the law is alpha / beta.
    np.testing.assert_allclose(by_alpha, [0.5, 0.5], atol=0.1)
    np.testing.assert_allclose(by_beta, -np.sum(mean) / 2.0, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_normal_numbers_have_the_moments_asked_for(dtype):
    drawn = tf.random.stateless_normal([20000], [3, 4], 1.0, 2.0, tf.as_dtype(dtype))
    values = tf.cast(drawn, tf.float64).numpy()

    assert drawn.dtype.name == dtype
    assert abs(values.mean() - 1.0) < 0.05
    assert abs(values.std() - 2.0) < 0.05


def test_a_function_draws_what_eager_code_draws():
    @tf.function
    def draw(count):
        return (
            tf.random.stateless_uniform([count, 2], [1, 2]),
            tf.random.stateless_truncated_normal([count], [count, 2]),
            tf.random.stateless_poisson([count], [1, 2], 12.0),
        )

    compiled = draw(tf.constant(3))

    np.testing.assert_array_equal(compiled[0], tf.random.stateless_uniform([3, 2], [1, 2]))
    np.testing.assert_allclose(
        compiled[1], tf.random.stateless_truncated_normal([3], [3, 2]), rtol=1e-5
    )
    np.testing.assert_array_equal(compiled[2], tf.random.stateless_poisson([3], [1, 2], 12.0))


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda: tf.random.uniform([2], 0, None, tf.int32), ValueError),
        (lambda: tf.random.uniform([2], 5, 5, tf.int32), InvalidArgumentError),
        (lambda: tf.random.uniform([2], dtype=tf.uint8), ValueError),
        (lambda: tf.random.uniform([-1]), InvalidArgumentError),
        (lambda: tf.random.stateless_uniform([2], [1, 2, 3]), InvalidArgumentError),
        (lambda: tf.random.stateless_uniform([2], [1, 2], 0, 5, tf.uint32), ValueError),
        (lambda: tf.random.stateless_uniform([2], [1, 2], alg="dice"), ValueError),
        (
            lambda: tf.random.stateless_uniform([2], [1, 2], alg="threefry"),
            InvalidArgumentError,
        ),
        (lambda: tf.random.categorical([1.0, 2.0], 3), InvalidArgumentError),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error):
    with pytest.raises(error):
        draw()


def test_a_parameter_must_close_the_shape():
    with pytest.raises(InvalidArgumentError, match="must end with"):
        tf.random.stateless_gamma([3, 4], [1, 2], [1.0, 2.0])
