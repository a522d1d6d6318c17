"""`tf.timestamp`."""

from __future__ import annotations

from typing import Any

from penstock.runtime.dispatch import call

__all__ = ["timestamp"]


def timestamp(name: Any = None) -> Any:
    """Return the seconds since 1970 as float64, when it runs and not when it is traced."""
    return call("Timestamp", name=name)
