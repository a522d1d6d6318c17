"""Special functions: `tf.math.special`."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.runtime.dispatch import call

__all__ = [
    "bessel_i0",
    "bessel_i0e",
    "bessel_i1",
    "bessel_i1e",
    "bessel_j0",
    "bessel_j1",
    "bessel_k0",
    "bessel_k0e",
    "bessel_k1",
    "bessel_k1e",
    "bessel_y0",
    "bessel_y1",
    "dawsn",
    "expint",
    "fresnel_cos",
    "fresnel_sin",
    "spence",
]


def bessel_i0(x: Any, name: str | None = None) -> Any:
    """Modified Bessel function of the first kind, order 0."""
    return call("BesselI0", x, name=name)


def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) times `bessel_i0`."""
    return call("BesselI0e", x, name=name)


def bessel_i1(x: Any, name: str | None = None) -> Any:
    """Modified Bessel function of the first kind, order 1."""
    return call("BesselI1", x, name=name)


def bessel_i1e(x: Any, name: str | None = None) -> Any:
    """exp(-|x|) times `bessel_i1`."""
    return call("BesselI1e", x, name=name)


def bessel_j0(x: Any, name: str | None = None) -> Any:
    """Bessel function of the first kind, order 0."""
    return call("BesselJ0", x, name=name)


def bessel_j1(x: Any, name: str | None = None) -> Any:
    """Bessel function of the first kind, order 1."""
    return call("BesselJ1", x, name=name)


def bessel_k0(x: Any, name: str | None = None) -> Any:
    """Modified Bessel function of the second kind, order 0."""
    return call("BesselK0", x, name=name)


def bessel_k0e(x: Any, name: str | None = None) -> Any:
    """exp(x) times `bessel_k0`."""
    return call("BesselK0e", x, name=name)


def bessel_k1(x: Any, name: str | None = None) -> Any:
    """Modified Bessel function of the second kind, order 1."""
    return call("BesselK1", x, name=name)


def bessel_k1e(x: Any, name: str | None = None) -> Any:
    """exp(x) times `bessel_k1`."""
    return call("BesselK1e", x, name=name)


def bessel_y0(x: Any, name: str | None = None) -> Any:
    """Bessel function of the second kind, order 0."""
    return call("BesselY0", x, name=name)


def bessel_y1(x: Any, name: str | None = None) -> Any:
    """Bessel function of the second kind, order 1."""
    return call("BesselY1", x, name=name)


def dawsn(x: Any, name: str | None = None) -> Any:
    """Dawson's integral: exp(-x**2) times the integral of exp(t**2) from 0 to x."""
    return call("Dawsn", x, name=name)


def expint(x: Any, name: str | None = None) -> Any:
    """Exponential integral, for positive x."""
    return call("Expint", x, name=name)


def fresnel_cos(x: Any, name: str | None = None) -> Any:
    """Fresnel's integral of the cosine."""
    return call("FresnelCos", x, name=name)


def fresnel_sin(x: Any, name: str | None = None) -> Any:
    """Fresnel's integral of the sine."""
    return call("FresnelSin", x, name=name)


def spence(x: Any, name: str | None = None) -> Any:
    """Spence's integral: that of log(t) / (1 - t) from 1 to x."""
    return call("Spence", x, name=name)


open_to_composites(globals())
