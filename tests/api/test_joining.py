"""Joining and splitting through the public names."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_stack_promises_the_range_of_its_axis():
    with pytest.raises(ValueError, match=r"not in range \[-3, 3\)"):
        tf.stack([X, X], axis=3)


def test_stack_takes_python_numbers_and_tensors_together():
    result = tf.stack([tf.constant(1.0), 2])

    assert result.dtype == tf.float32
    np.testing.assert_array_equal(result, [1, 2])


def test_concat_of_one_tensor_is_that_tensor():
    np.testing.assert_array_equal(tf.concat([X], 0), X)
    with pytest.raises(ValueError, match="incompatible"):
        tf.concat([X], [0])


def test_unstack_needs_a_known_number():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def parts(x):
        return tf.unstack(x)

    with pytest.raises(ValueError, match="Cannot infer argument `num`"):
        parts(tf.zeros([2]))


def test_split_sizes_may_leave_one_open():
    first, second = tf.split(X, [1, -1], axis=-1)

    np.testing.assert_array_equal(first, X[:, :1])
    np.testing.assert_array_equal(second, X[:, 1:])


def test_split_refuses_a_number_in_a_tensor():
    with pytest.raises(ValueError, match="scalar tensor"):
        tf.split(X, tf.constant(2))


@pytest.mark.parametrize("sizes", [[1, 1], [4, -1], [-1, -1]])
def test_split_refuses_sizes_that_do_not_add_up(sizes):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.split(X, sizes, axis=1)


@pytest.mark.parametrize(
    ("repeats", "axis"), [(2, None), (2, 0), (3, -1), ([2, 0], 0), ([1, 2, 3], 1)]
)
def test_repeat_is_numpys(repeats, axis):
    np.testing.assert_array_equal(tf.repeat(X, repeats, axis), np.repeat(X, repeats, axis))


def test_repeat_needs_one_count_or_one_for_each_place():
    with pytest.raises(ValueError, match="incompatible"):
        tf.repeat(X, [1, 2], axis=1)


def test_the_gradient_of_repeat_adds_the_copies_up():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.repeat(x, [2, 3])

    np.testing.assert_array_equal(tape.gradient(y, x), [2, 3])


@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrid_is_numpys(indexing):
    axes = np.arange(2), np.arange(3), np.arange(4)

    for got, want in zip(
        tf.meshgrid(*axes, indexing=indexing),
        np.meshgrid(*axes, indexing=indexing),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_meshgrid_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="indexing"):
        tf.meshgrid([1], indexing="ab")
    with pytest.raises(TypeError, match="sparse"):
        tf.meshgrid([1], sparse=True)


def test_the_gradient_of_a_concat_along_an_unknown_size_is_cut_at_run_time():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)] * 2)
    def slopes(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.concat([x, y], 0)
            loss = tf.reduce_sum(z * tf.cast(tf.range(tf.size(z)), tf.float32))
        return tape.gradient(loss, [x, y])

    first, second = slopes(tf.zeros([2]), tf.zeros([3]))

    np.testing.assert_array_equal(first, [0, 1])
    np.testing.assert_array_equal(second, [2, 3, 4])


def test_axes_may_be_tensors_and_are_checked():
    x = tf.constant([[1, 2], [3, 4]])
    axis = tf.constant(1)

    assert tf.stack([x, x], axis=axis).shape == [2, 2, 2]
    assert tf.unstack(x, axis=axis)[0].numpy().tolist() == [1, 3]
    with pytest.raises(ValueError, match="out of bounds"):
        tf.repeat(x, 2, axis=-3)


def test_an_array_is_a_stack_already():
    assert tf.stack(np.array([1, 2], np.uint64)).dtype == tf.uint64
