"""Evaluating nodes under trace: what a compiled segment, a branch and a loop body do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

from penstock.core.errors import OpError
from penstock.graph.partition import is_free, root
from penstock.graph.symbol import Node
from penstock.ops import checks, lowering
from penstock.ops.checks import NeedsValueError
from penstock.ops.grad import flat_outputs, forward, pull
from penstock.ops.random_stateful import STATEFUL_TO_STATELESS
from penstock.runtime.eager import as_tuple

# Constants above this size are handed to the computation instead of being compiled into it.
EMBED_LIMIT = 1 << 14


# What stands for a node: values of its inputs in, of its outputs out.
Special = Callable[[Sequence[Any]], Sequence[Any]]


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


def place_of(node: Node) -> str:
    """The node and the line of user code that made it, for the end of a message."""
    where = f", made at {node.where}" if node.where else ""
    return f" [Op:{node.row.name}, node {node.name}{where}]"


def is_traced(value: Any) -> bool:
    """Whether a value is known only when the computation runs."""
    return isinstance(value, jax.core.Tracer) or any(
        isinstance(leaf, jax.core.Tracer) for leaf in jax.tree_util.tree_leaves(value)
    )


def trace_nodes(
    nodes: Sequence[Node],
    env: dict[int, Any],
    variables: dict[int, Any],
    specials: Mapping[int, Special] = MappingProxyType({}),
) -> None:
    """Evaluate nodes under trace, with variables as values.

    Args:
        nodes: the nodes, each after those that it depends on.
        env: values by the identity of symbols; outputs are put there.
        variables: values of variables and states.
        specials: functions that stand for nodes, by their identity.
    """
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
            place = place_of(node)
            with checks.labelled(place), lowering.at(place):
                special = specials.get(id(node))
                if special is None:
                    outputs = _trace_node(node, env, variables, wanted, pullbacks)
                else:
                    outputs = special([env[id(symbol)] for symbol in node.inputs])
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
        except (TypeError, ValueError, IndexError) as error:
            # JAX refuses shapes so. On the host they may fit, or the op says what is wrong.
            raise NeedHostError(node, str(error)) from error
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
        elif row.device is None or sum(value.size for value in values) <= EMBED_LIMIT:
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
