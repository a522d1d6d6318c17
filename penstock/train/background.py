"""Writing in the background: one thing at a time, and no failure unseen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundWrites:
    """Runs writes on a thread of its own, each after the one before.

    The thread ends with the last write that waits; a program that ends waits for it.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def start(self, write: Callable[[], None]) -> None:
        """Run `write` when the one before is done.

        Raises:
            Exception: what went wrong in the one before.
        """
        self.wait()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "penstock-checkpoint")
        self._last = self._pool.submit(write)

    def wait(self) -> None:
        """Wait until all is written.

        Raises:
            Exception: what went wrong; it is told once.
        """
        last, self._last = self._last, None
        if last is not None:
            last.result()
