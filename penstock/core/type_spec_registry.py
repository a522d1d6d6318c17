"""Names under which classes of specs are written down, and found again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_names: dict[type, str] = {}
_classes: dict[str, type] = {}

_NAME = re.compile(r"^(\w+\.)+\w+$")


def register(name: str) -> Callable[[Any], Any]:
    """Decorate a class of specs to say under which name it is written down.

    Args:
        name: with a package in front, such as "my_project.MaskedSpec".

    Raises:
        TypeError: the name is no text.
        ValueError: it has no package, or another class has it already.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if not _NAME.match(name):
        raise ValueError(
            "Registered name must have the form '{project_name}.{type_name}' "
            f"(e.g. 'my_project.MyTypeSpec'); got {name!r}."
        )

    def add(cls: Any) -> Any:
        if not isinstance(cls, type):
            raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")
        if cls in _names:
            raise ValueError(f"Class {cls} has already been registered as {_names[cls]!r}.")
        held = _classes.get(name)
        if held is not None:
            raise ValueError(f"Name {name!r} has already been registered for class {held}.")
        _names[cls] = name
        _classes[name] = cls
        return cls

    return add


def get_name(cls: type) -> str:
    """Return the name of a class of specs.

    Raises:
        TypeError: it is no class.
        ValueError: it was not registered.
    """
    if not isinstance(cls, type):
        raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")
    if cls not in _names:
        raise ValueError(f"TypeSpec {cls.__module__}.{cls.__name__} has not been registered.")
    return _names[cls]


def lookup(name: str) -> type:
    """Return the class of specs that has a name.

    Raises:
        TypeError: the name is no text.
        ValueError: no class was registered under it.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if name not in _classes:
        raise ValueError(f"No TypeSpec has been registered with name {name!r}")
    return _classes[name]
