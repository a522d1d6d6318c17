"""Depthwise convolutions of arrays so small that cells of the window meet only padding."""

import jax
import numpy as np
import pytest

from penstock.ops.table import load, lookup
from penstock.ops.windows import sliding_window

load()
CASES = [(1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 1, 2), (1, 2, 1), (5, 1, 1), (4, 2, 1), (2, 1, 3)]


def convolved(x, kernel, stride, dilation):
    """The definition, with TensorFlow's SAME padding."""
    size = x.shape[1]
    reach = (kernel.shape[0] - 1) * dilation + 1
    places = -(-size // stride)
    before = max(0, (places - 1) * stride + reach - size) // 2
    out = np.zeros((1, places, places, x.shape[3]), np.float64)
    for i, j, a, b in np.ndindex(places, places, *kernel.shape[:2]):
        row = i * stride + a * dilation - before
        column = j * stride + b * dilation - before
        if 0 <= row < size and 0 <= column < size:
            out[0, i, j] += x[0, row, column] * kernel[a, b, :, 0]
    return out


@pytest.mark.parametrize(("size", "stride", "dilation"), CASES)
@pytest.mark.parametrize("where", ["host", "device"])
def test_the_result_is_that_of_the_definition(size, stride, dilation, where):
    rng = np.random.default_rng(size)
    x = rng.random((1, size, size, 4), np.float32)
    kernel = rng.random((3, 3, 4, 1), np.float32)
    attrs = {
        "strides": (1, stride, stride, 1),
        "padding": "SAME",
        "data_format": "NHWC",
        "dilations": (1, dilation, dilation, 1),
        "explicit_paddings": (),
    }
    row = lookup("DepthwiseConv2dNative")

    def work(x, kernel):
        return (row.host if where == "host" else row.device)(x, kernel, **attrs)

    result = work(x, kernel) if where == "host" else jax.jit(work)(x, kernel)

    np.testing.assert_allclose(result, convolved(x, kernel, stride, dilation), rtol=1e-5)


def test_only_the_middle_of_a_window_sees_a_single_cell():
    window = sliding_window(1, (1, 1), (3, 3), (1, 1), "SAME")

    assert window.sees() == [False] * 4 + [True] + [False] * 4


def test_a_window_within_the_array_sees_it_with_all_cells():
    window = sliding_window(1, (8, 8), (3, 3), (2, 2), "VALID")

    assert window.sees() == [True] * 9
