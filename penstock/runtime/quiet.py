"""Running numpy kernels without warnings: infinities and NaN are results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_variable: Any = None
_quiet: Any = None
try:
    # What `np.errstate` does inside, without making an object for each call.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    _variable, _quiet = _extobj_contextvar, _make_extobj(all="ignore")
except (ImportError, TypeError):
    pass  # another numpy: its public form does


def quietly(kernel: Callable[..., Any], *arrays: Any, **attrs: Any) -> Any:
    """Call a numpy kernel with floating-point warnings off."""
    if _variable is None:
        with np.errstate(all="ignore"):
            return kernel(*arrays, **attrs)
    token = _variable.set(_quiet)
    try:
        return kernel(*arrays, **attrs)
    finally:
        _variable.reset(token)
