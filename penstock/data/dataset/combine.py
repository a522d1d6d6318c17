"""`zip`, `choose_from_datasets`, `sample_from_datasets`: several datasets in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure, common, value_of
from penstock.core import data_nest, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, check_datasets, source
from penstock.data.random_stream import SeedGenerator, unit_doubles
from penstock.data.run import INFINITE, UNKNOWN, Run
from penstock.ops.dataset import Element
from penstock.runtime.convert import convert_to_tensor


class _Zipped(Iterator[Element]):
    """Elements of several iterators side by side, until one of them ends."""

    def __init__(self, iterators: Sequence[Iterator[Element]]) -> None:
        self._iterators = iterators

    def __next__(self) -> Element:
        parts: Element = ()
        for iterator in self._iterators:
            parts += next(iterator)
        return parts


class _ZipDataset(DatasetV2):
    def __init__(self, nested: Any, parents: Sequence[DatasetV2]) -> None:
        self._form = data_nest.map_structure(lambda _: None, nested)
        super().__init__(parents)

    def _make_structure(self) -> Structure:
        specs = [parent.element_spec for parent in self._parents]
        return Structure(data_nest.pack_sequence_as(self._form, specs))

    def _start(self, run: Run) -> Iterator[Element]:
        return _Zipped([parent._start(run) for parent in self._parents])

    def _count(self) -> int:
        counts = [parent._count() for parent in self._parents]
        finite = [count for count in counts if count != INFINITE]
        if UNKNOWN in finite:
            return UNKNOWN
        return min(finite, default=INFINITE)


@source
def zip_(*args: Any, datasets: Any = None, name: str | None = None) -> DatasetV2:
    """Return a dataset whose elements are structures of elements of several datasets.

    Args:
        args: datasets, or one nested structure of datasets.
        datasets: the nested structure by keyword.
        name: accepted for compatibility.

    Raises:
        TypeError: nothing is given, or something that is no dataset.
    """
    if not args and datasets is None:
        raise TypeError("Must pass at least one dataset to `zip`.")
    if args and datasets is not None:
        raise TypeError("Both `*args` and `datasets` cannot be set.")
    nested: Any = datasets if datasets is not None else args
    if len(args) == 1:
        nested = args[0]
    return _ZipDataset(nested, check_datasets(nested, "zip"))


class _Directed(Iterator[Element]):
    """Elements of several iterators in the order that numbers tell."""

    def __init__(
        self,
        choose: Callable[[list[bool]], int],
        iterators: list[Iterator[Element]],
        *,
        stop_on_empty: bool,
    ) -> None:
        self._choose = choose
        self._iterators = iterators
        self._alive = [True] * len(iterators)
        self._stop_on_empty = stop_on_empty

    def __next__(self) -> Element:
        while any(self._alive):
            number = self._choose(self._alive)
            if not 0 <= number < len(self._iterators):
                raise InvalidArgumentError(
                    f"Selector index out of range: {number} >= {len(self._iterators)}"
                )
            if not self._alive[number]:
                continue
            try:
                return next(self._iterators[number])
            except StopIteration:
                self._alive[number] = False
                if self._stop_on_empty:
                    self._alive = [False] * len(self._iterators)
        raise StopIteration


class _DirectedDataset(DatasetV2):
    """The first `_number` parents are chosen from."""

    def __init__(
        self, parents: Sequence[DatasetV2], number: int, *, stop_on_empty: bool
    ) -> None:
        self._number = number
        self._stop_on_empty = stop_on_empty
        super().__init__(parents)

    def _make_structure(self) -> Structure:
        spec = self._parents[0].element_spec
        for other in self._parents[1 : self._number]:
            spec = common(spec, other.element_spec)
        return Structure(spec)

    def _started(self, run: Run) -> list[Iterator[Element]]:
        return [parent._start(run) for parent in self._parents]


class _ChooseDataset(_DirectedDataset):
    def _start(self, run: Run) -> Iterator[Element]:
        *iterators, choices = self._started(run)

        def choose(_: list[bool]) -> int:
            return int(next(choices)[0])

        return _Directed(choose, iterators, stop_on_empty=self._stop_on_empty)


class _SampleDataset(_DirectedDataset):
    """`logits` are those of the datasets, or None when the last parent gives weights."""

    def __init__(
        self,
        parents: Sequence[DatasetV2],
        number: int,
        logits: np.ndarray[Any, Any] | None,
        seeds: SeedGenerator,
        *,
        stop_on_empty: bool,
    ) -> None:
        self._logits = logits
        self._seeds = seeds
        super().__init__(parents, number, stop_on_empty=stop_on_empty)

    def _start(self, run: Run) -> Iterator[Element]:
        numbers = unit_doubles(*run.seeds(self._seeds))
        iterators = self._started(run)
        given = None if self._logits is not None else iterators.pop()
        fixed = None if self._logits is None else _totals(self._logits)

        def choose(alive: list[bool]) -> int:
            totals = fixed
            if given is not None:
                totals = _totals(_log(np.asarray(next(given)[0])))
            assert totals is not None
            _check_reachable(totals, alive)
            return int(np.searchsorted(totals, next(numbers) * totals[-1], side="right"))

        return _Directed(choose, iterators, stop_on_empty=self._stop_on_empty)


def _log(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(weights)


def _totals(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Running sums of the weights whose logarithms are given."""
    wide = np.where(np.isfinite(logits), logits.astype(np.float64), -np.inf)
    return np.cumsum(np.exp(wide - wide.max()))


def _check_reachable(totals: np.ndarray[Any, Any], alive: list[bool]) -> None:
    """End the iteration when only datasets of weight zero have elements left."""
    weights = np.diff(totals, prepend=0.0)
    if not any(have and weight > 0 for have, weight in zip(alive, weights, strict=True)):
        raise StopIteration


def _compatible(datasets: Any) -> list[DatasetV2]:
    found = list(datasets)
    if not found:
        raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
    spec = found[0].element_spec
    for i, other in enumerate(found[1:], 1):
        try:
            spec = common(spec, other.element_spec)
        except TypeError:
            raise TypeError(
                "Invalid `datasets`. `datasets` must have compatible element specs.\n "
                f"Dataset 0 element_spec={found[0].element_spec}.\n"
                f"Dataset {i} element_spec={other.element_spec}."
            ) from None
    return found


@source
def choose_from_datasets(
    datasets: Any, choice_dataset: DatasetV2, stop_on_empty_dataset: bool = True
) -> DatasetV2:
    """Return a dataset of elements of several, in the order that `choice_dataset` tells.

    Args:
        datasets: list of datasets with compatible elements.
        choice_dataset: dataset of int64 scalars, the numbers of datasets.
        stop_on_empty_dataset: whether the end of one dataset ends all; else it is passed over.

    Raises:
        TypeError: elements are not compatible, or choices are not int64 scalars.
        ValueError: there are no datasets.
    """
    found = _compatible(datasets)
    wanted = TensorSpec(TensorShape(()), dtypes.int64)
    if not wanted.is_compatible_with(choice_dataset.element_spec):
        raise TypeError(
            "Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` "
            f"tensors but are {choice_dataset.element_spec}."
        )
    return _ChooseDataset(
        (*found, choice_dataset), len(found), stop_on_empty=stop_on_empty_dataset
    )


@source
def sample_from_datasets(
    datasets: Any,
    weights: Any = None,
    seed: int | None = None,
    stop_on_empty_dataset: bool = False,
    rerandomize_each_iteration: bool | None = None,
) -> DatasetV2:
    """Return a dataset of elements of several, each time of one drawn at random.

    Args:
        datasets: list of datasets with compatible elements.
        weights: chances of the datasets, which need not sum to 1; a dataset of such lists; None
            draws all alike.
        seed: with the global seed decides what is drawn, as in TensorFlow.
        stop_on_empty_dataset: whether the end of one dataset ends all; else it is passed over.
        rerandomize_each_iteration: whether each iterator draws anew.

    Raises:
        TypeError: elements are not compatible.
        ValueError: there are no datasets, or not one weight for each.
    """
    found = _compatible(datasets)
    seeds = SeedGenerator(seed, varies=bool(rerandomize_each_iteration))
    if isinstance(weights, DatasetV2):
        return _SampleDataset(
            [*found, weights], len(found), None, seeds, stop_on_empty=stop_on_empty_dataset
        )
    if weights is None:
        logits = np.ones(len(found), np.float32)
    else:
        given = np.asarray(value_of(convert_to_tensor(weights)))
        if given.shape != (len(found),):
            raise ValueError(
                "Invalid `weights`. `weights` should have the same length as `datasets` but "
                f"got `len(weights)={given.size}` vs. `len(datasets)={len(found)}`."
            )
        if given.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
            raise TypeError(
                "Invalid `weights`. `weights` type must be either `tf.float32` or `tf.float64` "
                f"but is {given.dtype}."
            )
        found = [one for one, weight in zip(found, given, strict=True) if weight != 0]
        logits = _log(given[given != 0])
    if len(found) == 1:
        return found[0]
    return _SampleDataset(found, len(found), logits, seeds, stop_on_empty=stop_on_empty_dataset)
