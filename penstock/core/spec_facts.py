"""The facts that specs write down, nests of shapes, dtypes and constants: compared, merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock.core.composite_tensor import SpecMarker
from penstock.core.dtypes import DType
from penstock.core.tensor_shape import TensorShape

NO_MERGE = object()
# Facts that know by themselves what is narrower.
_ORDERED: Any = (SpecMarker, TensorShape, DType)


def map_facts(function: Callable[[Any], Any], facts: Any) -> Any:
    """Return the same nest with `function` of each fact."""
    if isinstance(facts, (list, tuple)):
        children = [map_facts(function, fact) for fact in facts]
        if isinstance(facts, tuple) and hasattr(facts, "_fields"):
            return type(facts)(*children)
        return type(facts)(children)
    if isinstance(facts, dict):
        return {key: map_facts(function, fact) for key, fact in facts.items()}
    return function(facts)


def _pairs(first: Any, second: Any) -> list[tuple[Any, Any]] | None:
    """Match the children of two containers; `None` when they differ in form."""
    if type(first) is not type(second) or len(first) != len(second):
        return None
    if isinstance(first, dict):
        if set(first) != set(second):
            return None
        return [(first[key], second[key]) for key in first]
    return list(zip(first, second, strict=True))


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    return bool(first == second)


def agree(first: Any, second: Any) -> bool:
    """Tell whether both can be true of one value."""
    if isinstance(first, _ORDERED):
        comparable = isinstance(second, SpecMarker) or type(first) is type(second)
        return comparable and bool(first.is_compatible_with(second))
    if isinstance(first, (list, tuple, dict)):
        pairs = _pairs(first, second)
        return pairs is not None and all(agree(*pair) for pair in pairs)
    return type(first) is type(second) and _equal(first, second)


def is_narrower(first: Any, second: Any) -> bool:
    """Tell whether `first` implies `second`."""
    if isinstance(first, _ORDERED):
        return bool(first.is_subtype_of(second))
    if isinstance(first, (list, tuple, dict)):
        pairs = _pairs(first, second)
        return pairs is not None and all(is_narrower(*pair) for pair in pairs)
    return _equal(first, second)


def merge(first: Any, others: list[Any]) -> Any:
    """Return the narrowest fact that `first` and all `others` imply, or `NO_MERGE`."""
    if isinstance(first, _ORDERED):
        merged = first.most_specific_common_supertype(others)
        return NO_MERGE if merged is None else merged
    if isinstance(first, (list, tuple, dict)):
        return _merge_children(first, others)
    return first if all(_equal(first, other) for other in others) else NO_MERGE


def _merge_children(first: Any, others: list[Any]) -> Any:
    if any(_pairs(first, other) is None for other in others):
        return NO_MERGE
    keys = list(first) if isinstance(first, dict) else range(len(first))
    children = [merge(first[key], [other[key] for other in others]) for key in keys]
    if any(child is NO_MERGE for child in children):
        return NO_MERGE
    if isinstance(first, dict):
        return dict(zip(keys, children, strict=True))
    return type(first)(*children) if hasattr(first, "_fields") else type(first)(children)


def hashable(fact: Any) -> Any:
    """Return something hashable that is equal for equal facts."""
    if isinstance(fact, dict):
        return tuple((hashable(key), hashable(fact[key])) for key in sorted(fact))
    if isinstance(fact, tuple):
        return tuple([hashable(each) for each in fact])
    if isinstance(fact, list):
        return list, tuple([hashable(each) for each in fact])
    if isinstance(fact, np.ndarray):
        return np.ndarray, fact.shape, hashable(fact.ravel().tolist())
    hash(fact)
    return fact
