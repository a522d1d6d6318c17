"""What elementwise kernels share: the dtypes they take, and the library that computes."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NoReturn

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.ops.namespace import namespace

Kinds = frozenset["np.dtype[Any]"]


def kinds(*types: DType) -> Kinds:
    """Return the numpy dtypes of `types`, to ask for membership."""
    return frozenset(each.np for each in types)


HALVES: Final = kinds(dtypes.float16, dtypes.bfloat16)
FLOATS: Final = HALVES | kinds(dtypes.float32, dtypes.float64)
COMPLEX: Final = kinds(dtypes.complex64, dtypes.complex128)
SIGNED: Final = kinds(dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)
UNSIGNED: Final = kinds(dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64)
INTEGERS: Final = SIGNED | UNSIGNED
INEXACT: Final = FLOATS | COMPLEX
REALS: Final = FLOATS | INTEGERS
NUMBERS: Final = REALS | COMPLEX
FLOAT8: Final = kinds(
    dtypes.float8_e5m2,
    dtypes.float8_e4m3fn,
    dtypes.float8_e4m3fnuz,
    dtypes.float8_e4m3b11fnuz,
    dtypes.float8_e5m2fnuz,
)


def unary(op: str, x: Any, allowed: Kinds) -> ModuleType:
    """Refuse `x` unless its dtype is in `allowed`; return numpy or jax.numpy."""
    if x.dtype not in allowed:
        refuse(op, x.dtype, allowed)
    return np if type(x) is np.ndarray else namespace(x)


def binary(op: str, x: Any, y: Any, allowed: Kinds) -> ModuleType:
    """Refuse dtypes outside `allowed` and shapes that do not broadcast; return the library."""
    if x.dtype not in allowed:
        refuse(op, x.dtype, allowed)
    if x.shape != y.shape:
        check_broadcast(x.shape, y.shape)
    if type(x) is np.ndarray and type(y) is np.ndarray:
        return np
    return namespace(x, y)


def refuse(op: str, dtype: Any, allowed: Kinds) -> NoReturn:
    """Raise what TensorFlow raises for an op that does not take a dtype."""
    names = ", ".join(sorted(dtypes.dtype_of_numpy(each).name for each in allowed))
    raise InvalidArgumentError(
        f"op '{op}' takes {names}, got {dtypes.dtype_of_numpy(dtype).name}; use tf.cast"
    )


def refuse_kernel(op: str, x: Any, missing: Kinds) -> None:
    """Raise where TensorFlow's definition takes a dtype, but no device has a kernel for it."""
    if x.dtype in missing:
        name = dtypes.dtype_of_numpy(x.dtype).name
        raise NotFoundError(f"op '{op}' has no kernel for {name}; use tf.cast")


def check_broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Raise unless the shapes `a` and `b` can be broadcast together."""
    for m, n in zip(reversed(a), reversed(b), strict=False):
        if m not in (n, 1) and n != 1:
            raise InvalidArgumentError(
                f"incompatible shapes: {list(a)} and {list(b)} cannot be broadcast together"
            )


def widened(x: Any) -> Any:
    """Return `x` as float32 where it is a half, so that intermediate results keep precision."""
    return x.astype(np.float32) if x.dtype in HALVES else x


# What is closer to zero than this is subnormal.
_TINY: Final = {np.dtype(kind): kind(np.finfo(kind).tiny) for kind in (np.float32, np.float64)}


def flushed(x: Any) -> Any:
    """Return the numpy array `x` with 0 in place of subnormal numbers.

    TensorFlow and XLA compute so. It shows where a function has a pole or a step at 0.
    """
    tiny = _TINY.get(x.dtype)
    if tiny is None or (x.size > _LARGE and x.min() >= tiny):
        return x
    return x * (np.abs(x) >= tiny)


# From this size on, looking whether there are small numbers at all pays.
_LARGE = 1 << 12


def on_host(function: Callable[..., Any], *args: Any) -> Any:
    """Apply a numpy function that knows no half precision; the result has the first dtype."""
    dtype = args[0].dtype
    if dtype in HALVES:
        return np.asarray(function(*[x.astype(np.float32) for x in args])).astype(dtype)
    return function(*args)


def conjugate(g: Any, x: Any) -> Any:
    """Conjugate the tensor `x` in a gradient rule; a real one is returned as it is.

    TensorFlow's gradient of a holomorphic function is the incoming one times the conjugate of
    the derivative.
    """
    return g.call("Conj", x) if x.dtype.is_complex else x


def reduce_both(g: Any, grad_x: Any, grad_y: Any) -> tuple[Any, Any]:
    """Sum the gradients of a broadcasting op of two inputs down to the shapes of these."""
    x, y = g.inputs
    return (
        None if grad_x is None else g.reduce_to(grad_x, x),
        None if grad_y is None else g.reduce_to(grad_y, y),
    )
