"""`map`, `filter`, `take_while`: a function of each element."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method
from penstock.data.element_function import ElementFunction
from penstock.data.run import AUTOTUNE, Run
from penstock.data.workers import ParallelCalls
from penstock.graph.symbol import Symbol
from penstock.ops.dataset import Element


class _MapDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, function: ElementFunction) -> None:
        self._function = function
        super().__init__((parent,), function.captured)

    def _make_structure(self) -> Structure:
        return self._function.output

    def _start(self, run: Run) -> Iterator[Element]:
        function = self._function.start(self._operands, run.random_states)
        return map(function, self._parents[0]._start(run))

    def _count(self) -> int:
        return self._parents[0]._count()


class _ParallelMapDataset(_MapDataset):
    def __init__(
        self,
        parent: DatasetV2,
        function: ElementFunction,
        calls: Any,
        deterministic: bool | None,
    ) -> None:
        self._calls = calls
        self._deterministic = deterministic
        super().__init__(parent, function)

    def _start(self, run: Run) -> Iterator[Element]:
        return ParallelCalls(
            self._function.start(self._operands, run.random_states),
            self._parents[0]._start(run),
            run.parallelism(self._calls),
            in_order=run.is_deterministic(self._deterministic),
        )


@method
def map_(
    self: DatasetV2,
    map_func: Callable[..., Any],
    num_parallel_calls: Any = None,
    deterministic: bool | None = None,
    synchronous: bool | None = None,
    use_unbounded_threadpool: bool = False,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of what `map_func` gives for each element.

    Args:
        map_func: function of an element; the parts of a tuple are its arguments. It is traced
            once, now, as `tf.function` does.
        num_parallel_calls: how many calls may be under way at once, or `AUTOTUNE`. Threads are
            used when calls turn out to be slow.
        deterministic: whether results come in order; None asks the options.
        synchronous: accepted for compatibility.
        use_unbounded_threadpool: accepted for compatibility.
        name: accepted for compatibility.

    Raises:
        TypeError: the function gives what cannot be an element.
        InvalidArgumentError: `num_parallel_calls` is neither positive nor `AUTOTUNE`.

    Example:
        >>> list(DatasetV2.range(3).map(lambda x: x + 1).as_numpy_iterator())
        [np.int64(1), np.int64(2), np.int64(3)]
    """
    function = ElementFunction(map_func, self._structure, "map")
    if num_parallel_calls is None:
        return _MapDataset(self, function)
    return _ParallelMapDataset(self, function, check_calls(num_parallel_calls), deterministic)


def check_calls(num_parallel_calls: Any) -> int:
    """Return a number of parallel calls, or `AUTOTUNE`.

    Raises:
        InvalidArgumentError: it is neither positive nor `AUTOTUNE`.
    """
    if isinstance(num_parallel_calls, Symbol):
        return AUTOTUNE
    calls = int(num_parallel_calls)
    if calls < 1 and calls != AUTOTUNE:
        raise InvalidArgumentError("num_parallel_calls must be greater than zero.")
    return calls


class _FilterDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, predicate: ElementFunction) -> None:
        self._predicate = predicate
        super().__init__((parent,), predicate.captured)

    def _start(self, run: Run) -> Iterator[Element]:
        return filter(self._test(run), self._parents[0]._start(run))

    def _test(self, run: Run) -> Callable[[Element], bool]:
        predicate = self._predicate.start(self._operands, run.random_states)
        return lambda element: bool(predicate(element)[0])


class _TakeWhileDataset(_FilterDataset):
    def _start(self, run: Run) -> Iterator[Element]:
        return itertools.takewhile(self._test(run), self._parents[0]._start(run))


def _predicate(
    dataset: DatasetV2, function: Callable[..., Any], caller: str
) -> ElementFunction:
    traced = ElementFunction(function, dataset._structure, caller)
    spec = traced.output.spec
    wanted = TensorSpec(TensorShape(()), dtypes.bool)
    if not (isinstance(spec, TensorSpec) and spec.is_compatible_with(wanted)):
        raise ValueError(
            "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its "
            f"return type is {spec}."
        )
    return traced


@method
def filter_(
    self: DatasetV2, predicate: Callable[..., Any], name: str | None = None
) -> DatasetV2:
    """Return a dataset of the elements for which `predicate` gives true.

    Raises:
        ValueError: the function does not give a boolean scalar.
    """
    return _FilterDataset(self, _predicate(self, predicate, "filter"))


@method
def take_while(
    self: DatasetV2, predicate: Callable[..., Any], name: str | None = None
) -> DatasetV2:
    """Return a dataset that ends before the first element for which `predicate` gives false.

    Raises:
        ValueError: the function does not give a boolean scalar.
    """
    return _TakeWhileDataset(self, _predicate(self, predicate, "take_while"))
