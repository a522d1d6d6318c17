"""Samples of complex numbers and their parts."""

import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

re, im = np.float32([1.0, -2.0, 0.5]), np.float32([0.0, 1.5, -np.inf])
z = np.complex64([3 + 4j, -1j, -2])
double = {"Tout": dtypes.float64}

SAMPLES = [
    Sample("Complex", (re, np.float32([0, 1.5, 2])), np.complex64([1, -2 + 1.5j, 0.5 + 2j])),
    Sample("Complex", (re, im), np.stack([re, im], -1).view(np.complex64)[..., 0]),
    Sample("Real", (z,), np.float32([3, 0, -2])),
    Sample("Real", (z.astype(np.complex128),), np.float64([3, 0, -2]), double),
    Sample("Imag", (z,), np.float32([4, -1, 0])),
    Sample("Angle", (z,), np.float32([np.arctan(4 / 3), -np.pi / 2, np.pi])),
    Sample("ComplexAbs", (z,), np.float32([5, 1, 2])),
    Sample("Conj", (z,), np.complex64([3 - 4j, 1j, -2])),
]
