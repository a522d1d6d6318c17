"""Answers that say no, as the errors of `penstock.core.errors`."""

from typing import Any

import orjson

from penstock.core import errors
from penstock.core.errors import OpError
from penstock.serving.client.exchange import HttpReply

_CODES = {
    400: errors.INVALID_ARGUMENT,
    401: errors.UNAUTHENTICATED,
    403: errors.PERMISSION_DENIED,
    404: errors.NOT_FOUND,
    408: errors.UNAVAILABLE,
    409: errors.ABORTED,
    412: errors.FAILED_PRECONDITION,
    413: errors.INVALID_ARGUMENT,
    429: errors.RESOURCE_EXHAUSTED,
    431: errors.INVALID_ARGUMENT,
    499: errors.CANCELLED,
    500: errors.INTERNAL,
    501: errors.UNIMPLEMENTED,
    502: errors.UNAVAILABLE,
    503: errors.UNAVAILABLE,
    504: errors.DEADLINE_EXCEEDED,
}
_LONGEST_TEXT = 500


def failure_of(reply: HttpReply) -> OpError | None:
    """Return the error that an answer tells of, or `None`."""
    status = reply.status
    if 200 <= status < 300:
        return None
    default = errors.INVALID_ARGUMENT if 400 <= status < 500 else errors.UNKNOWN
    return errors.from_code(_CODES.get(status, default), _message(reply))


def retry_after_s(reply: HttpReply) -> float | None:
    """Return the pause that an answer asks for, in seconds; dates are not understood."""
    text = reply.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 3600 else None


def _message(reply: HttpReply) -> str:
    try:
        told: Any = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        return str(told["error"])
    text = " ".join(reply.body[:_LONGEST_TEXT].decode("utf-8", "replace").split())
    return f"the server answered with status {reply.status}" + (f": {text}" if text else "")
