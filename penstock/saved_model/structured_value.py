"""Nests of specs and plain values to and from `StructuredValue` messages."""

from __future__ import annotations

import warnings
from collections import namedtuple
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from penstock.core import type_spec_registry
from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import BoundedTensorSpec, TensorSpec, TypeSpec
from penstock.runtime.extension_type import AnonymousExtensionTypeSpec, ExtensionTypeSpec
from penstock.runtime.tensor import EagerTensor
from penstock.wire import protos
from penstock.wire.tensors import (
    array_to_proto,
    make_dtype,
    make_ndarray,
    make_shape,
    make_shape_proto,
)

# TensorFlow's names of the specs that have a number in TypeSpecProto.TypeSpecClass.
_CLASS_NUMBERS: Final = {
    "SparseTensorSpec": "SPARSE_TENSOR_SPEC",
    "IndexedSlicesSpec": "INDEXED_SLICES_SPEC",
    "RaggedTensorSpec": "RAGGED_TENSOR_SPEC",
    "TensorArraySpec": "TENSOR_ARRAY_SPEC",
    "DatasetSpec": "DATA_DATASET_SPEC",
    "IteratorSpec": "DATA_ITERATOR_SPEC",
    "OptionalSpec": "OPTIONAL_SPEC",
    "PerReplicaSpec": "PER_REPLICA_SPEC",
    "VariableSpec": "VARIABLE_SPEC",
    "RowPartitionSpec": "ROW_PARTITION_SPEC",
}
_CLASS_NAMES: Final = {number: name for name, number in _CLASS_NUMBERS.items()}


def encode(value: Any) -> Any:
    """Write a nest of specs, shapes, dtypes, numbers, text and None.

    Raises:
        UnimplementedError: something in it has no form in the message.
    """
    message = protos.StructuredValue()
    _encode_into(message, value)
    return message


def can_encode(value: Any) -> bool:
    """Whether `encode` takes the value."""
    try:
        encode(value)
    except (UnimplementedError, TypeError, ValueError):
        return False
    return True


def _encode_into(message: Any, value: Any) -> None:
    if value is None:
        message.none_value.SetInParent()
    elif isinstance(value, (bool, np.bool_)):
        message.bool_value = bool(value)
    elif isinstance(value, int):
        message.int64_value = value
    elif isinstance(value, float):
        message.float64_value = value
    elif isinstance(value, (str, bytes)):
        message.string_value = value if isinstance(value, str) else value.decode()
    elif isinstance(value, TensorShape):
        message.tensor_shape_value.CopyFrom(make_shape_proto(value))
    elif isinstance(value, DType):
        message.tensor_dtype_value = value.as_datatype_enum
    elif isinstance(value, (EagerTensor, np.ndarray, np.generic)):
        _encode_array(message, value)
    elif isinstance(value, TypeSpec):
        _encode_spec(message, value)
    else:
        _encode_nest(message, value)


def _encode_array(message: Any, value: Any) -> None:
    if isinstance(value, EagerTensor):
        message.tensor_value.CopyFrom(array_to_proto(np.asarray(value.numpy()), value.dtype))
    else:
        message.numpy_value.CopyFrom(array_to_proto(np.asarray(value)))


def _encode_spec(message: Any, spec: TypeSpec) -> None:
    if isinstance(spec, BoundedTensorSpec):
        target = message.bounded_tensor_spec_value
        target.minimum.CopyFrom(array_to_proto(spec.minimum, spec.dtype))
        target.maximum.CopyFrom(array_to_proto(spec.maximum, spec.dtype))
        _encode_tensor_spec(target, spec)
    elif isinstance(spec, TensorSpec):
        _encode_tensor_spec(message.tensor_spec_value, spec)
    else:
        target = message.type_spec_value
        number, name = _class_of(spec)
        target.type_spec_class = protos.TypeSpecProto.TypeSpecClass.Value(number)
        target.type_spec_class_name = name
        target.num_flat_components = len(spec._flat_tensor_specs)
        _encode_into(target.type_state, spec._serialize())


def _class_of(spec: TypeSpec) -> tuple[str, str]:
    """Number, by its name, and name of the class of a spec, as a file tells them."""
    name = type(spec).__name__
    if name in _CLASS_NUMBERS:
        return _CLASS_NUMBERS[name], name
    try:
        registered = type_spec_registry.get_name(type(spec))
    except ValueError:
        advice = ""
        if isinstance(spec, ExtensionTypeSpec):
            advice = "; give the class of its values a __name__"
        raise UnimplementedError(f"a {name} cannot be written to a file{advice}") from None
    if isinstance(spec, ExtensionTypeSpec):
        return "EXTENSION_TYPE_SPEC", registered
    return "REGISTERED_TYPE_SPEC", registered


def _encode_tensor_spec(target: Any, spec: TensorSpec) -> None:
    target.name = spec.name or ""
    target.shape.CopyFrom(make_shape_proto(spec.shape))
    target.dtype = spec.dtype.as_datatype_enum


def _encode_nest(message: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        message.dict_value.SetInParent()
        for key, item in value.items():
            if not isinstance(key, str):
                raise UnimplementedError(f"the keys of a saved dict must be text, got {key!r}")
            _encode_into(message.dict_value.fields[key], item)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        message.named_tuple_value.name = type(value).__name__
        for key, item in zip(value._fields, value, strict=True):
            pair = message.named_tuple_value.values.add(key=key)
            _encode_into(pair.value, item)
    elif isinstance(value, tuple):
        message.tuple_value.SetInParent()
        for item in value:
            _encode_into(message.tuple_value.values.add(), item)
    elif isinstance(value, list):
        message.list_value.SetInParent()
        for item in value:
            _encode_into(message.list_value.values.add(), item)
    else:
        raise UnimplementedError(
            f"a {type(value).__name__} cannot be written to a file: {value!r}"
        )


def decode(message: Any) -> Any:
    """Read a nest.

    Raises:
        DataLossError: the message is empty.
        UnimplementedError: it holds a spec of an unknown class.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise DataLossError("a structured value must be of some kind, got an empty one")
    value = getattr(message, kind)
    reader = _READERS.get(kind)
    return value if reader is None else reader(value)


def _decode_tensor_spec(message: Any) -> TensorSpec:
    dtype = make_dtype(message.dtype, "tensor spec")
    return TensorSpec(make_shape(message.shape), dtype, message.name or None)


def _decode_bounded(message: Any) -> TensorSpec:
    return BoundedTensorSpec(
        make_shape(message.shape),
        make_dtype(message.dtype, "tensor spec"),
        make_ndarray(message.minimum),
        make_ndarray(message.maximum),
        message.name or None,
    )


def _decode_type_spec(message: Any) -> TypeSpec:
    number = protos.TypeSpecProto.TypeSpecClass.Name(message.type_spec_class)
    if number in ("EXTENSION_TYPE_SPEC", "REGISTERED_TYPE_SPEC"):
        return _decode_registered(message, is_extension=number == "EXTENSION_TYPE_SPEC")
    name = _CLASS_NAMES.get(number, message.type_spec_class_name)
    found = next((cls for cls in _subclasses(TypeSpec) if cls.__name__ == name), None)
    if found is None:
        raise UnimplementedError(
            f"values of spec {name or number!r} are not implemented, and a saved function uses "
            "them"
        )
    spec: TypeSpec = found._deserialize(decode(message.type_state))
    return spec


def _decode_registered(message: Any, *, is_extension: bool) -> TypeSpec:
    name = message.type_spec_class_name
    try:
        found: Any = type_spec_registry.lookup(name)
    except ValueError:
        if not is_extension:
            raise UnimplementedError(
                f"no spec is registered as {name!r}, and a saved function uses it"
            ) from None
        warnings.warn(
            f"The type '{name}' has not been registered. Falling back to using "
            "AnonymousExtensionTypeSpec instead.",
            stacklevel=2,
        )
        found = AnonymousExtensionTypeSpec
    spec: TypeSpec = found._deserialize(decode(message.type_state))
    return spec


def _subclasses(cls: type) -> Iterator[Any]:
    children: list[Any] = cls.__subclasses__()
    for child in children:
        yield child
        yield from _subclasses(child)


def _decode_named_tuple(message: Any) -> Any:
    fields = [pair.key for pair in message.values]
    cls = namedtuple(message.name, fields)  # type: ignore[misc]
    return cls(*(decode(pair.value) for pair in message.values))


_READERS: Final[dict[str, Any]] = {
    "none_value": lambda _: None,
    "tensor_shape_value": make_shape,
    "tensor_dtype_value": make_dtype,
    "tensor_spec_value": _decode_tensor_spec,
    "bounded_tensor_spec_value": _decode_bounded,
    "type_spec_value": _decode_type_spec,
    "list_value": lambda message: [decode(item) for item in message.values],
    "tuple_value": lambda message: tuple(decode(item) for item in message.values),
    "dict_value": lambda message: {k: decode(v) for k, v in message.fields.items()},
    "named_tuple_value": _decode_named_tuple,
    "tensor_value": lambda message: EagerTensor(make_ndarray(message)),
    "numpy_value": make_ndarray,
}
