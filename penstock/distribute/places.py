"""Which replica the running code belongs to, or which one's copies it updates."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from penstock.runtime.context import state


class _Updating(threading.local):
    def __init__(self) -> None:
        self.replica: int | None = None


_updating = _Updating()


def running_replica() -> int | None:
    """Number of the replica whose code is running; None outside of several replicas."""
    number: int | None = state.replica_context
    return number


def updated_replica() -> int | None:
    """Number of the replica whose copies of variables are being updated, or None."""
    return _updating.replica


def current_replica() -> int | None:
    """Number of the replica whose copies are read and assigned here, or None for all."""
    running = running_replica()
    return running if running is not None else _updating.replica


@contextmanager
def updating(replica: int) -> Iterator[None]:
    """Have variables inside stand for the copies of one replica."""
    saved = _updating.replica
    _updating.replica = replica
    try:
        yield
    finally:
        _updating.replica = saved
