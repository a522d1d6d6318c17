"""Special functions: error functions, gamma and its relatives, integrals.

The numpy side is scipy's, loaded when the first of them is called.
"""

from __future__ import annotations

import functools
import importlib
import math
from types import ModuleType
from typing import Any

import jax
import numpy as np
from jax.scipy import special as jsp

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, broadcast_static_shape
from penstock.ops.elementwise import FLOATS, binary, flushed, kinds, on_host, reduce_both, unary
from penstock.ops.namespace import namespace
from penstock.ops.table import gradient, op

_FLOAT32_64 = kinds(dtypes.float32, dtypes.float64)


@functools.cache
def scipy_special() -> ModuleType:
    """Load `scipy.special`; that takes longer than loading all ops, and few need it."""
    return importlib.import_module("scipy.special")


@op("Erf", inputs=("x: T",), outputs=("y: T",), shape="same", host_limit=1 << 12)
def erf(x: Any) -> Any:
    """Error function: 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Shape: x [...] -> y [...].
    """
    if unary("Erf", x, FLOATS) is np:
        return on_host(scipy_special().erf, x)
    return jsp.erf(x)


@gradient("Erf")
def erf_gradient(g: Any, grad: Any) -> tuple[Any]:
    """2 / sqrt(pi) exp(-x**2)."""
    slope = g.call("Exp", g.call("Neg", g.call("Square", g.inputs[0])))
    return (g.call("Mul", g.call("Mul", grad, 2 / math.sqrt(math.pi)), slope),)


@op("Erfc", inputs=("x: T",), outputs=("y: T",), shape="same", host_limit=1 << 12)
def erfc(x: Any) -> Any:
    """1 - erf(x), exact for large x.

    Shape: x [...] -> y [...].
    """
    if unary("Erfc", x, FLOATS) is np:
        return on_host(scipy_special().erfc, x)
    return jsp.erfc(x)


@gradient("Erfc")
def erfc_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-2 / sqrt(pi) exp(-x**2)."""
    slope = g.call("Exp", g.call("Neg", g.call("Square", g.inputs[0])))
    return (g.call("Mul", g.call("Mul", grad, -2 / math.sqrt(math.pi)), slope),)


@op("Erfinv", inputs=("x: T",), outputs=("y: T",), shape="same")
def erfinv(x: Any) -> Any:
    """Inverse of `Erf`.

    Shape: x [...] -> y [...].
    """
    if unary("Erfinv", x, FLOATS) is np:
        return on_host(scipy_special().erfinv, x)
    return jsp.erfinv(x)


@gradient("Erfinv")
def erfinv_gradient(g: Any, grad: Any) -> tuple[Any]:
    """sqrt(pi) / 2 exp(y**2)."""
    slope = g.call("Exp", g.call("Square", g.outputs[0]))
    return (g.call("Mul", g.call("Mul", grad, math.sqrt(math.pi) / 2), slope),)


@op("Ndtri", inputs=("x: T",), outputs=("y: T",), shape="same")
def ndtri(x: Any) -> Any:
    """Inverse of the distribution function of the standard normal distribution.

    Shape: x [...] -> y [...].
    """
    if unary("Ndtri", x, FLOATS) is np:
        return on_host(scipy_special().ndtri, flushed(x))
    return jsp.ndtri(x)


@gradient("Ndtri")
def ndtri_gradient(g: Any, grad: Any) -> tuple[Any]:
    """sqrt(2 pi) exp(y**2 / 2)."""
    slope = g.call("Exp", g.call("Mul", g.call("Square", g.outputs[0]), 0.5))
    return (g.call("Mul", g.call("Mul", grad, math.sqrt(2 * math.pi)), slope),)


@op("Lgamma", inputs=("x: T",), outputs=("y: T",), shape="same")
def lgamma(x: Any) -> Any:
    """Logarithm of the absolute value of the gamma function.

    Shape: x [...] -> y [...].
    """
    if unary("Lgamma", x, FLOATS) is np:
        # scipy has minus infinity at minus infinity, C and TensorFlow have infinity.
        value = on_host(scipy_special().gammaln, flushed(x))
        return np.where(np.isinf(x), x.dtype.type(np.inf), value)
    return jsp.gammaln(x)


@gradient("Lgamma")
def lgamma_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Digamma function."""
    return (g.call("Mul", grad, g.call("Digamma", g.inputs[0])),)


@op("Digamma", inputs=("x: T",), outputs=("y: T",), shape="same")
def digamma(x: Any) -> Any:
    """Derivative of `Lgamma`; NaN at its poles 0, -1, -2, ...

    Shape: x [...] -> y [...].
    """
    if unary("Digamma", x, FLOATS) is np:
        value = on_host(scipy_special().digamma, flushed(x))
        return np.where(np.isinf(value) & np.isfinite(x), x.dtype.type(np.nan), value)
    return jsp.digamma(x)


@gradient("Digamma")
def digamma_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Trigamma function."""
    one = g.call("OnesLike", g.inputs[0])
    return (g.call("Mul", grad, g.call("Polygamma", one, g.inputs[0])),)


@op("Dawsn", inputs=("x: T",), outputs=("y: T",), shape="same")
def dawsn(x: Any) -> Any:
    """Dawson's integral: exp(-x**2) times the integral of exp(t**2) from 0 to x.

    Shape: x [...] -> y [...].
    """
    if unary("Dawsn", x, FLOATS) is np:
        return on_host(scipy_special().dawsn, x)
    return jsp.dawsn(x)


@gradient("Dawsn")
def dawsn_gradient(g: Any, grad: Any) -> tuple[Any]:
    """1 - 2 x y."""
    product = g.call("Mul", g.call("Mul", g.inputs[0], -2), g.outputs[0])
    return (g.call("Mul", grad, g.call("AddV2", product, 1)),)


@op("Expint", inputs=("x: T",), outputs=("y: T",), shape="same")
def expint(x: Any) -> Any:
    """Exponential integral: that of exp(t) / t up to x; NaN for negative x.

    Shape: x [...] -> y [...].
    """
    xp = unary("Expint", x, FLOATS)
    value = on_host(scipy_special().expi, x) if xp is np else jsp.expi(x)
    value = xp.where(x < 0, xp.full_like(value, np.nan), value)
    return xp.where(x == 0, xp.full_like(value, -np.inf), value)


@gradient("Expint")
def expint_gradient(g: Any, grad: Any) -> tuple[Any]:
    """exp(x) / x."""
    x = g.inputs[0]
    return (g.call("RealDiv", g.call("Mul", grad, g.call("Exp", x)), x),)


def _fresnel(op_name: str, x: Any, part: int) -> Any:
    if unary(op_name, x, FLOATS) is np:
        return on_host(lambda values: scipy_special().fresnel(values)[part], x)
    return jsp.fresnel(x)[part]


@op("FresnelSin", inputs=("x: T",), outputs=("y: T",), shape="same")
def fresnel_sin(x: Any) -> Any:
    """Fresnel's integral of sin(pi t**2 / 2) from 0 to x.

    Shape: x [...] -> y [...].
    """
    return _fresnel("FresnelSin", x, 0)


@gradient("FresnelSin")
def fresnel_sin_gradient(g: Any, grad: Any) -> tuple[Any]:
    """sin(pi x**2 / 2)."""
    angle = g.call("Mul", g.call("Square", g.inputs[0]), math.pi / 2)
    return (g.call("Mul", grad, g.call("Sin", angle)),)


@op("FresnelCos", inputs=("x: T",), outputs=("y: T",), shape="same")
def fresnel_cos(x: Any) -> Any:
    """Fresnel's integral of cos(pi t**2 / 2) from 0 to x.

    Shape: x [...] -> y [...].
    """
    return _fresnel("FresnelCos", x, 1)


@gradient("FresnelCos")
def fresnel_cos_gradient(g: Any, grad: Any) -> tuple[Any]:
    """cos(pi x**2 / 2)."""
    angle = g.call("Mul", g.call("Square", g.inputs[0]), math.pi / 2)
    return (g.call("Mul", grad, g.call("Cos", angle)),)


@op("Spence", inputs=("x: T",), outputs=("y: T",), shape="same")
def spence(x: Any) -> Any:
    """Spence's integral: that of log(t) / (1 - t) from 1 to x.

    Shape: x [...] -> y [...].
    """
    if unary("Spence", x, FLOATS) is np:
        return on_host(scipy_special().spence, x)
    return jsp.spence(x)


@gradient("Spence")
def spence_gradient(g: Any, grad: Any) -> tuple[Any]:
    """log(x) / (1 - x), and -1 at 1."""
    x = g.inputs[0]
    slope = g.call("RealDiv", g.call("Log", x), g.call("Sub", 1, x))
    ones = g.call("OnesLike", x)
    slope = g.call("SelectV2", g.call("Equal", x, 1), g.call("Neg", ones), slope)
    return (g.call("Mul", grad, slope),)


@op("Zeta", inputs=("x: T", "q: T"), outputs=("z: T",), shape="broadcast")
def zeta(x: Any, q: Any) -> Any:
    """Hurwitz' zeta function: the sum of (q + k)**(-x) over k = 0, 1, 2, ...

    Shape: x [...], q [...] -> z [...], broadcast together.
    """
    xp = binary("Zeta", x, q, _FLOAT32_64)
    value = scipy_special().zeta(x, q) if xp is np else jsp.zeta(x, q)
    # The poles at q = 0, -1, -2, ... have one sign on both sides only for even x.
    odd = (q <= 0) & (xp.floor(q) == q) & (xp.remainder(x, 2) != 0) & (x != 1)
    return xp.where(odd | (x < 1), xp.full_like(value, np.nan), value)


@gradient("Zeta")
def zeta_gradient(g: Any, grad: Any) -> tuple[None, Any]:
    """-x zeta(x + 1, q) for q; none is known for x."""
    x, q = g.inputs
    slope = g.call("Mul", g.call("Neg", x), g.call("Zeta", g.call("AddV2", x, 1), q))
    return None, reduce_both(g, None, g.call("Mul", slope, grad))[1]


@op("Polygamma", inputs=("a: T", "x: T"), outputs=("z: T",), shape="broadcast")
def polygamma(a: Any, x: Any) -> Any:
    """Derivative of order a of `Digamma`; NaN where a is not a whole number >= 0.

    Shape: a [...], x [...] -> z [...], broadcast together.
    """
    xp = binary("Polygamma", a, x, _FLOAT32_64)
    if xp is np:
        library = scipy_special()
        sign = np.where(np.remainder(a, 2) == 0, -1, 1).astype(a.dtype)
        one = a.dtype.type(1)
        higher = sign * library.gamma(a + one) * zeta(a + one, x)
        value = np.where(a == 0, digamma(x), higher)
    else:
        higher = jax.lax.polygamma(*xp.broadcast_arrays(a, x))
        value = xp.where(a == 0, jsp.digamma(x), higher)
    defined = (a >= 0) & (xp.floor(a) == a)
    return xp.where(defined, value, xp.full_like(value, np.nan))


@gradient("Polygamma")
def polygamma_gradient(g: Any, grad: Any) -> tuple[None, Any]:
    """That of the next order for x; none is known for a."""
    a, x = g.inputs
    slope = g.call("Polygamma", g.call("AddV2", a, 1), x)
    return None, reduce_both(g, None, g.call("Mul", slope, grad))[1]


@op("Igamma", inputs=("a: T", "x: T"), outputs=("z: T",), shape="broadcast")
def igamma(a: Any, x: Any) -> Any:
    """Lower regularized incomplete gamma function.

    Shape: a [...], x [...] -> z [...], broadcast together.
    """
    xp = binary("Igamma", a, x, FLOATS)
    if xp is np:
        value = on_host(scipy_special().gammainc, a, x)
    else:
        value = _at_infinity(xp, jsp.gammainc(a, x), a, x, (0.0, 1.0))
    return _in_domain(xp, value, a, x)


@op("Igammac", inputs=("a: T", "x: T"), outputs=("z: T",), shape="broadcast")
def igammac(a: Any, x: Any) -> Any:
    """Upper regularized incomplete gamma function: 1 - igamma(a, x).

    Shape: a [...], x [...] -> z [...], broadcast together.
    """
    xp = binary("Igammac", a, x, FLOATS)
    if xp is np:
        value = on_host(scipy_special().gammaincc, a, x)
    else:
        value = _at_infinity(xp, jsp.gammaincc(a, x), a, x, (1.0, 0.0))
    return xp.where((a > 0) & (x >= 0), value, xp.full_like(value, np.nan))


def _at_infinity(xp: Any, value: Any, a: Any, x: Any, limits: tuple[float, float]) -> Any:
    """Put the limits where one argument is infinite: XLA's series do not end there."""
    value = xp.where(xp.isinf(a) & xp.isfinite(x), value.dtype.type(limits[0]), value)
    return xp.where(xp.isinf(x) & xp.isfinite(a), value.dtype.type(limits[1]), value)


def _in_domain(xp: Any, value: Any, a: Any, x: Any) -> Any:
    """Put 0 where `x` is 0, else NaN where `a` is not positive or `x` is negative."""
    value = xp.where((a > 0) & (x >= 0), value, xp.full_like(value, np.nan))
    return xp.where(x == 0, xp.zeros_like(value), value)


@op(
    "IgammaGradA",
    inputs=("a: T", "x: T"),
    outputs=("z: T",),
    kernel="device",
    shape="broadcast",
)
def igamma_grad_a(a: Any, x: Any) -> Any:
    """Derivative of `Igamma` with respect to a.

    Shape: a [...], x [...] -> z [...], broadcast together.
    """
    xp = binary("IgammaGradA", a, x, _FLOAT32_64)
    value = jax.lax.igamma_grad_a(*xp.broadcast_arrays(a, x))
    return _in_domain(xp, _at_infinity(xp, value, a, x, (0.0, 0.0)), a, x)


def _igamma_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    a, x = g.inputs
    by_a = by_x = None
    if g.needs(0):
        by_a = g.call("Mul", g.call("IgammaGradA", a, x), grad)
    if g.needs(1):
        # Logarithms are summed first, because the gamma function itself grows large.
        power = g.call("Mul", g.call("Sub", a, 1), g.call("Log", x))
        log = g.call("Sub", g.call("Sub", power, x), g.call("Lgamma", a))
        by_x = g.call("Mul", g.call("Exp", log), grad)
    return reduce_both(g, by_a, by_x)


@gradient("Igamma")
def igamma_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Density of the gamma distribution for x."""
    return _igamma_gradient(g, grad)


@gradient("Igammac")
def igammac_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """Those of `Igamma`, negated."""
    return _igamma_gradient(g, g.call("Neg", grad))


def _betainc_shape(a: Any, b: Any, x: Any) -> TensorShape:
    shape = broadcast_static_shape(a.shape, b.shape)
    return broadcast_static_shape(shape, x.shape)


@op(
    "Betainc",
    inputs=("a: T", "b: T", "x: T"),
    outputs=("z: T",),
    shape=_betainc_shape,
)
def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularized incomplete beta function.

    Shape: a [...], b [...], x [...] -> z [...]; all that are not scalars have one shape.
    Errors: InvalidArgumentError when two shapes differ and neither is a scalar.
    """
    binary("Betainc", a, b, _FLOAT32_64)
    shapes = {array.shape for array in (a, b, x) if array.ndim}
    if len(shapes) > 1:
        raise InvalidArgumentError(
            f"a, b and x must be scalars or have one shape, got {sorted(shapes)}"
        )
    xp = namespace(a, b, x)
    value = scipy_special().betainc(a, b, x) if xp is np else jsp.betainc(a, b, x)
    return xp.where((a > 0) & (b > 0), value, xp.full_like(value, np.nan))


@gradient("Betainc")
def betainc_gradient(g: Any, grad: Any) -> tuple[None, None, Any]:
    """Density of the beta distribution for x; none is known for a and b."""
    a, b, x = g.inputs
    log_beta = g.call(
        "Sub",
        g.call("AddV2", g.call("Lgamma", a), g.call("Lgamma", b)),
        g.call("Lgamma", g.call("AddV2", a, b)),
    )
    # These products vanish with their first factor, so that the ends 0 and 1 are right.
    upper = g.call("Xlog1py", g.call("Sub", b, 1), g.call("Neg", x))
    lower = g.call("Xlogy", g.call("Sub", a, 1), x)
    slope = g.call("Exp", g.call("Sub", g.call("AddV2", upper, lower), log_beta))
    return None, None, g.reduce_to(g.call("Mul", slope, grad), x)
