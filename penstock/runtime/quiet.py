"""Running numpy kernels without warnings: infinities and NaN are results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    # What `np.errstate` does inside, without making an object for each call.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    _QUIET: Any = _make_extobj(all="ignore")
except (ImportError, TypeError):  # another numpy: its public form does
    _extobj_contextvar = None


def quietly(kernel: Callable[..., Any], *arrays: Any, **attrs: Any) -> Any:
    """Call a numpy kernel with floating-point warnings off."""
    if _extobj_contextvar is None:
        with np.errstate(all="ignore"):
            return kernel(*arrays, **attrs)
    token = _extobj_contextvar.set(_QUIET)
    try:
        return kernel(*arrays, **attrs)
    finally:
        _extobj_contextvar.reset(token)
