"""Samples of margins."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([[1, 2, 3], [4, 5, 6]])
pads = np.int32([[1, 0], [0, 2]])
line = np.float32([1, 2, 3])
both = np.int32([[2, 1]])
reflect, symmetric = {"mode": "REFLECT"}, {"mode": "SYMMETRIC"}

SAMPLES = [
    Sample("Pad", (x, pads), np.float32([[0] * 5, [1, 2, 3, 0, 0], [4, 5, 6, 0, 0]])),
    Sample(
        "Pad",
        (np.array([b"a"], object), np.int32([[1, 1]])),
        np.array([b"", b"a", b""], object),
    ),
    Sample(
        "PadV2",
        (x, pads, np.float32(9)),
        np.float32([[9] * 5, [1, 2, 3, 9, 9], [4, 5, 6, 9, 9]]),
        differentiable=False,  # the constant has no gradient, as in TensorFlow
    ),
    Sample("MirrorPad", (line, both), np.float32([3, 2, 1, 2, 3, 2]), reflect),
    Sample("MirrorPad", (line, both), np.float32([2, 1, 1, 2, 3, 3]), symmetric),
    Sample(
        "MirrorPadGrad",
        (np.float32([1, 10, 100, 1000, 10000, 100000]), both),
        np.float32([100, 1000 + 10 + 100000, 10000 + 1]),
        reflect,
    ),
    Sample(
        "MirrorPadGrad",
        (np.float32([1, 10, 100, 1000, 10000, 100000]), both),
        np.float32([100 + 10, 1000 + 1, 10000 + 100000]),
        symmetric,
    ),
]
