"""How close results must be, by dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

# Relative tolerance, then absolute.
_BY_DTYPE = {
    "float64": (1e-10, 1e-12),
    "complex128": (1e-10, 1e-12),
    "float32": (1e-5, 1e-6),
    "complex64": (1e-5, 1e-6),
    "float16": (2e-3, 2e-3),
    "bfloat16": (2e-2, 1e-2),
}


def tolerance_of(dtype: Any) -> tuple[float, float]:
    """Relative and absolute tolerance for a dtype; zero for exact ones."""
    return _BY_DTYPE.get(np.dtype(dtype).name, (0.0, 0.0))


def assert_close(actual: Any, expected: Any, scale: float = 1.0) -> None:
    """Check that values, shape and dtype agree.

    Args:
        actual: what came out.
        expected: what should have come out.
        scale: factor on the tolerance of the dtype.

    Raises:
        AssertionError: they do not agree.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    assert actual.dtype == expected.dtype, f"dtype {actual.dtype}, expected {expected.dtype}"
    relative, absolute = tolerance_of(expected.dtype)
    if relative:
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(
            actual.astype(wide), expected.astype(wide), relative * scale, absolute * scale
        )
    else:
        np.testing.assert_array_equal(actual, expected)
