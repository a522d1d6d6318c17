"""Where the values of datasets lie: in one piece, in chunks, or in heaps.

Source: HDF5 File Format Specification 3.0, III.A.1, III.E, IV.A.2.i.
"""

from __future__ import annotations

import math
from typing import Final

from penstock.wire.hdf5.groups import tree_leaves
from penstock.wire.hdf5.object_headers import Kind, Message
from penstock.wire.hdf5.source import Cursor, Source, UnfamiliarError

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_MAX_CHUNK_BYTES: Final = (1 << 32) - 1
_VIRTUAL_NOTE: Final = "made of other datasets, not read"
_NEEDED: Final = (Kind.DATASPACE, Kind.DATATYPE, Kind.LAYOUT)
_MAX_FILTERS: Final = 32


def only_one_each(source: Source, messages: list[Message]) -> dict[int, Cursor]:
    """The messages of a dataset by kind.

    Raises:
        DataLossError: one that describes it is missing or there twice.
    """
    bodies: dict[int, Cursor] = {}
    for kind, body in messages:
        if kind in bodies and kind in _NEEDED:
            raise source.fail(f"a dataset has two messages of kind {kind}")
        bodies[kind] = body
    for kind in _NEEDED:
        if kind not in bodies:
            raise source.fail(f"a dataset lacks the message {kind}")
    return bodies


def check_layout(
    source: Source, bodies: dict[int, Cursor], shape: tuple[int, ...] | None, itemsize: int
) -> tuple[str, int]:
    """A note, and how many bytes are stored.

    Raises:
        DataLossError: values must lie where the file has none.
        UnfamiliarError: chunks are found in a way that is not known here.
    """
    body = bodies[Kind.LAYOUT]
    size = math.prod(shape) * itemsize if shape is not None else 0
    if size >= 1 << 63:
        raise source.fail(f"a dataset of the shape {list(shape or ())} has {size} bytes")
    version = body.number(1)
    if version in (1, 2):
        raise UnfamiliarError("layouts of old versions")
    if version not in (3, 4):
        raise source.fail(f"a layout has the version {version}")
    kind = body.number(1)
    if kind == _COMPACT:
        stored = len(body.take(body.number(2)))
        return "", _enough(source, stored, size)
    if kind == _CONTIGUOUS:
        address, stored = body.address(), body.length()
        if address is None:
            return "", 0
        source.check(address, stored, "a dataset")
        return "", _enough(source, stored, size)
    if kind == _CHUNKED:
        _check_filters(source, bodies.get(Kind.FILTERS))
        if version == 4:
            raise UnfamiliarError("chunks of version 4")
        return "", _chunked(source, body, shape, itemsize, Kind.FILTERS in bodies)
    if kind == _VIRTUAL:
        return _VIRTUAL_NOTE, 0
    raise source.fail(f"a layout of kind {kind}")


def _enough(source: Source, stored: int, size: int) -> int:
    if stored < size:
        raise source.fail(f"a dataset must have {size} bytes, {stored} are stored")
    return stored


def _chunked(
    source: Source,
    body: Cursor,
    shape: tuple[int, ...] | None,
    itemsize: int,
    is_filtered: bool,
) -> int:
    """How many bytes the chunks of a dataset take, each of which must lie in the file."""
    rank = body.number(1)
    address = body.address()
    sizes = [body.number(4) for _ in range(rank)]
    if shape is None or rank != len(shape) + 1 or 0 in sizes or sizes[-1] != itemsize:
        raise source.fail(f"chunks of {sizes} for elements of {itemsize} bytes, {shape}")
    chunk_bytes = math.prod(sizes)
    if chunk_bytes > _MAX_CHUNK_BYTES:
        raise source.fail(f"chunks of {chunk_bytes} bytes")
    stored = 0
    if address is None:
        return stored
    for place, key in tree_leaves(source, address, 1, 8 + 8 * rank):
        size = int.from_bytes(key[:4], "little")
        if not is_filtered and size != chunk_bytes:
            raise source.fail(f"a chunk has {size} of {chunk_bytes} bytes")
        source.check(place, size, "a chunk")
        stored += size
    return stored


def _check_filters(source: Source, body: Cursor | None) -> None:
    if body is None:
        return
    version, count = body.number(1), body.number(1)
    if version not in (1, 2) or count > _MAX_FILTERS:
        raise source.fail(f"{count} filters of version {version}")
    body.take(6 if version == 1 else 0)
    for _ in range(count):
        number = body.number(2)
        name_bytes = body.number(2) if version == 1 or number >= 256 else 0
        body.take(2)
        values = body.number(2)
        body.take(name_bytes + (-name_bytes % 8 if version == 1 else 0))
        body.take(4 * values + (4 if version == 1 and values % 2 else 0))


def read_collection(source: Source, address: int) -> dict[int, bytes]:
    """The values of a heap by their numbers.

    Raises:
        DataLossError: it is damaged.
    """
    head_bytes = 8 + source.length_bytes
    head = source.signed(address, head_bytes, b"GCOL", "a heap of values")
    version = head.number(1)
    head.take(3)
    size = head.length()
    if version != 1 or size < head_bytes:
        raise source.fail(f"the heap at {address} has the version {version}, {size} bytes")
    body = source.cursor(address + head_bytes, size - head_bytes, "a heap of values")
    found: dict[int, bytes] = {}
    while body.left >= 8 + source.length_bytes:
        index = body.number(2)
        body.take(6)
        length = body.length()
        if index == 0:
            # The rest of the heap is free; its length counts from before its number.
            if length < 8 + source.length_bytes or length > body.left + 8 + source.length_bytes:
                raise source.fail(f"the heap at {address} has {length} free bytes")
            body.take(length - 8 - source.length_bytes)
            continue
        if index in found:
            raise source.fail(f"the heap at {address} has the value {index} twice")
        found[index] = body.take(length)
        body.take(min(body.left, -length % 8))
    return found
