"""Samples of reductions."""

import ml_dtypes
import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

x = np.float32([[[1.0, -2.0, 3.5], [0.5, 4.0, -1.0]], [[2.0, 0.25, 1.5], [-3.0, 1.25, 0.75]]])
flags = np.array([[True, False, True], [True, True, True]])
first, last, both = np.int32([0]), np.int32(-1), np.int32([0, 2])
none = np.zeros((0,), np.int32)
kept = {"keep_dims": True}
empty = np.zeros((2, 0), np.float32)
holes = np.float32([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
scores = np.float32([[1.0, 3.0, 3.0], [-1.0, -5.0, -2.0]])

SAMPLES = [
    Sample("Sum", (x, both), np.float32([6.25, 2.5])),
    Sample("Sum", (x, last), np.float32([[2.5, 3.5], [3.75, -1.0]])),
    Sample("Sum", (x, both), np.float32([[[6.25], [2.5]]]), kept),
    Sample("Sum", (x, none), x),
    Sample("Sum", (empty, np.int32([1])), np.float32([0, 0])),
    Sample("Sum", (np.uint8([200, 100]), first), np.uint8(44)),
    Sample(
        "Sum", (np.ones(4096, ml_dtypes.bfloat16), first), np.array(4096, ml_dtypes.bfloat16)
    ),
    Sample("Mean", (x, both), np.float32([6.25 / 6, 2.5 / 6])),
    Sample("Mean", (x, first), (x[0] + x[1]) / 2, {}),
    Sample("Mean", (np.int32([-3, -4, 2]), first), np.int32(-1)),
    Sample("Mean", (np.int8([100, 100, 27, -3]), first), np.int8(56)),
    Sample("Mean", (empty, np.int32([1])), np.float32([np.nan, np.nan])),
    Sample("Prod", (x, last), np.float32([[-7.0, -2.0], [0.75, -2.8125]])),
    Sample("Prod", (np.float32([[2, 0, 3], [0, 0, 5]]), last), np.float32([0, 0])),
    Sample("Prod", (x, both), np.float32([[[-5.25], [5.625]]]), kept),
    Sample("Max", (x, both), np.float32([3.5, 4.0])),
    Sample("Max", (x, last), np.float32([[[3.5], [4.0]], [[2.0], [1.25]]]), kept),
    Sample("Max", (empty, np.int32([1])), np.float32([-np.inf, -np.inf])),
    Sample("Min", (x, both), np.float32([-2.0, -3.0])),
    Sample("Min", (np.zeros((0,), np.int8), first), np.int8(127)),
    Sample("All", (flags, last), np.array([False, True])),
    Sample("All", (np.zeros((0, 2), bool), first), np.array([True, True])),
    Sample("Any", (flags, first), np.array([[True, True, True]]), kept),
    Sample("Any", (np.zeros((0, 2), bool), first), np.array([False, False])),
    Sample("EuclideanNorm", (np.float32([[3, 4], [6, 8]]), last), np.float32([5, 10])),
    Sample("EuclideanNorm", (np.complex64([3j, 4]), first), np.complex64(5)),
    Sample("ArgMax", (scores, last), np.int64([1, 0])),
    Sample("ArgMax", (holes, last), np.int64([2, 0])),
    Sample("ArgMax", (scores, np.int32(0)), np.int16([0, 0, 0]), {"output_type": dtypes.int16}),
    Sample("ArgMin", (scores, last), np.int64([0, 1])),
    Sample("ArgMin", (holes, last), np.int32([0, 0]), {"output_type": dtypes.int32}),
]
