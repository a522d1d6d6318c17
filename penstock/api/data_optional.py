"""`tf.experimental.Optional`: an element, or nothing."""

# ruff: noqa: SLF001  (the underscored methods are the protocol of specs)
from __future__ import annotations

from typing import Any

from penstock.api.data_structure import Structure, normalize, spec_of, tensors_of
from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.runtime.dispatch import call


class Optional(CompositeTensor):
    """An element of known structure that may be missing.

    Example:
        >>> import penstock as tf
        >>> bool(tf.experimental.Optional.from_value(3).has_value())
        True

    Source: `tf.experimental.Optional`.
    """

    @property
    def element_spec(self) -> Any:
        """Spec of the element."""
        return self._element_spec

    @staticmethod
    def empty(element_spec: Any) -> Optional:
        """Return an optional without a value.

        Args:
            element_spec: spec of the element that it could have had, or None.
        """
        return _OptionalImpl(call("OptionalNone"), element_spec)

    @staticmethod
    def from_value(value: Any) -> Optional:
        """Return an optional that holds `value`, an element."""
        value = normalize(value)
        spec = spec_of(value)
        tensors = tensors_of(value, Structure(spec))
        return _OptionalImpl(call("OptionalFromValue", tensors), spec)

    def has_value(self, name: str | None = None) -> Any:
        """Return a boolean scalar: whether there is a value."""
        return call("OptionalHasValue", self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """Return the element.

        Raises:
            InvalidArgumentError: there is none.
        """
        structure = Structure(self.element_spec)
        tensors = call(
            "OptionalGetValue",
            self._variant_tensor,
            output_types=structure.types,
            output_shapes=structure.shapes,
            name=name,
        )
        return structure.build(tensors)

    @property
    def _type_spec(self) -> OptionalSpec:
        return OptionalSpec(self._element_spec)

    _variant_tensor: Any = None
    _element_spec: Any = None


class _OptionalImpl(Optional):
    """An optional behind a variant tensor.

    The spec can be set afterwards, for an optional that was made before its spec was known.
    """

    def __init__(self, variant_tensor: Any, element_spec: Any) -> None:
        self._variant_tensor = variant_tensor
        self._element_spec = element_spec


class OptionalSpec(TypeSpec):
    """Spec of an `Optional`.

    Args:
        element_spec: spec of the element.

    Source: `tf.OptionalSpec`.
    """

    __slots__ = ("_element_spec",)

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec

    @property
    def element_spec(self) -> Any:
        """Spec of the element."""
        return self._element_spec

    @property
    def value_type(self) -> type:
        """The class of optionals."""
        return _OptionalImpl

    @staticmethod
    def from_value(value: Optional) -> OptionalSpec:
        """Return the spec of an optional."""
        return OptionalSpec(value.element_spec)

    def _serialize(self) -> tuple[Any, ...]:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(TensorShape(()), dtypes.variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        return _OptionalImpl(components, self._element_spec)


def optional_from_handle(handle: Any, element_spec: Any) -> Optional:
    """Return the optional behind a variant tensor."""
    return _OptionalImpl(handle, element_spec)
