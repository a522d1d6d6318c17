"""Diagonals of matrices through the public names."""

import numpy as np
import pytest

import penstock as tf
from penstock.api.diagonals import band_part, diag, diag_part, set_diag, tensor_diag_part

M = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize("k", range(-2, 4))
def test_one_diagonal_is_numpys(k):
    np.testing.assert_array_equal(diag_part(M, k=k), np.diagonal(M, k))


@pytest.mark.parametrize("align", ["RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"])
@pytest.mark.parametrize("k", [(-1, 1), (-2, 0), (0, 3), (-2, 3)])
def test_diagonals_taken_out_can_be_put_back(k, align):
    parts = diag_part(M, k=k, align=align)

    back = diag(parts, k=k, num_rows=3, num_cols=4, align=align)
    again = set_diag(tf.zeros([3, 4]), parts, k=k, align=align)

    rows, columns = np.indices(M.shape)
    inside = (columns - rows >= k[0]) & (columns - rows <= k[1])
    np.testing.assert_array_equal(back, M * inside)
    np.testing.assert_array_equal(again, M * inside)


def test_a_diagonal_outside_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="k must be"):
        diag_part(M, k=4)


def test_booleans_have_diagonals_too():
    np.testing.assert_array_equal(diag([True, True]), np.eye(2, dtype=bool))


@pytest.mark.parametrize(("lower", "upper"), [(0, 0), (1, -1), (-1, 1), (0, 9 - 5)])
def test_bands_are_numpys(lower, upper):
    below = np.tri(3, 4, -lower - 1, dtype=bool) if lower >= 0 else np.zeros(M.shape, bool)
    above = ~np.tri(3, 4, upper, dtype=bool) if upper >= 0 else np.zeros(M.shape, bool)

    np.testing.assert_array_equal(band_part(M, lower, upper), np.where(below | above, 0, M))


def test_the_diagonal_of_a_tensor_needs_a_shape_written_twice():
    with pytest.raises(tf.errors.InvalidArgumentError, match="halves"):
        tensor_diag_part(M)
