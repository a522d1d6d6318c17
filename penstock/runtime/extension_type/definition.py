"""The base classes of extension types, and what becomes of classes derived from them."""

from __future__ import annotations

import abc
import functools
import inspect
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from penstock.core import nest, type_spec_registry
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.dtypes import DType
from penstock.core.immutable_dict import ImmutableDict
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TypeSpec
from penstock.runtime.dispatch import call
from penstock.runtime.extension_type.fields import (
    NO_DEFAULT,
    Field,
    Role,
    convert_fields,
    is_reserved,
    make_field,
)
from penstock.runtime.extension_type.spec import (
    IN_CONSTRUCTOR,
    BatchableExtensionTypeSpec,
    ExtensionTypeSpec,
    refuse_change,
    with_fields,
    with_mappings,
)
from penstock.runtime.tensor import Tensor

# Keras hangs its mask on values.
_MUTABLE = ("_keras_mask",)
_UNTOUCHED = "_tf_extension_type_do_not_transform_this_class"
_FIELDS = "_tf_extension_type_cached_fields"
_SPEC = "_tf_extension_type_cached_type_spec"


class ExtensionTypeMetaclass(abc.ABCMeta):
    """Gives a derived class its constructor and its `Spec`."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        if _UNTOUCHED not in namespace:
            _check_body(cls)
            if "__init__" in cls.__dict__:
                _wrap_constructor(cls)
            else:
                _add_constructor(cls, _fields_of(cls))
            _add_spec(cls)
        super().__init__(name, bases, namespace)


class ExtensionType(CompositeTensor, metaclass=ExtensionTypeMetaclass):
    """A base for classes whose objects are made of tensors and used as tensors are.

    The annotations of a derived class are its fields: numbers, text, `None`, `tf.Tensor`,
    `tf.TensorShape`, `tf.DType`, composites such as `tf.RaggedTensor`, other extension types,
    and tuples, mappings and unions of those. The objects cannot be changed. They can be
    arguments and results of `tf.function`, branches, loops and datasets, and public functions
    can be taught them (`tf.experimental.dispatch_for_api`).

    Example:
        >>> class Masked(ExtensionType):
        ...     values: Tensor
        ...     mask: Tensor
        >>> Masked([1, 2], [True, False]).values.shape
        TensorShape([2])

    Source: `tf.experimental.ExtensionType`.
    """

    _tf_extension_type_do_not_transform_this_class = True

    if TYPE_CHECKING:  # made for each derived class
        Spec: ClassVar[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if type(self) is ExtensionType:
            raise AssertionError(
                "Cannot create an instance of ExtensionType because ExtensionType is an "
                "abstract base class."
            )

    @classmethod
    def _tf_extension_type_fields(cls) -> Sequence[Field]:
        # Not inherited: a subclass may have more fields.
        if _FIELDS in cls.__dict__:
            known: Sequence[Field] = cls.__dict__[_FIELDS]
            return known
        resolved = True
        try:
            hints = typing.get_type_hints(cls)
        except (NameError, AttributeError):
            # An annotation names a class that does not exist yet.
            resolved = False
            hints = {}
            for base in reversed(cls.__mro__):
                hints.update(inspect.get_annotations(base))
        fields = tuple(
            make_field(name, kind, getattr(cls, name, NO_DEFAULT))
            for name, kind in hints.items()
        )
        if resolved:
            setattr(cls, _FIELDS, fields)
        return fields

    def _tf_extension_type_convert_fields(self) -> None:
        convert_fields(self._tf_extension_type_fields(), self.__dict__, Role.VALUE)

    def __validate__(self) -> None:
        """Check the fields once all of them have their values; subclasses may say how."""

    @property
    def _type_spec(self) -> Any:
        spec = self.__dict__.get(_SPEC)
        if spec is None:
            spec = self.__dict__[_SPEC] = self.Spec.from_value(self)
        return spec

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _MUTABLE:
            refuse_change(self, name, "ExtensionType")
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in _MUTABLE:
            refuse_change(self, name, "ExtensionType")
        del self.__dict__[name]

    def __eq__(self, other: object) -> Any:
        if type(self) is not type(other):
            return False
        theirs = other._type_spec
        if self._type_spec != theirs:
            return False
        pairs = zip(
            nest.flatten(self, expand_composites=True),
            nest.flatten(other, expand_composites=True),
            strict=True,
        )
        checks = [_equal(mine, their) for mine, their in pairs]
        if not checks:
            return call("All", call("Pack", [True], axis=0), [0])
        return call("All", call("Pack", checks, axis=0), [0])

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return call("LogicalNot", equal) if isinstance(equal, Tensor) else not equal

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in self._tf_extension_type_fields()
        )
        return f"{type(self).__qualname__}({fields})"


def _equal(mine: Any, their: Any) -> Any:
    if not mine.shape.is_fully_defined() or not their.shape.is_fully_defined():
        shapes = call("Shape", mine), call("Shape", their)
        same = call("All", call("Equal", *shapes, incompatible_shape_error=False), [0])
        alike = call("Equal", mine, their, incompatible_shape_error=False)
        every = call("All", call("Reshape", alike, [-1]), [0])
        return call("LogicalAnd", same, every)
    axes = list(range(mine.shape.rank or 0))
    return call("All", call("Equal", mine, their), axes)


class BatchableExtensionType(ExtensionType):
    """An extension type whose values can be stacked and taken apart, as datasets do.

    By default every tensor, composite and shape in it gains or loses its first axis; a class
    that needs another way gives a `__batch_encoder__`.

    Source: `tf.experimental.BatchableExtensionType`.
    """

    _tf_extension_type_do_not_transform_this_class = True


def as_dict(value: ExtensionType) -> dict[str, Any]:
    """Return the fields of an extension type by name; nested ones stay as they are."""
    return {
        field.name: getattr(value, field.name) for field in value._tf_extension_type_fields()
    }


def reinterpret(value: Any, new_type: Any) -> Any:
    """Make a value of another extension type of the same fields.

    Raises:
        ValueError: the value or the type is no extension type.
        TypeError: a field does not fit the new type.
    """
    if not isinstance(value, ExtensionType):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            f"reinterpret expects `value` to be a tf.ExtensionType instance; got {value!r}"
        )
    if not (isinstance(new_type, type) and issubclass(new_type, ExtensionType)):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            "reinterpret expects `new_type` to be a subclass of tf.ExtensionType; got "
            f"{new_type!r}"
        )
    made = with_fields(
        new_type, {name: item for name, item in value.__dict__.items() if not is_reserved(name)}
    )
    made._tf_extension_type_convert_fields()
    made.__validate__()
    return made


def _fields_of(cls: Any) -> Sequence[Field]:
    fields: Sequence[Field] = cls._tf_extension_type_fields()
    return fields


def _check_body(cls: Any) -> None:
    """Check what the body of a derived class holds."""
    annotations = inspect.get_annotations(cls)
    for name, value in cls.__dict__.items():
        if name == "Spec":
            _check_own_spec(cls, value)
        elif is_reserved(name):
            raise ValueError(_invalid(cls, f"Field {name!r} is reserved."))
        elif name not in annotations and not _belongs_to_class(name, value):
            raise ValueError(_invalid(cls, f"Field {name} is missing a type annotation."))
    for name in annotations:
        if is_reserved(name):
            raise ValueError(_invalid(cls, f"Field {name!r} is reserved."))


def _invalid(cls: type, why: str) -> str:
    return f"The field annotations for {cls.__name__} are invalid. {why}"


def _belongs_to_class(name: str, value: Any) -> bool:
    return (
        callable(value)
        or name.startswith("_abc_")
        or (name.startswith("__") and name.endswith("__"))
        or isinstance(value, (property, classmethod, staticmethod))
    )


def _check_own_spec(cls: type, spec: Any) -> None:
    if not isinstance(spec, type):
        raise ValueError(  # noqa: TRY004  (TensorFlow's class)
            f"{cls.__qualname__}.Spec must be a nested class; got {spec}."
        )
    if spec.__bases__ not in ((TypeSpec,), (object,)):
        raise ValueError(
            f"{cls.__qualname__}.Spec must be directly subclassed from tf.TypeSpec."
        )


def _finish(made: Any) -> None:
    made._tf_extension_type_convert_fields()
    made.__validate__()


def _wrap_constructor(cls: Any) -> None:
    """Let fields be set while the constructor runs, and check them after it."""
    own = cls.__init__

    @functools.wraps(own)
    def construct(self: Any, *args: Any, **kwargs: Any) -> None:
        if IN_CONSTRUCTOR in self.__dict__:
            # Called by the constructor of a subclass, which is not done yet.
            own(self, *args, **kwargs)
            return
        self.__dict__[IN_CONSTRUCTOR] = True
        try:
            own(self, *args, **kwargs)
        finally:
            del self.__dict__[IN_CONSTRUCTOR]
        _finish(self)

    cls.__init__ = construct


def _add_constructor(cls: Any, fields: Sequence[Field], *, with_defaults: bool = True) -> None:
    """Give a class a constructor that takes its fields."""
    parameters = []
    optional = by_name = False
    for field in fields:
        default = field.default if with_defaults else NO_DEFAULT
        # What has no default cannot follow by position on what has one.
        by_name = by_name or (optional and default is NO_DEFAULT)
        optional = optional or default is not NO_DEFAULT
        parameters.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY
                if by_name
                else inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if default is NO_DEFAULT else default,
                annotation=field.value_type,
            )
        )
    signature = inspect.Signature(parameters, return_annotation=cls.__name__)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        if IN_CONSTRUCTOR not in self.__dict__:
            _finish(self)

    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    shown = inspect.Signature([me, *parameters], return_annotation=cls)
    __init__.__signature__ = shown  # type: ignore[attr-defined]
    cls.__init__ = __init__


def _add_spec(cls: Any) -> None:
    """Give a class of values the class of its specs."""
    qualname = f"{cls.__qualname__}.Spec"
    body: dict[str, Any] = {"value_type": cls, "__module__": cls.__module__}
    own = cls.__dict__.get("Spec")
    names = {field.name for field in cls._tf_extension_type_fields()}
    for name, value in vars(own).items() if own is not None else ():
        if is_reserved(name):
            raise ValueError(f"TypeSpec {qualname} uses reserved name '{name}'.")
        if name in names:
            raise ValueError(
                f"TypeSpec {qualname} defines a variable '{name}' which shadows a field in "
                f"{cls.__qualname__}"
            )
        if name not in ("__module__", "__dict__", "__weakref__"):
            body[name] = value
    base: type = ExtensionTypeSpec
    if issubclass(cls, BatchableExtensionType):
        base = BatchableExtensionTypeSpec
        if hasattr(cls, "__batch_encoder__"):
            body.setdefault("__batch_encoder__", cls.__batch_encoder__)
    elif hasattr(cls, "__batch_encoder__") or "__batch_encoder__" in body:
        raise ValueError(
            "__batch_encoder__ should only be defined for BatchableExtensionType classes."
        )
    spec: Any = type(base)(f"{cls.__name__}.Spec", (base,), body)
    spec.__qualname__ = qualname
    cls.Spec = spec
    if "__init__" in spec.__dict__:
        _wrap_constructor(spec)
    else:
        _add_constructor(spec, cls._tf_extension_type_fields(), with_defaults=False)
    if "__name__" in cls.__dict__:
        type_spec_registry.register(f"{cls.__dict__['__name__']}.Spec")(spec)


class AnonymousExtensionType(ExtensionType):
    """A value of an extension type whose class is not at hand, with whatever fields it has.

    Files that were saved with a type that the reading program does not know give such values;
    `reinterpret` makes values of the type of them.
    """

    _tf_extension_type_do_not_transform_this_class = True

    def __init__(self, **fields: Any) -> None:
        _check_names(fields, "AnonymousExtensionType")
        self.__dict__.update(fields)
        self._tf_extension_type_convert_fields()
        super().__init__()

    def _tf_extension_type_fields(self) -> Sequence[Field]:  # type: ignore[override]
        return [Field(name, None) for name in self.__dict__ if not is_reserved(name)]

    def _tf_extension_type_convert_fields(self) -> None:
        for name, value in self.__dict__.items():
            if not is_reserved(name):
                self.__dict__[name] = _anonymous(value, of_spec=False)

    @property
    def _type_spec(self) -> Any:
        spec = self.__dict__.get(_SPEC)
        if spec is None:
            spec = self.__dict__[_SPEC] = AnonymousExtensionTypeSpec.from_value(self)
        return spec

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"Cannot set attribute `{name}`. AnonymousExtensionType instances are immutable."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"Cannot delete attribute `{name}`. AnonymousExtensionType instances are immutable."
        )


@type_spec_registry.register("tf.AnonymousExtensionType.Spec")
class AnonymousExtensionTypeSpec(ExtensionTypeSpec):
    """Spec of a value of an extension type whose class is not at hand."""

    value_type = AnonymousExtensionType

    def __init__(self, **fields: Any) -> None:
        _check_names(fields, "AnonymousExtensionTypeSpec")
        self.__dict__.update(
            {name: _anonymous(value, of_spec=True) for name, value in fields.items()}
        )

    def _serialize(self) -> tuple[Any, ...]:
        return tuple(
            (name, with_mappings(value, dict)) for name, value in self.__dict__.items()
        )


def _check_names(fields: dict[str, Any], kind: str) -> None:
    for name in fields:
        if is_reserved(name) or (name.startswith("__") and name.endswith("__")):
            raise ValueError(
                f"Reserved field name {name} was encountered when trying to instantiate an "
                f"{kind}."
            )


def _anonymous(value: Any, *, of_spec: bool) -> Any:
    """A value of a field without annotation."""
    plain = (int, float, bool, str, bytes, type(None), DType, TensorShape)
    tensors: Any = (TypeSpec,) if of_spec else (Tensor, CompositeTensor)
    if isinstance(value, (*plain, *tensors)):
        return value
    if isinstance(value, tuple):
        return tuple(_anonymous(item, of_spec=of_spec) for item in value)
    if isinstance(value, Mapping):
        return ImmutableDict(
            [
                (_anonymous(key, of_spec=of_spec), _anonymous(item, of_spec=of_spec))
                for key, item in value.items()
            ]
        )
    raise ValueError(
        f"Cannot convert anonymous fields from an unsupported `value` argument: {value!r}."
    )
