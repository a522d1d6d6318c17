"""Names right under `tf` that are an op and nothing more."""

import numpy as np
import pytest

import penstock as tf

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def test_fourier_transforms_of_some_axes():
    z = X.astype(np.complex64)

    np.testing.assert_allclose(tf.fftnd(z, [3, 4], [1, 2]), np.fft.fftn(X, axes=(1, 2)), 1e-4)
    np.testing.assert_allclose(tf.rfftnd(X, [3, 4], [1, 2]), np.fft.rfft2(X), 1e-4, 1e-5)
    np.testing.assert_allclose(tf.ifftnd(z, [2], [0]), np.fft.ifft(X, axis=0), 1e-4, 1e-5)
    half = tf.rfftnd(X, [3, 4], [1, 2])
    np.testing.assert_allclose(tf.irfftnd(half, [3, 4], [1, 2]), X, 1e-4, 1e-5)


def test_largest_and_smallest_elements():
    x = np.array([[3.0, 9.0, 1.0], [5.0, 2.0, 8.0]], np.float32)

    largest = tf.nn.approx_max_k(x, 2)
    smallest = tf.nn.approx_min_k(x, k=1, reduction_dimension=0)

    assert largest.values.numpy().tolist() == [[9, 3], [8, 5]]
    assert largest.indices.numpy().tolist() == [[1, 0], [2, 0]]
    assert smallest.values.numpy().tolist() == [[3, 2, 1]]
    assert smallest.indices.numpy().tolist() == [[0, 1, 0]]
    assert tf.approx_top_k(x, 1, is_max_k=False)[0].numpy().tolist() == [[1], [2]]


def test_convolutions_of_any_number_of_axes():
    image = np.ones((1, 4, 4, 2), np.float32)
    kernel = np.ones((2, 2, 2, 3), np.float32)

    same = tf.conv(image, kernel, [1, 1, 1, 1], "SAME")
    line = tf.conv(
        np.ones((2, 5, 1), np.float32), np.ones((3, 1, 1), np.float32), [1, 1, 1], "VALID"
    )

    assert same[0, :, :, 0].numpy().tolist() == [[8, 8, 8, 4]] * 3 + [[4, 4, 4, 2]]
    assert line.numpy().tolist() == [[[3], [3], [3]]] * 2


def test_gradients_of_convolutions_take_the_shapes_of_tensors():
    image = tf.constant(X[:1, :, :, None])
    kernel = tf.ones([2, 2, 1, 1])
    with tf.GradientTape() as tape:
        tape.watch([image, kernel])
        result = tf.nn.conv2d(image, kernel, 1, "VALID")
    of_image, of_kernel = tape.gradient(result, [image, kernel])
    out = tf.ones_like(result)

    found = tf.conv2d_backprop_input_v2(image, kernel, out, [1, 1, 1, 1], "VALID")
    np.testing.assert_allclose(found, of_image, 1e-6)
    found = tf.conv2d_backprop_filter_v2(image, kernel, out, [1, 1, 1, 1], "VALID")
    np.testing.assert_allclose(found, of_kernel, 1e-5)


def test_empty_rows_get_an_element():
    rows = np.array([0, 0, 2], np.int64)
    values = np.array([1.0, 2.0, 3.0], np.float32)

    filled = tf.ragged_fill_empty_rows(rows, values, np.int64(4), 9.0)
    gradients = tf.ragged_fill_empty_rows_grad(
        filled.reverse_index_map, np.array([1, 2, 3, 4, 5], np.float32)
    )

    assert filled.output_value_rowids.numpy().tolist() == [0, 0, 1, 2, 3]
    assert filled.output_values.numpy().tolist() == [1, 2, 9, 3, 9]
    assert filled.empty_row_indicator.numpy().tolist() == [False, True, False, True]
    assert filled.reverse_index_map.numpy().tolist() == [0, 1, 3]
    assert gradients.d_values.numpy().tolist() == [1, 2, 4]
    assert gradients.d_default_value.numpy() == 8


def test_indices_are_shuffled_as_tensorflow_shuffles_them():
    found = tf.random_index_shuffle(
        np.int64(5), np.array([1, 2, 3], np.uint32), np.int64(100), rounds=6
    )

    assert found.numpy() == 65
    every = tf.random_index_shuffle(tf.range(10), [1, 2, 3], 9)
    assert sorted(every.numpy().tolist()) == list(range(10))


def test_matrices_have_eigenvalues_and_roots():
    values, vectors = tf.eig([[2.0, 0.0], [0.0, 3.0]])

    assert sorted(values.numpy().real.tolist()) == [2.0, 3.0]
    assert vectors.dtype is tf.complex64
    assert sorted(tf.eigvals([[2.0, 0.0], [1.0, 3.0]]).numpy().real.tolist()) == [2.0, 3.0]
    np.testing.assert_allclose(
        tf.matrix_square_root([[4.0, 0.0], [0.0, 9.0]]), [[2, 0], [0, 3]], 1e-6
    )


def test_nothing_is_pinned():
    with pytest.raises(tf.errors.UnimplementedError, match=r"tf\.check_pinned"):
        tf.check_pinned([1])


def test_quantized_dtypes_are_those_with_their_references():
    assert len(tf.dtypes.QUANTIZED_DTYPES) == 10
    assert tf.qint8 in tf.dtypes.QUANTIZED_DTYPES
    assert tf.experimental.int4 is tf.dtypes.experimental.int4
    assert tf.experimental.float8_e5m2.size == 1
