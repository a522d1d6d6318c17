"""The structure of an HDF5 file: groups, datasets and attributes, and that they can be.

The library that reads these files believes what they say about themselves: lists that come
back to their start, and sizes that were never written, make it run or allocate without end.
Everything that it would follow is followed here first, with every length checked.

Source: HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from penstock.wire.hdf5 import groups, layouts
from penstock.wire.hdf5.checksum import lookup3
from penstock.wire.hdf5.element_types import read_shape, read_type
from penstock.wire.hdf5.object_headers import Kind, Message, read_messages, read_shared
from penstock.wire.hdf5.source import Cursor, Source, UnfamiliarError

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_MAX_LINKS: Final = 1 << 20
_MAX_NAME_BYTES: Final = 1 << 16
_SIZES: Final = (2, 4, 8)
_ELSEWHERE: Final = "links to another file, not read"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset; `stored_bytes` is what it takes in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    itemsize: int
    stored_bytes: int = 0
    note: str = ""


@dataclass(slots=True)
class Structure:
    """What a file holds: attributes of its root that are texts, and all datasets."""

    attributes: dict[str, str] = field(default_factory=dict)
    datasets: list[Dataset] = field(default_factory=list)


def read_structure(file: BinaryIO, what: str) -> Structure:
    """Read the structure of a file, and check it.

    Args:
        file: where to read; its values are not read.
        what: how errors call it.

    Raises:
        DataLossError: it is damaged.
        UnfamiliarError: it uses forms that are not known here.
    """
    source = Source(file, what)
    return _Walk(source).run(_root(source))


def _root(source: Source) -> int | None:
    """Address of the root group."""
    head = source.signed(0, 12, _SIGNATURE, "its head")
    version = head.number(1)
    if version in (0, 1):
        return _old_root(source, version)
    if version not in (2, 3):
        raise source.fail(f"its head has the version {version}")
    _take_sizes(source, head.number(1), head.number(1))
    size = 12 + 4 * source.address_bytes
    body = source.cursor(12, size - 12, "its head")
    base, extension, end, root = (body.address() for _ in range(4))
    stored = int.from_bytes(source.read(size, 4, "its head"), "little")
    if lookup3(source.read(0, size, "its head")) != stored:
        raise source.fail("its head does not agree with its checksum")
    if base or extension is not None:
        raise UnfamiliarError("files inside of others, and extended heads")
    _check_end(source, end)
    return root


def _old_root(source: Source, version: int) -> int | None:
    head = source.cursor(12, 12, "its head")
    head.take(1)
    _take_sizes(source, head.number(1), head.number(1))
    head.take(1)
    if 0 in (head.number(2), head.number(2)):
        raise source.fail("its head tells of nodes without entries")
    start = 24 if version == 0 else 28
    width = source.address_bytes
    body = source.cursor(start, 6 * width, "its head")
    base, free, end, driver, _, root = (body.address() for _ in range(6))
    if base or free is not None or driver is not None:
        raise UnfamiliarError("files inside of others, and drivers")
    _check_end(source, end)
    return root


def _take_sizes(source: Source, address_bytes: int, length_bytes: int) -> None:
    if address_bytes not in _SIZES or length_bytes not in _SIZES:
        raise source.fail(f"addresses of {address_bytes} and lengths of {length_bytes} bytes")
    source.address_bytes, source.length_bytes = address_bytes, length_bytes


def _check_end(source: Source, end: int | None) -> None:
    if end is None or end > source.size:
        raise source.fail(f"it must have {end} bytes, got {source.size}")


class _Walk:
    """Visits every object that can be reached from the root."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found = Structure()
        self._links = 0
        self._heaps: dict[int, dict[int, bytes]] = {}

    def run(self, root: int | None) -> Structure:
        """Visit all objects."""
        waiting: list[tuple[int | None, str]] = [(root, "")]
        groups_seen: set[int | None] = set()
        datasets: dict[int | None, Dataset] = {}
        while waiting:
            address, name = waiting.pop()
            if address in groups_seen:
                continue
            if address in datasets:
                self._add(datasets[address], name)
                continue
            messages = read_messages(self._source, address)
            self._read_attributes(messages, is_root=name == "")
            if any(message.kind == Kind.LAYOUT for message in messages):
                datasets[address] = self._dataset(messages)
                self._add(datasets[address], name)
                continue
            groups_seen.add(address)
            prefix = f"{name}/" if name else ""
            for link in self._links_of(messages):
                self._count(prefix, link.name)
                full = f"{prefix}{link.name}"
                if link.address is not None:
                    waiting.append((link.address, full))
                elif link.is_external:
                    self._found.datasets.append(Dataset(full, "?", (), 0, 0, _ELSEWHERE))
        self._found.datasets.sort(key=lambda dataset: dataset.name)
        return self._found

    def _count(self, prefix: str, name: str) -> None:
        self._links += 1
        if self._links > _MAX_LINKS or len(prefix) + len(name) > _MAX_NAME_BYTES:
            raise self._source.fail("it has too many names, or too long ones")
        if not name or "/" in name:
            raise self._source.fail(f"a link has the name {name!r}")

    def _add(self, found: Dataset, name: str) -> None:
        self._found.datasets.append(replace(found, name=name))

    def _links_of(self, messages: list[Message]) -> Iterator[groups.Link]:
        for kind, body in messages:
            if kind == Kind.SYMBOL_TABLE:
                tree, heap = body.address(), body.address()
                yield from groups.symbol_table_links(self._source, tree, heap)
            elif kind == Kind.LINK:
                yield groups.message_link(self._source, body)
            elif kind == Kind.LINK_INFO:
                groups.check_link_info(self._source, body)

    def _dataset(self, messages: list[Message]) -> Dataset:
        source = self._source
        # The last of several messages of a kind is the one in force for no reader: refuse.
        bodies = layouts.only_one_each(source, messages)
        shape = read_shape(source, bodies[Kind.DATASPACE])
        kind = read_type(source, bodies[Kind.DATATYPE])
        if Kind.EXTERNAL_FILES in bodies:
            note, stored = _ELSEWHERE, 0
        else:
            note, stored = layouts.check_layout(source, bodies, shape, kind.size)
        return Dataset("", str(kind.dtype), shape or (), kind.size, stored, note)

    # -- attributes ---

    def _read_attributes(self, messages: list[Message], *, is_root: bool) -> None:
        for kind, body in messages:
            if kind == Kind.ATTRIBUTE_INFO:
                groups.check_attribute_info(self._source, body)
            elif kind == Kind.ATTRIBUTE:
                name, text = self._attribute(body)
                if is_root and text is not None:
                    self._found.attributes[name] = text

    def _attribute(self, body: Cursor) -> tuple[str, str | None]:
        """Name, and the value where it is one text."""
        source = self._source
        version, flags = body.number(1), body.number(1)
        if version not in (1, 2, 3):
            raise source.fail(f"an attribute has the version {version}")
        sizes = [body.number(2) for _ in range(3)]
        body.take(1 if version == 3 else 0)
        parts = []
        for size in sizes:
            parts.append(body.sub(size))
            if version == 1:
                body.take(-size % 8)
        name = parts[0].text().decode("utf-8", "replace")
        if version > 1 and flags & 1:
            parts[1] = read_shared(source, parts[1], Kind.DATATYPE).body
        if version > 1 and flags & 2:
            parts[2] = read_shared(source, parts[2], Kind.DATASPACE).body
        kind, shape = read_type(source, parts[1]), read_shape(source, parts[2])
        count = math.prod(shape) if shape is not None else 0
        values = body.sub(count * kind.size)
        if kind.is_sequence:
            texts = [self._sequence(values) for _ in range(count)]
            return name, _text(texts[0]) if kind.is_text and shape == () else None
        if kind.is_text and shape == ():
            return name, _text(values.take(kind.size).rstrip(b"\0"))
        return name, None

    def _sequence(self, values: Cursor) -> bytes:
        """One value that lies in a heap of the file."""
        length, address, index = values.number(4), values.address(), values.number(4)
        if not address or not length:
            return b""
        if address not in self._heaps:
            self._heaps[address] = layouts.read_collection(self._source, address)
        data = self._heaps[address].get(index)
        if data is None or length > len(data):
            raise self._source.fail(f"a text lies at {index} of the heap at {address}")
        return data[:length]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
