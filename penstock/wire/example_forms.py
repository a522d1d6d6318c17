"""Serialized `Example` messages of one form: of one size, and equal but for their values.

Whoever writes many examples mostly writes the same features in the same order. Then one message
tells where all others have their values: their bytes are rows of a table, whose columns are
either equal everywhere or values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.wire.example_places import (
    ABSENT,
    BYTES,
    FLOATS,
    INTEGERS,
    KEY,
    Integers,
    Places,
    UnreadableExampleError,
    length_at,
    usual_places,
    varints,
)
from penstock.wire.tensors import as_objects

Table = NDArray[np.uint8]

# So many messages of one size are worth a look for a form, and so many forms are tried.
_WORTHWHILE: Final = 48
_FORMS: Final = 6
# Rows of at most so many bytes are compared as a whole.
_SHORT_ROW: Final = 1024


@dataclass(slots=True)
class Form:
    """Where messages of one form have their lists.

    `places` is what the message told that it was taken from; `values` has for each list that is
    one packed piece, or one string, where that lies.
    """

    size: int
    places: Places
    values: dict[bytes, tuple[int, int]]

    @classmethod
    def of(cls, message: bytes) -> Form | None:
        """The form of a message; None for one that is not written as usual."""
        places = usual_places(message)
        if places is None:
            return None
        values = {}
        for name, (kind, start, end) in places.items():
            if start == end:
                values[name] = start, end
                continue
            found = length_at(message, start + 1, end) if message[start] == KEY else None
            if found is not None and sum(found) == end and (kind != FLOATS or not found[0] % 4):
                values[name] = found[1], end
        return cls(len(message), places, values)

    def matching(self, table: Table, model: bytes) -> NDArray[np.bool_] | None:
        """Which rows have the form of the message that it was taken from; None for all."""
        like = np.frombuffer(model, np.uint8)
        if self.size <= _SHORT_ROW:
            mask = np.zeros(self.size, np.uint8)
            for begin, end in self._fixed():
                mask[begin:end] = 0xFF
            differing = table ^ like
            differing &= mask
            return None if not differing.any() else np.logical_not(differing.any(1))
        same: NDArray[np.bool_] | None = None
        for begin, end in self._fixed():
            equal = table[:, begin:end] == like[begin:end]
            if not equal.all():
                rows = equal.all(1)
                same = rows if same is None else same & rows
        return same

    def _fixed(self) -> list[tuple[int, int]]:
        """Stretches that hold no values."""
        gaps = sorted(
            self.values.get(name, (start, end)) for name, (_, start, end) in self.places.items()
        )
        starts = [0, *(end for _, end in gaps)]
        ends = [*(start for start, _ in gaps), self.size]
        return [pair for pair in zip(starts, ends, strict=True) if pair[0] < pair[1]]


@dataclass(slots=True)
class EvenColumn:
    """One feature of messages that all have one form; `start` and `end` are its values'."""

    data: bytes
    table: Table
    kind: int
    start: int
    end: int

    @property
    def kinds(self) -> NDArray[np.int8]:
        """What list each message has."""
        return np.full(len(self.table), self.kind, np.int8)

    def values(self, kind: int) -> tuple[NDArray[Any], Integers]:
        """All values one after the other, and how many each message has."""
        if kind == FLOATS:
            return self.floats()
        return self.strings() if kind == BYTES else self.integers()

    def floats(self) -> tuple[NDArray[np.float32], Integers]:
        """All numbers one after the other, and how many each message has."""
        raw = self._bytes(FLOATS)
        return raw.reshape(-1).view("<f4"), np.full(len(self.table), raw.shape[1] // 4)

    def integers(self) -> tuple[Integers, Integers]:
        """All numbers one after the other, and how many each message has."""
        raw = self._bytes(INTEGERS)
        last = raw < 0x80
        flat = raw.reshape(-1)
        if last.all():
            return flat.astype(np.int64), np.full(len(raw), raw.shape[1])
        if not last[:, -1].all():
            raise UnreadableExampleError(int(last[:, -1].argmin()))
        ends = np.arange(1, len(raw) + 1) * raw.shape[1]
        return varints(flat, last.reshape(-1), ends), last.sum(1)

    def strings(self) -> tuple[NDArray[np.object_], Integers]:
        """All strings one after the other, and how many each message has."""
        count, size = self.table.shape
        if self.kind != BYTES or self.start == self.end:
            return as_objects([]), np.zeros(count, np.int64)
        data = self.data
        starts = range(self.start, count * size, size)
        ends = range(self.end, count * size + 1, size)
        pairs = zip(starts, ends, strict=True)
        return as_objects([data[start:end] for start, end in pairs]), np.ones(count, np.int64)

    def _bytes(self, kind: int) -> Table:
        if kind != self.kind:
            return np.zeros((len(self.table), 0), np.uint8)
        return np.ascontiguousarray(self.table[:, self.start : self.end])


def even_columns(
    messages: Sequence[bytes], data: bytes, names: Sequence[bytes]
) -> list[EvenColumn] | None:
    """The features of messages that all have one form; None where they do not.

    Args:
        messages: of one size, at least one.
        data: their bytes, one after the other, and perhaps more.
        names: names of the features.
    """
    model = messages[0]
    form = Form.of(model) if model else None
    if form is None or any(_is_uneven(form, name) for name in names):
        return None
    count = len(messages)
    table = np.frombuffer(data, np.uint8, count * form.size).reshape(count, form.size)
    if form.matching(table, model) is not None:
        return None
    columns = []
    for name in names:
        kind = form.places.get(name, (ABSENT, 0, 0))[0]
        columns.append(EvenColumn(data, table, kind, *form.values.get(name, (0, 0))))
    return columns


def _is_uneven(form: Form, name: bytes) -> bool:
    """Whether the values of a feature do not lie in one place of their own."""
    place, values = form.places.get(name), form.values.get(name)
    if place is None:
        return False
    # The one string of a list may be empty.
    return values is None or (values[0] == values[1] and place[1] != place[2])


def find_by_form(
    messages: Sequence[bytes], data: bytes, starts: Integers, sizes: Integers
) -> list[tuple[Integers, Form]]:
    """Groups of messages of one form, by their numbers, with the form."""
    groups: list[tuple[Integers, Form]] = []
    order = np.argsort(sizes, kind="stable")
    ordered = sizes[order]
    begins = np.concatenate(([0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1))
    ends = np.append(begins[1:], len(sizes))
    for group in np.flatnonzero(ends - begins >= _WORTHWHILE).tolist():
        rows = order[begins[group] : ends[group]]
        groups.extend(_forms_of(messages, data, rows, starts))
    return groups


def _forms_of(
    messages: Sequence[bytes], data: bytes, rows: Integers, starts: Integers
) -> Iterator[tuple[Integers, Form]]:
    """Groups among messages of one size."""
    size = len(messages[int(rows[0])])
    if size == 0:
        return
    # Items of that size at every byte: numpy copies each as a whole.
    items: Any = np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))
    table = items[starts[rows]].view(np.uint8).reshape(-1, size)
    for _ in range(_FORMS):
        model = messages[int(rows[0])]
        form = Form.of(model)
        if form is None:
            return
        same = form.matching(table, model)
        if same is None:
            yield rows, form
            return
        yield rows[same], form
        rows, table = rows[~same], table[~same]
        if len(rows) < _WORTHWHILE:
            return
