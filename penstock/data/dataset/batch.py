"""`batch`: consecutive elements stacked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetV2, Rows, is_symbolic, method, scalar
from penstock.data.run import Run
from penstock.data.stacking import batched, stacker
from penstock.ops.dataset import Element


class _Batches:
    """Stacks what comes, so many at a time."""

    def __init__(
        self,
        elements: Iterator[Element],
        size: int,
        stack: Callable[[Sequence[Element]], Element],
        *,
        drop_remainder: bool,
    ) -> None:
        self._elements = elements
        self._size = size
        self._stack = stack
        self._drop_remainder = drop_remainder

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Element:
        found = list(itertools.islice(self._elements, self._size))
        if not found or (self._drop_remainder and len(found) < self._size):
            raise StopIteration
        return self._stack(found)


class _BatchesOfRows:
    """Picks rows, so many at a time, without making an element of each."""

    def __init__(
        self, indices: Iterator[int], size: int, rows: Rows, *, drop_remainder: bool
    ) -> None:
        self._indices = indices
        self._size = size
        self._rows = rows
        self._drop_remainder = drop_remainder

    def __iter__(self) -> _BatchesOfRows:
        return self

    def __next__(self) -> Element:
        found = np.fromiter(itertools.islice(self._indices, self._size), np.int64)
        if not len(found) or (self._drop_remainder and len(found) < self._size):
            raise StopIteration
        return self._rows.gather(found)


class _StackedBatches:
    """Takes elements that come stacked already, so many at a time."""

    def __init__(
        self, take: Callable[[int], Element], size: int, *, drop_remainder: bool
    ) -> None:
        self._take = take
        self._size = size
        self._drop_remainder = drop_remainder

    def __iter__(self) -> _StackedBatches:
        return self

    def __next__(self) -> Element:
        found = self._take(self._size)
        count = len(found[0])
        if not count or (self._drop_remainder and count < self._size):
            raise StopIteration
        return found


class _BatchDataset(DatasetV2):
    """`drop_remainder` and the size may be symbols."""

    def __init__(self, parent: DatasetV2, size: Any, drop_remainder: Any) -> None:
        self._known_size = size if not is_symbolic(size) and drop_remainder is True else None
        super().__init__((parent,), (size, drop_remainder))

    def _check(self) -> None:
        if self._operands[0] <= 0:
            raise InvalidArgumentError("Batch size must be greater than zero.")

    def _make_structure(self) -> Structure:
        return batched(self._parents[0]._structure, self._known_size, "batch")

    def _start(self, run: Run) -> Iterator[Element]:
        parent = self._parents[0]
        size, drop = self._operands
        rows = parent._rows()
        if rows is not None:
            return _BatchesOfRows(parent._indices(run), size, rows, drop_remainder=drop)
        elements = parent._start(run)
        take_stacked = getattr(elements, "take_stacked", None)
        if take_stacked is not None:
            return _StackedBatches(take_stacked, size, drop_remainder=drop)
        stack = stacker(parent._structure, "batch")
        return _Batches(elements, size, stack, drop_remainder=drop)

    def _count(self) -> int:
        count = self._parents[0]._count()
        size, drop = self._operands
        if count < 0:
            return count
        return count // size if drop else -(-count // size)


@method
def batch(
    self: DatasetV2,
    batch_size: Any,
    drop_remainder: Any = False,
    num_parallel_calls: int | None = None,
    deterministic: bool | None = None,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of `batch_size` consecutive elements stacked.

    Args:
        batch_size: number of elements.
        drop_remainder: whether a last batch of fewer elements is left out; then the first
            dimension of the element spec is known.
        num_parallel_calls: accepted; stacking is quick.
        deterministic: accepted; batches come in order.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: the size is not positive; while iterating, shapes differ.

    Example:
        >>> dataset = DatasetV2.range(5).batch(2)
        >>> [batch.tolist() for batch in dataset.as_numpy_iterator()]
        [[0, 1], [2, 3], [4]]
    """
    size = scalar(batch_size, dtypes.int64, "batch_size")
    return _BatchDataset(self, size, scalar(drop_remainder, dtypes.bool, "drop_remainder"))
