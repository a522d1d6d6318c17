"""Samples of running sums and products."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]])
last, first = np.int32(-1), np.int32(0)
exclusive, reverse = {"exclusive": True}, {"reverse": True}
logs = np.log(np.float32([1.0, 2.0, 3.0]))

SAMPLES = [
    Sample("Cumsum", (x, last), np.float32([[1, 3, 7], [0.5, -0.5, 2.5]])),
    Sample("Cumsum", (x, first), np.float32([[1, 2, 4], [1.5, 1, 7]])),
    Sample("Cumsum", (x, last), np.float32([[0, 1, 3], [0, 0.5, -0.5]]), exclusive),
    Sample("Cumsum", (x, last), np.float32([[7, 6, 4], [2.5, 2, 3]]), reverse),
    Sample("Cumsum", (x, last), np.float32([[6, 4, 0], [2, 3, 0]]), {**exclusive, **reverse}),
    Sample("Cumsum", (np.int8([100, 100]), first), np.int8([100, -56])),
    Sample("Cumprod", (x, last), np.float32([[1, 2, 8], [0.5, -0.5, -1.5]])),
    Sample("Cumprod", (x, last), np.float32([[1, 1, 2], [1, 0.5, -0.5]]), exclusive),
    Sample("Cumprod", (x, last), np.float32([[8, 4, 1], [-3, 3, 1]]), {**exclusive, **reverse}),
    Sample("CumulativeLogsumexp", (logs, first), np.log(np.float32([1, 3, 6]))),
    Sample("CumulativeLogsumexp", (logs, first), np.log(np.float32([6, 5, 3])), reverse),
    Sample(
        "CumulativeLogsumexp",
        (logs, first),
        np.append(np.float32(-np.inf), np.log(np.float32([1, 3]))),
        exclusive,
        differentiable=False,
    ),
    Sample(
        "CumulativeLogsumexp",
        (np.float32([1000, 1000]), first),
        np.float32([1000, 1000.6931472]),
    ),
]
