"""The error channel: checks of values, in eager, host and compiled code alike.

Host code and eager device code see concrete values and raise at once. Code under trace cannot:
there `require` adds a flag to the collector in force, the compiled function returns the first
failure beside its outputs (0, or 1 + the index of the check; and the number that it refused),
and `raise_failed` turns it into the exception. Where no collector is in force (shape inference,
pullbacks) checks are skipped.
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


# The 1-based number of the first failed check, else 0; and the number that it refused.
Flag = tuple[Any, Any]


# Stands in the text of an error for a value that compiled code cannot write out.
UNSEEN = "[...]"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a check raises: `shows` says whether the flag has the number that was refused."""

    error: type[OpError]
    message: str
    label: str
    shows: bool


@dataclass(slots=True)
class Collector:
    """The checks met while one computation is traced.

    `failed` holds one traced `Flag` per scope. `causes` is shared by nested collectors, so that
    numbers are unique in the whole computation.
    """

    causes: list[Cause] = field(default_factory=list)
    failed: list[Flag] = field(default_factory=list)

    def add(
        self, condition: Any, error: type[OpError], message: str, got: Any, label: str
    ) -> None:
        """Note a traced check."""
        self.causes.append(Cause(error, message, label, got is not None))
        bad = jnp.logical_not(condition)
        number = jnp.where(jnp.any(bad), len(self.causes), 0).astype(jnp.int32)
        refused = jnp.zeros((), jnp.int64)
        if got is not None:
            least = np.iinfo(np.int64).min
            refused = jnp.max(jnp.where(bad, got.astype(jnp.int64), least), initial=least)
        self.failed.append((number, refused))

    def add_flag(self, flag: Flag) -> None:
        """Take over the flag that an inner computation (a loop body, a branch) returned."""
        self.failed.append(flag)

    def flag(self) -> Flag:
        """The flag of the first failed check in program order."""
        result = no_failure()
        for failed in reversed(self.failed):
            result = first_failure(failed, result)
        return result


def no_failure() -> Flag:
    """The flag when all checks hold."""
    return jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int64)


def first_failure(flag: Flag, other: Flag) -> Flag:
    """The flag of a computation that is followed by another one."""
    failed = flag[0] != 0
    return jnp.where(failed, flag[0], other[0]), jnp.where(failed, flag[1], other[1])


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


def require(condition: Any, error: type[OpError], message: str, got: Any = None) -> None:
    """Raise `error(message)` unless all of `condition` is true.

    Args:
        condition: a bool or a boolean array, concrete or traced.
        error: the class to raise.
        message: what must hold, and what came unless `got` tells.
        got: integers of the shape of the condition; the message shows one that was refused.
    """
    if isinstance(condition, jax.core.Tracer):
        if _state.collector is not None:
            _state.collector.add(condition, error, message, got, _state.label)
        return
    if not np.all(condition):
        if got is not None:
            message = f"{message}, got {int(np.asarray(got)[~np.asarray(condition)].max())}"
        raise error(message + _state.label)


def raise_failed(flag: Flag, causes: list[Cause]) -> None:
    """Raise the error that `flag`, returned by a compiled function, stands for."""
    number = int(flag[0])
    if number:
        cause = causes[number - 1]
        got = f", got {int(flag[1])}" if cause.shows else ""
        raise cause.error(cause.message + got + cause.label)
