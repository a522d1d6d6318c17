"""The environment variables that penstock reads: one row each, read nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from penstock.core.errors import AlreadyExistsError, InvalidArgumentError

_Value = TypeVar("_Value", bool, int, float, str)

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Flag(Generic[_Value]):
    """One switch: the name of its variable, its default, whose type it has, and its meaning."""

    name: str
    default: _Value
    help: str

    def read(self, environ: Mapping[str, str] = os.environ) -> _Value:
        """Return the value set in the environment, or the default.

        Raises:
            InvalidArgumentError: the text does not fit the type.
        """
        text = environ.get(self.name)
        if text is None:
            return self.default
        kind = type(self.default)
        try:
            return kind(_truth(text)) if kind is bool else kind(text)
        except ValueError:
            raise InvalidArgumentError(
                f"environment variable {self.name} must be of type {kind.__name__}, "
                f"got {text!r}"
            ) from None


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(word)
    return word in _TRUE


_TABLE: dict[str, Flag[bool] | Flag[int] | Flag[float] | Flag[str]] = {}


def flag(name: str, default: _Value, help_text: str) -> Flag[_Value]:
    """Add a row to the table."""
    if name in _TABLE:
        raise AlreadyExistsError(f"flag {name!r} has a row in the table; choose another name")
    row = Flag(name, default, help_text)
    _TABLE[name] = row
    return row


def rows() -> tuple[Flag[bool] | Flag[int] | Flag[float] | Flag[str], ...]:
    """Return every flag, sorted by name."""
    return tuple(_TABLE[name] for name in sorted(_TABLE))


TRACE = flag("PENSTOCK_TRACE", "short", "frames in tracebacks: short (the user's) or full")
