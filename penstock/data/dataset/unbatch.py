"""`unbatch` and `rebatch`: elements taken apart along their first axis, and joined anew."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import NoneTensorSpec, Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method
from penstock.data.run import INFINITE, UNKNOWN, Run
from penstock.data.stacking import common_size, stacker, unbatched, unstacker
from penstock.ops.dataset import Element
from penstock.runtime.convert import to_numpy


class _Unbatched(Iterator[Element]):
    """The rows of elements, one after the other."""

    def __init__(
        self, elements: Iterator[Element], rows: Callable[[Element], Iterator[Element]]
    ) -> None:
        self._elements = elements
        self._rows_of = rows
        self._rows: Iterator[Element] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._rows)
            except StopIteration:
                self._rows = self._rows_of(next(self._elements))


class _UnbatchDataset(DatasetV2):
    def _make_structure(self) -> Structure:
        return unbatched(self._parents[0]._structure, "unbatch")

    def _start(self, run: Run) -> Iterator[Element]:
        parent = self._parents[0]
        return _Unbatched(parent._start(run), unstacker(parent._structure, "unbatch"))

    def _count(self) -> int:
        count = self._parents[0]._count()
        if count in {INFINITE, 0}:
            return count
        size = _batch_size(self._parents[0]._structure)
        return UNKNOWN if count == UNKNOWN or size is None else count * size


def _batch_size(structure: Structure) -> int | None:
    shapes = [getattr(leaf, "shape", None) for leaf in structure.leaves]
    sizes = {shape[0] for shape in shapes if shape is not None and shape.rank}
    sizes.discard(None)
    return next(iter(sizes)) if sizes else None


@method
def unbatch(self: DatasetV2, name: str | None = None) -> DatasetV2:
    """Return a dataset of the slices of elements along their first axis.

    Raises:
        ValueError: a component is a scalar, or first sizes are known to differ.
    """
    first: Any = None
    for leaf in self._structure.leaves:
        # What is no tensor may have no shape of its own.
        shape = getattr(leaf, "shape", None)
        if shape is None or isinstance(leaf, NoneTensorSpec):
            continue
        if shape.rank == 0:
            raise ValueError("Cannot unbatch an input with scalar components.")
        size = shape[0] if shape.rank else None
        if size is not None and first is not None and size != first:
            raise ValueError(
                "`unbatch()` is only supported for datasets of elements whose components have "
                f"a matching leading dimension. Encountered both {first} and {size}."
            )
        first = size if first is None else first
    return _UnbatchDataset((self,))


class _Rebatched(Iterator[Element]):
    """Rows of elements, collected into batches of given sizes in turn."""

    def __init__(
        self, elements: Iterator[Element], sizes: Sequence[int], *, drop_remainder: bool
    ) -> None:
        self._elements = elements
        self._sizes = itertools.cycle(sizes)
        self._drop_remainder = drop_remainder
        self._left: Element | None = None
        self._at = 0

    def __next__(self) -> Element:
        wanted = next(self._sizes)
        parts: list[Element] = []
        found = 0
        while found < wanted:
            try:
                rows = self._rows(wanted - found)
            except StopIteration:
                if not parts or self._drop_remainder:
                    raise
                break
            found += len(rows[0])
            parts.append(rows)
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _rows(self, most: int) -> Element:
        """Some of the next rows, at least one and at most so many."""
        while self._left is None or self._at >= len(self._left[0]):
            self._left = next(self._elements)
            common_size(self._left)
            self._at = 0
        begin, self._at = self._at, min(self._at + most, len(self._left[0]))
        return tuple(part[begin : self._at] for part in self._left)


class _BatchesOfSizes(Iterator[Element]):
    """Elements stacked into batches of given sizes in turn."""

    def __init__(
        self,
        elements: Iterator[Element],
        sizes: Sequence[int],
        stack: Callable[[Sequence[Element]], Element],
        *,
        drop_remainder: bool,
    ) -> None:
        self._elements = elements
        self._sizes = itertools.cycle(sizes)
        self._stack = stack
        self._drop_remainder = drop_remainder

    def __next__(self) -> Element:
        size = next(self._sizes)
        found = list(itertools.islice(self._elements, size))
        if not found or (self._drop_remainder and len(found) < size):
            raise StopIteration
        return self._stack(found)


class _RebatchDataset(DatasetV2):
    def __init__(
        self, parent: DatasetV2, sizes: Sequence[int], *, drop_remainder: bool
    ) -> None:
        self._sizes = list(sizes)
        self._drop_remainder = drop_remainder
        super().__init__((parent,))

    def _check(self) -> None:
        if not self._sizes or min(self._sizes) < 1:
            raise InvalidArgumentError(f"batch sizes must be positive, got {self._sizes}")

    def _make_structure(self) -> Structure:
        size = self._static_size()

        def rebatched(leaf: Any) -> Any:
            if not isinstance(leaf, TensorSpec):
                return leaf._unbatch()._batch(size)
            if leaf.shape.rank is None:
                return leaf
            return TensorSpec(TensorShape([size]).concatenate(leaf.shape[1:]), leaf.dtype)

        return Structure(self._parents[0]._structure.map_leaves(rebatched))

    def _static_size(self) -> int | None:
        if len(set(self._sizes)) > 1:
            return None
        known = _batch_size(self._parents[0]._structure)
        divides = known is not None and known % self._sizes[0] == 0
        return self._sizes[0] if self._drop_remainder or divides else None

    def _start(self, run: Run) -> Iterator[Element]:
        parent = self._parents[0]
        if parent._structure.dense:
            return _Rebatched(
                parent._start(run), self._sizes, drop_remainder=self._drop_remainder
            )
        rows = _Unbatched(parent._start(run), unstacker(parent._structure, "rebatch"))
        stack = stacker(unbatched(parent._structure, "rebatch"), "rebatch")
        return _BatchesOfSizes(rows, self._sizes, stack, drop_remainder=self._drop_remainder)

    def _count(self) -> int:
        count = self._parents[0]._count()
        return INFINITE if count == INFINITE else UNKNOWN


@method
def rebatch(
    self: DatasetV2, batch_size: Any, drop_remainder: bool = False, name: str | None = None
) -> DatasetV2:
    """Return a dataset of the same rows in batches of other sizes.

    Args:
        batch_size: number of rows, or a list of numbers that are used in turn.
        drop_remainder: whether a last batch with fewer rows is left out.
        name: accepted for compatibility.

    Raises:
        ValueError: elements are scalars.
        InvalidArgumentError: a size is not positive.
    """
    shapes = [getattr(leaf, "shape", None) for leaf in self._structure.leaves]
    if any(shape is not None and shape.rank == 0 for shape in shapes):
        raise ValueError(
            "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset "
            "with scalar elements. Fix the issue by adding the `batch` transformation to the "
            "dataset."
        )
    sizes = to_numpy(batch_size, dtypes.int64).reshape(-1).tolist()
    return _RebatchDataset(self, sizes, drop_remainder=bool(drop_remainder))
