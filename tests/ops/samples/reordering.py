"""Samples of reversed, rolled and rearranged arrays."""

import numpy as np

from tests.ops.sample import Sample

x = np.arange(6, dtype=np.float32).reshape(2, 3)
image = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
# Pixels of each 2 x 2 block side by side.
deep = np.float32([[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]).reshape(
    1, 2, 2, 4
)
batched = np.stack([image[0, i::2, j::2] for i in (0, 1) for j in (0, 1)])
blocks, none = np.int32([2, 2]), np.zeros((2, 2), np.int32)
first = {"data_format": "NCHW"}
windows = {"ksizes": (1, 2, 2, 1), "strides": (1, 2, 2, 1), "rates": (1, 1, 1, 1)}
volume = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2, 1)
cube = {"ksizes": (1, 2, 2, 2, 1), "strides": (1, 1, 1, 1, 1), "padding": "VALID"}

SAMPLES = [
    Sample("ReverseV2", (x, np.int32([1])), x[:, ::-1]),
    Sample("ReverseV2", (x, np.int32([0, -1])), x[::-1, ::-1]),
    Sample("Reverse", (x, np.array([True, False])), x[::-1]),
    Sample(
        "ReverseSequence",
        (x, np.int64([2, 3])),
        np.float32([[1, 0, 2], [5, 4, 3]]),
        {"seq_dim": 1},
    ),
    Sample("Roll", (x, np.int32(1), np.int32(1)), np.float32([[2, 0, 1], [5, 3, 4]])),
    Sample(
        "Roll", (x, np.int32([1, -1]), np.int32([0, 1])), np.float32([[4, 5, 3], [1, 2, 0]])
    ),
    Sample("SpaceToDepth", (image,), deep, {"block_size": 2}),
    Sample("DepthToSpace", (deep,), image, {"block_size": 2}),
    Sample(
        "SpaceToDepth",
        (image.transpose(0, 3, 1, 2),),
        deep.transpose(0, 3, 1, 2),
        {"block_size": 2, **first},
    ),
    Sample(
        "DepthToSpace",
        (deep.transpose(0, 3, 1, 2),),
        image.transpose(0, 3, 1, 2),
        {"block_size": 2, **first},
    ),
    Sample("SpaceToBatchND", (image, blocks, none), batched),
    Sample("BatchToSpaceND", (batched, blocks, none), image),
    Sample(
        "SpaceToBatchND",
        (x, np.int32([2]), np.int32([[0, 1]])),
        np.float32([[0, 2], [3, 5], [1, 0], [4, 0]]),
    ),
    Sample(
        "BatchToSpaceND",
        (np.float32([[0, 2], [3, 5], [1, 0], [4, 0]]), np.int32([2]), np.int32([[0, 1]])),
        x,
    ),
    Sample("SpaceToBatch", (image, none), batched, {"block_size": 2}),
    Sample("BatchToSpace", (batched, none), image, {"block_size": 2}),
    Sample("ExtractImagePatches", (image,), deep, {**windows, "padding": "VALID"}),
    Sample("ExtractVolumePatches", (volume,), volume.reshape(1, 1, 1, 1, 8), cube),
]
