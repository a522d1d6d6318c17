"""Texts of arrays, compared with what TensorFlow 2.21 prints."""

import numpy as np
import pytest

from penstock.ops.summarize import summarize


@pytest.mark.parametrize(
    ("array", "limit", "text"),
    [
        (np.arange(10), 3, "[0 1 2 ... 7 8 9]"),
        (np.arange(10), -1, "[0 1 2 3 4 5 6 7 8 9]"),
        (np.arange(6), 3, "[0 1 2 3 4 5]"),
        (np.float32([1 / 3, 0.1, 1e10, 123456789, np.nan, -np.inf]), 3,
         "[0.333333343 0.1 1e+10 123456792 nan -inf]"),
        (np.float64([1 / 3, 1e15]), 3, "[0.33333333333333331 1e+15]"),
        (np.array(True), 3, "1"),
        (np.array([b'a"b', b"\n"], object), 3, '["a\\"b" "\\n"]'),
        (np.arange(24).reshape(2, 3, 4), 1,
         "[[[0 ... 3]\n  ...\n  [8 ... 11]]\n\n [[12 ... 15]\n  ...\n  [20 ... 23]]]"),
        (np.zeros((0, 3)), 3, "[]"),
    ],
)  # fmt: skip
def test_an_array_reads_as_in_tensorflow(array, limit, text):
    assert summarize(array, limit) == text
