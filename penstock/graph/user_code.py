"""Where in the user's code a call was made."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

_OURS = str(Path(__file__).resolve().parent.parent)
_LIBRARIES = (
    "/site-packages/keras/",
    "/site-packages/jax/",
    "/site-packages/optree/",
    "<frozen",
)
_skipped: dict[str, bool] = {}


def _is_library(filename: str) -> bool:
    known = _skipped.get(filename)
    if known is None:
        known = filename.startswith(_OURS) or any(part in filename for part in _LIBRARIES)
        _skipped[filename] = known
    return known


def user_line(depth: int = 2) -> str:
    """`file:line` of the innermost frame outside penstock, Keras and JAX, or nothing."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        if not _is_library(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
