"""`unbatch` and `rebatch`: elements taken apart along their first axis, and joined anew."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method
from penstock.data.dataset.tensors import ArrayRows
from penstock.data.run import INFINITE, UNKNOWN, Run
from penstock.ops.dataset import Element
from penstock.runtime.convert import to_numpy


def _common_size(element: Element) -> int:
    size: int = np.shape(element[0])[0]
    for i, part in enumerate(element):
        if np.shape(part)[0] != size:
            raise InvalidArgumentError(
                "Input element must have the same batch size in each component. Component 0 "
                f"had size {size} but component {i} had size, {np.shape(part)[0]}."
            )
    return size


class _Unbatched(Iterator[Element]):
    """The rows of elements, one after the other."""

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements = elements
        self._rows: Iterator[Element] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._rows)
            except StopIteration:
                element = next(self._elements)
                size = _common_size(element)
                self._rows = map(ArrayRows(element).element, range(size))


class _UnbatchDataset(DatasetV2):
    def _make_structure(self) -> Structure:
        return Structure(self._parents[0]._structure.map_leaves(_unbatched))

    def _start(self, run: Run) -> Iterator[Element]:
        return _Unbatched(self._parents[0]._start(run))

    def _count(self) -> int:
        count = self._parents[0]._count()
        if count in {INFINITE, 0}:
            return count
        size = _batch_size(self._parents[0]._structure)
        return UNKNOWN if count == UNKNOWN or size is None else count * size


def _unbatched(leaf: Any) -> Any:
    if isinstance(leaf, TensorSpec):
        if leaf.shape.rank is None:
            return TensorSpec(None, leaf.dtype)
        return TensorSpec(leaf.shape[1:], leaf.dtype)
    raise UnimplementedError(f"Dataset.unbatch() of a {type(leaf).__name__} is not implemented")


def _batch_size(structure: Structure) -> int | None:
    sizes = {spec.shape[0] for spec in structure.tensor_specs if spec.shape.rank}
    sizes.discard(None)
    return next(iter(sizes)) if sizes else None


@method
def unbatch(self: DatasetV2, name: str | None = None) -> DatasetV2:
    """Return a dataset of the slices of elements along their first axis.

    Raises:
        ValueError: a component is a scalar, or first sizes are known to differ.
    """
    structure = self._structure
    for spec in structure.tensor_specs:
        if spec.shape.rank == 0:
            raise ValueError("Cannot unbatch an input with scalar components.")
    first: Any = None
    for spec in structure.tensor_specs:
        size = spec.shape[0] if spec.shape.rank else None
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
            _common_size(self._left)
            self._at = 0
        begin, self._at = self._at, min(self._at + most, len(self._left[0]))
        return tuple(part[begin : self._at] for part in self._left)


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
                raise UnimplementedError(
                    f"Dataset.rebatch() of a {type(leaf).__name__} is not implemented"
                )
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
        return _Rebatched(
            self._parents[0]._start(run), self._sizes, drop_remainder=self._drop_remainder
        )

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
    if any(spec.shape.rank == 0 for spec in self._structure.tensor_specs):
        raise ValueError(
            "Invalid `batch_sizes`. Expected dataset with rank of >= 1 but found a dataset "
            "with scalar elements. Fix the issue by adding the `batch` transformation to the "
            "dataset."
        )
    sizes = to_numpy(batch_size, dtypes.int64).reshape(-1).tolist()
    return _RebatchDataset(self, sizes, drop_remainder=bool(drop_remainder))
