"""Links of groups: in tables with trees and heaps, or in messages of their own.

Source: HDF5 File Format Specification 3.0, III.A.1, III.B to III.D, IV.A.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from penstock.wire.hdf5.source import Cursor, Source, UnfamiliarError

_MAX_LEVEL: Final = 64
_NO_FREE_BLOCK: Final = 1
_SOFT, _EXTERNAL = 1, 64


class Link(NamedTuple):
    """A name in a group: the object's address, None for one that is elsewhere."""

    name: str
    address: int | None
    is_external: bool = False


def tree_leaves(
    source: Source, address: int | None, kind: int, key_bytes: int
) -> Iterator[tuple[int | None, bytes]]:
    """Yield children of the lowest nodes of a tree of the first version, and their keys.

    Raises:
        DataLossError: nodes are damaged, or lead back to those before them.
    """
    waiting: list[tuple[int | None, int | None]] = [(address, None)]
    seen: set[int | None] = set()
    head_bytes = 8 + 2 * source.address_bytes
    while waiting:
        place, expected = waiting.pop()
        if place in seen:
            raise source.fail(f"the tree at {address} comes back to {place}")
        seen.add(place)
        head = source.signed(place, head_bytes, b"TREE", "a tree")
        found, level, count = head.number(1), head.number(1), head.number(2)
        if found != kind or level > _MAX_LEVEL or expected not in (None, level):
            raise source.fail(f"the node at {place} is of kind {found} and level {level}")
        assert place is not None
        # A reader that follows siblings must come to an end too.
        for sibling in (head.address(), head.address()):
            if sibling is not None:
                source.check(sibling, head_bytes, "a node")
                if sibling == place:
                    raise source.fail(f"the node at {place} is beside itself")
        size = count * (key_bytes + source.address_bytes) + key_bytes
        body = source.cursor(place + head_bytes, size, "a node")
        for _ in range(count):
            key, child = body.take(key_bytes), body.address()
            if level:
                waiting.append((child, level - 1))
            else:
                yield child, key


def symbol_table_links(
    source: Source, tree: int | None, heap_address: int | None
) -> Iterator[Link]:
    """Yield the links of a group that has a tree and a heap.

    Raises:
        DataLossError: either is damaged.
    """
    heap = read_heap(source, heap_address)
    entry_bytes = 2 * source.address_bytes + 24
    for child, _ in tree_leaves(source, tree, 0, source.length_bytes):
        head = source.signed(child, 8, b"SNOD", "a node of symbols")
        version, _, count = head.number(1), head.number(1), head.number(2)
        if version != 1:
            raise source.fail(f"the node of symbols at {child} has the version {version}")
        assert child is not None
        entries = source.cursor(child + 8, count * entry_bytes, "a node of symbols")
        for _ in range(count):
            offset, address = entries.number(source.address_bytes), entries.address()
            kind = entries.number(4)
            entries.take(4)
            scratch = entries.sub(16)
            name = _name(source, heap, offset)
            if kind == 1:
                _check_cached(source, scratch)
            if kind == 2:
                _name(source, heap, scratch.number(4))
                yield Link(name, None)
            elif kind in (0, 1):
                yield Link(name, source.check(address, 1, f"the object '{name}'"))
            else:
                raise source.fail(f"the symbol '{name}' is of kind {kind}")


def _check_cached(source: Source, scratch: Cursor) -> None:
    """The addresses that an entry repeats of its group must lead into the file."""
    for part in ("a tree", "a heap"):
        source.check(scratch.address(), 8, part)


def _name(source: Source, heap: bytes, offset: int) -> str:
    end = heap.find(b"\0", offset) if offset < len(heap) else -1
    if end < 0:
        raise source.fail(f"a name lies at {offset} of a heap of {len(heap)} bytes")
    return heap[offset:end].decode("utf-8", "backslashreplace")


def read_heap(source: Source, address: int | None) -> bytes:
    """The bytes of a heap of names.

    Raises:
        DataLossError: it is damaged, or its list of free blocks does not end.
    """
    head_bytes = 8 + 2 * source.length_bytes + source.address_bytes
    head = source.signed(address, head_bytes, b"HEAP", "a heap")
    version = head.number(1)
    head.take(3)
    if version:
        raise source.fail(f"the heap at {address} has the version {version}")
    size, free, place = head.length(), head.length(), head.address()
    data = source.read(place, size, "a heap")
    seen: set[int] = set()
    step = source.length_bytes
    while free not in (_NO_FREE_BLOCK, (1 << 8 * step) - 1):
        if free in seen or free + 2 * step > size:
            raise source.fail(f"the heap at {address} has free bytes at {free}")
        seen.add(free)
        block = int.from_bytes(data[free + step : free + 2 * step], "little")
        if block > size - free or block < 2 * step:
            raise source.fail(f"the heap at {address} has {block} free bytes at {free}")
        free = int.from_bytes(data[free : free + step], "little")
    return data


def message_link(source: Source, body: Cursor) -> Link:
    """The link that a message is.

    Raises:
        DataLossError: it is damaged.
    """
    version, flags = body.number(1), body.number(1)
    if version != 1:
        raise source.fail(f"a link has the version {version}")
    kind = body.number(1) if flags & 8 else 0
    body.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = body.take(body.number(1 << (flags & 3))).decode("utf-8", "backslashreplace")
    if kind == 0:
        return Link(name, source.check(body.address(), 1, f"the object '{name}'"))
    if kind not in (_SOFT, _EXTERNAL):
        raise UnfamiliarError(f"links of kind {kind}")
    body.take(body.number(2))
    return Link(name, None, kind == _EXTERNAL)


def check_link_info(source: Source, body: Cursor) -> None:
    """Links must not lie in a heap of their own, which is not known here.

    Raises:
        UnfamiliarError: they do.
        DataLossError: the message is damaged.
    """
    version, flags = body.number(1), body.number(1)
    if version:
        raise source.fail(f"a message about links has the version {version}")
    body.take(8 if flags & 1 else 0)
    if body.address() is not None:
        raise UnfamiliarError("links in a heap of their own")


def check_attribute_info(source: Source, body: Cursor) -> None:
    """Attributes must not lie in a heap of their own, which is not known here.

    Raises:
        UnfamiliarError: they do.
        DataLossError: the message is damaged.
    """
    version, flags = body.number(1), body.number(1)
    if version:
        raise source.fail(f"a message about attributes has the version {version}")
    body.take(2 if flags & 1 else 0)
    if body.address() is not None:
        raise UnfamiliarError("attributes in a heap of their own")
