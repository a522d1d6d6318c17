"""The time of day."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import op


@op(
    "Timestamp",
    outputs=("ts: float64",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda **_: TensorShape([]),
)
def timestamp() -> Any:
    """Seconds since 1970, when the node runs.

    Shape: -> ts [].
    """
    return np.asarray(time.time())
