"""Reading and writing parts of tensors: slices, gathers, scatters, masks."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers, static_integer
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = [
    "slice",
    "strided_slice",
    "where",
    "gather",
    "gather_nd",
    "scatter_nd",
    "tensor_scatter_nd_update",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "boolean_mask",
    "unique",
    "unique_with_counts",
    "dynamic_partition",
    "dynamic_stitch",
    "edit_distance",
]


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """Block of a tensor.

    Args:
        input_: a tensor.
        begin: first place on each axis.
        size: size on each axis; -1 reaches to the end.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the block reaches out of the tensor.
    """
    return call("Slice", input_, integers(begin), integers(size), name=name)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Any:
    """Every stride-th element from `begin` to `end`, on each axis.

    Args:
        input_: a tensor.
        begin: first place on each axis.
        end: the place after the last on each axis.
        strides: distance of the places; None is 1.
        begin_mask: bit i leaves `begin[i]` out.
        end_mask: bit i leaves `end[i]` out.
        ellipsis_mask: bit i makes entry i stand for all axes that are not named.
        new_axis_mask: bit i makes entry i a new axis of size 1.
        shrink_axis_mask: bit i makes entry i one place, whose axis is dropped.
        var: must be None; assign to `variable[...]` instead.
        name: name of the node in a graph.
    """
    if var is not None:
        raise UnimplementedError("var is not implemented; use variable[...].assign(value)")
    if strides is None:
        begin = convert_to_tensor(begin)
        strides = call("OnesLike", begin)
    return call(
        "StridedSlice",
        input_,
        integers(begin),
        integers(end),
        integers(strides),
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Elements of x where the condition is true, else of y; or the places of what is true.

    Args:
        condition: a boolean tensor; numbers count as true when they are not zero, if it stands
            alone.
        x: values to take where it is true; broadcast with the others.
        y: values to take where it is false.
        name: name of the node in a graph.

    Returns:
        The chosen elements, or without x and y the int64 coordinates [count, rank] of what is
        true.

    Raises:
        ValueError: only one of x and y is given.

    Example:
        >>> import penstock as tf
        >>> tf.where([True, False], [1, 2], 0).numpy().tolist()
        [1, 0]
    """
    if x is None and y is None:
        return call("Where", condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return call("SelectV2", condition, x, y, name=name)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Slices of a tensor along an axis, picked by index.

    Args:
        params: a tensor or variable.
        indices: places on the axis, of any shape.
        validate_indices: has no effect; indices are always checked.
        axis: the axis; None is `batch_dims`.
        batch_dims: number of leading axes of both that run together.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: an index is negative or too large.

    Example:
        >>> import penstock as tf
        >>> tf.gather([10, 20, 30], [2, 0]).numpy().tolist()
        [30, 10]
    """
    del validate_indices
    if axis is None:
        axis = batch_dims
    if static_integer(axis) == 0:
        read = getattr(params, "sparse_read", None)
        if read is not None:
            return read(indices, name=name)
        batch_dims = 0
    return call("GatherV2", params, indices, integers(axis), batch_dims=batch_dims, name=name)


def gather_nd(
    params: Any,
    indices: Any,
    batch_dims: int = 0,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Any:
    """Elements or slices of a tensor, picked by coordinates.

    Args:
        params: a tensor or variable.
        indices: [..., k] coordinates on the first k axes after the batch.
        batch_dims: number of leading axes of both that run together.
        name: name of the node in a graph.
        bad_indices_policy: "ERROR" (the default) or "IGNORE", which gives zeros.

    Raises:
        InvalidArgumentError: coordinates outside of `params`.
        ValueError: `batch_dims` is not below the ranks.
    """
    batch = static_integer(batch_dims)
    if batch is None:
        raise ValueError("batch_dims must be known while a graph is built")
    if batch:
        params, indices = convert_to_tensor(params), convert_to_tensor(indices)
        return _batch_gather_nd(params, indices, batch, name, bad_indices_policy)
    read = getattr(params, "gather_nd", None)
    if read is not None:
        return read(indices, name=name)
    return call("GatherNd", params, indices, bad_indices_policy=bad_indices_policy, name=name)


def _batch_gather_nd(
    params: Any, indices: Any, batch_dims: int, name: str | None, policy: str
) -> Any:
    """Write the place in the batch in front of the coordinates, and gather once."""
    rank = indices.shape.rank
    if rank is None or params.shape.rank is None:
        raise ValueError("batch_dims needs params and indices of known rank")
    batch = batch_dims + rank if batch_dims < 0 else batch_dims
    for word, limit in (("params", params.shape.rank), ("indices", rank)):
        if not 0 < batch < limit:
            raise ValueError(
                f"batch_dims = {batch_dims} must be less than rank({word}) = {limit}"
            )
    if not params.shape[:batch].is_compatible_with(indices.shape[:batch]):
        raise InvalidArgumentError(
            f"params and indices must agree in their first {batch} axes, got shapes "
            f"{params.shape} and {indices.shape}"
        )
    sizes = indices.shape
    shape: Any = list(sizes) if sizes.is_fully_defined() else call("Shape", indices)
    one = integers([1])
    column = [*shape[:-1], 1] if isinstance(shape, list) else None
    target = integers(column) if column else call("ConcatV2", [shape[:-1], one], integers(0))
    parts = []
    for axis in range(batch):
        size = shape[axis]
        kind = indices.dtype
        places = call("Range", 0, size, 1)
        if kind != dtypes.int32:
            places = call("Cast", places, DstT=kind)
        along = [1] * rank
        along[axis] = -1
        parts.append(call("BroadcastTo", call("Reshape", places, integers(along)), target))
    whole = call("ConcatV2", [*parts, indices], integers(-1))
    return call("GatherNd", params, whole, bad_indices_policy=policy, name=name)


def scatter_nd(
    indices: Any,
    updates: Any,
    shape: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Any:
    """Zeros of a shape, to which updates are added at coordinates.

    Args:
        indices: [..., k] coordinates.
        updates: elements or slices to add; equal coordinates add up.
        shape: sizes of the result, in the dtype of `indices`.
        name: name of the node in a graph.
        bad_indices_policy: "ERROR" (the default) or "IGNORE".
    """
    policy = bad_indices_policy
    return call("ScatterNd", indices, updates, shape, bad_indices_policy=policy, name=name)


def tensor_scatter_nd_update(
    tensor: Any,
    indices: Any,
    updates: Any,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Any:
    """Copy of a tensor with updates in place of what was at the coordinates.

    Args:
        tensor: a tensor.
        indices: [..., k] coordinates.
        updates: elements or slices.
        name: name of the node in a graph.
        bad_indices_policy: "ERROR" (the default) or "IGNORE".
    """
    policy = bad_indices_policy
    return call(
        "TensorScatterUpdate", tensor, indices, updates, bad_indices_policy=policy, name=name
    )


def tensor_scatter_nd_add(
    tensor: Any,
    indices: Any,
    updates: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Any:
    """Copy of a tensor with updates added at coordinates."""
    policy = bad_indices_policy
    return call(
        "TensorScatterAdd", tensor, indices, updates, bad_indices_policy=policy, name=name
    )


def tensor_scatter_nd_sub(
    tensor: Any,
    indices: Any,
    updates: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Any:
    """Copy of a tensor with updates subtracted at coordinates."""
    policy = bad_indices_policy
    return call(
        "TensorScatterSub", tensor, indices, updates, bad_indices_policy=policy, name=name
    )


def tensor_scatter_nd_max(
    tensor: Any,
    indices: Any,
    updates: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Any:
    """Copy of a tensor with the larger of old and new at coordinates."""
    policy = bad_indices_policy
    return call(
        "TensorScatterMax", tensor, indices, updates, bad_indices_policy=policy, name=name
    )


def tensor_scatter_nd_min(
    tensor: Any,
    indices: Any,
    updates: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Any:
    """Copy of a tensor with the smaller of old and new at coordinates."""
    policy = bad_indices_policy
    return call(
        "TensorScatterMin", tensor, indices, updates, bad_indices_policy=policy, name=name
    )


def boolean_mask(
    tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask"
) -> Any:
    """Elements of a tensor where a mask is true.

    Args:
        tensor: a tensor.
        mask: booleans, for the axes from `axis` on.
        axis: first axis that the mask is about; None is 0.
        name: name of the node in a graph.

    Raises:
        ValueError: the mask is a scalar, or its shape does not fit the tensor.

    Example:
        >>> import penstock as tf
        >>> tf.boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
        [1, 3]
    """
    tensor, mask = convert_to_tensor(tensor), convert_to_tensor(mask)
    rank = mask.shape.rank
    if rank == 0:
        raise ValueError("mask cannot be scalar.")
    if rank is None:
        raise ValueError(
            "Number of mask dimensions must be specified, even if some dimensions are None"
        )
    place = 0 if axis is None else static_integer(axis)
    if place is None:
        raise ValueError("axis must be known while a graph is built")
    shape: TensorShape = tensor.shape
    if shape.rank is not None:
        shape[place : place + rank].assert_is_compatible_with(mask.shape)
    if shape.is_fully_defined():
        known = shape.as_tuple()
        count = math.prod(known[place : place + rank])  # type: ignore[arg-type]
        sizes = integers((*known[:place], count, *known[place + rank :]))
    else:
        dynamic = call("Shape", tensor)
        parts = [dynamic[:place], integers([-1]), dynamic[place + rank :]]
        sizes = call("ConcatV2", parts, integers(0))
    # A reshape makes the gradient dense, which that of a gather alone would not be.
    rows = call("Reshape", tensor, sizes)
    places = call("Where", call("Reshape", mask, integers([-1])))
    picked = call("Squeeze", places, squeeze_dims=(1,))
    return call("GatherV2", rows, picked, integers(place), name=name)


class Unique(NamedTuple):
    """Distinct elements and the place of each element among them."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """Distinct elements, the place of each element among them, and how often each appears."""

    y: Any
    idx: Any
    count: Any


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """Distinct elements of a vector, in the order in which they appear.

    Args:
        x: a vector.
        out_idx: int32 or int64: dtype of the places.
        name: name of the node in a graph.

    Returns:
        `y`, the distinct elements, and `idx` with `y[idx[i]] == x[i]`.
    """
    return Unique(*call("Unique", x, out_idx=dtypes.as_dtype(out_idx), name=name))


def unique_with_counts(
    x: Any, out_idx: Any = dtypes.int32, name: str | None = None
) -> UniqueWithCounts:
    """Distinct elements of a vector, and how often each appears.

    Args:
        x: a vector.
        out_idx: int32 or int64: dtype of the places and counts.
        name: name of the node in a graph.
    """
    kind = dtypes.as_dtype(out_idx)
    return UniqueWithCounts(*call("UniqueWithCounts", x, out_idx=kind, name=name))


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Any]:
    """Deal the rows of a tensor out by number.

    Args:
        data: a tensor whose shape begins with that of `partitions`.
        partitions: for each row the number of its part.
        num_partitions: number of parts.
        name: name of the node in a graph.
    """
    return call("DynamicPartition", data, partitions, num_partitions=num_partitions, name=name)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """Put the rows of several tensors at the places that their indices say; the last one wins.

    Args:
        indices: a list of int32 tensors.
        data: a list of tensors, each of the shape of its indices and one common shape.
        name: name of the node in a graph.
    """
    return call("DynamicStitch", list(indices), list(data), name=name)


def edit_distance(
    hypothesis: Any, truth: Any, normalize: bool = True, name: str | None = "edit_distance"
) -> Any:
    """Number of insertions, deletions and replacements between sequences (Levenshtein).

    Args:
        hypothesis: a SparseTensor whose last axis holds sequences.
        truth: likewise.
        normalize: whether it is divided by the length of the truth.
        name: name of the node in a graph.

    Raises:
        TypeError: an argument is no SparseTensor.
    """
    for each in (hypothesis, truth):
        if not hasattr(each, "dense_shape"):
            raise TypeError(f"edit_distance needs SparseTensors, got {type(each).__name__}")
    return call(
        "EditDistance",
        hypothesis.indices,
        hypothesis.values,
        hypothesis.dense_shape,
        truth.indices,
        truth.values,
        truth.dense_shape,
        normalize=normalize,
        name=name,
    )


open_to_composites(globals())
