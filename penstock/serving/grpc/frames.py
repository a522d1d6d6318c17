"""HTTP/2 frames: their numbers, and the bytes of those that a server sends.

Source: RFC 9113 (HTTP/2), RFC 7541 (HPACK).
"""

import struct
from collections.abc import Iterable
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES: Final = 9
# Length (16 bits and 8 bits), type, flags, stream.
HEADER: Final = struct.Struct(">HBBBL")
LONG: Final = struct.Struct(">L")
SETTING: Final = struct.Struct(">HL")

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
HAS_PRIORITY: Final = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = range(5)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
ENHANCE_YOUR_CALM: Final = 11

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

DEFAULT_WINDOW: Final = 65535
MAX_WINDOW: Final = (1 << 31) - 1
MAX_STREAM: Final = (1 << 31) - 1
LEAST_FRAME_SIZE: Final = 16384
MOST_FRAME_SIZE: Final = (1 << 24) - 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    size = len(payload)
    return HEADER.pack(size >> 8, size & 255, kind, flags, stream) + payload


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*pair) for pair in values))


def window_update(stream: int, size: int) -> bytes:
    """Return a frame that lets the other side send `size` bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, LONG.pack(size))


def rst_stream(stream: int, code: int) -> bytes:
    """Return a frame that ends a stream."""
    return frame(RST_STREAM, 0, stream, LONG.pack(code))


def goaway(last_stream: int, code: int, text: bytes = b"") -> bytes:
    """Return a frame that announces the end of the connection."""
    return frame(GOAWAY, 0, 0, LONG.pack(last_stream) + LONG.pack(code) + text)


def literal(name: bytes, value: bytes) -> bytes:
    """Return a header field that leaves no trace in the tables of the other side."""
    return b"\x00" + _sized(name) + _sized(value)


def _sized(text: bytes) -> bytes:
    """Text with its length before it, as an HPACK integer of 7 bits and more."""
    size = len(text)
    if size < 127:
        return bytes((size,)) + text
    size -= 127
    out = bytearray((127,))
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    return bytes(out) + text
