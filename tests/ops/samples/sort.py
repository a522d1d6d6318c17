"""Samples of order."""

import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

x = np.float32([[3, 1, 2, 5], [0.5, 4, -1, 2.5]])
ties = np.int32([2, 7, 2, 7])
rows = np.float32([[1, 3, 5], [2, 2, 9]])
wanted = np.float32([[3, 6], [2, 1]])

SAMPLES = [
    Sample(
        "TopKV2", (x, np.int32(2)), (np.float32([[5, 3], [4, 2.5]]), np.int32([[3, 0], [1, 3]]))
    ),
    Sample("TopKV2", (ties, np.int32(3)), (np.int32([7, 7, 2]), np.int32([1, 3, 0]))),
    Sample(
        "TopKV2",
        (x[0], np.int32(1)),
        (np.float32([5]), np.int64([3])),
        {"index_type": dtypes.int64},
    ),
    Sample("TopK", (x,), (np.float32([[5], [4]]), np.int32([[3], [1]])), {"k": 1}),
    Sample("ApproxTopK", (x,), (np.float32([[5], [4]]), np.int32([[3], [1]])), {"k": 1}),
    Sample(
        "ApproxTopK",
        (x,),
        (np.float32([[0.5, 1, -1, 2.5]]), np.int32([[1, 0, 1, 1]])),
        {"k": 1, "is_max_k": False, "reduction_dimension": 0},
    ),
    Sample("NthElement", (x, np.int32(1)), np.float32([2, 0.5])),
    Sample("NthElement", (x, np.int32(0)), np.float32([5, 4]), {"reverse": True}),
    Sample("LowerBound", (rows, wanted), np.int32([[1, 3], [0, 0]])),
    Sample("UpperBound", (rows, wanted), np.int32([[2, 3], [2, 0]])),
]
