"""Many serialized `Example` messages at once: one column of values per feature.

The bytes that every writer makes (one map of features, key before value, one packed list) are
found by numpy for all messages together. A message that is written in another way is parsed as
protobuf says, and written anew in that form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import DataLossError
from penstock.wire import protos
from penstock.wire.example_forms import EvenColumn, even_columns, find_by_form
from penstock.wire.example_places import (
    ABSENT,
    BYTES,
    FLOATS,
    INTEGERS,
    KEY,
    VALUE,
    Integers,
    Places,
    UnreadableExampleError,
    length_at,
    usual_places,
    varints,
)
from penstock.wire.tensors import as_objects

_KIND_NAMES: Final = {"bytes_list": BYTES, "float_list": FLOATS, "int64_list": INTEGERS}
_LISTS: Final = {BYTES: "BytesList", FLOATS: "FloatList", INTEGERS: "Int64List"}
# Below this many messages a loop is quicker than numpy's calls.
_FEW: Final = 12
_PAD: Final = bytes(8)  # so that numbers may be read behind the last byte
_LONGEST: Final = 10  # bytes of a number of 64 bits
_WHOLE: Final = (1 << 64) - 1
# Packed numbers of at most so many bytes are read in a loop.
_SHORT: Final = 64
# Stretches that are shorter on average are copied byte by byte, all together.
_SHORT_PIECE: Final = 24


@dataclass(slots=True)
class Column:
    """Where each message has the values of one feature.

    `kinds` [n] tells what list it is, `starts` and `ends` where the list lies in `data`.
    """

    data: bytes
    kinds: NDArray[np.int8]
    starts: Integers
    ends: Integers

    def values(self, kind: int) -> tuple[NDArray[Any], Integers]:
        """All values one after the other, and how many each message has."""
        if kind == FLOATS:
            return self.floats()
        return self.integers() if kind == INTEGERS else self.strings()

    def floats(self) -> tuple[NDArray[np.float32], Integers]:
        """All numbers one after the other, and how many each message has."""
        raw, lengths = self._packed(FLOATS, 4)
        return raw.view("<f4"), lengths // 4

    def integers(self) -> tuple[Integers, Integers]:
        """All numbers one after the other, and how many each message has."""
        raw, lengths = self._packed(INTEGERS, 1)
        last = raw < 0x80
        if last.all():
            return raw.astype(np.int64), lengths
        ends = np.cumsum(lengths)
        done = np.concatenate(([0], np.cumsum(last)))
        if not last[ends[lengths > 0] - 1].all():
            index = int(np.flatnonzero((lengths > 0) & ~last[ends - 1])[0])
            raise UnreadableExampleError(index)
        return varints(raw, last, ends), done[ends] - done[ends - lengths]

    def strings(self) -> tuple[NDArray[np.object_], Integers]:
        """All strings one after the other, and how many each message has."""
        view = np.frombuffer(self.data, np.uint8)
        here = (self.kinds == BYTES) & (self.starts < self.ends)
        starts = np.where(here, self.starts, 0)
        sizes, begins = _lengths(view, np.minimum(starts + 1, len(view) - 1))
        single = here & (view[starts] == KEY) & (begins + sizes == self.ends)
        data = self.data
        if single.all():
            places = zip(begins.tolist(), self.ends.tolist(), strict=True)
            return as_objects([data[start:end] for start, end in places]), here.astype(np.int64)
        values: list[bytes] = []
        counts = np.zeros(len(here), np.int64)
        for i in np.flatnonzero(here).tolist():
            found = _strings(data, int(self.starts[i]), int(self.ends[i]), i)
            counts[i] = len(found)
            values.extend(found)
        return as_objects(values), counts

    def _packed(self, kind: int, unit: int) -> tuple[NDArray[np.uint8], Integers]:
        """The packed numbers of all messages as bytes, and how many bytes each has."""
        view = np.frombuffer(self.data, np.uint8)
        here = self.kinds == kind
        some = here & (self.starts < self.ends)
        starts = np.where(some, self.starts, 0)
        sizes, begins = _lengths(view, np.minimum(starts + 1, len(view) - 1))
        usual = (view[starts] == KEY) & (begins + sizes == self.ends) & (sizes % unit == 0)
        begins = np.where(some, begins, 0)
        sizes = np.where(some, sizes, 0)
        unusual = np.flatnonzero(some & ~usual).tolist()
        if not unusual:
            return _joined(self.data, begins, sizes), sizes
        sizes[unusual] = 0
        pieces = _slices(self.data, begins, sizes)
        for i in unusual:
            # A writer may also send the numbers one by one, or in several pieces.
            pieces[i] = _repacked(self.data[self.starts[i] : self.ends[i]], kind, i)
            sizes[i] = len(pieces[i])
        return np.frombuffer(b"".join(pieces), np.uint8), sizes


def _slices(data: bytes, begins: Integers, sizes: Integers) -> list[bytes]:
    ends = (begins + sizes).tolist()
    return [data[begin:end] for begin, end in zip(begins.tolist(), ends, strict=True)]


def _joined(data: bytes, begins: Integers, sizes: Integers) -> NDArray[np.uint8]:
    """Stretches of `data` one after the other."""
    width = int(sizes.max(initial=0))
    total = int(sizes.sum())
    if total == 0:
        return np.zeros(0, np.uint8)
    if total == width * len(sizes):
        # Items of that size at every byte: numpy copies each as a whole.
        items: Any = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
        return items[begins].view(np.uint8)  # type: ignore[no-any-return]
    if total <= _SHORT_PIECE * len(sizes):
        places = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(total)
        return np.frombuffer(data, np.uint8).take(places)
    return np.frombuffer(b"".join(_slices(data, begins, sizes)), np.uint8)


def _few_varints(packed: bytes) -> list[int]:
    """The same as `varints`, in a loop."""
    values = []
    value = shift = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if shift > 7 * _LONGEST:
                raise UnreadableExampleError(0)
            value &= _WHOLE
            values.append(value - (value >> 63 << 64))
            value = shift = 0
    if shift:
        raise UnreadableExampleError(0)
    return values


def _strings(data: bytes, start: int, end: int, index: int) -> list[bytes]:
    """The strings of a list."""
    values = []
    while start < end:
        found = length_at(data, start + 1, end) if data[start] == KEY else None
        if found is None or found[0] + found[1] > end:
            # A field that is not known stands among the strings.
            return list(_parsed(protos.BytesList, data[start:end], index).value)
        stop = found[1] + found[0]
        values.append(data[found[1] : stop])
        start = stop
    return values


def _repacked(data: bytes, kind: int, index: int) -> bytes:
    """The packed numbers of a list in any form."""
    message = _parsed(getattr(protos, _LISTS[kind]), data, index)
    packed = message.SerializeToString()
    if not packed:
        return b""
    found = length_at(packed, 1, len(packed))
    assert found is not None
    return packed[found[1] :]  # type: ignore[no-any-return]


def _parsed(kind: Any, data: bytes, index: int) -> Any:
    try:
        return protos.parse(kind, data, "example")
    except DataLossError:
        raise UnreadableExampleError(index) from None


def read_columns(
    messages: Sequence[bytes], names: Sequence[bytes]
) -> list[Column] | list[EvenColumn]:
    """Find features in messages.

    Args:
        messages: serialized `Example` messages.
        names: names of the features.

    Raises:
        UnreadableExampleError: one is no `Example`; the values are read when they are asked
            for, which can raise it too.
    """
    if len(messages) <= _FEW:
        return _find_in_few(messages, names)
    return _find_in_many(messages, names)


# -- one by one -------------------------------------------------------------------------------


def _find_in_few(messages: Sequence[bytes], names: Sequence[bytes]) -> list[Column]:
    count = len(messages)
    places = np.zeros((len(names), 3, count), np.int64)
    kept = []
    offset = 0
    for i, message in enumerate(messages):
        data, found = find(message, i)
        for number, name in enumerate(names):
            place = found.get(name)
            if place is not None:
                kind, start, end = place
                places[number, :, i] = kind, start + offset, end + offset
        kept.append(data)
        offset += len(data)
    joined = b"".join((*kept, _PAD))
    return [
        Column(joined, kinds.astype(np.int8), starts, ends) for kinds, starts, ends in places
    ]


def find(message: bytes, index: int = 0) -> tuple[bytes, Places]:
    """Kind, start and end of each feature of one message, and the bytes that these count in.

    Raises:
        UnreadableExampleError: it is no `Example`; `index` is its number.
    """
    places = usual_places(message)
    if places is None:
        message, found = _rewritten(message, index)
        places = {name: (kind, start, end) for name, kind, start, end in found}
    return message, places


def values_at(data: bytes, place: tuple[int, int, int]) -> NDArray[Any]:
    """The values of one feature that `find` found.

    Raises:
        UnreadableExampleError: its list is malformed.
    """
    kind, start, end = place
    if kind == BYTES:
        return as_objects(_strings(data, start, end, 0))
    if start == end:
        return np.zeros(0, np.float32 if kind == FLOATS else np.int64)
    found = length_at(data, start + 1, end) if data[start] == KEY else None
    usual = found is not None and found[0] + found[1] == end
    if kind == FLOATS:
        if usual and not found[0] % 4:  # type: ignore[index]
            # Cut out, so that the numbers are aligned.
            return np.frombuffer(data[found[1] : end], "<f4")  # type: ignore[index]
        return np.frombuffer(_repacked(data[start:end], kind, 0), "<f4")
    packed = data[found[1] : end] if usual else _repacked(data[start:end], kind, 0)  # type: ignore[index]
    if len(packed) <= _SHORT:
        return np.array(_few_varints(packed), np.int64)
    raw = np.frombuffer(packed, np.uint8)
    last = raw < 0x80
    if not last[-1]:
        raise UnreadableExampleError(0)
    return varints(raw, last, np.array([len(raw)]))


def _rewritten(message: bytes, index: int) -> tuple[bytes, list[tuple[bytes, int, int, int]]]:
    """The lists of a message in any form, and where they lie."""
    parsed = _parsed(protos.RawExample, message, index)
    parts: list[bytes] = []
    places = []
    offset = 0
    for name, feature in parsed.features.feature.items():
        which = feature.WhichOneof("kind")
        kind = _KIND_NAMES.get(which or "", ABSENT)
        part = b""
        if which is not None:
            part = getattr(feature, which)
            part = part if isinstance(part, bytes) else part.SerializeToString()
        places.append((name.encode(), kind, offset, offset + len(part)))
        parts.append(part)
        offset += len(part)
    return b"".join(parts), places


# -- all together -----------------------------------------------------------------------------


def _find_in_many(
    messages: Sequence[bytes], names: Sequence[bytes]
) -> list[Column] | list[EvenColumn]:
    count = len(messages)
    data = b"".join((*messages, _PAD))
    sizes = np.fromiter(map(len, messages), np.int64, count)
    if (sizes == sizes[0]).all():
        even = even_columns(messages, data, names)
        if even is not None:
            return even
    ends = np.cumsum(sizes)
    starts = ends - sizes
    alike = find_by_form(messages, data, starts, sizes)
    others = np.ones(count, np.bool_)
    for rows, _ in alike:
        others[rows] = False
    remaining = np.flatnonzero(others)
    view = np.frombuffer(data, np.uint8)
    owners, begins, stops, unusual = _entries(view, starts[remaining], ends[remaining])
    entry = _Entries(view, begins, stops)
    unusual[owners[~entry.usual]] = True
    owners = remaining[owners]
    extra: list[bytes] = []
    rewritten = _rewrite(messages, remaining[unusual].tolist(), len(data), extra)
    if extra:
        data = b"".join((data, *extra))
    columns = []
    for name in names:
        kinds = np.zeros(count, np.int8)
        at = np.zeros(count, np.int64)
        to = np.zeros(count, np.int64)
        chosen = entry.named(name)
        # Of equal names the last one counts: it is assigned last.
        rows = owners[chosen]
        kinds[rows] = entry.kinds[chosen]
        at[rows] = entry.starts[chosen]
        to[rows] = stops[chosen]
        for rows, form in alike:
            kind, start, end = form.places.get(name, (ABSENT, 0, 0))
            kinds[rows] = kind
            at[rows] = starts[rows] + start
            to[rows] = starts[rows] + end
        for row, places in rewritten.items():
            kinds[row], at[row], to[row] = places.get(name, (ABSENT, 0, 0))
        columns.append(Column(data, kinds, at, to))
    return columns


def _rewrite(
    messages: Sequence[bytes], rows: list[int], offset: int, extra: list[bytes]
) -> dict[int, dict[bytes, tuple[int, int, int]]]:
    """Places of the features of unusual messages, whose lists are added to `extra`."""
    found = {}
    for row in rows:
        part, places = _rewritten(messages[row], row)
        found[row] = {
            name: (kind, start + offset, end + offset) for name, kind, start, end in places
        }
        extra.append(part)
        offset += len(part)
    return found


def _lengths(view: NDArray[np.uint8], at: Integers) -> tuple[Integers, Integers]:
    """Lengths of at most four bytes, and the positions behind; -1 for longer ones."""
    byte = view[at]
    if (byte < 0x80).all():
        return byte.astype(np.int64), at + 1
    value = (byte & 0x7F).astype(np.int64)
    more = byte >= 0x80
    position = at + 1
    for shift in (7, 14, 21):
        byte = view[np.minimum(position, len(view) - 1)]
        value |= np.where(more, (byte & 0x7F).astype(np.int64) << shift, 0)
        position += more
        more &= byte >= 0x80
        if not more.any():
            return value, position
    return np.where(more, -1, value), position


def _entries(
    view: NDArray[np.uint8], starts: Integers, ends: Integers
) -> tuple[Integers, Integers, Integers, NDArray[np.bool_]]:
    """Owner, begin and end of each entry of the maps, and which messages are unusual."""
    length, position = _lengths(view, np.minimum(starts + 1, len(view) - 1))
    empty = starts == ends
    unusual = ((view[starts] != KEY) | (position + length != ends)) & ~empty
    position = np.where(unusual | empty, ends, position)
    owners, begins, stops = [], [], []
    while True:
        active = np.flatnonzero(position < ends)
        if not len(active):
            break
        at, limit = position[active], ends[active]
        length, begin = _lengths(view, at + 1)
        stop = begin + length
        good = (view[at] == KEY) & (length >= 0) & (stop <= limit)
        if good.all():
            position[active] = stop
        else:
            unusual[active[~good]] = True
            position[active] = np.where(good, stop, limit)
            active, begin, stop = active[good], begin[good], stop[good]
        owners.append(active)
        begins.append(begin)
        stops.append(stop)
    if not owners:
        none = np.zeros(0, np.int64)
        return none, none, none, unusual
    return np.concatenate(owners), np.concatenate(begins), np.concatenate(stops), unusual


class _Entries:
    """Entries of the maps of many messages: their keys and where their lists lie."""

    def __init__(self, view: NDArray[np.uint8], begins: Integers, stops: Integers) -> None:
        self._view = view
        last = len(view) - 1
        self._sizes, self._keys = _lengths(view, np.minimum(begins + 1, last))
        after = np.minimum(self._keys + np.maximum(self._sizes, 0), last)
        length, value = _lengths(view, np.minimum(after + 1, last))
        usual = (view[begins] == KEY) & (self._sizes >= 0) & (after < stops)
        usual &= (view[after] == VALUE) & (value + length == stops)
        absent = value == stops
        value = np.minimum(value, last)
        tag = view[value]
        length, self.starts = _lengths(view, np.minimum(value + 1, last))
        kind = tag >> 3
        whole = (tag & 7 == 2) & (kind >= BYTES) & (kind <= INTEGERS)
        whole &= self.starts + length == stops
        self.usual = usual & (absent | whole)
        self.kinds = np.where(absent, ABSENT, kind).astype(np.int8)
        self._by_size: dict[int, tuple[Integers, NDArray[np.uint8]]] = {}

    def named(self, name: bytes) -> Integers:
        """Numbers of the entries of a name, rising."""
        size = len(name)
        if size not in self._by_size:
            chosen = np.flatnonzero((self._sizes == size) & self.usual)
            letters = self._view[self._keys[chosen][:, None] + np.arange(size)]
            self._by_size[size] = chosen, letters
        chosen, letters = self._by_size[size]
        return chosen[(letters == np.frombuffer(name, np.uint8)).all(1)]
