"""Running a body again and again on the host: first by numpy, compiled when that pays.

A loop or branch on the host mostly does little work each time. Compiling it would cost more
than many rounds of numpy calls; and lists that grow would have it compiled anew each round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core import dtypes
from penstock.graph.bodies import Body
from penstock.graph.host_plan import HostPlan, RandomStates, can_run_on_host, has_random_nodes

# Rounds that take longer by numpy than this on average are left to compiled code, once they
# have taken as long as a compilation.
_SLOW_S = 0.001
_COMPILATION_S = 0.25
# After so many rounds of one body, compiled code is worth its compilation anyway.
_MANY = 20_000


class Rounds:
    """Runs one body.

    Args:
        body: the body.
        clock: tells how long a round took.
    """

    def __init__(self, body: Body, clock: Callable[[], float] = time.perf_counter) -> None:
        self._body = body
        self._clock = clock
        self._plan: HostPlan | None = None
        self._done, self._spent_s = 0, 0.0
        if can_run_on_host(body.nodes) and not _has_random_nodes(body):
            self._plan = HostPlan(body.inputs, body.outputs, body.nodes)
        # Ops on lists stay on the host in compiled code too.
        self._has_lists = any(symbol.dtype is dtypes.variant for symbol in body.inputs)
        self._states = RandomStates()

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Give the outputs of the body for the values of its inputs."""
        if self._plan is None:
            return self._body.program().run(values)
        start = self._clock()
        results = self._plan.run(values, self._states)
        self._done += 1
        self._spent_s += self._clock() - start
        slow = self._spent_s > _COMPILATION_S and self._spent_s > _SLOW_S * self._done
        if slow or (self._done > _MANY and not self._has_lists):
            self._plan = None
        return results


def rounds_of(body: Body) -> Rounds:
    """What runs a body; kept with it."""
    found: Rounds | None = getattr(body, "rounds", None)
    if found is None:
        found = body.rounds = Rounds(body)
    return found


def _has_random_nodes(body: Body) -> bool:
    if has_random_nodes(body.nodes):
        return True
    for node in body.nodes:
        for value in node.attrs.values():
            parts = value if isinstance(value, (list, tuple)) else (value,)
            if any(isinstance(part, Body) and _has_random_nodes(part) for part in parts):
                return True
    return False
