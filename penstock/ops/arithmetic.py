"""Arithmetic of two numbers, element by element with broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.elementwise import (
    COMPLEX,
    FLOATS,
    INEXACT,
    INTEGERS,
    NUMBERS,
    REALS,
    SIGNED,
    binary,
    conjugate,
    flushed,
    kinds,
    reduce_both,
    refuse_kernel,
    widened,
)
from penstock.ops.table import gradient, op

_STRINGS = kinds(dtypes.string)
_ADDED = (NUMBERS | _STRINGS) - kinds(dtypes.uint16, dtypes.uint32, dtypes.uint64)
_INT32_64 = kinds(dtypes.int32, dtypes.int64)


@op("AddV2", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def add_v2(x: Any, y: Any) -> Any:
    """Sum.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("AddV2", x, y, NUMBERS).add(x, y)


@op("Add", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def add(x: Any, y: Any) -> Any:
    """Sum of numbers, or strings one after the other.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    total = binary("Add", x, y, _ADDED).add(x, y)
    # The sum of two scalar arrays of text is no array.
    return np.asarray(total, object) if x.dtype == object else total


@gradient("AddV2", "Add")
def add_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to both."""
    return reduce_both(g, grad if g.needs(0) else None, grad if g.needs(1) else None)


@op("Sub", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def sub(x: Any, y: Any) -> Any:
    """Difference x - y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Sub", x, y, NUMBERS).subtract(x, y)


@gradient("Sub")
def sub_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to x, negated to y."""
    return reduce_both(
        g, grad if g.needs(0) else None, g.call("Neg", grad) if g.needs(1) else None
    )


@op("Mul", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def mul(x: Any, y: Any) -> Any:
    """Product.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Mul", x, y, NUMBERS).multiply(x, y)


@gradient("Mul")
def mul_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Multiply with the other factor."""
    x, y = g.inputs
    return reduce_both(
        g,
        g.call("Mul", grad, conjugate(g, y)) if g.needs(0) else None,
        g.call("Mul", conjugate(g, x), grad) if g.needs(1) else None,
    )


@op("MulNoNan", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def mul_no_nan(x: Any, y: Any) -> Any:
    """Product that is 0 wherever y is 0, even if x is infinite or NaN.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("MulNoNan", x, y, INEXACT)
    zero = y.dtype.type(0)
    return xp.where(y == zero, zero, xp.multiply(x, y))


@gradient("MulNoNan")
def mul_no_nan_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Multiply with the other factor, likewise without NaN."""
    x, y = g.inputs
    return reduce_both(
        g,
        g.call("MulNoNan", grad, y) if g.needs(0) else None,
        g.call("MulNoNan", x, grad) if g.needs(1) else None,
    )


def _refuse_zero(x: Any, y: Any) -> None:
    if x.size:  # what divides nothing may be zero
        require(y != 0, InvalidArgumentError, "integer division by zero")


def _truncated_quotient(xp: Any, x: Any, y: Any) -> Any:
    """Integer quotient, rounded towards zero."""
    quotient = xp.floor_divide(x, y)
    if x.dtype.kind == "u":
        return quotient
    # The floor is one too low where the exact quotient is negative and not whole.
    low = (xp.remainder(x, y) != 0) & ((x < 0) != (y < 0))
    return quotient + low.astype(x.dtype)


@op("RealDiv", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def real_div(x: Any, y: Any) -> Any:
    """Quotient x / y of floating-point or complex numbers.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    refuse_kernel("RealDiv", x, INTEGERS)
    return binary("RealDiv", x, y, INEXACT).true_divide(x, y)


@op("Div", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def div(x: Any, y: Any) -> Any:
    """Quotient x / y; that of integers is rounded towards zero.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    xp = binary("Div", x, y, NUMBERS)
    if x.dtype not in INTEGERS:
        return xp.true_divide(x, y)
    _refuse_zero(x, y)
    return _truncated_quotient(xp, x, y)


@gradient("RealDiv", "Div")
def div_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """1 / y for x, -x / y**2 for y."""
    x, y = g.inputs
    y = conjugate(g, y)
    by_x = g.call("RealDiv", grad, y) if g.needs(0) else None
    by_y = None
    if g.needs(1):
        quotient = g.call("RealDiv", g.call("Neg", conjugate(g, x)), y)
        by_y = g.call("Mul", grad, g.call("RealDiv", quotient, y))
    return reduce_both(g, by_x, by_y)


@op("DivNoNan", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def div_no_nan(x: Any, y: Any) -> Any:
    """Quotient x / y, and 0 where y is 0.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("DivNoNan", x, y, INEXACT)
    y = flushed(y) if xp is np else y
    zero, one = y.dtype.type(0), y.dtype.type(1)
    empty = y == zero
    return xp.where(empty, zero, xp.true_divide(x, xp.where(empty, one, y)))


@gradient("DivNoNan")
def div_no_nan_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """1 / y for x, -x / y**2 for y, and 0 where y is 0."""
    x, y = g.inputs
    y = conjugate(g, y)
    by_x = g.call("DivNoNan", grad, y) if g.needs(0) else None
    by_y = None
    if g.needs(1):
        quotient = g.call("DivNoNan", g.call("Neg", conjugate(g, x)), y)
        by_y = g.call("Mul", grad, g.call("DivNoNan", quotient, y))
    return reduce_both(g, by_x, by_y)


@op(
    "TruncateDiv",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def truncate_div(x: Any, y: Any) -> Any:
    """Quotient x / y, rounded towards zero.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    refuse_kernel("TruncateDiv", x, COMPLEX)
    xp = binary("TruncateDiv", x, y, REALS)
    if x.dtype in INTEGERS:
        _refuse_zero(x, y)
        return _truncated_quotient(xp, x, y)
    return xp.trunc(xp.true_divide(x, y))


@op(
    "FloorDiv",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def floor_div(x: Any, y: Any) -> Any:
    """Quotient x / y, rounded towards minus infinity.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    refuse_kernel("FloorDiv", x, COMPLEX)
    xp = binary("FloorDiv", x, y, REALS)
    if x.dtype in INTEGERS:
        _refuse_zero(x, y)
        return xp.floor_divide(x, y)
    # Not floor_divide, which corrects the rounded quotient: TensorFlow has 1.0 // 0.1 == 10.
    return xp.floor(xp.true_divide(x, y))


@op("FloorMod", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def floor_mod(x: Any, y: Any) -> Any:
    """Remainder of the floored quotient; it has the sign of y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    xp = binary("FloorMod", x, y, REALS)
    if x.dtype in INTEGERS:
        _refuse_zero(x, y)
    return xp.remainder(x, y)


@gradient("FloorMod")
def floor_mod_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to x, times -floor(x / y) to y."""
    x, y = g.inputs
    by_y = None
    if g.needs(1):
        by_y = g.call("Mul", grad, g.call("Neg", g.call("FloorDiv", x, y)))
    return reduce_both(g, grad if g.needs(0) else None, by_y)


@op(
    "TruncateMod",
    inputs=("x: T", "y: T"),
    outputs=("z: T",),
    shape="broadcast",
    differentiable=False,
)
def truncate_mod(x: Any, y: Any) -> Any:
    """Remainder of the truncated quotient; it has the sign of x.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    xp = binary("TruncateMod", x, y, FLOATS | _INT32_64)
    if x.dtype in INTEGERS:
        _refuse_zero(x, y)
    return xp.fmod(x, y)


@op("Mod", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast", differentiable=False)
def mod(x: Any, y: Any) -> Any:
    """Remainder of the truncated quotient: the older name of `TruncateMod`.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer is divided by zero.
    """
    return truncate_mod(x, y)


@op("Xdivy", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def xdivy(x: Any, y: Any) -> Any:
    """Quotient x / y, and 0 where x is 0.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("Xdivy", x, y, INEXACT)
    zero, one = x.dtype.type(0), x.dtype.type(1)
    empty = x == zero
    return xp.where(empty, zero, xp.true_divide(x, xp.where(empty, one, y)))


@op("Xlogy", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def xlogy(x: Any, y: Any) -> Any:
    """Product x log(y), and 0 where x is 0.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("Xlogy", x, y, INEXACT)
    zero, one = x.dtype.type(0), x.dtype.type(1)
    empty = x == zero
    return xp.where(empty, zero, x * xp.log(xp.where(empty, one, y)))


@op("Xlog1py", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def xlog1py(x: Any, y: Any) -> Any:
    """Product x log(1 + y), and 0 where x is 0.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("Xlog1py", x, y, INEXACT)
    zero = x.dtype.type(0)
    empty = x == zero
    return xp.where(empty, zero, x * xp.log1p(xp.where(empty, zero, y)))


def _not_zero(g: Any, x: Any) -> Any:
    return g.call("Cast", g.call("NotEqual", x, 0), DstT=x.dtype)


@gradient("Xdivy")
def xdivy_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """1 / y for x, -x / y**2 for y, and 0 where x is 0."""
    x, y = g.inputs
    by_x = by_y = None
    if g.needs(0):
        by_x = g.call("Mul", g.call("Xdivy", _not_zero(g, x), y), grad)
    if g.needs(1):
        slope = g.call("Xdivy", g.call("Neg", x), g.call("Square", y))
        by_y = g.call("Mul", slope, grad)
    return reduce_both(g, by_x, by_y)


@gradient("Xlogy")
def xlogy_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """log(y) for x, x / y for y, and 0 where x is 0."""
    x, y = g.inputs
    by_x = by_y = None
    if g.needs(0):
        by_x = g.call("Mul", g.call("Xlogy", _not_zero(g, x), y), grad)
    if g.needs(1):
        by_y = g.call("Mul", g.call("Xdivy", x, y), grad)
    return reduce_both(g, by_x, by_y)


@gradient("Xlog1py")
def xlog1py_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """log(1 + y) for x, x / (1 + y) for y, and 0 where x is 0."""
    x, y = g.inputs
    by_x = by_y = None
    if g.needs(0):
        by_x = g.call("Mul", g.call("Xlog1py", _not_zero(g, x), y), grad)
    if g.needs(1):
        by_y = g.call("Mul", g.call("Xdivy", x, g.call("AddV2", y, 1)), grad)
    return reduce_both(g, by_x, by_y)


@op("Pow", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def pow_(x: Any, y: Any) -> Any:
    """x to the power y.

    Shape: x [...], y [...] -> z [...], broadcast together.
    Errors: InvalidArgumentError when an integer has a negative exponent.
    """
    xp = binary("Pow", x, y, INEXACT | SIGNED)
    if x.dtype in SIGNED:
        require(
            y >= 0,
            InvalidArgumentError,
            "integers to negative integer powers are not allowed; use tf.cast",
        )
    return xp.power(x, y)


@gradient("Pow")
def pow_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """y x**(y - 1) for x; z log(x) for y, and 0 where there is no real logarithm."""
    x, y = (conjugate(g, each) for each in g.inputs)
    by_x = by_y = None
    if g.needs(0):
        slope = g.call("Pow", x, g.call("Sub", y, 1))
        by_x = g.call("Mul", g.call("Mul", grad, y), slope)
    if g.needs(1):
        # The inner selection keeps the logarithm finite, so that its own gradient is too.
        defined = g.call("NotEqual" if x.dtype.is_complex else "Greater", x, 0)
        safe = g.call("SelectV2", defined, x, g.call("OnesLike", x))
        logarithm = g.call("SelectV2", defined, g.call("Log", safe), g.call("ZerosLike", x))
        z = conjugate(g, g.outputs[0])
        by_y = g.call("Mul", g.call("Mul", grad, z), logarithm)
    return reduce_both(g, by_x, by_y)


@op("SquaredDifference", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def squared_difference(x: Any, y: Any) -> Any:
    """(x - y)**2; of complex numbers the squared distance.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    xp = binary("SquaredDifference", x, y, INEXACT | _INT32_64)
    difference = xp.subtract(widened(x), widened(y))
    if x.dtype in COMPLEX:
        return difference * xp.conj(difference)
    return xp.square(difference).astype(x.dtype)


@gradient("SquaredDifference")
def squared_difference_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """2 (x - y) for x, the opposite for y."""
    x, y = g.inputs
    by_x = g.call("Mul", g.call("Mul", 2, grad), g.call("Sub", x, y))
    return reduce_both(
        g, by_x if g.needs(0) else None, g.call("Neg", by_x) if g.needs(1) else None
    )


@op("Maximum", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def maximum(x: Any, y: Any) -> Any:
    """The larger of two.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Maximum", x, y, REALS).maximum(x, y)


@op("Minimum", inputs=("x: T", "y: T"), outputs=("z: T",), shape="broadcast")
def minimum(x: Any, y: Any) -> Any:
    """The smaller of two.

    Shape: x [...], y [...] -> z [...], broadcast together.
    """
    return binary("Minimum", x, y, REALS).minimum(x, y)


def _choice_gradient(g: Any, grad: Any, chooses_x: str) -> tuple[Any, Any]:
    x, y = g.inputs
    chosen = g.call(chooses_x, x, y)
    zeros = g.call("ZerosLike", grad)
    return reduce_both(
        g,
        g.call("SelectV2", chosen, grad, zeros) if g.needs(0) else None,
        g.call("SelectV2", chosen, zeros, grad) if g.needs(1) else None,
    )


@gradient("Maximum")
def maximum_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to the larger one; where both are equal, to x alone."""
    return _choice_gradient(g, grad, "GreaterEqual")


@gradient("Minimum")
def minimum_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to the smaller one; where both are equal, to x alone."""
    return _choice_gradient(g, grad, "LessEqual")


@op("Atan2", inputs=("y: T", "x: T"), outputs=("z: T",), shape="broadcast")
def atan2(y: Any, x: Any) -> Any:
    """Angle of the point (x, y) in radians, between -pi and pi.

    Shape: y [...], x [...] -> z [...], broadcast together.
    """
    return binary("Atan2", y, x, FLOATS).arctan2(y, x)


@gradient("Atan2")
def atan2_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """x / r**2 for y, -y / r**2 for x, with r the distance from the origin."""
    y, x = g.inputs
    square = g.call("AddV2", g.call("Square", y), g.call("Square", x))
    scaled = g.call("RealDiv", grad, square)
    return reduce_both(
        g,
        g.call("Mul", x, scaled) if g.needs(0) else None,
        g.call("Mul", g.call("Neg", y), scaled) if g.needs(1) else None,
    )


@op(
    "NextAfter",
    inputs=("x1: T", "x2: T"),
    outputs=("output: T",),
    shape="broadcast",
)
def next_after(x1: Any, x2: Any) -> Any:
    """The number next to x1 in the direction of x2.

    Shape: x1 [...], x2 [...] -> output [...], broadcast together.
    """
    xp = binary("NextAfter", x1, x2, kinds(dtypes.float32, dtypes.float64))
    return xp.nextafter(x1, x2)


@gradient("NextAfter")
def next_after_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Pass on to x1, zero to x2."""
    by_x2 = g.call("ZerosLike", grad) if g.needs(1) else None
    return reduce_both(g, grad if g.needs(0) else None, by_x2)


def _common_shape(shapes: Any, op_name: str) -> Any:
    """Shape that inputs of one shape share; refuses different ones."""
    shape = shapes[0]
    for other in shapes[1:]:
        if not shape.is_compatible_with(other):
            raise InvalidArgumentError(
                f"inputs of {op_name} must have one shape, got {shape} and {other}"
            )
        shape = shape.merge_with(other)
    return shape


def _add_n_shape(*specs: Any, **_: Any) -> Any:
    tensors = specs[0] if len(specs) == 1 and isinstance(specs[0], (list, tuple)) else specs
    return _common_shape([spec.shape for spec in tensors], "AddN")


def _sum_of(inputs: tuple[Any, ...], op_name: str) -> Any:
    if not inputs:
        raise InvalidArgumentError(f"{op_name} needs at least one input")
    first = inputs[0]
    total = first
    for each in inputs[1:]:
        if each.shape != first.shape:
            raise InvalidArgumentError(
                f"inputs of {op_name} must have one shape, got {list(first.shape)} and "
                f"{list(each.shape)}"
            )
        total = binary(op_name, total, each, NUMBERS).add(total, each)
    return total


@op("AddN", inputs=("inputs: N * T",), outputs=("sum: T",), shape=_add_n_shape)
def add_n(inputs: tuple[Any, ...]) -> Any:
    """Sum of tensors of one shape.

    Shape: inputs [...] each -> sum [...].
    Errors: InvalidArgumentError when there is no input or the shapes differ.
    """
    return _sum_of(inputs, "AddN")


@op(
    "AccumulateNV2",
    inputs=("inputs: N * T",),
    outputs=("sum: T",),
    attrs={"shape": None},
    shape=_add_n_shape,
)
def accumulate_n_v2(inputs: tuple[Any, ...], *, shape: Any) -> Any:
    """Sum of tensors of one shape: `AddN` with the shape told beforehand.

    Shape: inputs [...] each -> sum [...].
    Errors: InvalidArgumentError when there is no input or the shapes differ.
    """
    del shape
    return _sum_of(inputs, "AccumulateNV2")


@gradient("AddN", "AccumulateNV2")
def add_n_gradient(g: Any, grad: Any) -> tuple[Any, ...]:
    """Pass on to each."""
    return (grad,) * len(g.inputs)


@op("Cross", inputs=("a: T", "b: T"), outputs=("product: T",), shape="same")
def cross(a: Any, b: Any) -> Any:
    """Vector product in three dimensions.

    Shape: a [..., 3], b [..., 3] -> product [..., 3].
    Errors: InvalidArgumentError when the shapes differ; FailedPreconditionError when the last
        size is not 3.
    """
    xp = binary("Cross", a, b, REALS)
    if a.shape != b.shape:
        raise InvalidArgumentError(
            f"a and b must have one shape, got {list(a.shape)} and {list(b.shape)}"
        )
    if not a.ndim or a.shape[-1] != 3:
        raise FailedPreconditionError(f"a and b must be [..., 3], got {list(a.shape)}")
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return xp.stack(parts, axis=-1)


@gradient("Cross")
def cross_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Vector product with the other factor."""
    a, b = g.inputs
    return g.call("Cross", b, grad), g.call("Cross", grad, a)
