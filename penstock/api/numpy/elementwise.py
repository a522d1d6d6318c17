"""NumPy's elementwise functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.api.numpy.operands import cast, common_dtype, floating, promoted, tensor_of
from penstock.runtime.dispatch import call

_Function = Callable[..., Any]


def _named(function: _Function, name: str, doc: str) -> _Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _unary(name: str, op_name: str, doc: str, *, exact: bool = False) -> _Function:
    """A function of one operand, whose integers become floats unless it is exact."""

    def function(x: Any) -> Any:
        return call(op_name, tensor_of(x) if exact else floating(x))

    return _named(function, name, doc)


def _binary(name: str, op_name: str, doc: str, *, on: Any = None) -> _Function:
    """A function of two operands of one dtype; `on` is a dtype that both are cast to."""

    def function(x1: Any, x2: Any) -> Any:
        x, y = promoted(x1, x2)
        if on is not None:
            x, y = cast(x, on), cast(y, on)
        return call(op_name, x, y)

    return _named(function, name, doc)


sqrt = _unary("sqrt", "Sqrt", "Square root.")
exp = _unary("exp", "Exp", "Exponential.")
expm1 = _unary("expm1", "Expm1", "exp(x) - 1, exact near zero.")
log = _unary("log", "Log", "Natural logarithm.")
log1p = _unary("log1p", "Log1p", "log(1 + x), exact near zero.")
sin = _unary("sin", "Sin", "Sine.")
cos = _unary("cos", "Cos", "Cosine.")
tan = _unary("tan", "Tan", "Tangent.")
arcsin = _unary("arcsin", "Asin", "Angle of a sine.")
arccos = _unary("arccos", "Acos", "Angle of a cosine.")
arctan = _unary("arctan", "Atan", "Angle of a tangent.")
sinh = _unary("sinh", "Sinh", "Hyperbolic sine.")
cosh = _unary("cosh", "Cosh", "Hyperbolic cosine.")
tanh = _unary("tanh", "Tanh", "Hyperbolic tangent.")
arcsinh = _unary("arcsinh", "Asinh", "Inverse of the hyperbolic sine.")
arccosh = _unary("arccosh", "Acosh", "Inverse of the hyperbolic cosine.")
arctanh = _unary("arctanh", "Atanh", "Inverse of the hyperbolic tangent.")
ceil = _unary("ceil", "Ceil", "Least whole number that is not less.")
floor = _unary("floor", "Floor", "Largest whole number that is not larger.")
isnan = _unary("isnan", "IsNan", "Whether an element is NaN.")
isinf = _unary("isinf", "IsInf", "Whether an element is infinite.")
isfinite = _unary("isfinite", "IsFinite", "Whether an element is neither NaN nor infinite.")
square = _unary("square", "Square", "The product of an element with itself.", exact=True)
negative = _unary("negative", "Neg", "The number of opposite sign.", exact=True)
bitwise_not = _unary("bitwise_not", "Invert", "Every bit flipped.", exact=True)

add = _binary("add", "AddV2", "Sum.")
subtract = _binary("subtract", "Sub", "Difference.")
multiply = _binary("multiply", "Mul", "Product.")
mod = _binary("mod", "FloorMod", "Remainder with the sign of the divisor.")
remainder = _binary("remainder", "FloorMod", "Remainder with the sign of the divisor.")
floor_divide = _binary("floor_divide", "FloorDiv", "Quotient, rounded down.")
maximum = _binary("maximum", "Maximum", "The larger of two elements.")
minimum = _binary("minimum", "Minimum", "The smaller of two elements.")
equal = _binary("equal", "Equal", "Whether two elements are equal.")
not_equal = _binary("not_equal", "NotEqual", "Whether two elements differ.")
less = _binary("less", "Less", "Whether the first is smaller.")
less_equal = _binary("less_equal", "LessEqual", "Whether the first is not larger.")
greater = _binary("greater", "Greater", "Whether the first is larger.")
greater_equal = _binary("greater_equal", "GreaterEqual", "Whether the first is not smaller.")
bitwise_and = _binary("bitwise_and", "BitwiseAnd", "Bits set in both.")
bitwise_or = _binary("bitwise_or", "BitwiseOr", "Bits set in at least one.")
bitwise_xor = _binary("bitwise_xor", "BitwiseXor", "Bits set in exactly one.")
logical_and = _binary("logical_and", "LogicalAnd", "Whether both are true.", on=np.bool_)
logical_or = _binary("logical_or", "LogicalOr", "Whether at least one is true.", on=np.bool_)
logical_xor = _binary("logical_xor", "NotEqual", "Whether exactly one is true.", on=np.bool_)


def _both_floating(x1: Any, x2: Any) -> list[Any]:
    wanted = common_dtype(x1, x2)
    if wanted.kind in "biu":
        wanted = np.dtype(np.float64)
    return [tensor_of(x, wanted) for x in (x1, x2)]


def true_divide(x1: Any, x2: Any) -> Any:
    """Quotient; that of integers is float64."""
    return call("RealDiv", *_both_floating(x1, x2))


divide = true_divide


def arctan2(x1: Any, x2: Any) -> Any:
    """Angle of the point (x2, x1)."""
    return call("Atan2", *_both_floating(x1, x2))


def nextafter(x1: Any, x2: Any) -> Any:
    """The number next to x1 on the way to x2."""
    return call("NextAfter", *_both_floating(x1, x2))


def hypot(x1: Any, x2: Any) -> Any:
    """Length of the vector (x1, x2)."""
    x, y = _both_floating(x1, x2)
    return call("Sqrt", call("AddV2", call("Square", x), call("Square", y)))


def power(x1: Any, x2: Any) -> Any:
    """x1 to the power of x2."""
    return call("Pow", *promoted(x1, x2))


# TensorFlow keeps integers here, where NumPy makes floats of them.
float_power = power


def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Quotient, rounded down, and remainder."""
    return floor_divide(x1, x2), mod(x1, x2)


def absolute(x: Any) -> Any:
    """Distance from zero."""
    x = tensor_of(x)
    if x.dtype.is_complex:
        return call("ComplexAbs", x, Tout=x.dtype.real_dtype)
    return call("Abs", x)


abs = absolute


fabs = absolute


def positive(x: Any) -> Any:
    """The operand itself."""
    return tensor_of(x)


def sign(x: Any, out: Any = None, where: Any = None, **kwargs: Any) -> Any:
    """-1, 0 or 1.

    Args:
        x: the numbers.
        out: not supported.
        where: not supported.
        kwargs: not supported.

    Raises:
        ValueError: something that is not supported is given.
    """
    if out is not None or where is not None or kwargs:
        raise ValueError("tf.numpy doesn't support setting out, where or other arguments")
    return call("Sign", tensor_of(x))


def signbit(x: Any) -> Any:
    """Whether an element is negative, or a negative zero."""
    x = tensor_of(x)
    if not x.dtype.is_floating:
        return call("Less", x, np.zeros((), x.dtype.np))
    one = np.ones((), x.dtype.np)
    inverse = call("Less", call("RealDiv", one, x), np.zeros((), x.dtype.np))
    return call("LogicalOr", call("Less", x, np.zeros((), x.dtype.np)), inverse)


def reciprocal(x: Any) -> Any:
    """1 / x."""
    return call("Reciprocal", tensor_of(x))


def around(a: Any, decimals: int = 0) -> Any:
    """Nearest number with so many decimals; halves go to the even neighbour."""
    a = tensor_of(a)
    if a.dtype.is_integer and decimals >= 0:
        return a
    factor = np.asarray(10.0**decimals)
    x = floating(a)
    scaled = call("Mul", x, cast(tensor_of(factor), x.dtype))
    rounded = call("RealDiv", call("Rint", scaled), cast(tensor_of(factor), x.dtype))
    return cast(rounded, a.dtype)


round = around


def fix(x: Any) -> Any:
    """Whole part of a number."""
    x = floating(x)
    return where_of(
        call("Less", x, np.zeros((), x.dtype.np)), call("Ceil", x), call("Floor", x)
    )


def where_of(condition: Any, x: Any, y: Any) -> Any:
    """Elements of x where the condition is true, else of y."""
    return call("SelectV2", condition, x, y)


def cbrt(x: Any) -> Any:
    """Cube root, also of negative numbers."""
    x = floating(x)
    third = np.asarray(1 / 3, x.dtype.np)
    return call("Mul", call("Sign", x), call("Pow", call("Abs", x), third))


def exp2(x: Any) -> Any:
    """2 to the power of x."""
    x = floating(x)
    return call("Exp", call("Mul", x, np.asarray(math.log(2), x.dtype.np)))


def _scaled_log(x: Any, base: float) -> Any:
    x = floating(x)
    return call("RealDiv", call("Log", x), np.asarray(math.log(base), x.dtype.np))


def log2(x: Any) -> Any:
    """Logarithm to the base 2."""
    return _scaled_log(x, 2)


def log10(x: Any) -> Any:
    """Logarithm to the base 10."""
    return _scaled_log(x, 10)


def logaddexp(x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    x, y = _both_floating(x1, x2)
    top = call("Maximum", x, y)
    rest = call("Log1p", call("Exp", call("Neg", call("Abs", call("Sub", x, y)))))
    both = call("AddV2", top, rest)
    # Of two infinities the difference is not a number, and their sum is.
    return where_of(call("IsNan", both), call("AddV2", x, y), both)


def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2 ** x1 + 2 ** x2), without overflow."""
    x, y = _both_floating(x1, x2)
    two = np.asarray(math.log(2), x.dtype.np)
    return call("RealDiv", logaddexp(call("Mul", x, two), call("Mul", y, two)), two)


def deg2rad(x: Any) -> Any:
    """Radians of an angle in degrees."""
    x = floating(x)
    return call("Mul", x, np.asarray(math.pi / 180, x.dtype.np))


def rad2deg(x: Any) -> Any:
    """Degrees of an angle in radians."""
    x = floating(x)
    return call("Mul", x, np.asarray(180 / math.pi, x.dtype.np))


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at zero."""
    x = floating(x)
    zero, one = np.zeros((), x.dtype.np), np.ones((), x.dtype.np)
    angle = call("Mul", x, np.asarray(math.pi, x.dtype.np))
    at_zero = call("Equal", x, zero)
    safe = where_of(at_zero, one, angle)
    return where_of(at_zero, one, call("RealDiv", call("Sin", safe), safe))


def heaviside(x1: Any, x2: Any) -> Any:
    """0 below zero, 1 above, and x2 at zero."""
    x, y = _both_floating(x1, x2)
    zero, one = np.zeros((), x.dtype.np), np.ones((), x.dtype.np)
    away = where_of(call("Less", x, zero), zero, one)
    at_zero = where_of(call("Equal", x, zero), y, away)
    return where_of(call("IsNan", x), x, at_zero)


def clip(a: Any, a_min: Any, a_max: Any) -> Any:
    """Elements moved into the range between two bounds, of which one may be None.

    Raises:
        ValueError: both bounds are None.
    """
    if a_min is None and a_max is None:
        raise ValueError("a_min and a_max must not both be None")
    result = tensor_of(a)
    if a_min is not None:
        result = maximum(result, a_min)
    return result if a_max is None else minimum(result, a_max)


def gcd(x1: Any, x2: Any) -> Any:
    """Greatest common divisor, found with the bits that the dtype has."""
    x, y = (call("Abs", each) for each in promoted(x1, x2))
    zero, one = np.zeros((), x.dtype.np), np.ones((), x.dtype.np)
    # Euclid's algorithm takes at most 1.45 steps for each bit.
    for _ in range(math.ceil(1.45 * 8 * x.dtype.size)):
        done = call("Equal", y, zero)
        rest = call("FloorMod", x, where_of(done, one, y))
        x, y = where_of(done, x, y), where_of(done, y, rest)
    return x


def lcm(x1: Any, x2: Any) -> Any:
    """Least common multiple."""
    x, y = promoted(x1, x2)
    divisor = gcd(x, y)
    zero, one = np.zeros((), x.dtype.np), np.ones((), x.dtype.np)
    empty = call("Equal", divisor, zero)
    product = call("Abs", call("Mul", x, call("FloorDiv", y, where_of(empty, one, divisor))))
    return where_of(empty, zero, product)


def logical_not(x: Any) -> Any:
    """Whether an element is false, or zero."""
    return call("LogicalNot", cast(tensor_of(x), np.bool_))


def isposinf(x: Any) -> Any:
    """Whether an element is positive infinity."""
    x = floating(x)
    return call("Equal", x, np.asarray(np.inf, x.dtype.np))


def isneginf(x: Any) -> Any:
    """Whether an element is negative infinity."""
    x = floating(x)
    return call("Equal", x, np.asarray(-np.inf, x.dtype.np))


def isclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """Whether `|a - b| <= atol + rtol * |b|`."""
    x, y = _both_floating(a, b)
    kind = x.dtype.real_dtype.np
    bound = call(
        "AddV2", np.asarray(atol, kind), call("Mul", np.asarray(rtol, kind), absolute(y))
    )
    near = call("LessEqual", absolute(call("Sub", x, y)), bound)
    near = call("LogicalOr", near, call("Equal", x, y))
    # An infinite bound makes everything near.
    if not x.dtype.is_complex:
        finite = call("LogicalAnd", call("IsFinite", x), call("IsFinite", y))
        near = call("LogicalAnd", near, call("LogicalOr", finite, call("Equal", x, y)))
        if equal_nan:
            both = call("LogicalAnd", call("IsNan", x), call("IsNan", y))
            near = call("LogicalOr", near, both)
    return near


def real(val: Any) -> Any:
    """Real part."""
    x = tensor_of(val)
    return call("Real", x, Tout=x.dtype.real_dtype) if x.dtype.is_complex else x


def imag(val: Any) -> Any:
    """Imaginary part; zero for real numbers."""
    x = tensor_of(val)
    if x.dtype.is_complex:
        return call("Imag", x, Tout=x.dtype.real_dtype)
    return call("ZerosLike", x)


def conjugate(x: Any) -> Any:
    """Complex conjugate."""
    x = tensor_of(x)
    return call("Conj", x) if x.dtype.is_complex else x


conj = conjugate


def angle(z: Any, deg: bool = False) -> Any:
    """Angle of a complex number."""
    z = floating(z)
    if z.dtype.is_complex:
        result = call("Angle", z, Tout=z.dtype.real_dtype)
    else:
        zero, half = np.zeros((), z.dtype.np), np.asarray(math.pi, z.dtype.np)
        result = where_of(call("Less", z, zero), half, zero)
    return rad2deg(result) if deg else result


def iscomplex(x: Any) -> Any:
    """Whether an element has an imaginary part."""
    part = imag(x)
    return call("NotEqual", part, np.zeros((), part.dtype.np))


def isreal(x: Any) -> Any:
    """Whether an element has no imaginary part."""
    part = imag(x)
    return call("Equal", part, np.zeros((), part.dtype.np))
