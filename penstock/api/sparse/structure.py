"""The elements of sparse tensors in other places: reordered, reshaped, cut and joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor, as_sparse
from penstock.runtime.static_shape import shape_held_by, static_integer, static_value

__all__ = [
    "concat",
    "expand_dims",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "slice",
    "split",
    "transpose",
]


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Put the elements into row-major order."""
    sparse = as_sparse(sp_input)
    indices, values = call(
        "SparseReorder", sparse.indices, sparse.values, sparse.dense_shape, name=name
    )
    return _of_shape(indices, values, sparse.dense_shape, sparse.shape)


def _of_shape(indices: Any, values: Any, dense_shape: Any, shape: TensorShape) -> SparseTensor:
    made = SparseTensor(indices, values, dense_shape)
    made.set_shape(shape)
    return made


def reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """Return the same elements, in row-major order, in another shape.

    Args:
        sp_input: a sparse tensor.
        shape: sizes of the result; one of them may be -1 and is found from the others.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the shapes have different numbers of elements.
    """
    sparse = as_sparse(sp_input)
    sizes = convert_to_tensor(shape)
    if sizes.dtype is not dtypes.int64:
        sizes = call("Cast", sizes, DstT=dtypes.int64)
    indices, found = call("SparseReshape", sparse.indices, sparse.dense_shape, sizes, name=name)
    wanted = shape_held_by(sizes)
    _check_sizes(sparse.shape, wanted)
    return _of_shape(indices, sparse.values, found, wanted)


def _check_sizes(have: TensorShape, want: TensorShape) -> None:
    if have.is_fully_defined() and want.is_fully_defined():
        before, after = have.num_elements(), want.num_elements()
        if before != after:
            raise ValueError(f"Cannot reshape a tensor with {before} elements to shape {want}")


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """Keep the elements for which a boolean is true.

    Args:
        sp_input: a sparse tensor of n elements.
        to_retain: [n] booleans.

    Raises:
        ValueError: there are not as many booleans as elements.
    """
    sparse = as_sparse(sp_input)
    keep = convert_to_tensor(to_retain)
    sparse.values.shape.assert_is_compatible_with(keep.shape.with_rank(1))
    places = call("Reshape", call("Where", keep), [-1])
    return _of_shape(
        call("GatherV2", sparse.indices, places, 0),
        call("GatherV2", sparse.values, places, 0),
        sparse.dense_shape,
        sparse.shape,
    )


def slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """Cut a box out; what reaches beyond the end is left off.

    Args:
        sp_input: a sparse tensor.
        start: first place on each axis.
        size: number of places on each axis.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a size is negative.
    """
    sparse = as_sparse(sp_input)
    return SparseTensor(
        *call(
            "SparseSlice",
            sparse.indices,
            sparse.values,
            sparse.dense_shape,
            convert_to_tensor(start, dtypes.int64),
            convert_to_tensor(size, dtypes.int64),
            name=name,
        )
    )


def concat(
    axis: Any,
    sp_inputs: Sequence[Any],
    expand_nonconcat_dims: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """Join sparse tensors along an axis.

    Args:
        axis: the axis; a negative one counts from the end.
        sp_inputs: sparse tensors.
        expand_nonconcat_dims: whether the other sizes may differ; the largest is taken.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the other sizes differ.
    """
    if not isinstance(sp_inputs, (list, tuple)):
        raise TypeError("sp_inputs must be a list of sparse tensors")
    inputs = [as_sparse(each, "sp_inputs") for each in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [each.dense_shape for each in inputs]
    if expand_nonconcat_dims:
        largest = call("Max", call("Pack", shapes, axis=0), 0)
        rank = inputs[0].shape.rank
        at = axis % rank if rank is not None else axis
        mark = call("OneHot", at, call("Size", largest), True, False)
        shapes = [call("SelectV2", mark, shape, largest) for shape in shapes]
    indices, values, shape = call(
        "SparseConcat",
        [each.indices for each in inputs],
        [each.values for each in inputs],
        shapes,
        concat_dim=int(axis),
        name=name,
    )
    made = SparseTensor(indices, values, shape)
    known = [each.shape for each in inputs]
    if not expand_nonconcat_dims and all(each.is_fully_defined() for each in known):
        sizes = known[0].as_list()
        if all(each.rank == len(sizes) for each in known):
            sizes[axis] = sum(each.as_list()[axis] for each in known)
            if made.shape.is_compatible_with(sizes):
                made.set_shape(sizes)
    return made


def split(
    sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None
) -> list[SparseTensor]:
    """Cut into parts along an axis; the first ones are longer by what is over.

    Args:
        sp_input: a sparse tensor.
        num_split: number of parts.
        axis: the axis.
        name: name of the node in a graph.

    Raises:
        ValueError: an argument is missing.
    """
    if sp_input is None or num_split is None or axis is None:
        raise ValueError("split needs sp_input, num_split and axis")
    sparse = as_sparse(sp_input)
    axis_tensor = convert_to_tensor(axis, dtypes.int64)
    parts = call(
        "SparseSplit",
        axis_tensor,
        sparse.indices,
        sparse.values,
        sparse.dense_shape,
        num_split=int(num_split),
        name=name,
    )
    return [SparseTensor(*each) for each in zip(*parts, strict=True)]


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """Reorder the axes; the elements are put into row-major order.

    Args:
        sp_input: a sparse tensor.
        perm: axis i of the result is axis `perm[i]` of the input; None reverses their order.
        name: name of the node in a graph.
    """
    sparse = as_sparse(sp_input)
    rank = sparse.shape.rank
    if perm is None and rank is not None:
        perm = np.arange(rank - 1, -1, -1, dtype=np.int32)
    elif perm is None:
        count = call("Size", sparse.dense_shape)
        perm = call("Sub", call("Sub", count, 1), call("Range", 0, count, 1))
    order = convert_to_tensor(perm)
    if rank is not None:
        order.shape.assert_is_compatible_with([rank])
    moved = SparseTensor(
        call("GatherV2", sparse.indices, order, 1),
        sparse.values,
        call("GatherV2", sparse.dense_shape, order, 0),
    )
    known = static_value(order)
    if known is not None and rank is not None:
        moved.set_shape([sparse.shape.as_list()[axis] for axis in known.tolist()])
    return reorder(moved, name)


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """Insert an axis of size 1 before `axis`; None or -1 inserts it at the end."""
    sparse = as_sparse(sp_input)
    at = -1 if axis is None else axis
    count = call("Size", sparse.dense_shape)
    place = static_integer(at)
    rank = sparse.shape.rank
    if place is None or (place < 0 and rank is None):
        tensor = convert_to_tensor(at, dtypes.int32)
        wrapped = call("AddV2", call("AddV2", tensor, count), 1)
        at = call("SelectV2", call("Less", tensor, 0), wrapped, tensor)
    elif place < 0 and rank is not None:
        at = place + rank + 1
    left, right = sparse.indices[:, :at], sparse.indices[:, at:]
    column = call("ZerosLike", call("ExpandDims", sparse.values, 1))
    if sparse.dtype is not dtypes.int64:
        shape = call("Shape", sparse.values, out_type=dtypes.int64)
        column = call(
            "Fill", call("ConcatV2", [shape, np.array([1], np.int64)], 0), np.int64(0)
        )
    indices = call("ConcatV2", [left, column, right], 1)
    sizes = call(
        "ConcatV2",
        [sparse.dense_shape[:at], np.array([1], np.int64), sparse.dense_shape[at:]],
        0,
    )
    made = SparseTensor(indices, sparse.values, sizes)
    if rank is not None and isinstance(at, int):
        known = sparse.shape.as_list()
        made.set_shape([*known[:at], 1, *known[at:]])
    return made


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """Return the same elements in a larger shape, or in the least one that holds them.

    Args:
        sp_input: a sparse tensor.
        new_shape: at least as large as the old one on each axis; None takes the least.

    Raises:
        ValueError: `new_shape` is known to be smaller, or of another rank.
        InvalidArgumentError: it is smaller.
    """
    sparse = as_sparse(sp_input)
    if new_shape is None:
        last = call("Max", sparse.indices, 0)
        least = call("AddV2", last, np.int64(1))
        empty = call("Equal", call("Size", sparse.values), 0)
        shape = call("SelectV2", empty, call("ZerosLike", sparse.dense_shape), least)
        return SparseTensor(sparse.indices, sparse.values, shape)
    shape = convert_to_tensor(new_shape, dtypes.int64)
    shape.shape.with_rank(1)
    wanted = shape_held_by(shape)
    if sparse.shape.rank is not None and wanted.rank is not None:
        if sparse.shape.rank != wanted.rank:
            raise ValueError(
                f"new_shape must have {sparse.shape.rank} sizes, got {wanted.rank}"
            )
        have = sparse.shape.as_list()
        for old, new in zip(have, wanted.as_list(), strict=True):
            if old is not None and new is not None and new < old:
                raise ValueError(
                    f"Requested new_shape should have dimension sizes >= sp_input.shape.  "
                    f"Found new_shape ({wanted}), sp_input.shape ({sparse.shape})."
                )
    if not (sparse.shape.is_fully_defined() and wanted.is_fully_defined()):
        enough = call("All", call("LessEqual", sparse.dense_shape, shape), 0)
        message = "new_shape must not be smaller than the shape of sp_input"
        call("Assert", enough, [convert_to_tensor(message)])
    return _of_shape(sparse.indices, sparse.values, shape, wanted)
