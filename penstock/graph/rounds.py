"""Running a body again and again on the host: first by numpy, compiled when that pays.

A loop or branch on the host mostly does little work each time. Compiling it would cost more
than many rounds of numpy calls; and lists that grow would have it compiled anew each round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from penstock.graph.bodies import Body
from penstock.graph.host_plan import HostPlan, RandomStates, can_run_on_host, has_random_nodes

# A round that takes longer by numpy than this is left to compiled code from the next one on.
_SLOW_S = 0.002
# After so many rounds of one body, compiled code is worth its compilation.
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
        self._left = 0
        if can_run_on_host(body.nodes) and not _has_random_nodes(body):
            self._plan = HostPlan(body.inputs, body.outputs, body.nodes)
            self._left = _MANY
        self._states = RandomStates()

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Give the outputs of the body for the values of its inputs."""
        if self._plan is None or self._left <= 0:
            return self._body.program().run(values)
        self._left -= 1
        start = self._clock()
        results = self._plan.run(values, self._states)
        if self._clock() - start > _SLOW_S:
            self._left -= _MANY // 4
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
