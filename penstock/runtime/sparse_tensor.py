"""Sparse tensors: the places and values of the elements that are not zero."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.core import dtypes, type_spec_registry
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.core.type_spec import (
    BatchableTypeSpec,
    TensorSpec,
    register_type_spec_from_value_converter,
)
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.static_shape import shape_held_by
from penstock.runtime.tensor import EagerTensor


class SparseTensorValue(NamedTuple):
    """A sparse tensor as three numpy arrays.

    Source: `tf.compat.v1.SparseTensorValue`.
    """

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor(CompositeTensor):
    """A tensor of which only some elements are held; the others are zero.

    Args:
        indices: [n, rank] int64, the places of the elements; row-major order is expected by
            most functions (see `tf.sparse.reorder`).
        values: [n] the elements.
        dense_shape: [rank] int64, the shape of the whole tensor.

    Raises:
        ValueError: the shapes do not fit each other.

    Source: `tf.sparse.SparseTensor`.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self._indices = convert_to_tensor(indices, dtypes.int64)
        self._values = convert_to_tensor(values)
        self._dense_shape = convert_to_tensor(dense_shape, dtypes.int64)
        count, rank = self._indices.shape.with_rank(2).as_tuple()
        (values,) = self._values.shape.with_rank(1).as_tuple()
        (sizes,) = self._dense_shape.shape.with_rank(1).as_tuple()
        if None not in (count, values) and count != values:
            raise ValueError(
                f"indices must have one row for each of {values} values, got {count}"
            )
        if None not in (rank, sizes) and rank != sizes:
            raise ValueError(f"indices must have {sizes} columns like dense_shape, got {rank}")
        self._shape = shape_held_by(self._dense_shape)

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Make a sparse tensor of a `SparseTensorValue`; sparse tensors stay as they are.

        Raises:
            TypeError: it is neither.
        """
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if type(sparse_tensor_value).__name__ != "SparseTensorValue":
            raise TypeError(
                "sparse_tensor_value must be a SparseTensor or SparseTensorValue, got "
                f"{type(sparse_tensor_value).__name__}"
            )
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Any:
        """Places of the elements, [n, rank]."""
        return self._indices

    @property
    def values(self) -> Any:
        """The elements, [n]."""
        return self._values

    @property
    def dense_shape(self) -> Any:
        """Shape of the whole tensor, [rank]."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """Shape of the whole tensor as far as it is known."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """Shape of the whole tensor as far as it is known."""
        return self._shape

    def set_shape(self, shape: Any) -> None:
        """Add knowledge of the shape.

        Raises:
            ValueError: it contradicts what is known.
        """
        self._shape = self._shape.merge_with(TensorShape(shape))

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        dtype: DType = self._values.dtype
        return dtype

    @property
    def op(self) -> Any:
        """Operation that made the values."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """Graph of the places."""
        return self._indices.graph

    def consumers(self) -> list[Any]:
        """Ops of the graph that read a part of this tensor."""
        return self._consumers()

    def with_values(self, new_values: Any) -> SparseTensor:
        """Return a sparse tensor with other elements at the same places."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def _is_eager(self) -> bool:
        return isinstance(self._values, EagerTensor)

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """Return the tensor as numpy arrays.

        Raises:
            AttributeError: it belongs to a graph.
        """
        return SparseTensorValue(
            self._indices.numpy(), self._values.numpy(), self._dense_shape.numpy()
        )

    def __mul__(self, other: Any) -> SparseTensor:
        return self._with_dense("SparseDenseCwiseMul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        if not self.dtype.is_integer:
            return self._with_dense("SparseDenseCwiseDiv", other)
        # As in Python, integers are divided as floating-point numbers.
        small = self.dtype.size <= 2
        wide = dtypes.float32 if small else dtypes.float64
        dense = call("Cast", convert_to_tensor(other, self.dtype), DstT=wide)
        widened = self.with_values(call("Cast", self._values, DstT=wide))
        return widened._with_dense("SparseDenseCwiseDiv", dense)

    __div__ = __truediv__

    def _with_dense(self, op_name: str, other: Any) -> SparseTensor:
        dense = convert_to_tensor(other, self.dtype)
        parts = self._indices, self._values, self._dense_shape
        return self.with_values(call(op_name, *parts, dense))

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices!s}, values={self._values!s}, "
            f"dense_shape={self._dense_shape!s})"
        )

    @property
    def _type_spec(self) -> SparseTensorSpec:
        return SparseTensorSpec(self._shape, self.dtype)

    def _shape_invariant_to_type_spec(self, shape: Any) -> SparseTensorSpec:
        shape = TensorShape(shape)
        if shape.rank is None:
            shape = unknown_shape(self._shape.rank)
        return SparseTensorSpec(shape, self.dtype)


@type_spec_registry.register("tf.SparseTensorSpec")
class SparseTensorSpec(BatchableTypeSpec):
    """Shape and dtype of a sparse tensor.

    Source: `tf.SparseTensorSpec`.
    """

    __slots__ = ("_dtype", "_shape")

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    @property
    def value_type(self) -> type:
        """The class that this describes."""
        return SparseTensor

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._dtype

    def _serialize(self) -> Any:
        return self._shape, self._dtype

    @property
    def _component_specs(self) -> Any:
        rank = self._shape.rank
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, components: Any) -> Any:
        if all(isinstance(part, np.ndarray) for part in components):
            return SparseTensorValue(*components)
        made = SparseTensor(*components)
        if self._shape.is_compatible_with(made.shape):
            made.set_shape(self._shape)
        return made

    def _batch(self, batch_size: int | None) -> SparseTensorSpec:
        return SparseTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> SparseTensorSpec:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:], self._dtype)

    @classmethod
    def from_value(cls, value: Any) -> SparseTensorSpec:
        """Make the spec of a sparse tensor.

        Raises:
            TypeError: `value` is not sparse.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if isinstance(value, SparseTensorValue):
            values = np.asarray(value.values)
            return cls(np.asarray(value.dense_shape).tolist(), values.dtype)
        raise TypeError("Expected SparseTensor or SparseTensorValue.")


def as_sparse(value: Any, name: str = "sp_input") -> SparseTensor:
    """Return a sparse tensor; a `SparseTensorValue` is converted.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, SparseTensor):
        return value
    if type(value).__name__ == "SparseTensorValue":
        return SparseTensor.from_value(value)
    raise TypeError(f"{name} must be a SparseTensor, got a {type(value).__name__}")


register_type_spec_from_value_converter(SparseTensorValue, SparseTensorSpec.from_value)
