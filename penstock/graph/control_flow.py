"""Branches and loops as nodes: the rows that run them, compiled or on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.abstract import outputs_of
from penstock.graph.bodies import Body
from penstock.graph.rounds import rounds_of
from penstock.graph.streams import find_streams, put_rows
from penstock.graph.symbol import Node
from penstock.graph.tracing import is_traced, trace_nodes
from penstock.ops import checks
from penstock.ops.checks import NeedsValueError
from penstock.ops.grad import flat_outputs, is_differentiating
from penstock.ops.table import REQUIRED, TYPE_LIST, host_kernel, op
from penstock.ops.tensor_list import ItemList, TensorList

Array = Any

# A loop whose trip count can be told beforehand is simulated up to this many rounds.
_SIMULATION_LIMIT = 1 << 20


def run_body(body: Body, values: Sequence[Any]) -> list[Any]:
    """Evaluate a body under trace."""
    env = _environment(body, values)
    trace_nodes(body.nodes, env, {})
    return [env[id(symbol)] for symbol in body.outputs]


def _environment(body: Body, values: Sequence[Any]) -> dict[int, Any]:
    env: dict[int, Any] = {
        id(node.outputs[0]): node.attrs["value"]
        for node in body.nodes
        if node.row.name == "Const"
    }
    env.update((id(s), v) for s, v in zip(body.inputs, values, strict=True))
    return env


def run_checked(body: Body, values: Sequence[Any]) -> tuple[list[Any], Any]:
    """Evaluate a body under trace, with the flag of its own checks beside its outputs."""
    outer = checks.current_collector()
    if outer is None:
        return run_body(body, values), checks.no_failure()
    with checks.collecting(outer) as collector:
        outputs = run_body(body, values)
    return outputs, collector.flag()


def refuse_own_gradients(*bodies: Body) -> None:
    """Leave gradients through rules of the user's own to the host, which follows the rules.

    Raises:
        NeedsValueError: a body that is being differentiated has such a rule.
    """
    if is_differentiating() and any(body.has_own_gradients for body in bodies):
        raise NeedsValueError("a tf.custom_gradient inside has a rule of its own")


def _struct(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)


def _merge_flag(flag: Any) -> None:
    collector = checks.current_collector()
    if collector is not None:
        collector.add_flag(flag)


def _truth(value: Array) -> Any:
    """The predicate of a branch: any scalar, as TensorFlow takes it."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype == object:
            return bool(value.reshape(-1)[0])
        return bool(np.asarray(value).reshape(-1)[0])
    return value.reshape(()) != 0


def _branch_shapes(*_: Any, output_shapes: Any, **__: Any) -> Any:
    return tuple(TensorShape(shape) for shape in output_shapes)


_IF_ATTRS = {
    "then_branch": REQUIRED,
    "else_branch": REQUIRED,
    "output_shapes": (),
    "Tin": TYPE_LIST,
    "Tout": TYPE_LIST,
}


@op(
    "StatelessIf",
    inputs=("cond: Tcond", "input: Tin"),
    outputs=("output: Tout",),
    attrs=_IF_ATTRS,
    kernel="device",
    shape=_branch_shapes,
)
def stateless_if(
    cond: Array,
    input: Any,
    *,
    then_branch: Body,
    else_branch: Body,
    **_: Any,
) -> Any:
    """What one of two branches gives.

    Shape: cond [], input [...] -> output [...].
    """
    refuse_own_gradients(then_branch, else_branch)
    if not is_traced(cond):
        return tuple(run_body(then_branch if _truth(cond) else else_branch, input))
    return _choose([else_branch, then_branch], _truth(cond).astype(jnp.int32), input)


def _choose(branches: Sequence[Body], index: Any, values: Any) -> Any:
    """Run one of several branches, chosen when the computation runs."""
    try:
        structures = [_abstract_outputs(branch, values) for branch in branches]
    except OpError as error:
        # A branch that fails for these shapes may be one that is not taken.
        raise NeedsValueError(f"one of its branches fails: {error.message}") from error
    targets = [_common(outputs) for outputs in zip(*structures, strict=True)]

    def runner(branch: Body) -> Any:
        def run() -> Any:
            outputs, flag = run_checked(branch, values)
            shaped = [_as_target(o, t) for o, t in zip(outputs, targets, strict=True)]
            return shaped, flag

        return run

    if len(branches) == 2:
        outputs, flag = jax.lax.cond(index != 0, runner(branches[1]), runner(branches[0]))
    else:
        outputs, flag = jax.lax.switch(index, [runner(branch) for branch in branches])
    _merge_flag(flag)
    return tuple(outputs)


def _abstract_outputs(branch: Body, values: Any) -> list[Any]:
    return outputs_of(branch, values, lambda: [_as_array(o) for o in run_body(branch, values)])


def _as_array(value: Any) -> Any:
    if isinstance(value, ItemList):
        return value.to_device()
    if isinstance(value, TensorList):
        return value
    if getattr(value, "dtype", None) == object:
        raise NeedsValueError("strings stay on the host")
    return jnp.asarray(value)


def _common(outputs: Sequence[Any]) -> Any:
    """The shape and dtype that one output has in all branches."""
    filled = [
        o for o in outputs if not (isinstance(o, TensorList) and o.buffer is None)
    ] or list(outputs)
    first = filled[0]
    for other in filled[1:]:
        if jax.tree_util.tree_map(_signature, other) != jax.tree_util.tree_map(
            _signature, first
        ):
            if isinstance(first, TensorList) or other.dtype == first.dtype:
                raise NeedsValueError("its branches give different shapes")
            raise InvalidArgumentError(
                f"both branches must give the same dtype, got {first.dtype} and {other.dtype}"
            )
    return first


def _signature(value: Any) -> Any:
    return (tuple(value.shape), str(value.dtype))


def _as_target(value: Any, target: Any) -> Any:
    value = _as_array(value)
    if isinstance(target, TensorList) and value.buffer is None and target.buffer is not None:
        zeros = jnp.zeros(target.buffer.shape, target.buffer.dtype)
        return TensorList(zeros, target.length, target.element_dtype)
    return value


@host_kernel("StatelessIf")
def stateless_if_host(
    cond: Array,
    input: Any,
    *,
    then_branch: Body,
    else_branch: Body,
    **_: Any,
) -> Any:
    """What the chosen branch gives, run as a program of its own."""
    return tuple(rounds_of(then_branch if _truth(cond) else else_branch).run(list(input)))


@op(
    "If",
    inputs=("cond: Tcond", "input: Tin"),
    outputs=("output: Tout",),
    attrs=_IF_ATTRS,
    kernel="host",
    stateful=True,
    shape=_branch_shapes,
)
def if_with_effects(
    cond: Array,
    input: Any,
    *,
    then_branch: Body,
    else_branch: Body,
    **_: Any,
) -> Any:
    """What one of two branches gives; the branches have effects outside.

    Shape: cond [], input [...] -> output [...].
    """
    return tuple(rounds_of(then_branch if _truth(cond) else else_branch).run(list(input)))


_CASE_ATTRS = {"branches": REQUIRED, "output_shapes": (), "Tin": TYPE_LIST, "Tout": TYPE_LIST}


@op(
    "StatelessCase",
    inputs=("branch_index: int32", "input: Tin"),
    outputs=("output: Tout",),
    attrs=_CASE_ATTRS,
    kernel="device",
    shape=_branch_shapes,
)
def stateless_case(
    branch_index: Array, input: Any, *, branches: Sequence[Body], **_: Any
) -> Any:
    """What one of several branches gives; an index out of range chooses the last.

    Shape: branch_index [], input [...] -> output [...].
    """
    refuse_own_gradients(*branches)
    last = len(branches) - 1
    if not is_traced(branch_index):
        known = int(np.asarray(branch_index).reshape(()))
        return tuple(run_body(branches[known if 0 <= known <= last else last], input))
    flat = branch_index.reshape(())
    index = jnp.where((flat >= 0) & (flat <= last), flat, last)
    if len(branches) == 1:
        return tuple(run_body(branches[0], input))
    return _choose(branches, index, input)


@host_kernel("StatelessCase")
def stateless_case_host(
    branch_index: Array,
    input: Any,
    *,
    branches: Sequence[Body],
    **_: Any,
) -> Any:
    """What the chosen branch gives, run as a program of its own."""
    index = int(np.asarray(branch_index).reshape(()))
    last = len(branches) - 1
    branch = branches[index if 0 <= index <= last else last]
    return tuple(rounds_of(branch).run(list(input)))


@op(
    "Case",
    inputs=("branch_index: int32", "input: Tin"),
    outputs=("output: Tout",),
    attrs=_CASE_ATTRS,
    kernel="host",
    stateful=True,
    shape=_branch_shapes,
)
def case_with_effects(
    branch_index: Array,
    input: Any,
    *,
    branches: Sequence[Body],
    **_: Any,
) -> Any:
    """What one of several branches gives; the branches have effects outside.

    Shape: branch_index [], input [...] -> output [...].
    """
    return stateless_case_host(branch_index, input, branches=branches)


_WHILE_ATTRS = {
    "cond": REQUIRED,
    "body": REQUIRED,
    "output_shapes": (),
    "parallel_iterations": 10,
    "maximum_iterations": None,
    "T": TYPE_LIST,
}


@op(
    "StatelessWhile",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs=_WHILE_ATTRS,
    kernel="device",
    shape=_branch_shapes,
)
def stateless_while(
    input: Any,
    *,
    cond: Body,
    body: Body,
    maximum_iterations: int | None,
    **_: Any,
) -> Any:
    """What loop variables are when the condition fails.

    Shape: input [...] -> output [...].
    """
    refuse_own_gradients(body)
    values = list(input)
    count = trip_count(cond, body, values)
    if count == 0:
        return tuple(values)
    loop = _Loop(cond, body, values)
    if count is not None:
        return loop.scan(count)
    if not is_differentiating():
        return loop.run_while()
    if maximum_iterations is not None:
        return loop.masked_scan(maximum_iterations)
    raise NeedsValueError("the gradient of a loop needs its number of rounds")


class _Loop:
    """A loop whose variables are split into those that change and those that do not."""

    def __init__(self, cond: Body, body: Body, values: list[Any]) -> None:
        self._cond = cond
        self._body = body
        self._values = values
        self._changing = [
            i for i, symbol in enumerate(body.outputs) if symbol is not body.inputs[i]
        ]
        self._start = self._settle([_as_array(values[i]) for i in self._changing])

    def _full(self, carry: Sequence[Any]) -> list[Any]:
        full = list(self._values)
        for i, value in zip(self._changing, carry, strict=True):
            full[i] = value
        return full

    def _step(self, carry: Sequence[Any]) -> tuple[list[Any], Any]:
        outputs, flag = run_checked(self._body, self._full(carry))
        new = [
            _as_target(outputs[i], start)
            for i, start in zip(self._changing, self._start, strict=True)
        ]
        return new, flag

    def _settle(self, start: list[Any]) -> list[Any]:
        """Give lists without a buffer the one that the body gives them.

        Raises:
            NeedsValueError: a variable changes its shape from round to round.
        """
        for _ in range(len(start) + 1):
            shapes = self._shapes_after(start)
            changed = False
            for i, (have, want) in enumerate(zip(start, shapes, strict=True)):
                if isinstance(have, TensorList):
                    if have.buffer is None and want.buffer is not None:
                        zeros = jnp.zeros(want.buffer.shape, want.buffer.dtype)
                        start[i] = TensorList(zeros, want.length, want.element_dtype)
                        changed = True
                    elif want.length != have.length:
                        raise NeedsValueError("a list grows from round to round")
                elif tuple(have.shape) != tuple(want.shape):
                    raise NeedsValueError(
                        "a loop variable changes its shape from round to round"
                    )
                elif have.dtype != want.dtype:
                    raise InvalidArgumentError(
                        f"loop variable {i} must keep its dtype {have.dtype}, got {want.dtype}"
                    )
            if not changed:
                return start
        return start

    def _shapes_after(self, start: list[Any]) -> list[Any]:
        """Shapes of the changing variables after a round."""

        def run(carry: list[Any]) -> list[Any]:
            outputs = run_body(self._body, self._full(carry))
            return [_as_array(outputs[i]) for i in self._changing]

        seen = self._full([jax.tree_util.tree_map(_struct, value) for value in start])
        try:
            return outputs_of(self._body, seen, run, start)
        except OpError as error:
            # Shapes that do not fit here may fit in the rounds to come: the host can tell.
            raise NeedsValueError(error.message) from error

    def _result(self, carry: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(self._full(carry))

    def scan(self, count: int) -> tuple[Any, ...]:
        """Run a known number of rounds; can be differentiated."""
        streams = find_streams(self._body, self._values, count)
        written = streams.written()
        carried = [
            (i, start)
            for i, start in zip(self._changing, self._start, strict=True)
            if i not in written
        ]
        nodes = [node for node in self._body.nodes if id(node) not in streams.done]
        outer = checks.current_collector()

        def step(state: Any, rows: Any) -> Any:
            carry, flag = state
            full = list(self._values)
            for (i, _), value in zip(carried, carry, strict=True):
                full[i] = value
            env = _environment(self._body, full)
            env.update((id(s), row) for (s, _), row in zip(streams.reads, rows, strict=True))
            with checks.collecting(outer) if outer is not None else checks.ignoring() as own:
                trace_nodes(nodes, env, {})
            if own is not None:
                flag = checks.first_failure(flag, own.flag())
            new = [_as_target(env[id(self._body.outputs[i])], start) for i, start in carried]
            return (new, flag), [jnp.asarray(env[id(s)]) for _, s, _ in streams.writes]

        begin = ([start for _, start in carried], checks.no_failure())
        rows = [part for _, part in streams.reads]
        (ends, flag), stacked = jax.lax.scan(step, begin, rows, length=count)
        _merge_flag(flag)
        result = list(self._values)
        for (i, _), value in zip(carried, ends, strict=True):
            result[i] = value
        for (i, _, first), part in zip(streams.writes, stacked, strict=True):
            result[i] = put_rows(self._values[i], part, first)
        return tuple(result)

    def run_while(self) -> tuple[Any, ...]:
        """Run until the condition fails."""

        def test(state: Any) -> Any:
            with checks.ignoring():
                return jnp.asarray(_truth(run_body(self._cond, self._full(state[0]))[0]))

        def step(state: Any) -> Any:
            carry, flag = state
            new, own = self._step(carry)
            return new, checks.first_failure(flag, own)

        start = (self._start, checks.no_failure())
        carry, flag = jax.lax.while_loop(test, step, start)
        _merge_flag(flag)
        return self._result(carry)

    def masked_scan(self, limit: int) -> tuple[Any, ...]:
        """Run at most `limit` rounds, those after the condition fails without effect."""

        def step(state: Any, _: Any) -> Any:
            carry, flag, alive = state
            with checks.ignoring():
                going = run_body(self._cond, self._full(carry))[0]
            alive = alive & jnp.asarray(_truth(going))

            def one(now: Any) -> Any:
                return self._step(now)

            def none(now: Any) -> Any:
                return list(now), checks.no_failure()

            new, own = jax.lax.cond(alive, one, none, carry)
            return (new, checks.first_failure(flag, own), alive), None

        start = (self._start, checks.no_failure(), jnp.asarray(True))
        (carry, flag, _), _ = jax.lax.scan(step, start, None, length=limit)
        _merge_flag(flag)
        return self._result(carry)


@host_kernel("StatelessWhile")
def stateless_while_host(input: Any, *, cond: Body, body: Body, **_: Any) -> Any:
    """What loop variables are when the condition fails, each round a program of its own."""
    return _loop_on_host(list(input), cond, body)


def _loop_on_host(values: list[Any], cond: Body, body: Body) -> Any:
    test, step = rounds_of(cond), rounds_of(body)
    while _truth(np.asarray(test.run(values)[0])):
        values = list(step.run(values))
    return tuple(values)


@op(
    "While",
    inputs=("input: T",),
    outputs=("output: T",),
    attrs=_WHILE_ATTRS,
    kernel="host",
    stateful=True,
    shape=_branch_shapes,
)
def while_with_effects(input: Any, *, cond: Body, body: Body, **_: Any) -> Any:
    """What loop variables are when the condition fails; the loop has effects outside.

    Shape: input [...] -> output [...].
    """
    return _loop_on_host(list(input), cond, body)


# -- how often a loop runs -----------------------------------------------------------------


def trip_count(cond: Body, body: Body, values: Sequence[Any]) -> int | None:
    """Number of rounds of a loop, where the variables that its condition depends on are known.

    Only the part of the body that these variables depend on is run, by numpy kernels.
    """
    positions = {id(symbol): i for i, symbol in enumerate(body.inputs)}
    cond_positions = {id(symbol): i for i, symbol in enumerate(cond.inputs)}
    needed = {cond_positions[key] for key in _behind(cond.outputs[0], cond_positions)}
    stack = list(needed)
    nodes: set[int] = set()
    while stack:
        symbol = body.outputs[stack.pop()]
        for key in _behind(symbol, positions, nodes):
            position = positions[key]
            if position not in needed:
                needed.add(position)
                stack.append(position)
    if any(is_traced(values[i]) or not _is_plain(values[i]) for i in needed):
        return None
    slice_of_body = [node for node in body.nodes if id(node) in nodes]
    if any(not _can_simulate(node) for node in [*slice_of_body, *cond.nodes]):
        return None
    return _simulate(cond, body, slice_of_body, needed, list(values))


def _is_plain(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype != object


def _can_simulate(node: Node) -> bool:
    if node.row.name in ("Placeholder", "Const"):
        return True
    return node.row.host is not None and not node.row.stateful


def _behind(symbol: Any, inputs: dict[int, int], nodes: set[int] | None = None) -> set[int]:
    """Inputs of a body that a symbol depends on, and the nodes between."""
    found: set[int] = set()
    seen: set[int] = set() if nodes is None else nodes
    stack = [symbol]
    visited: set[int] = set()
    while stack:
        item = stack.pop()
        if id(item) in inputs:
            found.add(id(item))
            continue
        node = item.graph_node
        if id(node) in visited:
            continue
        visited.add(id(node))
        seen.add(id(node))
        stack.extend(node.inputs)
    return found


def _simulate(
    cond: Body, body: Body, slice_of_body: list[Node], needed: set[int], values: list[Any]
) -> int | None:
    try:
        for count in range(_SIMULATION_LIMIT):
            going = _evaluate(cond, cond.nodes, values, [0])[0]
            if not _truth(np.asarray(going)):
                return count
            order = sorted(needed)
            new = _evaluate(body, slice_of_body, values, order)
            for i, value in zip(order, new, strict=True):
                values[i] = value
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return None


def _evaluate(
    body: Body, nodes: Sequence[Node], values: Sequence[Any], wanted: list[int]
) -> Any:
    env: dict[int, Any] = {id(s): v for s, v in zip(body.inputs, values, strict=True)}
    with np.errstate(all="ignore"):
        for node in nodes:
            if node.row.name == "Placeholder":
                continue
            if node.row.name == "Const":
                env[id(node.outputs[0])] = node.attrs["value"]
                continue
            inputs = [env[id(symbol)] for symbol in node.inputs]
            packed = node.row.pack(inputs, node.lengths)
            assert node.row.host is not None
            results = flat_outputs(node.row.host(*packed, **node.attrs))
            for symbol, value in zip(node.outputs, results, strict=True):
                env[id(symbol)] = value
    return [_from_env(env, body.outputs[i]) for i in wanted]


def _from_env(env: dict[int, Any], symbol: Any) -> Any:
    if id(symbol) not in env and symbol.graph_node.row.name == "Const":
        return symbol.graph_node.attrs["value"]
    return env[id(symbol)]
