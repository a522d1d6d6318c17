"""TensorFlow's attrs of single precision."""

from __future__ import annotations

import numpy as np


def single(value: float) -> float:
    """Round an attr to single precision, in which TensorFlow keeps attrs of type float."""
    return float(np.float32(value))
