"""`scan`, `reduce`, `get_single_element`: elements and a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.api.data_structure import (
    Structure,
    common,
    normalize,
    spec_of,
    tensors_of,
    value_of,
)
from penstock.core import data_nest
from penstock.core.errors import InvalidArgumentError
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method
from penstock.data.element_function import ElementFunction, Runner
from penstock.data.run import Run
from penstock.graph.host_plan import RandomStates
from penstock.ops.dataset import Element
from penstock.runtime.dispatch import call

# How often the shape of a state is loosened before it is taken for wholly unknown.
_ATTEMPTS = 8


def _traced(
    dataset: DatasetV2,
    state: Structure,
    function: Callable[..., Any],
    caller: str,
    new_state: Callable[[ElementFunction], Any],
) -> tuple[ElementFunction, Structure]:
    """Trace a function of a state; its shapes are loosened until they cover the new one's."""
    for _ in range(_ATTEMPTS):
        traced = ElementFunction(function, dataset._structure, caller, extra=[state])
        spec = new_state(traced)
        loosened = _loosened(state.spec, spec, caller)
        if loosened == state.spec:
            break
        state = Structure(loosened)
    return traced, state


def _loosened(state: Any, new: Any, caller: str) -> Any:
    try:
        data_nest.assert_same_structure(state, new)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            "The structure of the state must stay the same: the initial state is "
            f"{state}, and {caller}_func gives {new}"
        ) from error
    for old, other in zip(data_nest.flatten(state), data_nest.flatten(new), strict=True):
        if isinstance(old, TensorSpec) and old.dtype != getattr(other, "dtype", None):
            raise TypeError(
                f"Invalid `{caller}_func`. The element types for the new state must match the "
                f"initial state. Expected {old.dtype}, got {getattr(other, 'dtype', other)}."
            )
    return common(state, new)


class _Scanned(Iterator[Element]):
    """What a function gives for each element and the state that it gave before."""

    def __init__(self, elements: Iterator[Element], state: Element, function: Runner) -> None:
        self._elements = elements
        self._state = state
        self._function = function

    def __next__(self) -> Element:
        result = self._function(self._state + next(self._elements))
        size = len(self._state)
        self._state = result[:size]
        return result[size:]


class _ScanDataset(DatasetV2):
    def __init__(
        self, parent: DatasetV2, state: Sequence[Any], function: ElementFunction
    ) -> None:
        self._function = function
        self._size = len(state)
        super().__init__((parent,), (*state, *function.captured))

    def _make_structure(self) -> Structure:
        return Structure(self._function.output.spec[1])

    def _start(self, run: Run) -> Iterator[Element]:
        state, captured = self._operands[: self._size], self._operands[self._size :]
        function = self._function.start(captured, run.random_states)
        return _Scanned(self._parents[0]._start(run), state, function)

    def _count(self) -> int:
        return self._parents[0]._count()


@method
def scan(
    self: DatasetV2,
    initial_state: Any,
    scan_func: Callable[..., Any],
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of what `scan_func` gives for a state and each element.

    Args:
        initial_state: the first state.
        scan_func: function of a state and an element that gives a new state and an output.
        name: accepted for compatibility.

    Raises:
        TypeError: the function does not give a pair, or the state changes its dtypes.

    Example:
        >>> sums = DatasetV2.range(4).scan(0, lambda s, x: (s + 1, s))
        >>> [int(x) for x in sums]
        [0, 1, 2, 3]
    """
    normal = normalize(initial_state)
    structure = Structure(spec_of(normal))

    def new_state(function: ElementFunction) -> Any:
        spec = function.output.spec
        if not (isinstance(spec, tuple) and len(spec) == 2):
            raise TypeError(
                "Invalid `scan_func`. `scan_func` should return a pair consisting of new state "
                f"and the output value but its return type is {spec}."
            )
        return spec[0]

    traced, _ = _traced(self, structure, scan_func, "scan", new_state)
    state = [value_of(tensor) for tensor in tensors_of(normal, structure)]
    return _ScanDataset(self, state, traced)


@method
def reduce(
    self: DatasetV2,
    initial_state: Any,
    reduce_func: Callable[..., Any],
    name: str | None = None,
) -> Any:
    """Return the state after `reduce_func` has met all elements.

    Args:
        initial_state: the first state.
        reduce_func: function of a state and an element that gives a new state.
        name: accepted for compatibility.

    Raises:
        TypeError: the state changes its dtypes.

    Example:
        >>> import numpy as np
        >>> int(DatasetV2.range(5).reduce(np.int64(0), lambda state, x: state + x))
        10
    """
    normal = normalize(initial_state)
    start = Structure(spec_of(normal))
    traced, state = _traced(
        self, start, reduce_func, "reduce", lambda function: function.output.spec
    )
    results = call(
        "ReduceDataset",
        self._variant_tensor,
        tensors_of(normal, start),
        traced.captured_tensors,
        f=lambda captured: traced.start(captured, RandomStates()),
        output_types=state.types,
        output_shapes=state.shapes,
        name=name,
    )
    return state.build(results)


@method
def get_single_element(self: DatasetV2, name: str | None = None) -> Any:
    """Return the only element.

    Raises:
        InvalidArgumentError: there is none, or more than one.
    """
    structure = self._structure
    tensors = call(
        "DatasetToSingleElement",
        self._variant_tensor,
        output_types=structure.types,
        output_shapes=structure.shapes,
        name=name,
    )
    return structure.build(tensors)
