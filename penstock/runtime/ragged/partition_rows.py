"""How a vector is cut into rows, in the different ways to say so, as calls of native ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.static_shape import static_value
from penstock.runtime.tensor import Tensor

_SPLIT_TYPES = (dtypes.int32, dtypes.int64)


def partition_tensor(value: Any, name: str, dtype: Any = None, hint: Any = None) -> Any:
    """Turn splits, lengths or the like into a tensor; Python numbers become int64.

    Raises:
        ValueError: the dtype is neither int32 nor int64.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    if wanted is None and isinstance(value, (Tensor, np.ndarray, np.generic)):
        tensor = convert_to_tensor(value)
    else:
        preferred = dtypes.int64 if hint is None else hint
        if isinstance(value, (Tensor, np.ndarray, np.generic)) and wanted is not None:
            tensor = cast(convert_to_tensor(value), wanted)
        elif isinstance(value, (list, tuple, int)) and not holds_tensor(value):
            try:
                tensor = convert_to_tensor(value, wanted or preferred)
            except TypeError:
                tensor = convert_to_tensor(value)
        else:
            tensor = convert_to_tensor(value, wanted, dtype_hint=preferred)
    if tensor.dtype not in _SPLIT_TYPES:
        raise ValueError(f"{name} must have dtype int32 or int64")
    return tensor


def holds_tensor(value: Any) -> bool:
    """Whether a nested list holds a tensor."""
    if isinstance(value, (list, tuple)):
        return any(holds_tensor(each) for each in value)
    return isinstance(value, Tensor)


def cast(tensor: Any, dtype: Any) -> Any:
    """`tensor` as `dtype`, untouched when it is that already."""
    return tensor if tensor.dtype is dtype else call("Cast", tensor, DstT=dtype)


def number(value: Any, dtype: Any) -> Any:
    """A Python number or an integer tensor as a tensor of `dtype`."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return cast(convert_to_tensor(value), dtype)
    return convert_to_tensor(value, dtype)


def lengths_of(splits: Any) -> Any:
    """Number of values of each row."""
    return call("Sub", splits[1:], splits[:-1])


def splits_of_lengths(lengths: Any) -> Any:
    """Splits of rows of given lengths."""
    ends = call("Cumsum", lengths, np.int32(0))
    return call("ConcatV2", [np.zeros((1,), lengths.dtype.np), ends], 0)


def rowids_of(splits: Any, nvals: Any) -> Any:
    """Row of each of `nvals` values."""
    places = counted_to(nvals, splits.dtype)
    found = call("UpperBound", splits[None], places[None], out_type=splits.dtype)
    return call("Sub", found[0], convert_to_tensor(1, splits.dtype))


def splits_of_rowids(rowids: Any, nrows: Any) -> Any:
    """Splits of `nrows` rows, of the rows that the values lie in, in order."""
    places = counted_to(call("AddV2", nrows, convert_to_tensor(1, rowids.dtype)), rowids.dtype)
    return call("LowerBound", rowids[None], places[None], out_type=rowids.dtype)[0]


def counted_to(limit: Any, dtype: Any) -> Any:
    """0, 1, ... up to and without `limit`."""
    zero, one = dtype.np.type(0), dtype.np.type(1)
    return call("Range", convert_to_tensor(zero), limit, convert_to_tensor(one))


def first_size(tensor: Any, dtype: Any) -> Any:
    """Size of the first axis, as a scalar of `dtype`."""
    size = tensor.shape[0] if tensor.shape.rank else None
    if size is not None:
        return convert_to_tensor(size, dtype)
    return call("Shape", tensor, out_type=dtype)[0]


def demand(condition: Any, message: str, error: type[OpError] = InvalidArgumentError) -> None:
    """Raise `error` unless all of a boolean tensor is true, now or when the graph runs."""
    known = static_value(condition)
    if known is not None:
        if not known.all():
            raise error(message)
        return
    rank = condition.shape.rank
    axes = (
        np.arange(rank, dtype=np.int32)
        if rank is not None
        else call("Range", 0, call("Rank", condition), 1)
    )
    call("Assert", call("All", condition, axes), [convert_to_tensor(message)])


def demand_splits(splits: Any, where: str) -> None:
    """Refuse splits that do not begin with 0 or that decrease."""
    known = static_value(splits)
    message = f"Arguments to {where} do not form a valid RaggedTensor: splits must begin with 0"
    order = f"Arguments to {where} do not form a valid RaggedTensor: splits must not decrease"
    if known is not None:
        if known[0] != 0:
            raise InvalidArgumentError(f"{message}, got {known[0]}")
        if (known[1:] < known[:-1]).any():
            place = int((known[1:] < known[:-1]).argmax())
            raise InvalidArgumentError(f"{order}, got {known[place]} before {known[place + 1]}")
        return
    demand(call("Equal", splits[0], convert_to_tensor(0, splits.dtype)), message)
    demand(call("GreaterEqual", splits[1:], splits[:-1]), order)
