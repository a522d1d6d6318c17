"""Samples of choosing by condition."""

import numpy as np

from tests.ops.sample import Sample

yes = np.array([[True, False], [False, True]])
x, y = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 8]])
on, off, three = np.float32(5), np.float32(-1), np.int32(3)

SAMPLES = [
    Sample("Where", (yes,), np.int64([[0, 0], [1, 1]])),
    Sample("Where", (np.float32([0, 2, 0.5]),), np.int64([[1], [2]])),
    Sample("Select", (yes, x, y), np.float32([[1, 6], [7, 4]])),
    Sample("Select", (yes[0], x, y), np.float32([[1, 2], [7, 8]])),
    Sample("SelectV2", (yes[0], x, y), np.float32([[1, 6], [3, 8]])),
    Sample("SelectV2", (yes, x[0], np.float32(9)), np.float32([[1, 9], [9, 2]])),
    Sample(
        "SelectV2",
        (yes[0], np.array(b"a", object), np.array([b"b", b"c"], object)),
        np.array([b"a", b"c"], object),
    ),
    Sample(
        "OneHot", (np.int32([1, 3]), three, on, off), np.float32([[-1, 5, -1], [-1, -1, -1]])
    ),
    Sample(
        "OneHot",
        (np.int64([1, -1]), three, on, off),
        np.float32([[-1, -1], [5, -1], [-1, -1]]),
        {"axis": 0},
    ),
]
