"""What front and engine say to each other over their socket: records of one form.

The tensors of a request lie in a slot of shared memory; the record only says so. What does not
fit a slot follows the record in the socket.
"""

import struct
from dataclasses import dataclass

from penstock.core.errors import DataLossError

# Front to engine: what follows is a route, a request, or the end of one.
ROUTE, RUN, CANCEL, RELOAD = 1, 2, 3, 4
# Engine to front.
STATE, DONE, FAILED, RELOADED = 11, 12, 13, 14

NO_SLOT = 0xFFFFFFFF
_FORM = struct.Struct("<BiIIQQdddIIIq")
_MAX_PAYLOAD = 1 << 33


@dataclass(slots=True)
class Record:
    """One record.

    Args:
        kind: one of the constants above.
        number: of the request, given by the front.
        slot: where the tensors are, or `NO_SLOT` when they follow the record.
        route: which model and signature, as an earlier record of the kind `ROUTE` said.
        size: bytes of the tensors, or of what follows.
        priority: of the request.
        left_s: time until the deadline, when it was sent.
        queue_s: time in the queue.
        compute_s: time of the shared call.
        batch_size: rows of the shared call.
        padded_size: the same with padding.
        led: shared calls in which the request was the first.
        version: that answered.
        payload: what followed the record.
    """

    kind: int
    number: int = 0
    slot: int = NO_SLOT
    route: int = 0
    size: int = 0
    priority: int = 0
    left_s: float = 0.0
    queue_s: float = 0.0
    compute_s: float = 0.0
    batch_size: int = 0
    padded_size: int = 0
    led: int = 0
    version: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        """Write the record; its payload follows."""
        return (
            _FORM.pack(
                self.kind,
                self.priority,
                self.slot,
                self.route,
                self.number,
                self.size,
                self.left_s,
                self.queue_s,
                self.compute_s,
                self.batch_size,
                self.padded_size,
                self.led,
                self.version,
            )
            + self.payload
        )


class RecordReader:
    """Cuts what comes over a socket into records."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Record]:
        """Return the records that are complete.

        Raises:
            DataLossError: these are no records.
        """
        rest = self._rest
        rest += data
        records = []
        position = 0
        while len(rest) - position >= _FORM.size:
            (
                kind,
                priority,
                slot,
                route,
                number,
                size,
                left_s,
                queue_s,
                compute_s,
                batch_size,
                padded_size,
                led,
                version,
            ) = _FORM.unpack_from(rest, position)
            if not ROUTE <= kind <= RELOADED or size > _MAX_PAYLOAD:
                raise DataLossError(f"no record begins with {kind} and {size} bytes")
            start = position + _FORM.size
            follows = size if slot == NO_SLOT else 0
            if len(rest) - start < follows:
                break
            payload = bytes(rest[start : start + follows]) if follows else b""
            records.append(
                Record(
                    kind,
                    number,
                    slot,
                    route,
                    size,
                    priority,
                    left_s,
                    queue_s,
                    compute_s,
                    batch_size,
                    padded_size,
                    led,
                    version,
                    payload,
                )
            )
            position = start + follows
        del rest[:position]
        return records


def with_payload(kind: int, payload: bytes, number: int = 0, route: int = 0) -> bytes:
    """Write a record whose payload follows it."""
    return Record(kind, number, route=route, size=len(payload), payload=payload).encode()
