"""Work that must not be done while somebody waits: a bounded queue and one thread."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

_log = logging.getLogger("penstock.monitor")

T = TypeVar("T")


class Background(Generic[T]):
    """Hands what is put in to a function, in lots, in a thread of its own.

    Putting costs less than a microsecond and never waits; what comes while the queue is full
    is dropped.

    Args:
        handle: takes a lot; what it raises is logged.
        name: of the thread.
        most: items that may wait.
        gather_s: how long a lot is gathered. It also bounds how often the thread runs.
        idle: called when nothing has come for `idle_s`, and before the end.
        idle_s: see `idle`.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[T]], Any],
        name: str,
        *,
        most: int = 8192,
        gather_s: float = 0.05,
        idle: Callable[[], Any] | None = None,
        idle_s: float = 1.0,
    ) -> None:
        self._handle = handle
        self._name = name
        self._most = most
        self._gather_s = gather_s
        self._idle = idle
        self._idle_s = idle_s
        self._waiting: deque[T] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, item: T) -> bool:
        """Queue an item; false when it was dropped."""
        waiting = self._waiting
        if len(waiting) >= self._most or self._closing.is_set():
            return False
        waiting.append(item)
        if not self._wake.is_set():
            if self._thread is None:
                self._start()
            self._wake.set()
        return True

    def close(self, timeout_s: float = 5.0) -> None:
        """Handle what is queued, and end."""
        self._closing.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        last_idle = time.monotonic()
        while True:
            self._wake.wait(self._idle_s)
            is_last = self._closing.wait(self._gather_s) if self._wake.is_set() else False
            self._wake.clear()
            lot = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lot:
                self._run(lambda lot=lot: self._handle(lot))  # type: ignore[misc]
            now = time.monotonic()
            if self._idle is not None and (is_last or now - last_idle >= self._idle_s):
                last_idle = now
                self._run(self._idle)
            if is_last and not self._waiting:
                return
            if is_last:
                self._wake.set()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001  (logs must not end the service)
            _log.exception("%s failed", self._name)
