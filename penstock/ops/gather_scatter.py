"""Reading and writing elements by index."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import ANY_SIZE, shape_of
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.shapes import (
    axis_in,
    blank,
    filled,
    known_value,
    scalar_of,
    shape_from,
    sizes_of,
    value_of,
)
from penstock.ops.table import gradient, op

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def require_inside(indices: Any, size: int, name: str = "indices") -> None:
    """Refuse indices outside of [0, size), and those that are no integers."""
    if indices.dtype.kind not in "iu":
        raise InvalidArgumentError(f"{name} must be integers, got {indices.dtype.name}")
    if isinstance(indices, (np.ndarray, np.generic)):
        if not indices.size:
            return
        # A negative index is a large one without a sign, so that one comparison does.
        top = indices.view(_UNSIGNED[indices.dtype.itemsize]).max()
        if top >= size:
            flat: Any = indices.ravel()
            place = int(np.flatnonzero((flat < 0) | (flat >= size))[0])
            where = list(np.unravel_index(place, indices.shape)) if indices.ndim else []
            raise InvalidArgumentError(
                f"{name}{[int(i) for i in where]} = {int(flat[place])} is not in [0, {size})"
            )
        return
    require(
        jnp.logical_and(indices >= 0, indices < size),
        InvalidArgumentError,
        f"{name} must be in [0, {size})",
        got=indices,
    )


def take(x: Any, indices: Any, axis: int) -> Any:
    """Pick slices along an axis by indices that were checked before."""
    if namespace(x, indices) is np:
        if x.dtype == object and not np.ndim(indices) and x.ndim == 1:
            return x[(int(indices), ...)]
        return x.take(indices, axis)
    if x.shape[axis] == 0:
        # The indices were refused, or belong to the body of a loop that makes no round.
        return jnp.zeros((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)
    return jnp.take(jnp.asarray(x), indices, axis=axis, mode="clip")


def _gather_shape(params: Any, indices: Any, axis: Any, *, batch_dims: int) -> Any:
    rank, index_rank, place = params.shape.rank, indices.shape.rank, value_of(axis)
    if rank is None or index_rank is None:
        return unknown_shape()
    batch = batch_dims + index_rank if batch_dims < 0 else batch_dims
    if place is None:
        return unknown_shape(rank - 1 + index_rank - batch)
    place = axis_in(place, rank)
    head = params.shape[:batch].merge_with(indices.shape[:batch])
    return head + params.shape[batch:place] + indices.shape[batch:] + params.shape[place + 1 :]


@op(
    "GatherV2",
    inputs=("params: Tparams", "indices: Tindices", "axis: Taxis"),
    outputs=("output: Tparams",),
    attrs={"batch_dims": 0},
    constant_inputs=("axis",),
    shape=_gather_shape,
    host_limit=ANY_SIZE,
)
def gather_v2(params: Any, indices: Any, axis: Any, *, batch_dims: int) -> Any:
    """Pick slices along an axis; the first `batch_dims` axes of both inputs run together.

    Shape: params [b..., p..., n, q...], indices [b..., i...], axis [] ->
        output [b..., p..., i..., q...].
    Errors: InvalidArgumentError for an index that is negative or not below n.
    """
    rank = len(params.shape)
    if not rank:
        raise InvalidArgumentError("params must have at least one axis, got a scalar")
    if axis.ndim:
        raise InvalidArgumentError(f"axis must be a scalar, got shape {list(axis.shape)}")
    place = axis_in(scalar_of(axis, "axis"), rank)
    batch = 0
    if batch_dims:
        batch = axis_in(batch_dims, len(indices.shape) + 1, "batch_dims")
        if batch_dims < 0:
            batch -= 1
        _check_batch(params, indices, batch, place)
    require_inside(indices, params.shape[place])
    if batch:
        return _batch_take(params, indices, place, batch)
    return take(params, indices, place)


def _check_batch(params: Any, indices: Any, batch: int, place: int) -> None:
    if batch > place or params.shape[:batch] != indices.shape[:batch]:
        raise InvalidArgumentError(
            f"the first {batch} sizes of params {list(params.shape)} and indices "
            f"{list(indices.shape)} must agree, and axis {place} come after them"
        )


def _batch_take(params: Any, indices: Any, place: int, batch: int) -> Any:
    """Gather in every element of a batch: one gather from the batch laid end to end."""
    xp = namespace(params, indices)
    head, size = params.shape[:batch], params.shape[place]
    before, after = params.shape[batch:place], params.shape[place + 1 :]
    middle = list(range(batch, place))
    rest = list(range(place + 1, len(params.shape)))
    moved = params.transpose([*range(batch), place, *middle, *rest])
    rows = moved.reshape((math.prod(head) * size, *before, *after))
    inner = indices.shape[batch:]
    flat = indices.reshape((math.prod(head), math.prod(inner))).astype(np.int64)
    start = np.arange(math.prod(head), dtype=np.int64)[:, None] * size
    if not rows.shape[0]:
        return xp.zeros((*head, *before, *inner, *after), params.dtype)
    picked = take(rows, (flat + start).reshape(-1), 0).reshape((*head, *inner, *before, *after))
    n_batch, n_inner, n_before = batch, len(inner), len(before)
    order = [
        *range(n_batch),
        *range(n_batch + n_inner, n_batch + n_inner + n_before),
        *range(n_batch, n_batch + n_inner),
        *range(n_batch + n_inner + n_before, picked.ndim),
    ]
    return picked.transpose(order)


@gradient("GatherV2")
def gather_v2_gradient(g: Any, grad: Any) -> Any:
    """Slices at the indices along the first axis; a dense sum along others."""
    params, indices, axis = g.inputs
    if not g.needs(0):
        return None, None, None
    place, rank = known_value(axis), params.shape.rank
    if g.attrs["batch_dims"] or place is None or rank is None:
        return g.generic(grad)
    place = axis_in(int(place), rank)
    if place == 0:
        return _slices(g, params, indices, grad), None, None
    if indices.shape.rank is None:
        return g.generic(grad)
    return _dense_gather_gradient(g, grad, place), None, None


def _dense_gather_gradient(g: Any, grad: Any, place: int) -> Any:
    """Sum the gradient by index, with the axis moved to the front and back."""
    params, indices, _ = g.inputs
    rank, inner = params.shape.rank, indices.shape.rank
    outer = list(range(place))
    rest = list(range(place + inner, rank - 1 + inner))
    middle = list(range(place, place + inner))
    front = g.call("Transpose", grad, [*middle, *outer, *rest])
    size = params.shape[place]
    if size is None:
        shape = g.call("Shape", params)
        size = g.call("StridedSlice", shape, [place], [place + 1], [1], shrink_axis_mask=1)
    summed = g.call("UnsortedSegmentSum", front, indices, size)
    back = [*range(1, place + 1), 0, *range(place + 1, rank)]
    return g.call("Transpose", summed, back)


def _slices(g: Any, params: Any, indices: Any, grad: Any) -> Any:
    """Sparse gradient of a gather along the first axis."""
    shape = shape_of(g, params)
    known = isinstance(shape, np.ndarray)
    tail: Any = shape[1:] if known else g.call("StridedSlice", shape, [1], [0], [1], end_mask=1)
    if known and indices.shape.is_fully_defined():
        sizes: Any = np.array([math.prod(indices.shape.as_tuple()), *tail], np.int32)
    else:
        count = g.call("Reshape", g.call("Size", indices), [1])
        sizes = g.call("ConcatV2", [count, tail], 0)
    values = g.call("Reshape", grad, sizes)
    if indices.shape.rank != 1:
        indices = g.call("Reshape", indices, [-1])
    return g.indexed_slices(values, indices, shape)


@op(
    "Gather",
    inputs=("params: Tparams", "indices: Tindices"),
    outputs=("output: Tparams",),
    attrs={"validate_indices": True},
    host_limit=ANY_SIZE,
)
def gather(params: Any, indices: Any, *, validate_indices: bool) -> Any:
    """Pick slices along the first axis.

    Shape: params [n, q...], indices [i...] -> output [i..., q...].
    Errors: InvalidArgumentError for an index that is negative or not below n.
    """
    del validate_indices
    return gather_v2(params, indices, np.zeros((), np.int32), batch_dims=0)


@gradient("Gather")
def gather_gradient(g: Any, grad: Any) -> Any:
    """Slices at the indices."""
    params, indices = g.inputs
    return _slices(g, params, indices, grad), None


def _coordinates(indices: Any, sizes: Any) -> tuple[int, tuple[int, ...]]:
    """Depth of coordinates [..., depth] into an array of `sizes`, and their outer shape."""
    if indices.dtype.kind not in "iu":
        raise InvalidArgumentError(f"indices must be integers, got {indices.dtype.name}")
    if not indices.shape:
        raise InvalidArgumentError("indices must have at least one axis, got a scalar")
    depth = indices.shape[-1]
    if depth > len(sizes):
        raise InvalidArgumentError(
            f"the last axis of indices must be at most the rank {len(sizes)}, got shape "
            f"{list(indices.shape)}"
        )
    return depth, tuple(indices.shape[:-1])


def _flat_places(indices: Any, sizes: Any, policy: str) -> tuple[Any, Any]:
    """Row numbers of coordinates in an array whose leading axes are laid end to end.

    Returns:
        The row numbers, flat, and where coordinates are outside (None when they are refused).
    """
    xp = namespace(indices)
    depth, outer = _coordinates(indices, sizes)
    flat = indices.reshape((math.prod(outer), depth))
    bound = np.array(sizes[:depth], np.int64)
    strides = np.array([math.prod(sizes[i + 1 : depth]) for i in range(depth)], np.int64)
    flat = flat.astype(np.int64)
    inside = ((flat >= 0) & (flat < bound.reshape(1, depth))).all(axis=1)
    rows = (flat * strides.reshape(1, depth)).sum(axis=1)
    if policy == "IGNORE":
        return xp.where(inside, rows, np.int64(0)), xp.logical_not(inside)
    if isinstance(inside, np.ndarray) and not inside.all():
        bad = int(np.flatnonzero(~inside)[0])
        raise InvalidArgumentError(
            f"indices{list(np.unravel_index(bad, outer)) if outer else []} = "
            f"{flat[bad].tolist()} does not index into an array of sizes {list(sizes)}"
        )
    require(inside, InvalidArgumentError, f"indices must index into an array of {list(sizes)}")
    return rows, None


def _policy(name: str) -> str:
    if name not in ("", "DEFAULT", "ERROR", "IGNORE"):
        raise InvalidArgumentError(f"bad_indices_policy must be ERROR or IGNORE, got {name!r}")
    return name


def _gather_nd_shape(params: Any, indices: Any, **_: Any) -> Any:
    if params.shape.rank is None or indices.shape.rank is None or indices.shape[-1] is None:
        return unknown_shape()
    return indices.shape[:-1] + params.shape[indices.shape[-1] :]


@op(
    "GatherNd",
    inputs=("params: Tparams", "indices: Tindices"),
    outputs=("output: Tparams",),
    attrs={"bad_indices_policy": ""},
    shape=_gather_nd_shape,
    host_limit=ANY_SIZE,
)
def gather_nd(params: Any, indices: Any, *, bad_indices_policy: str) -> Any:
    """Pick elements, or slices, by coordinates.

    Shape: params [n_1, ..., n_k, q...], indices [i..., k] -> output [i..., q...].
    Errors: InvalidArgumentError for coordinates outside of params, unless the policy is IGNORE,
        which gives zeros.
    """
    policy = _policy(bad_indices_policy)
    if not params.shape:
        raise InvalidArgumentError("params must have at least one axis, got a scalar")
    depth, outer = _coordinates(indices, params.shape)
    rest = tuple(params.shape[depth:])
    rows, outside = _flat_places(indices, params.shape, policy)
    count = math.prod(params.shape[:depth])
    if not count or not math.prod(outer):
        return filled((*outer, *rest), blank(params.dtype), params.dtype)
    picked = take(params.reshape((count, *rest)), rows, 0)
    if outside is not None:
        hole = outside.reshape((-1,) + (1,) * len(rest))
        xp = namespace(picked, hole)
        picked = xp.where(
            hole, filled((1,) * picked.ndim, blank(params.dtype), params.dtype), picked
        )
    return picked.reshape((*outer, *rest))


@gradient("GatherNd")
def gather_nd_gradient(g: Any, grad: Any) -> Any:
    """Scatter the gradient; slices where the coordinates are rows."""
    params, indices = g.inputs
    if indices.shape.rank == 2 and indices.shape[-1] == 1:
        rows = g.call("Squeeze", indices, squeeze_dims=(-1,))
        return g.indexed_slices(grad, rows, shape_of(g, params)), None
    return g.call("ScatterNd", indices, grad, _shape_like(g, params, indices)), None


def _shape_like(g: Any, x: Any, indices: Any) -> Any:
    """Shape of x in the dtype of `indices`."""
    shape = shape_of(g, x)
    if isinstance(shape, np.ndarray):
        return shape.astype(indices.dtype.np)
    return shape if indices.dtype == dtypes.int32 else g.call("Cast", shape, DstT=indices.dtype)


_NUMPY_UPDATES: dict[str, Callable[..., Any]] = {
    "add": np.add.at,
    "subtract": np.subtract.at,
    "maximum": np.maximum.at,
    "minimum": np.minimum.at,
    "multiply": np.multiply.at,
}
_JAX_UPDATES = {"maximum": "max", "minimum": "min", "update": "set"}


def update_rows(x: Any, rows: Any, updates: Any, how: str) -> Any:
    """Copy of x with rows along its first axis set, added to, ... by number.

    Args:
        x: [n, ...].
        rows: [k] numbers in [0, n).
        updates: [k, ...].
        how: "update", "add", "subtract", "multiply", "maximum" or "minimum".
    """
    if namespace(x, rows, updates) is np:
        out = x.copy()
        if how == "update":
            out[rows] = updates
        else:
            _NUMPY_UPDATES[how](out, rows, updates)
        return out
    at = jnp.asarray(x).at[rows]
    if x.dtype == np.bool_ and how == "add":
        how = "maximum"
    return getattr(at, _JAX_UPDATES.get(how, how))(updates, mode="drop")


def _scatter(x: Any, indices: Any, updates: Any, how: str, policy: str) -> Any:
    """Write `updates` into x at coordinates."""
    depth, outer = _coordinates(indices, x.shape)
    rest = tuple(x.shape[depth:])
    if tuple(updates.shape) != (*outer, *rest):
        raise InvalidArgumentError(
            f"updates must have shape {[*outer, *rest]} for indices {list(indices.shape)} into "
            f"{list(x.shape)}, got {list(updates.shape)}"
        )
    rows, outside = _flat_places(indices, x.shape, _policy(policy))
    count = math.prod(x.shape[:depth])
    if not math.prod(outer) or 0 in x.shape:
        return x
    flat_x = x.reshape((count, *rest))
    flat_updates = updates.reshape((math.prod(outer), *rest))
    if outside is not None:
        if namespace(x, updates, rows) is np:
            flat_updates, rows = flat_updates[~outside], rows[~outside]
        else:
            rows = jnp.where(outside, np.int64(count), rows)  # dropped
    return update_rows(flat_x, rows, flat_updates, how).reshape(x.shape)


def _scatter_nd_shape(indices: Any, updates: Any, shape: Any, **_: Any) -> TensorShape:
    del indices, updates
    return shape_from(shape)


@op(
    "ScatterNd",
    inputs=("indices: Tindices", "updates: T", "shape: Tindices"),
    outputs=("output: T",),
    attrs={"bad_indices_policy": ""},
    constant_inputs=("shape",),
    shape=_scatter_nd_shape,
)
def scatter_nd(indices: Any, updates: Any, shape: Any, *, bad_indices_policy: str) -> Any:
    """Zeros of a shape, to which updates are added at coordinates.

    Shape: indices [i..., k], updates [i..., q...], shape [rank] ->
        output [n_1, ..., n_k, q...].
    Errors: InvalidArgumentError for coordinates outside of the shape.
    """
    sizes = sizes_of(shape, "shape")
    if namespace(indices, updates) is np:
        zeros = filled(sizes, blank(updates.dtype), updates.dtype)
    else:
        zeros = jnp.zeros(sizes, updates.dtype)
    return _scatter(zeros, indices, updates, "add", bad_indices_policy)


@gradient("ScatterNd")
def scatter_nd_gradient(g: Any, grad: Any) -> Any:
    """Gather the gradient at the coordinates."""
    policy = g.attrs["bad_indices_policy"]
    return None, g.call("GatherNd", grad, g.inputs[0], bad_indices_policy=policy), None


_TENSOR_SCATTER = {
    "inputs": ("tensor: T", "indices: Tindices", "updates: T"),
    "outputs": ("output: T",),
    "attrs": {"bad_indices_policy": ""},
    "shape": "same",
}


@op("TensorScatterUpdate", **_TENSOR_SCATTER)  # type: ignore[arg-type]
def tensor_scatter_update(
    tensor: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the tensor with updates in place of what was at the coordinates.

    Shape: tensor [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    Errors: InvalidArgumentError for coordinates outside of the tensor.
    """
    return _scatter(tensor, indices, updates, "update", bad_indices_policy)


@op("TensorScatterAdd", **_TENSOR_SCATTER)  # type: ignore[arg-type]
def tensor_scatter_add(
    tensor: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the tensor with updates added at the coordinates.

    Shape: tensor [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    """
    return _scatter(tensor, indices, updates, "add", bad_indices_policy)


@op(
    "ScatterNdNonAliasingAdd",
    inputs=("input: T", "indices: Tindices", "updates: T"),
    outputs=("output: T",),
    attrs={"bad_indices_policy": ""},
    shape="same",
)
def scatter_nd_non_aliasing_add(
    x: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the input with updates added at the coordinates.

    Shape: input [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    """
    return _scatter(x, indices, updates, "add", bad_indices_policy)


@op("TensorScatterSub", **_TENSOR_SCATTER)  # type: ignore[arg-type]
def tensor_scatter_sub(
    tensor: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the tensor with updates subtracted at the coordinates.

    Shape: tensor [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    """
    return _scatter(tensor, indices, updates, "subtract", bad_indices_policy)


@op("TensorScatterMax", **_TENSOR_SCATTER)  # type: ignore[arg-type]
def tensor_scatter_max(
    tensor: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the tensor with the larger of old and new at the coordinates.

    Shape: tensor [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    """
    return _scatter(tensor, indices, updates, "maximum", bad_indices_policy)


@op("TensorScatterMin", **_TENSOR_SCATTER)  # type: ignore[arg-type]
def tensor_scatter_min(
    tensor: Any, indices: Any, updates: Any, *, bad_indices_policy: str
) -> Any:
    """Copy of the tensor with the smaller of old and new at the coordinates.

    Shape: tensor [n_1, ..., n_k, q...], indices [i..., k], updates [i..., q...] ->
        output [n_1, ..., n_k, q...].
    """
    return _scatter(tensor, indices, updates, "minimum", bad_indices_policy)


@gradient("TensorScatterUpdate")
def tensor_scatter_update_gradient(g: Any, grad: Any) -> Any:
    """What was replaced has no gradient; an update has that of its place."""
    _, indices, updates = g.inputs
    dx = g.call("TensorScatterUpdate", grad, indices, g.call("ZerosLike", updates))
    return dx, None, g.call("GatherNd", grad, indices)


@gradient("TensorScatterAdd", "ScatterNdNonAliasingAdd")
def tensor_scatter_add_gradient(g: Any, grad: Any) -> Any:
    """The gradient itself, and its elements at the coordinates."""
    return grad, None, g.call("GatherNd", grad, g.inputs[1])


@gradient("TensorScatterSub")
def tensor_scatter_sub_gradient(g: Any, grad: Any) -> Any:
    """The gradient itself, and the negative of its elements at the coordinates."""
    return grad, None, g.call("Neg", g.call("GatherNd", grad, g.inputs[1]))


@gradient("TensorScatterMax", "TensorScatterMin")
def tensor_scatter_max_gradient(g: Any, grad: Any) -> Any:
    """The gradient goes in equal parts to all that gave the value of a place."""
    x, indices, updates = g.inputs
    (output,) = g.outputs
    dtype = x.dtype
    own = g.call("Cast", g.call("Equal", x, output), DstT=dtype)
    placed = g.call("GatherNd", output, indices)
    new = g.call("Cast", g.call("Equal", updates, placed), DstT=dtype)
    counted = g.call("ScatterNd", indices, new, _shape_like(g, x, indices))
    share = g.call("RealDiv", grad, g.call("AddV2", own, counted))
    dx = g.call("Mul", share, own)
    return dx, None, g.call("Mul", g.call("GatherNd", share, indices), new)


_INPLACE = {"inputs": ("x: T", "i: int32", "v: T"), "outputs": ("y: T",), "shape": "same"}


def _inplace(x: Any, i: Any, v: Any, how: str) -> Any:
    if tuple(v.shape) != (*i.shape, *x.shape[1:]) or len(i.shape) != 1:
        raise InvalidArgumentError(
            f"v must have shape {[*i.shape, *x.shape[1:]]} for rows of x, got {list(v.shape)}"
        )
    size = x.shape[0]
    if is_concrete(i) and size:
        i = np.asarray(i) % size
    return update_rows(x, i, v, how)


@op("InplaceUpdate", **_INPLACE)  # type: ignore[arg-type]
def inplace_update(x: Any, i: Any, v: Any) -> Any:
    """Copy of x with rows replaced.

    Shape: x [n, ...], i [k], v [k, ...] -> y [n, ...].
    """
    return _inplace(x, i, v, "update")


@op("InplaceAdd", **_INPLACE)  # type: ignore[arg-type]
def inplace_add(x: Any, i: Any, v: Any) -> Any:
    """Copy of x with rows added to.

    Shape: x [n, ...], i [k], v [k, ...] -> y [n, ...].
    """
    return _inplace(x, i, v, "add")


@op("InplaceSub", **_INPLACE)  # type: ignore[arg-type]
def inplace_sub(x: Any, i: Any, v: Any) -> Any:
    """Copy of x with rows subtracted from.

    Shape: x [n, ...], i [k], v [k, ...] -> y [n, ...].
    """
    return _inplace(x, i, v, "subtract")
