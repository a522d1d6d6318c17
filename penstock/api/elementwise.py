"""Elementwise functions of one argument."""

from __future__ import annotations

import math
from typing import Any

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "abs",
    "sign",
    "round",
    "reciprocal_no_nan",
    "erfcinv",
    "log_sigmoid",
    "complex",
    "real",
    "imag",
    "angle",
    "conj",
    "negative",
    "square",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sigmoid",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "floor",
    "ceil",
    "rint",
    "erf",
    "erfc",
    "erfinv",
    "ndtri",
    "lgamma",
    "digamma",
    "is_nan",
    "is_inf",
    "is_finite",
    "logical_not",
]


def abs(x: Any, name: str | None = None) -> Any:
    """Distance from zero; that of complex numbers is real."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        return call("ComplexAbs", x, Tout=x.dtype.real_dtype, name=name)
    return call("Abs", x, name=name)


def sign(x: Any, name: str | None = None) -> Any:
    """-1, 0 or 1; for complex numbers x / |x|, and 0 at 0."""
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        size = call("ComplexAbs", x, Tout=x.dtype.real_dtype)
        return call("DivNoNan", x, call("Cast", size, DstT=x.dtype), name=name)
    return call("Sign", x, name=name)


def round(x: Any, name: str | None = None) -> Any:
    """Nearest whole number; halves go to the even neighbour."""
    x = convert_to_tensor(x)
    return x if x.dtype.is_integer else call("Round", x, name=name)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """1 / x, and 0 where x is 0."""
    x = convert_to_tensor(x)
    return call("DivNoNan", 1, x, name=name)


def erfcinv(x: Any, name: str | None = None) -> Any:
    """Inverse of `erfc`, for x between 0 and 2."""
    x = convert_to_tensor(x)
    quantile = call("Ndtri", call("Mul", x, 0.5))
    return call("Mul", quantile, -math.sqrt(0.5), name=name)


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """Logarithm of `sigmoid`, exact where that underflows."""
    return call("Neg", call("Softplus", call("Neg", x)), name=name)


def complex(real: Any, imag: Any, name: str | None = None) -> Any:
    """Complex numbers of real and imaginary parts.

    Raises:
        TypeError: the parts are not both float32 or both float64.
    """
    real, imag = convert_to_tensor(real), convert_to_tensor(imag)
    if real.dtype != imag.dtype or real.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(
            "real and imag must both be float32 or both be float64, got "
            f"{real.dtype.name} and {imag.dtype.name}"
        )
    whole = dtypes.complex64 if real.dtype == dtypes.float32 else dtypes.complex128
    return call("Complex", real, imag, Tout=whole, name=name)


def real(input: Any, name: str | None = None) -> Any:
    """Real part; real numbers are returned as they are."""
    input = convert_to_tensor(input)
    if input.dtype.is_complex:
        return call("Real", input, Tout=input.dtype.real_dtype, name=name)
    if input.dtype.is_numeric:
        return input
    raise TypeError(f"input must be numeric, got {input.dtype.name}")


def imag(input: Any, name: str | None = None) -> Any:
    """Imaginary part, which is 0 for real numbers."""
    input = convert_to_tensor(input)
    if input.dtype.is_complex:
        return call("Imag", input, Tout=input.dtype.real_dtype, name=name)
    return call("ZerosLike", input, name=name)


def angle(input: Any, name: str | None = None) -> Any:
    """Argument in radians; 0 or pi for real numbers."""
    input = convert_to_tensor(input)
    if input.dtype.is_complex:
        return call("Angle", input, Tout=input.dtype.real_dtype, name=name)
    half_turn = call("Mul", call("OnesLike", input), math.pi)
    zeros = call("ZerosLike", input)
    return call("SelectV2", call("Less", input, 0), half_turn, zeros, name=name)


def conj(x: Any, name: str | None = None) -> Any:
    """Complex conjugate; real numbers are returned as they are.

    Raises:
        TypeError: x is not numeric.
    """
    x = convert_to_tensor(x)
    if x.dtype.is_complex or x.dtype is dtypes.variant:
        return call("Conj", x, name=name)
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    raise TypeError(f"x must be numeric or variant, got {x.dtype.name}")


def negative(x: Any, name: str | None = None) -> Any:
    """Negated value."""
    return call("Neg", x, name=name)


def square(x: Any, name: str | None = None) -> Any:
    """x * x."""
    return call("Square", x, name=name)


def sqrt(x: Any, name: str | None = None) -> Any:
    """Square root; NaN for negative real numbers."""
    return call("Sqrt", x, name=name)


def rsqrt(x: Any, name: str | None = None) -> Any:
    """1 / sqrt(x)."""
    return call("Rsqrt", x, name=name)


def reciprocal(x: Any, name: str | None = None) -> Any:
    """1 / x."""
    return call("Reciprocal", x, name=name)


def exp(x: Any, name: str | None = None) -> Any:
    """e to the power x."""
    return call("Exp", x, name=name)


def expm1(x: Any, name: str | None = None) -> Any:
    """exp(x) - 1, exact near 0."""
    return call("Expm1", x, name=name)


def log(x: Any, name: str | None = None) -> Any:
    """Natural logarithm; NaN for negative real numbers."""
    return call("Log", x, name=name)


def log1p(x: Any, name: str | None = None) -> Any:
    """log(1 + x), exact near 0."""
    return call("Log1p", x, name=name)


def sigmoid(x: Any, name: str | None = None) -> Any:
    """1 / (1 + exp(-x))."""
    return call("Sigmoid", x, name=name)


def sin(x: Any, name: str | None = None) -> Any:
    """Sine of an angle in radians."""
    return call("Sin", x, name=name)


def cos(x: Any, name: str | None = None) -> Any:
    """Cosine of an angle in radians."""
    return call("Cos", x, name=name)


def tan(x: Any, name: str | None = None) -> Any:
    """Tangent of an angle in radians."""
    return call("Tan", x, name=name)


def asin(x: Any, name: str | None = None) -> Any:
    """Angle between -pi/2 and pi/2 whose sine is x."""
    return call("Asin", x, name=name)


def acos(x: Any, name: str | None = None) -> Any:
    """Angle between 0 and pi whose cosine is x."""
    return call("Acos", x, name=name)


def atan(x: Any, name: str | None = None) -> Any:
    """Angle between -pi/2 and pi/2 whose tangent is x."""
    return call("Atan", x, name=name)


def sinh(x: Any, name: str | None = None) -> Any:
    """Hyperbolic sine."""
    return call("Sinh", x, name=name)


def cosh(x: Any, name: str | None = None) -> Any:
    """Hyperbolic cosine."""
    return call("Cosh", x, name=name)


def tanh(x: Any, name: str | None = None) -> Any:
    """Hyperbolic tangent."""
    return call("Tanh", x, name=name)


def asinh(x: Any, name: str | None = None) -> Any:
    """Inverse of `sinh`."""
    return call("Asinh", x, name=name)


def acosh(x: Any, name: str | None = None) -> Any:
    """Inverse of `cosh`; NaN below 1."""
    return call("Acosh", x, name=name)


def atanh(x: Any, name: str | None = None) -> Any:
    """Inverse of `tanh`; NaN beyond -1 and 1."""
    return call("Atanh", x, name=name)


def floor(x: Any, name: str | None = None) -> Any:
    """Largest whole number not above x."""
    return call("Floor", x, name=name)


def ceil(x: Any, name: str | None = None) -> Any:
    """Smallest whole number not below x."""
    return call("Ceil", x, name=name)


def rint(x: Any, name: str | None = None) -> Any:
    """Nearest whole number; halves go to the even neighbour."""
    return call("Rint", x, name=name)


def erf(x: Any, name: str | None = None) -> Any:
    """Error function."""
    return call("Erf", x, name=name)


def erfc(x: Any, name: str | None = None) -> Any:
    """1 - erf(x), exact for large x."""
    return call("Erfc", x, name=name)


def erfinv(x: Any, name: str | None = None) -> Any:
    """Inverse of `erf`."""
    return call("Erfinv", x, name=name)


def ndtri(x: Any, name: str | None = None) -> Any:
    """Quantile of the standard normal distribution."""
    return call("Ndtri", x, name=name)


def lgamma(x: Any, name: str | None = None) -> Any:
    """Logarithm of the absolute value of the gamma function."""
    return call("Lgamma", x, name=name)


def digamma(x: Any, name: str | None = None) -> Any:
    """Derivative of `lgamma`."""
    return call("Digamma", x, name=name)


def is_nan(x: Any, name: str | None = None) -> Any:
    """Whether a value is not a number."""
    return call("IsNan", x, name=name)


def is_inf(x: Any, name: str | None = None) -> Any:
    """Whether a value is infinite."""
    return call("IsInf", x, name=name)


def is_finite(x: Any, name: str | None = None) -> Any:
    """Whether a value is neither infinite nor NaN."""
    return call("IsFinite", x, name=name)


def logical_not(x: Any, name: str | None = None) -> Any:
    """The opposite of a truth value."""
    return call("LogicalNot", x, name=name)


open_to_composites(globals())
