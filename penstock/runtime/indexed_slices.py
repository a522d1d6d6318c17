"""Sparse gradients: slices of a tensor along its first axis."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.runtime.convert import convert_to_tensor, register_tensor_conversion_function
from penstock.runtime.dispatch import call


class IndexedSlices(CompositeTensor):
    """A tensor of which only some slices are held; equal indices add up.

    Args:
        values: [k, ...] slices.
        indices: [k] place of each slice on the first axis.
        dense_shape: shape of the whole tensor, or None.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = convert_to_tensor(values)
        self._indices = convert_to_tensor(indices)
        self._dense_shape = None if dense_shape is None else convert_to_tensor(dense_shape)

    @property
    def values(self) -> Any:
        """The slices, [k, ...]."""
        return self._values

    @property
    def indices(self) -> Any:
        """Place of each slice, [k]."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """Shape of the whole tensor, or None."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        dtype: DType = self._values.dtype
        return dtype

    @property
    def shape(self) -> TensorShape:
        """Shape of the whole tensor as far as it is known."""
        if self._dense_shape is None:
            return TensorShape(None)
        value = getattr(self._dense_shape, "_value", None)
        if value is None:
            value = getattr(self._dense_shape, "static_value", None)
        if value is None:
            return TensorShape([None] * (self._values.shape.rank or 1))
        return TensorShape([int(size) for size in value])

    @property
    def name(self) -> str:
        """Name of the values."""
        return str(self._values.name)

    @property
    def device(self) -> str:
        """Device of the values."""
        return str(self._values.device)

    def consumers(self) -> list[Any]:
        """Ops of the graph that read a part of this; none outside of graphs."""
        return self._consumers() if hasattr(self._values, "graph_node") else []

    @property
    def graph(self) -> Any:
        """Graph of the values."""
        return self._values.graph

    @property
    def op(self) -> Any:
        """Operation that made the values."""
        return self._values.op

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(call("Neg", self._values), self._indices, self._dense_shape)

    def __repr__(self) -> str:
        return (
            f"IndexedSlices(indices={self._indices!r}, values={self._values!r}, "
            f"dense_shape={self._dense_shape!r})"
        )

    @property
    def _type_spec(self) -> IndexedSlicesSpec:
        return IndexedSlicesSpec(
            self.shape,
            self.dtype,
            self._indices.dtype,
            None if self._dense_shape is None else self._dense_shape.dtype,
            self._indices.shape,
        )


class IndexedSlicesSpec(TypeSpec):
    """Shape and dtypes of an `IndexedSlices`."""

    __slots__ = ("_dense_shape_dtype", "_dtype", "_indices_dtype", "_indices_shape", "_shape")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = (
            None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        )
        self._indices_shape = TensorShape([None] if indices_shape is None else indices_shape)

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return IndexedSlices

    def _serialize(self) -> Any:
        return (
            self._shape,
            self._dtype,
            self._indices_dtype,
            self._dense_shape_dtype,
            self._indices_shape,
        )

    @property
    def _component_specs(self) -> Any:
        values = TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._dtype)
        parts = [values, TensorSpec(self._indices_shape, self._indices_dtype)]
        if self._dense_shape_dtype is not None:
            parts.append(TensorSpec([self._shape.rank], self._dense_shape_dtype))
        return tuple(parts)

    def _to_components(self, value: Any) -> Any:
        if value.dense_shape is None:
            return (value.values, value.indices)
        return (value.values, value.indices, value.dense_shape)

    def _from_components(self, components: Any) -> IndexedSlices:
        return IndexedSlices(*components)


def densify(slices: IndexedSlices) -> Any:
    """Return the whole tensor.

    Raises:
        ValueError: the shape of the whole tensor is not known.
    """
    if slices.dense_shape is None:
        raise ValueError(
            "an IndexedSlices needs a dense_shape to become one tensor, and this one has None"
        )
    size = call("StridedSlice", slices.dense_shape, [0], [1], [1], shrink_axis_mask=1)
    return call("UnsortedSegmentSum", slices.values, slices.indices, size)


def _to_tensor(value: IndexedSlices, dtype: Any, name: str | None) -> Any:
    dense = densify(value)
    if dtype is not None and dense.dtype != dtype:
        raise ValueError(f"cannot convert IndexedSlices of {dense.dtype.name} to {dtype.name}")
    return dense


register_tensor_conversion_function(IndexedSlices, _to_tensor)
