"""The modules that programs get when they import `tensorflow` or something below it."""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from typing import Any

import penstock
from penstock.api.version import VERSION
from penstock.core.errors import MissingNameError, UnimplementedError
from penstock.shim.names import (
    MENTIONED_CLASSES,
    MENTIONED_FUNCTIONS,
    PRIVATE_MODULES,
    PUBLIC_MODULES,
)

ROOT = "tensorflow"
_NOTHING: Any = object()


def resolve(place: str) -> Any:
    """Return what `"module:attribute"` names."""
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def public(path: str) -> Any:
    """Return what penstock has under a dotted path, or `_NOTHING`."""
    value: Any = penstock
    for part in path.split(".") if path else ():
        try:
            value = getattr(value, part, _NOTHING)
        except ModuleNotFoundError as error:
            # A room that this installation lacks; anything else that is missing is a fault.
            if not (error.name or "").startswith("penstock."):
                raise
            return _NOTHING
        if value is _NOTHING:
            break
    return value


def _is_private(path: str) -> bool:
    return any(name == path or name.startswith(f"{path}.") for name in PRIVATE_MODULES)


def exists(path: str) -> bool:
    """Whether `tensorflow.<path>` is a module."""
    if path in PUBLIC_MODULES or _is_private(path):
        return True
    return isinstance(public(path), (types.ModuleType, types.SimpleNamespace))


class TensorFlowModule(types.ModuleType):
    """A module whose names are penstock's.

    Args:
        path: dotted path below `tensorflow`, empty for `tensorflow` itself.
    """

    def __init__(self, path: str) -> None:
        name = f"{ROOT}.{path}" if path else ROOT
        super().__init__(name, f"Penstock, under the name of {name}.")
        self.__path__: list[str] = []
        self._path = path
        if not path:
            self.__version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name != "__internal__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = lookup(self._path, name)
        # Asking again is then as quick as in any module.
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        names = set(self.__dict__) | set(PRIVATE_MODULES.get(self._path, ()))
        target = public(self._path)
        if target is not _NOTHING:
            names.update(name for name in dir(target) if not name.startswith("_"))
        return sorted(names)


def lookup(path: str, name: str) -> Any:
    """Return `tensorflow.<path>.<name>`.

    Raises:
        MissingNameError: penstock has nothing under that name.
    """
    place = PRIVATE_MODULES.get(path, {}).get(name)
    if place is not None:
        return resolve(place)
    full = f"{path}.{name}" if path else name
    value = public(full)
    if value is not _NOTHING:
        return value
    if full in MENTIONED_CLASSES:
        return _absent_class(full)
    if full in MENTIONED_FUNCTIONS:
        return _absent_function(full)
    if exists(full):
        return importlib.import_module(f"{ROOT}.{full}")
    raise MissingNameError(f"tf.{full} is not implemented")


class _AbsentMeta(type):
    """Metaclass of classes that penstock lacks: nothing is an instance of one."""

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise UnimplementedError(f"tf.{cls._path} is not implemented")  # type: ignore[attr-defined]

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise MissingNameError(f"tf.{cls.__dict__['_path']}.{name} is not implemented")


def _absent_class(path: str) -> type:
    return _AbsentMeta(path.rpartition(".")[2], (), {"_path": path, "__module__": ROOT})


def _absent_function(path: str) -> Callable[..., Any]:
    def absent(*_: Any, **__: Any) -> Any:
        raise UnimplementedError(f"tf.{path} is not implemented")

    absent.__name__ = absent.__qualname__ = path.rpartition(".")[2]
    return absent
