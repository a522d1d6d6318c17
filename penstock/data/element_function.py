"""Functions that users pass to transformations: traced once, run on the values of elements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import (
    Element,
    Structure,
    normalize,
    spec_of,
    tensors_of,
    value_of,
)
from penstock.core.errors import OpError
from penstock.data.trace_cache import remembered
from penstock.function import polymorphic
from penstock.function.concrete_function import ConcreteFunction, trace
from penstock.graph.host_plan import (
    HostPlan,
    RandomStates,
    can_run_on_host,
    has_random_nodes,
)

Runner = Callable[[Element], Element]


class Traced:
    """A trace, the structure of what it gives, and the quickest way to run it."""

    def __init__(self, concrete: ConcreteFunction, output: Structure) -> None:
        self.concrete = concrete
        self.output = output
        self._plan: HostPlan | None = None
        self._decided = False
        self._lock = threading.Lock()

    def plan(self) -> HostPlan | None:
        """A plan that runs the trace on numpy, or None when compiling pays.

        Functions of numpy kernels are never compiled: they are called on small values, and a
        pipeline is often made for one pass over the data. What has no numpy kernel
        (convolution, resizing) is heavy, and one computation for all of it is quicker than one
        for each op.
        """
        if not self._decided:
            with self._lock:
                function = self.concrete.function
                nodes = function.program.nodes
                if can_run_on_host(nodes) or has_random_nodes(nodes):
                    self._plan = HostPlan(function.inputs, function.outputs, nodes)
                self._decided = True
        return self._plan


class ElementFunction:
    """A user's function on elements.

    Args:
        function: called with the parts of an element when it is a tuple, else with the element.
        structure: of the elements it is called with.
        caller: name of the transformation, for messages.
        extra: structures of further arguments that come before the element, such as a state.
        finish: called with what the function gives; its result is what counts.

    Raises:
        TypeError: it returns what cannot be an element.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        structure: Structure,
        caller: str,
        *,
        extra: Sequence[Structure] = (),
        finish: Callable[[Any], Any] | None = None,
    ) -> None:
        self._traced: Traced = remembered(
            function,
            (caller, structure.spec, tuple(part.spec for part in extra)),
            lambda: _trace(function, [*extra, structure], caller, finish),
        )
        self.captured_tensors = self._traced.concrete.captured_inputs
        self.captured = [value_of(tensor) for tensor in self.captured_tensors]

    @property
    def output(self) -> Structure:
        """Structure of what the function gives."""
        return self._traced.output

    def start(self, captured: Sequence[Any], states: RandomStates) -> Runner:
        """Return the function on values of elements.

        Args:
            captured: values of `self.captured`, in which no symbols are left.
            states: of the random ops, kept as long as the iterator lives.
        """
        rest = tuple(captured)
        plan = self._traced.plan()
        if plan is None:
            return _compiled(self._traced.concrete.function.program.run, rest)
        run = plan.run
        if not rest:
            return lambda element: run(element, states)
        return lambda element: run(element + rest, states)


def _compiled(run: Callable[[Sequence[Any]], Sequence[Any]], rest: Element) -> Runner:
    def runner(element: Element) -> Element:
        return tuple(
            [
                np.asarray(value) if hasattr(value, "__array__") else value
                for value in run(element + rest)
            ]
        )

    return runner


def _trace(
    function: Callable[..., Any],
    structures: Sequence[Structure],
    caller: str,
    finish: Callable[[Any], Any] | None,
) -> Traced:
    """Trace a function whose arguments have the given structures; the last is the element."""
    found: list[Structure] = []
    called = converted(function)

    def flat(*parts: Any) -> list[Any]:
        arguments: list[Any] = []
        start = 0
        for structure in structures:
            stop = start + len(structure.tensor_specs)
            arguments.append(structure.build(parts[start:stop]))
            start = stop
        # An element that is a tuple gives several arguments, unless others come before it.
        if len(arguments) == 1 and type(arguments[0]) is tuple:
            arguments = list(arguments[0])
        result = called(*arguments)
        if finish is not None:
            result = finish(result)
        normal = _as_element(result, caller)
        found.append(Structure(spec_of(normal)))
        return tensors_of(normal, found[0])

    specs = tuple(spec for structure in structures for spec in structure.tensor_specs)
    name = getattr(function, "__name__", None) or type(function).__name__
    concrete = trace(flat, specs, {}, name=f"{caller}_{name}")
    return Traced(concrete, found[0])


def _as_element(result: Any, caller: str) -> Any:
    # A list that is returned as such holds parts, as what numpy_function gives; deeper down a
    # list is one tensor.
    if isinstance(result, list):
        result = tuple(result)
    try:
        return normalize(result)
    except (TypeError, ValueError, OpError) as error:
        raise TypeError(
            f"Unsupported return value from function passed to Dataset.{caller}(): {result}."
        ) from error


def converted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with control flow that may depend on tensors, as in `tf.function`."""
    return polymorphic.converted(function)
