"""The ways to make ragged tensors."""

# ruff: noqa: ARG003  (arguments are TensorFlow's)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.partition_rows import cast, counted_to, demand, first_size
from penstock.runtime.ragged.row_partition import RowPartition
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.runtime.static_shape import static_integer
from penstock.runtime.tensor import Tensor


class RaggedFactories:
    """Class methods that make ragged tensors; the base of `RaggedTensor`."""

    _class: ClassVar[Any] = None

    @classmethod
    def _from_row_partition(
        cls, values: Any, row_partition: RowPartition, validate: bool = True
    ) -> Any:
        """Cut values into rows.

        Raises:
            ValueError: the numbers of values are known and differ, or splits differ in dtype.
            InvalidArgumentError: the numbers of values differ.
        """
        values = _values(cls, values)
        if isinstance(values, cls) and values._row_partition.dtype != row_partition.dtype:  # type: ignore[attr-defined]
            raise ValueError(
                f"dtype mismatch: row_partition ({row_partition.dtype.name}) vs "
                f"values.partition ({values._row_partition.dtype.name})"  # type: ignore[attr-defined]
            )
        if values.shape.rank == 0:
            raise InvalidArgumentError("values must have at least one axis, got a scalar")
        if row_partition._value_rowids is not None:
            known = row_partition._value_rowids.shape
            values.shape[:1].assert_is_compatible_with(known)
        if validate:
            _demand_values(cls, values, row_partition)
        return cls(values, row_partition)  # type: ignore[call-arg]

    @classmethod
    def from_value_rowids(
        cls,
        values: Any,
        value_rowids: Any,
        nrows: Any = None,
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Cut values into rows by the row of each value.

        Args:
            values: [n, ...] a tensor or ragged tensor.
            value_rowids: [n] the rows, in order.
            nrows: number of rows; None takes one more than the last of `value_rowids`.
            name: name of the node in a graph.
            validate: whether the arguments are checked.

        Raises:
            ValueError: the arguments are known not to fit.
            InvalidArgumentError: they do not fit.

        Example:
            >>> import penstock as tf
            >>> tf.RaggedTensor.from_value_rowids([3, 1, 4], [0, 0, 2]).to_list()
            [[3, 1], [], [4]]
        """
        values = _values(cls, values)
        partition = RowPartition.from_value_rowids(
            value_rowids, nrows, validate, dtype_hint=_splits_type(cls, values)
        )
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Cut values into rows by the places where rows begin, and the end of the last.

        Raises:
            ValueError: `row_splits` is empty or no vector.
            InvalidArgumentError: it does not begin with 0, decreases, or does not end with the
                number of values.

        Example:
            >>> import penstock as tf
            >>> tf.RaggedTensor.from_row_splits([3, 1, 4], [0, 2, 2, 3]).to_list()
            [[3, 1], [], [4]]
        """
        values = _values(cls, values)
        partition = RowPartition.from_row_splits(
            row_splits, validate, dtype_hint=_splits_type(cls, values)
        )
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Cut values into rows of given lengths.

        Raises:
            InvalidArgumentError: a length is negative, or they do not add up to the number of
                values.

        Example:
            >>> import penstock as tf
            >>> tf.RaggedTensor.from_row_lengths([3, 1, 4], [2, 0, 1]).to_list()
            [[3, 1], [], [4]]
        """
        values = _values(cls, values)
        partition = RowPartition.from_row_lengths(
            row_lengths, validate, dtype_hint=_splits_type(cls, values)
        )
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_starts(
        cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Cut values into rows by the places where they begin.

        Raises:
            InvalidArgumentError: starts do not begin with 0, decrease, or exceed the number of
                values.
        """
        values = _values(cls, values)
        kind = _splits_type(cls, values)
        count = _count_of(cls, values, kind or _dtype_of(row_starts))
        partition = RowPartition.from_row_starts(row_starts, count, validate, dtype_hint=kind)
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_row_limits(
        cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True
    ) -> Any:
        """Cut values into rows by the places where they end.

        Raises:
            InvalidArgumentError: limits decrease, or do not end with the number of values.
        """
        values = _values(cls, values)
        partition = RowPartition.from_row_limits(
            row_limits, validate, dtype_hint=_splits_type(cls, values)
        )
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_uniform_row_length(
        cls,
        values: Any,
        uniform_row_length: Any,
        nrows: Any = None,
        validate: bool = True,
        name: str | None = None,
    ) -> Any:
        """Cut values into rows of one length; the axis is not ragged.

        Args:
            values: [n, ...] a tensor or ragged tensor.
            uniform_row_length: the length.
            nrows: number of rows; needed when the length is 0.
            validate: whether the arguments are checked.
            name: name of the node in a graph.

        Raises:
            ValueError: the numbers are known and do not fit.
        """
        values = _values(cls, values)
        kind = _splits_type(cls, values)
        count = _count_of(cls, values, kind or _dtype_of(uniform_row_length, nrows))
        partition = RowPartition.from_uniform_row_length(
            uniform_row_length, count, nrows, validate, dtype_hint=kind
        )
        return cls._from_row_partition(values, partition, validate)

    @classmethod
    def from_nested_value_rowids(
        cls,
        flat_values: Any,
        nested_value_rowids: Sequence[Any],
        nested_nrows: Sequence[Any] | None = None,
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Cut values into nested rows by rows of values, the outermost first."""
        _demand_list(nested_value_rowids, "nested_value_rowids")
        counts = [None] * len(nested_value_rowids) if nested_nrows is None else nested_nrows
        if len(counts) != len(nested_value_rowids):
            raise ValueError(
                "Argument `nested_nrows` must have the same length as argument "
                f"`nested_value_rowids`. len(nested_nrows) = {len(counts)} vs. "
                f"len(nested_values_rowids) = {len(nested_value_rowids)}."
            )
        result = flat_values
        pairs = zip(nested_value_rowids, counts, strict=True)
        for rowids, count in reversed(list(pairs)):
            result = cls.from_value_rowids(result, rowids, count, validate=validate)
        return _values(cls, result)

    @classmethod
    def from_nested_row_splits(
        cls,
        flat_values: Any,
        nested_row_splits: Sequence[Any],
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Cut values into nested rows by splits, the outermost first."""
        _demand_list(nested_row_splits, "nested_row_splits")
        result = flat_values
        for splits in reversed(nested_row_splits):
            result = cls.from_row_splits(result, splits, validate=validate)
        return _values(cls, result)

    @classmethod
    def from_nested_row_lengths(
        cls,
        flat_values: Any,
        nested_row_lengths: Sequence[Any],
        name: str | None = None,
        validate: bool = True,
    ) -> Any:
        """Cut values into nested rows by lengths, the outermost first."""
        _demand_list(nested_row_lengths, "nested_row_lengths")
        result = flat_values
        for lengths in reversed(nested_row_lengths):
            result = cls.from_row_lengths(result, lengths, validate=validate)
        return _values(cls, result)

    @classmethod
    def _from_nested_row_partitions(
        cls, flat_values: Any, partitions: Sequence[RowPartition], validate: bool = False
    ) -> Any:
        result = flat_values
        for partition in reversed(partitions):
            result = cls._from_row_partition(result, partition, validate)
        return result

    @classmethod
    def from_tensor(
        cls,
        tensor: Any,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: Any = dtypes.int64,
    ) -> Any:
        """Make a ragged tensor of a dense one.

        Args:
            tensor: a tensor of at least two axes.
            lengths: lengths of the rows; what is beyond is left out. A list of such for nested
                rows.
            padding: value whose run at the end of rows is left out.
            ragged_rank: number of axes that become ragged.
            name: name of the node in a graph.
            row_splits_dtype: int32 or int64.

        Raises:
            ValueError: both `lengths` and `padding` are given, or the rank does not fit.

        Example:
            >>> import penstock as tf
            >>> tf.RaggedTensor.from_tensor([[5, 7, 0], [6, 0, 0]], padding=0).to_list()
            [[5, 7], [6]]
        """
        kind = dtypes.as_dtype(row_splits_dtype)
        if lengths is not None and padding is not None:
            raise ValueError("Specify argument `lengths` or `padding`, but not both.")
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if ragged_rank <= 0:
            raise ValueError(
                f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}."
            )
        tensor = convert_to_tensor(tensor)
        if tensor.shape.rank is not None and tensor.shape.rank < 2:
            raise ValueError(
                "The rank of a RaggedTensor must be greater than 1, i.e., a list of scalars "
                "won't have ragged dimensions. Received argument `tensor` with rank "
                f"{tensor.shape.rank}."
            )
        tensor.shape.with_rank_at_least(ragged_rank + 1)
        if isinstance(lengths, (list, tuple)) and lengths and not _is_number(lengths[0]):
            return _from_nested_lengths(cls, tensor, lengths, kind)
        if ragged_rank > 1:
            return _from_outer_axes(cls, tensor, lengths, padding, ragged_rank, kind)
        if padding is not None:
            lengths = _lengths_before(tensor, padding, kind)
        if lengths is not None:
            return _from_lengths(cls, tensor, lengths, kind)
        shape = call("Shape", tensor, out_type=kind)
        rows, width = _size(tensor, 0, shape), _size(tensor, 1, shape)
        values = _without_axis(tensor)
        partition = RowPartition.from_uniform_row_length(
            width, call("Mul", rows, width), rows, validate=False, dtype=kind
        )
        return cls._from_row_partition(values, partition, validate=False)

    @classmethod
    def from_sparse(
        cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64
    ) -> Any:
        """Make a ragged tensor of a sparse matrix whose rows have no gaps.

        Raises:
            TypeError: the argument is not sparse.
            ValueError: it is no matrix.
            InvalidArgumentError: a row has a gap.
        """
        if type(st_input).__name__ == "SparseTensorValue":
            st_input = SparseTensor.from_value(st_input)
        if not isinstance(st_input, SparseTensor):
            raise TypeError(
                "Argument `st_input` must be of type SparseTensor, but is of type "
                f"{type(st_input).__name__}."
            )
        rank = st_input.shape.rank
        if rank is None:
            rank = st_input.indices.shape.as_list()[1] if st_input.indices.shape.rank else None
        if rank != 2:
            raise ValueError("rank(st_input) must be 2.")
        kind = dtypes.as_dtype(row_splits_dtype)
        rowids, columns = st_input.indices[:, 0], st_input.indices[:, 1]
        partition = RowPartition.from_value_rowids(
            cast(rowids, kind), cast(st_input.dense_shape[0], kind), validate=False
        )
        demand(
            call("Equal", cast(columns, kind), partition.offsets_in_rows()),
            "SparseTensor is not right-ragged: the elements of each row must stand in its "
            "first places",
        )
        return cls._from_row_partition(st_input.values, partition, validate=False)

    @classmethod
    def _from_variant(
        cls,
        variant: Any,
        dtype: Any,
        output_ragged_rank: int,
        input_ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        name: str | None = None,
    ) -> Any:
        variant = convert_to_tensor(variant, dtypes.variant)
        inner = -1 if input_ragged_rank is None else input_ragged_rank
        splits, values = call(
            "RaggedTensorFromVariant",
            variant,
            input_ragged_rank=inner,
            output_ragged_rank=output_ragged_rank,
            Tvalues=dtypes.as_dtype(dtype),
            Tsplits=dtypes.as_dtype(row_splits_dtype),
            name=name,
        )
        return cls.from_nested_row_splits(values, splits, validate=False)


def _values(cls: type, values: Any) -> Any:
    return values if isinstance(values, cls) else convert_to_tensor(values)


def _splits_type(cls: type, values: Any) -> Any:
    """Dtype of the splits of ragged values, which outer splits should share."""
    return values._row_partition.dtype if isinstance(values, cls) else None  # type: ignore[attr-defined]


def _dtype_of(*values: Any) -> Any:
    for value in values:
        if isinstance(value, Tensor):
            return value.dtype
        if isinstance(value, (np.ndarray, np.generic)):
            return dtypes.as_dtype(value.dtype)
    return dtypes.int64


def _count_of(cls: type, values: Any, dtype: Any) -> Any:
    """Number of values, as a scalar of `dtype`."""
    if isinstance(values, cls):
        return cast(values.nrows(), dtype)  # type: ignore[attr-defined]
    if values.shape.rank == 0:
        raise InvalidArgumentError("values must have at least one axis, got a scalar")
    return first_size(values, dtype)


def _demand_values(cls: type, values: Any, partition: RowPartition) -> None:
    count = _count_of(cls, values, partition.dtype)
    message = (
        "Arguments to _from_row_partition do not form a valid RaggedTensor: the partition must "
        "cover all values"
    )
    given, covered = static_integer(count), partition.static_nvals
    if given is not None and covered is not None:
        if given != covered:
            raise InvalidArgumentError(f"{message}, it covers {covered} of {given}")
        return
    demand(call("Equal", partition.nvals(), count), message)


def _demand_list(value: Any, name: str) -> None:
    if isinstance(value, Tensor):
        raise TypeError(f"Argument `{name}` must be a list of Tensors. Received {value}.")


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.shape.rank == 0
    return np.ndim(value) == 0


def _size(tensor: Any, axis: int, shape: Any) -> Any:
    known = tensor.shape[axis] if tensor.shape.rank is not None else None
    return shape[axis] if known is None else convert_to_tensor(known, shape.dtype)


def _without_axis(tensor: Any) -> Any:
    """The first two axes merged."""
    sizes = tensor.shape
    if sizes.rank is not None and sizes[1:].is_fully_defined():
        first, second, *rest = sizes.as_list()
        count = -1 if first is None else first * second
        if count == -1 and 0 in (second, *rest):
            shape = call("Shape", tensor)
            return call(
                "Reshape", tensor, call("ConcatV2", [shape[:1] * shape[1:2], shape[2:]], 0)
            )
        return call("Reshape", tensor, [count, *rest])
    shape = call("Shape", tensor)
    merged = call("Mul", shape[:1], shape[1:2])
    return call("Reshape", tensor, call("ConcatV2", [merged, shape[2:]], 0))


def _lengths_before(tensor: Any, padding: Any, kind: Any) -> Any:
    """Length of each row without its run of padding."""
    pad = convert_to_tensor(padding, tensor.dtype)
    pad.shape.assert_is_compatible_with(tensor.shape[2:])
    kept = call("NotEqual", tensor, pad)
    rank = kept.shape.rank
    if rank is None or rank > 2:
        inner = (
            np.arange(2, rank, dtype=np.int32)
            if rank is not None
            else call("Range", 2, call("Rank", kept), 1)
        )
        kept = call("Any", kept, inner)
    width = call("Shape", tensor, out_type=kind)[1]
    ends = call("AddV2", counted_to(width, kind), convert_to_tensor(1, kind))
    marked = call("Mul", call("Cast", kept, DstT=kind), ends)
    start = call("Mul", marked[:, :1], convert_to_tensor(0, kind))
    zeros = call(
        "Fill", call("ConcatV2", [call("Shape", start)[:1], [1]], 0), convert_to_tensor(0, kind)
    )
    return call("Max", call("ConcatV2", [zeros, marked], 1), [1])


def _from_lengths(cls: Any, tensor: Any, lengths: Any, kind: Any) -> Any:
    lengths = cast(convert_to_tensor(lengths, dtype_hint=kind), kind)
    lengths.shape.with_rank(1)
    width = call("Shape", tensor, out_type=kind)[1]
    zero = convert_to_tensor(0, kind)
    lengths = call("Minimum", call("Maximum", lengths, zero), width)
    inside = call("Less", counted_to(width, kind)[None], lengths[:, None])
    places = call("Reshape", call("Where", call("Reshape", inside, [-1])), [-1])
    values = call("GatherV2", _without_axis(tensor), places, 0)
    partition = RowPartition.from_row_lengths(lengths, validate=False)
    return cls._from_row_partition(values, partition, validate=False)


def _from_nested_lengths(cls: Any, tensor: Any, nested: Sequence[Any], kind: Any) -> Any:
    """Cut the outermost rows first; the values that are left are cut further."""
    outer, *inner = nested
    result = _from_lengths(cls, tensor, outer, kind)
    if not inner:
        return result
    values = (
        _from_nested_lengths(cls, result.values, inner, kind)
        if len(inner) > 1
        else _from_lengths(cls, result.values, inner[0], kind)
    )
    return result.with_values(values)


def _from_outer_axes(
    cls: Any, tensor: Any, lengths: Any, padding: Any, ragged_rank: int, kind: Any
) -> Any:
    """Ragged axes below outer axes: merge the outer ones, and cut into uniform rows again."""
    shape = call("Shape", tensor, out_type=kind)
    merged = tensor
    for _ in range(ragged_rank - 1):
        merged = _without_axis(merged)
    result = cls.from_tensor(merged, lengths, padding, 1, row_splits_dtype=kind)
    for axis in range(ragged_rank - 1, 0, -1):
        width = _size(tensor, axis, shape)
        rows = _size(tensor, 0, shape)
        for outer in range(1, axis):
            rows = call("Mul", rows, _size(tensor, outer, shape))
        partition = RowPartition.from_uniform_row_length(
            width, call("Mul", rows, width), rows, validate=False, dtype=kind
        )
        result = cls._from_row_partition(result, partition, validate=False)
    return result
