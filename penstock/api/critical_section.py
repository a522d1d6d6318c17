"""`tf.CriticalSection`: code that runs in one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.api.framework import control_dependencies
from penstock.core import nest
from penstock.runtime.context import init_scope, state
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor

__all__ = ["CriticalSection"]


class CriticalSection:
    """Runs functions one at a time, whichever threads ask for them.

    Args:
        name: name of the section.
        shared_name: name under which other objects can find the same section.
        critical_section_def: not supported.
        import_scope: not supported.

    Raises:
        ValueError: `critical_section_def` is given.

    Example:
        >>> section = CriticalSection()
        >>> section.execute(lambda: 3).numpy()
        3

    Source: `tf.CriticalSection`.
    """

    def __init__(
        self,
        name: str | None = None,
        shared_name: str | None = None,
        critical_section_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if critical_section_def is not None:
            raise ValueError("Argument `critical_section_def` is not supported.")
        self._name = name or "critical_section"
        with init_scope():
            self._handle = call("MutexV2", shared_name=shared_name or "")

    @property
    def name(self) -> str:
        """Name of the section."""
        return self._name

    def execute(
        self,
        fn: Callable[[], Any],
        exclusive_resource_access: bool = True,
        name: str | None = None,
    ) -> Any:
        """Call `fn` while nothing else runs in this section.

        Args:
            fn: function without arguments.
            exclusive_resource_access: accepted for compatibility.
            name: name of the scope of its ops.

        Returns:
            What `fn` gives, as tensors.
        """
        if not callable(fn):
            raise TypeError(f"{type(fn).__name__!r} object is not callable")
        held = call("MutexLock", self._handle, name=name)
        graph = state.graph
        if graph is None:
            try:
                return _tensors(fn())
            finally:
                call("ConsumeMutexLock", held)
        before = len(graph.nodes)
        with control_dependencies([held]):
            result = _tensors(fn())
            inside = list(graph.nodes[before:])
        with control_dependencies(inside):
            call("ConsumeMutexLock", held)
        return result


def _tensors(result: Any) -> Any:
    """The result of a function, with values that are valid after it."""
    return nest.map_structure(
        lambda item: (
            item if item is None or isinstance(item, Tensor) else call("Identity", item)
        ),
        result,
        expand_composites=True,
    )
