"""Samples of distinct elements."""

import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

x = np.int32([3, 1, 3, 2])
words = np.array([b"b", b"a", b"b"], object)
wide = {"out_idx": dtypes.int64}
m = np.int32([[1, 2], [1, 2], [0, 5]])
first, none = np.int64([0]), np.zeros(0, np.int64)
nan = np.float32([np.nan, 1, np.nan])

SAMPLES = [
    Sample("Unique", (x,), (np.int32([3, 1, 2]), np.int32([0, 1, 0, 2]))),
    Sample("Unique", (words,), (words[:2], np.int64([0, 1, 0])), wide),
    Sample("Unique", (nan,), (nan, np.int32([0, 1, 2]))),
    Sample(
        "UniqueWithCounts",
        (x,),
        (np.int32([3, 1, 2]), np.int32([0, 1, 0, 2]), np.int32([2, 1, 1])),
    ),
    Sample("UniqueV2", (m, first), (m[1:], np.int32([0, 0, 1]))),
    Sample("UniqueV2", (x, none), (np.int32([3, 1, 2]), np.int32([0, 1, 0, 2]))),
    Sample("UniqueWithCountsV2", (m, first), (m[1:], np.int32([0, 0, 1]), np.int32([2, 1]))),
    Sample("ListDiff", (x, np.int32([3])), (np.int32([1, 2]), np.int32([1, 3]))),
    Sample("ListDiff", (words, words[:1]), (words[1:2], np.int32([1]))),
]
