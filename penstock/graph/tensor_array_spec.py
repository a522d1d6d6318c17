"""What is known of tensor arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core import dtypes, type_spec_registry
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec

_classes: list[Any] = []


def register_array_class(cls: Any) -> None:
    """Say which class tensor arrays have."""
    _classes[:] = [cls]


@type_spec_registry.register("tf.TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """Dtype and shape of the elements of a tensor array, and how it behaves.

    Args:
        element_shape: what is known of the shape of the elements.
        dtype: type of the elements.
        dynamic_size: whether writing beyond the end makes it longer.
        infer_shape: whether all elements must have one shape.

    Source: `tf.TensorArraySpec`.
    """

    __slots__ = ("_dtype", "_dynamic_size", "_element_shape", "_infer_shape")

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ) -> None:
        self._element_shape = TensorShape(element_shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @property
    def value_type(self) -> Any:
        """Class of tensor arrays."""
        return _classes[0]

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of the elements."""
        return self._element_shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._dtype

    @classmethod
    def from_value(cls, value: Any) -> TensorArraySpec:
        """Make the spec of a tensor array.

        Raises:
            TypeError: `value` is none.
        """
        if not isinstance(value, _classes[0]):
            raise TypeError(f"`value` must be a TensorArray, got {type(value).__name__}")
        return cls(value.element_shape, value.dtype, value.dynamic_size, value._infer_shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether `other` has the same dtype and size rule, whatever the shapes."""
        # Shapes of elements are not part of the type, as in TensorFlow.
        return (
            isinstance(other, TensorArraySpec)
            and self._dtype is other._dtype
            and self._dynamic_size == other._dynamic_size
        )

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether some tensor array fits both, or is the other."""
        other = spec_or_value
        if not isinstance(other, TypeSpec):
            other = TensorArraySpec.from_value(other)
        return (
            isinstance(other, TensorArraySpec)
            and self._dtype.is_compatible_with(other._dtype)
            and self._element_shape.is_compatible_with(other._element_shape)
            and self._dynamic_size == other._dynamic_size
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorArraySpec | None:
        """Return this spec if all `others` have its dtype and size rule, else None."""
        return self if all(self.is_subtype_of(other) for other in others) else None

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: Any) -> Any:
        return [value._as_list()]

    def _from_components(self, components: Any) -> Any:
        return _classes[0](
            self._dtype,
            flow=components[0],
            dynamic_size=self._dynamic_size,
            infer_shape=self._infer_shape,
            element_shape=self._element_shape,
        )
