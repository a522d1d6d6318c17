"""Specs of extension types: the fields, with specs where the values have tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from penstock.core import nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.immutable_dict import ImmutableDict
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import BatchableTypeSpec, TensorSpec, TypeSpec
from penstock.runtime.extension_type.fields import Field, Role, convert_fields
from penstock.runtime.tensor import Tensor

# Marks objects whose constructor is running, during which their fields can be set.
IN_CONSTRUCTOR = "_tf_extension_type_in_constructor"


def with_fields(cls: type, fields: dict[str, Any]) -> Any:
    """Make an object of a class with these fields, without its constructor."""
    made: Any = object.__new__(cls)
    made.__dict__.update(fields)
    return made


def with_mappings(value: Any, kind: Any) -> Any:
    """Return a nest of tuples and mappings with all mappings of one kind."""
    if isinstance(value, (dict, ImmutableDict)):
        return kind([(key, with_mappings(item, kind)) for key, item in value.items()])
    if isinstance(value, tuple):
        return tuple([with_mappings(item, kind) for item in value])
    return value


def refuse_change(holder: Any, name: str, word: str) -> None:
    """Raise, unless the constructor of `holder` is running and `name` is a field of it.

    Raises:
        AttributeError: the field cannot be changed.
    """
    if not (
        IN_CONSTRUCTOR in holder.__dict__
        and any(field.name == name for field in holder._tf_extension_type_fields())
    ):
        raise AttributeError(
            f"Cannot mutate attribute `{name}` outside the custom constructor of {word}."
        )


class ExtensionTypeSpec(TypeSpec):
    """The base of the specs of extension types.

    Each class of extension types has one of its own, `Spec`, with the same fields: tensors and
    composites stand as their specs, all else as it is.

    Source: `tf.experimental.ExtensionTypeSpec`.
    """

    # Each class of values puts itself here.
    value_type: Any = None

    @classmethod
    def _tf_extension_type_fields(cls) -> Sequence[Field]:
        fields: Sequence[Field] = cls.value_type._tf_extension_type_fields()
        return fields

    def _tf_extension_type_convert_fields(self) -> None:
        convert_fields(self._tf_extension_type_fields(), self.__dict__, Role.SPEC)

    def __validate__(self) -> None:
        """Check the fields once all of them have their values; subclasses may say how."""

    def _serialize(self) -> tuple[Any, ...]:
        return tuple(
            (field.name, with_mappings(self.__dict__[field.name], dict))
            for field in self._tf_extension_type_fields()
        )

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return with_fields(cls, dict(with_mappings(tuple(serialization), ImmutableDict)))

    def _flat_fields(self) -> list[Any]:
        return nest.flatten(tuple(self.__dict__.values()))

    @property
    def _component_specs(self) -> Any:
        return tuple(part for part in self._flat_fields() if isinstance(part, TypeSpec))

    def _to_components(self, value: Any) -> Any:
        fields = tuple(value.__dict__[name] for name in self.__dict__)
        return tuple(
            part for part in nest.flatten(fields) if isinstance(part, (Tensor, CompositeTensor))
        )

    def _from_components(self, components: Any) -> Any:
        left = iter(components)
        flat = [next(left) if isinstance(x, TypeSpec) else x for x in self._flat_fields()]
        if list(left):
            raise ValueError(
                f"{type(self).__qualname__} is made of {len(self._component_specs)} "
                f"components, got {len(components)}"
            )
        fields = nest.pack_sequence_as(tuple(self.__dict__.values()), flat)
        return with_fields(self.value_type, dict(zip(self.__dict__, fields, strict=True)))

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """Make the spec of a value."""
        names = [field.name for field in value._tf_extension_type_fields()]
        fields = {name: value.__dict__[name] for name in names}
        return with_fields(cls, nest.map_structure(_spec_of, fields))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_cached_key":
            object.__setattr__(self, name, value)
            return
        refuse_change(self, name, "ExtensionTypeSpec")
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        refuse_change(self, name, "ExtensionTypeSpec")
        del self.__dict__[name]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._serialize())
        return f"{type(self).__qualname__}({fields})"

    def __reduce__(self) -> Any:
        # Through the class of values: pickles find nested classes by their path only.
        return _rebuild, (self.value_type, self._serialize())


def _rebuild(value_type: Any, facts: Any) -> Any:
    return value_type.Spec._deserialize(facts)


def _spec_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    return value._type_spec if isinstance(value, CompositeTensor) else value


class ExtensionTypeBatchEncoder:
    """How values of a batchable extension type are turned into tensors that can be stacked.

    What `encode` gives for several values is stacked, concatenated or taken apart, and
    `decode` makes values of the result. This class takes a value apart into its tensors and
    composites; types for which that is not right override its methods.

    Source: `tf.experimental.ExtensionTypeBatchEncoder`.
    """

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Return the spec of `batch_size` values: every shape in it has one more axis."""
        return _map_fields(
            spec,
            lambda part: part._batch(batch_size),
            lambda shape: TensorShape([batch_size]).concatenate(shape),
        )

    def unbatch(self, spec: Any) -> Any:
        """Return the spec of one of the values: every shape lacks its first axis."""
        return _map_fields(spec, lambda part: part._unbatch(), lambda shape: shape[1:])

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Turn a value into a nest of tensors or batchable composites.

        Args:
            spec: spec of the value.
            value: the value.
            minimum_rank: number of axes that everything in the result must have in common.
        """
        return spec._to_components(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """Make a value of what `encode` gave, or of such results stacked or taken apart.

        Args:
            spec: spec of the value to make.
            encoded_value: the nest.
        """
        return spec._from_components(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        """Return the nest of specs of what `encode` gives for values of a spec."""
        return spec._component_specs


def _map_fields(spec: Any, of_spec: Any, of_shape: Any) -> Any:
    def change(part: Any) -> Any:
        if isinstance(part, BatchableTypeSpec):
            return of_spec(part)
        return of_shape(part) if isinstance(part, TensorShape) else part

    # The items, not the dict: a shape is a leaf in nests, and keys must not be sorted away.
    return with_fields(
        type(spec), dict(nest.map_structure(change, list(spec.__dict__.items())))
    )


class BatchableExtensionTypeSpec(ExtensionTypeSpec, BatchableTypeSpec):
    """The base of the specs of batchable extension types."""

    __batch_encoder__: ClassVar[Any] = ExtensionTypeBatchEncoder()

    def _batch(self, batch_size: int | None) -> Any:
        return self.__batch_encoder__.batch(self, batch_size)

    def _unbatch(self) -> Any:
        return self.__batch_encoder__.unbatch(self)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        specs = nest.flatten(self.__batch_encoder__.encoding_specs(self))
        return [flat for spec in specs for flat in spec._flat_tensor_specs]

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return self._encoded(value, 0)

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return self._encoded(value, 1)

    def _encoded(self, value: Any, minimum_rank: int) -> list[Any]:
        encoder = self.__batch_encoder__
        specs = nest.flatten(encoder.encoding_specs(self))
        parts = nest.flatten(encoder.encode(self, value, minimum_rank))
        return [
            tensor
            for spec, part in zip(specs, parts, strict=True)
            for tensor in spec._to_tensor_list(part)
        ]

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        encoder = self.__batch_encoder__
        specs = encoder.encoding_specs(self)
        left = list(tensor_list)
        parts = []
        for spec in nest.flatten(specs):
            count = len(spec._flat_tensor_specs)
            parts.append(spec._from_compatible_tensor_list(left[:count]))
            left = left[count:]
        return encoder.decode(self, nest.pack_sequence_as(specs, parts))
