"""Sparse tensors: made dense, put in order, given another shape, cut and joined."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.shapes import axis_in, filled, shape_from, values_of
from penstock.ops.sparse_rows import (
    check_ordered,
    check_parts,
    rank_of,
    row_major,
    sparse_shapes,
    strides_of,
)
from penstock.ops.table import REQUIRED, gradient, op

Array = Any


def _dense_shape(indices: Any, output_shape: Any, values: Any, default: Any, **_: Any) -> Any:  # noqa: ARG001
    return shape_from(output_shape)


@op(
    "SparseToDense",
    inputs=(
        "sparse_indices: Tindices",
        "output_shape: Tindices",
        "sparse_values: T",
        "default_value: T",
    ),
    outputs=("dense: T",),
    attrs={"validate_indices": True},
    constant_inputs=("output_shape",),
    shape=_dense_shape,
)
def sparse_to_dense(
    sparse_indices: Array,
    output_shape: Array,
    sparse_values: Array,
    default_value: Array,
    *,
    validate_indices: bool,
) -> Array:
    """Put values at their places into a tensor that holds a default elsewhere.

    Shape: sparse_indices [n, rank], [n] or [], output_shape [rank], sparse_values [n] or [],
        default_value [] -> dense [...].
    Errors: InvalidArgumentError when a place is outside, or, with validate_indices, repeated
        or out of row-major order.
    """
    xp = namespace(sparse_indices, sparse_values, default_value)
    shape = tuple(int(size) for size in np.asarray(output_shape))
    rows = sparse_indices
    if rows.ndim < 2:
        rows = xp.reshape(rows, (-1, 1))
    if rows.shape[1] != len(shape):
        raise InvalidArgumentError(
            f"output_shape must have {rows.shape[1]} elements like indices, got {len(shape)}"
        )
    if np.ndim(default_value):
        raise InvalidArgumentError(
            f"default_value must be a scalar, got shape {list(default_value.shape)}"
        )
    if sparse_values.ndim and sparse_values.shape != (rows.shape[0],):
        raise InvalidArgumentError(
            f"sparse_values must be a scalar or have {rows.shape[0]} elements like indices, "
            f"got shape {list(sparse_values.shape)}"
        )
    inside = ((rows >= 0) & (rows < xp.asarray(shape, rows.dtype))).all()
    require(inside, InvalidArgumentError, f"indices must lie inside of the shape {shape}")
    places = tuple(rows[:, axis] for axis in range(len(shape)))
    if xp is np:
        if validate_indices:
            check_ordered(rows)
        dense = filled(shape, default_value, sparse_values.dtype)
        dense[places] = sparse_values
        return dense
    dense = xp.full(shape, default_value, sparse_values.dtype)
    return dense.at[places].set(sparse_values)


@gradient("SparseToDense")
def sparse_to_dense_gradient(g: Any, grad: Any) -> Any:
    """Values get what flows into their places, the default all the rest."""
    indices, _, values, _ = g.inputs
    rank = indices.shape.rank
    if rank == 1:
        indices = g.call("ExpandDims", indices, -1)
    of_values = g.call(
        "GatherNd", grad, g.call("Reshape", indices, [1]) if not rank else indices
    )
    if values.shape.rank == 0 and rank:
        of_values = g.call("Sum", of_values, [0])
    of_default = None
    if g.needs(3):
        axes = g.call("Range", 0, g.call("Rank", grad), 1)
        taken = g.call("Sum", of_values, g.call("Range", 0, g.call("Rank", of_values), 1))
        of_default = g.call("Sub", g.call("Sum", grad, axes), taken)
    return None, None, of_values, of_default


@op(
    "SparseReorder",
    inputs=("input_indices: int64", "input_values: T", "input_shape: int64"),
    outputs=("output_indices: int64", "output_values: T"),
    kernel="host",
    shape=lambda indices, values, shape: (indices.shape, values.shape),  # noqa: ARG005
)
def sparse_reorder(input_indices: Array, input_values: Array, input_shape: Array) -> Any:
    """Put the elements of a sparse tensor into row-major order.

    Shape: input_indices [n, rank], input_values [n], input_shape [rank] ->
        output_indices [n, rank], output_values [n].
    Errors: InvalidArgumentError when the parts do not fit each other.
    """
    check_parts(input_indices, input_values, input_shape)
    order = row_major(input_indices)
    return input_indices[order], input_values[order]


@gradient("SparseReorder")
def sparse_reorder_gradient(g: Any, _: Any, grad: Any) -> Any:
    """The gradient goes back to where each value was."""
    indices, values, shape = g.inputs
    if grad is None:
        return None, None, None
    count = g.call("Cast", g.call("Size", values), DstT=indices.dtype)
    numbers = g.call("Range", g.call("Sub", count, count), count, g.call("OnesLike", count))
    _, moved = g.call("SparseReorder", indices, numbers, shape)
    return None, g.call("GatherV2", grad, g.call("InvertPermutation", moved), 0), None


def _reshape_shape(indices: Any, input_shape: Any, new_shape: Any) -> Any:
    del input_shape
    rank = rank_of(new_shape)
    count = indices.shape[0]
    return TensorShape([count, rank]), TensorShape([rank])


@op(
    "SparseReshape",
    inputs=("input_indices: int64", "input_shape: int64", "new_shape: int64"),
    outputs=("output_indices: int64", "output_shape: int64"),
    kernel="host",
    differentiable=False,
    shape=_reshape_shape,
)
def sparse_reshape(input_indices: Array, input_shape: Array, new_shape: Array) -> Any:
    """Places of the same elements in another shape, of which one size may be -1.

    Shape: input_indices [n, rank], input_shape [rank], new_shape [k] ->
        output_indices [n, k], output_shape [k].
    Errors: InvalidArgumentError when the shapes have different numbers of elements.
    """
    if input_indices.ndim != 2 or input_indices.shape[1] != len(input_shape):
        raise InvalidArgumentError(
            f"input_indices must have {len(input_shape)} columns like input_shape, got shape "
            f"{list(input_indices.shape)}"
        )
    total = int(np.prod(input_shape, dtype=object))
    sizes = _completed(new_shape.tolist(), total, input_shape.tolist())
    flat = (
        input_indices @ strides_of(input_shape.tolist())
        if len(input_shape)
        else np.zeros(len(input_indices), np.int64)
    )
    moved = np.empty((len(flat), len(sizes)), np.int64)
    for axis, stride in enumerate(strides_of(sizes)):
        moved[:, axis], flat = np.divmod(flat, max(int(stride), 1))
    return moved, np.asarray(sizes, np.int64)


def _completed(sizes: list[int], total: int, before: list[int]) -> list[int]:
    """New sizes with the one that is -1 found from the others."""
    unknown = [axis for axis, size in enumerate(sizes) if size == -1]
    if len(unknown) > 1:
        raise InvalidArgumentError(f"new_shape may hold -1 once, got {sizes}")
    if any(size < -1 for size in sizes):
        raise InvalidArgumentError(f"new_shape must not hold sizes below -1, got {sizes}")
    known = int(np.prod([size for size in sizes if size != -1], dtype=object))
    if unknown:
        if known == 0 or total % known:
            raise InvalidArgumentError(
                f"new_shape {sizes} must divide the {total} elements of the shape {before}"
            )
        return [total // known if size == -1 else size for size in sizes]
    if known != total:
        raise InvalidArgumentError(
            f"new_shape {sizes} must have the {total} elements of the shape {before}, it has "
            f"{known}"
        )
    return sizes


def _concat_shape(indices: Any, values: Any, shapes: Any, *, concat_dim: int) -> Any:
    del concat_dim, values
    rank = next((rank_of(shape) for shape in shapes if rank_of(shape) is not None), None)
    counts = [each.shape[0] for each in indices]
    return sparse_shapes(rank, None if None in counts else sum(counts))


@op(
    "SparseConcat",
    inputs=("indices: N * int64", "values: N * T", "shapes: N * int64"),
    outputs=("output_indices: int64", "output_values: T", "output_shape: int64"),
    attrs={"concat_dim": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=_concat_shape,
)
def sparse_concat(
    indices: Sequence[Array],
    values: Sequence[Array],
    shapes: Sequence[Array],
    *,
    concat_dim: int,
) -> Any:
    """Join sparse tensors along an axis.

    Shape: indices [n, rank], values [n], shapes [rank] ->
        output_indices [m, rank], output_values [m], output_shape [rank].
    Errors: InvalidArgumentError when the other sizes differ.
    """
    sizes = shapes[0].copy()
    axis = axis_in(concat_dim, len(sizes), "concat_dim")
    parts = []
    offset = 0
    for k, (rows, items, shape) in enumerate(zip(indices, values, shapes, strict=True)):
        check_parts(rows, items, shape)
        if len(shape) != len(sizes) or (np.delete(shape, axis) != np.delete(sizes, axis)).any():
            raise InvalidArgumentError(
                f"sparse tensors must have one shape but for axis {axis}, got "
                f"{sizes.tolist()} and {shape.tolist()} for number {k}"
            )
        moved = rows.copy()
        moved[:, axis] += offset
        parts.append(moved)
        offset += int(shape[axis])
    sizes[axis] = offset
    joined, items = np.concatenate(parts), np.concatenate(values)
    if axis:
        order = row_major(joined)
        joined, items = joined[order], items[order]
    return joined, items, sizes


def _split_shape(
    split_dim: Any, indices: Any, values: Any, shape: Any, *, num_split: int
) -> Any:
    del split_dim, indices, values
    one = sparse_shapes(rank_of(shape))
    return tuple(part for part in one for _ in range(num_split))


@op(
    "SparseSplit",
    inputs=("split_dim: int64", "indices: int64", "values: T", "shape: int64"),
    outputs=(
        "output_indices: num_split * int64",
        "output_values: num_split * T",
        "output_shape: num_split * int64",
    ),
    attrs={"num_split": REQUIRED},
    kernel="host",
    shape=_split_shape,
)
def sparse_split(
    split_dim: Array, indices: Array, values: Array, shape: Array, *, num_split: int
) -> Any:
    """Cut a sparse tensor into parts along an axis; the first ones are longer by what is over.

    Shape: split_dim [], indices [n, rank], values [n], shape [rank] ->
        output_indices [m, rank], output_values [m], output_shape [rank].
    Errors: InvalidArgumentError when there are more parts than places on the axis.
    """
    check_parts(indices, values, shape)
    axis = axis_in(int(np.asarray(split_dim).reshape(())), len(shape), "split_dim")
    size = int(shape[axis])
    if not 1 <= num_split <= size:
        raise InvalidArgumentError(
            f"num_split must be between 1 and the size {size} of axis {axis}, got {num_split}"
        )
    each, longer = divmod(size, num_split)
    bounds = np.cumsum([0] + [each + (k < longer) for k in range(num_split)])
    rows, items, sizes = [], [], []
    for low, high in itertools.pairwise(bounds):
        inside = (indices[:, axis] >= low) & (indices[:, axis] < high)
        part, part_shape = indices[inside], shape.copy()
        part[:, axis] -= low
        part_shape[axis] = high - low
        rows.append(part)
        items.append(values[inside])
        sizes.append(part_shape)
    return (*rows, *items, *sizes)


def _slice_shape(indices: Any, values: Any, shape: Any, start: Any, size: Any) -> Any:
    del indices, values, start, size
    return sparse_shapes(rank_of(shape))


@op(
    "SparseSlice",
    inputs=("indices: int64", "values: T", "shape: int64", "start: int64", "size: int64"),
    outputs=("output_indices: int64", "output_values: T", "output_shape: int64"),
    kernel="host",
    shape=_slice_shape,
)
def sparse_slice(indices: Array, values: Array, shape: Array, start: Array, size: Array) -> Any:
    """Cut a box out of a sparse tensor; what reaches beyond its end is left off.

    Shape: indices [n, rank], values [n], shape [rank], start [rank], size [rank] ->
        output_indices [m, rank], output_values [m], output_shape [rank].
    Errors: InvalidArgumentError when start and size do not have one element for each axis, or a
        size is negative.
    """
    check_parts(indices, values, shape)
    if start.shape != shape.shape or size.shape != shape.shape:
        raise InvalidArgumentError(
            f"start and size must have {len(shape)} elements like the shape, got "
            f"{list(start.shape)} and {list(size.shape)}"
        )
    if (size < 0).any():
        raise InvalidArgumentError(f"size must not be negative, got {size.tolist()}")
    inside = ((indices >= start) & (indices < start + size)).all(axis=1)
    left = np.clip(np.minimum(size, shape - start), 0, None)
    return indices[inside] - start, values[inside], left


@gradient("SparseSlice")
def sparse_slice_gradient(g: Any, _: Any, grad: Any, __: Any) -> Any:
    """The gradient goes to the values that were kept."""
    if grad is None:
        return (None,) * 5
    indices, _, _, start, _ = g.inputs
    back = g.call("SparseSliceGrad", grad, indices, start, g.outputs[0])
    return None, back, None, None, None


@op(
    "SparseSliceGrad",
    inputs=(
        "backprop_val_grad: T",
        "input_indices: int64",
        "input_start: int64",
        "output_indices: int64",
    ),
    outputs=("val_grad: T",),
    kernel="host",
    shape=lambda grad, indices, *_: indices.shape[:1],  # noqa: ARG005
)
def sparse_slice_grad(
    backprop_val_grad: Array, input_indices: Array, input_start: Array, output_indices: Array
) -> Array:
    """Gradient of the values of a sparse slice; 0 for those that were cut off.

    Shape: backprop_val_grad [m], input_indices [n, rank], input_start [rank],
        output_indices [m, rank] -> val_grad [n].
    """
    result = np.zeros((len(input_indices),), backprop_val_grad.dtype)
    both = np.concatenate([input_indices, output_indices + input_start])
    order = row_major(both)
    # The sort is stable: a row that was kept stands right before its like in the slice.
    first, second = order[:-1], order[1:]
    count = len(input_indices)
    same = (both[first] == both[second]).all(axis=1) & (first < count) & (second >= count)
    result[first[same]] = backprop_val_grad[second[same] - count]
    return result


def _fill_shape(indices: Any, values: Any, dense_shape: Any, default_value: Any) -> Any:
    del values, default_value
    sizes = values_of(dense_shape)
    count = indices.shape[0]
    rank = rank_of(dense_shape)
    return (
        TensorShape([None, rank]),
        TensorShape([None]),
        TensorShape([sizes[0] if sizes else None]),
        TensorShape([count]),
    )


@op(
    "SparseFillEmptyRows",
    inputs=("indices: int64", "values: T", "dense_shape: int64", "default_value: T"),
    outputs=(
        "output_indices: int64",
        "output_values: T",
        "empty_row_indicator: bool",
        "reverse_index_map: int64",
    ),
    kernel="host",
    shape=_fill_shape,
)
def sparse_fill_empty_rows(
    indices: Array, values: Array, dense_shape: Array, default_value: Array
) -> Any:
    """Give each row without elements one default value at its start.

    Shape: indices [n, rank], values [n], dense_shape [rank], default_value [] ->
        output_indices [m, rank], output_values [m], empty_row_indicator [rows],
        reverse_index_map [n].
    Errors: InvalidArgumentError when an element lies in a row that does not exist.
    """
    check_parts(indices, values, dense_shape)
    if np.ndim(default_value):
        raise InvalidArgumentError(
            f"default_value must be a scalar, got shape {list(default_value.shape)}"
        )
    if not len(dense_shape):
        raise InvalidArgumentError("dense_shape must have at least one axis, got none")
    rows = indices[:, 0]
    count = int(dense_shape[0])
    if ((rows < 0) | (rows >= count)).any():
        raise InvalidArgumentError(
            f"indices must lie in rows 0 to {count - 1}, got row "
            f"{int(rows[((rows < 0) | (rows >= count)).argmax()])}"
        )
    empty = np.bincount(rows, minlength=count)[:count] == 0
    extra = np.zeros((int(empty.sum()), len(dense_shape)), np.int64)
    extra[:, 0] = np.flatnonzero(empty)
    everything = np.concatenate([indices, extra])
    order = np.argsort(everything[:, 0], kind="stable")
    items = np.concatenate([values, filled((len(extra),), default_value, values.dtype)])
    place = np.empty((len(order),), np.int64)
    place[order] = np.arange(len(order))
    return everything[order], items[order], empty, place[: len(indices)]


@gradient("SparseFillEmptyRows")
def sparse_fill_empty_rows_gradient(g: Any, _: Any, grad: Any, *__: Any) -> Any:
    """Values get the gradient of their places, the default the sum of all others."""
    if grad is None:
        return None, None, None, None
    of_values, of_default = g.call("SparseFillEmptyRowsGrad", g.outputs[3], grad)
    return None, of_values, None, of_default


@op(
    "SparseFillEmptyRowsGrad",
    inputs=("reverse_index_map: int64", "grad_values: T"),
    outputs=("d_values: T", "d_default_value: T"),
    kernel="host",
    shape=lambda places, grad: (places.shape, TensorShape(())),  # noqa: ARG005
)
def sparse_fill_empty_rows_grad(reverse_index_map: Array, grad_values: Array) -> Any:
    """Gradients of the values and the default of SparseFillEmptyRows.

    Shape: reverse_index_map [n], grad_values [m] -> d_values [n], d_default_value [].
    Errors: InvalidArgumentError when a place is out of range.
    """
    bad = (reverse_index_map < 0) | (reverse_index_map >= len(grad_values))
    if bad.any():
        raise InvalidArgumentError(
            f"reverse_index_map must be in [0, {len(grad_values)}), got "
            f"{int(reverse_index_map[bad.argmax()])}"
        )
    of_values = grad_values[reverse_index_map]
    rest = np.ones((len(grad_values),), bool)
    rest[reverse_index_map] = False
    return of_values, np.asarray(grad_values[rest].sum(dtype=grad_values.dtype))
