"""`range`, `random` and `counter`: datasets of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, Rows, scalar, source
from penstock.data.dataset.tensors import Source
from penstock.data.random_stream import SeedGenerator, words
from penstock.data.run import INFINITE, Run
from penstock.ops.dataset import Element


class _RangeRows:
    """The numbers of a range by their place in it."""

    def __init__(self, numbers: range, dtype: Any) -> None:
        self._numbers = numbers
        self._dtype = dtype
        self.length = len(numbers)

    def element(self, index: int) -> Element:
        """Return one number."""
        return (self._dtype(self._numbers[index]),)

    def gather(self, indices: Any) -> Element:
        """Return several numbers as a vector."""
        numbers = self._numbers
        return ((numbers.start + numbers.step * indices).astype(self._dtype),)


class _RangeDataset(Source):
    def __init__(self, bounds: tuple[Any, ...], dtype: DType) -> None:
        self._dtype = dtype
        super().__init__(Structure(TensorSpec(TensorShape(()), dtype)), bounds)

    def _check(self) -> None:
        if self._operands[2] == 0:
            raise InvalidArgumentError("step must be a non-zero integer.")

    def _numbers(self) -> range:
        return range(*self._operands)

    def _rows(self) -> Rows | None:
        return _RangeRows(self._numbers(), self._dtype.np.type)

    def _indices(self, run: Run) -> Iterator[int]:
        return iter(range(self._count()))

    def _start(self, run: Run) -> Iterator[Element]:
        return zip(map(self._dtype.np.type, self._numbers()))

    def _count(self) -> int:
        return len(self._numbers())


@source
def range_(*args: Any, **kwargs: Any) -> DatasetV2:
    """Return a dataset of evenly spaced integers.

    Args:
        args: `stop`, or `start, stop`, or `start, stop, step`, as for Python's `range`.
        kwargs: `output_type`, an integer or floating dtype, int64 unless given; `name`.

    Raises:
        ValueError: none or more than three bounds are given.
        InvalidArgumentError: the step is zero.
    """
    kwargs.pop("name", None)
    dtype = as_dtype(kwargs.pop("output_type", dtypes.int64))
    if kwargs:
        raise TypeError(f"range() got an unexpected keyword argument {next(iter(kwargs))!r}")
    bounds = [scalar(arg, dtypes.int64, "range") for arg in args]
    if not 1 <= len(bounds) <= 3:
        raise ValueError(
            "Invalid `args`. The length of `args` should be between 1 and 3 but was "
            f"{len(bounds)}."
        )
    if len(bounds) == 1:
        bounds.insert(0, 0)
    if len(bounds) == 2:
        bounds.append(1)
    return _RangeDataset(tuple(bounds), dtype)


class RandomDataset(Source):
    """Endless int64 numbers, uniform in [0, 2**32).

    Args:
        seed: with the global seed decides the numbers.
        rerandomize_each_iteration: whether each iterator gives other numbers.
        name: accepted for compatibility.

    Source: `tf.data.experimental.RandomDataset`.
    """

    def __init__(
        self,
        seed: int | None = None,
        rerandomize_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> None:
        del name
        self._seeds = SeedGenerator(seed, varies=bool(rerandomize_each_iteration))
        super().__init__(Structure(TensorSpec(TensorShape(()), dtypes.int64)))

    def _start(self, run: Run) -> Iterator[Element]:
        return zip(map(np.int64, words(*run.seeds(self._seeds))))

    def _count(self) -> int:
        return INFINITE


@source
def random(
    seed: int | None = None,
    rerandomize_each_iteration: bool | None = None,
    name: str | None = None,
) -> DatasetV2:
    """Return an endless dataset of int64 numbers, uniform in [0, 2**32).

    Args:
        seed: with the global seed decides the numbers.
        rerandomize_each_iteration: whether each iterator gives other numbers.
        name: accepted for compatibility.
    """
    return RandomDataset(seed, rerandomize_each_iteration)


class _CounterDataset(Source):
    def __init__(self, start: Any, step: Any, dtype: DType) -> None:
        self._dtype = dtype
        super().__init__(Structure(TensorSpec(TensorShape(()), dtype)), (start, step))

    def _start(self, run: Run) -> Iterator[Element]:
        return zip(map(self._dtype.np.type, itertools.count(*self._operands)))

    def _count(self) -> int:
        return INFINITE


@source
def counter(
    start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64, name: str | None = None
) -> DatasetV2:
    """Return an endless dataset of the numbers `start`, `start + step`, and so on.

    Args:
        start: the first number.
        step: what is added each time.
        dtype: type of the numbers.
        name: accepted for compatibility.
    """
    kind = as_dtype(dtype)
    return _CounterDataset(scalar(start, kind, "start"), scalar(step, kind, "step"), kind)
