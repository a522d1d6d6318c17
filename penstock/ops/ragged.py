"""Ragged tensors: made dense or sparse, gathered, and ranges of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.shapes import filled
from penstock.ops.sparse_rows import sparse_shapes
from penstock.ops.table import REQUIRED, gradient, op

Array = Any


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _lengths(xp: Any, kind: str, tensor: Array) -> tuple[Array, int | None]:
    """Row of each value and number of rows (None: only the values tell) of a partition."""
    if kind == "VALUE_ROWIDS":
        return tensor, None
    if kind == "ROW_SPLITS":
        count = tensor.shape[0] - 1
        if xp is np:
            return np.repeat(np.arange(count), np.diff(tensor)), count
        return None, count
    raise InvalidArgumentError(
        f"a row partition must be ROW_SPLITS or VALUE_ROWIDS, got {kind}"
    )


def _dense_shape(
    shape: Any, values: Any, default_value: Any, partitions: Any, *, row_partition_types: Any
) -> TensorShape:
    del default_value
    kinds = [_text(kind) for kind in row_partition_types]
    ragged = sum(kind != "FIRST_DIM_SIZE" for kind in kinds)
    wanted = None if shape.value is None else np.asarray(shape.value)
    rank = None if values.shape.rank is None else values.shape.rank + ragged
    if wanted is not None and wanted.ndim == 1:
        sizes = [None if size < 0 else int(size) for size in wanted.tolist()]
        if rank is not None and len(sizes) == rank:
            inner = values.shape.as_list()[1:]
            sizes = sizes[: ragged + 1] + [
                have if want is None else want
                for want, have in zip(sizes[ragged + 1 :], inner, strict=True)
            ]
        return TensorShape(sizes)
    if rank is None:
        return TensorShape(None)
    first = None
    if kinds[0] == "ROW_SPLITS":
        size = partitions[0].shape[0]
        first = None if size is None else size - 1
    return TensorShape([first, *[None] * ragged, *values.shape.as_list()[1:]])


@op(
    "RaggedTensorToTensor",
    inputs=(
        "shape: Tshape",
        "values: T",
        "default_value: T",
        "row_partition_tensors: num_row_partition_tensors * Tindex",
    ),
    outputs=("result: T",),
    attrs={"row_partition_types": REQUIRED},
    constant_inputs=("shape",),
    shape=_dense_shape,
)
def ragged_tensor_to_tensor(
    shape: Array,
    values: Array,
    default_value: Array,
    row_partition_tensors: Sequence[Array],
    *,
    row_partition_types: Sequence[Any],
) -> Array:
    """Make a ragged tensor dense: short rows are filled up, long ones are cut.

    Shape: shape [rank] or [], values [n, ...], default_value [...],
        row_partition_tensors [...] -> result [...].
    Errors: InvalidArgumentError when the ranks or the inner sizes differ.
    """
    xp = namespace(values, default_value, *row_partition_tensors)
    kinds = [_text(kind) for kind in row_partition_types]
    tensors = list(row_partition_tensors)
    rows: int | None = None
    if kinds[0] == "FIRST_DIM_SIZE":
        rows = int(np.asarray(tensors[0]))
        kinds, tensors = kinds[1:], tensors[1:]
    rank = len(kinds) + values.ndim
    wanted = _wanted(shape, rank, values.shape[1:])
    owners, counts = _owners(xp, kinds, tensors, values.shape[0], rows)
    sizes = [counts[0] if wanted[0] < 0 else wanted[0]]
    offsets = []
    for axis, (kind, tensor, owner) in enumerate(zip(kinds, tensors, owners, strict=True)):
        offset, longest = _offsets(xp, kind, tensor, owner, wanted[axis + 1] < 0)
        offsets.append(offset)
        sizes.append(longest if wanted[axis + 1] < 0 else wanted[axis + 1])
    inner = values.shape[1:]
    default = xp.broadcast_to(xp.asarray(default_value, values.dtype), inner)
    # The place of each value, from the innermost axis outwards.
    places = [offsets[-1]]
    owner = owners[-1]
    for axis in range(len(kinds) - 2, -1, -1):
        places.append(offsets[axis][owner])
        owner = owners[axis][owner]
    places.append(owner)
    places.reverse()
    if xp is np:
        dense = filled((*sizes, *inner), default, values.dtype)
        kept = np.ones((len(values),), bool)
        for place, size in zip(places, sizes, strict=True):
            kept &= place < size
        dense[tuple(place[kept] for place in places)] = values[kept]
        return dense
    dense = xp.broadcast_to(default, (*sizes, *inner))
    return dense.at[tuple(places)].set(values, mode="drop")


def _wanted(shape: Array, rank: int, inner: tuple[int, ...]) -> list[int]:
    """Sizes asked for, -1 where any will do."""
    asked = np.asarray(shape)
    if asked.ndim == 0:
        if asked >= 0:
            raise InvalidArgumentError(f"a scalar shape must be -1, got {int(asked)}")
        return [-1] * rank
    sizes = [int(size) for size in asked]
    if len(sizes) != rank:
        raise InvalidArgumentError(
            f"rt_input.shape and shape={sizes} are incompatible: rt_input.rank = {rank} but "
            f"shape.rank = {len(sizes)}"
        )
    for have, want in zip(inner, sizes[rank - len(inner) :], strict=True):
        if want not in (-1, have):
            raise InvalidArgumentError(
                f"rt_input.shape and shape={sizes} are incompatible: an inner size is {have}"
            )
    return sizes


def _owners(
    xp: Any, kinds: list[str], tensors: list[Array], nvals: int, rows: int | None
) -> tuple[list[Array], list[int]]:
    """For each partition the row of each of its values, and the number of its rows."""
    owners: list[Array] = []
    counts: list[int] = []
    for axis, (kind, tensor) in enumerate(zip(kinds, tensors, strict=True)):
        owner, count = _lengths(xp, kind, tensor)
        if count is None:
            count = (
                rows if axis == 0 and rows is not None else _inner_rows(kinds, tensors, axis)
            )
        below = (
            nvals
            if axis == len(kinds) - 1
            else tensors[axis + 1].shape[0] - 1
            if kinds[axis + 1] == "ROW_SPLITS"
            else None
        )
        if owner is None:
            if below is None:
                raise InvalidArgumentError("partitions must all be ROW_SPLITS to be compiled")
            owner = xp.searchsorted(tensor, xp.arange(below), side="right") - 1
        if below is not None and is_concrete(owner) and owner.shape[0] != below:
            raise InvalidArgumentError(
                f"a row partition must cover {below} values, it covers {owner.shape[0]}"
            )
        owners.append(owner)
        counts.append(count)
    return owners, counts


def _inner_rows(kinds: list[str], tensors: list[Array], axis: int) -> int:
    if axis and kinds[axis - 1] == "VALUE_ROWIDS":
        return int(tensors[axis - 1].shape[0])
    if axis:
        return int(np.asarray(tensors[axis - 1])[-1])
    rowids = np.asarray(tensors[axis])
    return int(rowids[-1]) + 1 if len(rowids) else 0


def _offsets(
    xp: Any, kind: str, tensor: Array, owner: Array, measured: bool
) -> tuple[Array, int]:
    """Place of each value within its row, and the length of the longest row."""
    if kind == "ROW_SPLITS":
        offset = xp.arange(owner.shape[0]) - tensor[owner]
        if not measured:
            return offset, 0
        lengths = np.diff(np.asarray(tensor))
    else:
        first = xp.searchsorted(tensor, tensor, side="left")
        offset = xp.arange(owner.shape[0]) - first
        if not measured:
            return offset, 0
        lengths = np.asarray(offset) + 1
    return offset, int(lengths.max()) if len(lengths) else 0


@gradient("RaggedTensorToTensor")
def ragged_tensor_to_tensor_gradient(g: Any, grad: Any) -> Any:
    """Values get the gradient of their places, the default the sum of all others."""
    values, default = g.inputs[1], g.inputs[2]
    partitions = list(g.inputs[3:])
    count = g.call("Shape", values, out_type=dtypes.int64)[0]
    zero, one = np.int64(0), np.int64(1)
    numbers = g.call("Range", zero, count, one)
    rank = len([k for k in g.attrs["row_partition_types"] if _text(k) != "FIRST_DIM_SIZE"]) + 1
    sizes = g.call("Shape", grad, out_type=dtypes.int64)
    dense = g.call(
        "RaggedTensorToTensor",
        sizes[:rank],
        numbers,
        np.int64(-1),
        partitions,
        row_partition_types=g.attrs["row_partition_types"],
    )
    flat = g.call("Reshape", dense, [-1])
    inner = g.call(
        "ConcatV2", [g.call("Size", flat, out_type=dtypes.int64)[None], sizes[rank:]], 0
    )
    grads = g.call("Reshape", grad, inner)
    of_values = g.call("UnsortedSegmentSum", grads, flat, count) if g.needs(1) else None
    of_default = None
    if g.needs(2):
        rest = g.call("Reshape", g.call("Where", g.call("Less", flat, zero)), [-1])
        total = g.call("Sum", g.call("GatherV2", grads, rest, 0), [0])
        of_default = g.reduce_to(total, default)
    return (None, of_values, of_default, *[None] * len(partitions))


def _sparse_shape(splits: Any, values: Any, **_: Any) -> Any:
    inner = values.shape.rank
    rank = None if inner is None else inner + len(splits)
    return sparse_shapes(rank, values.shape.num_elements())


@op(
    "RaggedTensorToSparse",
    inputs=("rt_nested_splits: RAGGED_RANK * Tsplits", "rt_dense_values: T"),
    outputs=("sparse_indices: int64", "sparse_values: T", "sparse_dense_shape: int64"),
    kernel="host",
    shape=_sparse_shape,
)
def ragged_tensor_to_sparse(rt_nested_splits: Sequence[Array], rt_dense_values: Array) -> Any:
    """Make a ragged tensor sparse; every value is held.

    Shape: rt_nested_splits [rows + 1], rt_dense_values [n, ...] -> sparse_indices [m, rank],
        sparse_values [m], sparse_dense_shape [rank].
    Errors: InvalidArgumentError when the splits do not fit each other or the values.
    """
    _check_nested(rt_nested_splits, len(rt_dense_values))
    inner = rt_dense_values.shape[1:]
    size = int(np.prod(inner, dtype=np.int64))
    columns: list[Array] = []
    place = np.repeat(np.arange(len(rt_dense_values)), size)
    within = np.arange(size)
    for width in reversed(inner):
        within, column = np.divmod(within, max(width, 1))
        columns.append(np.tile(column, len(rt_dense_values)))
    for splits in reversed(rt_nested_splits):
        owner = np.searchsorted(splits, place, side="right") - 1
        columns.append(place - splits[owner])
        place = owner
    columns.append(place)
    indices = np.stack(columns[::-1], axis=1).astype(np.int64)
    outer = [len(rt_nested_splits[0]) - 1]
    for splits in rt_nested_splits:
        lengths = np.diff(splits)
        outer.append(int(lengths.max()) if len(lengths) else 0)
    return indices, rt_dense_values.reshape(-1), np.asarray([*outer, *inner], np.int64)


def _check_nested(nested: Sequence[Array], nvals: int) -> None:
    for i, splits in enumerate(nested):
        if splits.ndim != 1 or not len(splits):
            raise InvalidArgumentError("splits must be vectors that are not empty")
        if splits[0] != 0:
            raise InvalidArgumentError(
                f"First value of ragged splits must be 0, got {splits[0]}"
            )
        if (np.diff(splits) < 0).any():
            raise InvalidArgumentError("splits must not decrease")
        below = len(nested[i + 1]) - 1 if i + 1 < len(nested) else nvals
        if splits[-1] != below:
            raise InvalidArgumentError(
                f"Final value of ragged splits must match the length of the values that they "
                f"cut, got {int(splits[-1])} for {below}"
            )


@gradient("RaggedTensorToSparse")
def ragged_tensor_to_sparse_gradient(g: Any, _: Any, grad: Any, __: Any) -> Any:
    """The values are the same, in the same order."""
    values = g.inputs[-1]
    back = None if grad is None else g.call("Reshape", grad, g.call("Shape", values))
    return (*[None] * (len(g.inputs) - 1), back)


def _gather_shape(
    splits: Any,
    values: Any,
    indices: Any,
    *,
    OUTPUT_RAGGED_RANK: int,  # noqa: N803
) -> Any:
    count = indices.shape.num_elements()
    if indices.shape.rank is None:
        count = None
    nested = [unknown_shape(1)] * OUTPUT_RAGGED_RANK
    if nested and indices.shape.rank == 1:
        nested[0] = TensorShape([None if count is None else count + 1])
    del splits
    inner = values.shape[1:] if values.shape.rank is not None else TensorShape(None)
    return (*nested, TensorShape([None]).concatenate(inner))


@op(
    "RaggedGather",
    inputs=(
        "params_nested_splits: PARAMS_RAGGED_RANK * Tsplits",
        "params_dense_values: Tvalues",
        "indices: Tindices",
    ),
    outputs=(
        "output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits",
        "output_dense_values: Tvalues",
    ),
    attrs={"OUTPUT_RAGGED_RANK": REQUIRED},
    kernel="host",
    shape=_gather_shape,
)
def ragged_gather(
    params_nested_splits: Sequence[Array],
    params_dense_values: Array,
    indices: Array,
    *,
    OUTPUT_RAGGED_RANK: int,  # noqa: N803
) -> Any:
    """Rows of a ragged tensor, by index; axes of the indices beyond the first become ragged.

    Shape: params_nested_splits [rows + 1], params_dense_values [n, ...], indices [...] ->
        output_nested_splits [rows + 1], output_dense_values [m, ...].
    Errors: InvalidArgumentError when an index is out of range.
    """
    if len(params_nested_splits) + indices.ndim - 1 != OUTPUT_RAGGED_RANK:
        raise InvalidArgumentError(
            f"OUTPUT_RAGGED_RANK must be {len(params_nested_splits) + indices.ndim - 1}, got "
            f"{OUTPUT_RAGGED_RANK}"
        )
    kind = params_nested_splits[0].dtype
    nested = [
        (np.arange(int(np.prod(indices.shape[: axis + 1])) + 1) * size).astype(kind)
        for axis, size in enumerate(indices.shape[1:])
    ]
    rows = indices.ravel()
    count = len(params_nested_splits[0]) - 1
    bad = (rows < 0) | (rows >= count)
    if bad.any():
        place = int(bad.argmax())
        raise InvalidArgumentError(
            f"indices[{place}] = {int(rows[place])} is not in [0, {count})"
        )
    for splits in params_nested_splits:
        starts = splits[rows]
        lengths = splits[rows + 1] - starts
        ends = np.concatenate([np.zeros((1,), kind), np.cumsum(lengths, dtype=kind)])
        nested.append(ends)
        shift = np.repeat(starts - ends[:-1], lengths)
        rows = np.arange(int(ends[-1])) + shift
    if len(rows) and rows.max() >= len(params_dense_values):
        raise InvalidArgumentError(
            f"splits must not exceed the {len(params_dense_values)} values, got "
            f"{int(rows.max()) + 1}"
        )
    return (*nested, params_dense_values[rows])


@gradient("RaggedGather")
def ragged_gather_gradient(g: Any, *grads: Any) -> Any:
    """Slices at the places that the values came from."""
    count = len(g.inputs) - 2
    splits, values, indices = g.inputs[:count], g.inputs[count], g.inputs[count + 1]
    grad = grads[-1]
    if grad is None:
        return [None] * len(g.inputs)
    sizes = g.call("Shape", values, out_type=dtypes.int64)
    numbers = g.call("Range", np.int64(0), sizes[0], np.int64(1))
    _, places = g.call(
        "RaggedGather",
        list(splits),
        numbers,
        indices,
        OUTPUT_RAGGED_RANK=g.attrs["OUTPUT_RAGGED_RANK"],
    )
    return (*[None] * count, g.indexed_slices(grad, places, sizes), None)


def _range_shape(starts: Any, limits: Any, deltas: Any, **_: Any) -> Any:
    count = next(
        (each.shape[0] for each in (starts, limits, deltas) if each.shape.rank == 1), None
    )
    if all(each.shape.rank == 0 for each in (starts, limits, deltas)):
        count = 1
    return TensorShape([None if count is None else count + 1]), TensorShape([None])


@op(
    "RaggedRange",
    inputs=("starts: T", "limits: T", "deltas: T"),
    outputs=("rt_nested_splits: Tsplits", "rt_dense_values: T"),
    attrs={"Tsplits": dtypes.int64},
    kernel="host",
    differentiable=False,
    shape=_range_shape,
)
def ragged_range(starts: Array, limits: Array, deltas: Array, *, Tsplits: Any) -> Any:  # noqa: N803
    """A row start, start + delta, ... up to and without the limit, for each of several rows.

    Shape: starts [n] or [], limits [n] or [], deltas [n] or [] -> rt_nested_splits [n + 1],
        rt_dense_values [m].
    Errors: InvalidArgumentError when a delta is zero or the lengths differ.
    """
    for name, value in (("starts", starts), ("limits", limits), ("deltas", deltas)):
        if value.ndim > 1:
            raise InvalidArgumentError(f"{name} must be a scalar or vector")
    sizes = {each.shape[0] for each in (starts, limits, deltas) if each.ndim}
    if len(sizes) > 1:
        raise InvalidArgumentError(
            f"starts, limits, and deltas must have the same shape, got lengths {sorted(sizes)}"
        )
    count = sizes.pop() if sizes else 1
    begin, end, step = (np.broadcast_to(each, (count,)) for each in (starts, limits, deltas))
    require((step != 0).all(), InvalidArgumentError, "Requires delta != 0")
    # Wide types, so that the difference of two numbers cannot overflow.
    wide = np.float64 if begin.dtype.kind not in "iu" else np.int64
    span = end.astype(wide) - begin.astype(wide)
    lengths: Any
    if wide is np.int64:
        lengths = -(-span // step.astype(wide))
    else:
        lengths = np.ceil(span / step.astype(wide)).astype(np.int64)
    lengths = np.maximum(lengths, 0)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(int(ends[-1])) - np.repeat(ends[:-1], lengths)
    values = np.repeat(begin, lengths) + within.astype(begin.dtype) * np.repeat(step, lengths)
    return ends.astype(Tsplits.np), values.astype(begin.dtype)


def _fill_shape(value_rowids: Any, values: Any, nrows: Any, default_value: Any) -> Any:
    del values, default_value
    count = None if nrows.value is None else int(np.asarray(nrows.value))
    rows = value_rowids.shape[0]
    return TensorShape([None]), TensorShape([None]), TensorShape([count]), TensorShape([rows])


@op(
    "RaggedFillEmptyRows",
    inputs=("value_rowids: int64", "values: T", "nrows: int64", "default_value: T"),
    outputs=(
        "output_value_rowids: int64",
        "output_values: T",
        "empty_row_indicator: bool",
        "reverse_index_map: int64",
    ),
    kernel="host",
    shape=_fill_shape,
)
def ragged_fill_empty_rows(
    value_rowids: Array, values: Array, nrows: Array, default_value: Array
) -> Any:
    """Give each empty row one default value.

    Shape: value_rowids [n], values [n], nrows [], default_value [] -> output_value_rowids [m],
        output_values [m], empty_row_indicator [nrows], reverse_index_map [n].
    Errors: InvalidArgumentError when a value lies in a row that does not exist.
    """
    count = int(np.asarray(nrows))
    bad = (value_rowids < 0) | (value_rowids >= count)
    if bad.any():
        raise InvalidArgumentError(
            f"value_rowids must be in [0, {count}), got {int(value_rowids[bad.argmax()])}"
        )
    empty = np.bincount(value_rowids, minlength=count)[:count] == 0
    extra = np.flatnonzero(empty)
    rows = np.concatenate([value_rowids, extra]).astype(np.int64)
    order = np.argsort(rows, kind="stable")
    items = np.concatenate([values, filled((len(extra),), default_value, values.dtype)])
    place = np.empty((len(order),), np.int64)
    place[order] = np.arange(len(order))
    return rows[order], items[order], empty, place[: len(value_rowids)]


@gradient("RaggedFillEmptyRows")
def ragged_fill_empty_rows_gradient(g: Any, _: Any, grad: Any, *__: Any) -> Any:
    """Values get the gradient of their places, the default the sum of all others."""
    if grad is None:
        return None, None, None, None
    of_values, of_default = g.call("RaggedFillEmptyRowsGrad", g.outputs[3], grad)
    return None, of_values, None, of_default


@op(
    "RaggedFillEmptyRowsGrad",
    inputs=("reverse_index_map: int64", "grad_values: T"),
    outputs=("d_values: T", "d_default_value: T"),
    kernel="host",
    shape=lambda places, grad: (places.shape, TensorShape(())),  # noqa: ARG005
)
def ragged_fill_empty_rows_grad(reverse_index_map: Array, grad_values: Array) -> Any:
    """Gradients of the values and the default of RaggedFillEmptyRows.

    Shape: reverse_index_map [n], grad_values [m] -> d_values [n], d_default_value [].
    """
    rest = np.ones((len(grad_values),), bool)
    rest[reverse_index_map] = False
    total = grad_values[rest].sum(dtype=grad_values.dtype)
    return grad_values[reverse_index_map], np.asarray(total)
