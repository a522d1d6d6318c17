"""The sorted table file: the index of a checkpoint.

Keys and values in blocks, each with a checksum; keys in a block share prefixes with those
before, except at restart points; an index block names the last key and place of every block.

Source: LevelDB's table format, as TensorFlow writes it.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from penstock.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.wire import snappy
from penstock.wire.crc32c import masked_crc32c
from penstock.wire.varint import decode_varint, encode_varint

_MAGIC: Final = 0xDB4775248B80FB57
_FOOTER_BYTES: Final = 48
_TRAILER_BYTES: Final = 5  # kind of compression and checksum
_PLAIN, _SNAPPY = 0, 1
_BLOCK_BYTES: Final = 262_144
_RESTART_INTERVAL: Final = 16
# Shared prefixes let a small file stand for long keys; names in use stay far below this.
_MAX_KEY_RATIO: Final = 256


class Table:
    """The keys and values of a table, read from its bytes.

    Args:
        data: the whole file.
        what: how an error calls it.

    Raises:
        DataLossError: the file is no table.
    """

    def __init__(self, data: bytes, what: str = "table") -> None:
        self._data = data
        self._what = what
        footer = data[-_FOOTER_BYTES:]
        if len(footer) < _FOOTER_BYTES or footer[-8:] != struct.pack("<Q", _MAGIC):
            raise DataLossError(
                f"{what} must end with the mark of a table file, got {len(data)} bytes without"
            )
        offset, size, position = self._handle(footer, 0)
        self._block(offset, size)  # the meta index, which is empty but must be sound
        offset, size, _ = self._handle(footer, position)
        self._index = self._block(offset, size)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values, in the order of the keys.

        Raises:
            DataLossError: a block is damaged.
        """
        last: bytes | None = None
        budget = _MAX_KEY_RATIO * len(self._data)
        for _, handle in self._entries(self._index):
            offset, size, _ = self._handle(handle, 0)
            for key, value in self._entries(self._block(offset, size)):
                if last is not None and key <= last:
                    raise DataLossError(f"keys of {self._what} must rise, {key!r} does not")
                last = key
                budget -= len(key)
                if budget < 0:
                    raise DataLossError(f"keys of {self._what} are absurdly long")
                yield key, value

    def _handle(self, data: bytes, position: int) -> tuple[int, int, int]:
        offset, position = decode_varint(data, position, self._what)
        size, position = decode_varint(data, position, self._what)
        return offset, size, position

    def _block(self, offset: int, size: int) -> bytes:
        end = offset + size
        if end + _TRAILER_BYTES > len(self._data):
            raise DataLossError(
                f"block at byte {offset} of {self._what} must lie within its "
                f"{len(self._data)} bytes, got {size} bytes"
            )
        stored = int.from_bytes(self._data[end + 1 : end + _TRAILER_BYTES], "little")
        if masked_crc32c(memoryview(self._data)[offset : end + 1]) != stored:
            raise DataLossError(f"block at byte {offset} of {self._what} fails its checksum")
        kind = self._data[end]
        if kind == _PLAIN:
            return self._data[offset:end]
        if kind == _SNAPPY:
            return snappy.decompress(self._data[offset:end])
        raise UnimplementedError(
            f"block at byte {offset} of {self._what} must be plain or snappy, got kind {kind}"
        )

    def _entries(self, block: bytes) -> Iterator[tuple[bytes, bytes]]:
        restarts = int.from_bytes(block[-4:], "little")
        end = len(block) - 4 * (restarts + 1)
        if len(block) < 4 or end < 0:
            raise DataLossError(f"a block of {self._what} must not claim {restarts} restarts")
        key = b""
        position = 0
        while position < end:
            shared, position = decode_varint(block, position, self._what)
            rest, position = decode_varint(block, position, self._what)
            size, position = decode_varint(block, position, self._what)
            value_at = position + rest
            if shared > len(key) or value_at + size > end:
                raise DataLossError(f"an entry of {self._what} reaches out of its block")
            key = key[:shared] + block[position:value_at]
            position = value_at + size
            yield key, block[value_at:position]


class TableWriter:
    """Writes a table, whose keys must come in rising order."""

    def __init__(self, file: BinaryIO, block_bytes: int = _BLOCK_BYTES) -> None:
        self._file = file
        self._block_bytes = block_bytes
        self._offset = 0
        self._block = _BlockBuilder(_RESTART_INTERVAL)
        self._index = _BlockBuilder(1)
        self._last: bytes | None = None
        # A full block enters the index when the next key is known: any key between will do,
        # and a short one saves space.
        self._pending: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Append one pair.

        Raises:
            InvalidArgumentError: the key is not above the one before.
        """
        if self._last is not None and key <= self._last:
            raise InvalidArgumentError(f"key {key!r} must be above {self._last!r}")
        if self._pending is not None and self._last is not None:
            self._index.add(_separator(self._last, key), self._pending)
            self._pending = None
        self._block.add(key, value)
        self._last = key
        if self._block.size >= self._block_bytes:
            self._pending = self._write(self._block)

    def finish(self) -> None:
        """Write what is left, the index and the footer."""
        if self._last is not None and not self._block.is_empty:
            self._pending = self._write(self._block)
        meta_index = self._write(_BlockBuilder(_RESTART_INTERVAL))
        if self._last is not None and self._pending is not None:
            self._index.add(_successor(self._last), self._pending)
        handles = meta_index + self._write(self._index)
        footer = handles.ljust(_FOOTER_BYTES - 8, b"\x00") + struct.pack("<Q", _MAGIC)
        self._file.write(footer)

    def _write(self, block: "_BlockBuilder") -> bytes:
        """Write a block and empty it; returns its handle."""
        data = block.take() + bytes([_PLAIN])
        self._file.write(data + struct.pack("<I", masked_crc32c(data)))
        handle = encode_varint(self._offset) + encode_varint(len(data) - 1)
        self._offset += len(data) + 4
        return handle


class _BlockBuilder:
    def __init__(self, restart_interval: int) -> None:
        self._interval = restart_interval
        self._clear()

    def _clear(self) -> None:
        self._data = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self._last = b""

    @property
    def is_empty(self) -> bool:
        return not self._data

    @property
    def size(self) -> int:
        return len(self._data) + 4 * len(self._restarts) + 4

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart < self._interval:
            shared = _shared_prefix(self._last, key)
        else:
            self._restarts.append(len(self._data))
            self._since_restart = 0
        for number in (shared, len(key) - shared, len(value)):
            self._data += encode_varint(number)
        self._data += key[shared:]
        self._data += value
        self._last = key
        self._since_restart += 1

    def take(self) -> bytes:
        """The finished block; the builder is empty again."""
        count = len(self._restarts)
        tail = struct.pack(f"<{count + 1}I", *self._restarts, count)
        data = bytes(self._data) + tail
        self._clear()
        return data


def _shared_prefix(a: bytes, b: bytes) -> int:
    limit = min(len(a), len(b))
    return next((i for i in range(limit) if a[i] != b[i]), limit)


def _separator(low: bytes, high: bytes) -> bytes:
    """A short key that is at least `low` and below `high`."""
    shared = _shared_prefix(low, high)
    if shared < min(len(low), len(high)) and low[shared] + 1 < high[shared]:
        return low[:shared] + bytes([low[shared] + 1])
    return low


def _successor(key: bytes) -> bytes:
    """A short key that is at least `key`."""
    for i, byte in enumerate(key):
        if byte != 0xFF:
            return key[:i] + bytes([byte + 1])
    return key
