"""Lists, dicts and tuples that name the trackable objects in them as their children."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from penstock.runtime.trackable import Trackable, _wrappers, wrap_for_tracking


class _Container(Trackable):
    """What tracked containers share: children are looked up when they are asked for."""

    def _named_items(self) -> Iterable[tuple[Any, Any]]:
        """Keys and values, in order."""
        return ()

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        self._refuse_ambiguous()
        children = super()._trackable_children(save_type, **kwargs)
        children.update(
            (str(key), value)
            for key, value in self._named_items()
            if isinstance(value, Trackable)
        )
        return children

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        if cached_dependencies is not None:
            return cached_dependencies.get(name)
        for key, value in self._named_items():
            if str(key) == name and isinstance(value, Trackable):
                return value
        return super()._lookup_dependency(name)

    def _refuse_ambiguous(self) -> None:
        """Raise where the children can no longer be named as they were."""

    def _adopt(self, key: Any, value: Any) -> Any:
        """Wrap a value that is put in, and restore it if a checkpoint waits for it."""
        value = wrap_for_tracking(value)
        if isinstance(value, Trackable):
            self._handle_deferred_dependencies(str(key), value)
        return value

    @property
    def layers(self) -> list[Any]:
        """Layers among the items."""
        return [item for _, item in self._named_items() if hasattr(item, "_flatten_layers")]

    @property
    def variables(self) -> list[Any]:
        """Variables among the items."""
        return [item for _, item in self._named_items() if hasattr(item, "assign_add")]


def _changing(name: str) -> Callable[..., Any]:
    """A method of `list` that moves or takes away items, which then have no fixed names."""
    inherited = getattr(list, name)

    @functools.wraps(inherited)
    def changing(self: ListWrapper, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(item, Trackable) for item in self):
            self._moved = True
        result = inherited(self, *args, **kwargs)
        self._readopt()
        return result

    return changing


class ListWrapper(_Container, list):  # type: ignore[type-arg]
    """A list whose trackable items are children named "0", "1" and so on.

    Items may be appended. After another change it is a plain list still, but cannot be saved.
    """

    def __init__(self, wrapped_list: Iterable[Any] = ()) -> None:
        super().__init__(wrapped_list)
        self._moved = False
        self._readopt()

    def _named_items(self) -> Iterable[tuple[Any, Any]]:
        return enumerate(self)

    def _readopt(self) -> None:
        for i, item in enumerate(self):
            adopted = self._adopt(i, item)
            if adopted is not item:
                list.__setitem__(self, i, adopted)

    def _refuse_ambiguous(self) -> None:
        if self._moved:
            raise ValueError(
                f"the list {self!r} must only be appended to while it is tracked, and items "
                "were moved or removed; build a new list"
            )

    def append(self, value: Any) -> None:
        """Add a value at the end."""
        list.append(self, self._adopt(len(self), value))

    def extend(self, values: Iterable[Any]) -> None:
        """Add values at the end."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Iterable[Any]) -> ListWrapper:  # type: ignore[misc]
        self.extend(values)
        return self

    def copy(self) -> Any:
        """Return a tracked list with the same items."""
        return type(self)(self)

    insert = _changing("insert")
    remove = _changing("remove")
    pop = _changing("pop")
    clear = _changing("clear")
    sort = _changing("sort")
    reverse = _changing("reverse")
    __setitem__ = _changing("__setitem__")
    __delitem__ = _changing("__delitem__")
    __imul__ = _changing("__imul__")

    def __repr__(self) -> str:
        return f"ListWrapper({list.__repr__(self)})"


class _DictWrapper(_Container, dict):  # type: ignore[type-arg]
    """A dict whose trackable values are children named by their keys, which must be text."""

    def __init__(self, wrapped_dict: Any = None, **items: Any) -> None:
        super().__init__()
        self._moved = False
        for key, value in dict(wrapped_dict or {}, **items).items():
            self._put(key, value)

    def _named_items(self) -> Iterable[tuple[Any, Any]]:
        return self.items()

    def _put(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._adopt(key, value))

    def _refuse_ambiguous(self) -> None:
        keys = [
            key
            for key, value in self.items()
            if not isinstance(key, str) and isinstance(value, Trackable)
        ]
        if keys:
            raise ValueError(
                "the keys of trackable values must be text for a dict to be saved, got "
                f"{keys[0]!r}"
            )
        if self._moved:
            raise ValueError(
                f"the dict {self!r} must keep its trackable values while it is tracked, and "
                "one was removed or replaced; build a new dict"
            )

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(self.get(key), Trackable) and self[key] is not value:
            self._moved = True
        self._put(key, value)

    def __delitem__(self, key: Any) -> None:
        if isinstance(self.get(key), Trackable):
            self._moved = True
        super().__delitem__(key)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Put in all items of a mapping."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of `key`, putting `default` in when there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove a key and return its value."""
        if isinstance(self.get(key), Trackable):
            self._moved = True
        return super().pop(key, *default)

    def popitem(self, *args: Any) -> Any:
        """Remove and return an item."""
        key, value = super().popitem(*args)
        self._moved = self._moved or isinstance(value, Trackable)
        return key, value

    def clear(self) -> None:
        """Remove all items."""
        self._moved = self._moved or any(isinstance(v, Trackable) for v in self.values())
        super().clear()

    def __ior__(self, other: Any) -> _DictWrapper:  # type: ignore[misc]
        self.update(other)
        return self

    def copy(self) -> Any:
        """Return a tracked dict with the same items."""
        return type(self)(self)


class _OrderedDictWrapper(_DictWrapper, OrderedDict):  # type: ignore[type-arg]
    """An ordered dict whose trackable values are children."""


class _TupleWrapper(_Container, tuple):  # type: ignore[type-arg]  # noqa: SLOT001
    """A tuple whose trackable items are children; named by field in a named tuple."""

    def _named_items(self) -> Iterable[tuple[Any, Any]]:
        yield from enumerate(self)
        yield from zip(getattr(self, "_fields", ()), self, strict=False)


@functools.cache
def _tuple_class(kind: type) -> type:
    if kind is tuple:
        return _TupleWrapper
    return type("_TupleWrapper", (_TupleWrapper, kind), {"__module__": kind.__module__})


def wrap_container(value: Any) -> Any:
    """Return the tracked container for a list, dict or tuple, and anything else as it is.

    Subclasses of list and dict are left alone. A tuple is wrapped only when something in it is
    trackable.
    """
    kind = type(value)
    if kind is list:
        return ListWrapper(value)
    if kind is dict:
        return _DictWrapper(value)
    if kind is OrderedDict:
        return _OrderedDictWrapper(value)
    if isinstance(value, tuple) and not isinstance(value, Trackable):
        items = [wrap_for_tracking(item) for item in value]
        if any(isinstance(item, Trackable) for item in items):
            made: Any = _tuple_class(kind)  # type: ignore[arg-type]
            return tuple.__new__(made, items)
    return value


_wrappers.append(wrap_container)
