"""Samples of counts, buckets and hits among the best."""

import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

values = np.int32([1, 2, 2, 0, 5, 9])
rows = np.int32([[1, 2, 2], [0, 5, 9]])
nothing = np.zeros((0,), np.int32)
weights = np.float32([0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
scores = np.float32([[0.1, 0.5, 0.4], [0.9, 0.05, 0.05], [np.nan, 1.0, 2.0], [1.0, 1.0, 1.0]])
spread = np.float32([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0])

SAMPLES = [
    Sample("Bincount", (values, np.int32(6), nothing), np.int32([1, 1, 2, 0, 0, 1])),
    Sample("Bincount", (values, np.int32(6), weights), np.float32([4, 0.5, 3, 0, 0, 8])),
    Sample("DenseBincount", (values, np.int32(6), nothing), np.int32([1, 1, 2, 0, 0, 1])),
    Sample(
        "DenseBincount",
        (rows, np.int32(6), nothing),
        np.int32([[0, 1, 2, 0, 0, 0], [1, 0, 0, 0, 0, 1]]),
    ),
    Sample(
        "DenseBincount",
        (rows, np.int32(3), nothing),
        np.int32([[0, 1, 1], [1, 0, 0]]),
        {"binary_output": True},
    ),
    Sample(
        "Bucketize", (spread,), np.int32([0, 1, 1, 2, 3, 3]), {"boundaries": (0.0, 2.0, 5.0)}
    ),
    Sample(
        "HistogramFixedWidth",
        (spread, np.float32([0, 5]), np.int32(5)),
        np.int32([2, 1, 1, 0, 2]),
    ),
    Sample(
        "HistogramFixedWidth",
        (spread, np.float32([0, 5]), np.int32(2)),
        np.int64([4, 2]),
        {"dtype": dtypes.int64},
    ),
    Sample(
        "InTopK",
        (scores, np.int32([1, 1, 2, 2])),
        np.array([True, False, False, True]),
        {"k": 1},
    ),
    Sample(
        "InTopKV2",
        (scores, np.int64([2, 7, 1, 0]), np.int64(2)),
        np.array([True, False, False, True]),
    ),
]
