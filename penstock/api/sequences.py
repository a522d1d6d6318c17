"""Evenly spaced numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.operands import integers
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = ["range", "linspace", "sobol_sample"]

_RANKED = (
    dtypes.int32,
    dtypes.int64,
    dtypes.float16,
    dtypes.bfloat16,
    dtypes.float32,
    dtypes.float64,
)


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range"
) -> Any:
    """Numbers from `start` on, in steps of `delta`, that do not reach `limit`.

    Args:
        start: first number; the limit, with 0 as start, when it is the only argument.
        limit: what is not reached.
        delta: step; not 0.
        dtype: element type; None takes the widest of the arguments.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: `delta` is 0 or leads away from `limit`.
    """
    if limit is None:
        start, limit = 0, start
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    given = (start, limit, delta)
    if wanted is None:
        given = tuple(integers(each) for each in given)
    numbers = [
        each if isinstance(each, Tensor) else convert_to_tensor(each, dtype=wanted)
        for each in given
    ]
    if wanted is None:
        for each in numbers:
            if each.dtype not in _RANKED:
                raise TypeError(f"the arguments must be numbers, got {each.dtype.name}")
        wanted = max((each.dtype for each in numbers), key=_RANKED.index)
    numbers = [
        each if each.dtype == wanted else call("Cast", each, DstT=wanted) for each in numbers
    ]
    return call("Range", *numbers, name=name)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: Any = 0) -> Any:
    """Numbers from `start` to `stop`, both included, at equal distances.

    Args:
        start: first entry, a scalar or an array.
        stop: last entry, likewise; the shapes broadcast together.
        num: number of entries.
        name: name of the node in a graph.
        axis: axis of the result along which the entries stand.

    Raises:
        InvalidArgumentError: `num` is negative.
    """
    start = convert_to_tensor(start)
    stop = convert_to_tensor(stop, dtype=start.dtype)
    num = convert_to_tensor(num)
    if not num.dtype.is_integer:
        raise TypeError(f"num must be an integer, got {num.dtype.name}")
    num = call("Cast", num, DstT=dtypes.int32)
    if start.dtype.is_integer:
        wide = dtypes.float32 if start.dtype.size <= 2 else dtypes.float64
        start, stop = (call("Cast", each, DstT=wide) for each in (start, stop))
    if start.shape != stop.shape or not start.shape.is_fully_defined():
        shape = call("BroadcastArgs", call("Shape", start), call("Shape", stop))
        start, stop = (call("BroadcastTo", each, shape) for each in (start, stop))
    axis = int(axis)
    start, stop = (call("ExpandDims", each, axis) for each in (start, stop))
    last = call("Sub", num, 1)
    intervals = call("Cast", call("Maximum", last, 1), DstT=start.dtype)
    places = call("Range", 0, num, 1)
    sizes = np.ones((start.shape.rank,), np.int32)
    sizes[axis] = -1
    column = call("Reshape", places, sizes)
    step = call("RealDiv", call("Sub", stop, start), intervals)
    entries = call("AddV2", start, call("Mul", step, call("Cast", column, DstT=start.dtype)))
    # The last entry is given as it is: the sum of the steps may miss it.
    at_end = call("LogicalAnd", call("Equal", column, last), call("Greater", column, 0))
    return call("SelectV2", at_end, stop, entries, name=name)


def sobol_sample(
    dim: Any,
    num_results: Any,
    skip: Any = 0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """Points of Sobol's sequence, which fill the unit cube evenly.

    Args:
        dim: number of coordinates of a point.
        num_results: number of points.
        skip: number of points passed over.
        dtype: float32 or float64.
        name: name of the node in a graph.
    """
    return call("SobolSample", dim, num_results, skip, dtype=dtypes.as_dtype(dtype), name=name)
