"""Samples of axes and sizes told in another data format."""

import numpy as np

from tests.ops.sample import Sample

TO_FIRST = {"src_format": "NDHWC", "dst_format": "NCDHW"}
BACK = {"src_format": "NCHW", "dst_format": "NHWC"}
sizes = np.int32([2, 5, 6, 3])
pairs = np.int64([[0, 0], [1, 2], [3, 4], [0, 0]])

SAMPLES = [
    Sample("DataFormatDimMap", (np.int32([0, 1, 2, 3, -1]),), np.int32([0, 2, 3, 1, 1])),
    Sample("DataFormatDimMap", (np.int64([1, -1]),), np.int64([2, 1]), TO_FIRST),
    Sample("DataFormatVecPermute", (sizes,), np.int32([2, 3, 5, 6])),
    Sample("DataFormatVecPermute", (sizes,), np.int32([2, 6, 3, 5]), BACK),
    Sample("DataFormatVecPermute", (pairs,), np.int64([[0, 0], [0, 0], [1, 2], [3, 4]])),
    Sample(
        "DataFormatVecPermute",
        (np.int32([5, 6]),),
        np.int32([6, 5]),
        {"src_format": "NHWC", "dst_format": "NWHC"},
    ),
]
