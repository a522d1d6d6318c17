"""`window`: runs of consecutive elements as datasets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetSpec, DatasetV2, method, scalar
from penstock.data.dataset.tensors import Source
from penstock.data.run import INFINITE, UNKNOWN, Run
from penstock.ops.dataset import Element


class _WindowDatasetOfOne(Source):
    """Elements kept in memory; one component of those of a window."""

    def __init__(self, structure: Structure, elements: Sequence[Element]) -> None:
        self._elements = elements
        super().__init__(structure)

    def _start(self, run: Run) -> Iterator[Element]:
        return iter(self._elements)

    def _count(self) -> int:
        return len(self._elements)


class _Windows(Iterator[Element]):
    """Collects elements into windows, which may overlap or leave elements out."""

    def __init__(
        self,
        elements: Iterator[Element],
        size: int,
        shift: int,
        stride: int,
        parts: Sequence[tuple[Structure, int, int]],
        *,
        drop_remainder: bool,
    ) -> None:
        self._elements = elements
        self._size = size
        self._shift = shift
        self._stride = stride
        self._parts = parts
        self._drop_remainder = drop_remainder
        self._kept: list[Element] = []
        self._to_skip = 0
        self._ended = False

    def __next__(self) -> Element:
        reach = (self._size - 1) * self._stride + 1
        while not self._ended and len(self._kept) < reach:
            try:
                element = next(self._elements)
            except StopIteration:
                self._ended = True
            else:
                if self._to_skip:
                    self._to_skip -= 1
                else:
                    self._kept.append(element)
        if not self._kept or (self._drop_remainder and len(self._kept) < reach):
            raise StopIteration
        window = self._kept[: reach : self._stride]
        self._to_skip = max(self._shift - len(self._kept), 0)
        del self._kept[: self._shift]
        return tuple(
            _WindowDatasetOfOne(structure, [element[begin:end] for element in window])
            for structure, begin, end in self._parts
        )


class _WindowDataset(DatasetV2):
    def _check(self) -> None:
        for name, value in zip(("size", "shift", "stride"), self._operands, strict=False):
            if value < 1:
                raise InvalidArgumentError(f"Window {name} must be greater than zero.")

    def _make_structure(self) -> Structure:
        return Structure(self._parents[0]._structure.map_leaves(DatasetSpec))

    def _start(self, run: Run) -> Iterator[Element]:
        size, shift, stride, drop = self._operands
        parent = self._parents[0]
        parts = [
            (Structure(leaf), begin, end)
            for leaf, begin, end in parent._structure.leaf_ranges()
        ]
        elements = parent._start(run)
        return _Windows(elements, size, shift, stride, parts, drop_remainder=drop)

    def _count(self) -> int:
        count = self._parents[0]._count()
        size, shift, stride, drop = self._operands
        if count in {INFINITE, UNKNOWN}:
            return count
        if drop:
            reach = (size - 1) * stride + 1
            return 0 if count < reach else (count - reach) // shift + 1
        return int(-(-count // shift))


@method
def window(
    self: DatasetV2,
    size: Any,
    shift: Any = None,
    stride: Any = 1,
    drop_remainder: Any = False,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of windows: structures like an element, of datasets.

    Args:
        size: number of elements in a window.
        shift: how far the next window starts after this one; `size` unless given.
        stride: how far apart the elements of a window are.
        drop_remainder: whether last windows of fewer elements are left out.
        name: accepted for compatibility.

    Raises:
        InvalidArgumentError: a number is not positive.

    Example:
        >>> windows = DatasetV2.range(5).window(3, shift=2)
        >>> [[int(x) for x in window] for window in windows]
        [[0, 1, 2], [2, 3, 4], [4]]
    """
    return _WindowDataset(
        (self,),
        (
            scalar(size, dtypes.int64, "size"),
            scalar(size if shift is None else shift, dtypes.int64, "shift"),
            scalar(stride, dtypes.int64, "stride"),
            scalar(drop_remainder, dtypes.bool, "drop_remainder"),
        ),
    )
