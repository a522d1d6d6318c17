"""JSON text: strict and fast first, then with the tokens that TF Serving allows besides."""

import json
import re
from collections.abc import Sequence
from typing import Any

import orjson

from penstock.core.errors import InvalidArgumentError

_SHOWN_CHARACTERS = 160
# A string, which is passed over, or a number that Python does not know by that name.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|(?P<nan>-NaN\b)|-?Inf\b', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_BAD_PAIR = "The surrogate pair in string is invalid."
_TYPES = {
    type(None): "Null",
    bool: "Boolean",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def parse(body: bytes, *, with_raw_bytes: bool = False) -> Any:
    """Read a JSON document in which NaN, Inf, Infinity and their negatives are numbers too.

    Args:
        body: the document.
        with_raw_bytes: whether strings may hold bytes that are not UTF-8; they become what
            Python's handler "surrogateescape" makes of them, and nothing else does.

    Raises:
        InvalidArgumentError: the body is not such a document.
    """
    if not body:
        raise InvalidArgumentError("JSON Parse error: The document is empty")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_with_constants(body, with_raw_bytes)


def dump(value: Any, *, with_raw_bytes: bool = False) -> bytes:
    """Write a document of plain Python values; what is not finite becomes NaN, Infinity."""
    text = json.dumps(value, ensure_ascii=not with_raw_bytes, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape" if with_raw_bytes else "strict")


def printable(text: str) -> str:
    """Return a text in which signs stand for the bytes that are not UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def type_name(value: Any) -> str:
    """Name of the JSON type of a value, as TF Serving's messages say it."""
    if isinstance(value, bool):
        return str(value)
    return _TYPES[type(value)]


def show(value: Any) -> str:
    """Return the text of a value for a message, cut off when it is long."""
    text = ""
    # Piece by piece: the value of a bad request may be megabytes.
    for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += piece[: _SHOWN_CHARACTERS + 1]
        if len(text) > _SHOWN_CHARACTERS:
            return printable(text[:_SHOWN_CHARACTERS]) + "..."
    return printable(text)


def _parse_with_constants(body: bytes, with_raw_bytes: bool) -> Any:
    try:
        text, is_utf8 = _decode(body, with_raw_bytes)
        if "Inf" in text or "-NaN" in text:
            text = _TOKENS.sub(_known_token, text)
        value = json.loads(
            text,
            parse_int=_integer,
            parse_float=_finite,
            object_pairs_hook=None if is_utf8 else _with_printable_names,
        )
        if _SURROGATE_ESCAPE.search(body):
            # What stands for a half of a pair could not be told from a byte.
            if not is_utf8:
                raise ValueError(_BAD_PAIR)
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError:
        reason = _BAD_PAIR
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at offset: {error.pos}"
    except RecursionError:
        reason = "lists and objects are nested too deeply"
    except ValueError as error:  # not UTF-8, or a number that is out of range
        reason = str(error)
    raise InvalidArgumentError(f"JSON Parse error: {reason}")


def _decode(body: bytes, with_raw_bytes: bool) -> tuple[str, bool]:
    """The text of a document, and whether it is UTF-8."""
    try:
        return body.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        if not with_raw_bytes:
            raise
        return body.decode("utf-8-sig", "surrogateescape"), False


def _known_token(match: re.Match[str]) -> str:
    token = match[0]
    if token.startswith('"'):
        return token
    return "NaN" if match["nan"] else token + "inity"


def _with_printable_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {printable(name): value for name, value in pairs}


def _integer(text: str) -> int | float:
    # Integers beyond 64 bits are read as decimals, as the fast parser does.
    if len(text) > 20:
        return _finite(text)
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 64 else float(value)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"number too big to be stored in double: {text[:40]}")
    return value
