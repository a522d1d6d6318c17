"""`tf.Module`: an object that finds the variables and modules in its attributes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from penstock.core import nest
from penstock.runtime import data_structures  # noqa: F401  (lets modules track containers)
from penstock.runtime.context import name_scope
from penstock.runtime.trackable import AutoTrackable
from penstock.runtime.variable import Variable

_NAME = re.compile(r"^[A-Za-z_]\w*$")


class Module(AutoTrackable):
    """Base of objects with variables.

    Args:
        name: a valid Python identifier; None takes the class's name in snake case.

    Raises:
        ValueError: the name is no identifier.
    """

    _TF_MODULE_IGNORED_PROPERTIES: frozenset[str] = frozenset()

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _snake_case(type(self).__name__)
        if not _NAME.match(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python "
                f"identifiers (e.g. a valid class name)."
            )
        self._name = name

    @property
    def name(self) -> str:
        """Name of this module."""
        return self._name

    @property
    def name_scope(self) -> Any:
        """Scope for the names of ops made by this module."""
        return name_scope(self._name)

    @property
    def variables(self) -> tuple[Any, ...]:
        """All variables in this module and its submodules, each once."""
        return tuple(self._flatten(lambda item: isinstance(item, Variable)))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those that are trainable."""
        return tuple(self._flatten(lambda item: isinstance(item, Variable) and item.trainable))

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """Those that are not."""
        return tuple(
            self._flatten(lambda item: isinstance(item, Variable) and not item.trainable)
        )

    @property
    def submodules(self) -> tuple[Any, ...]:
        """All modules inside this one, each once."""
        return tuple(self._flatten(lambda item: isinstance(item, Module)))

    def _flatten(
        self,
        predicate: Callable[[Any], bool] | None = None,
        recursive: bool = True,
        expand_composites: bool = False,
    ) -> Iterator[Any]:
        del expand_composites
        wanted = predicate or (lambda item: True)  # noqa: ARG005
        return _walk(self, wanted, {id(self)}, recursive=recursive)

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a method so that it runs in the module's name scope."""

        @functools.wraps(method)
        def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with self.name_scope:
                return method(self, *args, **kwargs)

        return scoped


def _walk(
    module: Any, wanted: Callable[[Any], bool], seen: set[int], *, recursive: bool
) -> Iterator[Any]:
    inner = []
    attributes = vars(module)
    ignored = module._TF_MODULE_IGNORED_PROPERTIES
    for key in sorted(attributes):
        if key in ignored or key.startswith("_self_") or key in _OWN:
            continue
        for leaf in _leaves(attributes[key]):
            if id(leaf) in seen:
                continue
            if wanted(leaf):
                seen.add(id(leaf))
                yield leaf
            if recursive and isinstance(leaf, Module):
                seen.add(id(leaf))
                inner.append(leaf)
    for module_inside in inner:
        yield from _walk(module_inside, wanted, seen, recursive=recursive)


_OWN = frozenset({"_unconditional_dependency_names", "_deferred_restorations"})


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key in sorted(value, key=str) for leaf in _leaves(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return nest.flatten(value) if nest.is_nested(value) else [value]


def _snake_case(name: str) -> str:
    partial = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", partial).lower()
