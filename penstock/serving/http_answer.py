"""Answers as the bytes of HTTP/1.1."""

import http
import time
from email.utils import formatdate
from functools import lru_cache

from penstock.serving.router import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_REASONS[499] = "Client Closed Request"


def encode(response: Response, is_head: bool, is_last: bool) -> bytes:
    """Write an answer.

    Args:
        response: the answer.
        is_head: whether the body is left out, and only its size told.
        is_last: whether the connection closes after it.
    """
    body, timing = response.body, response.timing
    start = _start(response.status, response.content_type, int(time.time()))
    if not (is_last or is_head):
        if timing and response.headers:
            lines = _lines(response.headers)
            head = b"%b%d\r\nServer-Timing: %b\r\n%b\r\n%b"
            return head % (start, len(body), timing, lines, body)
        if timing:
            return b"%b%d\r\nServer-Timing: %b\r\n\r\n%b" % (start, len(body), timing, body)
        if not response.headers:
            return b"%b%d\r\n\r\n%b" % (start, len(body), body)
    lines = _lines(response.headers)
    if timing:
        lines += b"Server-Timing: %b\r\n" % timing
    if is_last:
        lines += b"Connection: close\r\n"
    return b"%b%d\r\n%b\r\n%b" % (start, len(body), lines, b"" if is_head else body)


@lru_cache(maxsize=256)
def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


@lru_cache(maxsize=64)
def _start(status: int, content_type: str, second: int) -> bytes:
    reason = _REASONS.get(status, "Unknown")
    return (
        f"HTTP/1.1 {status} {reason}\r\nDate: {formatdate(second, usegmt=True)}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: "
    ).encode()
