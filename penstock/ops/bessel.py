"""Bessel functions of the orders 0 and 1.

XLA can compute the modified ones of the first kind. The others run on the host alone, as in
TensorFlow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax.scipy import special as jsp

from penstock.ops.elementwise import FLOATS, on_host, unary
from penstock.ops.special import scipy_special
from penstock.ops.table import gradient, op


def _from_pole(value: Any, x: Any, limit: float) -> Any:
    """Go on with the limit at the pole 0 for negative x, where the function is not real."""
    return np.where(x < 0, x.dtype.type(limit), value)


@op("BesselI0", inputs=("x: T",), outputs=("y: T",), shape="same")
def bessel_i0(x: Any) -> Any:
    """Modified Bessel function of the first kind, order 0.

    Shape: x [...] -> y [...].
    """
    if unary("BesselI0", x, FLOATS) is np:
        return on_host(scipy_special().i0, x)
    return jsp.i0(x)


@gradient("BesselI0")
def bessel_i0_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 1."""
    return (g.call("Mul", grad, g.call("BesselI1", g.inputs[0])),)


@op("BesselI0e", inputs=("x: T",), outputs=("y: T",), shape="same")
def bessel_i0e(x: Any) -> Any:
    """exp(-|x|) times `BesselI0`.

    Shape: x [...] -> y [...].
    """
    if unary("BesselI0e", x, FLOATS) is np:
        return on_host(scipy_special().i0e, x)
    return jsp.i0e(x)


@gradient("BesselI0e")
def bessel_i0e_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 1, less sign(x) y."""
    x, y = g.inputs[0], g.outputs[0]
    slope = g.call("Sub", g.call("BesselI1e", x), g.call("Mul", g.call("Sign", x), y))
    return (g.call("Mul", grad, slope),)


@op("BesselI1", inputs=("x: T",), outputs=("y: T",), shape="same")
def bessel_i1(x: Any) -> Any:
    """Modified Bessel function of the first kind, order 1.

    Shape: x [...] -> y [...].
    """
    if unary("BesselI1", x, FLOATS) is np:
        return on_host(scipy_special().i1, x)
    return jsp.i1(x)


@gradient("BesselI1")
def bessel_i1_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 0, less y / x; 1 at 0."""
    x, y = g.inputs[0], g.outputs[0]
    slope = g.call("Sub", g.call("BesselI0", x), g.call("RealDiv", y, x))
    ones = g.call("OnesLike", x)
    return (g.call("Mul", grad, g.call("SelectV2", g.call("Equal", x, 0), ones, slope)),)


@op("BesselI1e", inputs=("x: T",), outputs=("y: T",), shape="same")
def bessel_i1e(x: Any) -> Any:
    """exp(-|x|) times `BesselI1`.

    Shape: x [...] -> y [...].
    """
    if unary("BesselI1e", x, FLOATS) is np:
        return on_host(scipy_special().i1e, x)
    return jsp.i1e(x)


@gradient("BesselI1e")
def bessel_i1e_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 0, less (sign(x) + 1 / x) y; 1/2 at 0."""
    x, y = g.inputs[0], g.outputs[0]
    scale = g.call("AddV2", g.call("Sign", x), g.call("Reciprocal", x))
    slope = g.call("Sub", g.call("BesselI0e", x), g.call("Mul", y, scale))
    half = g.call("Mul", g.call("OnesLike", x), 0.5)
    return (g.call("Mul", grad, g.call("SelectV2", g.call("Equal", x, 0), half, slope)),)


@op("BesselJ0", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_j0(x: Any) -> Any:
    """Bessel function of the first kind, order 0.

    Shape: x [...] -> y [...].
    """
    unary("BesselJ0", x, FLOATS)
    return on_host(scipy_special().j0, x)


@gradient("BesselJ0")
def bessel_j0_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 1, negated."""
    return (g.call("Mul", grad, g.call("Neg", g.call("BesselJ1", g.inputs[0]))),)


@op("BesselJ1", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_j1(x: Any) -> Any:
    """Bessel function of the first kind, order 1.

    Shape: x [...] -> y [...].
    """
    unary("BesselJ1", x, FLOATS)
    return on_host(scipy_special().j1, x)


@gradient("BesselJ1")
def bessel_j1_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 0, less y / x; 1/2 at 0."""
    x, y = g.inputs[0], g.outputs[0]
    slope = g.call("Sub", g.call("BesselJ0", x), g.call("RealDiv", y, x))
    half = g.call("Mul", g.call("OnesLike", x), 0.5)
    return (g.call("Mul", grad, g.call("SelectV2", g.call("Equal", x, 0), half, slope)),)


@op("BesselY0", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_y0(x: Any) -> Any:
    """Bessel function of the second kind, order 0.

    Shape: x [...] -> y [...].
    """
    unary("BesselY0", x, FLOATS)
    return _from_pole(on_host(scipy_special().y0, x), x, -np.inf)


@gradient("BesselY0")
def bessel_y0_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 1, negated."""
    return (g.call("Mul", grad, g.call("Neg", g.call("BesselY1", g.inputs[0]))),)


@op("BesselY1", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_y1(x: Any) -> Any:
    """Bessel function of the second kind, order 1.

    Shape: x [...] -> y [...].
    """
    unary("BesselY1", x, FLOATS)
    return _from_pole(on_host(scipy_special().y1, x), x, -np.inf)


@gradient("BesselY1")
def bessel_y1_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 0, less y / x."""
    x, y = g.inputs[0], g.outputs[0]
    slope = g.call("Sub", g.call("BesselY0", x), g.call("RealDiv", y, x))
    return (g.call("Mul", grad, slope),)


@op("BesselK0", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_k0(x: Any) -> Any:
    """Modified Bessel function of the second kind, order 0.

    Shape: x [...] -> y [...].
    """
    unary("BesselK0", x, FLOATS)
    return _from_pole(on_host(scipy_special().k0, x), x, np.inf)


@gradient("BesselK0")
def bessel_k0_gradient(g: Any, grad: Any) -> tuple[Any]:
    """That of order 1, negated."""
    return (g.call("Mul", grad, g.call("Neg", g.call("BesselK1", g.inputs[0]))),)


@op("BesselK0e", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_k0e(x: Any) -> Any:
    """exp(x) times `BesselK0`.

    Shape: x [...] -> y [...].
    """
    unary("BesselK0e", x, FLOATS)
    return _from_pole(on_host(scipy_special().k0e, x), x, np.inf)


@gradient("BesselK0e")
def bessel_k0e_gradient(g: Any, grad: Any) -> tuple[Any]:
    """y less that of order 1."""
    return (g.call("Mul", grad, g.call("Sub", g.outputs[0], g.call("BesselK1e", g.inputs[0]))),)


@op("BesselK1", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_k1(x: Any) -> Any:
    """Modified Bessel function of the second kind, order 1.

    Shape: x [...] -> y [...].
    """
    unary("BesselK1", x, FLOATS)
    return _from_pole(on_host(scipy_special().k1, x), x, np.inf)


@gradient("BesselK1")
def bessel_k1_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-(that of order 0 + y / x)."""
    x, y = g.inputs[0], g.outputs[0]
    slope = g.call("AddV2", g.call("BesselK0", x), g.call("RealDiv", y, x))
    return (g.call("Mul", grad, g.call("Neg", slope)),)


@op("BesselK1e", inputs=("x: T",), outputs=("y: T",), shape="same", kernel="host")
def bessel_k1e(x: Any) -> Any:
    """exp(x) times `BesselK1`.

    Shape: x [...] -> y [...].
    """
    unary("BesselK1e", x, FLOATS)
    return _from_pole(on_host(scipy_special().k1e, x), x, np.inf)


@gradient("BesselK1e")
def bessel_k1e_gradient(g: Any, grad: Any) -> tuple[Any]:
    """y (1 - 1 / x) less that of order 0."""
    x, y = g.inputs[0], g.outputs[0]
    scaled = g.call("Mul", y, g.call("Sub", 1, g.call("Reciprocal", x)))
    return (g.call("Mul", grad, g.call("Sub", scaled, g.call("BesselK0e", x))),)
