"""Joining tensors and taking them apart."""

from __future__ import annotations

import numbers
import operator
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.operands import integers, scalar, static_integer
from penstock.core import dtypes
from penstock.core.tensor_shape import Dimension, TensorShape
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

__all__ = [
    "concat",
    "stack",
    "parallel_stack",
    "unstack",
    "split",
    "tile",
    "repeat",
    "meshgrid",
]


def concat(values: Any, axis: Any, name: str | None = "concat") -> Any:
    """Join tensors along an axis that they have.

    Args:
        values: tensors that differ in size on that axis only.
        axis: the axis; a negative one counts from the end.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the shapes do not fit.

    Example:
        >>> import penstock as tf
        >>> tf.concat([[1, 2], [3]], 0).numpy().tolist()
        [1, 2, 3]
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        place = convert_to_tensor(axis, dtypes.int32)
        TensorShape([]).assert_is_compatible_with(place.shape)
        return call("Identity", values[0], name=name)
    return call("ConcatV2", values, integers(axis), name=name)


def _checked_axis(axis: int, rank: int | None) -> None:
    if rank is not None and not -rank <= axis < rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank}, {rank})")


def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Any:
    """Join tensors of one shape along a new axis.

    Args:
        values: the tensors.
        axis: where the new axis comes; -1 is the end.
        name: name of the node in a graph.

    Raises:
        ValueError: the axis is out of range.
        InvalidArgumentError: the shapes differ.

    Example:
        >>> import penstock as tf
        >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
        [[1, 3], [2, 4]]
    """
    axis = operator.index(axis)
    if axis == 0 and (isinstance(values, (TensorLike, np.ndarray)) or not _is_sequence(values)):
        return convert_to_tensor(values)
    items = list(values)
    if axis == 0 and not any(isinstance(item, (TensorLike, np.ndarray)) for item in items):
        try:
            return convert_to_tensor(items)
        except (TypeError, ValueError):
            pass
    if axis != 0:
        shape = _known_shape(items[0]) if items else None
        _checked_axis(axis, None if shape is None or shape.rank is None else shape.rank + 1)
    return call("Pack", items, axis=axis, name=name)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (
        hasattr(value, "__iter__") and np.ndim(value) > 0
    )


def _known_shape(value: Any) -> TensorShape | None:
    shape = getattr(value, "shape", None)
    return TensorShape(np.shape(value)) if shape is None else TensorShape(shape)


def parallel_stack(values: Any, name: str | None = "parallel_stack") -> Any:
    """Join tensors of one shape along a new first axis, inside a graph.

    Raises:
        RuntimeError: called eagerly.
    """
    if state.graph is None:
        raise RuntimeError("tf.parallel_stack() is not compatible with eager execution.")
    rows = [call("ExpandDims", value, 0) for value in values]
    shape = TensorShape([len(rows)]).concatenate(rows[0].shape[1:])
    return call("ParallelConcat", rows, shape=shape, name=name)


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack"
) -> list[Any]:
    """Take a tensor apart along an axis, which is dropped.

    Args:
        value: a tensor.
        num: size of the axis; None takes it from the tensor.
        axis: the axis.
        name: name of the node in a graph.

    Raises:
        ValueError: the axis is out of range, or its size is neither given nor known.
    """
    axis = operator.index(axis)
    if num is None:
        value = convert_to_tensor(value)
        shape = value.shape
        if shape.rank is not None:
            _checked_axis(axis, shape.rank)
            num = shape[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {shape}")
    return call("Unpack", value, num=num, axis=axis, name=name)


def split(
    value: Any,
    num_or_size_splits: Any,
    axis: Any = 0,
    num: int | None = None,
    name: str | None = "split",
) -> list[Any]:
    """Cut a tensor into parts along an axis.

    Args:
        value: a tensor.
        num_or_size_splits: number of equal parts, or the size of each; one may be -1.
        axis: the axis.
        num: number of sizes, where it cannot be told from `num_or_size_splits`.
        name: name of the node in a graph.

    Raises:
        ValueError: the number of parts is a tensor, or cannot be told.
        InvalidArgumentError: the sizes do not fit the axis.

    Example:
        >>> import penstock as tf
        >>> [part.numpy().tolist() for part in tf.split([1, 2, 3], [1, -1])]
        [[1], [2, 3]]
    """
    if isinstance(num_or_size_splits, (numbers.Integral, Dimension)):
        count = int(num_or_size_splits)  # type: ignore[call-overload]
        return call("Split", integers(axis), value, num_split=count, name=name)
    sizes = convert_to_tensor(num_or_size_splits)
    if sizes.shape.rank == 0:
        raise ValueError(
            "num_or_size_splits must be an integer of Python or a list, got a scalar tensor"
        )
    if num is None:
        num = sizes.shape[0] if sizes.shape.rank is not None else None
        if num is None:
            raise ValueError("num must be given, because the number of sizes is not known")
    return call("SplitV", value, sizes, integers(axis), num_split=num, name=name)


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """Repeat the whole tensor along its axes.

    Args:
        input: a tensor.
        multiples: number of copies for each axis.
        name: name of the node in a graph.
    """
    return call("Tile", input, integers(multiples), name=name)


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Repeat each element, one after the other.

    Args:
        input: a tensor.
        repeats: number of copies, one for all or one for each place on the axis.
        axis: the axis; None flattens the input first.
        name: name of the node in a graph.

    Raises:
        ValueError: there are other than one or as many `repeats` as places.

    Example:
        >>> import penstock as tf
        >>> tf.repeat([1, 2], [2, 1]).numpy().tolist()
        [1, 1, 2]
    """
    data = convert_to_tensor(input)
    if axis is None:
        data = call("Reshape", data, integers([-1]))
        axis = 0
    counts = convert_to_tensor(repeats)
    if not counts.dtype.is_integer:
        counts = call("Cast", counts, DstT=dtypes.int32)
    counts.shape.with_rank_at_most(1)
    if data.shape.rank == 0:
        data = call("Reshape", data, integers([1]))
    rank = data.shape.rank
    if rank is None:
        raise ValueError("the rank of the input must be known")
    if not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    axis = axis + rank if axis < 0 else axis
    if counts.shape.num_elements() == 1:
        return _repeat_all(data, call("Reshape", counts, integers([])), axis, rank, name)
    data.shape[axis : axis + 1].assert_is_compatible_with(counts.shape)
    ends = call("Cumsum", counts, integers(0))
    total = call("Sum", counts, integers(0))
    places = call("Range", scalar(0, counts.dtype), total, scalar(1, counts.dtype))
    row = call("ExpandDims", ends, integers(0))
    index = call("UpperBound", row, call("ExpandDims", places, integers(0)))
    index = call("Reshape", index, integers([-1]))
    # The gradient of a gather along axis 0 would be sparse, that of a reshape is not.
    data = call("Reshape", data, call("Shape", data))
    return call("GatherV2", data, index, integers(axis), name=name)


def _repeat_all(data: Any, count: Any, axis: int, rank: int, name: str | None) -> Any:
    known = static_integer(count)
    wide = call("ExpandDims", data, integers(axis + 1))
    if known is not None:
        multiples: Any = integers([1] * (axis + 1) + [known] + [1] * (rank - axis - 1))
    else:
        ones = [convert_to_tensor(1, count.dtype)]
        multiples = call("Pack", ones * (axis + 1) + [count] + ones * (rank - axis - 1))
    tiled = call("Tile", wide, multiples)
    shape = list(data.shape)
    if known is not None and None not in shape:
        shape[axis] *= known
        return call("Reshape", tiled, integers(shape), name=name)
    sizes = call("Shape", data)
    parts = [sizes[:axis], integers([-1]), sizes[axis + 1 :]]
    if known == 0 or 0 in shape:
        count32 = call("Cast", count, DstT=dtypes.int32)
        parts[1] = call("Reshape", call("Mul", sizes[axis], count32), integers([1]))
    return call("Reshape", tiled, call("ConcatV2", parts, integers(0)), name=name)


def meshgrid(*args: Any, **kwargs: Any) -> list[Any]:
    """Coordinates of the points of a grid, one tensor for each axis.

    Args:
        *args: coordinates along each axis.
        **kwargs: `indexing`: "xy" (the first two axes are exchanged) or "ij"; `name`.

    Raises:
        ValueError: another indexing.
        TypeError: another keyword.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(
            f"{next(iter(kwargs))!r} is an invalid keyword argument for this function"
        )
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij', got {indexing!r}")
    del name
    order = list(range(len(args)))
    if indexing == "xy" and len(args) > 1:
        order[0], order[1] = 1, 0
    lines = []
    sizes: list[Any] = [None] * len(args)
    for i, arg in enumerate(args):
        line = call("Reshape", arg, integers([-1]))
        size = line.shape[0]
        sizes[order[i]] = call("Size", line) if size is None else size
        shape = [1] * len(args)
        shape[order[i]] = -1
        lines.append(call("Reshape", line, integers(shape)))
    whole = integers(sizes)
    if not isinstance(whole, Tensor) and any(isinstance(size, Tensor) for size in sizes):
        whole = call("Pack", sizes)
    return [call("BroadcastTo", line, whole) for line in lines]


open_to_composites(globals())
