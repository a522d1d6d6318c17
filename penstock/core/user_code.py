"""The user's code among the frames of a call: where an op was made, what a traceback shows."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

from penstock.core import flags
from penstock.core.errors import OpError

_OURS = str(Path(__file__).resolve().parent.parent) + os.sep
_HIDDEN = ("/site-packages/jax/", "/site-packages/malt/", "/site-packages/optree/", "<frozen")
_LIBRARIES = (*_HIDDEN, "/site-packages/keras/")


@dataclass(frozen=True, slots=True)
class Origin:
    """The line that a line of generated code was made from."""

    filename: str
    line: int
    function: str


# Lines of generated files by number, as far as they come from lines of the user.
_generated: dict[str, Mapping[int, Origin]] = {}
_libraries: dict[str, bool] = {}
_hidden: dict[str, bool] = {}


def note_generated(filename: str, lines: Mapping[int, Origin]) -> None:
    """Say which lines the lines of a generated file were made from."""
    _generated[filename] = lines


def _is_library(filename: str) -> bool:
    known = _libraries.get(filename)
    if known is None:
        known = filename.startswith(_OURS) or any(part in filename for part in _LIBRARIES)
        _libraries[filename] = known
    return known


def _is_hidden(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    known = _hidden.get(filename)
    if known is None:
        known = filename.startswith(_OURS) or any(part in filename for part in _HIDDEN)
        _hidden[filename] = known
    return known


def user_line(depth: int = 2) -> str:
    """`file:line` of the innermost frame outside penstock, Keras and JAX, or nothing."""
    frame: FrameType | None = sys._getframe(depth)  # noqa: SLF001
    while frame is not None:
        filename = frame.f_code.co_filename
        lines = _generated.get(filename)
        if lines is not None:
            origin = lines.get(frame.f_lineno)
            if origin is not None:
                return f"{origin.filename}:{origin.line}"
        elif not _is_library(filename):
            return f"{filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


# -- tracebacks --------------------------------------------------------------------------------

# Errors that tell users what they did; another one out of our own code is a defect of ours, and
# its frames are what a report needs.
_EXPECTED = (OpError, ValueError, TypeError, IndexError, RuntimeError, StopIteration)


def shorten(error: BaseException) -> None:
    """Take the frames of penstock and JAX out of the traceback of an error, in place.

    `PENSTOCK_TRACE=full` keeps them. Frames of converted functions become those of the
    functions they were made from. To be called in an `except` clause that ends with a plain
    `raise`.
    """
    trace = error.__traceback__
    if trace is None or shows_all():
        return
    entries = _entries(trace)
    if _is_hidden(entries[-1].tb_frame):
        if not isinstance(error, _EXPECTED):
            return
        _drop_chain(error)
    error.__traceback__ = _joined(entries)


def shows_all() -> bool:
    """Whether tracebacks keep every frame."""
    return flags.TRACE.read().strip().lower() == "full"


def _entries(trace: TracebackType | None) -> list[TracebackType]:
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    return entries


def _drop_chain(error: BaseException) -> None:
    """Forget what led to an error inside our own code; its message says it all."""
    for cause in (error.__cause__, error.__context__):
        trace = None if cause is None else cause.__traceback__
        if trace is not None and not _is_hidden(_entries(trace)[-1].tb_frame):
            return
    error.__cause__ = None
    error.__suppress_context__ = True


def _joined(entries: list[TracebackType]) -> TracebackType | None:
    """The entries that are shown, as a traceback."""
    kept: TracebackType | None = None
    inner = ""
    for entry in reversed(entries):
        frame = entry.tb_frame
        lines = _generated.get(frame.f_code.co_filename)
        if lines is not None:
            origin = lines.get(entry.tb_lineno)
            name = frame.f_code.co_qualname
            # Bodies of branches and loops are functions within the function, in converted code.
            if origin is not None and not inner.startswith(f"{name}.<locals>"):
                kept = _stand_in(origin, kept)
                inner = name
        elif not _is_hidden(frame):
            kept = TracebackType(kept, frame, entry.tb_lasti, entry.tb_lineno)
            inner = ""
    return kept


class _StandInError(Exception):
    pass


def _stand_in(origin: Origin, following: TracebackType | None) -> TracebackType:
    """A traceback entry at a line that was never run as such."""
    code = _raiser(origin)
    try:
        exec(code, {"stop": _StandInError, "__name__": "__main__"})  # noqa: S102  (two words of our own)
    except _StandInError as stop:
        entry = stop.__traceback__
        assert entry is not None
        assert entry.tb_next is not None
        raised = entry.tb_next
        return TracebackType(following, raised.tb_frame, raised.tb_lasti, origin.line)
    raise AssertionError("unreachable")


def _raiser(origin: Origin) -> CodeType:
    """Code that raises over the whole of the line, so that no part of it is underlined."""
    text = linecache.getline(origin.filename, origin.line).rstrip()
    start = len(text) - len(text.lstrip())
    tree = ast.parse("raise stop")
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = origin.line
            node.col_offset, node.end_col_offset = start, len(text.encode())
    code = compile(tree, origin.filename, "exec")
    return code.replace(co_name=origin.function, co_qualname=origin.function)


def user_facing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a public function so that its errors show the user's frames alone."""

    def entrance(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(entrance, name, getattr(function, name))
    entrance.__wrapped__ = function  # type: ignore[attr-defined]
    return entrance
