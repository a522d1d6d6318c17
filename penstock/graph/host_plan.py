"""A graph as a list of numpy kernel calls: for functions that are cheap and called often.

A dataset calls its functions once per element; compiling them would cost more than a pass over
the data. A plan is made once, keeps no state between runs, and may be run by several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from penstock.core.errors import OpError
from penstock.graph.bodies import Body
from penstock.graph.lower import place_of, run_on_host
from penstock.graph.partition import is_free, live_nodes
from penstock.graph.symbol import Node, Symbol
from penstock.ops.random_stateful import STATEFUL_TO_STATELESS, initial_state
from penstock.runtime.eager import as_tuple
from penstock.runtime.quiet import quietly

_IFS = frozenset({"If", "StatelessIf"})
_CASES = frozenset({"Case", "StatelessCase"})
_WHILES = frozenset({"While", "StatelessWhile"})


class RandomStates:
    """Where the random nodes of plans stand; kept by whoever runs the plans."""

    def __init__(self) -> None:
        self._states: dict[int, tuple[Node, Any]] = {}
        self._lock = threading.Lock()

    def draw(self, node: Node, values: Sequence[Any]) -> Any:
        """Give the next sample of a node."""
        with self._lock:
            _, state = self._states.get(id(node), (node, None))
            if state is None:
                state = initial_state(node.attrs["seed"], node.attrs["seed2"])
            sample, state = STATEFUL_TO_STATELESS[node.row.name](state, *values, **node.attrs)
            self._states[id(node)] = (node, state)
        return sample


Step = Callable[[list[Any], RandomStates], None]


class HostPlan:
    """What to call, in which order, to run a graph on numpy values.

    Args:
        inputs: symbols that are given values.
        outputs: symbols whose values are wanted.
        nodes: nodes of the graph in the order of their side effects.
    """

    def __init__(
        self, inputs: Sequence[Symbol], outputs: Sequence[Symbol], nodes: Sequence[Node]
    ) -> None:
        self._slots: dict[int, int] = {}
        self._blank: list[Any] = []
        for symbol in inputs:
            self._slot(symbol)
        self._given = len(inputs)
        self._steps: list[tuple[Node, Step]] = []
        for node in live_nodes(nodes, outputs):
            if node.row.name == "Const":
                self._blank[self._slot(node.outputs[0])] = node.attrs["value"]
            elif not is_free(node):
                self._steps.append((node, self._step(node)))
        self._wanted = [self._slot(symbol) for symbol in outputs]

    def run(self, values: Sequence[Any], states: RandomStates) -> tuple[Any, ...]:
        """Give the outputs for the values of the inputs."""
        return quietly(self._run, values, states)  # type: ignore[no-any-return]

    def _run(self, values: Sequence[Any], states: RandomStates) -> tuple[Any, ...]:
        env = self._blank.copy()
        env[: self._given] = [
            np.asarray(value) if isinstance(value, jax.Array) else value for value in values
        ]
        node: Any = None
        try:
            for node, step in self._steps:  # noqa: B007  (the last one is named in errors)
                step(env, states)
        except OpError as error:
            if node.name in error.message:
                raise
            raise type(error)(f"{error.message}{place_of(node)}") from error
        return tuple([env[slot] for slot in self._wanted])

    def _slot(self, symbol: Symbol) -> int:
        slot = self._slots.get(id(symbol))
        if slot is None:
            slot = self._slots[id(symbol)] = len(self._blank)
            self._blank.append(None)
        return slot

    def _step(self, node: Node) -> Step:
        sources = [self._slot(symbol) for symbol in node.inputs]
        targets = [self._slot(symbol) for symbol in node.outputs]
        kernel = self._kernel(node)
        if kernel is None:
            return _general(node, sources, targets)
        if node.row.has_list_input:
            return _with_lists(kernel, node, sources, targets)
        if len(targets) == 1 and node.row.single_output:
            return _one_output(kernel, sources, targets[0])
        return _many_outputs(kernel, sources, targets)

    def _kernel(self, node: Node) -> Callable[..., Any] | None:
        """A function of the node's inputs alone; None for nodes that need more than that."""
        row = node.row
        name = row.name
        if name in STATEFUL_TO_STATELESS or row.variable_positions or row.host is None:
            return None
        attrs = node.attrs
        if name in _IFS or name in _CASES or name in _WHILES:
            return None
        return partial(row.host, **attrs) if attrs else row.host


def _one_output(kernel: Callable[..., Any], sources: list[int], target: int) -> Step:
    if len(sources) == 1:
        (only,) = sources

        def of_one(env: list[Any], _: RandomStates) -> None:
            env[target] = kernel(env[only])

        return of_one
    if len(sources) == 2:
        left, right = sources

        def of_two(env: list[Any], _: RandomStates) -> None:
            env[target] = kernel(env[left], env[right])

        return of_two

    def of_many(env: list[Any], _: RandomStates) -> None:
        env[target] = kernel(*[env[source] for source in sources])

    return of_many


def _many_outputs(kernel: Callable[..., Any], sources: list[int], targets: list[int]) -> Step:
    def step(env: list[Any], _: RandomStates) -> None:
        _put(env, targets, as_tuple(kernel(*[env[source] for source in sources])))

    return step


def _with_lists(
    kernel: Callable[..., Any], node: Node, sources: list[int], targets: list[int]
) -> Step:
    pack, lengths = node.row.pack, node.lengths

    def step(env: list[Any], _: RandomStates) -> None:
        packed = pack([env[source] for source in sources], lengths)
        _put(env, targets, as_tuple(kernel(*packed)))

    return step


def _put(env: list[Any], targets: list[int], results: Sequence[Any]) -> None:
    for target, result in zip(targets, results, strict=True):
        env[target] = result


def _general(node: Node, sources: list[int], targets: list[int]) -> Step:
    """A step for what is more than a numpy kernel: random nodes, variables, branches, loops."""
    name = node.row.name
    if name in STATEFUL_TO_STATELESS:
        return _random(node, sources, targets)
    if name in _IFS or name in _CASES:
        return _branches(node, sources, targets)
    if name in _WHILES:
        return _loop(node, sources, targets)

    def step(env: list[Any], _: RandomStates) -> None:
        values = {
            id(symbol): env[source] for symbol, source in zip(node.inputs, sources, strict=True)
        }
        run_on_host(node, values)
        for target, symbol in zip(targets, node.outputs, strict=True):
            value = values[id(symbol)]
            env[target] = np.asarray(value) if isinstance(value, jax.Array) else value

    return step


def _random(node: Node, sources: list[int], targets: list[int]) -> Step:
    def step(env: list[Any], states: RandomStates) -> None:
        sample = states.draw(node, [env[source] for source in sources])
        _put(env, targets, as_tuple(sample))

    return step


def _plan_of(body: Body) -> HostPlan:
    return HostPlan(body.inputs, body.outputs, body.nodes)


def _branches(node: Node, sources: list[int], targets: list[int]) -> Step:
    attrs = node.attrs
    if node.row.name in _IFS:
        plans = [_plan_of(attrs["else_branch"]), _plan_of(attrs["then_branch"])]
        limit = 1
    else:
        plans = [_plan_of(branch) for branch in attrs["branches"]]
        limit = 0
    selector, arguments = sources[0], sources[1:]

    def step(env: list[Any], states: RandomStates) -> None:
        chosen = np.asarray(env[selector]).reshape(-1)[0]
        number = int(bool(chosen)) if limit else int(chosen)
        plan = plans[number if 0 <= number < len(plans) else -1]
        _put(env, targets, plan.run([env[source] for source in arguments], states))

    return step


def _loop(node: Node, sources: list[int], targets: list[int]) -> Step:
    test, body = _plan_of(node.attrs["cond"]), _plan_of(node.attrs["body"])

    def step(env: list[Any], states: RandomStates) -> None:
        values: Sequence[Any] = [env[source] for source in sources]
        while bool(np.asarray(test.run(values, states)[0]).reshape(-1)[0]):
            values = body.run(values, states)
        _put(env, targets, values)

    return step


def can_run_on_host(nodes: Sequence[Node]) -> bool:
    """Whether every node, in branches and loops too, has a numpy kernel."""
    for node in nodes:
        if is_free(node) or node.row.variable_positions:
            continue
        if node.row.name in STATEFUL_TO_STATELESS:
            continue
        if node.row.host is None or node.tape is not None:
            return False
        for value in node.attrs.values():
            bodies = value if isinstance(value, (list, tuple)) else (value,)
            for body in bodies:
                if isinstance(body, Body) and not can_run_on_host(body.nodes):
                    return False
    return True


def has_random_nodes(nodes: Sequence[Node]) -> bool:
    """Whether a node draws from a generator of its own."""
    return any(node.row.name in STATEFUL_TO_STATELESS for node in nodes)
