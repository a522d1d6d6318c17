"""Marks on functions that AutoGraph must leave alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

# The name that the converter looks for.
MARK = "autograph_info__"


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """Decorate a function that AutoGraph must not convert."""
    if func is None:
        return do_not_convert
    function = func

    @functools.wraps(function)
    def unconverted(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    setattr(unconverted, MARK, {})
    return unconverted


def is_marked(function: Any) -> bool:
    """Whether a function is to be left alone."""
    return hasattr(function, MARK) or hasattr(getattr(function, "__func__", None), MARK)
