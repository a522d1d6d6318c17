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
    if is_last or is_head:
        closing = b"Connection: close\r\n" if is_last else b""
        lines = _lines(response.headers) + closing
        return b"%b%d\r\n%b\r\n%b" % (start, len(body), lines, b"" if is_head else body)
    if response.headers:
        return b"%b%d\r\n%b\r\n%b" % (start, len(body), _lines(response.headers), body)
    return b"%b%d\r\n\r\n%b" % (start, len(body), body)


def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


@lru_cache(maxsize=64)
def _start(status: int, content_type: str, second: int) -> bytes:
    reason = _REASONS.get(status, "Unknown")
    return (
        f"HTTP/1.1 {status} {reason}\r\nDate: {formatdate(second, usegmt=True)}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: "
    ).encode()
