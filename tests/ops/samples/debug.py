"""Samples of checks and messages."""

import numpy as np

from tests.ops.sample import Sample

x = np.float32([1, -2])

SAMPLES = [
    Sample("Assert", (np.array(True), (x, np.int32(3))), ()),
    Sample("CheckNumerics", (x,), x, {"message": "of a test"}),
    Sample("CheckNumericsV2", (x,), x, {"message": "of a test"}),
    Sample("Print", (x, (np.int32([1, 2]),)), x, {"message": "sample"}),
    Sample("PrintV2", (np.array(b"sample", object),), ()),
    Sample(
        "StringFormat",
        ((np.float32([[1, 2.5]]), np.array(b"a", object)),),
        np.array(b'x = [[1 2.5]], name = "a"', object),
        {"template": "x = %s, name = %s"},
    ),
    Sample(
        "StringFormat",
        ((np.arange(7),),),
        np.array(b"[0 1 ... 5 6]", object),
        {"template": "{}", "placeholder": "{}", "summarize": 2},
    ),
]
