"""Graphs whose inputs come in ever new sizes: which sizes are compiled, and which are not.

XLA compiles for exact sizes. A graph that is called once or twice with each of many sizes
would be compiled over and over, for longer than its work takes by numpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from penstock.graph.host_plan import HostPlan, RandomStates, can_run_on_host, has_random_nodes
from penstock.graph.symbol import Node, Symbol

# So many sizes are compiled at once; further ones when they have come often, or take long.
_FIRST_SIZES = 2
_OFTEN = 20
_SLOW_S = 0.005
_MOST_SIZES = 1024

_compiling_all: ContextVar[bool] = ContextVar("compiling_all", default=False)


@contextmanager
def compiling_all_sizes() -> Iterator[None]:
    """Within it every size is compiled at once, and stays so: the sizes are known to be few."""
    token = _compiling_all.set(True)
    try:
        yield
    finally:
        _compiling_all.reset(token)


class VaryingSizes:
    """Decides how a graph runs for the sizes of its inputs, and runs it when not compiled.

    Args:
        inputs: symbols that are given values.
        outputs: symbols whose values are wanted.
        nodes: nodes of the graph in the order of their side effects.
        clock: tells how long a run took.
    """

    def __init__(
        self,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._parts = (inputs, outputs, nodes)
        self._open = [i for i, s in enumerate(inputs) if not s.shape.is_fully_defined()]
        self._clock = clock
        self._compiled: set[Any] = set()
        self._seen: dict[Any, int] = {}
        self._plan: HostPlan | None = None
        self._states = RandomStates()

    @staticmethod
    def fits(inputs: Sequence[Symbol], nodes: Sequence[Node]) -> bool:
        """Whether a graph has inputs of open sizes, and numpy kernels for all of its work."""
        return (
            any(not symbol.shape.is_fully_defined() for symbol in inputs)
            and can_run_on_host(nodes)
            and not has_random_nodes(nodes)
        )

    def run(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """Outputs for the values of the inputs, or None for sizes that are to be compiled."""
        key = tuple([getattr(values[i], "shape", None) for i in self._open])
        if key in self._compiled:
            return None
        if len(self._compiled) < _FIRST_SIZES or _compiling_all.get():
            self._compiled.add(key)
            return None
        count = self._seen.get(key, 0) + 1
        if count > _OFTEN:
            self._seen.pop(key, None)
            self._compiled.add(key)
            return None
        if len(self._seen) > _MOST_SIZES:
            self._seen.clear()
        if self._plan is None:
            self._plan = HostPlan(*self._parts)
        start = self._clock()
        results = self._plan.run(values, self._states)
        self._seen[key] = count if self._clock() - start < _SLOW_S else _OFTEN
        return results
