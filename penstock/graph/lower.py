"""The one way to run a graph: segments compiled by XLA, with host nodes between them.

Lowering is optimistic. Everything that has a device kernel goes into one computation; when
tracing meets a constant input that is not constant, or code that needs a value, that node is
moved to the host, the rest is partitioned again, and the run goes on from where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.graph.compiled import CompiledSegment, DirectCall
from penstock.graph.partition import Segment, is_free, live_nodes, on_device, partition
from penstock.graph.rewrites import rewrite_of
from penstock.graph.specialized import SpecializedSegment, arguments_behind
from penstock.graph.symbol import Node, Symbol
from penstock.graph.tracing import NeedHostError, place_of
from penstock.ops.checks import UNSEEN
from penstock.runtime import eager
from penstock.runtime.eager import as_tuple
from penstock.runtime.tensor import wrap


class Program:
    """An executable graph.

    Args:
        inputs: symbols that are given values.
        outputs: symbols whose values are wanted.
        nodes: nodes of the graph in the order of their side effects.
        jit_compile: whether running a node on the host is an error.
        name: name for messages and profiles.
        lists_on_host: whether ops on tensor lists are kept out of compiled code, which would
            have to be compiled again for each length of a list.
    """

    def __init__(
        self,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        *,
        jit_compile: bool = False,
        name: str = "function",
        lists_on_host: bool = False,
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.nodes = live_nodes(nodes, self.outputs)
        self._jit_compile = jit_compile
        self._name = name
        self._forced: set[int] = set()
        # Inputs whose values are compiled in, because XLA wants to know them.
        self._compiled_in: frozenset[int] = frozenset()
        if lists_on_host:
            self._forced.update(id(node) for node in self.nodes if _is_of_lists(node))
        self._reasons: dict[int, str] = {}
        self._plans: dict[Any, list[Segment]] = {}
        self._lock = threading.Lock()
        self._constants = {
            id(node.outputs[0]): node.attrs["value"]
            for node in self.nodes
            if node.row.name == "Const"
        }
        self._resources = [
            i for i, symbol in enumerate(self.inputs) if symbol.dtype.name == "resource"
        ]
        self._distinct: tuple[Any, ...] | None = None
        # Used where there are two or more, so that it gives a tuple.
        self._get_resources = itemgetter(*(self._resources or [0]))
        self._direct: DirectCall | None = None

    def run(self, values: Sequence[Any]) -> Sequence[Any]:
        """Run the graph on the values of its inputs; resources are variables' holders."""
        direct = self._direct
        if direct is not None and self._are_distinct(values):
            try:
                return direct(values)
            except OpError as error:
                env = self._environment(values)
                raise _with_values(error, self.segments()[0], env) from error
            except NeedHostError as need:
                # Nothing has run: a single segment fails before it starts.
                self._move_to_host(need)
                with self._lock:
                    self._plans.pop(None, None)
                    self._direct = None
        return self._run_plan(values)

    def _environment(self, values: Sequence[Any]) -> dict[int, Any]:
        env: dict[int, Any] = dict(self._constants)
        for symbol, value in zip(self.inputs, values, strict=True):
            env[id(symbol)] = value
        return env

    def _run_plan(self, values: Sequence[Any]) -> list[Any]:
        env = self._environment(values)
        key, roots = self._aliases(env)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make_plan(self.nodes, key, roots)
        first = plan
        finished: set[int] = set()
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
                # What ran under an earlier plan must not run again: it may have effects.
                finished.update(id(node) for part in plan[:done] for node in part.nodes)
                rest = [node for node in self.nodes if id(node) not in finished]
                plan = self._replan(rest, key, roots)
                done = 0
                continue
            done += 1
        direct = key is None and plan is first and not self._compiled_in
        if direct and DirectCall.fits(plan, self.inputs, self.outputs):
            self._direct = DirectCall(
                plan[0].compiled, self.inputs, self.outputs, self._constants
            )
        return [env[id(symbol)] for symbol in self.outputs]

    def _are_distinct(self, values: Sequence[Any]) -> bool:
        """Whether no two resource inputs are one variable; the last answer is kept."""
        if len(self._resources) < 2:
            return True
        handles = tuple(map(id, self._get_resources(values)))
        if handles == self._distinct:
            return True
        if len(set(handles)) != len(handles):
            return False
        self._distinct = handles
        return True

    def run_uncompiled(self, values: Sequence[Any]) -> list[Any]:
        """Run node by node, by numpy kernels where there are: for small work done rarely."""
        env = self._environment(values)
        for node in self.nodes:
            run_on_host(node, env)
        return [env[id(symbol)] for symbol in self.outputs]

    @property
    def constants(self) -> dict[int, Any]:
        """Values of the constants of the graph, by the identity of their symbols."""
        return self._constants

    def segments(self) -> list[Segment]:
        """The plan for variables that are all distinct."""
        return self._plans.get(None) or self._make_plan(self.nodes, None, {})

    def compiled_segments(self) -> list[CompiledSegment]:
        """What has been compiled so far."""
        return [
            segment.compiled
            for plan in list(self._plans.values())
            for segment in plan
            if isinstance(segment.compiled, CompiledSegment)
        ]

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
        """Which resource inputs are one variable: None when all differ, else a plan's key."""
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
            wanted = self._compiled_in.union(map(id, arguments_behind(node, self.inputs)))
            if wanted == self._compiled_in:
                self._refuse(node, need.reason)
            self._compiled_in = wanted
            return
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
        row = node.row.name
        if row == "_VJP":
            row = str(node.attrs["op"])
        strings = any(symbol.dtype is dtypes.string for symbol in (*node.inputs, *node.outputs))
        raise InvalidArgumentError(
            f"function {self._name!r} has jit_compile=True but op {node.row.name} cannot be "
            f"compiled: {reason}; leave jit_compile out, or {rewrite_of(row, strings)}"
            f"{place_of(node)}"
        )

    # -- running ---------------------------------------------------------------------------

    def _run_compiled(self, segment: Segment, env: dict[int, Any]) -> None:
        compiled = segment.compiled
        if compiled is None:
            compiled = segment.compiled = (
                SpecializedSegment(segment, self._constants, self._compiled_in)
                if self._compiled_in
                else CompiledSegment(segment, self._constants, self._name)
            )
        try:
            compiled.run(env)
        except OpError as error:
            raise _with_values(error, segment, env) from error


def _with_values(error: OpError, segment: Segment, env: dict[int, Any]) -> OpError:
    """A failed check of compiled code, told with the values that its text could not show.

    The nodes run once more, on the host; those that change a state must not, so they keep the
    text as it is.
    """
    compiled = segment.compiled
    if UNSEEN not in error.message or not isinstance(compiled, CompiledSegment):
        return error
    if compiled.changes_state:
        return error
    values = dict(env)
    try:
        for node in segment.nodes:
            run_on_host(node, values)
    except type(error) as told:
        return told
    except Exception:  # noqa: BLE001  (the first error stands)
        return error
    return error


def _is_of_lists(node: Node) -> bool:
    return any(symbol.dtype is dtypes.variant for symbol in (*node.inputs, *node.outputs))


# Nodes that need more than their row to run on the host, by the name of the row.
HOST_RULES: dict[str, Callable[[Node, Sequence[Any]], Sequence[Any] | None]] = {}


# What runs a node under a tape, see `taped_run`: its outputs, and what can be walked back.
TAPED_RUNS: list[Callable[[Node, Sequence[Any]], tuple[Sequence[Any], Any]]] = []


def run_on_host(node: Node, env: dict[int, Any]) -> None:
    """Run one node on concrete values."""
    row = node.row
    if is_free(node):
        return
    values = [env[id(symbol)] for symbol in node.inputs]
    special = HOST_RULES.get(row.name)
    try:
        outputs = None if special is None else special(node, values)
        if outputs is not None:
            pass
        elif node.tape is not None:
            outputs, env[id(node.tape)] = TAPED_RUNS[0](node, values)
        elif row.variable_positions:
            tensors = [
                wrap(value, symbol.dtype)
                for value, symbol in zip(values, node.inputs, strict=True)
            ]
            outputs = [
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


__all__ = ["CompiledSegment", "NeedHostError", "Program", "evaluate", "place_of", "run_on_host"]
