"""Why a function was traced again, and how its next trace can serve more calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.core import nest
from penstock.core.type_spec import TensorSpec, TypeSpec
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.trace_type import leaf_key, relax, structure_key
from penstock.runtime.tensor import TensorLike

# So many traces that differ only in sizes or in Python floats are made for the values as they
# are; the next one is made for all of them.
_EXACT_TRACES = 2
# More calls than this of one function are not remembered one by one.
_LARGEST_LOG = 200


@dataclass(slots=True)
class Kin:
    """Traces that differ only in sizes, and in the values of Python floats."""

    specs: list[list[TensorSpec]] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)
    floats: list[dict[int, float | None]] = field(default_factory=list)
    traces: list[ConcreteFunction] = field(default_factory=list)
    # A general trace failed once: the function needs sizes or numbers in Python.
    exact: bool = False

    def fitting(
        self, specs: Sequence[TensorSpec], floats: Mapping[int, float], promoted: frozenset[int]
    ) -> ConcreteFunction | None:
        """A trace that serves a call whose floats at `promoted` are tensors."""
        for have, numbers, concrete in zip(self.specs, self.floats, self.traces, strict=True):
            if frozenset(i for i, number in numbers.items() if number is None) != promoted:
                continue
            if any(numbers[i] != floats[i] for i in floats if i not in promoted):
                continue
            if len(have) == len(specs) and all(
                a.is_compatible_with(b) for a, b in zip(have, specs, strict=True)
            ):
                return concrete
        return None

    def promotions(self) -> list[frozenset[int]]:
        """The sets of floats that traces take as tensors, the largest first."""
        found = {
            frozenset(i for i, number in numbers.items() if number is None)
            for numbers in self.floats
        }
        return sorted(found, key=len, reverse=True)

    def varying(self, floats: Mapping[int, float]) -> frozenset[int]:
        """Floats that had other values in all traces, of which there are enough."""
        if self.exact or len(self.traces) < _EXACT_TRACES:
            return frozenset()
        return frozenset(
            i
            for i, number in floats.items()
            if len({numbers[i] for numbers in self.floats} | {number}) > _EXACT_TRACES
        )

    def relaxed(
        self, specs: list[TensorSpec], places: Sequence[int], after: int = _EXACT_TRACES
    ) -> list[TensorSpec]:
        """Specs with sizes left open where traces differ, once there are `after` of them.

        Args:
            specs: specs of the tensors of a call.
            places: for each, the number of its leaf among all.
            after: how many traces there must be.
        """
        if self.exact or len(self.traces) < after:
            return specs
        general = specs
        for have, known in zip(self.specs, self.places, strict=True):
            by_place = dict(zip(known, have, strict=True))
            old = [by_place.get(i, spec) for i, spec in zip(places, general, strict=True)]
            wider = relax(old, general)
            general = general if wider is None else wider
        return general

    def add(
        self,
        specs: list[TensorSpec],
        places: list[int],
        floats: Mapping[int, float],
        promoted: frozenset[int],
        concrete: ConcreteFunction,
    ) -> None:
        """Remember a trace."""
        self.specs.append(specs)
        self.places.append(places)
        self.floats.append({i: None if i in promoted else n for i, n in floats.items()})
        self.traces.append(concrete)


def kin_key(args: Any, kwargs: Any, flat: Sequence[Any], ranks: bool) -> Any:
    """What two calls share whose traces may be made one.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.
        flat: all leaves.
        ranks: whether tensors must have the same rank.
    """
    keys: list[Any] = []
    for leaf in flat:
        key = leaf_key(leaf)
        if type(leaf) is float:
            key = float
        elif isinstance(leaf, TensorSpec):
            key = (leaf.dtype, leaf.shape.rank if ranks else None)
        elif isinstance(key, tuple) and key and key[0] == "tensor":
            key = (key[1], len(key[2]) if ranks and key[2] is not None else None)
        keys.append(key)
    return structure_key((args, kwargs)), tuple(keys)


@dataclass(slots=True)
class _Note:
    """One trace: what its arguments looked like, by path, and where it was asked for."""

    arguments: dict[str, str]
    where: str
    remark: str


class TraceLog:
    """The traces of one function, for whoever asks why there are so many."""

    def __init__(self) -> None:
        self._notes: list[_Note] = []

    def add(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        names: Sequence[str],
        where: str,
        remark: str = "",
    ) -> None:
        """Note a trace by its arguments, in which specs stand for tensors.

        Args:
            args: positional arguments.
            kwargs: keyword arguments.
            names: names of the positional arguments.
            where: line of the call.
            remark: what is special about the trace.
        """
        found: dict[str, str] = {}
        for i, value in enumerate(args):
            _describe(names[i] if i < len(names) else f"args[{i - len(names)}]", value, found)
        for key, value in kwargs.items():
            _describe(key, value, found)
        if len(self._notes) < _LARGEST_LOG:
            self._notes.append(_Note(found, where, remark))

    def reason(self, number: int = -1) -> str:
        """What made a trace new, against the earlier trace that is most like it."""
        notes = self._notes
        number = number % len(notes)
        note = notes[number]
        if number == 0:
            return "the first call"
        changes = min((_changes(before, note) for before in notes[:number]), key=len)
        if not changes:
            return "an object that is not the one of an earlier call"
        return "; ".join(changes) + (f" ({note.remark})" if note.remark else "")

    def drop_last(self) -> None:
        """Forget the trace noted last: it failed."""
        self._notes.pop()

    def text(self, name: str) -> str:
        """All traces, one a line."""
        if not self._notes:
            return f"{name} was not traced yet"
        count = len(self._notes)
        lines = [f"{name} was traced {count} time{'s' if count > 1 else ''}:"]
        for i, note in enumerate(self._notes):
            place = f" (called at {note.where})" if note.where else ""
            lines.append(f"  {i + 1}. {self.reason(i)}{place}")
        return "\n".join(lines)


def _describe(path: str, value: Any, found: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _describe(f"{path}[{key!r}]", item, found)
    elif nest.is_nested(value) and isinstance(value, (list, tuple)):
        found[path] = type(value).__name__
        for i, item in enumerate(value):
            _describe(f"{path}[{i}]", item, found)
    else:
        found[path] = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, TensorSpec):
        shape = value.shape
        sizes = (
            "[...]"
            if shape.rank is None
            else f"[{', '.join('?' if n is None else str(n) for n in shape.as_list())}]"
        )
        return f"{value.dtype.name}{sizes}"
    if isinstance(value, TypeSpec):
        return repr(value)
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
        text = repr(value)
        return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
    if isinstance(value, TensorLike):
        return f"variable {getattr(value, 'name', '')!r} at 0x{id(value):x}"
    return f"{type(value).__name__} object at 0x{id(value):x}"


def _changes(before: _Note, after: _Note) -> list[str]:
    changes = []
    for path, text in after.arguments.items():
        old = before.arguments.get(path)
        if old is None:
            changes.append(f"argument {path!r} was not there, is {text}")
        elif old != text:
            changes.append(f"argument {path!r} was {old}, is {text}")
    changes += [
        f"argument {path!r} was {old}, is not there"
        for path, old in before.arguments.items()
        if path not in after.arguments
    ]
    return changes
