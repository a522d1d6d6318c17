"""Whole arrays: constants, identities, shapes, reshaping, filling and broadcasting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, as_shape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.shapes import (
    axis_in,
    length_of,
    product_of,
    scalar_of,
    shape_from,
    sizes_of,
    value_of,
    values_of,
)
from penstock.ops.table import REQUIRED, TYPE_LIST, gradient, op

# Views cost numpy nothing, however large the array is.
ANY_SIZE = 1 << 62


def shape_of(g: Any, x: Any) -> Any:
    """Shape of a tensor in a gradient rule: a constant when it is known, else computed."""
    shape = x.shape
    if shape.is_fully_defined():
        return np.array(shape.as_tuple(), np.int32)
    return g.call("Shape", x)


def _const_shape(*, value: Any, dtype: DType) -> TensorShape:
    del dtype
    return TensorShape(np.shape(value))


@op(
    "Const",
    outputs=("output: dtype",),
    attrs={"value": REQUIRED, "dtype": REQUIRED},
    differentiable=False,
    shape=_const_shape,
)
def const(*, value: Any, dtype: DType) -> Any:
    """Value that is part of the graph.

    Shape: -> output [...], the shape of `value`.
    """
    del dtype
    return value


@op("Identity", inputs=("input: T",), outputs=("output: T",), shape="same", host_limit=ANY_SIZE)
def identity(x: Any) -> Any:
    """Return the input.

    Shape: input [...] -> output [...].
    """
    return x


@op("Snapshot", inputs=("input: T",), outputs=("output: T",), shape="same", host_limit=ANY_SIZE)
def snapshot(x: Any) -> Any:
    """Return the input as it is at this moment.

    Shape: input [...] -> output [...].
    """
    return x


@op("GuaranteeConst", inputs=("input: T",), outputs=("output: T",), shape="same")
def guarantee_const(x: Any) -> Any:
    """Return the input, of which the caller promises that it never changes.

    Shape: input [...] -> output [...].
    """
    return x


@op("DeepCopy", inputs=("x: T",), outputs=("y: T",), shape="same")
def deep_copy(x: Any) -> Any:
    """Return a copy of the input.

    Shape: x [...] -> y [...].
    """
    return x.copy() if namespace(x) is np else x


@op(
    "PlaceholderWithDefault",
    inputs=("input: dtype",),
    outputs=("output: dtype",),
    attrs={"shape": TensorShape(None)},
    shape=lambda x, *, shape: x.shape if x.shape.is_compatible_with(shape) else as_shape(shape),
)
def placeholder_with_default(x: Any, *, shape: TensorShape) -> Any:
    """Return the input, where nothing is fed in its place.

    Shape: input [...] -> output [...].
    """
    del shape
    return x


@gradient("Identity", "Snapshot", "GuaranteeConst", "DeepCopy", "PlaceholderWithDefault")
def identity_gradient(g: Any, grad: Any) -> Any:
    """Pass the gradient on."""
    del g
    return grad


def _each_shape(xs: Any, **_: Any) -> tuple[TensorShape, ...]:
    return tuple(x.shape for x in xs)


@op(
    "IdentityN",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"T": TYPE_LIST},
    shape=_each_shape,
    host_limit=ANY_SIZE,
)
def identity_n(xs: Any, **_: Any) -> Any:
    """Return all inputs.

    Shape: input [...] each -> output [...] each.
    """
    return tuple(xs)


@gradient("IdentityN")
def identity_n_gradient(g: Any, *grads: Any) -> Any:
    """Pass the gradients on."""
    del g
    return grads


@op(
    "StopGradient",
    inputs=("input: T",),
    outputs=("output: T",),
    shape="same",
    differentiable=False,
    host_limit=ANY_SIZE,
)
def stop_gradient(x: Any) -> Any:
    """Return the input, which counts as a constant for differentiation.

    Shape: input [...] -> output [...].
    """
    return x if namespace(x) is np else jax.lax.stop_gradient(x)


@op(
    "PreventGradient",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"message": ""},
    shape="same",
)
def prevent_gradient(x: Any, *, message: str) -> Any:
    """Return the input, which refuses to be differentiated.

    Shape: input [...] -> output [...].
    """
    del message
    return x


@gradient("PreventGradient")
def prevent_gradient_gradient(g: Any, grad: Any) -> Any:
    """Refuse, with TensorFlow's error class."""
    del grad
    raise LookupError(f"Gradient explicitly disabled. Reason: {g.attrs['message']!r}.")


def _shape_shape(x: Any, *, out_type: DType) -> TensorShape:
    del out_type
    return TensorShape.of((x.shape.rank,))


@op(
    "Shape",
    inputs=("input: T",),
    outputs=("output: out_type",),
    attrs={"out_type": dtypes.int32},
    differentiable=False,
    shape=_shape_shape,
    host_limit=ANY_SIZE,
)
def shape(x: Any, *, out_type: DType) -> Any:
    """Sizes of the axes; known while tracing, so that arithmetic on shapes needs no device.

    Shape: input [...] -> output [rank].
    """
    return _sizes(x.shape, out_type)


def _sizes(shape: Sequence[Any], out_type: DType) -> Any:
    try:
        return np.array(shape, out_type.np)
    except jax.errors.InconclusiveDimensionOperation:
        # In a program for open sizes these are known when it runs.
        return jnp.stack([jnp.asarray(size).astype(out_type.np) for size in shape])


@op(
    "ShapeN",
    inputs=("input: N * T",),
    outputs=("output: N * out_type",),
    attrs={"out_type": dtypes.int32},
    differentiable=False,
    shape=lambda xs, **_: tuple(TensorShape.of((x.shape.rank,)) for x in xs),
    host_limit=ANY_SIZE,
)
def shape_n(xs: Any, *, out_type: DType) -> Any:
    """Sizes of the axes of each input.

    Shape: input [...] each -> output [rank] each.
    """
    return tuple(_sizes(x.shape, out_type) for x in xs)


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape.of(())


@op(
    "Size",
    inputs=("input: T",),
    outputs=("output: out_type",),
    attrs={"out_type": dtypes.int32},
    differentiable=False,
    shape=_scalar,
    host_limit=ANY_SIZE,
)
def size(x: Any, *, out_type: DType) -> Any:
    """Count the elements.

    Shape: input [...] -> output [].
    """
    return _sizes((math.prod(x.shape),), out_type).reshape(())


@op(
    "Rank",
    inputs=("input: T",),
    outputs=("output: int32",),
    differentiable=False,
    shape=_scalar,
    host_limit=ANY_SIZE,
)
def rank(x: Any) -> Any:
    """Count the axes.

    Shape: input [...] -> output [].
    """
    return np.array(len(x.shape), np.int32)


def resolve_sizes(old: tuple[int, ...], sizes: list[int]) -> list[int]:
    """Replace the -1 in the sizes asked from a reshape, and check them.

    A zero among `sizes` leaves out the zeros of `old` when the unknown size is found, so that
    the rest of the shape still tells it.
    """
    if min(sizes, default=0) < -1 or sizes.count(-1) > 1:
        raise InvalidArgumentError(
            f"shape must have sizes >= 0 and at most one -1, got {sizes}"
        )
    if -1 in sizes:
        known = math.prod([size for size in sizes if size > 0])
        total = math.prod([size for size in old if size > 0 or 0 not in sizes])
        if total % known == 0 or (0 in sizes and 0 in old):
            sizes = [total // known if size < 0 else size for size in sizes]
    if -1 in sizes or math.prod(sizes) != math.prod(old):
        raise InvalidArgumentError(
            f"shape must fit the {math.prod(old)} elements of {list(old)}, got {sizes}"
        )
    return sizes


def _reshape_shape(x: Any, shape: Any) -> TensorShape:
    result = shape_from(shape)
    if result.rank is None or result.is_fully_defined() or x.shape.rank is None:
        return result
    wanted = values_of(shape)
    if wanted is None:
        return result
    old = x.shape.as_tuple()
    if None not in old:
        return TensorShape(resolve_sizes(old, wanted))
    # An unknown size that is asked for again ([n, 6] -> [-1, 2, 3]) cancels only as a product.
    known = product_of(size for size in old if size is not None)
    if old.count(None) == 1 and known == 0 and 0 not in wanted:
        return TensorShape.of(tuple(0 if size < 0 else size for size in wanted))
    return result


@op(
    "Reshape",
    inputs=("tensor: T", "shape: Tshape"),
    outputs=("output: T",),
    constant_inputs=("shape",),
    shape=_reshape_shape,
    host_limit=ANY_SIZE,
)
def reshape(tensor: Any, shape: Any) -> Any:
    """Same elements, in row order, under other sizes; one size may be -1.

    Shape: tensor [...], shape [rank] -> output [...], the sizes in `shape`.
    Errors: InvalidArgumentError when the numbers of elements differ.
    """
    if shape.ndim > 1 or (shape.size and shape.dtype.kind not in "iu"):
        raise InvalidArgumentError(
            f"shape must be a vector of integers, got {shape.dtype}{list(shape.shape)}"
        )
    sizes = shape.tolist() if shape.ndim else [shape.item()]
    return tensor.reshape(resolve_sizes(tensor.shape, sizes))


def _expand_dims_shape(x: Any, dim: Any) -> TensorShape:
    rank, axis = x.shape.rank, value_of(dim)
    if rank is None or axis is None:
        return unknown_shape(None if rank is None else rank + 1)
    sizes = list(x.shape.as_tuple())
    sizes.insert(axis_in(axis, rank + 1, "dim"), 1)
    return TensorShape.of(tuple(sizes))


@op(
    "ExpandDims",
    inputs=("input: T", "dim: Tdim"),
    outputs=("output: T",),
    constant_inputs=("dim",),
    shape=_expand_dims_shape,
    host_limit=ANY_SIZE,
)
def expand_dims(x: Any, dim: Any) -> Any:
    """Insert an axis of size 1 before axis `dim`; a negative one counts from the end.

    Shape: input [...], dim [] -> output [..., 1, ...].
    Errors: InvalidArgumentError when dim is not in [-rank - 1, rank].
    """
    sizes = list(x.shape)
    sizes.insert(axis_in(scalar_of(dim, "dim"), len(sizes) + 1, "dim"), 1)
    return x.reshape(sizes)


def _squeeze_shape(x: Any, *, squeeze_dims: tuple[int, ...]) -> TensorShape:
    if x.shape.rank is None:
        return unknown_shape()
    sizes = x.shape.as_tuple()
    if not squeeze_dims:
        if None in sizes:
            return unknown_shape()
        return TensorShape.of(tuple(size for size in sizes if size != 1))
    axes = {axis_in(axis, len(sizes), "squeeze_dims") for axis in squeeze_dims}
    return TensorShape.of(tuple(size for i, size in enumerate(sizes) if i not in axes))


@op(
    "Squeeze",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"squeeze_dims": ()},
    shape=_squeeze_shape,
    host_limit=ANY_SIZE,
)
def squeeze(x: Any, *, squeeze_dims: tuple[int, ...]) -> Any:
    """Drop the axes of size 1: those named, or all.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError when a named axis has another size.
    """
    sizes = x.shape
    if not squeeze_dims:
        return x.reshape([size for size in sizes if size != 1])
    axes = {axis_in(axis, len(sizes), "squeeze_dims") for axis in squeeze_dims}
    for axis in axes:
        if sizes[axis] != 1:
            raise InvalidArgumentError(
                f"axis {axis} to squeeze must have size 1, got {sizes[axis]} in {list(sizes)}"
            )
    return x.reshape([size for i, size in enumerate(sizes) if i not in axes])


def _transpose_shape(x: Any, perm: Any) -> TensorShape:
    axes = values_of(perm)
    if axes is None:
        return unknown_shape(x.shape.rank if x.shape.rank is not None else length_of(perm))
    if x.shape.rank is None:
        return unknown_shape(len(axes))
    sizes = x.shape.as_tuple()
    return TensorShape.of(tuple(sizes[axis] for axis in _checked_perm(axes, len(sizes))))


def _checked_perm(axes: list[int], rank: int) -> list[int]:
    if len(axes) != rank or sorted(axis % rank for axis in axes) != list(range(rank)):
        raise InvalidArgumentError(f"perm must hold each of the {rank} axes once, got {axes}")
    return axes


@op(
    "Transpose",
    inputs=("x: T", "perm: Tperm"),
    outputs=("y: T",),
    constant_inputs=("perm",),
    shape=_transpose_shape,
    host_limit=ANY_SIZE,
)
def transpose(x: Any, perm: Any) -> Any:
    """Axis i of the result is axis perm[i] of x.

    Shape: x [...], perm [rank] -> y [...], permuted.
    Errors: InvalidArgumentError when perm is not a permutation of the axes.
    """
    if perm.ndim != 1:
        raise InvalidArgumentError(f"perm must be a vector, got shape {list(perm.shape)}")
    axes = perm.tolist()
    try:
        return x.transpose(axes)
    except (ValueError, TypeError):
        return x.transpose(_checked_perm(axes, len(x.shape)))


@op(
    "ConjugateTranspose",
    inputs=("x: T", "perm: Tperm"),
    outputs=("y: T",),
    constant_inputs=("perm",),
    shape=_transpose_shape,
)
def conjugate_transpose(x: Any, perm: Any) -> Any:
    """Transpose, and conjugate complex elements.

    Shape: x [...], perm [rank] -> y [...], permuted.
    """
    y = transpose(x, perm)
    return y.conj() if y.dtype.kind == "c" else y


@gradient("Transpose")
def transpose_gradient(g: Any, grad: Any) -> Any:
    """Transpose the gradient back."""
    return g.call("Transpose", grad, g.call("InvertPermutation", g.inputs[1])), None


@gradient("ConjugateTranspose")
def conjugate_transpose_gradient(g: Any, grad: Any) -> Any:
    """Transpose and conjugate the gradient back."""
    return g.call("ConjugateTranspose", grad, g.call("InvertPermutation", g.inputs[1])), None


@op(
    "InvertPermutation",
    inputs=("x: T",),
    outputs=("y: T",),
    differentiable=False,
    shape="same",
)
def invert_permutation(x: Any) -> Any:
    """Permutation that undoes x: y[x[i]] = i.

    Shape: x [n] -> y [n].
    Errors: InvalidArgumentError when x is not a permutation of 0 .. n - 1.
    """
    if x.ndim != 1:
        raise InvalidArgumentError(f"x must be a vector, got shape {list(x.shape)}")
    xp = namespace(x)
    every = np.arange(len(x), dtype=x.dtype)
    require(
        (xp.sort(x) == every).all(),
        InvalidArgumentError,
        f"x must be a permutation of 0 .. {len(x) - 1}",
    )
    return xp.argsort(x).astype(x.dtype)


@op(
    "EnsureShape",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs={"shape": REQUIRED},
    shape=lambda x, *, shape: x.shape.merge_with(shape),
    host_limit=ANY_SIZE,
)
def ensure_shape(x: Any, *, shape: TensorShape) -> Any:
    """Return the input, if its shape fits.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError when the input does not have a shape compatible with `shape`.
    """
    if not as_shape(shape).is_compatible_with(x.shape):
        raise InvalidArgumentError(f"input must have shape {shape}, got {list(x.shape)}")
    return x


@gradient("Reshape", "ExpandDims", "Squeeze", "EnsureShape")
def reshape_gradient(g: Any, grad: Any) -> Any:
    """Give the gradient the shape of the input."""
    x = g.inputs[0]
    result = g.call("Reshape", grad, shape_of(g, x))
    return (result, None) if len(g.inputs) == 2 else result


_COMPLEX_PARTS = {"complex64": np.float32, "complex128": np.float64}


def _bitcast_shape(x: Any, *, type: DType) -> TensorShape:
    if x.shape.rank is None:
        return unknown_shape()
    sizes, old, new = x.shape.as_tuple(), x.dtype.size, type.size
    if old > new:
        return TensorShape.of((*sizes, old // new))
    return TensorShape.of(sizes[:-1]) if old < new else x.shape


@op(
    "Bitcast",
    inputs=("input: T",),
    outputs=("output: type",),
    attrs={"type": REQUIRED},
    differentiable=False,
    shape=_bitcast_shape,
)
def bitcast(x: Any, *, type: DType) -> Any:
    """Read the bytes as another type; the last axis holds the parts of larger elements.

    Shape: input [...] -> output [...], an axis more or less where sizes of the types differ.
    Errors: InvalidArgumentError when the last axis is not as long as the new type needs.
    """
    if x.dtype.kind in "bO" or type.is_bool or type.np.kind == "O":
        raise InvalidArgumentError(
            f"truth values and strings have no bytes to read, got {x.dtype} and {type.name}"
        )
    old, new = x.dtype.itemsize, type.size
    if old < new and (x.ndim == 0 or x.shape[-1] * old != new):
        raise InvalidArgumentError(
            f"the last axis must have {new // old} elements to become {type.name}, got shape "
            f"{list(x.shape)}"
        )
    if namespace(x) is not np:
        return _bitcast_on_device(x, type.np)
    x = np.ascontiguousarray(x).reshape(x.shape)
    if old == new:
        return x.view(type.np)
    if old > new:
        return x.reshape(*x.shape, 1).view(type.np)
    return x.view(type.np).reshape(x.shape[:-1])


def _bitcast_on_device(x: Any, dtype: Any) -> Any:
    """XLA casts no complex numbers: their two halves are taken apart and joined."""
    part = _COMPLEX_PARTS.get(x.dtype.name)
    if x.dtype == dtype:
        return x
    if part is not None:
        return _bitcast_pairs(jnp.stack([x.real, x.imag], -1), dtype)
    part = _COMPLEX_PARTS.get(np.dtype(dtype).name)
    if part is None:
        return jax.lax.bitcast_convert_type(x, dtype)
    half = np.dtype(part).itemsize
    if x.dtype.itemsize < half:
        x = x.reshape(*x.shape[:-1], 2, -1)
    halves = jax.lax.bitcast_convert_type(x, part)
    return jax.lax.complex(halves[..., 0], halves[..., 1])


def _bitcast_pairs(pairs: Any, dtype: Any) -> Any:
    half, new = pairs.dtype.itemsize, np.dtype(dtype).itemsize
    part = _COMPLEX_PARTS.get(np.dtype(dtype).name)
    if part is not None:
        halves = jax.lax.bitcast_convert_type(pairs, part)
        return jax.lax.complex(halves[..., 0], halves[..., 1])
    if half > new:
        parts = jax.lax.bitcast_convert_type(pairs, dtype)
        return parts.reshape(*pairs.shape[:-1], -1)
    return jax.lax.bitcast_convert_type(pairs, dtype)


@op("NoOp")
def no_op() -> Any:
    """Do nothing; only control dependencies give it a meaning.

    Shape: nothing in, nothing out.
    """
    return ()


@op(
    "UnravelIndex",
    inputs=("indices: Tidx", "dims: Tidx"),
    outputs=("output: Tidx",),
    constant_inputs=("dims",),
    differentiable=False,
)
def unravel_index(indices: Any, dims: Any) -> Any:
    """Coordinates, in an array of sizes `dims`, of the elements at flat `indices`.

    Shape: indices [...] with at most one axis, dims [rank] -> output [rank, ...].
    Errors: InvalidArgumentError for an index outside of the array.
    """
    sizes = sizes_of(dims, "dims")
    xp = namespace(indices)
    total = math.prod(sizes)
    require(
        xp.logical_and(indices >= 0, indices < total),
        InvalidArgumentError,
        f"indices must be in [0, {total}), the size of dims {sizes}",
        got=indices,
    )
    parts = []
    for size in reversed(sizes):
        parts.append(indices % size)
        indices = indices // size
    return xp.stack(parts[::-1])
