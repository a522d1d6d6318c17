"""The one way to run a graph: segments compiled by XLA, with host nodes between them.

Lowering is optimistic. Everything that has a device kernel goes into one computation; when
tracing meets a constant input that is not constant, or code that needs a value, that node is
moved to the host, the rest is partitioned again, and the run goes on from where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from penstock.core.errors import InvalidArgumentError, OpError
from penstock.graph.partition import (
    Segment,
    has_effect,
    is_free,
    live_nodes,
    on_device,
    partition,
    root,
)
from penstock.graph.symbol import Node, Symbol
from penstock.ops import checks
from penstock.ops.checks import NeedsValueError
from penstock.ops.grad import flat_outputs, forward, pull
from penstock.ops.random_stateful import STATEFUL_TO_STATELESS, initial_state
from penstock.runtime import eager
from penstock.runtime.eager import as_tuple, variables_lock
from penstock.runtime.tensor import wrap

# Constants above this size are handed to the computation instead of being compiled into it.
_EMBED_LIMIT = 1 << 14


class NeedHostError(Exception):
    """Tracing met a node that must run on the host."""

    def __init__(self, node: Node, reason: str = "") -> None:
        super().__init__(f"{node.name}: {reason}")
        self.node = node
        self.reason = reason


_TRACER_ERRORS = (
    NeedsValueError,
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.TracerBoolConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


_SHAPE_REASON = "the shape of its result depends on values"


class Program:
    """An executable graph.

    Args:
        inputs: symbols that are given values.
        outputs: symbols whose values are wanted.
        nodes: nodes of the graph in the order of their side effects.
        jit_compile: whether running a node on the host is an error.
        name: name for messages and profiles.
    """

    def __init__(
        self,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        *,
        jit_compile: bool = False,
        name: str = "function",
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.nodes = live_nodes(nodes, self.outputs)
        self._jit_compile = jit_compile
        self._name = name
        self._forced: set[int] = set()
        self._reasons: dict[int, str] = {}
        self._plans: dict[Any, list[Segment]] = {}
        self._lock = threading.Lock()
        self._constants = {
            id(node.outputs[0]): node.attrs["value"]
            for node in self.nodes
            if node.row.name == "Const"
        }

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Run the graph on the values of its inputs; resources are variables' holders."""
        env: dict[int, Any] = dict(self._constants)
        for symbol, value in zip(self.inputs, values, strict=True):
            env[id(symbol)] = value
        key, roots = self._aliases(env)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make_plan(self.nodes, key, roots)
        done = 0
        while done < len(plan):
            segment = plan[done]
            try:
                if segment.on_device:
                    self._run_compiled(segment, env)
                else:
                    for node in segment.nodes:
                        run_on_host(node, env)
            except NeedHostError as need:
                self._move_to_host(need)
                finished = {id(node) for part in plan[:done] for node in part.nodes}
                rest = [node for node in self.nodes if id(node) not in finished]
                plan = self._replan(rest, key, roots)
                done = 0
                continue
            done += 1
        return [env[id(symbol)] for symbol in self.outputs]

    def run_uncompiled(self, values: Sequence[Any]) -> list[Any]:
        """Run node by node, each by its numpy kernel where it has one: for small work done "
        "rarely."""
        env: dict[int, Any] = dict(self._constants)
        for symbol, value in zip(self.inputs, values, strict=True):
            env[id(symbol)] = value
        for node in self.nodes:
            run_on_host(node, env)
        return [env[id(symbol)] for symbol in self.outputs]

    def segments(self) -> list[Segment]:
        """The plan for variables that are all distinct."""
        return self._plans.get(None) or self._make_plan(self.nodes, None, {})

    def host_nodes(self) -> list[Node]:
        """Nodes that run on the host."""
        return [
            node
            for segment in self.segments()
            if not segment.on_device
            for node in segment.nodes
        ]

    # -- planning --------------------------------------------------------------------------

    def _aliases(self, env: dict[int, Any]) -> tuple[Any, dict[int, int]]:
        """Which resource inputs are one variable: None when all differ, else a key for the "
        "plan."""
        handles = [
            (id(symbol), id(env[id(symbol)]))
            for symbol in self.inputs
            if symbol.dtype.name == "resource"
        ]
        seen = {holder for _, holder in handles}
        if len(seen) == len(handles):
            return None, {}
        numbers: dict[int, int] = {}
        roots = {symbol: numbers.setdefault(holder, len(numbers)) for symbol, holder in handles}
        return tuple(roots.values()), roots

    def _make_plan(
        self, nodes: Sequence[Node], key: Any, roots: dict[int, int]
    ) -> list[Segment]:
        with self._lock:
            plan = self._plans.get(key)
            if plan is None:
                if self._jit_compile:
                    self._check_compilable(nodes)
                plan = partition(nodes, self.outputs, self._forced, roots)
                self._plans[key] = plan
            return plan

    def _replan(self, rest: Sequence[Node], key: Any, roots: dict[int, int]) -> list[Segment]:
        """Plan what is left of this run; runs to come are planned from the start."""
        with self._lock:
            self._plans.pop(key, None)
        return partition(rest, self.outputs, set(self._forced), roots)

    def _move_to_host(self, need: NeedHostError) -> None:
        node = need.node
        if self._jit_compile:
            self._refuse(node, need.reason)
        with self._lock:
            if id(node) in self._forced:
                raise InvalidArgumentError(
                    f"op {node.row.name} can run neither compiled nor on the host: "
                    f"{need.reason}"
                    f"{place_of(node)}"
                ) from need
            self._forced.add(id(node))
            self._reasons[id(node)] = need.reason

    def _check_compilable(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if not is_free(node) and not on_device(node, set()):
                self._refuse(node, "XLA has no form of it")

    def _refuse(self, node: Node, reason: str) -> None:
        raise InvalidArgumentError(
            f"function {self._name!r} has jit_compile=True but op {node.row.name} cannot be "
            f"compiled: {reason}; leave jit_compile out, or make its sizes constant"
            f"{place_of(node)}"
        )

    # -- running ---------------------------------------------------------------------------

    def _run_compiled(self, segment: Segment, env: dict[int, Any]) -> None:
        compiled = segment.compiled
        if compiled is None:
            compiled = segment.compiled = CompiledSegment(segment, self._constants)
        compiled.run(env)


def place_of(node: Node) -> str:
    """The node and the line of user code that made it, for the end of a message."""
    where = f", made at {node.where}" if node.where else ""
    return f" [Op:{node.row.name}, node {node.name}{where}]"


class CompiledSegment:
    """A segment as one XLA computation: (arrays, kept, given away) -> (outputs, new values, "
    "flag)."""

    def __init__(self, segment: Segment, constants: dict[int, Any]) -> None:
        self._segment = segment
        written = {id(source) for source in segment.writes}
        self._kept = [source for source in segment.reads if id(source) not in written]
        self._given = [source for source in segment.reads if id(source) in written]
        self._fixed: dict[int, Any] = {}
        self._arrays: list[Symbol] = []
        for symbol in segment.inputs:
            value = constants.get(id(symbol))
            if value is not None and value.size <= _EMBED_LIMIT:
                self._fixed[id(symbol)] = value
            elif symbol.dtype.name != "resource":
                self._arrays.append(symbol)
        self._random = [
            node for node in segment.nodes if node.row.name in STATEFUL_TO_STATELESS
        ]
        self._states = [
            initial_state(node.attrs["seed"], node.attrs["seed2"]) for node in self._random
        ]
        self._causes: list[Any] = []
        self._aliased: set[int] = set()
        self._function = jax.jit(self._trace, donate_argnums=(2,))

    def _trace(
        self, arrays: list[Any], kept: list[Any], given: list[Any], states: list[Any]
    ) -> Any:
        env: dict[int, Any] = dict(self._fixed)
        env.update((id(s), v) for s, v in zip(self._arrays, arrays, strict=True))
        variables: dict[int, Any] = {}
        variables.update((id(s), v) for s, v in zip(self._kept, kept, strict=True))
        variables.update((id(s), v) for s, v in zip(self._given, given, strict=True))
        variables.update((id(n), v) for n, v in zip(self._random, states, strict=True))
        with checks.collecting() as collector:
            collector.causes = self._causes
            trace_nodes(self._segment.nodes, env, variables)
        outputs = [env[id(symbol)] for symbol in self._segment.outputs]
        new = [variables[id(source)] for source in self._segment.writes]
        self._note_aliases(outputs, kept, new)
        advanced = [variables[id(node)] for node in self._random]
        return outputs, new, advanced, collector.flag() if collector.failed else None

    def _note_aliases(self, outputs: list[Any], kept: list[Any], new: list[Any]) -> None:
        """Find the variables whose buffers come out as outputs, or as another variable's "
        "value."""
        seen: dict[int, int] = {}
        for value in [*outputs, *new]:
            seen[id(value)] = seen.get(id(value), 0) + 1
        for source, value in zip(self._kept, kept, strict=True):
            if id(value) in seen:
                self._aliased.add(id(source))
        incoming = {id(value) for value in kept}
        for source, value in zip(self._segment.writes, new, strict=True):
            if seen[id(value)] > 1 or id(value) in incoming or not is_traced(value):
                self._aliased.add(id(source))

    def run(self, env: dict[int, Any]) -> None:
        """Run on the values in `env` and put the outputs there."""
        arrays = [self._device_value(symbol, env) for symbol in self._arrays]
        if self._segment.writes or self._random:
            outputs, flag = self._run_with_writes(arrays, env)
        elif self._kept:
            outputs, flag = self._run_with_reads(arrays, env)
        else:
            outputs, _, _, flag = self._function(arrays, [], [], [])
        if flag is not None:
            checks.raise_failed(flag, self._causes)
        for symbol, value in zip(self._segment.outputs, outputs, strict=True):
            env[id(symbol)] = value

    def _device_value(self, symbol: Symbol, env: dict[int, Any]) -> Any:
        try:
            return as_device_value(env[id(symbol)])
        except NeedsValueError as error:
            for node in self._segment.nodes:
                if any(tensor is symbol for tensor in node.inputs):
                    raise NeedHostError(node, str(error)) from error
            raise

    def _run_with_reads(self, arrays: list[Any], env: dict[int, Any]) -> tuple[Any, Any]:
        holders = [env[id(source)] for source in self._kept]
        try:
            kept = [holder.device_value() for holder in holders]
            outputs, _, _, flag = self._function(arrays, kept, [], [])
        except (RuntimeError, ValueError) as error:
            if "deleted" not in str(error) and "donated" not in str(error):
                raise
            # Another thread's assignment took a buffer over between reading it and using it.
            with variables_lock:
                kept = [holder.device_value() for holder in holders]
                outputs, _, _, flag = self._function(arrays, kept, [], [])
        self._disown(env)
        return outputs, flag

    def _run_with_writes(self, arrays: list[Any], env: dict[int, Any]) -> tuple[Any, Any]:
        with variables_lock:
            kept = [env[id(source)].device_value() for source in self._kept]
            given = [env[id(source)].value_to_donate() for source in self._given]
            outputs, new, self._states, flag = self._function(arrays, kept, given, self._states)
            for source, value in zip(self._segment.writes, new, strict=True):
                env[id(source)].set_value(value, owned=id(source) not in self._aliased)
            self._disown(env)
        return outputs, flag

    def _disown(self, env: dict[int, Any]) -> None:
        for source in self._kept:
            if id(source) in self._aliased:
                env[id(source)].owned = False


def is_traced(value: Any) -> bool:
    """Whether a value is known only when the computation runs."""
    return isinstance(value, jax.core.Tracer) or any(
        isinstance(leaf, jax.core.Tracer) for leaf in jax.tree_util.tree_leaves(value)
    )


def as_device_value(value: Any) -> Any:
    """A value as a compiled computation takes it."""
    to_device = getattr(value, "to_device", None)
    if to_device is not None and not hasattr(value, "dtype"):
        return to_device()
    return value


def trace_nodes(nodes: Sequence[Node], env: dict[int, Any], variables: dict[int, Any]) -> None:
    """Evaluate nodes under trace, with variables as values."""
    inside = {id(node) for node in nodes}
    pullbacks: dict[int, tuple[Any, Any, tuple[int, ...]]] = {}
    wanted: dict[int, set[int]] = {}
    for node in nodes:
        if node.row.name == "_VJP":
            source = node.attrs["forward"]
            if source is not None and id(source) in inside:
                wanted.setdefault(id(source), set()).update(node.attrs["wrt"])
    for node in nodes:
        if is_free(node):
            continue
        try:
            with checks.labelled(place_of(node)):
                outputs = _trace_node(node, env, variables, wanted, pullbacks)
        except NeedHostError as need:
            if need.node is node:
                raise
            raise NeedHostError(node, need.reason) from need
        except _TRACER_ERRORS as error:
            reason = str(error) if isinstance(error, NeedsValueError) else _SHAPE_REASON
            raise NeedHostError(node, reason) from error
        except OpError as error:
            if node.name in error.message:
                raise
            raise type(error)(f"{error.message}{place_of(node)}") from error
        for symbol, value in zip(node.outputs, outputs, strict=True):
            env[id(symbol)] = value


def _trace_node(
    node: Node,
    env: dict[int, Any],
    variables: dict[int, Any],
    wanted: dict[int, set[int]],
    pullbacks: dict[int, tuple[Any, Any, tuple[int, ...]]],
) -> Sequence[Any]:
    row = node.row
    if row.name == "_VJP":
        source = node.attrs["forward"]
        if source is not None and id(source) in pullbacks:
            return _pull_back(node, env, pullbacks[id(source)])
    values: list[Any] = [env.get(id(symbol)) for symbol in node.inputs]
    stateless = STATEFUL_TO_STATELESS.get(row.name)
    if stateless is not None and row.device is None:
        _check_constants(node, values)
        sample, variables[id(node)] = stateless(variables[id(node)], *values, **node.attrs)
        return flat_outputs(sample)
    _check_constants(node, values)
    if row.variable_positions:
        return _trace_variable_node(node, values, variables)
    packed = row.pack(values, node.lengths)
    if row.host is not None and not row.stateful and all(_is_known(value) for value in values):
        if any(arg.type_attr == "variant" for arg in row.output_args):
            pass  # lists have one form on the host and another in compiled code
        elif row.device is None or sum(value.size for value in values) <= _EMBED_LIMIT:
            with np.errstate(all="ignore"):
                return flat_outputs(row.host(*packed, **node.attrs))
    kernel: Callable[..., Any] | None = row.device
    if kernel is None:
        raise NeedHostError(node, "XLA has no form of it")
    if id(node) in wanted:
        wrt = tuple(sorted(wanted[id(node)]))
        outputs, pullback = forward(row, values, node.attrs, node.lengths or (), wrt)
        pullbacks[id(node)] = (outputs, pullback, wrt)
        return outputs
    return flat_outputs(kernel(*packed, **node.attrs))


def _check_constants(node: Node, values: Sequence[Any]) -> None:
    for i in node.row.flat_constants(node.attrs, node.lengths):
        if is_traced(values[i]):
            raise NeedHostError(
                node, f"its input {i} must be known when compiling, and depends on values"
            )


def _is_known(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic))


def _pull_back(
    node: Node, env: dict[int, Any], kept: tuple[Any, Any, tuple[int, ...]]
) -> Sequence[Any]:
    outputs, pullback, wrt = kept
    count = len(node.attrs["given"])
    gradients = [env[id(symbol)] for symbol in node.inputs[len(node.inputs) - count :]]
    parts = pull(outputs, pullback, gradients, node.attrs["given"])
    by_position = dict(zip(wrt, parts, strict=True))
    return [by_position[i] for i in node.attrs["wrt"]]


def _trace_variable_node(
    node: Node, values: list[Any], variables: dict[int, Any]
) -> Sequence[Any]:
    row = node.row
    sources = {i: id(root(node.inputs[i])) for i in row.variable_positions}
    names = row.input_names
    for i, source in sources.items():
        values[i] = variables.get(source) if names[i] in row.reads else None
    kernel = row.device
    if kernel is None:
        raise NeedHostError(node, "XLA has no form of it")
    result = as_tuple(kernel(*values, **node.attrs))
    count = len(result) - len(row.write_positions)
    for position, new in zip(row.write_positions, result[count:], strict=True):
        variables[sources[position]] = new
    return result[:count]


def run_on_host(node: Node, env: dict[int, Any]) -> None:
    """Run one node on concrete values."""
    row = node.row
    if is_free(node):
        return
    values = [env[id(symbol)] for symbol in node.inputs]
    try:
        if row.variable_positions:
            tensors = [
                wrap(value, symbol.dtype)
                for value, symbol in zip(values, node.inputs, strict=True)
            ]
            outputs: Sequence[Any] = [
                tensor._value for tensor in eager.run_on_variables(row, tensors, node.attrs)
            ]
        else:
            outputs = as_tuple(eager.run_values(row, values, node.attrs, node.lengths))
    except OpError as error:
        if node.name in error.message:
            raise
        raise type(error)(f"{error.message}{place_of(node)}") from error
    for symbol, value in zip(node.outputs, outputs, strict=True):
        env[id(symbol)] = value


def evaluate(graph: Any, symbol: Symbol) -> Any:
    """Run the part of a graph that is still being built, behind `symbol`, and wrap its value.

    Only what does not depend on the graph's arguments can be run. Used for the first values
    of variables made while tracing.

    Raises:
        InvalidArgumentError: the value depends on an argument.
    """
    if symbol.static_value is not None:
        return wrap(symbol.static_value, symbol.dtype)
    captured = {id(internal): external for external, internal in graph.real_captures()}
    needed = _behind(symbol)
    nodes = [node for node in graph.nodes if id(node) in needed]
    env: dict[int, Any] = {}
    for node in nodes:
        if node.row.name == "Const":
            env[id(node.outputs[0])] = node.attrs["value"]
        elif node.row.name == "Placeholder":
            external = captured.get(id(node.outputs[0]))
            if external is None:
                raise InvalidArgumentError(
                    f"the first value of a variable must not depend on the arguments of the "
                    f"function "
                    f"that makes it, but {symbol.name} depends on {node.name}"
                )
            if isinstance(external, Symbol):
                external = evaluate(external.graph, external)
            env[id(node.outputs[0])] = external._value
        else:
            run_on_host(node, env)
    return wrap(env[id(symbol)], symbol.dtype if symbol.dtype.np == object else None)


def _behind(symbol: Symbol) -> set[int]:
    found: set[int] = set()
    stack = [symbol.graph_node]
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found.add(id(node))
            stack.extend(tensor.graph_node for tensor in node.inputs)
    return found


__all__ = [
    "CompiledSegment",
    "NeedHostError",
    "Program",
    "evaluate",
    "has_effect",
    "trace_nodes",
]
