"""Where the files are that TensorFlow wrote, and what it read from them."""

import json
from pathlib import Path

import ml_dtypes  # noqa: F401  (registers its types with numpy)
import numpy as np

from penstock.core.dtypes import as_dtype

GOLDEN = Path(__file__).parents[1] / "golden" / "wire"
SHARED = Path(__file__).parents[2].parent / "shared" / "fixtures"
RECORDS = [b"", b"a", bytes(range(256)) * 12, b"last"]


def load_json(name):
    return json.loads((GOLDEN / name).read_text())


def expected_array(described, dtype):
    """The array that a golden describes."""
    if "strings" in described:
        array = np.empty(len(described["strings"]), object)
        array[:] = [bytes.fromhex(text) for text in described["strings"]]
    else:
        array = np.frombuffer(bytes.fromhex(described["bytes"]), as_dtype(dtype).np)
    return array.reshape(described["shape"])


def assert_identical(actual, expected):
    """Same dtype, shape and bits, so that NaN and -0.0 count."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if expected.dtype == object:
        assert actual.ravel().tolist() == expected.ravel().tolist()
    else:
        assert actual.tobytes() == expected.tobytes()
