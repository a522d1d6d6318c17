"""Evenly spaced numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.elementwise import FLOATS, REALS, binary, kinds, unary, widened
from penstock.ops.shapes import scalar_of, value_of
from penstock.ops.table import op

_RANGES = REALS - kinds(dtypes.uint8)
_HALF_LIKE = kinds(dtypes.float16, dtypes.bfloat16)


def _range_size(start: Any, limit: Any, delta: Any) -> int:
    if delta == 0:
        raise InvalidArgumentError("delta must not be 0")
    if (delta > 0 and start > limit) or (delta < 0 and start < limit):
        relation = "<=" if delta > 0 else ">="
        raise InvalidArgumentError(
            f"start {relation} limit must hold when delta is {delta}, got {start} and {limit}"
        )
    if start.dtype.kind in "iu":
        return max(0, -((int(start) - int(limit)) // int(delta)))
    # In the precision of the dtype: 0.1 to 1.1 in steps of 0.1 are ten numbers in float32.
    size: int = math.ceil(abs((limit - start) / delta))
    return size


def _range_shape(start: Any, limit: Any, delta: Any) -> TensorShape:
    values = [spec.value for spec in (start, limit, delta)]
    for spec in (start, limit, delta):
        if spec.shape.rank not in (None, 0):
            raise InvalidArgumentError(
                f"start, limit and delta must be scalars, got shape {spec.shape}"
            )
    if any(value is None for value in values):
        return TensorShape([None])
    return TensorShape([_range_size(*[np.asarray(value)[()] for value in values])])


@op(
    "Range",
    inputs=("start: Tidx", "limit: Tidx", "delta: Tidx"),
    outputs=("output: Tidx",),
    constant_inputs=("start", "limit", "delta"),
    shape=_range_shape,
    differentiable=False,
)
def range_(start: Any, limit: Any, delta: Any) -> Any:
    """Numbers from start on, in steps of delta, that do not reach limit.

    Shape: start scalar, limit scalar, delta scalar -> output [ceil((limit - start) / delta)].
    Errors: InvalidArgumentError when delta is 0 or leads away from limit.
    """
    dtype = start.dtype
    unary("Range", start, _RANGES)
    for each in (start, limit, delta):
        if each.ndim:
            raise InvalidArgumentError(
                f"start, limit and delta must be scalars, got shape {list(each.shape)}"
            )
    size = _range_size(start[()], limit[()], delta[()])
    if start.dtype.kind in "iu":
        first, step = int(start), int(delta)
        return np.arange(size, dtype=np.int64).astype(dtype) * np.asarray(step).astype(
            dtype
        ) + np.asarray(first).astype(dtype)
    return _steps(start, delta, size)


def _steps(start: Any, delta: Any, size: int) -> Any:
    wide = np.float32 if start.dtype in _HALF_LIKE else start.dtype.type
    values = wide(start) + np.arange(size, dtype=wide) * wide(delta)
    return values.astype(start.dtype)


def _linspace_shape(start: Any, stop: Any, num: Any) -> TensorShape:
    del start, stop
    return TensorShape([value_of(num)])


@op(
    "LinSpace",
    inputs=("start: T", "stop: T", "num: Tidx"),
    outputs=("output: T",),
    constant_inputs=("num",),
    shape=_linspace_shape,
    differentiable=False,
)
def lin_space(start: Any, stop: Any, num: Any) -> Any:
    """`num` numbers from start to stop, both included, at equal distances.

    Shape: start scalar, stop scalar, num scalar -> output [num].
    Errors: InvalidArgumentError when num is not positive.
    """
    xp = binary("LinSpace", start, stop, FLOATS)
    if start.ndim or stop.ndim:
        raise InvalidArgumentError(
            f"start and stop must be scalars, got {list(start.shape)} and {list(stop.shape)}"
        )
    count = scalar_of(num, "num")
    if count <= 0:
        raise InvalidArgumentError(f"num must be positive, got {count}")
    low, high = widened(start), widened(stop)
    if count == 1:
        return xp.reshape(start, (1,))
    step = (high - low) / low.dtype.type(count - 1)
    inner = low + xp.arange(count - 1, dtype=low.dtype) * step
    # The last one is given as it is: the sum of the steps may miss it.
    return xp.concatenate([inner, xp.reshape(high, (1,))]).astype(start.dtype)
