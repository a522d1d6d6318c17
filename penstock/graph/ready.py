"""What was computed from variables, kept for as long as they have the same values."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax

from penstock.core.errors import OpError
from penstock.graph.prepared import Preparation, Values
from penstock.runtime.eager import variables_lock

# Calls that new values must serve to be worth making, and how often they may fail to in a row.
_WORTH = 4
_PATIENCE = 3

# (A model has hundreds of variables: a loop in Python takes a while.)
_value_of = operator.attrgetter("value")


class ReadyValues:
    """The values of a preparation for what its variables hold.

    A variable's value is an array that is never changed but replaced, so it is known by its
    identity. It is held weakly: nothing keeps an old one alive, and what was made of it goes
    when it does, before its address can be another's. Several threads may ask at once; at worst
    each of them makes the same values.

    Args:
        preparation: how they are made.
        constants: values of constants, by id of the symbol.
    """

    def __init__(self, preparation: Preparation, constants: Values) -> None:
        self._preparation = preparation
        self._constants = constants
        # Ids of the variables' values, references to them, and what was made of them.
        self._found: tuple[list[int], list[Any], list[Any]] | None = None
        self._made_before = False
        self._calls = 0
        self._failures = 0
        self._given_up = False

    def values(self, holders: Sequence[Any]) -> list[Any] | None:
        """The values for what the holders of the variables hold; None where none are kept."""
        found = self._found
        if found is not None and list(map(id, map(_value_of, holders))) == found[0]:
            self._calls += 1
            return found[2]
        return None if self._given_up else self._renewed(holders)

    def give_up(self) -> None:
        """Make no values any more."""
        self._given_up = True
        self._found = None

    def _renewed(self, holders: Sequence[Any]) -> list[Any] | None:
        if self._made_before:
            self._failures = 0 if self._calls >= _WORTH else self._failures + 1
            if self._failures > _PATIENCE:
                # The variables change at every few calls: there is nothing to be saved.
                self.give_up()
                return None
        with variables_lock:
            current = [holder.device_value() for holder in holders]
            for holder in holders:
                # From here on the buffer is read outside of the lock.
                holder.owned = False
        if not all(_is_here(value) for value in current):
            self.give_up()
            return None
        names = (id(source) for source in self._preparation.sources)
        try:
            made = self._preparation.values(
                dict(zip(names, current, strict=True)), self._constants
            )
        except OpError:
            made = None  # compiled code tells it with the node and the line
        if made is None:
            self.give_up()
            return None
        self._calls = 0
        values = [jax.device_put(value) for value in made]
        forget = _forgetting(weakref.ref(self))
        references = [weakref.ref(value, forget) for value in current]
        self._found = [id(value) for value in current], references, values
        self._made_before = True
        return values


def _forgetting(owner: weakref.ref[ReadyValues]) -> Callable[[Any], None]:
    """What is called when a variable's value goes."""

    def forget(_: Any) -> None:
        ready = owner()
        if ready is not None:
            ready._found = None

    return forget


def _is_here(value: Any) -> bool:
    """Whether an array lies in the memory of the device that runs by default, as a whole."""
    return bool(value.devices() == {jax.devices()[0]})
