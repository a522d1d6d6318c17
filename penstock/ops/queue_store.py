"""Queues of elements: what waits, for whom, and in which order it leaves."""

from __future__ import annotations

import heapq
import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import (
    CancelledError,
    DeadlineExceededError,
    InvalidArgumentError,
    OutOfRangeError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.ops.philox import Generator

Element = tuple[Any, ...]
_UNBOUNDED: Final = -1
_numbers = itertools.count()


class Queue:
    """A queue whose elements leave in the order in which they came.

    Threads that put elements into a full queue, or take some out of an empty one, wait. Each
    side is served in the order in which the threads came.

    Args:
        dtypes: dtypes of the components of an element.
        shapes: their shapes; empty when they are not known.
        capacity: most elements that it holds, -1 for any number.
        name: name for messages.
    """

    kind = "FIFOQueue"

    def __init__(
        self,
        dtypes: Sequence[DType],
        shapes: Sequence[TensorShape],
        capacity: int = _UNBOUNDED,
        name: str = "",
    ) -> None:
        if shapes and len(shapes) != len(dtypes):
            raise InvalidArgumentError(
                f"a queue must have a shape for each of {len(dtypes)} components, got "
                f"{len(shapes)}"
            )
        self.dtypes = tuple(dtypes)
        self.shapes = tuple(shapes)
        self.name = name or f"{next(_numbers)}"
        self._capacity = None if capacity < 0 else capacity
        self._changed = threading.Condition()
        self._putting = threading.Lock()
        self._taking = threading.Lock()
        self._closed = False
        self._cancelled = False

    # -- the order, which subclasses change -------------------------------------------------

    def _make_room(self) -> None:
        self._elements: deque[Element] = deque()

    def _add(self, element: Element) -> None:
        self._elements.append(element)

    def _next(self) -> Element:
        return self._elements.popleft()

    def _put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extendleft(reversed(elements))

    def _held_back(self) -> int:
        """How many elements must stay in the queue while it is open."""
        return 0

    def __len__(self) -> int:
        if not hasattr(self, "_elements"):
            self._make_room()
        return len(self._elements)

    # -- what the ops do --------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be put in."""
        return self._closed

    def size(self) -> int:
        """Number of elements in the queue."""
        with self._changed:
            return len(self)

    def close(self, *, cancel: bool) -> None:
        """Let nothing more in; with `cancel`, those who wait to put elements in give up."""
        with self._changed:
            self._closed = True
            self._cancelled = self._cancelled or cancel
            self._changed.notify_all()

    def put(self, elements: Sequence[Element], timeout_ms: int = -1) -> None:
        """Put elements in, waiting for room.

        Raises:
            CancelledError: the queue is closed.
        """
        if self._closed:
            raise self._is_closed()
        deadline = _deadline(timeout_ms)
        with self._putting:
            for element in elements:
                with self._changed:
                    self._wait(lambda: self._cancelled or self._has_room(), deadline)
                    if self._cancelled:
                        raise self._is_closed()
                    self._add(element)
                    self._changed.notify_all()

    def _is_closed(self) -> CancelledError:
        return CancelledError(f"{self.kind} '{self.name}' is closed.")

    def _has_room(self) -> bool:
        return self._capacity is None or len(self) < self._capacity

    def take(self, count: int, timeout_ms: int = -1, *, fewer: bool = False) -> list[Element]:
        """Take elements out, waiting until there are so many.

        Args:
            count: number of elements.
            timeout_ms: longest wait, -1 for any.
            fewer: whether a closed queue gives the elements that are left, if there are any.

        Raises:
            OutOfRangeError: the queue is closed and has too few elements.
        """
        deadline = _deadline(timeout_ms)
        taken: list[Element] = []
        with self._taking, self._changed:
            while len(taken) < count:
                self._wait(lambda: self._closed or self._has_next(), deadline)
                if self._has_next():
                    taken.append(self._next())
                    self._changed.notify_all()
                    continue
                if fewer and taken:
                    break
                # What was taken on the way goes back: all or nothing.
                self._put_back(taken)
                raise OutOfRangeError(
                    f"{self.kind} '{self.name}' is closed and has insufficient elements "
                    f"(requested {count}, current size {len(self)})"
                )
        return taken

    def _has_next(self) -> bool:
        held_back = 0 if self._closed else self._held_back()
        return len(self) > held_back

    def _wait(self, until: Callable[[], bool], deadline: float | None) -> None:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not self._changed.wait_for(until, left):
            raise DeadlineExceededError(f"{self.kind} '{self.name}': waited too long")

    def join(self, elements: Sequence[Element]) -> Element:
        """Stack elements, component by component."""
        return tuple(
            np.stack(column)
            if column
            else np.empty((0, *(size or 0 for size in shape.as_list())), dtype.np)
            for column, dtype, shape in zip(
                list(zip(*elements, strict=True)) or [()] * len(self.dtypes),
                self.dtypes,
                self.shapes,
                strict=True,
            )
        )


def _deadline(timeout_ms: int) -> float | None:
    return None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000


class PaddingQueue(Queue):
    """A queue whose elements are padded to one shape when several are taken at once."""

    kind = "PaddingFIFOQueue"

    def join(self, elements: Sequence[Element]) -> Element:
        """Stack elements, each component padded to the largest size along each axis."""
        return tuple(
            _padded(column, dtype)
            for column, dtype in zip(zip(*elements, strict=True), self.dtypes, strict=True)
        )


def _padded(column: Sequence[Any], dtype: DType) -> Any:
    shape = np.max([value.shape for value in column], axis=0).astype(int)
    fill: Any = b"" if dtype.np == object else 0
    joined = np.full((len(column), *shape), fill, dtype.np)
    for i, value in enumerate(column):
        place: Any = (i, *map(slice, value.shape))
        joined[place] = value
    return joined


class PriorityQueue(Queue):
    """A queue whose elements leave by their first component, the smallest first."""

    kind = "PriorityQueue"

    def _make_room(self) -> None:
        self._elements: Any = []
        self._order = itertools.count()

    def _add(self, element: Element) -> None:
        heapq.heappush(self._elements, (int(element[0]), next(self._order), element))

    def _next(self) -> Element:
        element: Element = heapq.heappop(self._elements)[2]
        return element

    def _put_back(self, elements: Sequence[Element]) -> None:
        for element in elements:
            self._add(element)


class ShuffleQueue(Queue):
    """A queue whose elements leave in random order.

    Args:
        min_after_dequeue: how many elements stay in the queue while it is open.
        seeds: two seeds; two zeros make the order unpredictable.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self,
        dtypes: Sequence[DType],
        shapes: Sequence[TensorShape],
        capacity: int = _UNBOUNDED,
        name: str = "",
        *,
        min_after_dequeue: int = 0,
        seeds: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(dtypes, shapes, capacity, name)
        self._min_after_dequeue = min_after_dequeue
        first, second = seeds if any(seeds) else (secrets.randbits(63), secrets.randbits(63))
        self._generator = Generator(
            np.array([first], np.uint64), np.array([0, second], np.uint64)
        )
        self._words: list[int] = []

    def _make_room(self) -> None:
        self._elements: Any = []

    def _random_number(self) -> int:
        if not self._words:
            self._words = [int(word) for word in self._generator.words(4)][::-1]
            self._generator = self._generator.skip(1)
        return self._words.pop()

    def _next(self) -> Element:
        held: list[Element] = self._elements
        place = self._random_number() % len(held)
        held[place], held[-1] = held[-1], held[place]
        return held.pop()

    def _put_back(self, elements: Sequence[Element]) -> None:
        self._elements.extend(elements)

    def _held_back(self) -> int:
        return self._min_after_dequeue
