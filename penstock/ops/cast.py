"""Conversion between dtypes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import UnimplementedError
from penstock.ops.elementwise import COMPLEX, FLOAT8, FLOATS, INTEGERS, kinds
from penstock.ops.namespace import namespace
from penstock.ops.table import REQUIRED, gradient, op

_NARROW_INTEGERS = kinds(dtypes.int4, dtypes.uint4, dtypes.int2, dtypes.uint2)
_REAL_FLOATS = FLOATS | FLOAT8
_WHOLE = INTEGERS | _NARROW_INTEGERS
_KNOWN = _REAL_FLOATS | COMPLEX | _WHOLE | kinds(dtypes.bool)
_CARRIES_GRADIENTS = frozenset(
    {
        dtypes.float16,
        dtypes.bfloat16,
        dtypes.float32,
        dtypes.float64,
        dtypes.complex64,
        dtypes.complex128,
    }
)


@op(
    "Cast",
    inputs=("x: SrcT",),
    outputs=("y: DstT",),
    attrs={"DstT": REQUIRED, "Truncate": False},
    shape="same",
)
def cast(x: Any, *, DstT: DType, Truncate: bool) -> Any:  # noqa: N803  (TensorFlow's attrs)
    """Value in another dtype.

    Shape: x [...] -> y [...].
    Dtype: fractions are cut off; integers wrap around; what does not fit 32 or 64 bits becomes
        the lowest integer; of complex numbers the real part is taken; to bool, what is not zero
        is true. `Truncate` rounds floating-point numbers towards zero, not to the nearest.
    Errors: UnimplementedError for strings, handles and quantized types.
    """
    source, target = x.dtype, DstT.np
    if source == target:
        return x
    if source.names or target.names:
        return _quantized(x, DstT, Truncate)
    if source not in _KNOWN or target not in _KNOWN:
        name = dtypes.dtype_of_numpy(source).name
        raise UnimplementedError(f"cast from {name} to {DstT.name} is not supported")
    xp = namespace(x)
    if source in COMPLEX and target not in COMPLEX:
        x = x.real
    if Truncate:
        x = _cut(xp, x, target)
    if xp is np:
        return _on_numpy(x, target)
    return _on_device(xp, x, target)


def _quantized(x: Any, target: DType, truncate: bool) -> Any:
    """Cast from or to a quantized type, which counts as the integers that store it."""
    stored = x.view(x.dtype[0]) if x.dtype.names else x
    storage = dtypes.dtype_of_numpy(target.np[0]) if target.np.names else target
    return cast(stored, DstT=storage, Truncate=truncate).view(target.np)


def _on_numpy(x: Any, target: Any) -> Any:
    if target in _WHOLE and x.dtype in FLOAT8:
        x = x.astype(np.float32)
    if target in _NARROW_INTEGERS and x.dtype not in _WHOLE:
        x = x.astype(np.int32)
    return x.astype(target)


def _on_device(xp: Any, x: Any, target: Any) -> Any:
    if x.dtype not in _REAL_FLOATS or target not in _WHOLE:
        return x.astype(target)
    # XLA goes to the nearest value that fits; the conversion of the CPU gives the lowest value
    # of 32 or 64 bits, of which narrow types take the low bits.
    if x.dtype in FLOAT8:
        x = x.astype(np.float32)
    wide = np.dtype(np.int64 if target.itemsize >= 8 or target == np.uint32 else np.int32)
    limit = 2.0 ** (8 * wide.itemsize - 1)
    if target == np.uint64:
        high = x >= limit
        fits = high & (x < 2 * limit)
        upper = xp.where(fits, x - x.dtype.type(limit), 0).astype(np.uint64)
        below = xp.where(high, 0, _to_signed(xp, x, wide, limit)).astype(np.uint64)
        return xp.where(high, upper + np.uint64(2**63), below)
    return _to_signed(xp, x, wide, limit).astype(target)


def _to_signed(xp: Any, x: Any, wide: Any, limit: float) -> Any:
    if float(ml_dtypes.finfo(x.dtype).max) < limit:
        inside = xp.isfinite(x)
    else:
        inside = (x >= -limit) & (x < limit)
    return xp.where(inside, xp.where(inside, x, 0).astype(wide), np.iinfo(wide).min)


def _cut(xp: Any, x: Any, target: Any) -> Any:
    """Clear the bits of the mantissa that `target` has no room for."""
    if x.dtype not in FLOATS or target not in _REAL_FLOATS:
        return x
    spare = ml_dtypes.finfo(x.dtype).nmant - ml_dtypes.finfo(target).nmant
    if spare <= 0:
        return x
    bits = np.dtype(f"uint{8 * x.dtype.itemsize}")
    mask = bits.type((1 << (8 * x.dtype.itemsize)) - (1 << spare))
    cleared = (x.view(bits) & mask).view(x.dtype)
    return xp.where(xp.isfinite(x), cleared, x)


@gradient("Cast")
def cast_gradient(g: Any, grad: Any) -> tuple[Any]:
    """Cast back, if both types are floating-point or complex."""
    source = g.inputs[0].dtype
    if source not in _CARRIES_GRADIENTS or grad.dtype not in _CARRIES_GRADIENTS:
        return (None,)
    return (g.call("Cast", grad, DstT=source),)
