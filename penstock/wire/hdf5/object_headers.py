"""Object headers: the messages that describe a group, a dataset or a type.

Source: HDF5 File Format Specification 3.0, IV.A.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Final, NamedTuple

from penstock.wire.hdf5.checksum import lookup3
from penstock.wire.hdf5.source import Cursor, Source, UnfamiliarError

_MAX_MESSAGES: Final = 1 << 16
_SHARED_FLAG: Final = 2
_PREFIX_BYTES: Final = 16


class Kind(enum.IntEnum):
    """Kinds of messages, by their numbers."""

    DATASPACE = 0x01
    LINK_INFO = 0x02
    DATATYPE = 0x03
    OLD_FILL_VALUE = 0x04
    FILL_VALUE = 0x05
    LINK = 0x06
    EXTERNAL_FILES = 0x07
    LAYOUT = 0x08
    FILTERS = 0x0B
    ATTRIBUTE = 0x0C
    CONTINUATION = 0x10
    SYMBOL_TABLE = 0x11
    ATTRIBUTE_INFO = 0x15


class Message(NamedTuple):
    """One message: its kind and its bytes."""

    kind: int
    body: Cursor


def read_messages(source: Source, address: int | None) -> list[Message]:
    """All messages of an object, those it shares with others included.

    Raises:
        DataLossError: the header is damaged.
        UnfamiliarError: a message lies in a table of the file.
    """
    messages = []
    for message, is_shared in _all_messages(source, address):
        messages.append(_followed(source, message) if is_shared else message)
        if len(messages) > _MAX_MESSAGES:
            raise source.fail(f"the object at {address} has too many messages")
    return messages


def read_shared(source: Source, body: Cursor, kind: int) -> Message:
    """The message that a reference leads to.

    Raises:
        DataLossError: it leads nowhere.
        UnfamiliarError: it leads to a table of the file.
    """
    version, where = body.number(1), body.number(1)
    if version not in (1, 2, 3):
        raise source.fail(f"a shared message has the version {version}")
    if version == 3 and where == 1:
        raise UnfamiliarError("messages in a table of the file")
    if version == 1:
        body.take(6)
    address = body.address()
    for message, is_shared in _all_messages(source, address):
        # A reference to a reference could go on for ever.
        if message.kind == kind and not is_shared:
            return message
    raise source.fail(f"the object at {address} lacks the shared message {kind}")


def _followed(source: Source, message: Message) -> Message:
    return read_shared(source, message.body, message.kind)


def _all_messages(source: Source, address: int | None) -> Iterator[tuple[Message, bool]]:
    head = source.read(address, _PREFIX_BYTES, "an object header")
    waiting: list[tuple[int | None, int]] = []
    seen: set[int | None] = set()
    if head[:4] == b"OHDR":
        flags, block = _second_block(source, address)
        prefix_bytes, unit = (6 if flags & 4 else 4), 1
    elif head[0] == 1:
        flags, block = -1, _first_block(source, address)
        prefix_bytes, unit = 8, 8
    else:
        raise source.fail(f"no object header stands at {address}")
    count = 0
    while True:
        while block.left >= prefix_bytes:
            kind = block.number(2 if flags < 0 else 1)
            size, message_flags = block.number(2), block.number(1)
            block.take(prefix_bytes - (5 if flags < 0 else 4))
            body = block.sub(size)
            if flags < 0:
                block.take(min(block.left, -size % unit))
            count += 1
            if count > _MAX_MESSAGES:
                raise source.fail(f"the object at {address} has too many messages")
            if kind == Kind.CONTINUATION:
                waiting.append((body.address(), body.length()))
            elif kind:
                yield Message(kind, body), bool(message_flags & _SHARED_FLAG)
        if not waiting:
            return
        place, size = waiting.pop()
        if place in seen:
            raise source.fail(f"the object at {address} continues where it was")
        seen.add(place)
        block = _continued(source, place, size, flags)


def _first_block(source: Source, address: int | None) -> Cursor:
    """The messages that follow a header of the first version."""
    head = source.cursor(address, _PREFIX_BYTES, "an object header")
    head.take(8)
    size = head.number(4)
    assert address is not None
    return source.cursor(address + _PREFIX_BYTES, size, "messages")


def _second_block(source: Source, address: int | None) -> tuple[int, Cursor]:
    """Flags, and the messages that follow a header of the second version."""
    assert address is not None
    part = "an object header"
    # The longest prefix has times, limits of attributes and a size of eight bytes.
    head = source.cursor(address, min(34, source.size - address), part)
    head.take(4)
    version, flags = head.number(1), head.number(1)
    if version != 2:
        raise source.fail(f"the object header at {address} has the version {version}")
    head.take((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    size = head.number(1 << (flags & 3))
    return flags, _checked(source, address, head.place, size, part)


def _continued(source: Source, place: int | None, size: int, flags: int) -> Cursor:
    part = "a continued object header"
    if flags < 0:
        return source.cursor(place, size, part)
    if size < 8:
        raise source.fail(f"{part} of {size} bytes")
    source.signed(place, size, b"OCHK", part)
    assert place is not None
    return _checked(source, place, 4, size - 8, part)


def _checked(source: Source, start: int, prefix: int, size: int, part: str) -> Cursor:
    """A cursor over `size` bytes that lie between a prefix and the checksum of both."""
    data = source.read(start, prefix + size + 4, part)
    if lookup3(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise source.fail(f"{part} at {start} does not agree with its checksum")
    return Cursor(
        data[prefix:-4], f"{part} of {source.what}", source.address_bytes, source.length_bytes
    )
