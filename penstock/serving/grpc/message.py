"""What gRPC puts on top of HTTP/2: messages with a length, deadlines, statuses, compression.

Source: `PROTOCOL-HTTP2.md` and `compression.md` of gRPC.
"""

import zlib
from typing import Final
from urllib.parse import quote_from_bytes

from penstock.core.errors import (
    InternalError,
    InvalidArgumentError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock.serving.call import RETRY_AFTER_S
from penstock.serving.grpc.frames import LONG, literal

PREFIX_BYTES: Final = 5
ENCODINGS: Final = b"identity,deflate,gzip"
_WINDOW_BITS: Final = {b"gzip": 31, b"deflate": 15}
_TIMEOUT_UNITS: Final = {
    72: 3600.0,  # H
    77: 60.0,  # M
    83: 1.0,  # S
    109: 1e-3,  # m
    117: 1e-6,  # u
    110: 1e-9,  # n
}
_MAX_TIMEOUT_DIGITS: Final = 8
# What may stand in a status message as it is; the rest is percent-encoded.
_SAFE_TEXT: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_MAX_MESSAGE_BYTES: Final = 4096


def parse_timeout(text: bytes) -> float:
    """Return the seconds of a `grpc-timeout`.

    Raises:
        InvalidArgumentError: it is no number with a unit.
    """
    unit = _TIMEOUT_UNITS.get(text[-1]) if text else None
    if unit is None or not text[:-1].isdigit() or len(text) > _MAX_TIMEOUT_DIGITS + 1:
        raise InvalidArgumentError(
            f"grpc-timeout must be at most {_MAX_TIMEOUT_DIGITS} digits and a unit "
            f"(H, M, S, m, u or n), got {text[:40]!r}"
        )
    return int(text[:-1]) * unit


def with_prefix(message: bytes) -> bytes:
    """Return a message as it stands in a stream."""
    return b"\x00" + LONG.pack(len(message)) + message


def unpack(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """Return the one message of a unary call.

    Args:
        body: all that came in the stream.
        encoding: how compressed messages are compressed.
        max_bytes: a message may have, unpacked.

    Raises:
        InternalError: there is not exactly one message.
        UnimplementedError: it is compressed in a way that is not known.
        ResourceExhaustedError: it is too long.
    """
    if len(body) < PREFIX_BYTES:
        raise InternalError(f"a unary call must send one message, got {len(body)} bytes")
    (size,) = LONG.unpack_from(body, 1)
    if size != len(body) - PREFIX_BYTES:
        raise InternalError(
            f"a unary call must send one message, got {len(body) - PREFIX_BYTES} bytes "
            f"where its length says {size}"
        )
    if size > max_bytes:
        raise _too_long(size, max_bytes)
    message = body[PREFIX_BYTES:]
    return message if body[0] == 0 else decompress(body[0], message, encoding, max_bytes)


def decompress(flag: int, message: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """Return a message that was sent with a compression flag, never more than `max_bytes`.

    Raises:
        InternalError: the flag or the data are wrong.
        UnimplementedError: it is compressed in a way that is not known.
        ResourceExhaustedError: it is too long.
    """
    if flag != 1 or encoding in {b"", b"identity"}:
        raise InternalError(
            f"the compression flag of a message is {flag}, but grpc-encoding is "
            f"'{encoding.decode('latin-1') or 'identity'}'"
        )
    if encoding not in _WINDOW_BITS:
        raise unknown_encoding(encoding)
    inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        data = inflater.decompress(message, max_bytes + 1)
    except zlib.error as error:
        raise InternalError(f"a message must be {encoding.decode()} data: {error}") from None
    if len(data) > max_bytes:
        raise _too_long(len(data), max_bytes)
    if not inflater.eof:
        raise InternalError(f"a message must be {encoding.decode()} data, got part of it")
    return data


def compress(message: bytes, encoding: bytes) -> bytes:
    """Return a message as it stands in a stream, compressed."""
    deflater = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS[encoding])
    packed = deflater.compress(message) + deflater.flush()
    return b"\x01" + LONG.pack(len(packed)) + packed


def is_known_encoding(encoding: bytes) -> bool:
    """Whether messages may come in that encoding."""
    return encoding in _WINDOW_BITS or encoding in {b"", b"identity"}


def unknown_encoding(encoding: bytes) -> UnimplementedError:
    """Return the error for a compression that is not known."""
    return UnimplementedError(
        f"grpc-encoding must be one of {ENCODINGS.decode()}, got {encoding[:40]!r}"
    )


def status_fields(error: OpError) -> bytes:
    """Return the fields of trailers that say how a call failed."""
    text = error.message.encode(errors="replace")[:_MAX_MESSAGE_BYTES]
    fields = literal(b"grpc-status", b"%d" % error.error_code)
    if text:
        encoded = quote_from_bytes(text, _SAFE_TEXT).encode()
        fields += literal(b"grpc-message", encoded)
    wait_s = error.experimental_payloads.get(RETRY_AFTER_S)
    if wait_s is not None:
        fields += literal(b"grpc-retry-pushback-ms", b"%d" % (wait_s * 1000))
    if isinstance(error, UnimplementedError) and "grpc-encoding" in error.message:
        fields += literal(b"grpc-accept-encoding", ENCODINGS)
    return fields


def _too_long(size: int, max_bytes: int) -> ResourceExhaustedError:
    return ResourceExhaustedError(f"a message must have at most {max_bytes} bytes, got {size}")
