"""Samples of conversions between dtypes."""

import ml_dtypes
import numpy as np

from penstock.core import dtypes
from tests.ops.sample import Sample

lowest32, lowest64 = np.iinfo(np.int32).min, np.iinfo(np.int64).min


def cast(values, target, expected, **attrs):
    """A row of the table: `values` become `expected`."""
    return Sample(
        "Cast",
        (values,),
        expected,
        {"DstT": dtypes.as_dtype(target), **attrs},
        differentiable=False,
    )


reals = np.float32([1.9, -1.9, 0.0, 127.0])
outside = np.float32([np.nan, np.inf, 3e9, -3e9])
complexes = np.complex64([1.5 + 2j, 2j])

SAMPLES = [
    cast(reals, "int32", np.int32([1, -1, 0, 127])),
    cast(reals, "float64", reals.astype(np.float64)),
    cast(reals, "bool", np.array([True, True, False, True])),
    cast(outside, "int32", np.int32([lowest32] * 4)),
    cast(outside, "int64", np.int64([lowest64, lowest64, 3_000_000_000, -3_000_000_000])),
    cast(np.int32([300, -1, 128]), "uint8", np.uint8([44, 255, 128])),
    cast(np.int32([300, -1, 128]), "int8", np.int8([44, -1, -128])),
    cast(np.array([True, False]), "float32", np.float32([1, 0])),
    cast(complexes, "float32", np.float32([1.5, 0])),
    cast(complexes, "bool", np.array([True, False])),
    cast(np.int32([2, -3]), "complex64", np.complex64([2, -3])),
    cast(
        np.float32([1 + 2**-9, 3.14159]),
        "bfloat16",
        np.array([1.0, 3.140625], ml_dtypes.bfloat16),
    ),
    cast(
        np.float32([0.3, 448.0]),
        "float8_e4m3fn",
        np.array([0.3125, 448], ml_dtypes.float8_e4m3fn),
    ),
    cast(np.float32([2.999, -2.999]), "float16", np.float16([2.998, -2.998]), Truncate=True),
    Sample("Cast", (np.float32([1.5, 2.5]),), np.float64([1.5, 2.5]), {"DstT": dtypes.float64}),
]
