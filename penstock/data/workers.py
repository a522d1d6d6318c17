"""Threads that work ahead of whoever takes elements, only where that pays.

A hand-over between threads costs more than most elements do, and Python code does not run on
two threads at once. So stages start inline, watch the clock, and move to threads when elements
turn out to be slow (files, decoding, compiled functions, sleeping callbacks).
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any

from penstock.ops.dataset import Element

# An element that takes longer than this is worth a hand-over between threads.
SLOW_S = 0.0004
_SLOW_ELEMENTS = 2
_JOIN_S = 5.0
_numbers = itertools.count(1)


class Failure:
    """An error on its way from the thread that met it to the one that asks."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Belt:
    """What a worker and its consumer share: a bounded queue, and the wish to stop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Any] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._finished = False

    def put(self, item: Any) -> bool:
        """Wait for room and add an item; False when nobody wants it any more."""
        with self._changed:
            while len(self._items) >= self._size and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def finish(self) -> None:
        """Say that no more items come."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def take(self) -> Any:
        """Wait for an item.

        Raises:
            StopIteration: no more come.
        """
        with self._changed:
            while not self._items:
                if self._finished or self._stopped:
                    raise StopIteration
                self._changed.wait()
            item = self._items.popleft()
            self._changed.notify_all()
        if isinstance(item, Failure):
            raise item.error
        return item

    def stop(self) -> None:
        """Say that nobody wants items any more."""
        with self._changed:
            self._stopped = True
            self._items.clear()
            self._changed.notify_all()


def _work(elements: list[Iterator[Element]], belt: _Belt) -> None:
    # The only reference, so that what the iterator holds is freed when the thread ends.
    iterator = elements.pop()
    while True:
        try:
            item: Any = next(iterator)
        except StopIteration:
            break
        except BaseException as error:  # noqa: BLE001  (the consumer must hear of it)
            item = Failure(error)
        if not belt.put(item):
            break
        del item
    del iterator
    belt.finish()


def _end(belt: _Belt, thread: threading.Thread) -> None:
    belt.stop()
    if thread is not threading.current_thread():
        # A worker amid a slow element is not waited for without end; it stops after it.
        thread.join(_JOIN_S)


class Ahead(Iterator[Element]):
    """Takes elements on a thread of its own, at most `size` ahead.

    The thread ends when the elements do, or when this object is dropped.
    """

    def __init__(self, elements: Iterator[Element], size: int) -> None:
        self._belt = _Belt(size)
        self._thread = threading.Thread(
            target=_work,
            args=([elements], self._belt),
            name=f"penstock-prefetch-{next(_numbers)}",
            daemon=True,
        )
        weakref.finalize(self, _end, self._belt, self._thread)
        self._thread.start()

    def __next__(self) -> Element:
        return self._belt.take()  # type: ignore[no-any-return]


class Prefetched(Iterator[Element]):
    """Takes elements inline while they are quick, and on a thread once they are slow."""

    def __init__(self, elements: Iterator[Element], size: int) -> None:
        self._elements = elements
        self._size = size
        self._slow = 0
        self._given = 0.0
        self._ahead = False

    def __next__(self) -> Element:
        if self._ahead:
            return next(self._elements)
        begin = perf_counter()
        element = next(self._elements)
        end = perf_counter()
        # Working ahead can hide no more than the time that the consumer spends elsewhere.
        if end - begin > SLOW_S and begin - self._given > SLOW_S:
            self._slow += 1
            if self._slow >= _SLOW_ELEMENTS:
                self._elements = Ahead(self._elements, self._size)
                self._ahead = True
        self._given = end
        return element


_POOL = "penstock-map-"


def _end_pool(pool: ThreadPoolExecutor) -> None:
    # Garbage may be collected on one of the threads of the pool, which cannot wait for itself.
    wait = not threading.current_thread().name.startswith(_POOL)
    pool.shutdown(wait=wait, cancel_futures=True)


class ParallelCalls(Iterator[Any]):
    """Calls a function on each element: inline while it is quick, on a pool once it is slow.

    Args:
        function: the function; it may be called by several threads.
        elements: what it is called on.
        workers: how many calls may be under way.
        in_order: whether results come in the order of the elements.
    """

    def __init__(
        self,
        function: Callable[[Element], Any],
        elements: Iterator[Element],
        workers: int,
        *,
        in_order: bool,
    ) -> None:
        self._function = function
        self._elements = elements
        self._workers = workers
        self._in_order = in_order
        self._slow = 0
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[Any] | Failure] = deque()
        self._done = False

    def __next__(self) -> Any:
        if self._pool is not None:
            return self._next_of_pool(self._pool)
        element = next(self._elements)
        begin = perf_counter()
        result = self._function(element)
        if perf_counter() - begin > SLOW_S and self._workers > 1:
            self._slow += 1
            if self._slow >= _SLOW_ELEMENTS:
                self._start_pool()
        return result

    def _start_pool(self) -> None:
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix=f"{_POOL}{next(_numbers)}")
        weakref.finalize(self, _end_pool, pool)
        self._pool = pool

    def _next_of_pool(self, pool: ThreadPoolExecutor) -> Any:
        while not self._done and len(self._waiting) < self._workers:
            try:
                element = next(self._elements)
            except StopIteration:
                self._done = True
            except Exception as error:  # noqa: BLE001  (raised where its element would come)
                self._waiting.append(Failure(error))
            else:
                self._waiting.append(pool.submit(self._function, element))
        if not self._waiting:
            raise StopIteration
        result = self._pop()
        if isinstance(result, Failure):
            raise result.error
        return result.result()

    def _pop(self) -> Future[Any] | Failure:
        if not self._in_order:
            for place, item in enumerate(self._waiting):
                if isinstance(item, Failure) or item.done():
                    del self._waiting[place]
                    return item
        return self._waiting.popleft()
