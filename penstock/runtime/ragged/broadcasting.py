"""Ragged and dense tensors brought to one shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.partition_rows import (
    cast,
    counted_to,
    demand,
    first_size,
    rowids_of,
    splits_of_lengths,
)
from penstock.runtime.ragged.row_partition import RowPartition
from penstock.runtime.ragged.tensor import RaggedTensor
from penstock.runtime.static_shape import static_value

_MISMATCH = "ragged operands must have rows of equal lengths, or axes of size 1"


def same_rows(x: RaggedTensor, y: RaggedTensor) -> bool:
    """Whether two ragged tensors are known to be cut into the same rows."""
    if x.ragged_rank != y.ragged_rank:
        return False
    return all(
        a is b or _known_equal(a, b)
        for a, b in zip(x.nested_row_splits, y.nested_row_splits, strict=True)
    )


def _known_equal(a: Any, b: Any) -> bool:
    first, second = static_value(a), static_value(b)
    return first is not None and second is not None and np.array_equal(first, second)


def same_splits_type(*values: Any) -> list[Any]:
    """The values with int64 splits, where ragged ones differ in the type of their splits."""
    ragged = [each for each in values if isinstance(each, RaggedTensor)]
    if len({each.row_splits.dtype for each in ragged}) < 2:
        return list(values)
    return [
        each.with_row_splits_dtype(dtypes.int64) if isinstance(each, RaggedTensor) else each
        for each in values
    ]


def broadcast(x: Any, y: Any) -> tuple[Any, Any]:
    """Bring two tensors, of which at least one is ragged, to the same rows.

    Returns:
        Two values: ragged tensors cut into the same rows, or one and a tensor that broadcasts
        with its innermost values. The innermost axes, which are not ragged, stay as they are.

    Raises:
        InvalidArgumentError: rows differ in length.
    """
    x, y = same_splits_type(x, y)
    both = isinstance(x, RaggedTensor) and isinstance(y, RaggedTensor)
    if both and same_rows(x, y):
        return x, y
    if not both and _fits_inside(x, y):
        return x, y
    if isinstance(x, RaggedTensor):
        flat = _one_of_each_row(x, y)
        if flat is not None:
            return x, x.with_flat_values(flat)
    if isinstance(y, RaggedTensor):
        flat = _one_of_each_row(y, x)
        if flat is not None:
            return y.with_flat_values(flat), y
    return _by_rows(x, y)


def _fits_inside(x: Any, y: Any) -> bool:
    """Whether the dense one of two operands has only axes that are not ragged in the other."""
    ragged, dense = (x, y) if isinstance(x, RaggedTensor) else (y, x)
    flat = ragged.flat_values.shape.rank
    rank = dense.shape.rank
    return rank is not None and (rank == 0 or (flat is not None and rank < flat))


def _one_of_each_row(x: RaggedTensor, y: Any) -> Any:
    """Repeat `y`, which has one value for each row of `x`, for all values of the row.

    Returns:
        A tensor like the innermost values of `x`, or None when `y` is of another form.
    """
    depth = x.ragged_rank
    if x.shape.rank is None or y.shape.rank != x.shape.rank:
        return None
    if isinstance(y, RaggedTensor):
        lengths = [each.static_uniform_row_length for each in y._nested_row_partitions]
        if len(lengths) != depth or any(length != 1 for length in lengths):
            return None
        rows = y.flat_values
    else:
        if y.shape.as_list()[1 : depth + 1] != [1] * depth:
            return None
        sizes = call("Shape", y)
        rows = call("Reshape", y, call("ConcatV2", [sizes[:1], sizes[depth + 1 :]], 0))
    kind = x.row_splits.dtype
    owner = None
    for partition in reversed(x._nested_row_partitions):
        ids = partition.value_rowids()
        owner = ids if owner is None else call("GatherV2", ids, owner, 0)
    count, one = first_size(rows, kind), convert_to_tensor(1, kind)
    single = call("Equal", count, one)
    demand(call("LogicalOr", single, call("Equal", count, x.nrows())), _MISMATCH)
    place = call("SelectV2", single, convert_to_tensor(0, kind), owner)
    return call("GatherV2", rows, place, 0)


class _Side:
    """One operand: the axes that it has left, and the row of it that each row in hand is.

    `rows` is None while each row is its own.
    """

    def __init__(self, value: Any, kind: Any) -> None:
        self.value = value
        self.rows: Any = None
        self.kind = kind

    @property
    def is_ragged(self) -> bool:
        """Whether rows of the axis at hand may differ in length."""
        return (
            isinstance(self.value, RaggedTensor) and not self.value._row_partition.is_uniform()
        )

    def outer_size(self) -> Any:
        """Size of the outermost axis."""
        if isinstance(self.value, RaggedTensor):
            return self.value.nrows()
        return first_size(self.value, self.kind)

    def lengths(self) -> Any:
        """Length of each row in hand: a vector, or a scalar where all have one."""
        if isinstance(self.value, RaggedTensor):
            uniform = self.value.uniform_row_length
            if uniform is not None:
                return uniform
            lengths = self.value.row_lengths()
            return lengths if self.rows is None else call("GatherV2", lengths, self.rows, 0)
        size = self.value.shape[1]
        if size is not None:
            return convert_to_tensor(size, self.kind)
        return call("Shape", self.value, out_type=self.kind)[1]

    def enter(self, owner: Any, offset: Any, repeats: Any) -> None:
        """Go on to the next axis.

        Args:
            owner: the row in hand that each of the new rows lies in.
            offset: its place there.
            repeats: which rows in hand have one value here that stands for all.
        """
        place = call("SelectV2", repeats, convert_to_tensor(0, self.kind), offset)
        row = owner if self.rows is None else call("GatherV2", self.rows, owner, 0)
        if isinstance(self.value, RaggedTensor):
            starts = call("GatherV2", self.value.row_starts(), row, 0)
            self.value = self.value.values
        else:
            width = call("Shape", self.value, out_type=self.kind)
            starts = call("Mul", row, width[1])
            merged = call("Mul", width[:1], width[1:2])
            self.value = call("Reshape", self.value, call("ConcatV2", [merged, width[2:]], 0))
        self.rows = call("AddV2", starts, place)

    def depth(self) -> int:
        """Number of ragged axes left."""
        return self.value.ragged_rank if isinstance(self.value, RaggedTensor) else 0

    def gathered(self) -> Any:
        """The values of the rows in hand."""
        return self.value if self.rows is None else call("GatherV2", self.value, self.rows, 0)


def _with_rank(value: Any, rank: int, kind: Any) -> Any:
    """The value with axes of size 1 in front."""
    for _ in range(rank - _rank(value)):
        if isinstance(value, RaggedTensor):
            value = RaggedTensor.from_uniform_row_length(
                value, value.nrows(), nrows=convert_to_tensor(1, kind), validate=False
            )
        else:
            value = call("ExpandDims", value, 0)
    return value


def _rank(value: Any) -> int:
    rank = value.shape.rank
    if rank is None:
        raise ValueError("ragged operands must have a known rank, got one of an unknown rank")
    return int(rank)


def _by_rows(x: Any, y: Any) -> tuple[Any, Any]:
    rank = max(_rank(x), _rank(y))
    kind = (x if isinstance(x, RaggedTensor) else y).row_splits.dtype
    a, b = (_Side(_with_rank(each, rank, kind), kind) for each in (x, y))
    depth = max(a.depth(), b.depth())
    one = convert_to_tensor(1, kind)
    count = _agreed(a.outer_size(), b.outer_size(), False, False, kind)
    places = counted_to(count, kind)
    for side in (a, b):
        single = call("Equal", side.outer_size(), one)
        side.rows = call("SelectV2", single, call("ZerosLike", places), places)
    partitions: list[RowPartition] = []
    for _ in range(depth):
        lengths_a, lengths_b = a.lengths(), b.lengths()
        ragged_a, ragged_b = a.is_ragged, b.is_ragged
        lengths = _agreed(lengths_a, lengths_b, ragged_a, ragged_b, kind)
        uniform = lengths if lengths.shape.rank == 0 else None
        each = (
            call("BroadcastTo", lengths, call("Reshape", count, [1]))
            if (uniform is not None)
            else lengths
        )
        splits = splits_of_lengths(each)
        partitions.append(RowPartition(splits, uniform_row_length=uniform))
        total = splits[-1]
        owner = rowids_of(splits, total)
        offset = call("Sub", counted_to(total, kind), call("GatherV2", splits, owner, 0))
        for side, own, ragged in ((a, lengths_a, ragged_a), (b, lengths_b, ragged_b)):
            alone = call("Equal", own, one)
            if ragged:
                alone = convert_to_tensor(False)
            elif own.shape.rank != 0:
                alone = call("GatherV2", alone, owner, 0)
            side.enter(owner, offset, alone)
        count = total
    left = RaggedTensor._from_nested_row_partitions(a.gathered(), partitions)
    right = RaggedTensor._from_nested_row_partitions(b.gathered(), partitions)
    return left, right


def _agreed(a: Any, b: Any, ragged_a: bool, ragged_b: bool, kind: Any) -> Any:
    """Lengths of the rows of the result; only axes that are not ragged stretch from 1."""
    a, b = cast(a, kind), cast(b, kind)
    one = convert_to_tensor(1, kind)
    equal = call("Equal", a, b)
    stretch_a = convert_to_tensor(False) if ragged_a else call("Equal", a, one)
    stretch_b = convert_to_tensor(False) if ragged_b else call("Equal", b, one)
    fine = call("LogicalOr", equal, call("LogicalOr", stretch_a, stretch_b))
    demand(fine, _MISMATCH)
    return call("SelectV2", stretch_a, b, a)
