"""Specs: what is known of a value without the value, as for the arguments of a function."""

# ruff: noqa: SLF001  (the underscored methods are the protocol between specs)
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from penstock.core import nest, spec_facts, type_spec_registry
from penstock.core.composite_tensor import CompositeTensor, SpecMarker
from penstock.core.dtypes import DType, as_dtype, dtype_of_numpy, float32
from penstock.core.message_forms import message_form
from penstock.core.tensor_shape import TensorShape, as_shape, broadcast_static_shape
from penstock.core.trace_type import TraceType


class TypeSpec(SpecMarker, ABC):
    """What is known of a value: its kind, and facts such as shapes and dtypes.

    A subclass says how to write itself down (`_serialize`) and how to take a value apart into
    tensors and build it again; comparing and merging follow from that.

    Source: `tf.TypeSpec`.
    """

    __slots__ = ("_cached_key",)

    _cached_key: Any

    @property
    @abstractmethod
    def value_type(self) -> Any:
        """Class of the values described."""

    @abstractmethod
    def _serialize(self) -> tuple[Any, ...]:
        """Return the facts, such that `_deserialize` makes an equal spec of them."""

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return cls(*serialization)

    @property
    @abstractmethod
    def _component_specs(self) -> Any:
        """Nest of specs, one for each tensor that a value is made of."""

    @abstractmethod
    def _to_components(self, value: Any) -> Any:
        """Take a value apart into a nest of tensors shaped like `_component_specs`."""

    @abstractmethod
    def _from_components(self, components: Any) -> Any:
        """Build a value of what `_to_components` gave."""

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether some value fits both this spec and the other, or is the other."""
        other = spec_or_value
        if not isinstance(other, TypeSpec):
            other = type_spec_from_value(other)
        return type(self) is type(other) and spec_facts.agree(
            self._serialize(), other._serialize()
        )

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether every value that fits this spec also fits `other`."""
        return type(self) is type(other) and spec_facts.is_narrower(
            self._serialize(), other._serialize()
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Return the narrowest spec that values of this and all `others` fit, or `None`."""
        if any(type(self) is not type(other) for other in others):
            return None
        merged = spec_facts.merge(self._serialize(), [other._serialize() for other in others])
        return None if merged is spec_facts.NO_MERGE else self._deserialize(merged)

    def most_specific_compatible_type(self, other: Any) -> Any:
        """Return the narrowest spec that values of both fit.

        Raises:
            ValueError: there is none.
        """
        found = self.most_specific_common_supertype([other])
        if found is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return found

    # -- as the type of an argument of a trace ----------------------------------------------

    def flatten(self) -> list[Any]:
        """Return the specs of the tensors that values are made of."""
        return self._flat_tensor_specs

    def to_tensors(self, value: Any) -> list[Any]:
        """Take a value apart into tensors.

        Raises:
            TypeError: `value` is not of this kind.
        """
        if not self.is_compatible_with(value):
            raise TypeError(f"a value of {self} is needed, got {value!r}")
        return self._to_tensor_list(value)

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Make a value of the next tensors, as many as `flatten` lists."""
        return self._from_tensor_list([next(tensors) for _ in self.flatten()])

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Return a value of symbolic tensors in the graph that is being built.

        Raises:
            RuntimeError: there is no such graph.
        """
        placeholders = [
            part.placeholder_value(placeholder_context) for part in self._flat_tensor_specs
        ]
        return self._from_compatible_tensor_list(placeholders)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Return `value` as a value of this spec.

        Raises:
            TypeError: it is none, and cannot become one.
        """
        if getattr(casting_context, "allow_specs", False) and isinstance(value, TypeSpec):
            if not value.is_subtype_of(self):
                raise TypeError(f"Can not cast {value!r} to {self!r}")
            return self
        try:
            parts = self._to_tensor_list(value)
            flat = self._flat_tensor_specs
            cast = [
                spec.cast(part, casting_context) for spec, part in zip(flat, parts, strict=True)
            ]
        except (AttributeError, ValueError) as error:
            raise TypeError(f"Can not cast {value!r} to {self!r}") from error
        if all(one is part for one, part in zip(cast, parts, strict=True)):
            return value
        return self._from_compatible_tensor_list(cast)

    _message_kind = "spec"

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Return the class of messages that describe such specs."""
        return message_form(cls._message_kind).message

    def experimental_as_proto(self) -> Any:
        """Return a message that describes this spec.

        Raises:
            UnimplementedError: specs of this class have no form in messages.
        """
        return message_form(self._message_kind).write(self)

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> Any:
        """Make the spec that a message describes."""
        return message_form(cls._message_kind).read(proto)

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return nest.flatten(self._component_specs, expand_composites=True)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return nest.flatten(self._to_components(value), expand_composites=True)

    def _from_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        specs = self._flat_tensor_specs
        if len(specs) != len(tensor_list):
            raise ValueError(f"{self} is made of {len(specs)} tensors, got {len(tensor_list)}")
        for spec, tensor in zip(specs, tensor_list, strict=True):
            if not spec.is_compatible_with(tensor):
                raise ValueError(f"a component of {self} must be {spec}, got {tensor!r}")
        return self._from_compatible_tensor_list(tensor_list)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        packed = nest.pack_sequence_as(
            self._component_specs, list(tensor_list), expand_composites=True
        )
        return self._from_components(packed)

    def _without_tensor_names(self) -> Any:
        return _rename(self)

    def _with_tensor_ranks_only(self) -> Any:
        """Return this spec with every size forgotten; ranks stay."""
        return self._deserialize(spec_facts.map_facts(_forget_sizes, self._serialize()))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        try:
            return self._cached_key
        except AttributeError:
            self._cached_key = (type(self), spec_facts.hashable(self._serialize()))
            return self._cached_key

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"

    def __reduce__(self) -> Any:
        return type(self)._deserialize, (self._serialize(),)


class BatchableTypeSpec(TypeSpec):
    """A spec of values that can be stacked and unstacked, as datasets do."""

    __slots__ = ()

    @abstractmethod
    def _batch(self, batch_size: int | None) -> Any:
        """Return the spec of `batch_size` stacked values."""

    @abstractmethod
    def _unbatch(self) -> Any:
        """Return the spec of one of the stacked values."""

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return self._to_tensor_list(value)


class DenseSpec(TypeSpec):
    """Shape, dtype and perhaps a name."""

    __slots__ = ("_dtype", "_name", "_shape")

    _is_leaf_in_nests = True

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """Name of the value, or `None`."""
        return self._name

    @property
    def _component_specs(self) -> Any:
        return self

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tell whether the other, a dense spec or a value of `value_type`, can be the same."""
        return (
            isinstance(spec_or_value, (DenseSpec, self.value_type))
            and self._dtype.is_compatible_with(spec_or_value.dtype)
            and self._shape.is_compatible_with(spec_or_value.shape)
        )

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._name

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(self) is type(other)
            and self._shape == other._shape
            and self._dtype is other._dtype
            and self._name == other._name
        )

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, "
            f"name={self._name!r})"
        )


@type_spec_registry.register("tf.TensorSpec")
class TensorSpec(DenseSpec, BatchableTypeSpec):
    """Shape, dtype and name of a tensor.

    Example:
        >>> TensorSpec([2, None], "int32")
        TensorSpec(shape=(2, None), dtype=tf.int32, name=None)

    Source: `tf.TensorSpec`.
    """

    __slots__ = ()

    # The class of tensors lives in a higher room, which puts it here (`register_tensor_class`).
    _tensor_class: ClassVar[Any] = ()

    @property
    def value_type(self) -> Any:
        """Class of tensors."""
        return TensorSpec._tensor_class

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> Any:
        """Make a spec of the shape and dtype of another, under its name or the given one."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """Make the spec of a tensor; symbolic tensors lend it their op's name.

        Raises:
            ValueError: `tensor` is not a tensor.
        """
        if not isinstance(tensor, TensorSpec._tensor_class):
            raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                f"`tensor` should be a tf.Tensor, but got type {type(tensor)}."
            )
        if name is None and getattr(tensor, "graph", None) is not None:
            name = tensor.op.name
        return TensorSpec(tensor.shape, tensor.dtype, name)

    def is_subtype_of(self, other: Any) -> bool:
        """Tell whether every tensor that fits this spec also fits `other`."""
        return (
            isinstance(other, TensorSpec)
            and (not self._name or self._name == other._name)
            and self._shape.is_subtype_of(other._shape)
            and self._dtype is other._dtype
        )

    def _to_components(self, value: Any) -> Any:
        return value

    def _from_components(self, components: Any) -> Any:
        return components

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [self]

    _message_kind = "tensor"

    def to_tensors(self, value: Any) -> list[Any]:
        """Return the value, as the one tensor that it is.

        Raises:
            TypeError: it does not fit this spec.
        """
        return [self.cast(value, None)]

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Return a symbolic tensor in the graph that is being built.

        Raises:
            RuntimeError: there is no such graph.
        """
        return _tensor_makers["placeholder"](self, placeholder_context)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Return `value` as a tensor of this spec.

        Raises:
            TypeError: it has another shape or dtype, or cannot become a tensor.
        """
        if getattr(casting_context, "allow_specs", False) and isinstance(value, TypeSpec):
            if not value.is_subtype_of(self):
                raise TypeError(f"Can not cast {value!r} to {self!r}")
            return self
        if not isinstance(value, TensorSpec._tensor_class):
            try:
                value = _tensor_makers["convert"](value, self._dtype)
            except ValueError as error:
                raise TypeError(f"Can not cast {value!r} to {self!r}") from error
        if not self.is_compatible_with(value):
            raise TypeError(
                f"Can not cast {TensorSpec(value.shape, value.dtype)!r} to {self!r}"
            )
        return value

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return [value]

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        (tensor,) = tensor_list
        # What is known here may be more than what the tensor knows.
        tensor.set_shape(self._shape)
        return tensor

    def _batch(self, batch_size: int | None) -> TensorSpec:
        return TensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> TensorSpec:
        if self._shape.rank == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return TensorSpec(self._shape[1:], self._dtype)

    def _without_tensor_names(self) -> TensorSpec:
        return self if self._name is None else TensorSpec(self._shape, self._dtype)


@type_spec_registry.register("tf.BoundedTensorSpec")
class BoundedTensorSpec(TensorSpec):
    """A `TensorSpec` with the least and greatest value of the elements."""

    __slots__ = ("_maximum", "_minimum")

    _message_kind = "bounded"

    def __init__(
        self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None
    ) -> None:
        super().__init__(shape, dtype, name)
        self._minimum = self._bound("minimum", minimum)
        self._maximum = self._bound("maximum", maximum)

    def _bound(self, word: str, value: Any) -> np.ndarray[Any, Any]:
        if value is None:
            raise ValueError(f"`{word}` can not be None.")
        array = np.array(value, dtype=self.dtype.np)
        try:
            broadcast_static_shape(array.shape, self.shape)
        except ValueError:
            raise ValueError(
                f"`{word}` {value} is not compatible with shape {self.shape}."
            ) from None
        array.setflags(write=False)
        return array

    @property
    def minimum(self) -> np.ndarray[Any, Any]:
        """Least value of the elements, an array that cannot be written to."""
        return self._minimum

    @property
    def maximum(self) -> np.ndarray[Any, Any]:
        """Greatest value of the elements, an array that cannot be written to."""
        return self._maximum

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> Any:
        """Make a spec like another; its bounds, or else those of its dtype, are taken over."""
        dtype = as_dtype(spec.dtype)
        return cls(
            spec.shape,
            dtype,
            getattr(spec, "minimum", dtype.min),
            getattr(spec, "maximum", dtype.max),
            name or spec.name,
        )

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._minimum, self._maximum, self._name

    def __eq__(self, other: object) -> bool:
        return TypeSpec.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(
            (self._shape, self._dtype, self._minimum.tobytes(), self._maximum.tobytes())
        )

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r}, "
            f"minimum={self._minimum!r}, maximum={self._maximum!r})"
        )


_Converter = Callable[[Any], Any]
# Classes and how to make a spec of their instances; the latest registered is asked first.
_CONVERTERS: list[tuple[Any, _Converter]] = []
# Asked last: turns array-like values into tensors. Set by the room that has tensors.
_FALLBACKS: list[_Converter] = []


# How values become tensors, and specs placeholders. Set by the rooms that have them.
_tensor_makers: dict[str, Callable[..., Any]] = {}


def use_tensors(convert: Callable[..., Any], placeholder: Callable[..., Any]) -> None:
    """Say how a value becomes a tensor of a dtype, and a spec a placeholder.

    Args:
        convert: takes a value and a dtype.
        placeholder: takes a `TensorSpec` and the context of a trace.
    """
    _tensor_makers.update(convert=convert, placeholder=placeholder)


def register_tensor_class(cls: type) -> None:
    """Say which class tensors have: the values described by a `TensorSpec`."""
    TensorSpec._tensor_class = cls
    register_type_spec_from_value_converter(cls, TensorSpec.from_tensor)


def register_type_spec_from_value_converter(
    type_object: Any, converter_fn: _Converter, allow_subclass: bool = True
) -> None:
    """Teach `type_spec_from_value` a class.

    Args:
        type_object: the class.
        converter_fn: makes the spec of an instance.
        allow_subclass: instances of subclasses are meant too.
    """
    if allow_subclass:
        _CONVERTERS.insert(0, (type_object, converter_fn))
    else:
        _CONVERTERS.insert(
            0,
            (
                type_object,
                lambda value: converter_fn(value) if type(value) is type_object else None,
            ),
        )


def register_type_spec_fallback(converter_fn: _Converter) -> None:
    """Teach `type_spec_from_value` what to do with values of no registered class.

    Args:
        converter_fn: returns a spec, or `None` for a value that it does not know.
    """
    _FALLBACKS.append(converter_fn)


def type_spec_from_value(value: Any, use_fallback: bool = True) -> Any:
    """Return the spec of a value.

    Args:
        value: a tensor, a composite tensor, an instance of a registered class, or an array.
        use_fallback: also take what can be converted to a tensor.

    Raises:
        TypeError: nothing is known about values of that class.
    """
    if isinstance(value, CompositeTensor):
        return value._type_spec
    for cls, converter in _CONVERTERS:
        if isinstance(value, cls):
            spec = converter(value)
            if spec is not None:
                return spec
    if use_fallback:
        if isinstance(value, (np.ndarray, np.generic)):
            return TensorSpec(TensorShape.of(value.shape), dtype_of_numpy(value.dtype))
        for converter in _FALLBACKS:
            spec = converter(value)
            if spec is not None:
                return spec
    raise TypeError(
        f"Could not build a TypeSpec for {value} of unsupported type {type(value)}."
    )


for _kind in (TypeSpec, TensorShape, DType):
    TraceType.register(_kind)


def _forget_sizes(fact: Any) -> Any:
    if isinstance(fact, TypeSpec):
        return fact._with_tensor_ranks_only()
    if isinstance(fact, TensorShape) and fact.rank is not None:
        return TensorShape.of((None,) * fact.rank)
    return fact


def _rename(spec: TypeSpec) -> Any:
    def without_name(fact: Any) -> Any:
        return fact._without_tensor_names() if isinstance(fact, TypeSpec) else fact

    return spec._deserialize(spec_facts.map_facts(without_name, spec._serialize()))
