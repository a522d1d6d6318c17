"""What the stages of one iterator share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from penstock.data.options import Options
from penstock.graph.host_plan import RandomStates

AUTOTUNE = -1
INFINITE = -1
UNKNOWN = -2

# Two seeds, and the number of the draw that gave them.
Drawn = tuple[int, int, int]


class Seeds(Protocol):
    """What gives iterators their seeds."""

    def draw(self) -> Drawn:
        """Return two seeds, and the number of this draw."""

    def go_after(self, number: int) -> None:
        """Go on as after the draw of that number."""


@functools.cache
def _processors() -> int:
    """Threads that are worth having when nothing is said about their number."""
    return max(2, os.cpu_count() or 1)


class Run:
    """One pass over a dataset: its options, and the random choices made on the way.

    Args:
        options: gives the options of the dataset; asked only when a stage wants to know.
        drawn: seeds of an earlier run that is to be repeated.
    """

    def __init__(
        self, options: Callable[[], Options], drawn: Sequence[Drawn] | None = None
    ) -> None:
        self._make_options = options
        self._options: Options | None = None
        self.random_states = RandomStates()
        self.drawn: list[Drawn] = []
        self._to_repeat = list(drawn or ())

    @property
    def options(self) -> Options:
        """Options of the dataset."""
        if self._options is None:
            self._options = self._make_options()
        return self._options

    def seeds(self, generator: Seeds) -> tuple[int, int]:
        """Return two seeds: fresh ones, or those that the run to repeat had here."""
        place = len(self.drawn)
        if place < len(self._to_repeat):
            drawn = self._to_repeat[place]
            generator.go_after(drawn[2])
        else:
            drawn = generator.draw()
        self.drawn.append(drawn)
        return drawn[0], drawn[1]

    def is_deterministic(self, deterministic: bool | None) -> bool:
        """Whether elements must come in order, from an argument or else the options."""
        if deterministic is not None:
            return deterministic
        return self.options.deterministic is not False

    def parallelism(self, wanted: int) -> int:
        """How many calls may be under way at once when `wanted`, perhaps AUTOTUNE, are."""
        limit: Any = self.options.threading.private_threadpool_size
        if wanted == AUTOTUNE:
            wanted = self.options.autotune.cpu_budget or _processors()
        return min(wanted, limit) if limit else int(wanted)
