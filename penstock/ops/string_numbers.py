"""Numbers as strings and strings as numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, float32
from penstock.core.errors import InvalidArgumentError
from penstock.ops.string import mapped
from penstock.ops.table import op

_FILLS: Final = ("", " ", "0", "-", "+")


@op(
    "AsString",
    inputs=("input: T",),
    outputs=("output: string",),
    attrs={"precision": -1, "scientific": False, "shortest": False, "width": -1, "fill": ""},
    kernel="host",
    differentiable=False,
    shape="same",
)
def as_string(
    x: Any, *, precision: int, scientific: bool, shortest: bool, width: int, fill: str
) -> Any:
    """Numbers as C's printf writes them.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError when the attrs do not go together, or not with the type.
    """
    kind = "s" if x.dtype == object else x.dtype.kind
    kind = "f" if x.dtype.name == "bfloat16" else kind
    _check_format(x.dtype, kind, precision, scientific, shortest, fill)
    if kind == "b":
        return mapped(lambda value: b"true" if value else b"false", x)
    # The flag of a fill goes without a width, except the zero, which then means nothing.
    flag = fill if width > -1 or fill not in ("", "0") else ""
    room = f"{flag}{width}" if width > -1 else flag
    if kind == "s":
        text = room.replace("0", "", 1) if flag == "0" else room
        return mapped(lambda value: _percent(text.replace("+", ""), "s", value), x)
    if kind in "iu":
        return mapped(lambda value: (f"%{room}d" % int(value)).encode(), x)
    letter = "e" if scientific else "g" if shortest else "f"
    exact = f".{precision}" if precision > -1 else ""
    write = _float_writer(room, exact + letter)
    if kind == "c":

        def pair(z: Any) -> bytes:
            return b"(" + write(z.real) + b"," + write(z.imag) + b")"

        return mapped(pair, x)
    return mapped(write, x)


def _check_format(  # noqa: PLR0917  (the attrs of the op)
    dtype: Any, kind: str, precision: int, scientific: bool, shortest: bool, fill: str
) -> None:
    if len(fill) > 1:
        raise InvalidArgumentError(f"fill must be at most one character, got {fill!r}")
    if fill not in _FILLS:
        raise InvalidArgumentError(f"fill must be one of {_FILLS}, got {fill!r}")
    if scientific and shortest:
        raise InvalidArgumentError("only one of scientific and shortest can be True")
    if kind in "iubs" and (scientific or shortest):
        raise InvalidArgumentError(f"scientific and shortest need a floating type, got {dtype}")
    if kind in "iubs" and precision > -1:
        raise InvalidArgumentError(f"precision needs a floating type, got {dtype}")


def _percent(room: str, letter: str, value: Any) -> bytes:
    text: bytes = f"%{room}{letter}".encode() % value
    return text


def _float_writer(room: str, form: str) -> Callable[[Any], bytes]:
    """Function that writes one float; infinities and NaN are never filled with zeros."""
    plain = room.replace("0", "", 1) if room.startswith("0") else room

    def write(value: Any) -> bytes:
        number = float(value)
        if math.isfinite(number):
            return f"%{room}{form}".encode() % number
        text = "inf" if math.isinf(number) else "nan"
        if math.copysign(1.0, number) < 0:
            text = f"-{text}"
        elif plain[:1] in ("+", " "):
            text = plain[0] + text
        return f"%{plain.replace('+', '')}s".encode() % text.encode()

    return write


_FLOAT: Final = re.compile(
    rb"\s*[+-]?(inf(inity)?|nan(\(\w*\))?|(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?)\s*",
    re.IGNORECASE,
)
_HEX_FLOAT: Final = re.compile(
    rb"\s*[+-]?0x([0-9a-f]+(\.[0-9a-f]*)?|\.[0-9a-f]+)(p[+-]?\d+)?\s*",
    re.IGNORECASE,
)
_INTEGER: Final = re.compile(rb"\s*([+-]?\d+)\s*")


def parse_number(text: bytes, dtype: DType) -> Any:
    """The number that a string holds, or None when it holds none that fits the type."""
    if dtype.is_integer:
        found = _INTEGER.fullmatch(text)
        number = int(found[1]) if found else None
        if number is None or not dtype.min <= number <= dtype.max:
            return None
        return number
    if _FLOAT.fullmatch(text):
        plain = text.split(b"(")[0].strip()
        return dtype.np.type(plain.decode()) if dtype is float32 else float(plain)
    return float.fromhex(text.strip().decode()) if _HEX_FLOAT.fullmatch(text) else None


@op(
    "StringToNumber",
    inputs=("string_tensor: string",),
    outputs=("output: out_type",),
    attrs={"out_type": float32},
    kernel="host",
    differentiable=False,
    shape="same",
)
def string_to_number(string_tensor: Any, *, out_type: DType) -> Any:
    """Numbers that strings hold.

    Shape: string_tensor [...] -> output [...].
    Errors: InvalidArgumentError for a string that holds no number of the type.
    """

    def parse(text: bytes) -> Any:
        number = parse_number(text, out_type)
        if number is None:
            raise InvalidArgumentError(
                f"every string must hold a number of type {out_type.name}, got {text!r}"
            )
        return number

    with np.errstate(over="ignore"):
        return mapped(parse, string_tensor, out_type.np)
