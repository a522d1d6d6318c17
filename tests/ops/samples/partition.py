"""Samples of dealing rows out and stitching them together, and of edit distance."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([[1, 2], [3, 4], [5, 6]])
words = np.array([b"a", b"b", b"c", b"a", b"c"], object)
stitched = (np.int32([0, 2]), np.int32([1]))
two = {"num_partitions": 2}

# The sequences [a b], [c] against [a c], [].
guess = np.int64([[0, 0], [0, 1], [1, 0]])
truth = np.int64([[0, 0], [0, 1]])
size = np.int64([2, 2])
sequences = (guess, words[:3], size, truth, words[3:], size)

SAMPLES = [
    Sample("DynamicPartition", (x, np.int32([1, 0, 1])), (x[1:2], x[[0, 2]]), two),
    Sample("DynamicPartition", (words[:2], np.int32([1, 1])), (words[:0], words[:2]), two),
    Sample("DynamicStitch", (stitched, (x[[0, 2]], x[1:2])), x),
    Sample("ParallelDynamicStitch", (stitched, (x[[0, 2]], x[1:2])), x),
    Sample(
        "DynamicStitch",
        ((np.int32([0, 2]), np.int32(0)), (np.float32([1, 2]), np.float32(7))),
        np.float32([7, 0, 2]),
        differentiable=False,  # an overwritten row gets the gradient too, as in TensorFlow
    ),
    Sample("EditDistance", sequences, np.float32([0.5, np.inf])),
    Sample("EditDistance", sequences, np.float32([1, 1]), {"normalize": False}),
]
