"""Characters of strings: decoding, encoding, transcoding, scripts."""

from __future__ import annotations

import codecs
import functools
import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.string import mapped, strings_of
from penstock.ops.table import REQUIRED, op
from penstock.ops.unicode_scripts import script_of

_OUTPUTS: Final = {"UTF-8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be"}
_ERRORS: Final = ("strict", "replace", "ignore")
_POLICY: Final = {
    "errors": "replace",
    "replacement_char": 0xFFFD,
    "replace_control_characters": False,
}


@functools.lru_cache(maxsize=64)
def _codec(name: str) -> str:
    """Python's name of an encoding.

    Errors: InvalidArgumentError when there is none of that name.
    """
    wanted = {"UTF-16": "utf-16-be", "UTF-32": "utf-32-be"}.get(name.upper(), name)
    try:
        found = codecs.lookup(wanted)
    except LookupError:
        raise InvalidArgumentError(f"encoding {name!r} is not known") from None
    if not getattr(found, "_is_text_encoding", True):
        raise InvalidArgumentError(f"encoding {name!r} is not one of texts")
    return found.name


def _check_policy(errors: str, replacement_char: int) -> None:
    if errors not in _ERRORS:
        raise InvalidArgumentError(f"errors must be one of {_ERRORS}, got {errors!r}")
    if not _is_character(replacement_char):
        raise InvalidArgumentError(
            f"replacement_char must be a code point of Unicode, got {replacement_char}"
        )


def _is_character(point: int) -> bool:
    return 0 <= point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF


class _Reader:
    """Turns bytes into code points, and deals with what is malformed."""

    def __init__(
        self, encoding: str, errors: str, replacement: int, replace_controls: bool
    ) -> None:
        _check_policy(errors, replacement)
        self._codec = _codec(encoding)
        self._errors = errors
        self._replacement = replacement
        self._replace_controls = replace_controls

    def read(self, text: bytes) -> list[tuple[int, int]]:
        """Code points and the places where they start.

        Errors: InvalidArgumentError for malformed text where errors are strict.
        """
        result: list[tuple[int, int]] = []
        for place, point in self._points(text):
            bad = point < 0
            if bad and self._errors == "strict":
                raise InvalidArgumentError(
                    f"input must be valid {self._codec}, got {text[:40]!r}"
                )
            if bad or (self._replace_controls and point < 0x20):
                if self._errors != "ignore":
                    result.append((self._replacement, place))
            else:
                result.append((point, place))
        return result

    def _points(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Places and code points; -1 for each malformed part."""
        start = 0
        while start < len(text):
            try:
                yield from self._valid(text[start:], start)
                return
            except UnicodeDecodeError as error:
                yield from self._valid(text[start : start + error.start], start)
                yield start + error.start, -1
                start += max(error.end, error.start + 1)

    def _valid(self, text: bytes, start: int) -> list[tuple[int, int]]:
        characters = text.decode(self._codec)
        if len(characters) == len(text):
            return [(start + i, ord(character)) for i, character in enumerate(characters)]
        places, place = [], start
        for character in characters:
            places.append((place, ord(character)))
            place += len(character.encode(self._codec))
        return places


def _decoded(x: Any, dtype: Any, reader: _Reader) -> tuple[Any, Any, Any]:
    splits, points, places = [0], [], []
    for text in x.reshape(-1):
        for point, place in reader.read(text):
            points.append(point)
            places.append(place)
        splits.append(len(points))
    return np.array(splits, dtype), np.array(points, np.int32), np.array(places, np.int64)


def _decoded_shapes(count: int) -> Any:
    def shapes(input: Any, **_: Any) -> tuple[TensorShape, ...]:
        size = input.shape.num_elements() if input.shape.is_fully_defined() else None
        rows = TensorShape([None if size is None else size + 1])
        return (rows, *[TensorShape([None])] * count)

    return shapes


@op(
    "UnicodeDecode",
    inputs=("input: string",),
    outputs=("row_splits: Tsplits", "char_values: int32"),
    attrs={"input_encoding": REQUIRED, **_POLICY, "Tsplits": int64},
    kernel="host",
    differentiable=False,
    shape=_decoded_shapes(1),
)
def unicode_decode(
    x: Any,
    *,
    input_encoding: str,
    errors: str,
    replacement_char: int,
    replace_control_characters: bool,
    Tsplits: Any,  # noqa: N803
) -> tuple[Any, Any]:
    """Code points of strings, one row each.

    Shape: input [...] -> row_splits [n + 1], char_values [k].
    Errors: InvalidArgumentError for malformed strings where `errors` is "strict".
    """
    reader = _Reader(input_encoding, errors, replacement_char, replace_control_characters)
    splits, points, _ = _decoded(x, Tsplits.np, reader)
    return splits, points


@op(
    "UnicodeDecodeWithOffsets",
    inputs=("input: string",),
    outputs=("row_splits: Tsplits", "char_values: int32", "char_to_byte_starts: int64"),
    attrs={"input_encoding": REQUIRED, **_POLICY, "Tsplits": int64},
    kernel="host",
    differentiable=False,
    shape=_decoded_shapes(2),
)
def unicode_decode_with_offsets(
    x: Any,
    *,
    input_encoding: str,
    errors: str,
    replacement_char: int,
    replace_control_characters: bool,
    Tsplits: Any,  # noqa: N803
) -> tuple[Any, Any, Any]:
    """Code points of strings, one row each, and the byte where each begins.

    Shape: input [...] -> row_splits [n + 1], char_values [k], char_to_byte_starts [k].
    Errors: InvalidArgumentError for malformed strings where `errors` is "strict".
    """
    reader = _Reader(input_encoding, errors, replacement_char, replace_control_characters)
    return _decoded(x, Tsplits.np, reader)


def _encoded(points: list[int], codec: str, errors: str, replacement: int) -> bytes:
    """Encode code points.

    Errors: InvalidArgumentError for what is no character where errors are strict.
    """
    characters = []
    for point in points:
        if _is_character(point):
            characters.append(chr(point))
        elif errors == "strict":
            raise InvalidArgumentError(f"code points must be those of characters, got {point}")
        elif errors == "replace":
            characters.append(chr(replacement))
    return "".join(characters).encode(codec)


def _output_codec(encoding: str) -> str:
    if encoding not in _OUTPUTS:
        raise InvalidArgumentError(
            f"output_encoding must be one of {list(_OUTPUTS)}, got {encoding!r}"
        )
    return _OUTPUTS[encoding]


@op(
    "UnicodeEncode",
    inputs=("input_values: int32", "input_splits: Tsplits"),
    outputs=("output: string",),
    attrs={"errors": "replace", "output_encoding": REQUIRED, "replacement_char": 0xFFFD},
    kernel="host",
    differentiable=False,
    shape=lambda _values, splits, **_: TensorShape(
        [None if not splits.shape.rank or splits.shape[0] is None else splits.shape[0] - 1]
    ),
)
def unicode_encode(
    input_values: Any,
    input_splits: Any,
    *,
    errors: str,
    output_encoding: str,
    replacement_char: int,
) -> Any:
    """Strings of code points, one for each row.

    Shape: input_values [k], input_splits [n + 1] -> output [n].
    Errors: InvalidArgumentError for what is no character where `errors` is "strict", and for
        splits that do not fit.
    """
    _check_policy(errors, replacement_char)
    codec = _output_codec(output_encoding)
    splits, points = input_splits.tolist(), input_values.tolist()
    if not splits or splits[0] != 0 or splits[-1] != len(points) or sorted(splits) != splits:
        raise InvalidArgumentError(
            f"input_splits must rise from 0 to {len(points)}, got {splits[:8]}"
        )
    return strings_of(
        [
            _encoded(points[start:end], codec, errors, replacement_char)
            for start, end in itertools.pairwise(splits)
        ]
    )


@op(
    "UnicodeTranscode",
    inputs=("input: string",),
    outputs=("output: string",),
    attrs={"input_encoding": REQUIRED, "output_encoding": REQUIRED, **_POLICY},
    kernel="host",
    differentiable=False,
    shape="same",
)
def unicode_transcode(
    x: Any,
    *,
    input_encoding: str,
    output_encoding: str,
    errors: str,
    replacement_char: int,
    replace_control_characters: bool,
) -> Any:
    """Strings in another encoding.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError for malformed strings where `errors` is "strict".
    """
    reader = _Reader(input_encoding, errors, replacement_char, replace_control_characters)
    codec = _output_codec(output_encoding)

    def transcode(text: bytes) -> bytes:
        points = [point for point, _ in reader.read(text)]
        return _encoded(points, codec, errors, replacement_char)

    return mapped(transcode, x)


@op(
    "UnicodeScript",
    inputs=("input: int32",),
    outputs=("output: int32",),
    kernel="host",
    differentiable=False,
    shape="same",
)
def unicode_script(x: Any) -> Any:
    """Number, as ICU counts them, of the script of each code point; -1 for what is none.

    Shape: input [...] -> output [...].
    """
    return script_of(x)
