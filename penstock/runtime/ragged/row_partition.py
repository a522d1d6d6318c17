"""Partitions: a sequence of values cut into rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes, type_spec_registry
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.partition_rows import (
    cast,
    counted_to,
    demand,
    demand_splits,
    first_size,
    lengths_of,
    partition_tensor,
    rowids_of,
    splits_of_lengths,
    splits_of_rowids,
)
from penstock.runtime.static_shape import static_integer, static_value


class RowPartition(CompositeTensor):
    """How `nvals` values are cut into `nrows` rows, kept as splits and what else is known.

    Made by the `from_...` functions.

    Source: `tf.experimental.RowPartition`.
    """

    def __init__(
        self,
        row_splits: Any,
        row_lengths: Any = None,
        value_rowids: Any = None,
        nrows: Any = None,
        uniform_row_length: Any = None,
        nvals: Any = None,
        internal: bool = False,
        counted: Any = None,
    ) -> None:
        # `internal` is TensorFlow's way to point to the functions that check arguments.
        del internal
        self._row_splits = row_splits
        # The values that are cut, whose shape tells their number without looking at the splits.
        self._counted = counted
        self._nrows = nrows
        self._nvals = nvals
        self._value_rowids = value_rowids
        self._row_lengths = row_lengths
        self._uniform_row_length = uniform_row_length

    # -- making ----------------------------------------------------------------------------

    @classmethod
    def from_row_splits(
        cls, row_splits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Make a partition of the places where rows begin, followed by the number of values.

        Raises:
            ValueError: `row_splits` is empty or no vector.
            InvalidArgumentError: it does not begin with 0, or it decreases.
        """
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        splits = partition_tensor(row_splits, "row_splits", dtype, dtype_hint)
        splits.shape.with_rank(1)
        if splits.shape[0] == 0:
            raise ValueError("row_splits tensor may not be empty.")
        if validate:
            demand_splits(splits, "from_row_splits")
        return cls(splits)

    @classmethod
    def from_row_lengths(
        cls, row_lengths: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Make a partition of the number of values of each row.

        Raises:
            InvalidArgumentError: a length is negative.
        """
        lengths = partition_tensor(row_lengths, "row_lengths", dtype, dtype_hint)
        lengths.shape.with_rank(1)
        if validate:
            demand(
                call("GreaterEqual", lengths, convert_to_tensor(0, lengths.dtype)),
                "Arguments to from_row_lengths do not form a valid RowPartition: lengths must "
                "not be negative",
            )
        return cls(splits_of_lengths(lengths), row_lengths=lengths)

    @classmethod
    def from_row_starts(
        cls,
        row_starts: Any,
        nvals: Any,
        validate: bool = True,
        dtype: Any = None,
        dtype_hint: Any = None,
    ) -> RowPartition:
        """Make a partition of the places where rows begin.

        Raises:
            InvalidArgumentError: starts do not begin with 0, decrease, or exceed `nvals`.
        """
        starts = partition_tensor(row_starts, "row_starts", dtype, dtype_hint)
        starts.shape.with_rank(1)
        total = cast(partition_tensor(nvals, "nvals", hint=starts.dtype), starts.dtype)
        splits = call("ConcatV2", [starts, call("Reshape", total, [1])], 0)
        if validate:
            demand_splits(splits, "from_row_starts")
        return cls(splits, nvals=total)

    @classmethod
    def from_row_limits(
        cls, row_limits: Any, validate: bool = True, dtype: Any = None, dtype_hint: Any = None
    ) -> RowPartition:
        """Make a partition of the places where rows end.

        Raises:
            InvalidArgumentError: limits decrease.
        """
        limits = partition_tensor(row_limits, "row_limits", dtype, dtype_hint)
        limits.shape.with_rank(1)
        splits = call("ConcatV2", [np.zeros((1,), limits.dtype.np), limits], 0)
        if validate:
            demand_splits(splits, "from_row_limits")
        return cls(splits)

    @classmethod
    def from_value_rowids(
        cls,
        value_rowids: Any,
        nrows: Any = None,
        validate: bool = True,
        dtype: Any = None,
        dtype_hint: Any = None,
    ) -> RowPartition:
        """Make a partition of the row of each value, in order.

        Args:
            value_rowids: the rows.
            nrows: number of rows; None takes one more than the last of `value_rowids`.
            validate: whether the rows are checked.
            dtype: dtype of the partition.
            dtype_hint: dtype of the partition where Python numbers are given.

        Raises:
            ValueError: there are known to be fewer rows than `value_rowids` needs.
            InvalidArgumentError: the rows are negative or decrease.
        """
        rowids = partition_tensor(value_rowids, "value_rowids", dtype, dtype_hint)
        rowids.shape.with_rank(1)
        count = None
        if nrows is not None:
            count = cast(partition_tensor(nrows, "nrows", hint=rowids.dtype), rowids.dtype)
            _check_nrows(rowids, count)
        if validate:
            _demand_rowids(rowids, count)
        if count is None:
            # One more than the last row, or none.
            ends = call("ConcatV2", [np.asarray([-1], rowids.dtype.np), rowids], 0)
            count = call("AddV2", ends[-1], convert_to_tensor(1, rowids.dtype))
        return cls(splits_of_rowids(rowids, count), value_rowids=rowids, nrows=count)

    @classmethod
    def from_uniform_row_length(
        cls,
        uniform_row_length: Any,
        nvals: Any = None,
        nrows: Any = None,
        validate: bool = True,
        dtype: Any = None,
        dtype_hint: Any = None,
    ) -> RowPartition:
        """Make a partition into rows of one length.

        Args:
            uniform_row_length: the length.
            nvals: number of values.
            nrows: number of rows; needed when `nvals` is left out or the length is 0.
            validate: whether the numbers are checked.
            dtype: dtype of the partition.
            dtype_hint: dtype of the partition where Python numbers are given.

        Raises:
            ValueError: the numbers are known and do not fit.
            InvalidArgumentError: they do not fit.
        """
        if nvals is None and nrows is None:
            raise ValueError("At least one of nvals and nrows must be specified")
        tensors = [
            each for each in (uniform_row_length, nvals, nrows) if hasattr(each, "dtype")
        ]
        hint = tensors[0].dtype if tensors and dtype is None else dtype_hint
        length = partition_tensor(uniform_row_length, "uniform_row_length", dtype, hint)
        length.shape.with_rank(0)
        total = None if nvals is None else partition_tensor(nvals, "nvals", length.dtype)
        count = None if nrows is None else partition_tensor(nrows, "nrows", length.dtype)
        known = static_integer(length)
        if known is not None and known < 0:
            raise ValueError("uniform_row_length must be >= 0.")
        if count is None:
            # Rows of length 0 hold nothing: as many as are asked for, else none.
            safe = call("Maximum", length, convert_to_tensor(1, length.dtype))
            some = call("Minimum", length, convert_to_tensor(1, length.dtype))
            count = call("Mul", call("FloorDiv", total, safe), some)
        covered = call("Mul", count, length)
        if total is not None:
            _check_uniform(known, count, total, covered, validate)
        steps = counted_to(
            call("AddV2", count, convert_to_tensor(1, length.dtype)), length.dtype
        )
        return cls(
            call("Mul", steps, length),
            nrows=count,
            nvals=covered if total is None else total,
            uniform_row_length=length,
        )

    # -- asking ----------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """Type of the numbers: int32 or int64."""
        dtype: DType = self._row_splits.dtype
        return dtype

    def row_splits(self) -> Any:
        """Where rows begin, followed by the number of values, [nrows + 1]."""
        return self._row_splits

    def nrows(self) -> Any:
        """Number of rows."""
        if self._nrows is not None:
            return self._nrows
        known = self.static_nrows
        if known is not None:
            return convert_to_tensor(known, self.dtype)
        size = call("Shape", self._row_splits, out_type=self.dtype)[0]
        return call("Sub", size, convert_to_tensor(1, self.dtype))

    def nvals(self) -> Any:
        """Number of values."""
        if self._nvals is not None:
            return self._nvals
        if self._counted is None:
            return self._row_splits[-1]
        if isinstance(self._counted, RowPartition):
            return self._counted.nrows()
        return first_size(self._counted, self.dtype)

    def counting(self, values: Any) -> RowPartition:
        """Return the partition, which can tell the number of values by a tensor of them.

        Args:
            values: a tensor of as many rows as there are values, or the partition of those.
        """
        if self._nvals is not None or self._counted is not None:
            return self
        return RowPartition(
            self._row_splits,
            nrows=self._nrows,
            value_rowids=self._value_rowids,
            row_lengths=self._row_lengths,
            uniform_row_length=self._uniform_row_length,
            counted=values,
        )

    def value_rowids(self) -> Any:
        """Row of each value, [nvals]."""
        if self._value_rowids is None:
            return rowids_of(self._row_splits, self.nvals())
        return self._value_rowids

    def row_lengths(self) -> Any:
        """Number of values of each row, [nrows]."""
        if self._row_lengths is None:
            return lengths_of(self._row_splits)
        return self._row_lengths

    def row_starts(self) -> Any:
        """Where rows begin, [nrows]."""
        return self._row_splits[:-1]

    def row_limits(self) -> Any:
        """Where rows end, [nrows]."""
        return self._row_splits[1:]

    def offsets_in_rows(self) -> Any:
        """Place of each value within its row, [nvals]."""
        starts = call("GatherV2", self.row_starts(), self.value_rowids(), 0)
        return call("Sub", counted_to(self.nvals(), self.dtype), starts)

    def uniform_row_length(self) -> Any:
        """Length of all rows, when the partition was made so; else None."""
        return self._uniform_row_length

    def is_uniform(self) -> bool:
        """Whether the partition was made of rows of one length."""
        return self._uniform_row_length is not None

    @property
    def static_nrows(self) -> int | None:
        """Number of rows as far as it is known."""
        size = self._row_splits.shape[0]
        if size is not None:
            return int(size) - 1
        return None if self._nrows is None else static_integer(self._nrows)

    @property
    def static_nvals(self) -> int | None:
        """Number of values as far as it is known."""
        if self._nvals is not None:
            found = static_integer(self._nvals)
            if found is not None:
                return found
        splits = static_value(self._row_splits)
        if splits is not None:
            return int(splits[-1])
        return self._value_rowids.shape[0] if self._value_rowids is not None else None

    @property
    def static_uniform_row_length(self) -> int | None:
        """Length of all rows, when the partition was made so and it is known."""
        if self._uniform_row_length is None:
            return None
        return static_integer(self._uniform_row_length)

    def with_dtype(self, dtype: Any) -> RowPartition:
        """Return the partition with numbers of another type.

        Raises:
            ValueError: the type is neither int32 nor int64.
        """
        wanted = dtypes.as_dtype(dtype)
        if wanted not in (dtypes.int32, dtypes.int64):
            raise ValueError(
                f"Argument `row_splits` dtype must be int32 or int64. Received {wanted!r}."
            )
        if wanted is self.dtype:
            return self

        def converted(part: Any) -> Any:
            return None if part is None else cast(part, wanted)

        return RowPartition(
            cast(self._row_splits, wanted),
            nrows=converted(self._nrows),
            nvals=converted(self._nvals),
            value_rowids=converted(self._value_rowids),
            row_lengths=converted(self._row_lengths),
            uniform_row_length=converted(self._uniform_row_length),
        )

    def __repr__(self) -> str:
        if self._uniform_row_length is not None:
            length, rows = self._uniform_row_length, self.nrows()
            return f"tf.RowPartition(nrows={rows!s}, uniform_row_length={length!s})"
        return f"tf.RowPartition(row_splits={self._row_splits!s})"

    @property
    def _type_spec(self) -> RowPartitionSpec:
        return RowPartitionSpec(
            self.static_nrows, self.static_nvals, self.static_uniform_row_length, self.dtype
        )


def _check_nrows(rowids: Any, count: Any) -> None:
    count.shape.with_rank(0)
    known, values = static_integer(count), static_value(rowids)
    if known is None:
        return
    if known < 0:
        raise ValueError(f"Expected nrows >= 0; got {known}")
    if values is not None and values.size and known < int(values[-1]) + 1:
        raise ValueError(
            f"Expected nrows >= value_rowids[-1] + 1; got nrows={known}, "
            f"value_rowids[-1]={int(values[-1])}"
        )


def _demand_rowids(rowids: Any, count: Any) -> None:
    where = "Arguments to from_value_rowids do not form a valid RowPartition"
    known = static_value(rowids)
    if known is not None:
        if known.size and known[0] < 0:
            raise InvalidArgumentError(f"{where}: rows must not be negative, got {known[0]}")
        if (known[1:] < known[:-1]).any():
            raise InvalidArgumentError(f"{where}: rows must not decrease, got {known.tolist()}")
    else:
        zero = convert_to_tensor(0, rowids.dtype)
        demand(call("GreaterEqual", rowids, zero), f"{where}: rows must not be negative")
        demand(
            call("GreaterEqual", rowids[1:], rowids[:-1]), f"{where}: rows must not decrease"
        )
    if count is not None:
        demand(call("Less", rowids, count), f"{where}: rows must be smaller than nrows")


def _check_uniform(
    length: int | None, count: Any, total: Any, covered: Any, validate: bool
) -> None:
    rows, values = static_integer(count), static_integer(total)
    if length is not None and rows is not None and values is not None:
        if length * rows != values:
            raise ValueError(
                f"uniform_row_length={length} times nrows={rows} must equal nvals={values}"
            )
    elif validate:
        demand(
            call("Equal", covered, total),
            "Arguments to from_uniform_row_length do not form a valid RowPartition: "
            "uniform_row_length times nrows must equal nvals",
        )


@type_spec_registry.register("tf.RowPartitionSpec")
class RowPartitionSpec(TypeSpec):
    """What is known of a partition."""

    __slots__ = ("_dtype", "_nrows", "_nvals", "_uniform_row_length")

    def __init__(
        self,
        nrows: int | None = None,
        nvals: int | None = None,
        uniform_row_length: int | None = None,
        dtype: Any = dtypes.int64,
    ) -> None:
        self._nrows = nrows
        self._nvals = nvals
        self._uniform_row_length = uniform_row_length
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return RowPartition

    @property
    def nrows(self) -> int | None:
        """Number of rows as far as it is known."""
        return self._nrows

    @property
    def nvals(self) -> int | None:
        """Number of values as far as it is known."""
        return self._nvals

    @property
    def uniform_row_length(self) -> int | None:
        """Length of all rows where they have one that is known."""
        return self._uniform_row_length

    @property
    def dtype(self) -> DType:
        """Type of the numbers."""
        return self._dtype

    def __repr__(self) -> str:
        return (
            f"RowPartitionSpec(nrows={self.nrows}, nvals={self.nvals}, "
            f"uniform_row_length={self.uniform_row_length}, dtype={self.dtype!r})"
        )

    def _serialize(self) -> Any:
        sizes = (self._nrows, self._nvals, self._uniform_row_length)
        return (*(TensorShape([size]) for size in sizes), self._dtype)

    @classmethod
    def _deserialize(cls, serialization: Any) -> RowPartitionSpec:
        nrows, nvals, uniform, dtype = serialization
        return cls(nrows[0], nvals[0], uniform[0], dtype)

    @property
    def _component_specs(self) -> Any:
        size = None if self._nrows is None else self._nrows + 1
        return TensorSpec([size], self._dtype)

    def _to_components(self, value: Any) -> Any:
        return value.row_splits()

    def _from_components(self, components: Any) -> Any:
        length = self._uniform_row_length
        return RowPartition(
            components,
            uniform_row_length=None
            if length is None
            else convert_to_tensor(length, self._dtype),
        )
