"""Choosing by condition: select, where, one-hot, and the places of what is true."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, broadcast_static_shape, unknown_shape
from penstock.ops.array import ANY_SIZE
from penstock.ops.namespace import namespace
from penstock.ops.shapes import axis_in, same_rank, value_of
from penstock.ops.table import gradient, op


def _where_shape(x: Any) -> TensorShape:
    return TensorShape.of((None, x.shape.rank))


@op(
    "Where",
    inputs=("input: T",),
    outputs=("index: int64",),
    kernel="host",
    differentiable=False,
    shape=_where_shape,
)
def where(x: Any) -> Any:
    """Coordinates of the elements that are true or not zero, in row order.

    Shape: input [...] -> index [count, rank].
    Errors: InvalidArgumentError for a scalar.
    """
    if not x.ndim:
        raise InvalidArgumentError("input must have at least one axis, got a scalar")
    if x.dtype.kind == "O":
        raise InvalidArgumentError("input must be numbers or booleans, got strings")
    return np.argwhere(x)


def _select_shape(condition: Any, t: Any, e: Any) -> Any:
    del condition
    return t.shape.merge_with(e.shape)


@op(
    "Select",
    inputs=("condition: bool", "t: T", "e: T"),
    outputs=("output: T",),
    shape=_select_shape,
)
def select(condition: Any, t: Any, e: Any) -> Any:
    """Elements of t where the condition is true, else of e; a vector chooses whole rows.

    Shape: condition [], [n] or [n, ...], t [n, ...], e [n, ...] -> output [n, ...].
    Errors: InvalidArgumentError when t and e differ in shape or the condition fits neither.
    """
    sizes = tuple(condition.shape)
    if t.shape != e.shape or not (
        sizes in ((), tuple(t.shape)) or (len(sizes) == 1 and sizes == tuple(t.shape[:1]))
    ):
        raise InvalidArgumentError(
            "t and e must have one shape, and condition be a scalar, a vector of their first "
            f"size or of their shape, got {list(t.shape)}, {list(e.shape)} and {list(sizes)}"
        )
    xp = namespace(condition, t, e)
    if len(sizes) != len(t.shape):
        condition = condition.reshape(sizes + (1,) * (len(t.shape) - len(sizes)))
    return xp.where(condition, t, e)


@gradient("Select")
def select_gradient(g: Any, grad: Any) -> Any:
    """The gradient where the condition chose, zeros elsewhere."""
    condition, _, _ = g.inputs
    zeros = g.call("ZerosLike", grad)
    return (
        None,
        g.call("Select", condition, grad, zeros) if g.needs(1) else None,
        g.call("Select", condition, zeros, grad) if g.needs(2) else None,
    )


def _select_v2_shape(condition: Any, t: Any, e: Any) -> TensorShape:
    try:
        return broadcast_static_shape(condition.shape, broadcast_static_shape(t.shape, e.shape))
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from error


@op(
    "SelectV2",
    inputs=("condition: bool", "t: T", "e: T"),
    outputs=("output: T",),
    shape=_select_v2_shape,
    host_limit=1 << 15,
)
def select_v2(condition: Any, t: Any, e: Any) -> Any:
    """Elements of t where the condition is true, else of e, all broadcast together.

    Shape: condition [...], t [...], e [...] -> output [...].
    Errors: InvalidArgumentError when the shapes cannot be broadcast.
    """
    xp = namespace(condition, t, e)
    try:
        return xp.where(*same_rank(xp, condition, t, e))
    except ValueError as error:
        raise InvalidArgumentError(
            f"condition, t and e must broadcast together, got shapes {list(condition.shape)}, "
            f"{list(t.shape)} and {list(e.shape)}"
        ) from error


@gradient("SelectV2")
def select_v2_gradient(g: Any, grad: Any) -> Any:
    """The gradient where the condition chose, zeros elsewhere, summed over broadcast axes."""
    condition, t, e = g.inputs
    zero = np.zeros((), grad.dtype.np)
    dt = g.reduce_to(g.call("SelectV2", condition, grad, zero), t) if g.needs(1) else None
    de = g.reduce_to(g.call("SelectV2", condition, zero, grad), e) if g.needs(2) else None
    return None, dt, de


def _one_hot_shape(
    indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int
) -> TensorShape:
    del on_value, off_value
    if indices.shape.rank is None:
        return unknown_shape()
    sizes = list(indices.shape.as_tuple())
    sizes.insert(axis_in(axis, len(sizes) + 1), value_of(depth))
    return TensorShape.of(tuple(sizes))


@op(
    "OneHot",
    inputs=("indices: TI", "depth: int32", "on_value: T", "off_value: T"),
    outputs=("output: T",),
    attrs={"axis": -1},
    constant_inputs=("depth",),
    differentiable=False,
    shape=_one_hot_shape,
    host_limit=ANY_SIZE,
)
def one_hot(indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> Any:
    """`on_value` at each index along a new axis, `off_value` elsewhere.

    An index outside of [0, depth) gives `off_value` everywhere.

    Shape: indices [...], depth [], on_value [], off_value [] -> output [..., depth, ...].
    Errors: InvalidArgumentError when depth is negative.
    """
    if indices.dtype.kind not in "iu":
        raise InvalidArgumentError(f"indices must be integers, got {indices.dtype.name}")
    for name, value in (("depth", depth), ("on_value", on_value), ("off_value", off_value)):
        if value.shape:
            raise InvalidArgumentError(f"{name} must be a scalar, got {list(value.shape)}")
    xp = namespace(indices, on_value, off_value)
    size = int(depth)
    if size < 0:
        raise InvalidArgumentError(f"depth must not be negative, got {size}")
    rank = len(indices.shape)
    if axis < -1:
        raise InvalidArgumentError(f"axis must be -1 or in [0, {rank + 1}), got {axis}")
    place = axis_in(axis, rank + 1)
    along = [1] * (rank + 1)
    along[place] = size
    spread = [*indices.shape[:place], 1, *indices.shape[place:]]
    steps = xp.arange(size, dtype=np.int64).reshape(along)
    hits = indices.reshape(spread).astype(np.int64) == steps
    ones = (1,) * (rank + 1)
    return xp.where(hits, on_value.reshape(ones), off_value.reshape(ones))
