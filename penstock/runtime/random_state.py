"""The global seed, and the seeds that it gives to random ops."""

from __future__ import annotations

import random
import threading
import weakref
from typing import Any, Final

from penstock.ops.random_stateful import EAGER_GENERATORS
from penstock.runtime.context import state

_MODULUS: Final = 2**31 - 1
# The global seed of ops that have a seed of their own while no global one is set.
_DEFAULT_GLOBAL_SEED: Final = 87654321


class _Seeds:
    """The global seed, and how many op seeds were made of it."""

    def __init__(self) -> None:
        self.global_seed: int | None = None
        self._made_eagerly = random.Random()  # noqa: S311  (TensorFlow's sequence, no secret)
        self._made_in_graph: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def set(self, seed: int | None) -> None:
        """Set the global seed and start all sequences afresh."""
        with self._lock:
            self.global_seed = seed
            self._made_eagerly = random.Random(seed)  # noqa: S311
            self._made_in_graph = weakref.WeakKeyDictionary()
        EAGER_GENERATORS.clear()

    def next_op_seed(self) -> int:
        """A seed for an op without one: the next of this graph, or of eager execution."""
        graph = state.graph
        with self._lock:
            if graph is None:
                return self._made_eagerly.randint(0, _MODULUS)
            made = self._made_in_graph.get(graph, 0)
            self._made_in_graph[graph] = made + 1
            return made


_seeds = _Seeds()


def set_seed(seed: int | None) -> None:
    """Set the global seed; None makes random ops unpredictable again.

    Every op instance starts its sequence afresh.
    """
    _seeds.set(None if seed is None else int(seed))


def global_seed() -> int | None:
    """The global seed, or None."""
    return _seeds.global_seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds of an op, of the global seed and its own `op_seed`.

    Returns:
        Two seeds in [0, 2**31 - 1); both None when neither seed is set.
    """
    seed = _seeds.global_seed
    if seed is None and op_seed is None:
        return None, None
    if seed is None:
        seed = _DEFAULT_GLOBAL_SEED
    elif op_seed is None:
        op_seed = _seeds.next_op_seed()
    first, second = int(seed) % _MODULUS, int(op_seed or 0) % _MODULUS
    # An op takes two zeros for "unpredictable".
    return (0, _MODULUS) if first == second == 0 else (first, second)


def op_seeds(op_seed: int | None) -> dict[str, int]:
    """The attrs `seed` and `seed2` of an op whose own seed is `op_seed`."""
    first, second = get_seed(op_seed)
    return {"seed": first or 0, "seed2": second or 0}
