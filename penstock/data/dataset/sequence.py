"""`take`, `skip`, `shard`, `repeat`, `concatenate`, `enumerate`: which elements, and when."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from penstock.api.data_structure import Structure, common
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetV2, Reordering, method, scalar
from penstock.data.run import INFINITE, UNKNOWN, Run
from penstock.ops.dataset import Element

T = TypeVar("T")


class _TakeDataset(Reordering):
    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        (count,) = self._operands
        return make() if count < 0 else itertools.islice(make(), count)

    def _count(self) -> int:
        count, (limit,) = self._parents[0]._count(), self._operands
        if limit < 0:
            return count
        if count == INFINITE:
            return int(limit)
        return UNKNOWN if count == UNKNOWN else min(count, limit)


class _SkipDataset(Reordering):
    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        (count,) = self._operands
        return iter(()) if count < 0 else itertools.islice(make(), count, None)

    def _count(self) -> int:
        count, (skipped,) = self._parents[0]._count(), self._operands
        if skipped < 0:
            return 0
        return count if count < 0 else max(count - skipped, 0)


class _ShardDataset(Reordering):
    def _check(self) -> None:
        number, index = self._operands
        if number < 1:
            raise InvalidArgumentError(
                f"Number of shards must be greater than zero (currently num_shards = {number})."
            )
        if not 0 <= index < number:
            raise InvalidArgumentError(
                f"Index must be between 0 and {number - 1} (currently index = {index})."
            )

    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        number, index = self._operands
        return itertools.islice(make(), index, None, number)

    def _count(self) -> int:
        count, (number, index) = self._parents[0]._count(), self._operands
        return count if count < 0 else len(range(index, count, number))


class _Repeated(Iterator[T]):
    """One iterator after the other, each afresh; without end when `count` is negative."""

    def __init__(self, make: Callable[[], Iterator[T]], count: int) -> None:
        self._make = make
        self._left = count
        self._now: Iterator[T] | None = None

    def __next__(self) -> T:
        while True:
            first = self._now is None
            if first:
                if self._left == 0:
                    raise StopIteration
                self._left -= 1
                self._now = self._make()
            try:
                return next(self._now)  # type: ignore[arg-type]
            except StopIteration:
                self._now = None
                # An empty dataset repeated without end would be searched forever.
                if first and self._left < 0:
                    self._left = 0


class _RepeatDataset(Reordering):
    def _reorder(self, run: Run, make: Callable[[], Iterator[T]]) -> Iterator[T]:
        return _Repeated(make, self._operands[0])

    def _count(self) -> int:
        count, (times,) = self._parents[0]._count(), self._operands
        if times == 0 or count == 0:
            return 0
        if times < 0:
            return INFINITE
        return count if count < 0 else count * times


class _ConcatenateDataset(DatasetV2):
    def _make_structure(self) -> Structure:
        first, second = self._parents
        return Structure(common(first.element_spec, second.element_spec))

    def _start(self, run: Run) -> Iterator[Element]:
        first, second = self._parents
        return _Chained([first, second], run)

    def _count(self) -> int:
        counts = [parent._count() for parent in self._parents]
        if INFINITE in counts:
            return INFINITE
        return UNKNOWN if UNKNOWN in counts else sum(counts)


class _Chained(Iterator[Element]):
    """The elements of one dataset after those of another, each started when its turn comes."""

    def __init__(self, datasets: list[DatasetV2], run: Run) -> None:
        self._waiting = list(reversed(datasets))
        self._run = run
        self._now: Iterator[Element] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._now)
            except StopIteration:
                if not self._waiting:
                    raise
                self._now = self._waiting.pop()._start(self._run)


@method
def take(self: DatasetV2, count: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset of at most `count` first elements; all when `count` is negative."""
    return _TakeDataset((self,), (scalar(count, dtypes.int64, "count"),))


@method
def skip(self: DatasetV2, count: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset without the `count` first elements; an empty one when it is negative."""
    return _SkipDataset((self,), (scalar(count, dtypes.int64, "count"),))


@method
def shard(self: DatasetV2, num_shards: Any, index: Any, name: str | None = None) -> DatasetV2:
    """Return a dataset of every `num_shards`-th element, from the one numbered `index` on.

    Raises:
        InvalidArgumentError: unless 0 <= index < num_shards.
    """
    number = scalar(num_shards, dtypes.int64, "num_shards")
    return _ShardDataset((self,), (number, scalar(index, dtypes.int64, "index")))


@method
def repeat(self: DatasetV2, count: Any = None, name: str | None = None) -> DatasetV2:
    """Return a dataset that goes `count` times through this one; None or -1: without end."""
    times = scalar(-1 if count is None else count, dtypes.int64, "count")
    return _RepeatDataset((self,), (times,))


@method
def concatenate(self: DatasetV2, dataset: DatasetV2, name: str | None = None) -> DatasetV2:
    """Return a dataset of the elements of this one, and then those of `dataset`.

    Raises:
        TypeError: the elements differ in structure or dtype.
    """
    common(self.element_spec, dataset.element_spec)
    return _ConcatenateDataset((self, dataset))


@method
def enumerate_(self: DatasetV2, start: Any = 0, name: str | None = None) -> DatasetV2:
    """Return a dataset of pairs of a number, int64 from `start` on, and an element."""
    last = 2**63 - 1
    return DatasetV2.zip(DatasetV2.range(start, last), self)  # type: ignore[attr-defined]
