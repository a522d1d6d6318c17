"""`flat_map` and `interleave`: a dataset of each element, and their elements in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.data.dataset.base import DatasetSpec, DatasetV2, method, scalar
from penstock.data.dataset.map import check_calls
from penstock.data.element_function import ElementFunction, Runner
from penstock.data.run import AUTOTUNE, Run
from penstock.data.workers import Prefetched
from penstock.ops.dataset import Element

_AHEAD = 2


class _Flattened(Iterator[Element]):
    """The elements of the datasets that a function gives for elements, one after the other."""

    def __init__(self, outer: Iterator[Element], function: Runner, run: Run) -> None:
        self._outer = outer
        self._function = function
        self._run = run
        self._inner: Iterator[Element] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                return next(self._inner)
            except StopIteration:
                dataset = self._function(next(self._outer))[0]
                self._inner = dataset._start(self._run)


class _FlatMapDataset(DatasetV2):
    def __init__(
        self, parent: DatasetV2, function: ElementFunction, operands: tuple[Any, ...] = ()
    ) -> None:
        self._function = function
        self._own = len(operands)
        super().__init__((parent,), (*operands, *function.captured))

    def _make_structure(self) -> Structure:
        return Structure(self._function.output.spec.element_spec)

    def _runner(self, run: Run) -> Runner:
        return self._function.start(self._operands[self._own :], run.random_states)

    def _start(self, run: Run) -> Iterator[Element]:
        return _Flattened(self._parents[0]._start(run), self._runner(run), run)


class Interleaved(Iterator[Element]):
    """Blocks of elements of several datasets in turn.

    The place of a dataset that has ended goes to the next dataset when its turn comes again.
    """

    def __init__(
        self,
        outer: Iterator[Element],
        function: Callable[[Element], Iterator[Element]],
        cycle: int,
        block: int,
    ) -> None:
        self._outer = outer
        self._function = function
        self._places: list[Iterator[Element] | None] = [None] * cycle
        self._turn = 0
        self._given = 0
        self._block = block
        self._outer_ended = False

    def __next__(self) -> Element:
        while True:
            if not self._fill():
                raise StopIteration
            now = self._places[self._turn]
            if now is None:
                self._advance()
                continue
            try:
                element = next(now)
            except StopIteration:
                self._places[self._turn] = None
                self._advance()
                continue
            self._given += 1
            if self._given == self._block:
                self._advance()
            return element

    def _fill(self) -> bool:
        """Open a dataset in the place whose turn it is; False when nothing is left at all."""
        if self._places[self._turn] is None and not self._outer_ended:
            try:
                self._places[self._turn] = self._function(next(self._outer))
            except StopIteration:
                self._outer_ended = True
        return not self._outer_ended or any(place is not None for place in self._places)

    def _advance(self) -> None:
        self._turn = (self._turn + 1) % len(self._places)
        self._given = 0


class _InterleaveDataset(_FlatMapDataset):
    def __init__(
        self,
        parent: DatasetV2,
        function: ElementFunction,
        cycle_length: Any,
        block_length: Any,
        calls: int | None,
    ) -> None:
        self._calls = calls
        super().__init__(parent, function, (cycle_length, block_length))

    def _check(self) -> None:
        cycle, block = self._operands[:2]
        if cycle < 1 and cycle != AUTOTUNE:
            raise InvalidArgumentError("cycle_length must be greater than zero.")
        if block < 1:
            raise InvalidArgumentError("block_length must be greater than zero.")

    def _start(self, run: Run) -> Iterator[Element]:
        function = self._runner(run)
        cycle, block = self._operands[:2]
        if cycle == AUTOTUNE:
            cycle = run.parallelism(AUTOTUNE)
        parallel = self._calls is not None and run.parallelism(self._calls) > 1

        def opened(element: Element) -> Iterator[Element]:
            inner: Iterator[Element] = function(element)[0]._start(run)
            return Prefetched(inner, max(block, _AHEAD)) if parallel else inner

        return Interleaved(self._parents[0]._start(run), opened, cycle, block)


def _dataset_function(
    dataset: DatasetV2, function: Callable[..., Any], caller: str
) -> ElementFunction:
    traced = ElementFunction(function, dataset._structure, caller)
    if not isinstance(traced.output.spec, DatasetSpec):
        raise TypeError(
            f"The `map_func` argument must return a `Dataset` object. Got {traced.output.spec}."
        )
    return traced


@method
def flat_map(
    self: DatasetV2, map_func: Callable[..., Any], name: str | None = None
) -> DatasetV2:
    """Return a dataset of the elements of the datasets that `map_func` gives for each element.

    Raises:
        TypeError: the function does not give a dataset.
    """
    return _FlatMapDataset(self, _dataset_function(self, map_func, "flat_map"))


@method
def interleave(
    self: DatasetV2,
    map_func: Callable[..., Any],
    cycle_length: Any = None,
    block_length: Any = None,
    num_parallel_calls: Any = None,
    deterministic: bool | None = None,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of blocks of elements of the datasets that `map_func` gives, in turn.

    Args:
        map_func: function of an element that gives a dataset.
        cycle_length: how many datasets are open at once; None asks `num_parallel_calls`, or the
            number of processors.
        block_length: how many elements are taken of one dataset before the next has its turn.
        num_parallel_calls: how many datasets may be read at once, or `AUTOTUNE`. Threads are
            used when elements turn out to be slow; the order stays the same.
        deterministic: accepted; elements come in order.
        name: accepted for compatibility.

    Raises:
        TypeError: the function does not give a dataset.
        InvalidArgumentError: a length is not positive.
    """
    calls = None if num_parallel_calls is None else check_calls(num_parallel_calls)
    if cycle_length is None:
        cycle_length = AUTOTUNE if calls is None else calls
    return _InterleaveDataset(
        self,
        _dataset_function(self, map_func, "interleave"),
        scalar(cycle_length, dtypes.int64, "cycle_length"),
        scalar(1 if block_length is None else block_length, dtypes.int64, "block_length"),
        calls,
    )
