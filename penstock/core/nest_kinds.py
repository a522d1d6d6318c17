"""What counts as a nested structure, and how each kind is taken apart and built again."""

# ruff: noqa: SLF001  (the underscored methods are the protocol of composites and specs)
from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, MappingView, MutableMapping, Sequence
from typing import Any, NamedTuple

from penstock.core.composite_tensor import CompositeTensor, SpecMarker

_CACHE_LIMIT = 4096


class Kind(NamedTuple):
    """How to handle one kind of structure.

    `values` and `keys` list the children and their names, both in the order in which nests
    are flattened; `build` makes a structure like the given one out of other children.
    """

    values: Callable[[Any], Sequence[Any]]
    keys: Callable[[Any], Sequence[Any]]
    build: Callable[[Any, list[Any]], Any]


class Kinds(dict[type, "Kind | None"]):
    """The kind of each class met, `None` for leaves. Looking up a known class is one step."""

    def __init__(self, classify: Callable[[type], Kind | None]) -> None:
        super().__init__()
        self._classify = classify

    def __missing__(self, cls: type) -> Kind | None:
        if len(self) >= _CACHE_LIMIT:
            # Classes made in a loop must not be kept alive without end.
            self.clear()
        self[cls] = kind = self._classify(cls)
        return kind


def sorted_keys(mapping: Mapping[Any, Any]) -> list[Any]:
    """Return the keys in the order in which nests are flattened.

    Raises:
        TypeError: the keys cannot be sorted.
    """
    try:
        return sorted(mapping)
    except TypeError as error:
        raise TypeError(
            f"nest only supports dicts with sortable keys. Error: {error}"
        ) from None


def _mapping_values(mapping: Mapping[Any, Any]) -> list[Any]:
    return [mapping[key] for key in sorted_keys(mapping)]


def _build_dict(like: dict[Any, Any], children: list[Any]) -> dict[Any, Any]:
    found = dict(zip(sorted_keys(like), children, strict=True))
    return {key: found[key] for key in like}


def _build_mutable_mapping(like: Any, children: list[Any]) -> Any:
    found = dict(zip(sorted_keys(like), children, strict=True))
    default = isinstance(like, collections.defaultdict)
    result = type(like)(like.default_factory) if default else type(like)()
    for key in like:
        result[key] = found[key]
    return result


def _build_mapping(like: Any, children: list[Any]) -> Any:
    found = dict(zip(sorted_keys(like), children, strict=True))
    try:
        return type(like)((key, found[key]) for key in like)
    except TypeError as error:
        raise TypeError(
            f"Error creating an object of type {type(like)} like {like}. Note that it must "
            f"accept an iterable of key-value pairs. Cause: {error}"
        ) from error


def _attrs_names(value: Any) -> list[str]:
    return [attribute.name for attribute in type(value).__attrs_attrs__]


def _attrs_values(value: Any) -> list[Any]:
    return [getattr(value, attribute.name) for attribute in type(value).__attrs_attrs__]


def _build_positional(like: Any, children: list[Any]) -> Any:
    return type(like)(*children)


def _custom_values(value: Any) -> Sequence[Any]:
    _, children = value.__tf_flatten__()
    if not isinstance(children, tuple):
        raise TypeError(f"__tf_flatten__ must return a tuple of components, got {children!r}")
    return children


def _build_custom(like: Any, children: list[Any]) -> Any:
    metadata, _ = like.__tf_flatten__()
    return like.__tf_unflatten__(metadata, tuple(children))


def _positions(value: Any) -> range:
    return range(len(value))


def _build_from_list(like: Any, children: list[Any]) -> Any:
    return type(like)(children)


def _identity(value: Any) -> Any:
    return value


def _children_as_list(_like: Any, children: list[Any]) -> list[Any]:
    return children


def _composite_values(value: Any) -> tuple[Any]:
    return (value._type_spec._to_components(value),)


def _composite_keys(value: Any) -> tuple[str]:
    return (type(value).__name__,)


def _build_composite(like: Any, children: list[Any]) -> Any:
    return like._type_spec._from_components(children[0])


def _spec_values(spec: Any) -> tuple[Any]:
    return (spec._component_specs,)


def _spec_keys(spec: Any) -> tuple[str]:
    # The name of the value's class, so that a value and its spec have the same paths.
    return (spec.value_type.__name__,)


def _build_from_spec(spec: Any, children: list[Any]) -> Any:
    return spec._from_components(children[0])


LIST = Kind(_identity, _positions, _children_as_list)
TUPLE = Kind(_identity, _positions, lambda _like, children: tuple(children))
DICT = Kind(_mapping_values, sorted_keys, _build_dict)
MUTABLE_MAPPING = Kind(_mapping_values, sorted_keys, _build_mutable_mapping)
MAPPING = Kind(_mapping_values, sorted_keys, _build_mapping)
VIEW = Kind(list, _positions, _children_as_list)
ATTRS = Kind(_attrs_values, _attrs_names, _build_positional)
NAMED_TUPLE = Kind(_identity, lambda value: value._fields, _build_positional)
CUSTOM = Kind(_custom_values, lambda value: range(len(_custom_values(value))), _build_custom)
RANGE = Kind(_identity, _positions, _children_as_list)
SEQUENCE = Kind(_identity, _positions, _build_from_list)
COMPOSITE = Kind(_composite_values, _composite_keys, _build_composite)
SPEC = Kind(_spec_values, _spec_keys, _build_from_spec)

MAPPINGS = (DICT, MUTABLE_MAPPING, MAPPING)
EXPANDED = (COMPOSITE, SPEC)


def is_namedtuple_class(cls: type) -> bool:
    """Tell whether the instances are named tuples."""
    fields = getattr(cls, "_fields", None)
    return (
        issubclass(cls, tuple)
        and isinstance(fields, Sequence)
        and all(isinstance(name, str) for name in fields)
    )


def _is_custom(cls: type) -> bool:
    return hasattr(cls, "__tf_flatten__") and hasattr(cls, "__tf_unflatten__")


_EXACT: dict[type, Kind] = {list: LIST, tuple: TUPLE, dict: DICT, range: RANGE}


def _classify_core(cls: type) -> Kind | None:
    if cls in _EXACT:
        return _EXACT[cls]
    tests: tuple[tuple[bool, Kind | None], ...] = (
        (issubclass(cls, (str, bytes)), None),
        (issubclass(cls, MutableMapping), MUTABLE_MAPPING),
        (issubclass(cls, Mapping), MAPPING),
        (issubclass(cls, MappingView), VIEW),
        (hasattr(cls, "__attrs_attrs__"), ATTRS),
        (is_namedtuple_class(cls), NAMED_TUPLE),
        (_is_custom(cls), CUSTOM),
        (issubclass(cls, Sequence), SEQUENCE),
    )
    return next((kind for holds, kind in tests if holds), None)


def _classify_expanded(cls: type) -> Kind | None:
    if issubclass(cls, CompositeTensor):
        return COMPOSITE
    if issubclass(cls, SpecMarker):
        return None if cls._is_leaf_in_nests else SPEC
    return CORE[cls]


def _classify_data(cls: type) -> Kind | None:
    # In tf.data a list stands for one tensor, and so does the old sparse triple.
    if issubclass(cls, list) or cls.__name__ == "SparseTensorValue":
        return None
    return CORE[cls]


CORE = Kinds(_classify_core)
WITH_COMPOSITES = Kinds(_classify_expanded)
DATA = Kinds(_classify_data)
