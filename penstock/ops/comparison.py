"""Comparisons, tests of floating-point numbers, and logic."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, broadcast_static_shape
from penstock.ops.elementwise import (
    FLOAT8,
    FLOATS,
    NUMBERS,
    REALS,
    binary,
    kinds,
    unary,
)
from penstock.ops.namespace import namespace
from penstock.ops.precision import single
from penstock.ops.table import gradient, op

_BOOL = kinds(dtypes.bool)
_FOUR_BITS = kinds(dtypes.int4, dtypes.uint4)
_COMPARABLE = NUMBERS | _BOOL | FLOAT8 | _FOUR_BITS | kinds(dtypes.string)


def _may_differ(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    """Whether two shapes cannot be broadcast together."""
    return any(
        m != n and 1 not in (m, n) for m, n in zip(reversed(x), reversed(y), strict=False)
    )


def _equality_shape(x: Any, y: Any, *, incompatible_shape_error: bool) -> TensorShape:
    if incompatible_shape_error:
        return broadcast_static_shape(x.shape, y.shape)
    if not (x.shape.is_fully_defined() and y.shape.is_fully_defined()):
        return TensorShape(None)
    if _may_differ(tuple(x.shape.as_list()), tuple(y.shape.as_list())):
        return TensorShape([])
    return broadcast_static_shape(x.shape, y.shape)


@op(
    "Equal",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    attrs={"incompatible_shape_error": True},
    shape=_equality_shape,
    differentiable=False,
)
def equal(x: Any, y: Any, *, incompatible_shape_error: bool) -> Any:
    """Whether two values are equal.

    Shape: x [...], y [...] -> z [...], broadcast together; a scalar False where they cannot be
        and `incompatible_shape_error` is False.
    """
    if not incompatible_shape_error and _may_differ(x.shape, y.shape):
        return np.asarray(False)
    return binary("Equal", x, y, _COMPARABLE).equal(x, y)


@op(
    "NotEqual",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    attrs={"incompatible_shape_error": True},
    shape=_equality_shape,
    differentiable=False,
)
def not_equal(x: Any, y: Any, *, incompatible_shape_error: bool) -> Any:
    """Whether two values differ.

    Shape: x [...], y [...] -> z [...], broadcast together; a scalar True where they cannot be
        and `incompatible_shape_error` is False.
    """
    if not incompatible_shape_error and _may_differ(x.shape, y.shape):
        return np.asarray(True)
    return binary("NotEqual", x, y, _COMPARABLE).not_equal(x, y)


@op(
    "Less",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def less(x: Any, y: Any) -> Any:
    """Whether x < y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Less", x, y, REALS).less(x, y)


@op(
    "LessEqual",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def less_equal(x: Any, y: Any) -> Any:
    """Whether x <= y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("LessEqual", x, y, REALS).less_equal(x, y)


@op(
    "Greater",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def greater(x: Any, y: Any) -> Any:
    """Whether x > y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Greater", x, y, REALS).greater(x, y)


@op(
    "GreaterEqual",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def greater_equal(x: Any, y: Any) -> Any:
    """Whether x >= y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("GreaterEqual", x, y, REALS).greater_equal(x, y)


@op(
    "ApproximateEqual",
    inputs=("x: T", "y: T"),
    outputs=("z: bool",),
    attrs={"tolerance": 1e-5},
    shape="broadcast",
    differentiable=False,
)
def approximate_equal(x: Any, y: Any, *, tolerance: float) -> Any:
    """Whether |x - y| < tolerance.

    Shape: x [...], y [...] -> z [...], all one shape.
    Errors: InvalidArgumentError when the shapes differ.
    """
    xp = binary("ApproximateEqual", x, y, NUMBERS)
    if x.shape != y.shape:
        raise InvalidArgumentError(
            f"x and y must have one shape, got {list(x.shape)} and {list(y.shape)}"
        )
    distance = xp.abs(xp.subtract(x, y))
    return distance < distance.dtype.type(single(tolerance))


@op("IsNan", inputs=("x: T",), outputs=("y: bool",), shape="same", differentiable=False)
def is_nan(x: Any) -> Any:
    """Whether a value is not a number.

    Shape: x [...] -> y [...].
    """
    return unary("IsNan", x, FLOATS).isnan(x)


@op("IsInf", inputs=("x: T",), outputs=("y: bool",), shape="same", differentiable=False)
def is_inf(x: Any) -> Any:
    """Whether a value is infinite.

    Shape: x [...] -> y [...].
    """
    return unary("IsInf", x, FLOATS).isinf(x)


@op("IsFinite", inputs=("x: T",), outputs=("y: bool",), shape="same", differentiable=False)
def is_finite(x: Any) -> Any:
    """Whether a value is neither infinite nor NaN.

    Shape: x [...] -> y [...].
    """
    return unary("IsFinite", x, FLOATS).isfinite(x)


@op(
    "LogicalAnd",
    inputs=("x: bool", "y: bool"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def logical_and(x: Any, y: Any) -> Any:
    """Whether both are true.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("LogicalAnd", x, y, _BOOL).logical_and(x, y)


@op(
    "LogicalOr",
    inputs=("x: bool", "y: bool"),
    outputs=("z: bool",),
    shape="broadcast",
    differentiable=False,
)
def logical_or(x: Any, y: Any) -> Any:
    """Whether at least one is true.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("LogicalOr", x, y, _BOOL).logical_or(x, y)


@op("LogicalNot", inputs=("x: bool",), outputs=("y: bool",), shape="same", differentiable=False)
def logical_not(x: Any) -> Any:
    """The opposite.

    Shape: x [...] -> y [...].
    """
    return unary("LogicalNot", x, _BOOL).logical_not(x)


def _clip_shape(t: Any, low: Any, high: Any) -> TensorShape:
    shape: TensorShape = t.shape
    for bound in (low, high):
        shape = broadcast_static_shape(shape, bound.shape)
    return shape


@op(
    "ClipByValue",
    inputs=("t: T", "clip_value_min: T", "clip_value_max: T"),
    outputs=("output: T",),
    shape=_clip_shape,
)
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    """Values moved into the range between two bounds.

    Shape: t [...], clip_value_min [...], clip_value_max [...] -> output [...]; the bounds are
        scalars or broadcast with t.
    """
    binary("ClipByValue", t, clip_value_min, REALS)
    xp = namespace(t, clip_value_min, clip_value_max)
    return xp.maximum(xp.minimum(t, clip_value_max), clip_value_min)


@gradient("ClipByValue")
def clip_by_value_gradient(g: Any, grad: Any) -> tuple[Any, Any, Any]:
    """Pass on to t inside of the range, and to the bound that was taken outside of it."""
    t, low, high = g.inputs
    zeros = g.call("ZerosLike", grad)
    below, above = g.call("Less", t, low), g.call("Greater", t, high)
    outside = g.call("LogicalOr", below, above)
    return (
        g.reduce_to(g.call("SelectV2", outside, zeros, grad), t) if g.needs(0) else None,
        g.reduce_to(g.call("SelectV2", below, grad, zeros), low) if g.needs(1) else None,
        g.reduce_to(g.call("SelectV2", above, grad, zeros), high) if g.needs(2) else None,
    )
