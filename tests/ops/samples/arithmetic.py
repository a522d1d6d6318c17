"""Samples of the arithmetic of two numbers."""

import numpy as np

from penstock.core.tensor_shape import TensorShape
from tests.ops.sample import Sample

x = np.float32([[1.5, -2.0, 0.75], [4.0, -0.5, 3.0]])
y = np.float32([[2.0, 0.5, -1.25], [-3.0, 0.25, 1.0]])
row = np.float32([0.5, -1.5, 2.0])
positive = np.float32([[0.5, 1.5, 2.0], [3.0, 0.2, 1.0]])
seven = np.int32([7, -7, 7, -7])
two = np.int32([2, 2, -2, -2])
with_zeros = np.float32([[0.0, 0.5, -1.25], [-3.0, 0.0, 1.0]])
z, w = np.complex64([1 + 2j, 3j]), np.complex64([2 - 1j, 1 + 1j])
a, b = np.float32([[1, 0, 0], [1, 2, 3]]), np.float32([[0, 1, 0], [4, 5, 6]])

SAMPLES = [
    Sample("AddV2", (x, y), np.float32([[3.5, -1.5, -0.5], [1.0, -0.25, 4.0]])),
    Sample("AddV2", (x, row), np.float32([[2, -3.5, 2.75], [4.5, -2, 5]])),
    Sample("AddV2", (np.int8([100]), np.int8([100])), np.int8([-56])),
    Sample("Add", (x, y), np.float32([[3.5, -1.5, -0.5], [1.0, -0.25, 4.0]])),
    Sample(
        "Add",
        (np.array([b"a", b""], object), np.array([b"b", b"c"], object)),
        np.array([b"ab", b"c"], object),
    ),
    Sample("Sub", (x, y), np.float32([[-0.5, -2.5, 2.0], [7.0, -0.75, 2.0]])),
    Sample("Sub", (x, row), np.float32([[1, -0.5, -1.25], [3.5, 1, 1]])),
    Sample("Mul", (x, y), np.float32([[3, -1, -0.9375], [-12, -0.125, 3]])),
    Sample("Mul", (x, row), np.float32([[0.75, 3, 1.5], [2, 0.75, 6]])),
    Sample(
        "MulNoNan",
        (np.float32([np.inf, np.nan, 2]), np.float32([0, 0, 3])),
        np.float32([0, 0, 6]),
    ),
    Sample("RealDiv", (x, y), x * (1 / y)),
    Sample("RealDiv", (x, row), np.float32([[3, 4 / 3, 0.375], [8, 1 / 3, 1.5]])),
    Sample("Div", (seven, two), np.int32([3, -3, -3, 3])),
    Sample("Div", (x, y), x * (1 / y)),
    Sample(
        "DivNoNan",
        (x, with_zeros),
        np.float32([[0, -4, -0.6], [-4 / 3, 0, 3]]),
        differentiable=False,
    ),
    Sample("TruncateDiv", (seven, two), np.int32([3, -3, -3, 3])),
    Sample("TruncateDiv", (np.uint8([200]), np.uint8([3])), np.uint8([66])),
    Sample("FloorDiv", (seven, two), np.int32([3, -4, -4, 3])),
    Sample("FloorDiv", (np.float32([1.0, -7.0]), np.float32([0.1, 2.0])), np.float32([10, -4])),
    Sample("FloorMod", (seven, two), np.int32([1, 1, -1, -1])),
    Sample(
        "FloorMod", (np.float32([7, -7, 5.5]), np.float32([3, 3, -2])), np.float32([1, 2, -0.5])
    ),
    Sample("TruncateMod", (seven, two), np.int32([1, -1, 1, -1])),
    Sample("Mod", (seven, two), np.int32([1, -1, 1, -1])),
    Sample(
        "Xdivy",
        (np.float32([0, 3]), np.float32([0, 2])),
        np.float32([0, 1.5]),
        differentiable=False,
    ),
    Sample(
        "Xlogy",
        (np.float32([0, 2]), np.float32([0, np.e])),
        np.float32([0, 2]),
        differentiable=False,
    ),
    Sample("Xlogy", (positive, positive), positive * np.log(positive)),
    Sample(
        "Xlog1py",
        (np.float32([0, 2]), np.float32([-1, np.e - 1])),
        np.float32([0, 2]),
        differentiable=False,
    ),
    Sample("Xlog1py", (positive, positive), positive * np.log(1 + positive)),
    Sample("Pow", (positive, y), np.exp(y * np.log(positive))),
    Sample("Pow", (np.int32([2, -3, 5]), np.int32([5, 3, 0])), np.int32([32, -27, 1])),
    Sample("SquaredDifference", (x, y), np.float32([[0.25, 6.25, 4], [49, 0.5625, 4]])),
    Sample("SquaredDifference", (z, w), np.complex64([10, 5])),
    Sample("Maximum", (x, y), np.float32([[2, 0.5, 0.75], [4, 0.25, 3]])),
    Sample("Minimum", (x, y), np.float32([[1.5, -2, -1.25], [-3, -0.5, 1]])),
    Sample("Atan2", (x, y), np.angle(y + 1j * x).astype(np.float32)),
    Sample(
        "NextAfter",
        (np.float32([1, 1]), np.float32([2, 0])),
        np.float32([1 + 2**-23, 1 - 2**-24]),
        differentiable=False,
    ),
    Sample("AddN", ((x, y, x),), np.float32([[5, -3.5, 0.25], [5, -0.75, 7]])),
    Sample(
        "AccumulateNV2",
        ((x, y),),
        np.float32([[3.5, -1.5, -0.5], [1.0, -0.25, 4.0]]),
        {"shape": TensorShape([2, 3])},
    ),
    Sample("Cross", (a, b), np.float32([[0, 0, 1], [-3, 6, -3]])),
]
