"""`shuffle`: elements in a random order, within a buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetV2, Reordering, method, scalar
from penstock.data.random_stream import SeedGenerator, words
from penstock.data.run import UNKNOWN, Run

T = TypeVar("T")


class _Shuffled(Iterator[T]):
    """Draws from a ring of items; the item at its start takes the place of what was drawn.

    Order and random numbers are TensorFlow's, so that equal seeds give equal orders.
    """

    def __init__(self, items: Iterator[T], size: int | None, random: Iterator[int]) -> None:
        self._items = items
        self._size = size
        self._random = random
        self._ring: list[Any] = []
        self._begin = 0
        self._end = 0
        self._free: int | None = None  # place in the ring that the next item takes
        self._filled = False

    def __next__(self) -> T:
        ring = self._ring
        if not self._filled:
            self._fill()
        elif self._free is not None:
            self._refill(self._free)
        count = self._end - self._begin
        if not count:
            raise StopIteration
        size = len(ring)
        first = self._begin % size
        place = (first + next(self._random) % count) % size
        item: T = ring[place]
        ring[place] = ring[first]
        ring[first] = None
        self._begin += 1
        if self._items is not _EXHAUSTED:
            self._free = first
        return item

    def _fill(self) -> None:
        items, ring, size = self._items, self._ring, self._size
        while size is None or len(ring) < size:
            try:
                ring.append(next(items))
            except StopIteration:
                self._items = _EXHAUSTED
                break
        self._filled = True
        self._end = len(ring)

    def _refill(self, place: int) -> None:
        try:
            self._ring[place] = next(self._items)
        except StopIteration:
            self._items = _EXHAUSTED
        else:
            self._end += 1
        self._free = None


_EXHAUSTED: Any = iter(())


class _ShuffleDataset(Reordering):
    def __init__(self, parent: DatasetV2, buffer_size: Any, seeds: SeedGenerator) -> None:
        self._seeds = seeds
        super().__init__((parent,), (buffer_size,))

    def _check(self) -> None:
        if self._operands[0] < 1 and self._operands[0] != UNKNOWN:
            raise InvalidArgumentError(
                "buffer_size must be greater than zero or UNKNOWN_CARDINALITY"
            )

    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        (size,) = self._operands
        random = words(*run.seeds(self._seeds))
        return _Shuffled(make(), None if size == UNKNOWN else size, random)

    def _count(self) -> int:
        return self._parents[0]._count()


@method
def shuffle(
    self: DatasetV2,
    buffer_size: Any,
    seed: Any = None,
    reshuffle_each_iteration: bool | None = True,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset that gives elements in a random order.

    A buffer is filled with elements; each time one of them is drawn and the next takes its
    place. With equal seeds the order is TensorFlow's.

    Args:
        buffer_size: number of elements in the buffer; `cardinality()` shuffles perfectly.
        seed: with the global seed decides the order.
        reshuffle_each_iteration: whether each iterator has another order.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: the size is not positive.
    """
    size = scalar(buffer_size, dtypes.int64, "buffer_size")
    varies = reshuffle_each_iteration is None or bool(reshuffle_each_iteration)
    seeds = SeedGenerator(None if seed is None else int(seed), varies=varies)
    return _ShuffleDataset(self, size, seeds)
