"""A function that XLA compiles, with the options that its lowering rules ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax

from penstock.core.collection import uncollected
from penstock.ops.lowering import Fired, options_of, recording
from penstock.runtime.allocator import may_keep_memory, note_temporaries
from penstock.runtime.executable_store import store_executables
from penstock.runtime.miscompiled import safe_options


class Computation:
    """One `jax.jit` per set of compiler options, chosen when arguments of new shapes come.

    Args:
        function: what to compile.
        name: what it is called in explanations; "" for one that is only part of something.
        donate: positions of arguments whose buffers the computation may take over.
        trains: whether it assigns variables.
    """

    __slots__ = ("_by_key", "_donate", "_fired", "_function", "_jits", "_trains", "name")

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str = "",
        donate: Sequence[int] = (),
        trains: bool = False,
    ) -> None:
        self._donate = tuple(donate)
        self._trains = trains
        self.name = name
        # What runs for arguments of given shapes, and the rules that chose it.
        self._by_key: dict[Hashable, tuple[Any, tuple[Fired, ...]]] = {}
        self._jits: dict[Any, Any] = {}
        self._fired: dict[Hashable, tuple[Fired, ...]] = {}

        def computation(*args: Any) -> Any:
            with recording(name, trains=trains) as fired:
                result = function(*args)
            self._fired[_signature(args)] = tuple(fired)
            return result

        # One object for all options: JAX keeps its trace by it.
        self._function = computation

    def run(self, key: Hashable, *args: Any) -> Any:
        """Run on arguments; `key` tells those of other shapes apart."""
        found = self._by_key.get(key)
        if found is None:
            with uncollected():
                return self._choose(key, args)[0](*args)
        return found[0](*args)

    def lower(self, *args: Any) -> Any:
        """Return JAX's lowered form for arguments, of which shapes and dtypes suffice."""
        return self._traced(args)[0].lower(*args)

    def fired(self, *args: Any) -> tuple[Fired, ...]:
        """The rules that fire for arguments, of which shapes and dtypes suffice."""
        return self._traced(args)[1]

    @property
    def all_fired(self) -> list[Fired]:
        """The rules that fired for what has run so far, each for a node once."""
        found = [fired for _, rules in self._by_key.values() for fired in rules]
        return list(dict.fromkeys(found))

    def _traced(self, args: Sequence[Any]) -> tuple[Any, tuple[Fired, ...]]:
        traced = self._jit(()).trace(*args)
        fired = self._fired.get(_signature(args), ())
        options = safe_options(traced.jaxpr, options_of(fired))
        return self._jit(tuple(sorted(options.items()))), fired

    def _jit(self, options: tuple[tuple[str, Any], ...]) -> Any:
        jitted = self._jits.get(options)
        if jitted is None:
            jitted = self._jits[options] = jax.jit(
                self._function,
                donate_argnums=self._donate,
                compiler_options=dict(options) or None,
            )
        return jitted

    def _choose(self, key: Hashable, args: Sequence[Any]) -> tuple[Any, tuple[Fired, ...]]:
        store_executables()
        found = self._traced(args)
        if may_keep_memory(trains=self._trains):
            # JAX keeps what it compiles here for the call that follows.
            analysis = found[0].lower(*args).compile().memory_analysis()
            note_temporaries(getattr(analysis, "temp_size_in_bytes", 0))
        self._by_key[key] = found
        if os.environ.get("PENSTOCK_EXPLAIN", "0") not in ("", "0") and found[1]:
            sys.stderr.write(explained(self.name, found[1]) + "\n")
        return found


def _signature(args: Sequence[Any]) -> Hashable:
    return tuple((each.shape, each.dtype) for each in jax.tree_util.tree_leaves(args))


def explained(name: str, fired: Sequence[Fired]) -> str:
    """The rules that fired in a computation, one line each."""
    if not fired:
        return f"no lowering rule fires in {name!r}"
    lines = [f"lowering rules that fire in {name!r}:"]
    lines.extend(f"  {each}" for each in dict.fromkeys(fired))
    return "\n".join(lines)
