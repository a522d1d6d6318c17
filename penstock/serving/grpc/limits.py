"""What one gRPC connection may ask for, and what it may waste."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrpcLimits:
    """Limits of the gRPC port.

    Args:
        max_request_bytes: of a message, also when it comes compressed.
        max_header_bytes: of the headers of a call, unpacked.
        max_concurrent_streams: calls of one connection that are worked on at a time.
        max_buffered_bytes: of requests that have not come whole, of all connections.
        max_connections: open at a time; those beyond are closed at once.
        read_timeout_s: time for sending a request; it gets a second more for each
            `min_bytes_per_s` that have come.
        write_timeout_s: time in which a client must take some of what is sent to it.
        idle_timeout_s: time without any frame, when no call is open.
        max_timeout_s: the longest deadline that a call may have; it also stands in for one
            that a call does not name.
    """

    max_request_bytes: int = 64 << 20
    max_header_bytes: int = 32 << 10
    max_concurrent_streams: int = 256
    max_buffered_bytes: int = 512 << 20
    max_connections: int = 10_000
    read_timeout_s: float = 30.0
    min_bytes_per_s: int = 64 << 10
    write_timeout_s: float = 30.0
    idle_timeout_s: float = 600.0
    max_timeout_s: float = 3600.0


class Patience:
    """Counts what costs the server work and brings no answer: resets, pings, settings.

    Honest clients send some of it with each call, so each answered call earns a little, and
    so does time.
    """

    __slots__ = ("_left", "_then")

    _MOST = 2000.0
    _PER_SECOND = 200.0
    _PER_ANSWER = 8.0

    def __init__(self, now: float) -> None:
        self._left = self._MOST
        self._then = now

    def answered(self) -> None:
        """Earn what an honest client spends on a call."""
        if self._left < self._MOST:
            self._left += self._PER_ANSWER

    def spend(self, cost: float, now: float) -> bool:
        """Whether the connection may go on after this."""
        self._left -= cost
        if self._left >= 0:
            return True
        earned = (now - self._then) * self._PER_SECOND
        self._then = now
        self._left = min(self._left + earned, self._MOST)
        return self._left >= 0
