"""Ragged tensors: values, and how they are cut into rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged.display import as_list, as_numpy, as_text
from penstock.runtime.ragged.factories import RaggedFactories
from penstock.runtime.ragged.partition_rows import cast
from penstock.runtime.ragged.row_partition import RowPartition
from penstock.runtime.ragged.spec import RaggedTensorSpec, register_ragged_class
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.runtime.static_shape import static_integer, static_value
from penstock.runtime.tensor import EagerTensor


class RaggedTensor(RaggedFactories, CompositeTensor):
    """A tensor whose rows may differ in length.

    Made by the `from_...` functions, or by `tf.ragged.constant`.

    Source: `tf.RaggedTensor`.
    """

    if TYPE_CHECKING:  # `elementwise` adds it with the operators

        def __getitem__(self, key: Any) -> Any: ...

    def __init__(
        self, values: Any, row_partition: RowPartition, internal: bool = False
    ) -> None:
        self._values = values
        inner = values._row_partition if isinstance(values, RaggedTensor) else values
        self._row_partition: RowPartition = row_partition.counting(inner)

    # -- what it is ------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        dtype: DType = self._values.dtype
        return dtype

    @property
    def shape(self) -> TensorShape:
        """Shape as far as it is known; the size of a ragged axis is None."""
        partition = self._row_partition
        inner = self._values.shape
        outer = TensorShape([partition.static_nrows, partition.static_uniform_row_length])
        return outer.concatenate(inner[1:]) if inner.rank is not None else TensorShape(None)

    def get_shape(self) -> TensorShape:
        """Shape as far as it is known; the size of a ragged axis is None."""
        return self.shape

    @property
    def ragged_rank(self) -> int:
        """Number of axes that are cut into rows."""
        return 1 + (self._values.ragged_rank if isinstance(self._values, RaggedTensor) else 0)

    @property
    def values(self) -> Any:
        """The rows, put one after the other: a ragged tensor of one axis less, or a tensor."""
        return self._values

    @property
    def flat_values(self) -> Any:
        """The innermost values, a tensor."""
        values = self._values
        while isinstance(values, RaggedTensor):
            values = values.values
        return values

    @property
    def _nested_row_partitions(self) -> tuple[RowPartition, ...]:
        inner = self._values
        rest = inner._nested_row_partitions if isinstance(inner, RaggedTensor) else ()
        return (self._row_partition, *rest)

    @property
    def row_splits(self) -> Any:
        """Where rows begin in `values`, followed by the number of values, [nrows + 1]."""
        return self._row_partition.row_splits()

    @property
    def uniform_row_length(self) -> Any:
        """Length of all rows, where the axis is not ragged; else None."""
        return self._row_partition.uniform_row_length()

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The splits of all ragged axes, the outermost first."""
        return tuple(each.row_splits() for each in self._nested_row_partitions)

    def value_rowids(self, name: str | None = None) -> Any:
        """Row of each value."""
        return self._row_partition.value_rowids()

    def nested_value_rowids(self, name: str | None = None) -> tuple[Any, ...]:
        """Rows of the values of all ragged axes, the outermost first."""
        return tuple(each.value_rowids() for each in self._nested_row_partitions)

    def nrows(self, out_type: Any = None, name: str | None = None) -> Any:
        """Number of rows."""
        count = self._row_partition.nrows()
        return count if out_type is None else cast(count, dtypes.as_dtype(out_type))

    def row_starts(self, name: str | None = None) -> Any:
        """Where rows begin in `values`."""
        return self._row_partition.row_starts()

    def row_limits(self, name: str | None = None) -> Any:
        """Where rows end in `values`."""
        return self._row_partition.row_limits()

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """Lengths of the rows along an axis.

        Args:
            axis: the axis whose lengths are asked for; 0 gives the number of rows.
            name: name of the node in a graph.

        Returns:
            A vector for axis 1; for an inner axis a ragged tensor of `axis - 1` ragged axes.

        Raises:
            ValueError: the axis is out of bounds.
        """
        axis = wrapped_axis(axis, self.shape.rank)
        if axis == 0:
            return self.nrows()
        if axis == 1:
            return self._row_partition.row_lengths()
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.row_lengths(axis - 1))
        shape = call("Shape", self._values, out_type=self._row_partition.dtype)
        length = call("BroadcastTo", shape[axis - 1], shape[: axis - 1])
        return self.with_values(length)

    def nested_row_lengths(self, name: str | None = None) -> tuple[Any, ...]:
        """Lengths of the rows of all ragged axes, the outermost first."""
        return tuple(each.row_lengths() for each in self._nested_row_partitions)

    def bounding_shape(
        self, axis: Any = None, name: str | None = None, out_type: Any = None
    ) -> Any:
        """Shape of the least box that holds the tensor.

        Args:
            axis: axes whose sizes are wanted, an integer or a list; None takes all.
            name: name of the node in a graph.
            out_type: int32 or int64; None takes that of the splits.
        """
        kind = self._row_partition.dtype if out_type is None else dtypes.as_dtype(out_type)
        sizes = [self.nrows()]
        for partition in self._nested_row_partitions:
            lengths = partition.row_lengths()
            start = np.zeros((1,), lengths.dtype.np)
            sizes.append(call("Max", call("ConcatV2", [start, lengths], 0), [0]))
        inner = call("Shape", self.flat_values, out_type=self._row_partition.dtype)[1:]
        shape = cast(call("ConcatV2", [call("Pack", sizes), inner], 0), kind)
        return shape if axis is None else call("GatherV2", shape, axis, 0)

    def consumers(self) -> list[Any]:
        """Ops of the graph that read a part of this tensor."""
        return self._consumers()

    # -- with other parts ------------------------------------------------------------------

    def with_values(self, new_values: Any) -> RaggedTensor:
        """Return a ragged tensor with other values cut into the same rows.

        Raises:
            ValueError: the number of values differs.
        """
        values = as_values(new_values)
        values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(values.shape[:1])
        partition = self._row_partition
        if isinstance(values, RaggedTensor) and values._row_partition.dtype != partition.dtype:
            partition = partition.with_dtype(dtypes.int64)
            values = values.with_row_splits_dtype(dtypes.int64)
        return RaggedTensor(values, partition)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """Return a ragged tensor with other innermost values cut into the same rows.

        Raises:
            ValueError: the number of values differs.
        """
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(as_values(new_values))

    def with_row_splits_dtype(self, dtype: Any) -> RaggedTensor:
        """Return the tensor with splits of another type.

        Raises:
            ValueError: the type is neither int32 nor int64.
        """
        partition = self._row_partition.with_dtype(dtype)
        if isinstance(self._values, RaggedTensor):
            return RaggedTensor(self._values.with_row_splits_dtype(dtype), partition)
        return RaggedTensor(self._values, partition)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Merge the axes from `outer_axis` to `inner_axis` into one.

        Raises:
            ValueError: an axis is out of bounds, or the outer is behind the inner.
        """
        rank = self.shape.rank
        outer = wrapped_axis(outer_axis, rank, "outer_axis")
        inner = wrapped_axis(inner_axis, rank, "inner_axis")
        if outer > inner:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis "
                f"({inner_axis})."
            )
        return _merged(self, outer, inner)

    def _set_shape(self, shape: Any) -> None:
        """Add knowledge of the shape."""
        shape = TensorShape(shape)
        if shape.rank is None:
            return
        rank = self.ragged_rank
        sizes = shape.as_list()
        if sizes[0] is not None:
            self.row_splits.set_shape([sizes[0] + 1])
        values = self._values
        for _ in range(rank - 1):
            values = values.values
        flat = self.flat_values
        if flat.shape.rank is None or flat.shape[1:].rank == len(sizes[rank + 1 :]):
            flat.set_shape([None, *sizes[rank + 1 :]])

    # -- conversions -----------------------------------------------------------------------

    def to_tensor(
        self, default_value: Any = None, name: str | None = None, shape: Any = None
    ) -> Any:
        """Make a dense tensor; short rows are filled up.

        Args:
            default_value: what short rows are filled with; None is 0, False or "".
            name: name of the node in a graph.
            shape: sizes of the result; rows that are longer are cut. None takes, for an axis or
                for all, the least that holds everything.

        Example:
            >>> import penstock as tf
            >>> tf.ragged.constant([[1, 2], [3]]).to_tensor().numpy().tolist()
            [[1, 2], [3, 0]]
        """
        values = self.flat_values
        if default_value is None:
            default_value = blank_of(self.dtype)
        sizes = _wanted_sizes(shape, self)
        splits = self._with_one_splits_type()
        dense = call(
            "RaggedTensorToTensor",
            sizes,
            values,
            convert_to_tensor(default_value, self.dtype),
            list(splits),
            row_partition_types=("ROW_SPLITS",) * len(splits),
            name=name,
        )
        own = self.shape
        if own.rank is not None and dense.shape.rank in (None, own.rank):
            asked = static_value(sizes)
            known = own.as_list()
            if asked is not None and asked.ndim == 1:
                known = [
                    size if want < 0 else int(want)
                    for size, want in zip(known, asked.tolist(), strict=True)
                ]
            dense.set_shape(known)
        return dense

    def _with_one_splits_type(self) -> tuple[Any, ...]:
        splits = self.nested_row_splits
        if len({each.dtype for each in splits}) > 1:
            return tuple(cast(each, dtypes.int64) for each in splits)
        return splits

    def to_sparse(self, name: str | None = None) -> SparseTensor:
        """Make a sparse tensor that holds every value."""
        splits = list(self._with_one_splits_type())
        made = SparseTensor(*call("RaggedTensorToSparse", splits, self.flat_values, name=name))
        made.set_shape(self.shape if self.shape.rank is not None else None)
        return made

    def _to_variant(self, batched_input: bool = False, name: str | None = None) -> Any:
        return call(
            "RaggedTensorToVariant",
            list(self._with_one_splits_type()),
            self.flat_values,
            batched_input=batched_input,
            name=name,
        )

    def _is_eager(self) -> bool:
        return isinstance(self.flat_values, EagerTensor)

    def to_list(self) -> list[Any]:
        """Return nested lists.

        Raises:
            ValueError: the tensor belongs to a graph.
        """
        self._demand_value("to_list")
        return as_list(self)

    def numpy(self) -> Any:
        """Return an array; rows of different lengths are arrays within an array of objects.

        Raises:
            ValueError: the tensor belongs to a graph.
        """
        self._demand_value("numpy")
        return as_numpy(self)

    def _demand_value(self, method: str) -> None:
        if not self._is_eager():
            raise ValueError(
                f"RaggedTensor.{method}() is only supported in eager mode; in a function use "
                "to_tensor()"
            )

    def __iter__(self) -> Iterator[Any]:
        rows = static_integer(self.nrows())
        if rows is None:
            raise TypeError("a ragged tensor of an unknown number of rows cannot be iterated")
        return iter([self[i] for i in range(rows)])

    def __bool__(self) -> bool:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    def __hash__(self) -> int:
        raise TypeError("RaggedTensor is unhashable.")

    def __repr__(self) -> str:
        if self._is_eager():
            return f"<tf.RaggedTensor {as_text(self)}>"
        return f"tf.RaggedTensor(values={self._values!s}, row_splits={self.row_splits!s})"

    # -- specs -----------------------------------------------------------------------------

    @property
    def _type_spec(self) -> RaggedTensorSpec:
        return RaggedTensorSpec(
            self.shape, self.dtype, self.ragged_rank, self._row_partition.dtype
        )

    def _shape_invariant_to_type_spec(self, shape: Any) -> RaggedTensorSpec:
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self._row_partition.dtype)


def wrapped_axis(axis: int, rank: int | None, name: str = "axis") -> int:
    """Count a negative axis from the end.

    Raises:
        ValueError: it is out of bounds.
    """
    if rank is None:
        if axis < 0:
            raise ValueError(f"{name}={axis} may only be negative if ndims is statically known")
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"{name}={axis} out of bounds: expected {-rank}<={name}<{rank}")
    return axis + rank if axis < 0 else axis


def blank_of(dtype: DType) -> Any:
    """Zero of a dtype: 0, False or the empty string."""
    return {dtypes.string: "", dtypes.bool: False}.get(dtype, 0)


def as_values(value: Any, dtype: Any = None, dtype_hint: Any = None) -> Any:
    """A ragged tensor as it is; anything else as a tensor.

    Raises:
        ValueError: a ragged tensor of another dtype was given.
    """
    if isinstance(value, RaggedTensor):
        if dtype is not None and value.dtype != dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for "
                f"RaggedTensor with dtype {value.dtype.name}: {value!r}"
            )
        return value
    return convert_to_tensor(value, dtype, dtype_hint=dtype_hint)


def _wanted_sizes(shape: Any, ragged: RaggedTensor) -> Any:
    """Sizes as RaggedTensorToTensor takes them: -1 alone for any, -1 within for one."""
    kind = ragged._row_partition.dtype
    if shape is None:
        return convert_to_tensor(-1, kind)
    if isinstance(shape, (TensorShape, list, tuple)):
        dims: Sequence[Any] | None = (
            shape.as_list()
            if isinstance(shape, TensorShape) and shape.rank is not None
            else None
            if isinstance(shape, TensorShape)
            else shape
        )
        if dims is None:
            return convert_to_tensor(-1, kind)
        return convert_to_tensor([-1 if size is None else size for size in dims], kind)
    sizes = convert_to_tensor(shape)
    return cast(sizes, kind) if sizes.dtype not in (dtypes.int32, dtypes.int64) else sizes


def _merged(ragged: RaggedTensor, outer: int, inner: int) -> Any:
    if outer == inner:
        return ragged
    values = ragged.values
    if outer == 0:
        # The outermost axis and the next are one when the rows stand one after the other.
        if inner == 1:
            return values
        return _merged_any(values, 0, inner - 1)
    if outer > 1:
        return ragged.with_values(_merged_any(values, outer - 1, inner - 1))
    if isinstance(values, RaggedTensor):
        splits = call("GatherV2", values.row_splits, ragged.row_splits, 0)
        below = values.values
    else:
        width = call("Shape", values, out_type=ragged.row_splits.dtype)[1]
        splits = call("Mul", ragged.row_splits, width)
        below = _merged_dense(values, 0, 1)
    once = RaggedTensor.from_row_splits(below, splits, validate=False)
    return _merged(once, 1, inner - 1)


def _merged_any(values: Any, outer: int, inner: int) -> Any:
    if isinstance(values, RaggedTensor):
        return _merged(values, outer, inner)
    return _merged_dense(values, outer, inner)


def _merged_dense(tensor: Any, outer: int, inner: int) -> Any:
    """Merge axes of a tensor."""
    if outer == inner:
        return tensor
    shape = tensor.shape
    if shape.rank is not None and shape[outer:].is_fully_defined() and outer == 0:
        return call("Reshape", tensor, [-1, *shape.as_list()[inner + 1 :]])
    sizes = call("Shape", tensor)
    new = call("ConcatV2", [sizes[:outer], np.asarray([-1], np.int32), sizes[inner + 1 :]], 0)
    return call("Reshape", tensor, new)


register_ragged_class(RaggedTensor)
