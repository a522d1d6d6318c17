"""Answers as the bytes of HTTP/1.1."""

import http
import time
from email.utils import formatdate
from functools import lru_cache

from penstock.serving.router import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_REASONS[499] = "Client Closed Request"


def encode(response: Response, *, is_head: bool, is_last: bool) -> bytes:
    """Write an answer.

    Args:
        response: the answer.
        is_head: whether the body is left out, and only its size told.
        is_last: whether the connection closes after it.
    """
    body = response.body
    start = _start(response.status, response.content_type, int(time.time()))
    if response.headers or is_last or is_head:
        lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        closing = "Connection: close\r\n" if is_last else ""
        return b"%b%d\r\n%b%b\r\n%b" % (
            start,
            len(body),
            lines.encode("latin-1"),
            closing.encode(),
            b"" if is_head else body,
        )
    return b"%b%d\r\n\r\n%b" % (start, len(body), body)


@lru_cache(maxsize=64)
def _start(status: int, content_type: str, second: int) -> bytes:
    reason = _REASONS.get(status, "Unknown")
    return (
        f"HTTP/1.1 {status} {reason}\r\nDate: {formatdate(second, usegmt=True)}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: "
    ).encode()
