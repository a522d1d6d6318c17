"""`tf.autograph.experimental`: what to convert, and options of loops."""

from __future__ import annotations

import importlib
from typing import Any

from penstock.function.autograph.marks import do_not_convert

__all__ = ["Feature", "do_not_convert", "set_loop_options"]  # noqa: F822  (two come later)

# The converter knows these two by identity; it is imported when one is first asked for.
_LAZY = {"Feature": "malt.core.converter", "set_loop_options": "malt.lang.directives"}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'tf.autograph.experimental' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value
