"""Samples of operations on bits."""

import numpy as np

from tests.ops.sample import Sample

x, y = np.int32([0b1100, -1, 7]), np.int32([0b1010, 6, 0])
u = np.uint8([0b11110000, 255])

SAMPLES = [
    Sample("BitwiseAnd", (x, y), np.int32([0b1000, 6, 0])),
    Sample("BitwiseOr", (x, y), np.int32([0b1110, -1, 7])),
    Sample("BitwiseXor", (x, y), np.int32([0b0110, -7, 7])),
    Sample("Invert", (x,), np.int32([-13, 0, -8])),
    Sample("Invert", (u,), np.uint8([0b00001111, 0])),
    Sample(
        "LeftShift", (np.int32([1, 3, 1]), np.int32([4, 1, 40])), np.int32([16, 6, -(2**31)])
    ),
    Sample("RightShift", (np.int32([-8, 9, -1]), np.int32([1, 3, 99])), np.int32([-4, 1, -1])),
    Sample("PopulationCount", (np.int16([0, 255, -1]),), np.uint8([0, 8, 16])),
]
