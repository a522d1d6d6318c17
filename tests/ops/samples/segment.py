"""Samples of reductions over groups of rows."""

import ml_dtypes
import numpy as np

from tests.ops.sample import Sample

x = np.float32([[1, 2], [3, 5], [-1, 4], [2, 0.5]])
ids = np.int32([0, 0, 2, 2])  # nothing in segment 1
unsorted, three = np.int32([2, 0, -1, 2]), np.int32(3)
low, high = np.finfo(np.float32).min, np.finfo(np.float32).max
rows, groups = np.int32([3, 0, 3]), np.int32([0, 0, 2])
root = np.float32(np.sqrt(2))
grad = np.float32([[1, 2], [4, 8], [16, 32]])
four = np.int32(4)


def with_count(op):
    return f"{op}WithNumSegments"


sums = np.float32([[3, 2.5], [0, 0], [2, 0.5]])
dense = np.float32([[1, 2], [0, 0], [0, 0], [17, 34]])

SAMPLES = [
    Sample("SegmentSum", (x, ids), np.float32([[4, 7], [0, 0], [1, 4.5]])),
    Sample("SegmentMean", (x, ids), np.float32([[2, 3.5], [0, 0], [0.5, 2.25]])),
    Sample("SegmentMean", (np.int32([-3, -4, 5]), np.int32([0, 0, 1])), np.int32([-3, 5])),
    Sample("SegmentMax", (x, ids), np.float32([[3, 5], [0, 0], [2, 4]])),
    Sample("SegmentMin", (x, ids), np.float32([[1, 2], [0, 0], [-1, 0.5]])),
    Sample("SegmentProd", (x, ids), np.float32([[3, 10], [1, 1], [-2, 2]])),
    Sample(
        "SegmentProd",
        (np.float32([0, 2, 0, 3, 0]), np.int32([0, 0, 1, 1, 1])),
        np.float32([0, 0]),
    ),
    *[
        Sample(op, (x, unsorted, three), expected)
        for ops, expected in {
            ("UnsortedSegmentSum", "SegmentSumV2"): np.float32([[3, 5], [0, 0], [3, 2.5]]),
            ("UnsortedSegmentProd", "SegmentProdV2"): np.float32([[3, 5], [1, 1], [2, 1]]),
        }.items()
        for op in ops
    ],
    *[
        Sample(op, (x, places, three), expected, differentiable=full)
        for places, full, largest, smallest in (
            (unsorted, False, [[3, 5], [low, low], [2, 2]], [[3, 5], [high, high], [1, 0.5]]),
            (
                np.int32([0, 2, 1, 0]),
                True,
                [[2, 2], [-1, 4], [3, 5]],
                [[1, 0.5], [-1, 4], [3, 5]],
            ),
        )
        for op, expected in (
            ("UnsortedSegmentMax", np.float32(largest)),
            ("SegmentMaxV2", np.float32(largest)),
            ("UnsortedSegmentMin", np.float32(smallest)),
            ("SegmentMinV2", np.float32(smallest)),
        )
    ],
    Sample(
        "UnsortedSegmentSum",
        (x[:2], np.int32([[1, 0], [1, 1]]), np.int32(2)),
        np.float32([2, 9]),
    ),
    Sample(
        "UnsortedSegmentMax",
        (np.int8([1, 5]), np.int32([0, 0]), np.int32(2)),
        np.int8([5, -128]),
    ),
    Sample(
        "UnsortedSegmentSum",
        (np.array([1, 2], ml_dtypes.bfloat16), np.int32([0, 0]), np.int32(1)),
        np.array([3], ml_dtypes.bfloat16),
    ),
    *[
        Sample(name, (x, rows, groups, *count), expected)
        for op, expected in (
            ("SparseSegmentSum", sums),
            ("SparseSegmentMean", sums / np.float32([[2], [1], [1]])),
            ("SparseSegmentSqrtN", sums / np.array([[root], [1], [1]], np.float32)),
        )
        for name, count in ((op, ()), (with_count(op), (three,)))
    ],
    Sample("SparseSegmentSumGrad", (grad, rows, groups, four), dense),
    Sample(
        "SparseSegmentMeanGrad",
        (grad, rows, groups, four),
        np.float32([[0.5, 1], [0, 0], [0, 0], [16.5, 33]]),
    ),
    Sample(
        "SparseSegmentSqrtNGrad",
        (grad, rows, groups, four),
        np.float32([[1 / root, 2 / root], [0, 0], [0, 0], [16 + 1 / root, 32 + 2 / root]]),
    ),
    Sample(
        "SparseSegmentSumGradV2", (grad, rows, groups, four), (dense[[0, 3]], np.int32([0, 3]))
    ),
    Sample(
        "SparseSegmentMeanGradV2",
        (grad, rows, groups, four),
        (np.float32([[0.5, 1], [16.5, 33]]), np.int32([0, 3])),
    ),
    Sample(
        "SparseSegmentSqrtNGradV2",
        (grad, rows, groups, four),
        (
            np.float32([[1 / root, 2 / root], [16 + 1 / root, 32 + 2 / root]]),
            np.int32([0, 3]),
        ),
    ),
]
