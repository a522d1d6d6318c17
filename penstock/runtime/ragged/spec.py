"""What is known of ragged tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.core import dtypes, type_spec_registry
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import (
    BatchableTypeSpec,
    TensorSpec,
    register_type_spec_from_value_converter,
)
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.ragged.row_partition import RowPartition

_classes: list[Any] = []


def register_ragged_class(cls: Any) -> None:
    """Say which class ragged tensors have."""
    _classes[:] = [cls]


class RaggedTensorValue(NamedTuple):
    """A ragged tensor as numpy arrays: values, which may be ragged too, and splits.

    Source: `tf.compat.v1.ragged.RaggedTensorValue`.
    """

    values: Any
    row_splits: Any

    @property
    def flat_values(self) -> Any:
        """The innermost values."""
        inner = self.values
        return inner.flat_values if isinstance(inner, RaggedTensorValue) else inner

    @property
    def nested_row_splits(self) -> tuple[Any, ...]:
        """The splits of all ragged axes, the outermost first."""
        inner = self.values
        rest = inner.nested_row_splits if isinstance(inner, RaggedTensorValue) else ()
        return (self.row_splits, *rest)


@type_spec_registry.register("tf.RaggedTensorSpec")
class RaggedTensorSpec(BatchableTypeSpec):
    """Shape, dtype and number of ragged axes of a ragged tensor.

    Args:
        shape: what is known of the shape; sizes of ragged axes are None.
        dtype: type of the elements.
        ragged_rank: number of axes that are cut into rows; None takes the rank minus 1.
        row_splits_dtype: int32 or int64.
        flat_values_spec: spec of the innermost values where they are no tensor.

    Raises:
        ValueError: `ragged_rank` is not below the rank.

    Source: `tf.RaggedTensorSpec`.
    """

    __slots__ = (
        "_dtype",
        "_flat_values_spec",
        "_ragged_rank",
        "_row_splits_dtype",
        "_shape",
    )

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        flat_values_spec: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        if flat_values_spec is not None and dtype is None:
            dtype = flat_values_spec.dtype
        self._dtype = dtypes.as_dtype(dtype)
        self._flat_values_spec = flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank")
            ragged_rank = rank - 1
        elif not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        elif rank is not None and ragged_rank >= max(rank, 1):
            raise ValueError(
                f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank})."
            )
        self._ragged_rank = ragged_rank

    @property
    def value_type(self) -> Any:
        """The class that this describes: a tensor where no axis is ragged."""
        return _classes[0] if self._ragged_rank > 0 else TensorSpec._tensor_class

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._dtype

    @property
    def ragged_rank(self) -> int:
        """Number of axes that are cut into rows."""
        return self._ragged_rank

    @property
    def row_splits_dtype(self) -> DType:
        """Type of the splits."""
        return self._row_splits_dtype

    @property
    def flat_values_spec(self) -> Any:
        """Spec of the innermost values where they are no tensor."""
        return self._flat_values_spec

    def _serialize(self) -> Any:
        facts = self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype
        return facts if self._flat_values_spec is None else (*facts, self._flat_values_spec)

    @property
    def _component_specs(self) -> Any:
        if self._ragged_rank == 0:
            return [TensorSpec(self._shape, self._dtype)]
        flat = self._flat_spec()
        splits = [TensorSpec([None], self._row_splits_dtype) for _ in range(self._ragged_rank)]
        sizes = None if self._shape.rank is None else self._shape.as_list()
        count = None if sizes is None or sizes[0] is None else sizes[0] + 1
        splits[0] = TensorSpec([count], self._row_splits_dtype)
        return [flat, *splits]

    def _flat_spec(self) -> Any:
        if self._flat_values_spec is not None:
            return self._flat_values_spec
        inner = self._shape[self._ragged_rank + 1 :] if self._shape.rank is not None else None
        shape = TensorShape([None]).concatenate(TensorShape(inner))
        return TensorSpec(shape if inner is not None else None, self._dtype)

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, _classes[0]):
            return [value.flat_values, *value.nested_row_splits]
        if isinstance(value, RaggedTensorValue):
            return [value.flat_values, *value.nested_row_splits]
        return [value]

    def _from_components(self, components: Any) -> Any:
        result = components[0]
        if isinstance(result, np.ndarray):
            result = convert_to_tensor(result)
        sizes = None if self._shape.rank is None else self._shape.as_list()
        for level in range(self._ragged_rank, 0, -1):
            splits = convert_to_tensor(components[level])
            length = None if sizes is None else sizes[level]
            partition = RowPartition(
                splits,
                uniform_row_length=None
                if length is None
                else convert_to_tensor(length, splits.dtype),
            )
            result = _classes[0](result, partition)
        if self._ragged_rank and self._flat_values_spec is None:
            result._set_shape(self._shape)
        return result

    def _batch(self, batch_size: int | None) -> RaggedTensorSpec:
        return RaggedTensorSpec(
            TensorShape([batch_size]).concatenate(self._shape),
            self._dtype,
            self._ragged_rank + 1,
            self._row_splits_dtype,
        )

    def _unbatch(self) -> RaggedTensorSpec:
        return RaggedTensorSpec(
            self._shape[1:] if self._shape.rank is not None else None,
            self._dtype,
            max(self._ragged_rank - 1, 0),
            self._row_splits_dtype,
        )

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether some value fits both; without ragged axes, tensors may fit."""
        if self._ragged_rank == 0 and isinstance(
            spec_or_value, (TensorSpec._tensor_class, TensorSpec)
        ):
            return TensorSpec(self._shape, self._dtype).is_compatible_with(spec_or_value)
        return super().is_compatible_with(spec_or_value)

    @classmethod
    def from_value(cls, value: Any) -> RaggedTensorSpec:
        """Make the spec of a ragged tensor.

        Raises:
            TypeError: the value is not ragged.
        """
        if isinstance(value, _classes[0]):
            spec: RaggedTensorSpec = value._type_spec
            return spec
        if isinstance(value, RaggedTensorValue):
            flat = np.asarray(value.flat_values)
            rank = len(value.nested_row_splits)
            shape = [len(value.row_splits) - 1, *[None] * rank, *flat.shape[1:]]
            return cls(shape, flat.dtype, rank, np.asarray(value.row_splits).dtype)
        raise TypeError(f"value must be a RaggedTensor, got a {type(value).__name__}")


register_type_spec_from_value_converter(RaggedTensorValue, RaggedTensorSpec.from_value)
