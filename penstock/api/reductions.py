"""Reductions over axes, and running sums along one."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import TensorLike

__all__ = [
    "reduce_sum",
    "reduce_mean",
    "reduce_prod",
    "reduce_max",
    "reduce_min",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_variance",
    "reduce_std",
    "reduce_logsumexp",
    "count_nonzero",
    "zero_fraction",
    "argmax",
    "argmin",
    "cumsum",
    "cumprod",
    "cumulative_logsumexp",
    "is_non_decreasing",
    "is_strictly_increasing",
    "l2_normalize",
    "lbeta",
]


def axes_of(tensor: Any, axis: Any) -> Any:
    """Return the axes to reduce as what an op takes; None stands for all of `tensor`.

    Args:
        tensor: what is reduced.
        axis: None, an integer, a list of integers, or a tensor of them.
    """
    if axis is None:
        rank = tensor.shape.rank
        if rank is not None:
            return integers(tuple(range(rank)))
        return call("Range", 0, call("Rank", tensor), 1)
    if isinstance(axis, (list, tuple)) and not axis:
        return np.zeros((0,), np.int32)
    return integers(axis)


def _reduce(op_name: str, x: Any, axis: Any, keepdims: Any, name: str | None) -> Any:
    return call(op_name, x, axes_of(x, axis), keep_dims=bool(keepdims), name=name)


def reduce_sum(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Sum of the elements along `axis`, or of all."""
    return _reduce("Sum", convert_to_tensor(input_tensor), axis, keepdims, name)


def reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Mean of the elements along `axis`, or of all; of integers it is rounded towards zero."""
    return _reduce("Mean", convert_to_tensor(input_tensor), axis, keepdims, name)


def reduce_prod(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Product of the elements along `axis`, or of all."""
    return _reduce("Prod", convert_to_tensor(input_tensor), axis, keepdims, name)


def reduce_max(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Largest element along `axis`, or of all."""
    return _reduce("Max", convert_to_tensor(input_tensor), axis, keepdims, name)


def reduce_min(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Smallest element along `axis`, or of all."""
    return _reduce("Min", convert_to_tensor(input_tensor), axis, keepdims, name)


def _as_bool(value: Any) -> Any:
    if isinstance(value, TensorLike):
        return convert_to_tensor(value)
    return convert_to_tensor(value, dtype=dtypes.bool)


def reduce_all(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Whether all elements along `axis`, or all, are true."""
    return _reduce("All", _as_bool(input_tensor), axis, keepdims, name)


def reduce_any(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Whether at least one element along `axis`, or of all, is true."""
    return _reduce("Any", _as_bool(input_tensor), axis, keepdims, name)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Square root of the sum of squares along `axis`, or of all."""
    return _reduce("EuclideanNorm", convert_to_tensor(input_tensor), axis, keepdims, name)


def _squared_deviations(x: Any, axis: Any) -> Any:
    if x.dtype.is_integer:
        raise TypeError(f"input_tensor must be real or complex, got {x.dtype.name}")
    difference = call("Sub", x, _reduce("Mean", x, axis, True, None))
    if not x.dtype.is_complex:
        return call("Square", difference)
    product = call("Mul", call("Conj", difference), difference)
    return call("Real", product, Tout=x.dtype.real_dtype)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Mean of the squared distances from the mean, along `axis`, or of all.

    Raises:
        TypeError: the elements are integers.
    """
    squares = _squared_deviations(convert_to_tensor(input_tensor), axis)
    return _reduce("Mean", squares, axis, keepdims, name)


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Square root of `reduce_variance`.

    Raises:
        TypeError: the elements are integers.
    """
    return call("Sqrt", reduce_variance(input_tensor, axis, keepdims), name=name)


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Logarithm of the sum of exponentials along `axis`, or of all, without overflow."""
    x = convert_to_tensor(input_tensor)
    largest = _reduce("Max", x, axis, True, None)
    finite = call("SelectV2", call("IsFinite", largest), largest, call("ZerosLike", largest))
    # The shift cancels out: no gradient flows through it.
    shift = call("StopGradient", finite)
    exponentials = call("Exp", call("Sub", x, shift))
    total = call("Log", _reduce("Sum", exponentials, axis, keepdims, None))
    if not keepdims:
        shift = call("Reshape", shift, call("Shape", total))
    return call("AddV2", total, shift, name=name)


def _nonzero(x: Any, axis: Any, keepdims: Any) -> Any:
    zero = np.asarray(b"", object) if x.dtype is dtypes.string else np.zeros((), x.dtype.np)
    different = call("NotEqual", x, zero)
    return _reduce("Sum", call("Cast", different, DstT=dtypes.int64), axis, keepdims, None)


def count_nonzero(
    input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Any:
    """Number of elements along `axis`, or of all, that are not 0, False or empty text."""
    count = _nonzero(convert_to_tensor(input), axis, keepdims)
    return call("Cast", count, DstT=dtypes.as_dtype(dtype), name=name)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """Share of the elements that are 0, as float32."""
    value = convert_to_tensor(value)
    size = call("Size", value, out_type=dtypes.int64)
    zeros = call("Cast", call("Sub", size, _nonzero(value, None, False)), DstT=dtypes.float32)
    return call("RealDiv", zeros, call("Cast", size, DstT=dtypes.float32), name=name)


def argmax(
    input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Index of the largest element along `axis`, 0 if it is None; the first of equal ones."""
    axis = 0 if axis is None else axis
    return call(
        "ArgMax",
        convert_to_tensor(input),
        integers(axis),
        output_type=dtypes.as_dtype(output_type),
        name=name,
    )


def argmin(
    input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Index of the smallest element along `axis`, 0 if it is None; the first of equal ones."""
    axis = 0 if axis is None else axis
    return call(
        "ArgMin",
        convert_to_tensor(input),
        integers(axis),
        output_type=dtypes.as_dtype(output_type),
        name=name,
    )


def cumsum(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Running sum along `axis`.

    Args:
        x: numbers.
        axis: where the sum runs.
        exclusive: each sum leaves out the element at its own place.
        reverse: the sum runs from the end.
        name: name of the node in a graph.
    """
    x = convert_to_tensor(x)
    axis = integers(axis)
    return call("Cumsum", x, axis, exclusive=bool(exclusive), reverse=bool(reverse), name=name)


def cumprod(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Running product along `axis`; the arguments are those of `cumsum`."""
    x = convert_to_tensor(x)
    axis = integers(axis)
    return call("Cumprod", x, axis, exclusive=bool(exclusive), reverse=bool(reverse), name=name)


def cumulative_logsumexp(
    x: Any,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """Logarithm of the running sum of exponentials along `axis`; arguments as in `cumsum`."""
    return call(
        "CumulativeLogsumexp",
        convert_to_tensor(x),
        integers(axis),
        exclusive=bool(exclusive),
        reverse=bool(reverse),
        name=name,
    )


def _steps(x: Any) -> Any:
    """Differences between each element and the one before, in row-major order."""
    flat = call("Reshape", x, np.asarray([-1], np.int32))
    size = call("Size", flat)
    count = call("Reshape", call("Maximum", call("Sub", size, 1), 0), np.zeros((0,), np.int32))
    later = call("Slice", flat, call("Pack", [call("Minimum", size, 1)]), call("Pack", [count]))
    earlier = call("Slice", flat, np.asarray([0], np.int32), call("Pack", [count]))
    return call("Sub", later, earlier)


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Whether no element is smaller than the one before, in row-major order."""
    return reduce_all(call("GreaterEqual", _steps(convert_to_tensor(x)), 0), name=name)


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Whether each element is larger than the one before, in row-major order."""
    return reduce_all(call("Greater", _steps(convert_to_tensor(x)), 0), name=name)


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Any:
    """Scale x to Euclidean length 1 along `axis`, or as a whole.

    Args:
        x: real or complex numbers.
        axis: axes that make up one vector; None takes all.
        epsilon: least value that the squared length is taken to have.
        name: name of the node in a graph.
        dim: older name of `axis`.
    """
    axis = dim if axis is None else axis
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        squares = call("Square", call("ComplexAbs", x, Tout=x.dtype.real_dtype))
    else:
        squares = call("Square", x)
    length = call("Maximum", _reduce("Sum", squares, axis, True, None), epsilon)
    scale = call("Rsqrt", length)
    if x.dtype.is_complex:
        scale = call("Cast", scale, DstT=x.dtype)
    return call("Mul", x, scale, name=name)


def lbeta(x: Any, name: str | None = None) -> Any:
    """Logarithm of the absolute value of the beta function of the last axis."""
    x = convert_to_tensor(x)
    last = np.asarray([-1], np.int32)
    product = call("Sum", call("Lgamma", x), last)
    return call("Sub", product, call("Lgamma", call("Sum", x, last)), name=name)


open_to_composites(globals())
