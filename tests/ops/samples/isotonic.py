"""Samples of isotonic regression."""

import numpy as np

from penstock.core.dtypes import float64
from tests.ops.sample import Sample

SAMPLES = [
    Sample(
        "IsotonicRegression",
        (np.float32([[3, 1, 2, 0], [5, 5, 5, 6]]),),
        (
            np.float32([[3, 1.5, 1.5, 0], [5.25] * 4]),
            np.int32([[0, 1, 1, 2], [0, 0, 0, 0]]),
        ),
    ),
    Sample(
        "IsotonicRegression",
        (np.int32([[4, 4, 1]]),),
        (np.float64([[4, 4, 1]]), np.int32([[0, 1, 2]])),
        {"output_dtype": float64},
    ),
]
