"""What comes before the body of a request, and the heads that are known already.

Clients that keep a connection send the same head again and again. One that the parser has
read once, byte for byte, needs no parser the next time: equal bytes mean the same.
"""

from collections.abc import Sequence
from typing import Final

import httptools

_MAX_KNOWN: Final = 1024
_MAX_KNOWN_BYTES: Final = 4096
_MAX_TIMEOUT_DIGITS: Final = 12
_MAX_PRIORITY_DIGITS: Final = 4
# What makes a request more than a head and a body of a known size.
_SPECIAL: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})

TIMEOUT: Final = b"x-request-timeout-ms"
PRIORITY: Final = b"x-request-priority"


class BadHeadError(Exception):
    """A header or the target says what it may not say."""


class Head:
    """Line and headers of one request.

    Attributes:
        method: "GET" for HEAD, too, whose answer is that of GET without its body.
        path: without the query.
        headers: names in lower case.
        length: of the body, as the headers have it.
        timeout_s: that the client gives the server; `None` if it says nothing.
        priority: requests of a higher one leave the queue first.
        is_plain: whether the head and `length` bytes are the whole request.
    """

    __slots__ = (
        "content_encoding",
        "content_type",
        "headers",
        "is_head",
        "is_plain",
        "keep_alive",
        "length",
        "method",
        "path",
        "priority",
        "query",
        "timeout_s",
    )

    def __init__(
        self,
        method: str,
        url: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        keep_alive: bool,
    ) -> None:
        self.is_head = method == "HEAD"
        self.method = "GET" if self.is_head else method
        self.path, self.query = _target(url)
        self.headers = headers
        self.keep_alive = keep_alive
        self.length = 0
        self.timeout_s: float | None = None
        self.priority = 0
        self.content_type = b""
        self.content_encoding = b""
        self.is_plain = keep_alive
        for name, value in headers:
            if name == b"content-length":
                self.length = int(value)
            elif name == b"content-type":
                self.content_type = value.partition(b";")[0].strip().lower()
            elif name == b"content-encoding":
                self.content_encoding = value.strip().lower()
            elif name == TIMEOUT:
                self.timeout_s = _number(name, value, _MAX_TIMEOUT_DIGITS) / 1000
            elif name == PRIORITY:
                sign = -1 if value.startswith(b"-") else 1
                digits = value.removeprefix(b"-")
                self.priority = sign * _number(name, digits, _MAX_PRIORITY_DIGITS)
            elif name in _SPECIAL:
                self.is_plain = False


class KnownHeads:
    """Heads by their bytes, those of all connections of a server."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self.find = self._heads.get

    def learn(self, data: bytes, head: Head) -> None:
        """Keep the head of a request that came as `data` and was all of it."""
        if not head.is_plain:
            return
        end = data.find(b"\r\n\r\n")
        if not 0 < end <= _MAX_KNOWN_BYTES or end + 4 + head.length != len(data):
            return
        # Clients choose the heads, so what is kept of them is bounded.
        if len(self._heads) >= _MAX_KNOWN:
            self._heads.clear()
        self._heads[data[:end]] = head


def _target(url: bytes) -> tuple[str, str]:
    try:
        if not url.startswith(b"/") and url != b"*":
            parsed = httptools.parse_url(url)
            path, query = parsed.path or b"/", parsed.query or b""
        else:
            path, _, query = url.partition(b"?")
        return path.decode("ascii"), query.decode("ascii")
    except (UnicodeDecodeError, httptools.HttpParserError):
        raise BadHeadError("the request target is not a path") from None


def _number(name: bytes, value: bytes, digits: int) -> int:
    if not value.isdigit() or len(value) > digits:
        raise BadHeadError(
            f"{name.decode()} must be a whole number of at most {digits} digits, "
            f"got {value[:40]!r}"
        )
    return int(value)
