"""Samples of fractional poolings: regions are those that real TensorFlow draws of the seeds."""

import numpy as np

from tests.ops.sample import Sample

x = np.arange(143, dtype=np.float32).reshape(1, 11, 13, 1) * 7 % 31
# TensorFlow 2.21, seeds 3 and 5.
drawn = {
    True: (np.int64([0, 1, 3, 4, 6, 8, 9, 11]), np.int64([0, 2, 4, 6, 7, 9, 11, 13])),
    False: (np.int64([0, 1, 2, 4, 5, 7, 9, 11]), np.int64([0, 2, 4, 6, 8, 9, 11, 13])),
}
rows, columns = drawn[False]
seeded = {
    "pooling_ratio": (1.0, 1.5, 1.7, 1.0),
    "deterministic": True,
    "seed": 3,
    "seed2": 5,
}


def _pooled(combine, borders, extra=0):
    return np.float32(
        [
            [
                combine(x[0, r : r2 + extra, c : c2 + extra, 0])
                for c, c2 in zip(borders[1][:-1], borders[1][1:], strict=True)
            ]
            for r, r2 in zip(borders[0][:-1], borders[0][1:], strict=True)
        ]
    ).reshape(1, 7, 7, 1)


grad = np.arange(49, dtype=np.float32).reshape(1, 7, 7, 1)
at_largest, in_shares = np.zeros_like(x), np.zeros_like(x)
for i in range(7):
    for j in range(7):
        block = (0, slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1]), 0)
        part = x[block]
        best = np.unravel_index(part.argmax(), part.shape)
        at_largest[block][best] += grad[0, i, j, 0]
        in_shares[block] += grad[0, i, j, 0] / part.size

SAMPLES = [
    Sample(
        "FractionalMaxPool",
        (x,),
        (_pooled(np.max, drawn[pseudo]), *drawn[pseudo]),
        seeded | {"pseudo_random": pseudo},
    )
    for pseudo in (True, False)
]
SAMPLES += [
    Sample(
        "FractionalMaxPool",
        (x,),
        (_pooled(np.max, drawn[False], 1), *drawn[False]),
        seeded | {"overlapping": True},
    ),
    Sample("FractionalAvgPool", (x,), (_pooled(np.mean, drawn[False]), *drawn[False]), seeded),
    Sample(
        "FractionalMaxPoolGrad",
        (x, _pooled(np.max, drawn[False]), grad, rows, columns),
        at_largest,
    ),
    Sample("FractionalAvgPoolGrad", (np.int64(x.shape), grad, rows, columns), in_shares),
]
