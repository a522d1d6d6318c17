"""Joining arrays and taking them apart: concatenation, stacks, splits, tiles."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import ANY_SIZE, shape_of
from penstock.ops.namespace import namespace
from penstock.ops.shapes import (
    axis_in,
    known_value,
    length_of,
    product_of,
    scalar_of,
    sizes_of,
    value_of,
    values_of,
    with_size,
)
from penstock.ops.table import REQUIRED, gradient, op


def _concat_shape(values: Any, axis: Any) -> TensorShape:
    ranks = [each.shape.rank for each in values if each.shape.rank is not None]
    if not ranks:
        return unknown_shape()
    position = value_of(axis)
    if position is None:
        return unknown_shape(ranks[0])
    position = axis_in(position, ranks[0], "axis")
    total: int | None = 0
    merged = unknown_shape(ranks[0])
    for each in values:
        known = each.shape if each.shape.rank is not None else unknown_shape(ranks[0])
        size = known[position]
        total = None if total is None or size is None else total + size
        try:
            merged = merged.merge_with(with_size(known, position, None))
        except ValueError:
            shapes = ", ".join(str(value.shape) for value in values)
            raise InvalidArgumentError(
                f"values must have equal sizes except on axis {position}, got {shapes}"
            ) from None
    return with_size(merged, position, total)


@op(
    "ConcatV2",
    inputs=("values: N * T", "axis: Tidx"),
    outputs=("output: T",),
    constant_inputs=("axis",),
    shape=_concat_shape,
    host_limit=ANY_SIZE,
)
def concat_v2(values: Any, axis: Any) -> Any:
    """Join arrays along an axis that they have.

    Shape: values [..., m_i, ...] each, axis [] -> output [..., sum of m_i, ...].
    Errors: InvalidArgumentError when other sizes differ.
    """
    if not values:
        raise InvalidArgumentError("values must hold at least one array, got none")
    rank = len(values[0].shape)
    if rank == 0:
        raise InvalidArgumentError(
            "values must have at least one axis; use tf.stack for scalars"
        )
    position = axis_in(scalar_of(axis, "axis"), rank)
    try:
        return namespace(*values).concatenate(values, position)
    except (ValueError, TypeError) as error:
        shapes = ", ".join(str(list(value.shape)) for value in values)
        raise InvalidArgumentError(
            f"values must have equal sizes except on axis {position}, got shapes {shapes}"
        ) from error


@op(
    "Concat",
    inputs=("concat_dim: int32", "values: N * T"),
    outputs=("output: T",),
    constant_inputs=("concat_dim",),
    shape=lambda axis, values: _concat_shape(values, axis),
    host_limit=ANY_SIZE,
)
def concat(concat_dim: Any, values: Any) -> Any:
    """Join arrays along an axis that they have.

    Shape: concat_dim [], values [..., m_i, ...] each -> output [..., sum of m_i, ...].
    """
    return concat_v2(values, concat_dim)


def _concat_gradients(g: Any, grad: Any, values: Any, axis: Any) -> list[Any]:
    if len(values) == 1:
        return [grad]
    shapes = [value.shape for value in values]
    position = known_value(axis)
    if position is not None and all(shape.rank is not None for shape in shapes):
        position = axis_in(int(position.item()), shapes[0].rank)
        sizes = [shape[position] for shape in shapes]
        if None not in sizes:
            splits = np.array(sizes, np.int32)
            return list(g.call("SplitV", grad, splits, position, num_split=len(sizes)))
    each = g.call("ShapeN", values)
    if axis.dtype != dtypes.int32:
        axis = g.call("Cast", axis, DstT=dtypes.int32)
    offsets = g.call("ConcatOffset", axis, each)
    return [g.call("Slice", grad, *pair) for pair in zip(offsets, each, strict=True)]


@gradient("ConcatV2")
def concat_v2_gradient(g: Any, grad: Any) -> Any:
    """Cut the gradient where the arrays were joined."""
    *values, axis = g.inputs
    return [*_concat_gradients(g, grad, values, axis), None]


@gradient("Concat")
def concat_gradient(g: Any, grad: Any) -> Any:
    """Cut the gradient where the arrays were joined."""
    axis, *values = g.inputs
    return [None, *_concat_gradients(g, grad, values, axis)]


@op(
    "ConcatOffset",
    inputs=("concat_dim: int32", "shape: N * shape_type"),
    outputs=("offset: N * shape_type",),
    constant_inputs=("concat_dim", "shape"),
    differentiable=False,
    shape=lambda _, shapes: tuple(shape.shape for shape in shapes),
)
def concat_offset(concat_dim: Any, shapes: Any) -> Any:
    """Where each array begins in the concatenation of arrays of these shapes.

    Shape: concat_dim [], shape [rank] each -> offset [rank] each.
    Errors: InvalidArgumentError when other sizes differ.
    """
    position = axis_in(scalar_of(concat_dim, "concat_dim"), len(shapes[0]), "concat_dim")
    offsets = []
    start = 0
    for each in shapes:
        other = np.delete(shapes[0], position)
        if len(each) != len(shapes[0]) or not np.array_equal(np.delete(each, position), other):
            raise InvalidArgumentError(
                f"shapes must agree except on axis {position}, got {shapes[0]} and {each}"
            )
        offset = np.zeros_like(each)
        offset[position] = start
        offsets.append(offset)
        start += each[position]
    return tuple(offsets)


def _pack_shape(values: Any, *, axis: int) -> TensorShape:
    merged = values[0].shape
    for each in values[1:]:
        try:
            merged = merged.merge_with(each.shape)
        except ValueError:
            raise InvalidArgumentError(
                f"values must have equal shapes, got {merged} and {each.shape}"
            ) from None
    if merged.rank is None:
        return unknown_shape()
    sizes = list(merged.as_tuple())
    sizes.insert(axis_in(axis, len(sizes) + 1), len(values))
    return TensorShape.of(tuple(sizes))


@op(
    "Pack",
    inputs=("values: N * T",),
    outputs=("output: T",),
    attrs={"axis": 0},
    shape=_pack_shape,
    host_limit=ANY_SIZE,
)
def pack(values: Any, *, axis: int) -> Any:
    """Join arrays of one shape along a new axis.

    Shape: values [...] each -> output [..., N, ...].
    Errors: InvalidArgumentError when the shapes differ, or axis is not in [-rank - 1, rank].
    """
    if not values:
        raise InvalidArgumentError("values must hold at least one array, got none")
    first = values[0]
    position = axis_in(axis, len(first.shape) + 1)
    for value in values:
        if value.shape != first.shape:
            raise InvalidArgumentError(
                f"values must have one shape, got {list(first.shape)} and {list(value.shape)}"
            )
    xp = namespace(*values)
    if xp is np and not first.shape and first.dtype != object:
        return np.array(values, first.dtype)
    return xp.stack(values, position)


@gradient("Pack")
def pack_gradient(g: Any, grad: Any) -> Any:
    """Take the gradient apart."""
    return g.call("Unpack", grad, num=len(g.inputs), axis=g.attrs["axis"])


def _unpack_shape(value: Any, *, num: int, axis: int) -> tuple[TensorShape, ...]:
    if value.shape.rank is None:
        return (unknown_shape(),) * num
    sizes = list(value.shape.as_tuple())
    size = sizes.pop(axis_in(axis, len(sizes)))
    if size not in (None, num):
        raise InvalidArgumentError(f"axis {axis} of {value.shape} must have size {num}")
    return (TensorShape.of(tuple(sizes)),) * num


@op(
    "Unpack",
    inputs=("value: T",),
    outputs=("output: num * T",),
    attrs={"num": REQUIRED, "axis": 0},
    shape=_unpack_shape,
    host_limit=ANY_SIZE,
)
def unpack(value: Any, *, num: int, axis: int) -> Any:
    """Take apart along an axis, which is dropped.

    Shape: value [..., num, ...] -> output [...] each.
    Errors: InvalidArgumentError when the axis has another size than `num`.
    """
    position = axis_in(axis, len(value.shape))
    if value.shape[position] != num:
        raise InvalidArgumentError(
            f"axis {position} must have size {num}, got shape {list(value.shape)}"
        )
    # A trailing ellipsis keeps scalars arrays, which matters for strings.
    before = (slice(None),) * position
    return tuple([value[(*before, i, ...)] for i in range(num)])


@gradient("Unpack")
def unpack_gradient(g: Any, *grads: Any) -> Any:
    """Stack the gradients; outputs that were not used count as zeros."""
    filled = [
        g.call("ZerosLike", output) if grad is None else grad
        for grad, output in zip(grads, g.outputs, strict=True)
    ]
    return g.call("Pack", filled, axis=g.attrs["axis"])


def _cut(value: Any, position: int, sizes: list[int]) -> tuple[Any, ...]:
    if isinstance(value, jax.core.Tracer):
        # Its transpose joins the parts; that of slices adds up as many padded ones.
        return tuple(jax.lax.split(value, sizes, position))
    before = (slice(None),) * position
    parts = []
    start = 0
    for size in sizes:
        parts.append(value[(*before, slice(start, start + size))])
        start += size
    return tuple(parts)


def _split_shape(split_dim: Any, value: Any, *, num_split: int) -> tuple[TensorShape, ...]:
    axis, rank = value_of(split_dim), value.shape.rank
    if axis is None or rank is None:
        return (unknown_shape(rank),) * num_split
    position = axis_in(axis, rank, "split_dim")
    size = value.shape[position]
    if size is not None and size % num_split:
        raise InvalidArgumentError(f"size {size} must be a multiple of num_split {num_split}")
    part = None if size is None else size // num_split
    return (with_size(value.shape, position, part),) * num_split


@op(
    "Split",
    inputs=("split_dim: int32", "value: T"),
    outputs=("output: num_split * T",),
    attrs={"num_split": REQUIRED},
    constant_inputs=("split_dim",),
    shape=_split_shape,
    host_limit=ANY_SIZE,
)
def split(split_dim: Any, value: Any, *, num_split: int) -> Any:
    """Cut into equal parts along an axis.

    Shape: split_dim [], value [..., n, ...] -> output [..., n / num_split, ...] each.
    Errors: InvalidArgumentError when num_split does not divide n.
    """
    position = axis_in(scalar_of(split_dim, "split_dim"), len(value.shape), "split_dim")
    if num_split < 1:
        raise InvalidArgumentError(f"num_split must be at least 1, got {num_split}")
    size, rest = divmod(value.shape[position], num_split)
    if rest:
        raise InvalidArgumentError(
            f"num_split {num_split} must divide the size of axis {position}, "
            f"got {value.shape[position]}"
        )
    return _cut(value, position, [size] * num_split)


def _split_v_shape(
    value: Any, size_splits: Any, split_dim: Any, *, num_split: int
) -> tuple[TensorShape, ...]:
    axis, rank, sizes = value_of(split_dim), value.shape.rank, values_of(size_splits)
    if axis is None or rank is None:
        return (unknown_shape(rank),) * num_split
    position = axis_in(axis, rank, "split_dim")
    if sizes is None:
        return (with_size(value.shape, position, None),) * num_split
    total = value.shape[position]
    if total is not None:
        sizes = _resolve_splits(sizes, total)
    return tuple(with_size(value.shape, position, None if n < 0 else n) for n in sizes)


def _resolve_splits(sizes: list[int], total: int) -> list[int]:
    """Replace the -1 among the sizes of the parts by what the others leave."""
    known = sum(size for size in sizes if size >= 0)
    if sizes.count(-1) > 1 or min(sizes, default=0) < -1:
        raise InvalidArgumentError(f"size_splits must be >= 0 with at most one -1, got {sizes}")
    if known > total or (known < total and -1 not in sizes):
        raise InvalidArgumentError(f"size_splits must add up to {total}, got {sizes}")
    return [total - known if size < 0 else size for size in sizes]


@op(
    "SplitV",
    inputs=("value: T", "size_splits: Tlen", "split_dim: int32"),
    outputs=("output: num_split * T",),
    attrs={"num_split": REQUIRED},
    constant_inputs=("size_splits", "split_dim"),
    shape=_split_v_shape,
    host_limit=ANY_SIZE,
)
def split_v(value: Any, size_splits: Any, split_dim: Any, *, num_split: int) -> Any:
    """Cut into parts of given sizes along an axis; one size may be -1.

    Shape: value [..., n, ...], size_splits [num_split], split_dim [] ->
        output [..., n_i, ...] each.
    Errors: InvalidArgumentError when the sizes do not add up to n.
    """
    position = axis_in(scalar_of(split_dim, "split_dim"), len(value.shape), "split_dim")
    sizes = size_splits.ravel().tolist()
    if len(sizes) != num_split:
        raise InvalidArgumentError(f"size_splits must have {num_split} elements, got {sizes}")
    return _cut(value, position, _resolve_splits(sizes, value.shape[position]))


def _joined(g: Any, grads: Any, axis: Any) -> Any:
    parts = [
        g.call("ZerosLike", output) if grad is None else grad
        for grad, output in zip(grads, g.outputs, strict=True)
    ]
    return g.call("ConcatV2", parts, axis)


@gradient("Split")
def split_gradient(g: Any, *grads: Any) -> Any:
    """Join the gradients of the parts."""
    return None, _joined(g, grads, g.inputs[0])


@gradient("SplitV")
def split_v_gradient(g: Any, *grads: Any) -> Any:
    """Join the gradients of the parts."""
    return _joined(g, grads, g.inputs[2]), None, None


def _tile_shape(x: Any, multiples: Any) -> TensorShape:
    counts = values_of(multiples)
    if counts is None:
        return unknown_shape(x.shape.rank if x.shape.rank is not None else length_of(multiples))
    if x.shape.rank is None:
        return unknown_shape(len(counts))
    if len(counts) != x.shape.rank:
        raise InvalidArgumentError(f"multiples must have {x.shape.rank} elements, got {counts}")
    sizes = x.shape.as_tuple()
    return TensorShape.of(tuple(product_of(pair) for pair in zip(counts, sizes, strict=True)))


@op(
    "Tile",
    inputs=("input: T", "multiples: Tmultiples"),
    outputs=("output: T",),
    constant_inputs=("multiples",),
    shape=_tile_shape,
    host_limit=ANY_SIZE,
)
def tile(x: Any, multiples: Any) -> Any:
    """Repeat the whole array along its axes.

    Shape: input [n_i, ...], multiples [rank] -> output [multiples[i] * n_i, ...].
    Errors: InvalidArgumentError when multiples are negative or not one for each axis.
    """
    counts = sizes_of(multiples, "multiples")
    old = x.shape
    if len(counts) != len(old):
        raise InvalidArgumentError(
            f"multiples must have one element for each axis of {list(old)}, got {counts}"
        )
    spread: list[int] = []
    repeated: list[int] = []
    for count, size in zip(counts, old, strict=True):
        if count != 1:
            spread.append(1)
            repeated.append(count)
        spread.append(size)
        repeated.append(size)
    wide = namespace(x).broadcast_to(x.reshape(spread), repeated)
    return wide.reshape([count * size for count, size in zip(counts, old, strict=True)])


@op(
    "TileGrad",
    inputs=("input: T", "multiples: int32"),
    outputs=("output: T",),
    constant_inputs=("multiples",),
    host_limit=ANY_SIZE,
)
def tile_grad(x: Any, multiples: Any) -> Any:
    """Sum over the copies that `Tile` makes.

    Shape: input [multiples[i] * n_i, ...], multiples [rank] -> output [n_i, ...].
    Errors: InvalidArgumentError when multiples are not one for each axis, or do not divide it.
    """
    counts = sizes_of(multiples, "multiples")
    if len(counts) != len(x.shape) or any(
        count < 1 or size % count for count, size in zip(counts, x.shape, strict=False)
    ):
        raise InvalidArgumentError(
            f"multiples must divide the sizes of {list(x.shape)}, got {counts}"
        )
    pairs = [(count, size // count) for count, size in zip(counts, x.shape, strict=True)]
    parts = x.reshape([size for pair in pairs for size in pair])
    return parts.sum(axis=tuple(range(0, 2 * len(pairs), 2)), dtype=x.dtype)


@gradient("Tile")
def tile_gradient(g: Any, grad: Any) -> Any:
    """Sum the gradient over the copies."""
    x, multiples = g.inputs
    rank = x.shape.rank
    if rank is None:
        rank = multiples.shape[0]
    old = shape_of(g, x)
    counts = known_value(multiples)
    if counts is not None and isinstance(old, np.ndarray):
        split_sizes = np.stack([counts.astype(np.int32), old], 1).ravel()
    else:
        counts = g.call("Cast", multiples, DstT=dtypes.int32)
        split_sizes = g.call("Reshape", g.call("Pack", [counts, old], axis=1), np.array([-1]))
    axes = np.arange(0, 2 * rank, 2, dtype=np.int32)
    return g.call("Sum", g.call("Reshape", grad, split_sizes), axes), None


@op(
    "ParallelConcat",
    inputs=("values: N * T",),
    outputs=("output: T",),
    attrs={"shape": REQUIRED},
    host_limit=ANY_SIZE,
)
def parallel_concat(values: Any, *, shape: TensorShape) -> Any:
    """Join arrays of first size 1 along the first axis.

    Shape: values [1, ...] each -> output [N, ...].
    """
    del shape
    return concat_v2(values, np.zeros((), np.int32))
