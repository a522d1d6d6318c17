"""JSON text: strict and fast first, then with the tokens that TF Serving allows besides."""

import json
from typing import Any

import orjson

from penstock.core.errors import InvalidArgumentError

_SHOWN_CHARACTERS = 160
_TYPES = {
    type(None): "Null",
    bool: "Boolean",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def parse(body: bytes) -> Any:
    """Read a JSON document in which NaN, Infinity and -Infinity are numbers too.

    Raises:
        InvalidArgumentError: the body is not such a document.
    """
    if not body:
        raise InvalidArgumentError("JSON Parse error: The document is empty")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_with_constants(body)


def dump(value: Any) -> bytes:
    """Write a document of plain Python values; what is not finite becomes NaN, Infinity."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


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
            return text[:_SHOWN_CHARACTERS] + "..."
    return text


def _parse_with_constants(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_int=_integer, parse_float=_finite)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at offset: {error.pos}"
    except RecursionError:
        reason = "lists and objects are nested too deeply"
    except ValueError as error:  # not UTF-8, or a number that is out of range
        reason = str(error)
    raise InvalidArgumentError(f"JSON Parse error: {reason}")


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
