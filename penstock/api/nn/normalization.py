"""Moments, and normalization by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "fused_batch_norm",
    "l2_normalize",
    "local_response_normalization",
    "lrn",
    "moments",
    "normalize_moments",
    "sufficient_statistics",
    "weighted_moments",
]


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Any:
    """`scale * (x - mean) / sqrt(variance + variance_epsilon) + offset`, with broadcasting.

    Args:
        x: numbers of any shape.
        mean: subtracted from `x`.
        variance: what its square root divides.
        offset: added at the end, or None.
        scale: multiplied with the quotient, or None.
        variance_epsilon: small number that keeps the quotient finite.
        name: name of the op.

    Example:
        >>> import penstock as tf
        >>> tf.nn.batch_normalization([3., 5.], 4., 1., None, None, 0.).numpy().tolist()
        [-1.0, 1.0]
    """
    x = convert_to_tensor(x)
    factor = call("Rsqrt", convert_to_tensor(variance) + variance_epsilon)
    if scale is not None:
        factor = factor * scale
    shift = -mean * factor if offset is None else offset - mean * factor
    return call("AddV2", x * _cast(factor, x.dtype), _cast(shift, x.dtype), name=name)


def batch_norm_with_global_normalization(
    input: Any,
    mean: Any,
    variance: Any,
    beta: Any,
    gamma: Any,
    variance_epsilon: Any,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Any:
    """`batch_normalization` with offset `beta`, and scale `gamma` where it is asked for."""
    return batch_normalization(
        input,
        mean,
        variance,
        beta,
        gamma if scale_after_normalization else None,
        variance_epsilon,
        name=name,
    )


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Any, Any, Any]:
    """Batch normalization of images or volumes, with the statistics that it used.

    Args:
        x: `[n, h, w, c]` or `[n, d, h, w, c]`, or with the channels first.
        scale: `[c]`.
        offset: `[c]`.
        mean: moving mean `[c]`; needed unless in training with `exponential_avg_factor` 1.
        variance: moving variance `[c]`, likewise.
        epsilon: small number that keeps the quotient finite.
        data_format: layout of `x`.
        is_training: whether the batch's own statistics serve.
        name: name of the op.
        exponential_avg_factor: share of the batch in the moving statistics.

    Returns:
        The normalized `x`, and the mean and variance: in training the moving ones.

    Raises:
        ValueError: statistics are needed and missing.
    """
    if (not is_training or exponential_avg_factor != 1.0) and (
        mean is None or variance is None
    ):
        raise ValueError(
            "mean and variance must be given unless is_training is true and "
            "exponential_avg_factor is 1"
        )
    empty = np.zeros(0, np.float32)
    # The smallest epsilon that the fused kernels of accelerators take.
    outputs = call(
        "FusedBatchNormV3",
        convert_to_tensor(x),
        convert_to_tensor(scale, dtype=dtypes.float32),
        convert_to_tensor(offset, dtype=dtypes.float32),
        empty if mean is None else mean,
        empty if variance is None else variance,
        epsilon=max(epsilon, 1.001e-5),
        exponential_avg_factor=float(exponential_avg_factor),
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return outputs[0], outputs[1], outputs[2]


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance over `axes`; half precision is computed in single precision.

    Args:
        x: numbers.
        axes: axes to reduce.
        shift: accepted for compatibility, unused.
        keepdims: whether the reduced axes stay, with length 1.
        name: name of the op.

    Returns:
        The mean and the variance, which divides by the number of entries.

    Example:
        >>> import penstock as tf
        >>> mean, variance = tf.nn.moments(tf.constant([1., 3.]), axes=[0])
        >>> float(mean), float(variance)
        (2.0, 1.0)
    """
    del shift
    x = convert_to_tensor(x)
    wide = _cast(x, dtypes.float32) if x.dtype is dtypes.float16 else x
    axes = _axes(axes)
    mean = call("Mean", wide, axes, keep_dims=True)
    distance = call("SquaredDifference", wide, call("StopGradient", mean))
    variance = call("Mean", distance, axes, keep_dims=True, name=name)
    return _cast(_squeezed(mean, axes, keepdims), x.dtype), _cast(
        _squeezed(variance, axes, keepdims), x.dtype
    )


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Mean and variance over `axes` of entries that count `frequency_weights` times.

    Args:
        x: numbers.
        axes: axes to reduce.
        frequency_weights: weights, which broadcast with `x`.
        keepdims: whether the reduced axes stay, with length 1.
        name: name of the op.

    Returns:
        The weighted mean and variance.
    """
    x = convert_to_tensor(x)
    weights = convert_to_tensor(frequency_weights)
    dtype = x.dtype
    if dtype is dtypes.float16:
        x = _cast(x, dtypes.float32)
    weights = _cast(weights, x.dtype)
    axes = _axes(axes)
    whole = weights + call("ZerosLike", x)
    total = call("Reciprocal", call("Sum", whole, axes, keep_dims=True))
    mean = call("Sum", weights * x, axes, keep_dims=True) * total
    distance = weights * call("SquaredDifference", x, mean)
    variance = call("Mul", call("Sum", distance, axes, keep_dims=True), total, name=name)
    return _cast(_squeezed(mean, axes, keepdims), dtype), _cast(
        _squeezed(variance, axes, keepdims), dtype
    )


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any, Any, Any]:
    """Count, sum and sum of squares over `axes`, from which moments can be had later.

    Args:
        x: numbers.
        axes: axes to reduce.
        shift: subtracted from `x` first, for precision; None for nothing.
        keepdims: whether the reduced axes stay, with length 1.
        name: name of the op.

    Returns:
        The count, the sum, the sum of squares, and the shift or None.
    """
    x = convert_to_tensor(x)
    axes = _axes(axes)
    dims = None
    if x.shape.rank is not None and isinstance(axes, np.ndarray):
        dims = [x.shape.as_list()[axis] for axis in np.atleast_1d(axes)]
    if dims is not None and None not in dims:
        count = convert_to_tensor(float(np.prod(dims, dtype=np.float64)), dtype=x.dtype)
    else:
        lengths = call("GatherV2", call("Shape", x), axes, 0)
        count = _cast(call("Prod", lengths, np.zeros(1, np.int32)), x.dtype)
    if shift is not None:
        shift = convert_to_tensor(shift, dtype=x.dtype)
        distance, square = x - shift, call("SquaredDifference", x, shift)
    else:
        distance, square = x, call("Square", x)
    total = call("Sum", distance, axes, keep_dims=keepdims)
    squares = call("Sum", square, axes, keep_dims=keepdims, name=name)
    return count, total, squares, shift


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance from what `sufficient_statistics` gave.

    Args:
        counts: number of entries.
        mean_ss: their sum.
        variance_ss: sum of their squares.
        shift: what was subtracted from them, or None.
        name: name of the op.

    Returns:
        The mean and the variance.
    """
    divisor = call("Reciprocal", counts)
    shifted = call("Mul", mean_ss, divisor)
    mean = shifted if shift is None else call("AddV2", shifted, shift)
    variance = call(
        "Sub", call("Mul", variance_ss, divisor), call("Square", shifted), name=name
    )
    return mean, variance


def l2_normalize(
    x: Any,
    axis: Any = None,
    epsilon: float = 1e-12,
    name: str | None = None,
    dim: Any = None,
) -> Any:
    """`x` divided by its length along `axis`.

    Args:
        x: numbers.
        axis: axis or axes of the vectors; None for all.
        epsilon: least squared length to divide by.
        name: name of the op.
        dim: older name of `axis`.

    Raises:
        ValueError: both `axis` and `dim` are given.
    """
    if dim is not None:
        if axis is not None:
            raise ValueError("axis and dim are the same, give one of them")
        axis = dim
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        square = call("Square", call("Real", x, Tout=x.dtype.real_dtype))
        square = square + call("Square", call("Imag", x, Tout=x.dtype.real_dtype))
    else:
        square = call("Square", x)
    axes = np.arange(x.shape.rank, dtype=np.int32) if axis is None else _axes(axis)
    total = call("Sum", square, axes, keep_dims=True)
    least = convert_to_tensor(epsilon, dtype=total.dtype)
    factor = call("Rsqrt", call("Maximum", total, least))
    if x.dtype.is_complex:
        factor = call("Complex", factor, call("ZerosLike", factor), Tout=x.dtype)
    return call("Mul", x, factor, name=name)


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Any:
    """Each entry over a power of the sum of squares of its neighbours along the channels.

    Args:
        input: `[n, h, w, c]`.
        depth_radius: how far a neighbour may be.
        bias: added to the sum.
        alpha: multiplied with the sum.
        beta: the power.
        name: name of the op.

    Source: Krizhevsky et al., ImageNet Classification (2012), section 3.3.
    """
    return call(
        "LRN",
        convert_to_tensor(input, dtype_hint=dtypes.float32),
        depth_radius=int(depth_radius),
        bias=float(bias),
        alpha=float(alpha),
        beta=float(beta),
        name=name,
    )


lrn = local_response_normalization


def _axes(axes: Any) -> Any:
    """Axes as int32: a numpy array where they are known, else a tensor."""
    if isinstance(axes, (int, list, tuple, np.ndarray, np.integer, range)):
        return np.asarray(axes, np.int32)
    return axes


def _squeezed(x: Any, axes: Any, keepdims: bool) -> Any:
    if keepdims:
        return x
    if isinstance(axes, np.ndarray):
        return call("Squeeze", x, squeeze_dims=tuple(int(axis) for axis in np.atleast_1d(axes)))
    return call("Sum", x, axes, keep_dims=False)


def _cast(x: Any, dtype: Any) -> Any:
    x = convert_to_tensor(x)
    return x if x.dtype == dtype else call("Cast", x, DstT=as_dtype(dtype))
