"""Samples of reading and writing by index."""

import numpy as np

from tests.ops.sample import Sample

x = np.arange(12, dtype=np.float32).reshape(3, 4)
zero, one = np.int32(0), np.int32(1)
words = np.array([b"a", b"b", b"c"], object)
base = np.float32([1, 2, 3, 4])
places, news = np.int32([[1], [3]]), np.float32([10, -1])
rows, lines = np.int32([2, 0]), np.float32([[9, 9], [8, 8]])
table = np.float32([[1, 2], [3, 4], [5, 6]])
ignore = {"bad_indices_policy": "IGNORE"}

SAMPLES = [
    Sample("GatherV2", (x, np.int32([2, 0, 2]), zero), x[[2, 0, 2]]),
    Sample("GatherV2", (x, np.int64([[3], [0]]), one), x[:, [[3], [0]]]),
    Sample(
        "GatherV2",
        (x, np.int32([[0, 1], [3, 3], [2, 0]]), one),
        np.float32([[0, 1], [7, 7], [10, 8]]),
        {"batch_dims": 1},
    ),
    Sample("GatherV2", (words, one, zero), np.array(b"b", object)),
    Sample("Gather", (x, np.int32([1])), x[1:2]),
    Sample("GatherNd", (x, np.int32([[0, 1], [2, 3]])), np.float32([1, 11])),
    Sample("GatherNd", (x, np.int32([[1]])), x[1:2]),
    Sample("GatherNd", (words, np.int32([[2], [0]])), np.array([b"c", b"a"], object)),
    Sample(
        "GatherNd",
        (base, np.int32([[7], [0]])),
        np.float32([0, 1]),
        ignore,
        differentiable=False,
    ),
    Sample("ScatterNd", (places, news, np.int32([4])), np.float32([0, 10, 0, -1])),
    Sample("ScatterNd", (np.int32([[1], [1]]), news, np.int32([2])), np.float32([0, 9])),
    Sample(
        "ScatterNd",
        (rows[:, None], lines, np.int32([3, 2])),
        np.float32([[8, 8], [0, 0], [9, 9]]),
    ),
    Sample("ScatterNdNonAliasingAdd", (base, places, news), np.float32([1, 12, 3, 3])),
    Sample("TensorScatterUpdate", (base, places, news), np.float32([1, 10, 3, -1])),
    Sample(
        "TensorScatterUpdate",
        (words, np.int32([[0]]), np.array([b"z"], object)),
        np.array([b"z", b"b", b"c"], object),
    ),
    Sample("TensorScatterAdd", (base, places, news), np.float32([1, 12, 3, 3])),
    Sample("TensorScatterSub", (base, places, news), np.float32([1, -8, 3, 5])),
    Sample("TensorScatterMax", (base, places, news), np.float32([1, 10, 3, 4])),
    Sample("TensorScatterMin", (base, places, news), np.float32([1, 2, 3, -1])),
    Sample("InplaceUpdate", (table, rows, lines), np.float32([[8, 8], [3, 4], [9, 9]])),
    Sample("InplaceAdd", (table, rows, lines), np.float32([[9, 10], [3, 4], [14, 15]])),
    Sample("InplaceSub", (table, rows, lines), np.float32([[-7, -6], [3, 4], [-4, -3]])),
]
