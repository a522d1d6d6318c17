"""Shapes of ragged tensors, with the lengths of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.broadcasting import broadcast
from penstock.runtime.ragged.partition_rows import cast, partition_tensor
from penstock.runtime.ragged.row_partition import RowPartition, RowPartitionSpec
from penstock.runtime.ragged.tensor import RaggedTensor, as_values
from penstock.runtime.static_shape import shape_held_by, static_value


class DynamicRaggedShape(CompositeTensor):
    """The shape of a ragged tensor: partitions of the outer axes, and sizes of the inner ones.

    Args:
        row_partitions: partitions, the outermost first.
        inner_shape: sizes of the axes of the innermost values, the first of which is their
            number.
        dtype: int32 or int64; None takes that of the partitions.
        validate: accepted for compatibility.

    Source: `tf.experimental.DynamicRaggedShape`.
    """

    Spec: ClassVar[Any]  # the class of specs, which stands below

    def __init__(
        self,
        row_partitions: Sequence[RowPartition],
        inner_shape: Any,
        dtype: Any = None,
        validate: bool = False,
        static_inner_shape: Any = None,
    ) -> None:
        partitions = tuple(row_partitions)
        sizes = partition_tensor(inner_shape, "inner_shape", dtype)
        if dtype is None and partitions:
            kind = partitions[0].dtype
        else:
            kind = sizes.dtype if dtype is None else dtypes.as_dtype(dtype)
        self._row_partitions = tuple(each.with_dtype(kind) for each in partitions)
        self._inner_shape = cast(sizes, kind)

    # -- making ----------------------------------------------------------------------------

    @classmethod
    def from_tensor(cls, t: Any, dtype: Any = None) -> DynamicRaggedShape:
        """Make the shape of a tensor or ragged tensor."""
        value = as_values(t)
        if not isinstance(value, RaggedTensor):
            kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
            return cls((), call("Shape", value, out_type=kind))
        kind = value.row_splits.dtype if dtype is None else dtypes.as_dtype(dtype)
        inner = call("Shape", value.flat_values, out_type=kind)
        return cls(value._nested_row_partitions, inner, kind)

    @classmethod
    def from_row_partitions(
        cls, row_partitions: Sequence[RowPartition], dtype: Any = None
    ) -> DynamicRaggedShape:
        """Make the shape of a ragged tensor whose innermost values are a vector.

        Raises:
            ValueError: there are no partitions.
        """
        if not row_partitions:
            raise ValueError("row_partitions cannot be empty")
        inner = call("Reshape", row_partitions[-1].nvals(), [1])
        return cls(row_partitions, inner, dtype)

    @classmethod
    def from_lengths(
        cls,
        lengths: Sequence[Any],
        num_row_partitions: int | None = None,
        dtype: Any = dtypes.int64,
    ) -> DynamicRaggedShape:
        """Make a shape of sizes, where a ragged axis is the lengths of its rows.

        Args:
            lengths: for each axis an integer, or a list of integers.
            num_row_partitions: number of axes below the first that are partitions; None takes
                those down to the last ragged one.
            dtype: int32 or int64.

        Raises:
            ValueError: the first axis is ragged, or numbers do not fit.

        Example:
            >>> import penstock as tf
            >>> tf.experimental.DynamicRaggedShape.from_lengths([2, (2, 1)]).rank
            2
        """
        if not lengths:
            raise ValueError("lengths must hold at least one axis")
        if not isinstance(lengths[0], int):
            raise ValueError("the first of lengths must be an integer")  # noqa: TRY004
        last = max(
            (i for i, each in enumerate(lengths) if not isinstance(each, int)), default=0
        )
        count = last if num_row_partitions is None else num_row_partitions
        if count < last or count >= max(len(lengths), 1):
            raise ValueError(
                f"num_row_partitions must be between {last} and {len(lengths) - 1}, got {count}"
            )
        kind = dtypes.as_dtype(dtype)
        rows = lengths[0]
        partitions = []
        for each in lengths[1 : count + 1]:
            if isinstance(each, int):
                partitions.append(
                    RowPartition.from_uniform_row_length(
                        each, nvals=rows * each, nrows=rows, dtype=kind
                    )
                )
                rows *= each
            else:
                if len(each) != rows:
                    raise ValueError(f"lengths must hold {rows} row lengths, got {len(each)}")
                partitions.append(RowPartition.from_row_lengths(list(each), dtype=kind))
                rows = sum(each)
        return cls(partitions, np.asarray([rows, *lengths[count + 1 :]], kind.np), kind)

    # -- asking ----------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """Type of the sizes: int32 or int64."""
        dtype: DType = self._inner_shape.dtype
        return dtype

    @property
    def row_partitions(self) -> tuple[RowPartition, ...]:
        """Partitions of the outer axes, the outermost first."""
        return self._row_partitions

    @property
    def num_row_partitions(self) -> int:
        """Number of partitions."""
        return len(self._row_partitions)

    @property
    def inner_shape(self) -> Any:
        """Sizes of the axes of the innermost values."""
        return self._inner_shape

    @property
    def inner_rank(self) -> int | None:
        """Number of axes of the innermost values."""
        size: int | None = self._inner_shape.shape[0]
        return size

    @property
    def rank(self) -> int | None:
        """Number of axes."""
        inner = self.inner_rank
        return None if inner is None else inner + len(self._row_partitions)

    def is_uniform(self, axis: int) -> bool:
        """Whether an axis is not ragged.

        Raises:
            IndexError: the axis is out of bounds.
        """
        rank = self.rank
        if axis < 0 or (rank is not None and axis >= rank):
            raise IndexError(f"Expected 0 <= axis < {rank} (rank); got {axis}")
        if 0 < axis <= len(self._row_partitions):
            return self._row_partitions[axis - 1].is_uniform()
        return True

    def static_lengths(self, ragged_lengths: bool = True) -> list[Any]:
        """Sizes and row lengths as Python integers; what is not known is None.

        Args:
            ragged_lengths: whether the lengths of ragged rows are given; else they are None.
        """
        inner = shape_held_by(self._inner_shape)
        if not self._row_partitions:
            return inner.as_list() if inner.rank is not None else [Ellipsis]
        sizes: list[Any] = [self._row_partitions[0].static_nrows]
        for partition in self._row_partitions:
            length: Any = partition.static_uniform_row_length
            if length is None and ragged_lengths and not partition.is_uniform():
                known = static_value(partition.row_lengths())
                length = None if known is None else tuple(known.tolist())
            sizes.append(length)
        return sizes + (inner.as_list()[1:] if inner.rank is not None else [Ellipsis])

    def with_dtype(self, dtype: Any) -> DynamicRaggedShape:
        """Return the shape with sizes of another type."""
        return DynamicRaggedShape(self._row_partitions, self._inner_shape, dtype)

    def _to_tensor_shape(self) -> TensorShape:
        sizes = self.static_lengths(ragged_lengths=False)
        return TensorShape(None if Ellipsis in sizes else sizes)

    def _num_elements(self) -> Any:
        return call("Prod", self._inner_shape, [0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            rank = self.rank
            if rank is None:
                raise ValueError("Rank must be known to use __getitem__ with a slice.")
            axes = range(*index.indices(rank))
            if list(axes) == list(range(rank)):
                return self
            return (
                call("Pack", [self._size(axis) for axis in axes])
                if axes
                else np.zeros((0,), self.dtype.np)
            )
        if not isinstance(index, int):
            raise TypeError(f"Argument is not an int or a slice: {index}")
        if index < 0:
            if self.rank is None:
                raise ValueError("Rank must be known to use __getitem__ on a negative index.")
            index += self.rank
        return self._size(index)

    def _size(self, axis: int) -> Any:
        count = len(self._row_partitions)
        if axis == 0 and count:
            return self._row_partitions[0].nrows()
        if 0 < axis <= count:
            length = self._row_partitions[axis - 1].uniform_row_length()
            if length is None:
                raise ValueError("Index is not uniform: the axis is ragged")
            return length
        return self._inner_shape[axis - count]

    def _add_row_partitions(self, flat_values: Any, validate: bool = False) -> Any:
        if not self._row_partitions:
            return flat_values
        return RaggedTensor._from_nested_row_partitions(flat_values, self._row_partitions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DynamicRaggedShape):
            return False
        mine, theirs = self.static_lengths(), other.static_lengths()
        return mine == theirs and None not in mine

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        lengths = ", ".join(str(each) for each in self.static_lengths())
        return (
            f"<DynamicRaggedShape lengths=[{lengths}] "
            f"num_row_partitions={self.num_row_partitions}>"
        )

    @property
    def _type_spec(self) -> DynamicRaggedShapeSpec:
        return DynamicRaggedShapeSpec(
            tuple(each._type_spec for each in self._row_partitions),
            shape_held_by(self._inner_shape),
            self.dtype,
        )


class DynamicRaggedShapeSpec(TypeSpec):
    """What is known of the shape of a ragged tensor."""

    __slots__ = ("_dtype", "_row_partitions", "_static_inner_shape")

    def __init__(
        self,
        row_partitions: Sequence[RowPartitionSpec],
        static_inner_shape: Any,
        dtype: Any,
    ) -> None:
        self._row_partitions = tuple(row_partitions)
        self._static_inner_shape = TensorShape(static_inner_shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return DynamicRaggedShape

    @property
    def dtype(self) -> DType:
        """Type of the sizes."""
        return self._dtype

    def _serialize(self) -> Any:
        return self._row_partitions, self._static_inner_shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        rank = self._static_inner_shape.rank
        return (*self._row_partitions, TensorSpec([rank], self._dtype))

    def _to_components(self, value: Any) -> Any:
        return (*value.row_partitions, value.inner_shape)

    def _from_components(self, components: Any) -> DynamicRaggedShape:
        *partitions, inner = components
        return DynamicRaggedShape(partitions, inner)


DynamicRaggedShape.Spec = DynamicRaggedShapeSpec


def broadcast_to(value: Any, shape: DynamicRaggedShape) -> Any:
    """Repeat a tensor or ragged tensor to a ragged shape.

    Raises:
        InvalidArgumentError: the shapes do not fit.
    """
    value = as_values(value)
    if not shape.row_partitions:
        return call("BroadcastTo", value, shape.inner_shape)
    count = call("Prod", shape.inner_shape, [0])
    places = call(
        "Reshape",
        call(
            "Range", convert_to_tensor(0, shape.dtype), count, convert_to_tensor(1, shape.dtype)
        ),
        shape.inner_shape,
    )
    target = shape._add_row_partitions(places)
    wide, _ = broadcast(value, target)
    if isinstance(wide, RaggedTensor):
        flat = call("BroadcastTo", wide.flat_values, shape.inner_shape)
        return shape._add_row_partitions(flat)
    return shape._add_row_partitions(call("BroadcastTo", wide, shape.inner_shape))
