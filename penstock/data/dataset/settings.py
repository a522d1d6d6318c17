"""`with_options`, `assert_cardinality`, `apply`: what is said about a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import FailedPreconditionError
from penstock.data.dataset.base import DatasetV2, Rows, method, scalar
from penstock.data.options import Options
from penstock.data.run import INFINITE, Run
from penstock.ops.dataset import Element


class _OptionsDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, options: Options) -> None:
        self._own_options = options
        super().__init__((parent,))

    def _add_options(self, merged: Options) -> None:
        super()._add_options(merged)
        merged._take(self._own_options)

    def _start(self, run: Run) -> Iterator[Element]:
        return self._parents[0]._start(run)

    def _rows(self) -> Rows | None:
        return self._parents[0]._rows()

    def _indices(self, run: Run) -> Iterator[int]:
        return self._parents[0]._indices(run)

    def _count(self) -> int:
        return self._parents[0]._count()


@method
def with_options(self: DatasetV2, options: Options, name: str | None = None) -> DatasetV2:
    """Return this dataset with options, which replace those that were set before.

    Raises:
        TypeError: `options` is no `tf.data.Options`.
    """
    if not isinstance(options, Options):
        raise TypeError(f"`options` must be `tf.data.Options`, got {type(options).__name__}")
    # A copy: what is set in the object afterwards says nothing about this dataset.
    return _OptionsDataset(self, Options().merge(options))


@method
def apply(self: DatasetV2, transformation_func: Callable[[DatasetV2], Any]) -> DatasetV2:
    """Return `transformation_func(self)`.

    Raises:
        TypeError: that is no dataset.
    """
    dataset = transformation_func(self)
    if not isinstance(dataset, DatasetV2):
        raise TypeError(
            "`transformation_func` must return a `tf.data.Dataset` object. Got "
            f"{type(dataset)}."
        )
    return dataset


class _Counted(Iterator[Element]):
    """Elements whose number must be as expected."""

    def __init__(self, elements: Iterator[Element], expected: int) -> None:
        self._elements = elements
        self._expected = expected
        self._seen = 0

    def __next__(self) -> Element:
        message = (
            f"Input dataset was expected to contain {self._expected} elements but contained"
        )
        try:
            element = next(self._elements)
        except StopIteration:
            if self._seen < self._expected or self._expected == INFINITE:
                raise FailedPreconditionError(
                    f"{message} only {self._seen} elements."
                ) from None
            raise
        self._seen += 1
        if self._seen > self._expected != INFINITE:
            raise FailedPreconditionError(f"{message} at least {self._seen} elements.")
        return element


class _AssertCardinalityDataset(DatasetV2):
    def _start(self, run: Run) -> Iterator[Element]:
        return _Counted(self._parents[0]._start(run), self._operands[0])

    def _count(self) -> int:
        return int(self._operands[0])


def assert_cardinality(expected_cardinality: Any) -> Callable[[DatasetV2], DatasetV2]:
    """Return a transformation that tells, and checks, the number of elements.

    While iterating, `FailedPreconditionError` is raised when there are more or fewer.
    """
    expected = scalar(expected_cardinality, dtypes.int64, "expected_cardinality")
    return lambda dataset: _AssertCardinalityDataset((dataset,), (expected,))
