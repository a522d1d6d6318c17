"""Samples of joining arrays and taking them apart."""

import numpy as np

from penstock.core.tensor_shape import TensorShape
from tests.ops.sample import Sample

x = np.arange(6, dtype=np.float32).reshape(2, 3)
a, b = np.array([b"a"], object), np.array([b"b", b"c"], object)
zero, one = np.int32(0), np.int32(1)


def ints(*values):
    return np.array(values, np.int32)


SAMPLES = [
    Sample("ConcatV2", ((x, x + 6), zero), np.arange(12, dtype=np.float32).reshape(4, 3)),
    Sample("ConcatV2", ((x, x[:, :1]), np.int32(-1)), np.float32([[0, 1, 2, 0], [3, 4, 5, 3]])),
    Sample("ConcatV2", ((a, b), zero), np.array([b"a", b"b", b"c"], object)),
    Sample("Concat", (one, (x, x[:, :1])), np.float32([[0, 1, 2, 0], [3, 4, 5, 3]])),
    Sample("ConcatOffset", (one, (ints(2, 3), ints(2, 1))), (ints(0, 0), ints(0, 3))),
    Sample("Pack", ((x[0], x[1]),), x),
    Sample("Pack", ((x[0], x[1]),), x.T, {"axis": -1}),
    Sample("Pack", ((ints(1)[0], ints(2)[0]),), ints(1, 2)),
    Sample("Unpack", (x,), (x[0], x[1]), {"num": 2}),
    Sample("Unpack", (x,), (x[:, 0], x[:, 1], x[:, 2]), {"num": 3, "axis": 1}),
    Sample("Split", (one, x), (x[:, :1], x[:, 1:2], x[:, 2:]), {"num_split": 3}),
    Sample("SplitV", (x, ints(1, -1), one), (x[:, :1], x[:, 1:]), {"num_split": 2}),
    Sample("Tile", (x, ints(2, 1)), np.float32([[0, 1, 2], [3, 4, 5]] * 2)),
    Sample("Tile", (a, ints(3)), np.array([b"a"] * 3, object)),
    Sample("TileGrad", (x, ints(2, 3)), np.float32([[15]])),
    Sample("TileGrad", (np.float32([1, 2, 3, 4]), ints(2)), np.float32([4, 6])),
    Sample("ParallelConcat", ((x[:1], x[1:]),), x, {"shape": TensorShape([2, 3])}),
]
