"""Making many objects without Python looking through them for garbage again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Put Python's garbage collection off while objects are made that stay.

    Reading and tracing a graph makes hundreds of thousands of them, and every collection meets
    all of them, and those of the modules besides: a sixth of the time until the first answer.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
