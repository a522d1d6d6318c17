"""Samples of comparisons, tests and logic."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([1.0, 2.0, 3.0, np.nan])
y = np.float32([2.0, 2.0, 1.0, np.nan])
column = np.int64([[1], [2]])
line = np.int64([1, 2, 3])
odd = np.float32([0.0, np.nan, np.inf, -np.inf])
yes, no = np.array([True, True, False, False]), np.array([True, False, True, False])
text = np.array([b"a", b"b"], object)

SAMPLES = [
    Sample("Equal", (x, y), np.array([False, True, False, False])),
    Sample("Equal", (column, line), np.array([[True, False, False], [False, True, False]])),
    Sample("Equal", (text, np.array([b"a", b"c"], object)), np.array([True, False])),
    Sample(
        "Equal",
        (x, line.astype(np.float32)),
        np.array(False),
        {"incompatible_shape_error": False},
    ),
    Sample("NotEqual", (x, y), np.array([True, False, True, True])),
    Sample(
        "NotEqual",
        (x, line.astype(np.float32)),
        np.array(True),
        {"incompatible_shape_error": False},
    ),
    Sample("Less", (x, y), np.array([True, False, False, False])),
    Sample("LessEqual", (x, y), np.array([True, True, False, False])),
    Sample("Greater", (x, y), np.array([False, False, True, False])),
    Sample("GreaterEqual", (x, y), np.array([False, True, True, False])),
    Sample(
        "GreaterEqual", (column, line), np.array([[True, False, False], [True, True, False]])
    ),
    Sample(
        "ApproximateEqual",
        (np.float32([1.0, 1.0]), np.float32([1.05, 1.2])),
        np.array([True, False]),
        {"tolerance": 0.1},
    ),
    Sample("IsNan", (odd,), np.array([False, True, False, False])),
    Sample("IsInf", (odd,), np.array([False, False, True, True])),
    Sample("IsFinite", (odd,), np.array([True, False, False, False])),
    Sample("LogicalAnd", (yes, no), np.array([True, False, False, False])),
    Sample("LogicalOr", (yes, no), np.array([True, True, True, False])),
    Sample("LogicalNot", (yes,), np.array([False, False, True, True])),
    Sample(
        "ClipByValue",
        (np.float32([-2.0, 0.3, 5.0]), np.float32(-1.0), np.float32(1.0)),
        np.float32([-1.0, 0.3, 1.0]),
    ),
]
