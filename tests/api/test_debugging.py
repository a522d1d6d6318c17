"""Assertions and checks of numbers."""

import numpy as np
import pytest

import penstock as tf

PAIRS = {
    "assert_equal": ([1, 2], [1, 3]),
    "assert_none_equal": ([1, 2], [3, 2]),
    "assert_less": ([1, 2], [2, 2]),
    "assert_less_equal": ([1, 3], [2, 2]),
    "assert_greater": ([2, 2], [1, 2]),
    "assert_greater_equal": ([2, 1], [1, 2]),
    "assert_near": ([1.0, 2.0], [1.0, 2.1]),
}
SIGNS = {
    "assert_positive": ([1.0], [0.0]),
    "assert_negative": ([-1.0], [0.0]),
    "assert_non_negative": ([0.0], [-1.0]),
    "assert_non_positive": ([0.0], [1.0]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_comparison_that_fails_is_told_at_once(name):
    x, y = PAIRS[name]

    with pytest.raises(tf.errors.InvalidArgumentError, match="the message"):
        getattr(tf.debugging, name)(x, y, message="the message")


@pytest.mark.parametrize("name", PAIRS)
def test_a_comparison_that_fails_is_told_when_a_function_runs(name):
    @tf.function
    def check(x, y):
        getattr(tf.debugging, name)(x, y, message="the message")
        return x

    with pytest.raises(tf.errors.InvalidArgumentError, match="the message"):
        check(*(tf.constant(each) for each in PAIRS[name]))


@pytest.mark.parametrize("name", SIGNS)
def test_signs_are_checked(name):
    good, bad = SIGNS[name]
    check = getattr(tf.debugging, name)

    check(good)
    with pytest.raises(tf.errors.InvalidArgumentError):
        check(bad)


def test_comparisons_that_hold_say_nothing():
    assert tf.debugging.assert_equal([1, 2], [1, 2]) is None
    assert tf.debugging.assert_near(1.0, 1.0 + 1e-7) is None
    assert tf.debugging.assert_near(1.0, 2.0, atol=1.0) is None


def test_the_message_shows_where_the_values_differ():
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.debugging.assert_equal([1, 2], [1, 3])

    assert "Indices of first 1 different values:\n[[1]]" in caught.value.message


@pytest.mark.parametrize("jit", [None, True])
def test_an_assertion_in_a_function_shows_its_data(jit):
    @tf.function(jit_compile=jit)
    def check(x):
        tf.debugging.Assert(tf.reduce_all(x > 0), ["must be positive"])
        return x

    check(tf.constant([1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive"):
        check(tf.constant([-1.0]))


def test_ranks_are_checked_while_a_graph_is_built():
    with pytest.raises(ValueError, match=r"must have rank 3\.  Received rank 2"):
        tf.debugging.assert_rank(tf.zeros([2, 3]), 3)
    with pytest.raises(ValueError, match="rank at least 3"):
        tf.debugging.assert_rank_at_least(tf.zeros([2, 3]), 3)
    with pytest.raises(ValueError, match=r"rank in \(1, 3\)"):
        tf.debugging.assert_rank_in(tf.zeros([2, 3]), (1, 3))


def test_an_unknown_rank_is_checked_when_the_function_runs():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def check(x):
        tf.debugging.assert_rank(x, 1)
        return x

    check(tf.zeros([2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="rank must be"):
        check(tf.zeros([2, 3]))


def test_shapes_are_checked_against_each_other():
    x, y = tf.zeros([2, 3]), tf.zeros([3])

    tf.debugging.assert_shapes([(x, ("n", "d")), (y, ("d",))])
    tf.debugging.assert_shapes([(x, ("...", "d")), (y, "d"), (x, (2, None))])
    with pytest.raises(ValueError, match=r"must have size 2\.  Received size 3"):
        tf.debugging.assert_shapes([(x, ("n", "n"))])
    with pytest.raises(ValueError, match="must have rank 1"):
        tf.debugging.assert_shapes([(x, ("n",))])
    with pytest.raises(ValueError, match="iterable"):
        tf.debugging.assert_shapes([(x, 2)])


def test_types_are_checked():
    with pytest.raises(TypeError, match=r"tf\.int64; got tf\.float32"):
        tf.debugging.assert_type(tf.zeros([1]), tf.int64)
    with pytest.raises(TypeError, match="integer"):
        tf.debugging.assert_integer(1.0)
    with pytest.raises(ValueError, match="scalar"):
        tf.debugging.assert_scalar([1])
    with pytest.raises(TypeError, match="proper"):
        tf.debugging.assert_proper_iterable("abc")
    assert tf.debugging.assert_same_float_dtype([None, tf.zeros([1])]) == tf.float32
    with pytest.raises(ValueError, match="one dtype"):
        tf.debugging.assert_same_float_dtype([tf.zeros([1])], tf.float64)


def test_numeric_tensors_are_tensors_of_numbers():
    assert tf.debugging.is_numeric_tensor(tf.constant(1))
    assert not tf.debugging.is_numeric_tensor(tf.constant("a"))
    assert not tf.debugging.is_numeric_tensor(np.ones(1))


@pytest.mark.parametrize("jit", [None, True])
@pytest.mark.parametrize(
    ("values", "found"),
    [([np.nan, 1], "NaN"), ([np.inf, 1], "Inf"), ([np.inf, np.nan], "Inf and NaN")],
)
def test_numbers_that_are_not_finite_are_named(values, found, jit):
    @tf.function(jit_compile=jit)
    def check(x):
        return tf.debugging.check_numerics(x, "here")

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=f"here : Tensor had {found} values"
    ):
        check(np.float32(values))


def test_every_op_can_be_checked():
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match="op Log holds Inf"):
            tf.math.log(tf.constant([0.0]))
    finally:
        tf.debugging.disable_check_numerics()

    assert np.isneginf(tf.math.log(tf.constant([0.0])).numpy()[0])
