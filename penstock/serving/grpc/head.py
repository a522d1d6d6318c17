"""The headers of a call: from a compressed block to what they say.

Source: RFC 9113 section 8 (HTTP semantics), RFC 7541 (HPACK), gRPC's `PROTOCOL-HTTP2.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hpack import Decoder, HPACKError

from penstock.core.errors import OpError
from penstock.serving.grpc.message import parse_timeout

_KNOWN_BLOCKS: Final = 64
_TABLE_BYTES: Final = 4096
_PATIENCE: Final = 4
_FIELD_BYTES: Final = 32  # that HTTP/2 counts for a field besides its text
_PSEUDO: Final = frozenset([b":method", b":path", b":scheme", b":authority"])
_OF_CONNECTION: Final = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"]
)


class Malformed(Exception):  # noqa: N818  (never leaves the connection)
    """The headers break a rule of HTTP/2; the stream ends with PROTOCOL_ERROR."""


class TooLong(Exception):  # noqa: N818  (never leaves the connection)
    """The headers are longer than allowed."""


class Undecodable(Exception):  # noqa: N818  (never leaves the connection)
    """The block broke the decoder's state, and with it the connection."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers of a call say.

    Args:
        metadata: all fields but the pseudo ones, as they came.
        timeout_s: of the call, if it has one.
        is_grpc: whether the content type is one of gRPC's.
        encoding: how compressed messages are compressed.
        takes_gzip: whether the answer may come so.
        fault: what is wrong with a field; the call fails with it.
    """

    method: bytes
    path: str
    metadata: Sequence[tuple[bytes, bytes]]
    timeout_s: float | None
    is_grpc: bool
    encoding: bytes
    takes_gzip: bool
    fault: OpError | None


class HeadReader:
    """Decodes the blocks of one connection.

    A client sends the same block with each call once its table has settled, so the last few
    are remembered for as long as the table does not change.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # Beyond this the decoder stops in the middle of a block, and cannot go on.
        self._decoder = Decoder(max_bytes * _PATIENCE)
        self._decoder.max_allowed_table_size = _TABLE_BYTES
        self._known: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """Decode the block of a new call.

        Raises:
            Malformed: the fields break a rule.
            TooLong: they are longer than allowed, but not by much.
            Undecodable: the block is no HPACK, or far too long; the connection must end.
        """
        head = self._known.get(block)
        if head is None:
            count, first = self._table()
            head = _head(self.decode(block), self._max_bytes)
            if self._is_still(count, first):
                if len(self._known) >= _KNOWN_BLOCKS:
                    self._known.clear()
                self._known[block] = head
        return head

    def decode(self, block: bytes) -> list[Any]:
        """Decode a block that is no call: trailers.

        Raises:
            Undecodable: as `read`.
        """
        count, first = self._table()
        try:
            fields = list(self._decoder.decode(block, raw=True))
        except (HPACKError, IndexError, ValueError) as error:
            raise Undecodable(str(error)) from None
        if not self._is_still(count, first):
            self._known.clear()
        return fields

    def _is_still(self, count: int, first: Any) -> bool:
        found, newest = self._table()
        return found == count and newest is first

    def _table(self) -> tuple[int, Any]:
        entries = self._decoder.header_table.dynamic_entries
        # New entries come in front, so the first one and the count tell of each change.
        return len(entries), entries[0] if entries else None


def _head(fields: list[Any], max_bytes: int) -> Head:
    if sum(len(name) + len(value) + _FIELD_BYTES for name, value in fields) > max_bytes:
        raise TooLong
    pseudo: dict[bytes, bytes] = {}
    metadata: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        if name.startswith(b":"):
            if metadata or name in pseudo or name not in _PSEUDO:
                raise Malformed(f"unexpected {name!r}")
            pseudo[bytes(name)] = bytes(value)
            continue
        if name != name.lower() or name in _OF_CONNECTION or not name:
            raise Malformed(f"unexpected {name!r}")
        if name == b"te" and value != b"trailers":
            raise Malformed("te must be 'trailers'")
        metadata.append((bytes(name), bytes(value)))
    if not {b":method", b":path", b":scheme"} <= pseudo.keys():
        raise Malformed("a pseudo header is missing")
    named = dict(metadata)
    timeout_s, fault = None, None
    if b"grpc-timeout" in named:
        try:
            timeout_s = parse_timeout(named[b"grpc-timeout"])
        except OpError as error:
            fault = error
    kind = named.get(b"content-type", b"")
    return Head(
        pseudo[b":method"],
        pseudo[b":path"].decode("latin-1"),
        tuple(metadata),
        timeout_s,
        kind[:16] == b"application/grpc" and kind[16:17] in {b"", b"+", b";"},
        named.get(b"grpc-encoding", b""),
        b"gzip" in named.get(b"grpc-accept-encoding", b""),
        fault,
    )
