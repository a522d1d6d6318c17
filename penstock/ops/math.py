"""Elementwise functions of one argument: powers, exponentials, trigonometry, rounding."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import numpy as np

from penstock.ops.elementwise import (
    COMPLEX,
    FLOATS,
    INEXACT,
    NUMBERS,
    SIGNED,
    conjugate,
    flushed,
    refuse_kernel,
    unary,
    widened,
)
from penstock.ops.table import gradient, op

_SIGNED_NUMBERS = INEXACT | SIGNED


@op("Abs", inputs=("x: T",), outputs=("y: T",), shape="same")
def abs_(x: Any) -> Any:
    """Distance from zero of real numbers; `ComplexAbs` is for complex ones.

    Shape: x [...] -> y [...].
    """
    return unary("Abs", x, FLOATS | SIGNED).abs(x)


@gradient("Abs")
def abs_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Sign of x, so that the slope at 0 is 0."""
    return (g.call("Mul", grad, g.call("Sign", g.inputs[0])),)


@op("Neg", inputs=("x: T",), outputs=("y: T",), shape="same")
def neg(x: Any) -> Any:
    """Negated value.

    Shape: x [...] -> y [...].
    """
    return unary("Neg", x, _SIGNED_NUMBERS).negative(x)


@gradient("Neg")
def neg_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Negate."""
    return (g.call("Neg", grad),)


@op("Sign", inputs=("x: T",), outputs=("y: T",), shape="same")
def sign(x: Any) -> Any:
    """-1, 0 or 1; for complex numbers x / |x|, and 0 at 0.

    Shape: x [...] -> y [...].
    """
    xp = unary("Sign", x, _SIGNED_NUMBERS)
    return xp.sign(flushed(x) if xp is np else x)


@gradient("Sign")
def sign_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Zero: the function is flat wherever it has a slope."""
    del grad
    return (g.call("ZerosLike", g.inputs[0]),)


@op("Square", inputs=("x: T",), outputs=("y: T",), shape="same")
def square(x: Any) -> Any:
    """x * x.

    Shape: x [...] -> y [...].
    """
    return unary("Square", x, NUMBERS).square(x)


@gradient("Square")
def square_gradient(g: Any, grad: Any) -> tuple[Any]:
    """2 x."""
    x = conjugate(g, g.inputs[0])
    return (g.call("Mul", grad, g.call("Mul", x, 2)),)


@op("Sqrt", inputs=("x: T",), outputs=("y: T",), shape="same")
def sqrt(x: Any) -> Any:
    """Square root; NaN for negative real numbers.

    Shape: x [...] -> y [...].
    """
    return unary("Sqrt", x, INEXACT).sqrt(x)


@gradient("Sqrt")
def sqrt_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / (2 y)."""
    return (g.call("SqrtGrad", g.outputs[0], grad),)


@op("Rsqrt", inputs=("x: T",), outputs=("y: T",), shape="same")
def rsqrt(x: Any) -> Any:
    """1 / sqrt(x).

    Shape: x [...] -> y [...].
    """
    xp = unary("Rsqrt", x, INEXACT)
    if xp is np:
        wide = flushed(widened(x))
        return (wide.dtype.type(1) / np.sqrt(wide)).astype(x.dtype, copy=False)
    return jax.lax.rsqrt(x)


@gradient("Rsqrt")
def rsqrt_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-y**3 / 2."""
    return (g.call("RsqrtGrad", g.outputs[0], grad),)


@op("Reciprocal", inputs=("x: T",), outputs=("y: T",), shape="same")
def reciprocal(x: Any) -> Any:
    """1 / x.

    Shape: x [...] -> y [...].
    """
    refuse_kernel("Reciprocal", x, SIGNED)
    xp = unary("Reciprocal", x, INEXACT)
    return xp.reciprocal(flushed(x) if xp is np else x)


@gradient("Reciprocal")
def reciprocal_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-y**2."""
    return (g.call("ReciprocalGrad", g.outputs[0], grad),)


@op("Inv", inputs=("x: T",), outputs=("y: T",), shape="same")
def inv(x: Any) -> Any:
    """1 / x: the older name of `Reciprocal`.

    Shape: x [...] -> y [...].
    """
    refuse_kernel("Inv", x, SIGNED)
    xp = unary("Inv", x, INEXACT)
    return xp.reciprocal(flushed(x) if xp is np else x)


@gradient("Inv")
def inv_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-y**2."""
    return (g.call("ReciprocalGrad", g.outputs[0], grad),)


@op("Exp", inputs=("x: T",), outputs=("y: T",), shape="same")
def exp(x: Any) -> Any:
    """e to the power x.

    Shape: x [...] -> y [...].
    """
    return unary("Exp", x, INEXACT).exp(x)


@gradient("Exp")
def exp_gradient(g: Any, grad: Any) -> tuple[Any]:
    """The function itself."""
    return (g.call("Mul", grad, conjugate(g, g.outputs[0])),)


@op("Expm1", inputs=("x: T",), outputs=("y: T",), shape="same")
def expm1(x: Any) -> Any:
    """exp(x) - 1, exact near 0.

    Shape: x [...] -> y [...].
    """
    return unary("Expm1", x, INEXACT).expm1(x)


@gradient("Expm1")
def expm1_gradient(g: Any, grad: Any) -> tuple[Any]:
    """exp(x)."""
    return (g.call("Mul", grad, g.call("Exp", conjugate(g, g.inputs[0]))),)


@op("Log", inputs=("x: T",), outputs=("y: T",), shape="same")
def log(x: Any) -> Any:
    """Natural logarithm; NaN for negative real numbers.

    Shape: x [...] -> y [...].
    """
    xp = unary("Log", x, INEXACT)
    return xp.log(flushed(x) if xp is np else x)


@gradient("Log")
def log_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / x."""
    return (g.call("Mul", grad, g.call("Reciprocal", conjugate(g, g.inputs[0]))),)


@op("Log1p", inputs=("x: T",), outputs=("y: T",), shape="same")
def log1p(x: Any) -> Any:
    """log(1 + x), exact near 0.

    Shape: x [...] -> y [...].
    """
    return unary("Log1p", x, INEXACT).log1p(x)


@gradient("Log1p")
def log1p_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / (1 + x)."""
    x = conjugate(g, g.inputs[0])
    return (g.call("Mul", grad, g.call("Reciprocal", g.call("AddV2", x, 1))),)


@op("Sigmoid", inputs=("x: T",), outputs=("y: T",), shape="same")
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)).

    Shape: x [...] -> y [...].
    """
    xp = unary("Sigmoid", x, INEXACT)
    if xp is np:
        wide = widened(x)
        one = wide.dtype.type(1)
        return (one / (one + np.exp(-wide))).astype(x.dtype, copy=False)
    return jax.nn.sigmoid(x)


@gradient("Sigmoid")
def sigmoid_gradient(g: Any, grad: Any) -> tuple[Any]:
    """y (1 - y)."""
    return (g.call("SigmoidGrad", conjugate(g, g.outputs[0]), grad),)


@op("Sin", inputs=("x: T",), outputs=("y: T",), shape="same")
def sin(x: Any) -> Any:
    """Sine of an angle in radians.

    Shape: x [...] -> y [...].
    """
    return unary("Sin", x, INEXACT).sin(x)


@gradient("Sin")
def sin_gradient(g: Any, grad: Any) -> tuple[Any]:
    """cos(x)."""
    return (g.call("Mul", grad, g.call("Cos", conjugate(g, g.inputs[0]))),)


@op("Cos", inputs=("x: T",), outputs=("y: T",), shape="same")
def cos(x: Any) -> Any:
    """Cosine of an angle in radians.

    Shape: x [...] -> y [...].
    """
    return unary("Cos", x, INEXACT).cos(x)


@gradient("Cos")
def cos_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-sin(x)."""
    sine = g.call("Sin", conjugate(g, g.inputs[0]))
    return (g.call("Mul", g.call("Neg", grad), sine),)


@op("Tan", inputs=("x: T",), outputs=("y: T",), shape="same")
def tan(x: Any) -> Any:
    """Tangent of an angle in radians.

    Shape: x [...] -> y [...].
    """
    return unary("Tan", x, INEXACT).tan(x)


@gradient("Tan")
def tan_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / cos(x)**2."""
    secant = g.call("Reciprocal", g.call("Cos", conjugate(g, g.inputs[0])))
    return (g.call("Mul", g.call("Square", secant), grad),)


@op("Asin", inputs=("x: T",), outputs=("y: T",), shape="same")
def asin(x: Any) -> Any:
    """Angle between -pi/2 and pi/2 whose sine is x.

    Shape: x [...] -> y [...].
    """
    return unary("Asin", x, INEXACT).arcsin(x)


@gradient("Asin")
def asin_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / sqrt(1 - x**2)."""
    x2 = g.call("Square", conjugate(g, g.inputs[0]))
    slope = g.call("Reciprocal", g.call("Sqrt", g.call("Sub", 1, x2)))
    return (g.call("Mul", grad, slope),)


@op("Acos", inputs=("x: T",), outputs=("y: T",), shape="same")
def acos(x: Any) -> Any:
    """Angle between 0 and pi whose cosine is x.

    Shape: x [...] -> y [...].
    """
    return unary("Acos", x, INEXACT).arccos(x)


@gradient("Acos")
def acos_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-1 / sqrt(1 - x**2)."""
    x2 = g.call("Square", conjugate(g, g.inputs[0]))
    slope = g.call("Reciprocal", g.call("Sqrt", g.call("Sub", 1, x2)))
    return (g.call("Mul", g.call("Neg", grad), slope),)


@op("Atan", inputs=("x: T",), outputs=("y: T",), shape="same")
def atan(x: Any) -> Any:
    """Angle between -pi/2 and pi/2 whose tangent is x.

    Shape: x [...] -> y [...].
    """
    return unary("Atan", x, INEXACT).arctan(x)


@gradient("Atan")
def atan_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / (1 + x**2)."""
    x2 = g.call("Square", conjugate(g, g.inputs[0]))
    return (g.call("Mul", grad, g.call("Reciprocal", g.call("AddV2", 1, x2))),)


@op("Sinh", inputs=("x: T",), outputs=("y: T",), shape="same")
def sinh(x: Any) -> Any:
    """Hyperbolic sine.

    Shape: x [...] -> y [...].
    """
    return unary("Sinh", x, INEXACT).sinh(x)


@gradient("Sinh")
def sinh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """cosh(x)."""
    return (g.call("Mul", grad, g.call("Cosh", conjugate(g, g.inputs[0]))),)


@op("Cosh", inputs=("x: T",), outputs=("y: T",), shape="same")
def cosh(x: Any) -> Any:
    """Hyperbolic cosine.

    Shape: x [...] -> y [...].
    """
    return unary("Cosh", x, INEXACT).cosh(x)


@gradient("Cosh")
def cosh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """sinh(x)."""
    return (g.call("Mul", grad, g.call("Sinh", conjugate(g, g.inputs[0]))),)


@op("Tanh", inputs=("x: T",), outputs=("y: T",), shape="same")
def tanh(x: Any) -> Any:
    """Hyperbolic tangent.

    Shape: x [...] -> y [...].
    """
    return unary("Tanh", x, INEXACT).tanh(x)


@gradient("Tanh")
def tanh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 - y**2."""
    return (g.call("TanhGrad", conjugate(g, g.outputs[0]), grad),)


@op("Asinh", inputs=("x: T",), outputs=("y: T",), shape="same")
def asinh(x: Any) -> Any:
    """Inverse of `Sinh`.

    Shape: x [...] -> y [...].
    """
    return unary("Asinh", x, INEXACT).arcsinh(x)


@gradient("Asinh")
def asinh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / cosh(y)."""
    return (g.call("RealDiv", grad, g.call("Cosh", conjugate(g, g.outputs[0]))),)


@op("Acosh", inputs=("x: T",), outputs=("y: T",), shape="same")
def acosh(x: Any) -> Any:
    """Inverse of `Cosh`; NaN for real numbers below 1.

    Shape: x [...] -> y [...].
    """
    return unary("Acosh", x, INEXACT).arccosh(x)


@gradient("Acosh")
def acosh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / sinh(y)."""
    return (g.call("RealDiv", grad, g.call("Sinh", conjugate(g, g.outputs[0]))),)


@op("Atanh", inputs=("x: T",), outputs=("y: T",), shape="same")
def atanh(x: Any) -> Any:
    """Inverse of `Tanh`; NaN for real numbers beyond -1 and 1.

    Shape: x [...] -> y [...].
    """
    return unary("Atanh", x, INEXACT).arctanh(x)


@gradient("Atanh")
def atanh_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 / (1 - x**2)."""
    x2 = g.call("Square", conjugate(g, g.inputs[0]))
    return (g.call("Mul", grad, g.call("Reciprocal", g.call("Sub", 1, x2))),)


@op("Floor", inputs=("x: T",), outputs=("y: T",), shape="same", differentiable=False)
def floor(x: Any) -> Any:
    """Largest whole number not above x.

    Shape: x [...] -> y [...].
    """
    xp = unary("Floor", x, FLOATS)
    return xp.floor(flushed(x) if xp is np else x)


@op("Ceil", inputs=("x: T",), outputs=("y: T",), shape="same", differentiable=False)
def ceil(x: Any) -> Any:
    """Smallest whole number not below x.

    Shape: x [...] -> y [...].
    """
    xp = unary("Ceil", x, FLOATS)
    return xp.ceil(flushed(x) if xp is np else x)


@op("Round", inputs=("x: T",), outputs=("y: T",), shape="same", differentiable=False)
def round_(x: Any) -> Any:
    """Nearest whole number; halves go to the even neighbour.

    Shape: x [...] -> y [...].
    """
    refuse_kernel("Round", x, COMPLEX)
    xp = unary("Round", x, FLOATS | SIGNED)
    return x if x.dtype in SIGNED else xp.rint(x)


@op("Rint", inputs=("x: T",), outputs=("y: T",), shape="same", differentiable=False)
def rint(x: Any) -> Any:
    """Nearest whole number; halves go to the even neighbour.

    Shape: x [...] -> y [...].
    """
    return unary("Rint", x, FLOATS).rint(x)


@op("ReciprocalGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def reciprocal_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Reciprocal` from its result: -dy * y**2, and 0 where `dy` is.

    Shape: y [...], dy [...] -> z [...].
    """
    xp = unary("ReciprocalGrad", y, INEXACT)
    y = xp.conj(y) if y.dtype.kind == "c" else y
    return _zero_where(xp, dy, -dy * y * y)


def _zero_where(xp: ModuleType, dy: Any, slope: Any) -> Any:
    """The slope, but 0 where nothing arrives: TensorFlow has no 0 * infinity here."""
    return xp.where(dy == 0, slope.dtype.type(0), slope)


@op("InvGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def inv_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Inv` from its result: -dy * y**2, and 0 where `dy` is.

    Shape: y [...], dy [...] -> z [...].
    """
    return reciprocal_grad(y, dy)


@gradient("ReciprocalGrad", "InvGrad")
def reciprocal_grad_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Differentiate -b conj(a)**2."""
    a, b = conjugate(g, g.inputs[0]), g.inputs[1]
    twice = g.call("Mul", g.call("Mul", conjugate(g, grad), -2), b)
    return g.call("Mul", twice, a), g.call("ReciprocalGrad", a, grad)


@op("SqrtGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def sqrt_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Sqrt` from its result: dy / (2 y), and 0 where `dy` is.

    Shape: y [...], dy [...] -> z [...].
    """
    xp = unary("SqrtGrad", y, INEXACT)
    y = xp.conj(y) if y.dtype.kind == "c" else y
    return _zero_where(xp, dy, dy * y.dtype.type(0.5) / y)


@gradient("SqrtGrad")
def sqrt_grad_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Differentiate b / (2 conj(a))."""
    quotient = g.call("RealDiv", grad, g.inputs[0])
    by_y = g.call("Mul", g.call("Neg", conjugate(g, quotient)), g.outputs[0])
    return by_y, g.call("Mul", quotient, 0.5)


@op("RsqrtGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def rsqrt_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Rsqrt` from its result: -dy * y**3 / 2, and 0 where `dy` is.

    Shape: y [...], dy [...] -> z [...].
    """
    xp = unary("RsqrtGrad", y, INEXACT)
    y = xp.conj(y) if y.dtype.kind == "c" else y
    return _zero_where(xp, dy, dy * y.dtype.type(-0.5) * y * y * y)


@gradient("RsqrtGrad")
def rsqrt_grad_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Differentiate -b conj(a)**3 / 2."""
    a, b = conjugate(g, g.inputs[0]), g.inputs[1]
    factor = g.call("Mul", g.call("Mul", conjugate(g, grad), -1.5), b)
    return g.call("Mul", factor, g.call("Square", a)), g.call("RsqrtGrad", a, grad)


@op("SigmoidGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def sigmoid_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Sigmoid` from its result: dy * y (1 - y).

    Shape: y [...], dy [...] -> z [...].
    """
    unary("SigmoidGrad", y, INEXACT)
    return dy * y * (y.dtype.type(1) - y)


@gradient("SigmoidGrad")
def sigmoid_grad_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Differentiate b a (1 - a)."""
    a, b = conjugate(g, g.inputs[0]), conjugate(g, g.inputs[1])
    product = g.call("Mul", grad, b)
    by_y = g.call("Sub", product, g.call("Mul", g.call("Mul", product, 2), a))
    return by_y, g.call("SigmoidGrad", a, grad)


@op("TanhGrad", inputs=("y: T", "dy: T"), outputs=("z: T",), shape="same")
def tanh_grad(y: Any, dy: Any) -> Any:
    """Gradient of `Tanh` from its result: dy * (1 - y**2).

    Shape: y [...], dy [...] -> z [...].
    """
    unary("TanhGrad", y, INEXACT)
    return dy * (y.dtype.type(1) - y * y)


@gradient("TanhGrad")
def tanh_grad_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Differentiate b (1 - a**2)."""
    a, b = conjugate(g, g.inputs[0]), conjugate(g, g.inputs[1])
    factor = g.call("Mul", g.call("Mul", grad, -2), b)
    return g.call("Mul", factor, a), g.call("TanhGrad", a, grad)
