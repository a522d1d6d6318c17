"""Mutexes: one holder at a time."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import op

_named: weakref.WeakValueDictionary[tuple[str, str], Mutex] = weakref.WeakValueDictionary()
_guard: Final = threading.Lock()


class Mutex:
    """What one thread at a time can hold."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Held:
    """A mutex that is held until it is given back, or forgotten."""

    def __init__(self, mutex: Mutex) -> None:
        self._mutex: Mutex | None = None
        mutex.lock.acquire()
        self._mutex = mutex

    def give_back(self) -> None:
        """Let the next one hold the mutex."""
        mutex, self._mutex = self._mutex, None
        if mutex is not None:
            mutex.lock.release()

    def __del__(self) -> None:
        # What failed while it held the mutex must not keep it for ever.
        self.give_back()


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape([])


@op(
    "MutexV2",
    outputs=("resource: resource",),
    attrs={"container": "", "shared_name": ""},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def mutex_v2(*, container: str, shared_name: str) -> Any:
    """Handle of a mutex.

    Shape: -> resource [].
    """
    if not shared_name:
        return Mutex()
    with _guard:
        found = _named.get((container, shared_name))
        if found is None:
            found = _named[container, shared_name] = Mutex()
        return found


@op(
    "MutexLock",
    inputs=("mutex: resource",),
    outputs=("mutex_lock: variant",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_scalar,
)
def mutex_lock(mutex: Mutex) -> Any:
    """Hold a mutex, waiting while another one does.

    Shape: mutex [] -> mutex_lock [].
    """
    return Held(mutex)


@op(
    "ConsumeMutexLock",
    inputs=("mutex_lock: variant",),
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=lambda *_, **__: (),
)
def consume_mutex_lock(held: Held) -> Any:
    """Give a mutex back.

    Shape: mutex_lock [].
    """
    held.give_back()
    return ()
