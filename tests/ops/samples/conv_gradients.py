"""Samples of backward convolutions that take a tensor for its shape, and of fused ones."""

import numpy as np

from tests.ops.sample import Sample

x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
kernel = np.float32([[1, 2], [3, 4]]).reshape(2, 2, 1, 1)
grad = np.float32([[1, 0, 2], [0, 3, 1]]).reshape(1, 2, 3, 1)
VALID = {"strides": (1, 1, 1, 1), "padding": "VALID"}
VALID_3D = {"strides": (1,) * 5, "padding": "VALID"}


def windows(image, rows, columns):
    """The part of `image` that each entry of a 2 x 2 kernel sees."""
    return [[image[i : i + rows, j : j + columns] for j in range(2)] for i in range(2)]


def in_input():
    back = np.zeros((3, 4), np.float32)
    for i in range(2):
        for j in range(2):
            back[i : i + 2, j : j + 3] += kernel[i, j, 0, 0] * grad[0, :, :, 0]
    return back


in_filter = np.float32(
    [[(part * grad[0, :, :, 0]).sum() for part in row] for row in windows(x[0, :, :, 0], 2, 3)]
)
BACK = in_input().reshape(1, 3, 4, 1)


def convolved(image):
    rows, columns = image.shape[0] - 1, image.shape[1] - 1
    parts = windows(image, rows, columns)
    total = sum(parts[i][j] * kernel[i, j, 0, 0] for i in range(2) for j in range(2))
    return total.astype(np.float32).reshape(1, rows, columns, 1)


margins = np.int32([[0, 0], [1, 0], [0, 1], [0, 0]])
small = np.float32([[0, 2], [4, 6]]).reshape(1, 2, 2, 1)
# Corners are kept, and the middle of two is their mean.
larger = np.float32([[0, 1, 2], [2, 3, 4], [4, 5, 6]])

pooled = np.float32([[5, 7], [9, 11]]).reshape(1, 2, 2, 1)
spread = np.arange(100, 112, dtype=np.float32).reshape(1, 3, 4, 1)
picked = np.float32([[105, 107], [109, 111]]).reshape(1, 2, 2, 1)
WINDOW = {"ksize": (1, 2, 2, 1), "strides": (1, 2, 2, 1), "padding": "SAME"}
deep = {"ksize": (1, 1, 2, 2, 1), "strides": (1, 1, 2, 2, 1), "padding": "SAME"}

SAMPLES = [
    Sample("Conv2DBackpropInputV2", (x, kernel, grad), BACK, VALID),
    Sample("Conv2DBackpropFilterV2", (x, kernel, grad), in_filter.reshape(2, 2, 1, 1), VALID),
    Sample(
        "Conv3DBackpropInput",
        (x[:, None], kernel[None], grad[:, None]),
        BACK[:, None],
        VALID_3D,
    ),
    Sample(
        "Conv3DBackpropFilter",
        (x[:, None], kernel[None], grad[:, None]),
        in_filter.reshape(1, 2, 2, 1, 1),
        VALID_3D,
    ),
    Sample("MaxPoolGradGrad", (x, pooled, spread), picked, WINDOW),
    Sample(
        "MaxPoolGradGradV2",
        (x, pooled, spread, np.int32([1, 2, 2, 1]), np.int32([1, 2, 2, 1])),
        picked,
        {"padding": "SAME"},
    ),
    Sample(
        "MaxPool3DGradGrad",
        (x[:, None], pooled[:, None], spread[:, None]),
        picked[:, None],
        deep,
    ),
    Sample(
        "FusedPadConv2D",
        (x, margins, kernel),
        convolved(np.pad(x[0, :, :, 0], [[1, 0], [0, 1]], "reflect")),
        {"mode": "REFLECT", **VALID},
    ),
    Sample(
        "FusedResizeAndPadConv2D",
        (small, np.int32([3, 3]), margins, kernel),
        convolved(np.pad(larger, [[1, 0], [0, 1]], "symmetric")),
        {"mode": "SYMMETRIC", "resize_align_corners": True, **VALID},
        # Between its parts stand float32 pixels, too coarse for a slope.
        differentiable=False,
    ),
]
