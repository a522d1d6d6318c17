"""Complex numbers: their parts, and the way back."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.ops.elementwise import COMPLEX, binary, kinds, reduce_both, unary
from penstock.ops.table import gradient, op

_FLOAT32_64 = kinds(dtypes.float32, dtypes.float64)
_PARTS: dict[str, Any] = {"attrs": {"Tout": dtypes.float32}, "outputs": ("output: Tout",)}


@op(
    "Complex",
    inputs=("real: T", "imag: T"),
    outputs=("out: Tout",),
    attrs={"Tout": dtypes.complex64},
    shape="broadcast",
)
def complex_(real: Any, imag: Any, *, Tout: DType) -> Any:  # noqa: N803  (TensorFlow's attr)
    """Complex number of a real and an imaginary part.

    Shape: real [...], imag [...] -> out [...], broadcast together.
    Dtype: float32 -> complex64, float64 -> complex128.
    """
    xp = binary("Complex", real, imag, _FLOAT32_64)
    if Tout.real_dtype.np != real.dtype:
        raise InvalidArgumentError(
            f"Tout must be the complex type of {real.dtype}, got {Tout.name}"
        )
    if xp is np:
        out = np.empty(np.broadcast_shapes(real.shape, imag.shape), Tout.np)
        out.real, out.imag = real, imag
        return out
    # Not real + 1j * imag, which turns infinite parts into NaN.
    return jax.lax.complex(*xp.broadcast_arrays(real, imag))


@gradient("Complex")
def complex_gradient(g: Any, grad: Any) -> tuple[Any, Any]:
    """The two parts."""
    real = g.inputs[0].dtype
    return reduce_both(
        g,
        g.call("Real", grad, Tout=real) if g.needs(0) else None,
        g.call("Imag", grad, Tout=real) if g.needs(1) else None,
    )


@op("Real", inputs=("input: T",), shape="same", **_PARTS)
def real(input: Any, *, Tout: DType) -> Any:  # noqa: N803  (TensorFlow's attr)
    """Real part.

    Shape: input [...] -> output [...].
    Dtype: complex64 -> float32, complex128 -> float64.
    """
    unary("Real", input, COMPLEX)
    return input.real.astype(Tout.np, copy=False)


@gradient("Real")
def real_gradient(g: Any, grad: Any) -> tuple[Any]:
    """A complex number without imaginary part."""
    return (g.call("Complex", grad, g.call("ZerosLike", grad), Tout=g.inputs[0].dtype),)


@op("Imag", inputs=("input: T",), shape="same", **_PARTS)
def imag(input: Any, *, Tout: DType) -> Any:  # noqa: N803  (TensorFlow's attr)
    """Imaginary part.

    Shape: input [...] -> output [...].
    Dtype: complex64 -> float32, complex128 -> float64.
    """
    unary("Imag", input, COMPLEX)
    return input.imag.astype(Tout.np, copy=False)


@gradient("Imag")
def imag_gradient(g: Any, grad: Any) -> tuple[Any]:
    """A complex number without real part."""
    return (g.call("Complex", g.call("ZerosLike", grad), grad, Tout=g.inputs[0].dtype),)


@op("Angle", inputs=("input: T",), shape="same", **_PARTS)
def angle(input: Any, *, Tout: DType) -> Any:  # noqa: N803  (TensorFlow's attr)
    """Argument in radians, between -pi and pi.

    Shape: input [...] -> output [...].
    Dtype: complex64 -> float32, complex128 -> float64.
    """
    xp = unary("Angle", input, COMPLEX)
    return xp.arctan2(input.imag, input.real).astype(Tout.np, copy=False)


@gradient("Angle")
def angle_gradient(g: Any, grad: Any) -> tuple[Any]:
    """-1 / (imaginary part + i real part)."""
    z = g.inputs[0]
    parts = [g.call(part, z, Tout=grad.dtype) for part in ("Imag", "Real")]
    swapped = g.call("Complex", *parts, Tout=z.dtype)
    grad = g.call("Complex", grad, g.call("ZerosLike", grad), Tout=z.dtype)
    return (g.call("Mul", g.call("Neg", grad), g.call("Reciprocal", swapped)),)


@op(
    "ComplexAbs",
    inputs=("x: T",),
    outputs=("y: Tout",),
    attrs={"Tout": dtypes.float32},
    shape="same",
)
def complex_abs(x: Any, *, Tout: DType) -> Any:  # noqa: N803  (TensorFlow's attr)
    """Distance from zero.

    Shape: x [...] -> y [...].
    Dtype: complex64 -> float32, complex128 -> float64.
    """
    return unary("ComplexAbs", x, COMPLEX).abs(x).astype(Tout.np, copy=False)


@gradient("ComplexAbs")
def complex_abs_gradient(g: Any, grad: Any) -> tuple[Any]:
    """x / |x|, and 0 at 0."""
    x, y = g.inputs[0], g.outputs[0]
    zeros = g.call("ZerosLike", grad)
    grad = g.call("Complex", grad, zeros, Tout=x.dtype)
    size = g.call("Complex", y, zeros, Tout=x.dtype)
    return (g.call("DivNoNan", g.call("Mul", grad, x), size),)


@op("Conj", inputs=("input: T",), outputs=("output: T",), shape="same")
def conj(input: Any) -> Any:
    """Complex conjugate.

    Shape: input [...] -> output [...].
    """
    return unary("Conj", input, COMPLEX).conj(input)


@gradient("Conj")
def conj_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Conjugate."""
    return (g.call("Conj", grad),)
