"""Samples of slices and of writing into them."""

import numpy as np

from tests.ops.sample import Sample

x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
m = np.arange(12, dtype=np.float32).reshape(3, 4)
words = np.array([b"a", b"b", b"c"], object)


def ints(*values):
    return np.array(values, np.int32)


zeros = np.zeros((3, 4), np.float32)
corner = zeros.copy()
corner[1:, :2] = 1
ones = np.ones((2, 2), np.float32)
replaced = m.copy()
replaced[1:, :2] = 1

SAMPLES = [
    Sample("Slice", (m, ints(1, 0), ints(2, 3)), m[1:3, :3]),
    Sample("Slice", (words, ints(1), ints(2)), words[1:]),
    Sample("StridedSlice", (m, ints(0, 3), ints(3, 0), ints(2, -2)), m[0:3:2, 3:0:-2]),
    Sample(
        "StridedSlice",
        (x, ints(1, 0, 1), ints(2, 0, 3), ints(1, 1, 1)),
        x[1:, ..., 1:3],
        {"ellipsis_mask": 2, "end_mask": 1},
    ),
    Sample(
        "StridedSlice",
        (x, ints(0, -1), ints(0, 0), ints(1, 1)),
        x[None, -1],
        {"new_axis_mask": 1, "shrink_axis_mask": 2},
    ),
    Sample("StridedSlice", (words, ints(1), ints(2), ints(1)), words[1:2]),
    Sample("StridedSliceGrad", (ints(3, 4), ints(1, 0), ints(3, 2), ints(1, 1), ones), corner),
    Sample(
        "StridedSliceGrad",
        (ints(4), ints(3), ints(0), ints(-2), np.float32([5, 6])),
        np.float32([0, 6, 0, 5]),
    ),
    Sample("TensorStridedSliceUpdate", (m, ints(1, 0), ints(3, 2), ints(1, 1), ones), replaced),
    Sample("XlaDynamicUpdateSlice", (m, ones, ints(1, 0)), replaced),
    Sample("XlaDynamicSlice", (m, ints(9, 1), ints(1, 2)), m[2:, 1:3]),
]
