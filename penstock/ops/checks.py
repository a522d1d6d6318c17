"""The error channel: checks of values, in eager, host and compiled code alike.

Host code and eager device code see concrete values and raise at once. Code under trace cannot:
there `require` adds a flag to the collector in force, the compiled function returns one number
beside its outputs (0, or 1 + the index of the first failed check), and `raise_failed` turns it
into the exception. Where no collector is in force (shape inference, pullbacks) checks are
skipped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import OpError


class NeedsValueError(Exception):
    """A kernel cannot be compiled because it depends on values, not only on shapes."""


@dataclass(slots=True)
class Collector:
    """The checks met while one computation is traced.

    `failed` holds one traced int32 per scope: the 1-based number of the first failed check,
    else 0. `causes` is shared by nested collectors, so that numbers are unique in the whole
    computation.
    """

    causes: list[tuple[type[OpError], str]] = field(default_factory=list)
    failed: list[Any] = field(default_factory=list)

    def add(self, condition: Any, error: type[OpError], message: str) -> None:
        """Note a traced check."""
        self.causes.append((error, message))
        number = len(self.causes)
        bad = jnp.logical_not(jnp.all(condition))
        self.failed.append(jnp.where(bad, number, 0).astype(jnp.int32))

    def add_flag(self, flag: Any) -> None:
        """Take over the flag that an inner computation (a loop body, a branch) returned."""
        self.failed.append(flag)

    def flag(self) -> Any:
        """One int32: number of the first failed check in program order, 0 when all hold."""
        result = jnp.zeros((), jnp.int32)
        for failed in reversed(self.failed):
            result = jnp.where(failed != 0, failed, result)
        return result


class _State(threading.local):
    def __init__(self) -> None:
        self.collector: Collector | None = None
        self.label: str = ""


_state = _State()


@contextmanager
def collecting(outer: Collector | None = None) -> Iterator[Collector]:
    """Collect the checks of what is traced inside.

    Args:
        outer: the collector of the enclosing computation, whose numbering goes on.
    """
    collector = Collector(causes=outer.causes) if outer is not None else Collector()
    previous = _state.collector
    _state.collector = collector
    try:
        yield collector
    finally:
        _state.collector = previous


@contextmanager
def ignoring() -> Iterator[None]:
    """Skip traced checks inside: for pullbacks and abstract evaluation."""
    previous = _state.collector
    _state.collector = None
    try:
        yield
    finally:
        _state.collector = previous


@contextmanager
def labelled(label: str) -> Iterator[None]:
    """Append `label` (a node's name and place) to messages of checks traced inside."""
    previous = _state.label
    _state.label = label
    try:
        yield
    finally:
        _state.label = previous


def current_collector() -> Collector | None:
    """The collector in force on this thread."""
    return _state.collector


def require(condition: Any, error: type[OpError], message: str) -> None:
    """Raise `error(message)` unless all of `condition` is true.

    Args:
        condition: a bool or a boolean array, concrete or traced.
        error: the class to raise.
        message: what must hold, what came.
    """
    if isinstance(condition, jax.core.Tracer):
        if _state.collector is not None:
            _state.collector.add(condition, error, message + _state.label)
        return
    if not np.all(condition):
        raise error(message + _state.label)


def raise_failed(flag: Any, causes: list[tuple[type[OpError], str]]) -> None:
    """Raise the error that `flag`, returned by a compiled function, stands for."""
    number = int(flag)
    if number:
        error, message = causes[number - 1]
        raise error(message)
