"""Compiled segments: arrays and variables in, arrays and new values out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from penstock.graph.partition import Segment
from penstock.graph.prepared import Preparation, prepare
from penstock.graph.ready import ReadyValues
from penstock.graph.symbol import Node, Symbol
from penstock.graph.tracing import EMBED_LIMIT, NeedHostError, is_traced, trace_nodes
from penstock.ops import checks
from penstock.ops.checks import NeedsValueError
from penstock.ops.lowering import Fired, is_on
from penstock.ops.random_stateful import EAGER_GENERATORS, STATEFUL_TO_STATELESS, initial_state
from penstock.runtime.computation import Computation
from penstock.runtime.eager import variables_lock

# Bytes from which a variable's buffer is given to the computation that assigns it. XLA copies
# what it overwrites while it still needs the old value, and the call waits for the buffer: for
# small ones that takes longer than making new ones (a sixth of a small model's train step).
_DONATED = 1 << 20


class CompiledSegment:
    """A segment as one XLA computation.

    It takes the `arrays` that come from outside, the values of the variables that are only
    read (`kept`), those of the variables that are assigned (`given`: XLA may overwrite the
    large ones), and the states of random ops; it gives the outputs, the new values of
    `writes`, the new states, and the flag of its checks.
    """

    def __init__(
        self, segment: Segment, constants: dict[int, Any], name: str = "function"
    ) -> None:
        self.segment = segment
        written = {id(source) for source in segment.writes}
        self.kept = [source for source in segment.reads if id(source) not in written]
        self.given = [source for source in segment.reads if id(source) in written]
        self.writes = segment.writes
        self.arrays: list[Symbol] = []
        self._fixed: dict[int, Any] = {}
        for symbol in segment.inputs:
            value = constants.get(id(symbol))
            if value is not None and value.size <= EMBED_LIMIT:
                self._fixed[id(symbol)] = value
            elif symbol.dtype.name != "resource":
                self.arrays.append(symbol)
        self._random = [
            node for node in segment.nodes if node.row.name in STATEFUL_TO_STATELESS
        ]
        self._states = self._first_states()
        self._epoch = EAGER_GENERATORS.epoch
        self._causes: list[Any] = []
        # Positions in `kept` and `writes` of variables whose buffers others refer to.
        self._shared_kept: set[int] = set()
        self._shared_writes: set[int] = set()
        # Positions in `given` of small and of large variables, once their values are known.
        self._sizes: tuple[list[int], list[int]] | None = None
        self._computation = Computation(
            self._trace, name=name, donate=(3,), trains=bool(self.writes)
        )
        # What runs instead while the values that depend on variables alone are ready.
        self._prepared: _Prepared | None = None
        if not self.changes_state:
            preparation = prepare(segment, constants, is_on)
            if preparation is not None:
                self._prepared = _Prepared(self, preparation, constants, name)

    def _first_states(self) -> list[Any]:
        return [initial_state(node.attrs["seed"], node.attrs["seed2"]) for node in self._random]

    def _by_size(self, given: Sequence[Any]) -> tuple[list[int], list[int]]:
        """Positions of the assigned variables that keep their buffers, and of the others."""
        sizes = self._sizes
        if sizes is None:
            large = [i for i, v in enumerate(given) if v.size * v.dtype.itemsize >= _DONATED]
            small = [i for i in range(len(given)) if i not in set(large)]
            sizes = self._sizes = (small, large)
        return sizes

    def _trace(
        self,
        arrays: list[Any],
        kept: list[Any],
        replaced: list[Any],
        donated: list[Any],
        states: list[Any],
    ) -> Any:
        env: dict[int, Any] = dict(self._fixed)
        env.update((id(s), v) for s, v in zip(self.arrays, arrays, strict=True))
        variables: dict[int, Any] = {}
        variables.update((id(s), v) for s, v in zip(self.kept, kept, strict=True))
        for positions, values in zip(self._sizes or ([], []), (replaced, donated), strict=True):
            variables.update(
                (id(self.given[i]), v) for i, v in zip(positions, values, strict=True)
            )
        variables.update((id(n), v) for n, v in zip(self._random, states, strict=True))
        with checks.collecting() as collector:
            collector.causes = self._causes
            trace_nodes(self.segment.nodes, env, variables)
        outputs = [env[id(symbol)] for symbol in self.segment.outputs]
        new = [variables[id(source)] for source in self.writes]
        self._note_shared(outputs, arrays, kept, new)
        advanced = [variables[id(node)] for node in self._random]
        return outputs, new, advanced, collector.flag() if collector.failed else None

    def _trace_reading(
        self,
        nodes: Sequence[Node],
        arrays: Sequence[Any],
        env: dict[int, Any],
        variables: dict[int, Any],
    ) -> tuple[Any, Any]:
        """Outputs and flag of nodes that stand for those of the segment."""
        env = {**self._fixed, **env}
        env.update((id(s), v) for s, v in zip(self.arrays, arrays, strict=True))
        with checks.collecting() as collector:
            collector.causes = self._causes
            trace_nodes(nodes, env, dict(variables))
        outputs = [env[id(symbol)] for symbol in self.segment.outputs]
        self._shared_kept.update(
            i
            for i, source in enumerate(self.kept)
            if any(variables.get(id(source)) is value for value in outputs)
        )
        return outputs, collector.flag() if collector.failed else None

    def _note_shared(
        self, outputs: list[Any], arrays: list[Any], kept: list[Any], new: list[Any]
    ) -> None:
        """Find the variables whose buffers come out elsewhere, or came in from elsewhere."""
        seen: dict[int, int] = {}
        for value in [*outputs, *new]:
            seen[id(value)] = seen.get(id(value), 0) + 1
        incoming = {id(value) for value in [*arrays, *kept]}
        self._shared_kept.update(i for i, value in enumerate(kept) if id(value) in seen)
        self._shared_writes.update(
            i
            for i, value in enumerate(new)
            if seen[id(value)] > 1 or id(value) in incoming or not is_traced(value)
        )

    def lower(self, arrays: list[Any], kept: list[Any], given: list[Any]) -> Any:
        """Return JAX's lowered form for arguments, of which shapes and dtypes suffice."""
        small, large = self._by_size(given)
        replaced, donated = [given[i] for i in small], [given[i] for i in large]
        return self._computation.lower(arrays, kept, replaced, donated, self._states)

    def fired(self, arrays: list[Any], kept: list[Any], given: list[Any]) -> Sequence[Fired]:
        """The lowering rules that fire for arguments, of which shapes and dtypes suffice."""
        if self._prepared is not None:
            return self._prepared.fired(arrays, kept)
        small, large = self._by_size(given)
        replaced, donated = [given[i] for i in small], [given[i] for i in large]
        return self._computation.fired(arrays, kept, replaced, donated, self._states)

    @property
    def all_fired(self) -> list[Fired]:
        """The lowering rules that fired for what has run so far."""
        own = self._computation.all_fired
        return own if self._prepared is None else [*own, *self._prepared.all_fired]

    def run(self, env: dict[int, Any]) -> None:
        """Run on the values in `env` and put the outputs there."""
        outputs = self.execute(
            [self._device_value(symbol, env) for symbol in self.arrays],
            [env[id(source)] for source in self.kept],
            [env[id(source)] for source in self.given],
            [env[id(source)] for source in self.writes],
        )
        for symbol, value in zip(self.segment.outputs, outputs, strict=True):
            env[id(symbol)] = value

    def execute(
        self,
        arrays: Sequence[Any],
        kept: Sequence[Any],
        given: Sequence[Any],
        writes: Sequence[Any],
    ) -> Sequence[Any]:
        """Run on arrays and on the holders of variables.

        Raises:
            OpError: a check failed.
        """
        if not self.changes_state:
            return self.execute_reading(arrays, kept)
        outputs, flag = self._execute_writing(arrays, kept, given, writes)
        if flag is not None:
            checks.raise_failed(flag, self._causes)
        return outputs  # type: ignore[no-any-return]

    @property
    def changes_state(self) -> bool:
        """Whether it assigns variables or draws random numbers."""
        return bool(self.writes or self._random)

    def execute_reading(self, arrays: Sequence[Any], kept: Sequence[Any]) -> Sequence[Any]:
        """Run what changes no state, as `execute` does."""
        run = self._run_reading if self._prepared is None else self._prepared.run
        try:
            outputs, flag = run(arrays, kept)
        except (RuntimeError, ValueError) as error:
            if "deleted" not in str(error) and "donated" not in str(error):
                raise
            # Another thread's assignment took a buffer over between reading it and using it.
            with variables_lock:
                outputs, flag = run(arrays, kept)
        for i in self._shared_kept:
            kept[i].owned = False
        if flag is not None:
            checks.raise_failed(flag, self._causes)
        return outputs  # type: ignore[no-any-return]

    def _run_reading(self, arrays: Sequence[Any], kept: Sequence[Any]) -> tuple[Any, Any]:
        values = [holder.device_value() for holder in kept]
        outputs, _, _, flag = self._computation.run(_shapes(arrays), arrays, values, [], [], [])
        return outputs, flag

    def _execute_writing(
        self,
        arrays: Sequence[Any],
        kept: Sequence[Any],
        given: Sequence[Any],
        writes: Sequence[Any],
    ) -> tuple[Any, Any]:
        with variables_lock:
            if self._epoch != EAGER_GENERATORS.epoch:
                # The global seed was set: every op starts its sequence afresh.
                self._states, self._epoch = self._first_states(), EAGER_GENERATORS.epoch
            sizes = self._sizes
            if sizes is None:
                sizes = self._by_size([holder.require_value() for holder in given])
            outputs, new, self._states, flag = self._computation.run(
                _shapes(arrays),
                arrays,
                [holder.device_value() for holder in kept],
                [given[i].require_value() for i in sizes[0]],
                [given[i].value_to_donate() for i in sizes[1]],
                self._states,
            )
            for holder, value in zip(writes, new, strict=True):
                holder.replace(value, owned=True)
            for i in self._shared_writes:
                writes[i].owned = False
            for i in self._shared_kept:
                kept[i].owned = False
        return outputs, flag

    def _device_value(self, symbol: Symbol, env: dict[int, Any]) -> Any:
        try:
            return as_device_value(env[id(symbol)])
        except NeedsValueError as error:
            for node in self.segment.nodes:
                if any(tensor is symbol for tensor in node.inputs):
                    raise NeedHostError(node, str(error)) from error
            raise


class _Prepared:
    """A segment without what depends on its variables alone, which is made beforehand."""

    def __init__(
        self,
        whole: CompiledSegment,
        preparation: Preparation,
        constants: dict[int, Any],
        name: str,
    ) -> None:
        self._whole = whole
        self._preparation = preparation
        self._ready = ReadyValues(preparation, constants)
        places = {id(source): i for i, source in enumerate(whole.kept)}
        self._sources = [places[id(source)] for source in preparation.sources]
        self._kept = [places[id(source)] for source in preparation.kept]
        self._computation = Computation(self._trace, name=name)

    def run(self, arrays: Sequence[Any], kept: Sequence[Any]) -> tuple[Any, Any]:
        """Give the outputs of the segment and the flag of its checks."""
        made = self._ready.values([kept[i] for i in self._sources])
        if made is None:
            return self._whole._run_reading(arrays, kept)
        values = [kept[i].device_value() for i in self._kept]
        try:
            outputs, flag = self._computation.run(_shapes(arrays), arrays, values, made)
        except NeedHostError:
            # The whole knows the nodes by their own names.
            self._ready.give_up()
            return self._whole._run_reading(arrays, kept)
        return outputs, flag

    def fired(self, arrays: Sequence[Any], kept: Sequence[Any]) -> Sequence[Fired]:
        """The lowering rules that fire for arguments, of which shapes and dtypes suffice."""
        made = [
            jax.ShapeDtypeStruct(symbol.shape.as_list(), symbol.dtype.np)
            for symbol in self._preparation.made
        ]
        return self._computation.fired(arrays, [kept[i] for i in self._kept], made)

    @property
    def all_fired(self) -> list[Fired]:
        """The lowering rules that fired for what has run so far."""
        return self._computation.all_fired

    def _trace(self, arrays: list[Any], kept: list[Any], made: list[Any]) -> Any:
        preparation = self._preparation
        preparation.note_rules()
        env = {id(s): v for s, v in zip(preparation.made, made, strict=True)}
        variables = {id(s): v for s, v in zip(preparation.kept, kept, strict=True)}
        return self._whole._trace_reading(preparation.nodes, arrays, env, variables)


class DirectCall:
    """The short way through a program that is one compiled segment: inputs in, outputs out."""

    def __init__(
        self,
        compiled: CompiledSegment,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        constants: dict[int, Any],
    ) -> None:
        places = {id(symbol): i for i, symbol in enumerate(inputs)}
        made = {id(symbol): i for i, symbol in enumerate(compiled.segment.outputs)}
        self._compiled = compiled
        self._arrays = [places.get(id(symbol), -1) for symbol in compiled.arrays]
        self._kept = [places[id(source)] for source in compiled.kept]
        self._given = [places[id(source)] for source in compiled.given]
        self._writes = [places[id(source)] for source in compiled.writes]
        # Large constants are arguments too.
        self._large = [constants.get(id(symbol)) for symbol in compiled.arrays]
        self._outputs = [made[id(symbol)] for symbol in outputs]
        self._in_order = self._outputs == list(range(len(compiled.segment.outputs)))
        self._plain = all(place >= 0 for place in self._arrays)
        self._reads_only = not compiled.changes_state

    @staticmethod
    def fits(
        segments: Sequence[Segment], inputs: Sequence[Symbol], outputs: Sequence[Symbol]
    ) -> bool:
        """Whether a plan is one segment that takes inputs and gives all outputs."""
        if len(segments) != 1 or not segments[0].on_device:
            return False
        segment = segments[0]
        given = {id(symbol) for symbol in inputs}
        made = {id(symbol) for symbol in segment.outputs}
        free = ("Const", "Placeholder")
        return (
            all(id(symbol) in made for symbol in outputs)
            and all(id(source) in given for source in (*segment.reads, *segment.writes))
            and all(symbol.graph_node.row.name in free for symbol in segment.inputs)
            and not any(symbol.dtype.name == "variant" for symbol in segment.inputs)
        )

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        """Run on the values of the inputs."""
        if self._plain:
            arrays = [values[place] for place in self._arrays]
        else:
            arrays = [
                values[place] if place >= 0 else large
                for place, large in zip(self._arrays, self._large, strict=True)
            ]
        if self._reads_only:
            results = self._compiled.execute_reading(
                arrays, [values[place] for place in self._kept]
            )
        else:
            results = self._compiled.execute(
                arrays,
                [values[place] for place in self._kept],
                [values[place] for place in self._given],
                [values[place] for place in self._writes],
            )
        if self._in_order:
            return results
        return [results[place] for place in self._outputs]


def _shapes(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([getattr(array, "shape", None) for array in arrays])


def as_device_value(value: Any) -> Any:
    """A value as a compiled computation takes it."""
    to_device = getattr(value, "to_device", None)
    if to_device is not None and not hasattr(value, "dtype"):
        return to_device()
    return value
