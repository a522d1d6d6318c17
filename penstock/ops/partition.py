"""Dealing rows out to several arrays, and stitching them together again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.array import shape_of
from penstock.ops.gather_scatter import require_inside, take
from penstock.ops.namespace import namespace
from penstock.ops.shapes import blank, filled
from penstock.ops.table import REQUIRED, gradient, op


def _partition_shape(data: Any, parts: Any, *, num_partitions: int) -> tuple[TensorShape, ...]:
    if data.shape.rank is None or parts.shape.rank is None:
        return (unknown_shape(),) * num_partitions
    return (TensorShape.of((None,)) + data.shape[parts.shape.rank :],) * num_partitions


@op(
    "DynamicPartition",
    inputs=("data: T", "partitions: int32"),
    outputs=("outputs: num_partitions * T",),
    attrs={"num_partitions": REQUIRED},
    constant_inputs=("partitions",),
    shape=_partition_shape,
)
def dynamic_partition(data: Any, partitions: Any, *, num_partitions: int) -> Any:
    """Deal the rows of data out by number, in their order.

    Shape: data [i..., ...], partitions [i...] -> outputs [k, ...] each.
    Errors: InvalidArgumentError when a number is not in [0, num_partitions).
    """
    rank = len(partitions.shape)
    if tuple(data.shape[:rank]) != tuple(partitions.shape):
        raise InvalidArgumentError(
            f"the shape of data must begin with that of partitions, got {list(data.shape)} and "
            f"{list(partitions.shape)}"
        )
    require_inside(partitions, num_partitions, "partitions")
    rows = data.reshape((math.prod(partitions.shape), *data.shape[rank:]))
    numbers = np.ravel(partitions)
    return tuple([rows[np.flatnonzero(numbers == i)] for i in range(num_partitions)])


@gradient("DynamicPartition")
def dynamic_partition_gradient(g: Any, *grads: Any) -> Any:
    """Stitch the gradients together in the order of the rows."""
    data, partitions = g.inputs
    count = g.attrs["num_partitions"]
    places = g.call("Range", 0, g.call("Size", partitions), 1)
    places = g.call("Reshape", places, g.call("Shape", partitions))
    dealt = g.call("DynamicPartition", places, partitions, num_partitions=count)
    parts = [
        g.call("ZerosLike", output) if grad is None else grad
        for grad, output in zip(grads, g.outputs, strict=True)
    ]
    rows = g.call("ParallelDynamicStitch", dealt, parts)
    return g.call("Reshape", rows, shape_of(g, data)), None


def _stitch(indices: Any, data: Any) -> Any:
    rest = None
    for index, rows in zip(indices, data, strict=True):
        rank = len(index.shape)
        inner = tuple(rows.shape[rank:])
        if tuple(rows.shape[:rank]) != tuple(index.shape) or rest not in (None, inner):
            raise InvalidArgumentError(
                "each of data must have the shape of its indices followed by one common shape, "
                f"got {list(rows.shape)} for {list(index.shape)}"
            )
        rest = inner
    assert rest is not None
    places = np.concatenate([np.ravel(index) for index in indices])
    count = int(places.max()) + 1 if len(places) else 0
    if len(places) and places.min() < 0:
        raise InvalidArgumentError(f"indices must not be negative, got {int(places.min())}")
    xp = namespace(*data)
    flat = [
        rows.reshape((math.prod(index.shape), *rest))
        for index, rows in zip(indices, data, strict=True)
    ]
    everything = xp.concatenate(flat, 0)
    if not count:
        return everything
    # Of several rows for one place the last wins.
    source = np.full(count, -1, np.int64)
    source[places] = np.arange(len(places))
    result = take(everything, np.maximum(source, 0), 0)
    if source.min() >= 0:
        return result
    hole = (source < 0).reshape((count,) + (1,) * len(rest))
    return xp.where(hole, filled((1,) * hole.ndim, blank(result.dtype), result.dtype), result)


def _stitch_shape(indices: Any, data: Any) -> TensorShape:
    count: int | None = -1
    rest = unknown_shape()
    for index, rows in zip(indices, data, strict=True):
        if index.shape.rank is not None and rows.shape.rank is not None:
            rest = rest.merge_with(rows.shape[index.shape.rank :])
        if index.value is None or count is None:
            count = None
        else:
            count = max(count, int(index.value.max(initial=-1)))
    return TensorShape.of((None if count is None else count + 1,)) + rest


@op(
    "DynamicStitch",
    inputs=("indices: N * int32", "data: N * T"),
    outputs=("merged: T",),
    constant_inputs=("indices",),
    shape=_stitch_shape,
)
def dynamic_stitch(indices: Any, data: Any) -> Any:
    """Rows of several arrays, each at the place that its index says; the last one wins.

    Shape: indices [i...] each, data [i..., ...] each -> merged [largest index + 1, ...].
    """
    return _stitch(indices, data)


@op(
    "ParallelDynamicStitch",
    inputs=("indices: N * int32", "data: N * T"),
    outputs=("merged: T",),
    constant_inputs=("indices",),
    shape=_stitch_shape,
)
def parallel_dynamic_stitch(indices: Any, data: Any) -> Any:
    """As DynamicStitch, for indices that do not repeat.

    Shape: indices [i...] each, data [i..., ...] each -> merged [largest index + 1, ...].
    """
    return _stitch(indices, data)


@gradient("DynamicStitch", "ParallelDynamicStitch")
def dynamic_stitch_gradient(g: Any, grad: Any) -> Any:
    """Each row has the gradient of its place."""
    count = len(g.inputs) // 2
    return [None] * count + [g.call("GatherV2", grad, index, 0) for index in g.inputs[:count]]
