"""Regular expressions in RE2's syntax, run by Python's `re`.

Texts are decoded as UTF-8, with stray bytes as lone surrogates, so that a dot takes a character
and no byte is lost. What the two dialects write differently is translated; what RE2 lacks
(look-around, back references, possessive repetition) is refused, so that a pattern means one
thing everywhere.

Source: RE2's syntax page, https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Final

from penstock.core.errors import InvalidArgumentError
from penstock.ops.unicode_scripts import SCRIPTS, runs

_PERL: Final = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": "\\t\\n\\f\\r ",
}
_POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CONTROLS: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MAX_REPEAT: Final = 1000
_STRAY: Final = "\\udc80-\\udcff"


def decode(text: bytes) -> str:
    """Turn bytes into the characters that patterns see."""
    return text.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Undo `decode`."""
    return text.encode("utf-8", "surrogateescape")


@functools.lru_cache(maxsize=256)
def compiled(pattern: bytes) -> re.Pattern[str]:
    """Compile a pattern.

    Errors: InvalidArgumentError when RE2 would refuse it.
    """
    text = decode(pattern)
    try:
        return re.compile(_Translation(text).result())
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidArgumentError(f"pattern {text!r} must be valid, got {error}") from None


def full_match(pattern: bytes, text: bytes) -> bool:
    """Whether the whole text matches."""
    return compiled(pattern).fullmatch(decode(text)) is not None


def replace(pattern: bytes, rewrite: bytes, text: bytes, *, everywhere: bool) -> bytes:
    """Replace the first match, or every match.

    Args:
        pattern: a pattern.
        rewrite: what to write instead; \\0 to \\9 stand for the match and its groups.
        text: where to look.
        everywhere: whether to go on after the first match.
    """
    regex = compiled(pattern)
    parts = _rewrite_parts(decode(rewrite))
    if any(isinstance(part, int) and part > regex.groups for part in parts):
        return text
    string = decode(text)
    out: list[str] = []
    place = 0
    last_end = -1
    while place <= len(string):
        match = regex.search(string, place)
        if match is None:
            break
        start, end = match.span()
        if start == end == last_end:
            # An empty match right behind the one before does not count.
            out.append(string[place : place + 1])
            place += 1
            last_end = -1 if place > len(string) else last_end
            continue
        out.append(string[place:start])
        out.extend(part if isinstance(part, str) else match[part] or "" for part in parts)
        place = last_end = end
        if not everywhere:
            break
    out.append(string[place:])
    return encode("".join(out))


@functools.lru_cache(maxsize=256)
def _rewrite_parts(rewrite: str) -> list[str | int]:
    """Split a rewrite into literal texts and numbers of groups."""
    parts: list[str | int] = []
    for piece in re.split(r"(\\.)", rewrite, flags=re.DOTALL):
        if len(piece) == 2 and piece[0] == "\\":
            if piece[1] == "\\":
                parts.append("\\")
            elif piece[1] in "0123456789":
                parts.append(int(piece[1]))
            else:
                raise InvalidArgumentError(
                    f"a backslash must precede a digit or another one, got {rewrite!r}"
                )
        elif piece:
            parts.append(piece)
    return parts


def _quoted(character: str) -> str:
    """A character as a literal, inside of a class or outside."""
    if character.isalnum() or character in "_ " or ord(character) > 127:
        return character
    return f"\\x{ord(character):02x}"


class _Translation:
    """One pass over a pattern of RE2 that writes a pattern of Python."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        # Flags in force, and how many scopes of `i` are open, for each open group.
        self._flags = frozenset[str]()
        self._scopes: list[tuple[frozenset[str], bool]] = []
        self._folding = False
        self._repeatable = False

    def result(self) -> str:
        """The translated pattern."""
        while self._at < len(self._text):
            self._step()
        if self._scopes:
            self._fail("missing )")
        self._end_folding()
        return "".join(self._out)

    def _fail(self, why: str) -> None:
        raise re.error(why)

    def _take(self, count: int = 1) -> str:
        taken = self._text[self._at : self._at + count]
        if len(taken) < count:
            self._fail("unexpected end")
        self._at += count
        return taken

    def _ahead(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _emit(self, text: str, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._repeatable = repeatable

    def _step(self) -> None:
        character = self._take()
        handler: Callable[[], None] | None = {
            "\\": self._escape,
            "[": self._class,
            "(": self._open,
            ")": self._close,
            "|": self._alternative,
            ".": self._dot,
            "^": self._caret,
            "$": self._dollar,
        }.get(character)
        if handler is not None:
            handler()
        elif character in "*+?":
            self._repeat(character)
        elif character == "{" and (counts := self._counts()):
            self._repeat(counts)
        else:
            self._emit(_quoted(character))

    # -- repetition and groups --------------------------------------------------------------

    def _counts(self) -> str:
        match = re.compile(r"(\d+)(,(\d*))?\}").match(self._text, self._at)
        if match is None:
            return ""
        if any(int(bound) > _MAX_REPEAT for bound in (match[1], match[3]) if bound):
            self._fail(f"bad repetition operator: {{{match[0]}")
        self._at = match.end()
        return "{" + match[0]

    def _repeat(self, operator: str) -> None:
        if not self._repeatable:
            self._fail(f"no argument for repetition operator: {operator}")
        lazy = self._ahead("?")
        if lazy:
            self._take()
        if self._ahead("+") or self._ahead("*") or self._ahead("?"):
            self._fail(f"bad repetition operator: {operator}{self._text[self._at]}")
        if "U" in self._flags:
            lazy = not lazy
        self._emit(operator + ("?" if lazy else ""), repeatable=False)

    def _open(self) -> None:
        if not self._ahead("?"):
            self._begin("(")
            return
        named = re.compile(r"\?P?<([A-Za-z_]\w*)>").match(self._text, self._at)
        if named:
            self._at = named.end()
            self._begin(f"(?P<{named[1]}>")
            return
        flags = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])").match(self._text, self._at)
        if not flags:
            self._fail(f"invalid perl operator: ({self._text[self._at : self._at + 2]}")
            return
        self._at = flags.end()
        changed = (self._flags | frozenset(flags[1])) - frozenset(flags[2] or "")
        if flags[3] == ":":
            self._begin("(?:")
        self._end_folding()
        self._flags = changed
        self._begin_folding()

    def _begin(self, text: str) -> None:
        self._emit(text, repeatable=False)
        self._scopes.append((self._flags, self._folding))
        self._folding = False
        self._begin_folding()

    def _close(self) -> None:
        if not self._scopes:
            self._fail("unexpected )")
        self._end_folding()
        self._flags, self._folding = self._scopes.pop()
        self._emit(")")

    def _alternative(self) -> None:
        self._end_folding()
        self._emit("|", repeatable=False)
        self._begin_folding()

    def _begin_folding(self) -> None:
        # Python wants flags at the very start, or on a group: they hold up to its end or a bar.
        if "i" in self._flags:
            self._emit("(?i:", repeatable=False)
            self._folding = True

    def _end_folding(self) -> None:
        if self._folding:
            self._emit(")")
            self._folding = False

    # -- what matches one character, or none ------------------------------------------------

    def _dot(self) -> None:
        self._emit(f"[^{_STRAY}]" if "s" in self._flags else f"[^\\n{_STRAY}]")

    def _caret(self) -> None:
        self._emit("(?:(?<![^\\n]))" if "m" in self._flags else "\\A", repeatable=False)

    def _dollar(self) -> None:
        self._emit("(?![^\\n])" if "m" in self._flags else "\\Z", repeatable=False)

    def _escape(self) -> None:
        character = self._take()
        if character in "bB":
            self._emit(f"(?a:\\{character})", repeatable=False)
        elif character == "A":
            self._emit("\\A", repeatable=False)
        elif character == "z":
            self._emit("\\Z", repeatable=False)
        elif character == "Q":
            end = self._text.find("\\E", self._at)
            quoted = self._text[self._at :] if end < 0 else self._text[self._at : end]
            self._at = len(self._text) if end < 0 else end + 2
            for each in quoted:
                self._emit(_quoted(each))
        elif character.lower() in _PERL:
            negative = "^" if character.isupper() else ""
            self._emit(f"[{negative}{_PERL[character.lower()]}]")
        elif character in "pP":
            negative = "^" if self._property_is_negative(character) else ""
            self._emit(f"[{negative}{self._property}]")
        else:
            self._emit(_quoted(self._character_escape(character)))

    def _property_is_negative(self, letter: str) -> bool:
        """Read the name of a Unicode class into `_property`."""
        name = self._take()
        if name == "{":
            end = self._text.find("}", self._at)
            if end < 0:
                self._fail("invalid character class range: \\p{")
            name = self._text[self._at : end]
            self._at = end + 1
        negative = letter == "P"
        if name.startswith("^"):
            name, negative = name[1:], not negative
        self._property = _unicode_class(name)
        return negative

    def _character_escape(self, character: str) -> str:
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character == "x":
            match = re.compile(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})").match(
                self._text, self._at
            )
            if match is None:
                self._fail("invalid escape sequence: \\x")
                return ""
            self._at = match.end()
            return chr(int(match[1] or match[2], 16))
        octal = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}").match(self._text, self._at - 1)
        if octal is not None:
            self._at = octal.end()
            return chr(int(octal[0], 8))
        if character.isascii() and not character.isalnum():
            return character
        self._fail(f"invalid escape sequence: \\{character}")
        return ""

    # -- classes ----------------------------------------------------------------------------

    def _class(self) -> None:
        negative = self._ahead("^")
        if negative:
            self._take()
        parts: list[str] = []
        first = True
        while first or not self._ahead("]"):
            if self._at >= len(self._text):
                self._fail("missing ]")
            parts.append(self._class_item())
            first = False
        self._take()
        body = "".join(parts)
        self._emit(f"[^{body}]" if negative else f"[{body}]")

    def _class_item(self) -> str:
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(self._text, self._at)
        if posix:
            if posix[2] not in _POSIX:
                self._fail(f"invalid character class range: {posix[0]}")
            self._at = posix.end()
            body = _POSIX[posix[2]]
            return _complement(body) if posix[1] else body
        low = self._class_character()
        if len(low) > 1:
            return low
        if self._ahead("-") and not self._text.startswith("]", self._at + 1):
            self._take()
            high = self._class_character()
            if len(high) > 1 or high < low:
                self._fail(f"invalid character class range: {low}-{high}")
            return f"{_quoted(low)}-{_quoted(high)}"
        return _quoted(low)

    def _class_character(self) -> str:
        """One character, or the body of a class that an escape stands for."""
        character = self._take()
        if character != "\\":
            return character
        character = self._take()
        if character.lower() in _PERL:
            body = _PERL[character.lower()]
            return _complement(body) if character.isupper() else body
        if character in "pP":
            negative = self._property_is_negative(character)
            return _complement(self._property) if negative else self._property
        return self._character_escape(character)


@functools.cache
def _complement(body: str) -> str:
    """Body of the class of all characters that a class does not hold."""
    regex = re.compile(f"[{body}]")
    return _ranges(lambda point: regex.match(chr(point)) is None)


@functools.cache
def _unicode_class(name: str) -> str:
    """Body of the class of a general category or a script."""
    if name == "Any":
        return "\\x00-\\U0010ffff"
    if name in SCRIPTS:
        starts, scripts = runs()
        ends = [*starts[1:].tolist(), sys.maxunicode + 1]
        return "".join(
            f"{_point(start)}-{_point(end - 1)}"
            for start, end, script in zip(starts.tolist(), ends, scripts.tolist(), strict=True)
            if script == SCRIPTS[name]
        )
    category = unicodedata.category
    body = _ranges(lambda point: category(chr(point)).startswith(name))
    if not body or len(name) > 2:
        raise re.error(f"invalid character class range: \\p{{{name}}}")
    return body


def _point(point: int) -> str:
    return f"\\U{point:08x}"


def _ranges(holds: Callable[[int], bool]) -> str:
    """Body of the class of all code points for which `holds` is true."""
    parts: list[str] = []
    start = -1
    for point in range(sys.maxunicode + 2):
        inside = point <= sys.maxunicode and not 0xDC80 <= point <= 0xDCFF and holds(point)
        if inside and start < 0:
            start = point
        elif not inside and start >= 0:
            parts.append(f"{_point(start)}-{_point(point - 1)}")
            start = -1
    return "".join(parts)
