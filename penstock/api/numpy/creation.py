"""NumPy's functions that make arrays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from penstock.api import filling, joining
from penstock.api.diagonals import band_part, diag_part
from penstock.api.diagonals import diag as _diag
from penstock.api.numpy.operands import (
    axis_of,
    cast,
    common_dtype,
    rank_of,
    tensor_of,
)
from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.dispatch import call


def _dtype(dtype: Any, default: Any = np.float64) -> dtypes.DType:
    chosen = default if dtype is None else dtype
    return chosen if isinstance(chosen, dtypes.DType) else dtypes.as_dtype(np.dtype(chosen))


def _sizes(shape: Any) -> Any:
    if isinstance(shape, TensorShape):
        return shape
    return [operator.index(shape)] if np.ndim(shape) == 0 else list(shape)


def array(val: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Any:
    """A tensor of Python or NumPy values.

    Args:
        val: values, tensors, or nested lists of both.
        dtype: element type; None takes NumPy's: int64, float64, ....
        copy: has no effect: tensors never change.
        ndmin: least number of axes; axes of size 1 are put in front.
    """
    del copy
    result = tensor_of(val, None if dtype is None else _dtype(dtype))
    missing = ndmin - rank_of(result) if ndmin else 0
    for _ in range(missing):
        result = call("ExpandDims", result, 0)
    return result


def asarray(a: Any, dtype: Any = None) -> Any:
    """A tensor of Python or NumPy values, or the tensor itself."""
    return array(a, dtype)


asanyarray = asarray
ascontiguousarray = asarray


def copy(a: Any) -> Any:
    """A tensor of the same values."""
    return call("Identity", tensor_of(a))


def zeros(shape: Any, dtype: Any = float) -> Any:
    """Tensor of zeros."""
    return filling.zeros(_sizes(shape), _dtype(dtype))


def ones(shape: Any, dtype: Any = float) -> Any:
    """Tensor of ones."""
    return filling.ones(_sizes(shape), _dtype(dtype))


empty = zeros


def zeros_like(a: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of a tensor."""
    return filling.zeros_like(tensor_of(a), None if dtype is None else _dtype(dtype))


def ones_like(a: Any, dtype: Any = None) -> Any:
    """Ones in the shape of a tensor."""
    return filling.ones_like(tensor_of(a), None if dtype is None else _dtype(dtype))


empty_like = zeros_like


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Tensor that holds one value, or values that are broadcast to its shape."""
    value = tensor_of(fill_value, None if dtype is None else _dtype(dtype))
    return call("BroadcastTo", value, _sizes(shape))


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Any:
    """Tensor of the shape and dtype of another that holds one value.

    Args:
        a: the other.
        fill_value: the value.
        dtype: dtype of the result, if another.
        order: "K" or "A", which are all the same here.
        subok: accepted for compatibility.
        shape: not supported.

    Raises:
        ValueError: another order is asked for, or a shape.
    """
    if order not in ("K", "A"):
        raise ValueError("Non-standard orders are not supported.")
    if not subok:
        raise ValueError("subok being False is not supported.")
    if shape:
        raise ValueError("Overriding the shape is not supported.")
    a = tensor_of(a)
    wanted = a.dtype if dtype is None else _dtype(dtype)
    return call("BroadcastTo", tensor_of(fill_value, wanted), call("Shape", a))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> Any:  # noqa: N803
    """Ones on a diagonal, zeros elsewhere."""
    columns = N if M is None else M
    kind = _dtype(dtype)
    if k >= columns or -k >= N:
        return filling.zeros([N, columns], kind)
    length = min(N + min(k, 0), columns - max(k, 0))
    line = filling.ones([length], kind)
    if kind.is_bool:
        line = cast(line, np.int8)
    return cast(_diag(line, k=k, num_rows=N, num_cols=columns), kind)


def identity(n: int, dtype: Any = float) -> Any:
    """Identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803
    """Ones on and below a diagonal, zeros above."""
    columns = N if M is None else M
    return tril(ones([N, columns], _dtype(dtype)), k)


def tril(m: Any, k: int = 0) -> Any:
    """The matrix with zeros above diagonal k."""
    m = tensor_of(m)
    rows, columns = m.shape[-2], m.shape[-1]
    if k >= 0:
        return band_part(m, -1, k if columns is None else min(k, columns))
    upper = band_part(m, (-k - 1) if rows is None else min(-k - 1, rows), -1)
    return call("SelectV2", _band(m, -k - 1), np.zeros((), m.dtype.np), m) if rows else upper


def triu(m: Any, k: int = 0) -> Any:
    """The matrix with zeros below diagonal k."""
    m = tensor_of(m)
    rows, columns = m.shape[-2], m.shape[-1]
    if k <= 0:
        return band_part(m, -k if rows is None else min(-k, rows), -1)
    inside = np.tri(rows, columns, k - 1, dtype=bool)
    return call("SelectV2", inside, np.zeros((), m.dtype.np), m)


def _band(m: Any, below: int) -> Any:
    """Whether an element of a matrix lies on or above diagonal -below."""
    return ~np.tri(m.shape[-2], m.shape[-1], -below - 1, dtype=bool)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """Numbers from `start` on, in steps, that do not reach `stop`.

    Raises:
        ValueError: the step is zero.
    """
    if stop is None:
        start, stop = 0, start
    if not step:
        raise ValueError("step must not be zero")
    wanted = common_dtype(start, stop, step) if dtype is None else _dtype(dtype).np
    work = np.float64 if wanted.kind not in "fiu" else wanted
    numbers = call("Range", *[tensor_of(each, work) for each in (start, stop, step)])
    return cast(numbers, wanted)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = float,
    axis: int = 0,
) -> Any:
    """Numbers at equal distances from `start` to `stop`.

    Args:
        start: first number, or several.
        stop: last number.
        num: how many.
        endpoint: whether `stop` is the last of them.
        retstep: whether the distance is given too.
        dtype: element type.
        axis: where the new axis comes.
    """
    first, last = (tensor_of(each, np.float64) for each in (start, stop))
    gaps = max(num - 1 if endpoint else num, 1)
    step = call("RealDiv", call("Sub", last, first), np.float64(gaps))
    shape = [-1] + [1] * max(rank_of(first), rank_of(last))
    places = np.arange(num, dtype=np.float64).reshape(shape)
    numbers = call("AddV2", first, call("Mul", step, places))
    if endpoint and num > 1:
        at_end = places == num - 1
        numbers = call("SelectV2", at_end, last, numbers)
    rank = rank_of(numbers)
    order = list(range(1, rank))
    order.insert(axis_of(axis, rank), 0)
    numbers = cast(call("Transpose", numbers, order), _dtype(dtype))
    return (numbers, step) if retstep else numbers


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of `base` whose exponents lie at equal distances."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    return cast(call("Pow", np.float64(base), exponents), _dtype(dtype))


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers whose quotients are equal, from `start` to `stop`."""
    first, last = (tensor_of(each, np.float64) for each in (start, stop))
    sign = call("Sign", first)
    low, high = (call("Log", call("Abs", each)) for each in (first, last))
    numbers = call("Mul", sign, call("Exp", linspace(low, high, num, endpoint, axis=axis)))
    return cast(numbers, _dtype(dtype))


def meshgrid(*xi: Any, **kwargs: Any) -> list[Any]:
    """Coordinates of the points of a grid, one tensor for each axis.

    Raises:
        ValueError: a keyword other than `indexing`, or its NumPy companions with other values
            than their defaults.
    """
    if not kwargs.pop("copy", True) or kwargs.pop("sparse", False):
        raise ValueError("meshgrid supports only copy=True and sparse=False")
    return joining.meshgrid(*[tensor_of(x) for x in xi], **kwargs)


def diag(v: Any, k: int = 0) -> Any:
    """Matrix with a given diagonal, or a diagonal of a matrix."""
    v = tensor_of(v)
    if rank_of(v) == 1:
        return _diag(v, k=k)
    rows, columns = v.shape[0], v.shape[1]
    if rows is not None and columns is not None and not -rows < k < columns:
        return v[:0, 0]
    return diag_part(v, k=k)


def diagflat(v: Any, k: int = 0) -> Any:
    """Matrix whose diagonal holds all elements of a tensor."""
    return diag(call("Reshape", tensor_of(v), [-1]), k)


def diag_indices(n: int, ndim: int = 2) -> tuple[Any, ...]:
    """Coordinates of the diagonal of an array with axes of one size."""
    return (tensor_of(np.arange(n)),) * ndim


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    """Powers of each element, one row each."""
    x = tensor_of(x)
    count = x.shape[0] if N is None else N
    exponents = np.arange(count, dtype=x.dtype.np)
    if not increasing:
        exponents = exponents[::-1].copy()
    return call("Pow", call("ExpandDims", x, 1), exponents)


def ix_(*args: Any) -> list[Any]:
    """Vectors as index arrays of a grid; booleans become the places of what is true."""
    grids = []
    for i, each in enumerate(args):
        line = tensor_of(each)
        if line.dtype.is_bool:
            line = call("Squeeze", call("Where", line), squeeze_dims=(1,))
        shape = [1] * len(args)
        shape[i] = -1
        grids.append(call("Reshape", line, shape))
    return grids
