"""Signals through the public names."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError

signal = tf.signal
rng = np.random.default_rng(2)
X = rng.normal(size=(2, 20))
T = tf.constant(X)


def test_a_real_transform_is_cut_or_filled_to_its_length():
    np.testing.assert_allclose(signal.rfft(T, [32]), np.fft.rfft(X, 32))
    np.testing.assert_allclose(signal.rfft(T, [7]), np.fft.rfft(X, 7))
    np.testing.assert_allclose(signal.irfft(signal.rfft(T)), X)


def test_transforms_of_several_axes():
    x = rng.normal(size=(3, 4, 6))

    np.testing.assert_allclose(signal.rfft2d(tf.constant(x), [5, 8]), np.fft.rfft2(x, (5, 8)))
    np.testing.assert_allclose(signal.fft3d(tf.constant(x + 0j)), np.fft.fftn(x))
    np.testing.assert_allclose(
        signal.fftnd(tf.constant(x + 0j), axes=[0, 2], norm="ortho"),
        np.fft.fftn(x, axes=(0, 2), norm="ortho"),
    )


def test_what_is_not_real_or_complex_is_refused():
    with pytest.raises(ValueError, match="float32 or float64"):
        signal.rfft(tf.constant([1, 2]))
    with pytest.raises(InvalidArgumentError, match="complex"):
        signal.fft(tf.constant([1.0, 2.0]))


def test_frames_step_along_the_axis():
    frames = signal.frame(X, 6, 4, axis=1).numpy()

    assert frames.shape == (2, 4, 6)
    np.testing.assert_array_equal(frames[:, 2], X[:, 8:14])


def test_frames_over_the_end_are_filled_where_asked():
    frames = signal.frame(X, 6, 4, pad_end=True, pad_value=9.0).numpy()

    assert frames.shape == (2, 5, 6)
    np.testing.assert_array_equal(
        frames[:, 4], np.pad(X[:, 16:], ((0, 0), (0, 2)), constant_values=9)
    )


def test_frames_that_overlap_are_added():
    added = signal.overlap_and_add(np.ones((3, 4)), 2)

    np.testing.assert_array_equal(added, [1, 1, 2, 2, 2, 2, 1, 1])


def test_a_short_time_transform_is_that_of_windowed_frames():
    frames = np.stack([X[:, i : i + 8] for i in range(0, 13, 4)], axis=1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)

    np.testing.assert_allclose(signal.stft(X, 8, 4), np.fft.rfft(frames * window), atol=1e-12)


def test_the_inverse_window_restores_the_signal():
    window = signal.inverse_stft_window_fn(4)
    restored = signal.inverse_stft(signal.stft(X, 8, 4), 8, 4, window_fn=window)

    np.testing.assert_allclose(restored[:, 4:-4], X[:, 4:-4], atol=1e-12)


def test_the_modified_cosine_transform_restores_the_signal():
    restored = signal.inverse_mdct(signal.mdct(X, 8, norm="ortho"), norm="ortho")

    np.testing.assert_allclose(restored[:, 4:-4], X[:, 4:-4], atol=1e-6)


@pytest.mark.parametrize("kind", [2, 3, 4])
def test_orthonormal_cosine_transforms_undo_each_other(kind):
    there = signal.dct(T, type=kind, norm="ortho")

    np.testing.assert_allclose(signal.idct(there, type=kind, norm="ortho"), X, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(there), np.linalg.norm(X))


def test_a_cosine_transform_is_its_definition():
    n = np.arange(20)
    basis = 2 * np.cos(np.pi * np.outer(n + 0.5, n) / 20)

    np.testing.assert_allclose(signal.dct(T), X @ basis, atol=1e-10)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (signal.hann_window, [0, 0.5, 1, 0.5]),
        (signal.hamming_window, [0.08, 0.54, 1, 0.54]),
        (
            signal.vorbis_window,
            np.sin(np.pi / 2 * np.sin(np.pi / 4 * (np.arange(4) + 0.5)) ** 2),
        ),
    ],
)
def test_windows_are_their_formulas(window, expected):
    np.testing.assert_allclose(window(4), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.bool, tf.int32, tf.float16, tf.float64])
def test_beta_of_a_kaiser_window_may_be_a_tensor_of_any_type(dtype):
    window = signal.kaiser_window(9, tf.cast(1, dtype))

    assert window.dtype == tf.float32
    np.testing.assert_allclose(window, np.kaiser(9, 1), rtol=1e-5)


def test_a_kaiser_window_is_numpys():
    np.testing.assert_allclose(
        signal.kaiser_window(9, 5.0, tf.float64), np.kaiser(9, 5.0), rtol=1e-10
    )


def test_mel_bands_are_triangles_without_the_constant():
    weights = signal.linear_to_mel_weight_matrix(5, 33, 16000, 80.0, 7600.0).numpy()

    assert weights.shape == (33, 5)
    assert (weights[0] == 0).all()
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    with pytest.raises(ValueError, match="upper_edge_hertz"):
        signal.linear_to_mel_weight_matrix(upper_edge_hertz=9000.0)


def test_shifts_undo_each_other():
    x = rng.normal(size=(3, 5))

    np.testing.assert_array_equal(signal.fftshift(x), np.fft.fftshift(x))
    np.testing.assert_array_equal(signal.ifftshift(signal.fftshift(x)), x)


def test_signals_of_unknown_length_work_in_a_function():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float64)])
    def analyse(x):
        return signal.stft(x, 8, 4), signal.dct(x)

    spectrum, cosines = analyse(T)

    np.testing.assert_allclose(spectrum, signal.stft(X, 8, 4), atol=1e-12)
    np.testing.assert_allclose(cosines, signal.dct(T), atol=1e-10)
