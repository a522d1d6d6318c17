"""Warnings of what Python does once, while a function is traced, and not on every call."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from penstock.core.user_code import user_line
from penstock.runtime.context import state

_MUTATORS = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "add"}
    | {"discard", "popitem"}
)

# Functions that are being traced, outermost first, with their arguments.
_active: ContextVar[tuple[tuple[Any, tuple[Any, ...]], ...]] = ContextVar("active", default=())
_told: set[str] = set()


class SideEffectWarning(UserWarning):
    """Something happens only while a function is traced."""


@contextmanager
def running(function: Any, args: tuple[Any, ...]) -> Iterator[None]:
    """Note that converted code of `function` runs."""
    token = _active.set((*_active.get(), (function, args)))
    try:
        yield
    finally:
        _active.reset(token)


def watch(function: Callable[..., Any], symbolic: bool) -> None:
    """Warn, once for each line, of a call that is seen only while a function is traced.

    Args:
        function: what is called.
        symbolic: whether tensors of the graph are among its arguments.
    """
    if state.graph is None or not _active.get():
        return
    if function is print:
        if not symbolic:
            _warn("print", "use tf.print to print on every call")
        return
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if isinstance(owner, (list, dict, set)) and name in _MUTATORS and _is_captured(owner):
        kind = type(owner).__name__
        _warn(
            f"{kind}.{name} on a captured {kind}",
            "return the value, or keep it in a tf.Variable or tf.TensorArray",
        )


def _is_captured(owner: Any) -> bool:
    """Whether a container was there before the functions that are being traced."""
    for function, args in _active.get():
        for cell in getattr(function, "__closure__", None) or ():
            try:
                if cell.cell_contents is owner:
                    return True
            except ValueError:
                continue  # the name has no value yet
        names = getattr(function, "__globals__", {})
        used = getattr(getattr(function, "__code__", None), "co_names", ())
        if any(names.get(name) is owner for name in used):
            return True
        for arg in args:
            own = getattr(arg, "__dict__", None)
            if isinstance(own, dict) and any(value is owner for value in own.values()):
                return True
    return False


def _warn(what: str, remedy: str) -> None:
    where = user_line(3)
    if where in _told:
        return
    _told.add(where)
    name = getattr(_active.get()[0][0], "__name__", "the function")
    file, _, line = where.rpartition(":")
    warnings.warn_explicit(
        f"{what} at {where or 'an unknown place'} happens only while {name} is traced, and not "
        f"on every call; {remedy}",
        SideEffectWarning,
        file or "<unknown>",
        int(line or 0),
    )
