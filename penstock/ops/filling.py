"""New arrays: filled with one value, empty, or broadcast from a smaller one."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.array import ANY_SIZE
from penstock.ops.namespace import namespace
from penstock.ops.shapes import filled, length_of, shape_from, sizes_of
from penstock.ops.table import REQUIRED, device_kernel, gradient, op

# Above this many elements a constant made while tracing would only bloat the program.
_SMALL = 256


def _fill_shape(dims: Any, value: Any, **_: Any) -> TensorShape:
    del value
    return shape_from(dims)


@op(
    "Fill",
    inputs=("dims: index_type", "value: T"),
    outputs=("output: T",),
    constant_inputs=("dims",),
    shape=_fill_shape,
    host_limit=ANY_SIZE,
)
def fill(dims: Any, value: Any) -> Any:
    """Array that holds one value everywhere.

    Shape: dims [rank], value [] -> output [...], the sizes in `dims`.
    """
    sizes = sizes_of(dims, "dims")
    return filled(sizes, _one(value), value.dtype)


@device_kernel("Fill")
def fill_on_device(dims: Any, value: Any) -> Any:
    """As `fill`; small constants stay on the host, where shapes are computed."""
    sizes = sizes_of(dims, "dims")
    if namespace(value) is np and math.prod(sizes) <= _SMALL:
        return filled(sizes, _one(value), value.dtype)
    return jnp.broadcast_to(_one(value), sizes)


def _one(value: Any) -> Any:
    if math.prod(value.shape) != 1:
        raise InvalidArgumentError(f"value must be a scalar, got shape {list(value.shape)}")
    return value.reshape(())


@gradient("Fill")
def fill_gradient(g: Any, grad: Any) -> Any:
    """Sum the gradient of all places."""
    return None, g.reduce_to(grad, g.inputs[1])


def _zeros(sizes: Any, dtype: Any) -> Any:
    return filled(sizes, b"", dtype) if dtype.kind == "O" else np.zeros(sizes, dtype)


@op(
    "ZerosLike",
    inputs=("x: T",),
    outputs=("y: T",),
    shape="same",
    differentiable=False,
    host_limit=ANY_SIZE,
)
def zeros_like(x: Any) -> Any:
    """Zeros, False or empty strings in the shape of x.

    Shape: x [...] -> y [...].
    """
    return _zeros(x.shape, x.dtype)


@device_kernel("ZerosLike")
def zeros_like_on_device(x: Any) -> Any:
    """As `zeros_like`; small constants stay on the host, where shapes are computed."""
    xp = np if math.prod(x.shape) <= _SMALL else jnp
    return xp.zeros(x.shape, x.dtype)


@op(
    "OnesLike",
    inputs=("x: T",),
    outputs=("y: T",),
    shape="same",
    differentiable=False,
    host_limit=ANY_SIZE,
)
def ones_like(x: Any) -> Any:
    """Ones or True in the shape of x.

    Shape: x [...] -> y [...].
    """
    if x.dtype == object:
        raise InvalidArgumentError("x must be of a numeric type or bool, got strings")
    return np.ones(x.shape, x.dtype)


@device_kernel("OnesLike")
def ones_like_on_device(x: Any) -> Any:
    """As `ones_like`; small constants stay on the host, where shapes are computed."""
    xp = np if math.prod(x.shape) <= _SMALL else jnp
    return xp.ones(x.shape, x.dtype)


@op(
    "Empty",
    inputs=("shape: int32",),
    outputs=("output: dtype",),
    attrs={"dtype": REQUIRED, "init": False},
    constant_inputs=("shape",),
    differentiable=False,
    shape=lambda shape, **_: shape_from(shape),
)
def empty(shape: Any, *, dtype: DType, init: bool) -> Any:
    """Array to be overwritten; it holds zeros, whether `init` asks for them or not.

    Shape: shape [rank] -> output [...], the sizes in `shape`.
    """
    del init
    return _zeros(sizes_of(shape, "shape"), dtype.np)


@device_kernel("Empty")
def empty_on_device(shape: Any, *, dtype: DType, init: bool) -> Any:
    """As `empty`, without a constant in the program."""
    del init
    return jnp.zeros(sizes_of(shape, "shape"), dtype.np)


def _broadcast_to_shape(x: Any, shape: Any) -> TensorShape:
    result = shape_from(shape)
    if result.is_fully_defined() and x.shape.is_fully_defined():
        _check_broadcast(x.shape.as_tuple(), result.as_tuple())
    return result


def _check_broadcast(old: Any, new: Any) -> None:
    padded = (1,) * (len(new) - len(old)) + tuple(old)
    if len(padded) != len(new) or any(
        a not in (1, b) for a, b in zip(padded, new, strict=True)
    ):
        raise InvalidArgumentError(f"shape {list(old)} cannot be broadcast to {list(new)}")


@op(
    "BroadcastTo",
    inputs=("input: T", "shape: Tidx"),
    outputs=("output: T",),
    constant_inputs=("shape",),
    shape=_broadcast_to_shape,
    host_limit=ANY_SIZE,
)
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeat along axes of size 1 and along new axes in front.

    Shape: input [...], shape [rank] -> output [...], the sizes in `shape`.
    Errors: InvalidArgumentError when a size is neither 1 nor the one asked for.
    """
    if shape.ndim != 1:
        raise InvalidArgumentError(f"shape must be a vector, got shape {list(shape.shape)}")
    sizes = sizes_of(shape, "shape")
    _check_broadcast(x.shape, sizes)
    return namespace(x).broadcast_to(x, sizes)


@gradient("BroadcastTo")
def broadcast_to_gradient(g: Any, grad: Any) -> Any:
    """Sum the gradient over the repeats."""
    return g.reduce_to(grad, g.inputs[0]), None


def _broadcast_sizes(a: list[int], b: list[int]) -> list[int]:
    length = max(len(a), len(b))
    a = [1] * (length - len(a)) + a
    b = [1] * (length - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(a, b, strict=True)):
        raise InvalidArgumentError(f"sizes must agree or be 1, got shapes {a} and {b}")
    return [n if m == 1 else m for m, n in zip(a, b, strict=True)]


def _longer(s0: Any, s1: Any) -> TensorShape:
    m, n = length_of(s0), length_of(s1)
    return TensorShape.of((None if m is None or n is None else max(m, n),))


@op(
    "BroadcastArgs",
    inputs=("s0: T", "s1: T"),
    outputs=("r0: T",),
    constant_inputs=("s0", "s1"),
    differentiable=False,
    shape=_longer,
)
def broadcast_args(s0: Any, s1: Any) -> Any:
    """Shape of the broadcast of two shapes.

    Shape: s0 [m], s1 [n] -> r0 [max(m, n)].
    """
    sizes = _broadcast_sizes(sizes_of(s0, "s0"), sizes_of(s1, "s1"))
    return np.array(sizes, s0.dtype)


@op(
    "BroadcastGradientArgs",
    inputs=("s0: T", "s1: T"),
    outputs=("r0: T", "r1: T"),
    constant_inputs=("s0", "s1"),
    differentiable=False,
    shape=lambda *_: (TensorShape.of((None,)), TensorShape.of((None,))),
)
def broadcast_gradient_args(s0: Any, s1: Any) -> Any:
    """Axes over which the gradient of a broadcast is summed, for each operand.

    Shape: s0 [m], s1 [n] -> r0 [p], r1 [q].
    """
    first, second = sizes_of(s0, "s0"), sizes_of(s1, "s1")
    sizes = _broadcast_sizes(first, second)
    if first == second:
        return np.zeros(0, s0.dtype), np.zeros(0, s0.dtype)
    both = []
    for own in (first, second):
        padded = [1] * (len(sizes) - len(own)) + own
        both.append(np.array([i for i, size in enumerate(padded) if size == 1], s0.dtype))
    return tuple(both)
