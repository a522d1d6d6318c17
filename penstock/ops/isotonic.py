"""Isotonic regression: the nearest sequence that never rises."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.dtypes import DType, float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import REALS, unary
from penstock.ops.table import gradient, op


@op(
    "IsotonicRegression",
    inputs=("input: T",),
    outputs=("output: output_dtype", "segments: int32"),
    attrs={"output_dtype": float32},
    kernel="host",
)
def isotonic_regression(input: Any, *, output_dtype: DType) -> Any:
    """Row by row, the sequence nearest in squares of those that never rise.

    It is constant on segments, and there the mean of the input.

    Shape: input [n, length] -> output [n, length], segments [n, length], numbers of the
    segments from 0 on.
    Source: pool adjacent violators, Best and Chakravarti (1990).
    """
    unary("IsotonicRegression", input, REALS)
    if input.ndim != 2:
        raise InvalidArgumentError(f"input must be a matrix, got shape {list(input.shape)}")
    output = np.empty(input.shape, np.float64)
    segments = np.empty(input.shape, np.int32)
    for row, values in enumerate(input.tolist()):
        pools: list[tuple[float, int]] = []
        for value in values:
            total, count = float(value), 1
            while pools and pools[-1][0] * count < total * pools[-1][1]:
                before, length = pools.pop()
                total, count = total + before, count + length
            pools.append((total, count))
        start = 0
        for number, (total, count) in enumerate(pools):
            output[row, start : start + count] = total / count
            segments[row, start : start + count] = number
            start += count
    return output.astype(output_dtype.as_numpy_dtype), segments


@gradient("IsotonicRegression")
def isotonic_regression_gradient(g: Any, grad: Any, _: Any) -> Any:
    """Each segment is a mean: it hands its gradients back in equal shares."""
    segments = g.outputs[1]
    dtype = grad.dtype
    one, zero = (np.asarray(value, dtype.as_numpy_dtype) for value in (1, 0))
    length = g.call("Shape", segments)[1]
    member = g.call("OneHot", segments, length, one, zero)
    total = g.call("BatchMatMulV2", member, g.call("ExpandDims", grad, np.int32(2)), adj_x=True)
    count = g.call("Sum", member, np.int32(1), keep_dims=False)
    mean = g.call("DivNoNan", total, g.call("ExpandDims", count, np.int32(2)))
    shares = g.call("Squeeze", g.call("BatchMatMulV2", member, mean), squeeze_dims=(2,))
    source = g.inputs[0].dtype
    return shares if source == dtype else g.call("Cast", shares, DstT=source)
