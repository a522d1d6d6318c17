"""Shapes and rearrangement through the public names."""

import numpy as np
import pytest

import penstock as tf

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_an_empty_tensor_takes_the_unknown_size_from_the_rest():
    assert tf.reshape(tf.zeros([0]), [-1, 5]).shape == [0, 5]
    assert tf.reshape(tf.zeros([2, 0, 3]), [-1, 0]).shape == [6, 0]


@pytest.mark.parametrize("shape", [[4, 2], [-1, -1], [-2, 3], [4, -1]])
def test_a_shape_that_does_not_fit_is_refused(shape):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.reshape(X, shape)


def test_a_graph_knows_what_a_reshape_with_unknown_batch_gives():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 3], tf.float32)])
    def flatten(x):
        y = tf.reshape(x, [tf.shape(x)[0], -1])
        assert y.shape.as_list() == [None, 12]
        return y

    assert flatten(tf.zeros([2, 4, 3])).shape == [2, 12]


def test_transpose_reverses_the_axes_by_default():
    assert tf.transpose(tf.zeros([2, 3, 4])).shape == [4, 3, 2]


def test_transpose_reverses_axes_of_unknown_number():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def turn(x):
        return tf.transpose(x)

    np.testing.assert_array_equal(turn(X), X.T)


def test_a_conjugate_transpose_conjugates():
    z = np.complex64([[1 + 2j, 3]])

    np.testing.assert_array_equal(tf.transpose(z, conjugate=True), z.conj().T)


def test_squeeze_refuses_an_axis_of_another_size():
    with pytest.raises(tf.errors.InvalidArgumentError, match="size 1"):
        tf.squeeze(X, 0)


@pytest.mark.parametrize("mode", ["reflect", "REFLECT"])
def test_pad_takes_its_mode_in_either_case(mode):
    result = tf.pad([1, 2, 3], [[2, 1]], mode)

    np.testing.assert_array_equal(result, [3, 2, 1, 2, 3, 2])


def test_pad_keeps_strings():
    result = tf.pad(tf.constant(["a"]), [[1, 1]], constant_values="z")

    assert result.numpy().tolist() == [b"z", b"a", b"z"]


def test_pad_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="mode must be"):
        tf.pad(X, [[0, 0], [0, 0]], "WRAP")
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative"):
        tf.pad(X, [[-1, 0], [0, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 2"):
        tf.pad(X, [[0, 0], [3, 0]], "REFLECT")


def test_reverse_sequence_needs_its_axis():
    with pytest.raises(TypeError, match="seq_axis"):
        tf.reverse_sequence(X, [1, 2])


def test_batch_to_space_undoes_space_to_batch():
    image = np.arange(48, dtype=np.float32).reshape(1, 4, 6, 2)
    spread = tf.space_to_batch(image, [2, 3], [[0, 0], [0, 0]])

    back = tf.batch_to_space(spread, [2, 3], [[0, 0], [0, 0]])

    assert spread.shape == [6, 2, 2, 2]
    np.testing.assert_array_equal(back, image)


def test_required_paddings_make_the_blocks_fit():
    paddings, crops = tf.required_space_to_batch_paddings([3, 4], [2, 3], [[1, 0], [0, 1]])

    np.testing.assert_array_equal(paddings, [[1, 0], [0, 2]])
    np.testing.assert_array_equal(crops, [[0, 0], [0, 1]])


def test_shape_of_a_shape_is_followed_through_arithmetic():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)], jit_compile=True)
    def halves(x):
        n = tf.shape(x)[1] // 2
        return tf.reshape(x, [-1, 2, n])

    assert halves(tf.zeros([3, 8])).shape == [3, 2, 4]


def test_a_bitcast_adds_or_uses_up_the_last_axis():
    pairs = tf.bitcast(tf.constant([1 + 2j], tf.complex64), tf.float32)

    np.testing.assert_array_equal(pairs, [[1, 2]])
    assert tf.bitcast(pairs, tf.complex64).shape == [1]


def test_ensure_shape_tells_the_graph():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def known(x):
        y = tf.ensure_shape(x, [2, None])
        assert y.shape.as_list() == [2, None]
        return y

    assert known(X).shape == [2, 3]
    with pytest.raises(tf.errors.InvalidArgumentError):
        known(X.T)


def test_shapes_for_broadcasting_are_vectors():
    with pytest.raises(tf.errors.InvalidArgumentError, match="vector"):
        tf.broadcast_to([1.0], 2)


def test_gradients_of_sums_in_einstein_notation_are_spread_over_all_axes():
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.einsum("ij->", x)

    np.testing.assert_array_equal(tape.gradient(total, x), np.ones_like(X))


def test_an_unknown_size_beside_a_zero_is_zero():
    assert tf.reshape(tf.zeros([0, 0]), [-1, 0, 2]).shape == [0, 0, 2]


def test_what_has_no_order_is_reversed_along_any_axis():
    assert tf.reverse(tf.constant(3), [0]).numpy() == 3
    assert tf.reverse(tf.zeros([0, 2]), [5]).shape == [0, 2]


def test_one_block_size_serves_both_axes():
    assert tf.batch_to_space(tf.zeros([4, 2, 2, 1]), 2, [[0, 0], [0, 0]]).shape == [1, 4, 4, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.bitcast(tf.constant([True]), tf.uint8),
        lambda: tf.math.top_k(tf.constant([True, False])),
        lambda: tf.math.segment_max(tf.constant([1j]), [0]),
        lambda: tf.math.unsorted_segment_min(tf.constant([1j]), [0], 1),
        lambda: tf.linalg.inv(tf.constant([[1]])),
        lambda: tf.linalg.svd(tf.constant([[1]])),
    ],
)
def test_dtypes_that_an_op_does_not_take_are_refused(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()
