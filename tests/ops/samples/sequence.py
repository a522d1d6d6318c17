"""Samples of evenly spaced numbers."""

import numpy as np

from tests.ops.sample import Sample


def span(start, limit, delta, dtype):
    """The three scalars that the op takes."""
    return tuple(np.asarray(value, dtype) for value in (start, limit, delta))


SAMPLES = [
    Sample(
        "SobolSample",
        (np.int32(2), np.int32(4), np.int32(0)),
        np.float32([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.375, 0.375]]),
    ),
    Sample("Range", span(3, 18, 3, np.int32), np.int32([3, 6, 9, 12, 15])),
    Sample("Range", span(3, 0, -2, np.int64), np.int64([3, 1])),
    Sample("Range", span(0, 0, 1, np.int32), np.zeros((0,), np.int32)),
    Sample("Range", span(0, 1, 0.25, np.float32), np.float32([0, 0.25, 0.5, 0.75])),
    Sample(
        "LinSpace", (np.float32(10), np.float32(13), np.int32(4)), np.float32([10, 11, 12, 13])
    ),
    Sample("LinSpace", (np.float64(2), np.float64(3), np.int64(1)), np.float64([2])),
]
