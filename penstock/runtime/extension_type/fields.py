"""The fields of extension types: their annotations, and values made to fit them."""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from collections.abc import Sequence
from typing import Any, Final, ForwardRef, NamedTuple

from penstock.core import dtypes
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.immutable_dict import ImmutableDict
from penstock.core.tensor_shape import TensorShape, as_shape
from penstock.core.type_spec import TypeSpec
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import Tensor

RESERVED_NAMES: Final = frozenset(
    {
        "self", "Spec", "_type_spec", "_shape_invariant_to_type_spec", "_consumers",
        "value_type", "is_compatible_with", "most_specific_compatible_type",
        "_with_tensor_ranks_only", "_to_components", "_from_components", "_component_specs",
        "_to_tensor_list", "_from_tensor_list", "_from_compatible_tensor_list",
        "_flat_tensor_specs", "_serialize", "_deserialize", "_to_legacy_output_types",
        "_to_legacy_output_shapes", "_to_legacy_output_classes", "_keras_mask",
    }
)  # fmt: skip
_PLAIN: Final = (int, float, str, bytes, bool, type(None))


class Role(enum.Enum):
    """What a value is converted for."""

    VALUE = "a field of a value"
    SPEC = "a field of a spec"
    DEFAULT = "the default of a field"


class NoDefault:
    """Stands where a field has no default."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = NoDefault()


class Field(NamedTuple):
    """A field of an extension type.

    Args:
        name: its name.
        value_type: its annotation.
        default: value that it takes when none is given, or `NO_DEFAULT`.
    """

    name: str
    value_type: Any
    default: Any = NO_DEFAULT


def make_field(name: str, value_type: Any, default: Any = NO_DEFAULT) -> Field:
    """Make a field, with its annotation checked and its default converted.

    Raises:
        TypeError: the annotation is of no kind that fields can have, or the default does not
            fit it.
    """
    try:
        check_annotation(value_type)
    except TypeError as error:
        raise TypeError(f"In field {name!r}: {error}") from error
    if default is not NO_DEFAULT:
        default = _convert(default, value_type, f"default value for {name}", Role.DEFAULT)
    return Field(name, value_type, default)


def is_reserved(name: str) -> bool:
    """Whether a field may not have this name."""
    return name in RESERVED_NAMES or name.lower().startswith("_tf_extension_type")


def check_annotation(annotation: Any, *, in_key: bool = False) -> None:
    """Check that an annotation is one that fields can have; names of classes to come are.

    Args:
        annotation: the annotation.
        in_key: whether it belongs to the keys of a mapping.

    Raises:
        TypeError: it is not.
    """
    if isinstance(annotation, (str, ForwardRef)) or annotation is None:
        return
    if annotation in (*_PLAIN, DType):
        return
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is None and _is_tensor_like(annotation):
        if in_key:
            raise TypeError(
                f"Mapping had a key {annotation.__name__!r} with type "
                f"{type(annotation).__name__!r}"
            )
    elif origin is tuple or _is_union(origin):
        for argument in arguments:
            if argument is not Ellipsis:
                check_annotation(argument, in_key=in_key)
    elif origin is collections.abc.Mapping:
        check_annotation(arguments[0], in_key=True)
        check_annotation(arguments[1], in_key=in_key)
    else:
        plain = isinstance(annotation, type) and origin is None
        shown = annotation.__name__ if plain else annotation
        raise TypeError(f"Unsupported type annotation {shown!r}")


def _is_tensor_like(annotation: Any) -> bool:
    return annotation in (Tensor, TensorShape) or (
        isinstance(annotation, type) and issubclass(annotation, CompositeTensor)
    )


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or origin is types.UnionType


def convert_fields(fields: Sequence[Field], values: dict[str, Any], role: Role) -> None:
    """Check the values of fields, and convert them in place.

    Args:
        fields: the fields.
        values: a value for each field.
        role: whether these are the fields of a value or of a spec.

    Raises:
        ValueError: there is a value too many, or one is missing.
        TypeError: a value does not fit the annotation of its field.
    """
    names = {field.name for field in fields}
    if extra := values.keys() - names:
        raise ValueError(f"Got unexpected fields: {extra}")
    if missing := names - values.keys():
        raise ValueError(f"Missing required fields: {missing}")
    values.update(
        {
            field.name: _convert(values[field.name], field.value_type, field.name, role)
            for field in fields
        }
    )


def _convert(value: Any, annotation: Any, path: str, role: Role) -> Any:
    if annotation is Tensor:
        return _convert_tensor(value, path, role)
    if annotation is None or annotation in _PLAIN:
        wanted = type(None) if annotation is None else annotation
        return _checked(value, wanted, path)
    if annotation is TensorShape or annotation is DType:
        return _convert_fact(value, annotation, path)
    origin = typing.get_origin(annotation)
    if origin is tuple:
        return _convert_tuple(value, typing.get_args(annotation), path, role)
    if origin is collections.abc.Mapping:
        return _convert_mapping(value, typing.get_args(annotation), path, role)
    if _is_union(origin):
        return _convert_union(value, annotation, path, role)
    if isinstance(annotation, type) and issubclass(annotation, CompositeTensor):
        return _convert_composite(value, annotation, path, role)
    raise TypeError(f"{path}: Unsupported type annotation {annotation!r}")


def _checked(value: Any, wanted: type, path: str) -> Any:
    if not isinstance(value, wanted):
        raise TypeError(f"{path}: expected {wanted.__name__!r}, got {_kind(value)!r}")
    return value


def _kind(value: Any) -> str:
    return type(value).__name__


def _convert_fact(value: Any, annotation: Any, path: str) -> Any:
    convert: Any = as_shape if annotation is TensorShape else dtypes.as_dtype
    try:
        return convert(value)
    except TypeError as error:
        raise TypeError(
            f"{path}: expected 'tf.{annotation.__name__}', got {_kind(value)!r}"
        ) from error


def _convert_tensor(value: Any, path: str, role: Role) -> Any:
    if role is Role.SPEC:
        if not (isinstance(value, TypeSpec) and value.value_type is Tensor):
            raise TypeError(f"{path}: expected a TensorSpec, got {_kind(value)!r}")
        return value
    # A default is converted when a value is made: where that is decides the graph.
    if isinstance(value, Tensor) or role is Role.DEFAULT:
        return value
    try:
        return convert_to_tensor(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{path}: expected a Tensor, got {_kind(value)!r}") from error


def _convert_composite(value: Any, annotation: type, path: str, role: Role) -> Any:
    if role is Role.SPEC:
        fits = isinstance(value, TypeSpec) and issubclass(value.value_type, annotation)
        if not fits:
            raise TypeError(
                f"{path}: expected a TypeSpec for {annotation.__name__!r}, got {_kind(value)!r}"
            )
        return value
    return _checked(value, annotation, path)


def _convert_tuple(value: Any, arguments: tuple[Any, ...], path: str, role: Role) -> Any:
    if not isinstance(value, Sequence):
        raise TypeError(f"{path}: expected tuple, got {_kind(value)!r}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    elif len(value) != len(arguments):
        raise TypeError(
            f"{path}: expected tuple with length {len(arguments)}, got {_kind(value)!r})"
        )
    return tuple(
        _convert(item, argument, f"{path}[{i}]", role)
        for i, (item, argument) in enumerate(zip(value, arguments, strict=True))
    )


def _convert_mapping(value: Any, arguments: tuple[Any, ...], path: str, role: Role) -> Any:
    if not isinstance(value, collections.abc.Mapping):
        raise TypeError(f"{path}: expected mapping, got {_kind(value)!r}")
    of_keys, of_values = arguments
    return ImmutableDict(
        [
            (
                _convert(key, of_keys, f"{path}[<key>]", role),
                _convert(item, of_values, f"{path}[{key!r}]", role),
            )
            for key, item in value.items()
        ]
    )


def _convert_union(value: Any, annotation: Any, path: str, role: Role) -> Any:
    for option in typing.get_args(annotation):
        try:
            return _convert(value, option, path, role)
        except TypeError:
            continue
    raise TypeError(f"{path}: expected {annotation!r}, got {_kind(value)!r}")
