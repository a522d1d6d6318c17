"""`tf.train.Coordinator`: threads that stop together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from penstock.core.errors import OutOfRangeError


class Coordinator:
    """Lets threads ask each other to stop, and hands on the error that made one of them stop.

    Args:
        clean_stop_exception_types: errors after which `join` raises nothing; None takes
            `OutOfRangeError`, the end of data.

    Example:
        >>> coordinator = Coordinator()
        >>> with coordinator.stop_on_exception():
        ...     raise ValueError("wrong")
        >>> coordinator.should_stop()
        True

    Source: `tf.train.Coordinator`.
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        self._clean = tuple(
            (OutOfRangeError,)
            if clean_stop_exception_types is None
            else clean_stop_exception_types
        )
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._joined = False

    @property
    def joined(self) -> bool:
        """Whether `join` has ended."""
        return self._joined

    def request_stop(self, ex: Any = None) -> None:
        """Ask all threads to stop.

        Args:
            ex: the error that is the reason, or what `sys.exc_info` gave; `join` raises it.

        Raises:
            Exception: `ex`, when `join` has ended already.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        if error is not None and not isinstance(error, BaseException):
            raise ValueError(f"ex must be an error or its exc_info, got {ex!r}")
        with self._lock:
            if self._joined:
                if error is not None and not isinstance(error, self._clean):
                    raise error
                return
            if not self._stop.is_set():
                if error is not None and not isinstance(error, self._clean):
                    self._error = error
                self._stop.set()

    def clear_stop(self) -> None:
        """Take the request to stop back, so that threads can be started anew."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until somebody asks to stop.

        Args:
            timeout: most seconds to wait; None for any.

        Returns:
            Whether somebody asked.
        """
        return self._stop.wait(timeout)

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Ask to stop when an error is raised inside, and hold it back for `join`."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (every one is handed on)
            self.request_stop(error)

    def register_thread(self, thread: threading.Thread) -> None:
        """Have `join` wait for a thread too."""
        with self._lock:
            self._threads.append(thread)

    def join(
        self,
        threads: Sequence[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Wait until threads have ended.

        Args:
            threads: threads, beside those that are registered.
            stop_grace_period_secs: seconds that they have to end once somebody asked to stop.
            ignore_live_threads: whether nothing is raised about those that have not.

        Raises:
            RuntimeError: a thread goes on after that time.
            Exception: the error for which somebody asked to stop.
        """
        with self._lock:
            waited = [*self._threads, *(t for t in threads or () if t not in self._threads)]
        while any(thread.is_alive() for thread in waited) and not self._stop.wait(0.05):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waited:
            thread.join(max(0.0, deadline - time.monotonic()))
        left = [thread.name for thread in waited if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._threads = []
            error = self._error
        if error is not None:
            raise error
        if left and not ignore_live_threads:
            raise RuntimeError(
                f"Coordinator stopped with threads still running: {' '.join(left)}"
            )

    def raise_requested_exception(self) -> None:
        """Raise the error for which somebody asked to stop, if there is one.

        Raises:
            Exception: that error.
        """
        with self._lock:
            error = self._error
        if error is not None:
            raise error
