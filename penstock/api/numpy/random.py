"""`tf.experimental.numpy.random`: NumPy's older names for random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api import random as _random
from penstock.api.numpy.operands import cast, tensor_of
from penstock.core import dtypes
from penstock.runtime.dispatch import call

DEFAULT_RANDN_DTYPE = np.float32


def seed(s: int) -> None:
    """Set the seed of all random numbers that follow."""
    _random.set_seed(int(s))


def rand(*size: int) -> Any:
    """Numbers from [0, 1), float64."""
    return uniform(0, 1, size)


def randn(*args: int) -> Any:
    """Numbers of the standard normal distribution, float64."""
    return standard_normal(args)


def standard_normal(size: Any = None) -> Any:
    """Numbers of the standard normal distribution, float64."""
    return _random.normal(_sizes(size), dtype=dtypes.float64)


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    """Numbers from [low, high), float64."""
    low, high = tensor_of(low, np.float64), tensor_of(high, np.float64)
    if size is None:
        size = call("BroadcastArgs", call("Shape", low), call("Shape", high))
    unit = _random.uniform(_sizes(size), dtype=dtypes.float64)
    return call("AddV2", low, call("Mul", unit, call("Sub", high, low)))


def random(size: Any = None) -> Any:
    """Numbers from [0, 1), float64."""
    return uniform(0.0, 1.0, () if size is None else size)


def poisson(lam: Any = 1.0, size: Any = None) -> Any:
    """Numbers of a Poisson distribution, int64."""
    drawn = _random.poisson(_sizes(size), lam, dtype=dtypes.float64)
    return cast(drawn, np.int64)


def randint(low: int, high: int | None = None, size: Any = None, dtype: Any = np.int64) -> Any:
    """Whole numbers from [low, high), or from [0, low)."""
    if high is None:
        low, high = 0, low
    wanted = dtypes.as_dtype(np.dtype(dtype))
    work = wanted if wanted in (dtypes.int32, dtypes.int64) else dtypes.int64
    return cast(_random.uniform(_sizes(size), low, high, dtype=work), wanted)


def _sizes(size: Any) -> Any:
    if size is None:
        return []
    return [size] if np.ndim(size) == 0 and isinstance(size, (int, np.integer)) else size
