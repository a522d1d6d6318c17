"""Samples of diagonals and bands of matrices."""

import numpy as np

from tests.ops.sample import Sample

m = np.float32([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
line = np.float32([1, 2, 3])
main, around, any_size, zero = np.int32(0), np.int32([-1, 1]), np.int32(-1), np.float32(0)
square = np.float32([[1, 0, 0], [0, 2, 0], [0, 0, 3]])
# Diagonals 1, 0 and -1 of `m`, where the last has two elements.
right_left = np.float32([[2, 7, 12], [1, 6, 11], [5, 10, 0]])
left_right = np.float32([[2, 7, 12], [1, 6, 11], [0, 5, 10]])
banded = np.float32([[1, 2, 0, 0], [5, 6, 7, 0], [0, 10, 11, 12]])
rest = m - banded

SAMPLES = [
    Sample("MatrixDiag", (line,), square),
    *[
        Sample(
            op,
            (line, main, any_size, any_size, np.float32(9)),
            np.where(square == 0, np.float32(9), square),
            differentiable=False,  # the padding has no gradient, as in TensorFlow
        )
        for op in ("MatrixDiagV2", "MatrixDiagV3")
    ],
    Sample(
        "MatrixDiagV3",
        (right_left, around, np.int32(3), np.int32(4), zero),
        banded,
        differentiable=False,
    ),
    Sample(
        "MatrixDiagV3",
        (left_right, around, np.int32(3), np.int32(4), zero),
        banded,
        {"align": "LEFT_RIGHT"},
        differentiable=False,
    ),
    Sample("MatrixDiagPart", (m,), np.float32([1, 6, 11])),
    Sample("MatrixDiagPartV2", (m, np.int32(1), zero), np.float32([2, 7, 12])),
    Sample("MatrixDiagPartV2", (m, around, zero), right_left, differentiable=False),
    Sample("MatrixDiagPartV3", (m, around, zero), right_left, differentiable=False),
    Sample(
        "MatrixDiagPartV3",
        (m, around, zero),
        left_right,
        {"align": "LEFT_RIGHT"},
        differentiable=False,
    ),
    Sample("MatrixDiagPartV3", (m, np.int32(-2), zero), np.float32([9])),
    Sample(
        "MatrixSetDiag", (m - m, np.float32([1, 6, 11])), np.eye(3, 4, dtype=np.float32) * m
    ),
    Sample("MatrixSetDiagV2", (rest, right_left, around), m),
    Sample("MatrixSetDiagV3", (rest, right_left, around), m),
    Sample("MatrixSetDiagV3", (rest, left_right, around), m, {"align": "LEFT_RIGHT"}),
    Sample("Diag", (line,), square),
    Sample("DiagPart", (square,), line),
    Sample("MatrixBandPart", (m, np.int64(1), np.int64(1)), banded),
    Sample("MatrixBandPart", (m, np.int64(-1), np.int64(0)), np.tril(m)),
]
