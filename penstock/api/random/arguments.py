"""Arguments that the functions of `tf.random` share: shapes, dtypes, algorithms."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.operands import integers
from penstock.core.dtypes import DType, as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


class Algorithm(enum.Enum):
    """Names of the algorithms that make random words."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


_NAMES = {member.name.lower(): member.value for member in Algorithm}


def algorithm_number(alg: Any) -> int:
    """Return the number of an algorithm given by name, number or member of `Algorithm`.

    Raises:
        ValueError: there is no such algorithm.
    """
    if isinstance(alg, Algorithm):
        return alg.value
    if isinstance(alg, str):
        if alg in _NAMES:
            return _NAMES[alg]
    elif int(alg) in _NAMES.values():
        return int(alg)
    raise ValueError(f"alg must be one of {sorted(_NAMES)}, got {alg!r}")


def shape_input(shape: Any) -> Any:
    """Return a shape as an op takes it; an empty one would have no dtype of its own."""
    if isinstance(shape, (list, tuple)) and not shape:
        return np.zeros(0, np.int32)
    return integers(shape)


def accepted(dtype: Any, names: Sequence[str]) -> DType:
    """Return `dtype` as a DType if it is one of `names`.

    Raises:
        ValueError: it is another.
    """
    found = as_dtype(dtype)
    if found.name not in names:
        raise ValueError(f"dtype must be one of {', '.join(names)}, got {found.name}")
    return found


def is_number(value: Any, number: float) -> bool:
    """Whether `value` is that number, written in Python: then an op call can be saved."""
    return isinstance(value, (int, float)) and value == number


def scaled(sample: Any, low: Any, high: Any, dtype: DType, name: str | None) -> Any:
    """Stretch numbers in [0, 1) to [low, high)."""
    if is_number(low, 0) and is_number(high, 1):
        return sample
    from_low, to_high = convert_to_tensor(low, dtype), convert_to_tensor(high, dtype)
    return call("AddV2", sample * (to_high - from_low), from_low, name=name)


def spread(sample: Any, mean: Any, stddev: Any, dtype: DType, name: str | None) -> Any:
    """Give standard normal numbers another mean and deviation."""
    if is_number(mean, 0) and is_number(stddev, 1):
        return sample
    return call(
        "AddV2",
        sample * convert_to_tensor(stddev, dtype),
        convert_to_tensor(mean, dtype),
        name=name,
    )
