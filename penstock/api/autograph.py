"""`tf.autograph`: which functions may have control flow that depends on tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

__all__ = ["experimental"]

# The converter leaves functions alone that have this attribute.
_MARK = "autograph_info__"


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """Decorate a function whose Python control flow is to stay as it is.

    Args:
        func: the function; None gives a decorator.
    """
    if func is None:
        return do_not_convert

    @functools.wraps(func)
    def unconverted(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    setattr(unconverted, _MARK, {})
    return unconverted


experimental = SimpleNamespace(do_not_convert=do_not_convert)
