"""Which nodes are compiled together and which run on the host between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.core import dtypes
from penstock.graph.symbol import Node, Symbol
from penstock.ops.random_stateful import STATEFUL_TO_STATELESS

_PASS_THROUGH = frozenset({"Identity", "Enter", "PlaceholderWithDefault", "StopGradient"})

# Ops whose only effect is an error: it joins the flags of the computation, and the texts that
# they are given are part of the program.
_CHECKS = frozenset({"Assert", "CheckNumerics", "CheckNumericsV2"})


@dataclass(slots=True, eq=False)
class Segment:
    """Nodes that run one after the other in one place.

    `reads` and `writes` are the roots (see `root`) of the variables that they use.
    """

    on_device: bool
    nodes: list[Node] = field(default_factory=list)
    inputs: list[Symbol] = field(default_factory=list)
    outputs: list[Symbol] = field(default_factory=list)
    reads: list[Symbol] = field(default_factory=list)
    writes: list[Symbol] = field(default_factory=list)
    compiled: Any = None


def root(symbol: Symbol) -> Symbol:
    """The symbol that a resource handle comes from, through identities."""
    while symbol.graph_node.row.name in _PASS_THROUGH and symbol.graph_node.inputs:
        symbol = symbol.graph_node.inputs[symbol.value_index]
    return symbol


def live_nodes(nodes: Sequence[Node], outputs: Iterable[Symbol]) -> list[Node]:
    """Nodes that the outputs need, or that have effects, in their order."""
    needed: set[int] = set()
    stack = [symbol.graph_node for symbol in outputs]
    stack.extend(node for node in nodes if has_effect(node))
    while stack:
        node = stack.pop()
        if id(node) in needed:
            continue
        needed.add(id(node))
        stack.extend(symbol.graph_node for symbol in node.inputs)
        stack.extend(node.control_inputs)
        forward = node.attrs.get("forward") if node.row.name == "_VJP" else None
        if forward is not None and forward.graph is node.graph:
            stack.append(forward)
    return [node for node in nodes if id(node) in needed]


def has_effect(node: Node) -> bool:
    """Whether a node must run although nobody takes its outputs."""
    row = node.row
    if row.writes:
        return True
    if not row.stateful or row.reads:
        return False
    return bool(node.attrs.get("_effects", True))


def is_free(node: Node) -> bool:
    """Whether a node runs nowhere: its value is given or constant."""
    return node.row.name in ("Placeholder", "Const")


def partition(
    nodes: Sequence[Node],
    outputs: Sequence[Symbol],
    forced: set[int],
    roots: dict[int, int],
) -> list[Segment]:
    """Group nodes into segments with the fewest switches between device and host.

    Args:
        nodes: live nodes in the order of their side effects.
        outputs: symbols whose values are wanted.
        forced: ids of nodes that could be compiled but must run on the host.
        roots: id of a resource's root -> number of its variable; equal numbers are one
            variable.
    """
    level: dict[int, int] = {}
    side: dict[int, bool] = {}
    last_write: dict[int, Node] = {}
    last_reads: dict[int, list[Node]] = {}
    last_effect: Node | None = None
    for node in nodes:
        if is_free(node):
            continue
        device = on_device(node, forced)
        before = [symbol.graph_node for symbol in node.inputs]
        before.extend(node.control_inputs)
        for variable, writes in accesses(node, roots):
            if variable in last_write:
                before.append(last_write[variable])
            if writes:
                before.extend(last_reads.pop(variable, ()))
                last_write[variable] = node
            else:
                last_reads.setdefault(variable, []).append(node)
        if node.row.stateful and not node.row.variable_positions:
            if last_effect is not None:
                before.append(last_effect)
            last_effect = node
        # Host segments have even levels and device segments odd ones.
        place = 1 if device else 0
        for other in before:
            if id(other) in level:
                step = 0 if side[id(other)] == device else 1
                place = max(place, level[id(other)] + step)
        level[id(node)] = place
        side[id(node)] = device
    return _segments(nodes, outputs, level, side)


def on_device(node: Node, forced: set[int]) -> bool:
    """Whether a node can be compiled."""
    row = node.row
    if id(node) in forced:
        return False
    if row.name in STATEFUL_TO_STATELESS:
        return True
    if row.name in _CHECKS:
        return all(
            symbol.dtype is not dtypes.string or symbol.graph_node.row.name == "Const"
            for symbol in node.inputs
        )
    if row.device is None or (row.host is not None and _needs_numpy(node)):
        return False
    return not row.stateful or bool(row.reads or row.writes)


def _needs_numpy(node: Node) -> bool:
    """Whether a tensor of the call is of strings or quantized: only numpy can hold these.

    Handles of tables pass on the host too; those of variables are known by their roots.
    """
    if node.row.name in _PASS_THROUGH and node.inputs[0].dtype is dtypes.resource:
        return not _is_variable(root(node.inputs[0]))
    return any(
        symbol.dtype is dtypes.string or symbol.dtype.is_quantized
        for symbol in (*node.inputs, *node.outputs)
    )


def _is_variable(handle: Symbol) -> bool:
    noted = getattr(handle, "variable_shape", None) is not None
    return noted or handle.graph_node.row.name == "VarHandleOp"


def accesses(node: Node, roots: dict[int, int]) -> list[tuple[int, bool]]:
    """Variables that a node uses, and whether it writes them."""
    row = node.row
    return [
        (
            roots.get(id(root(node.inputs[i])), id(root(node.inputs[i]))),
            i in row.write_positions,
        )
        for i in row.variable_positions
    ]


def _segments(
    nodes: Sequence[Node],
    outputs: Sequence[Symbol],
    level: dict[int, int],
    side: dict[int, bool],
) -> list[Segment]:
    by_level: dict[int, Segment] = {}
    for node in nodes:
        if id(node) in level:
            place = level[id(node)]
            segment = by_level.get(place)
            if segment is None:
                segment = by_level[place] = Segment(side[id(node)])
            segment.nodes.append(node)
    ordered = [by_level[place] for place in sorted(by_level)]
    home = {id(node): segment for segment in ordered for node in segment.nodes}
    wanted: dict[int, dict[int, Symbol]] = {id(segment): {} for segment in ordered}
    for segment in ordered:
        needed: dict[int, Symbol] = {}
        for node in segment.nodes:
            for symbol in node.inputs:
                if home.get(id(symbol.graph_node)) is segment:
                    continue
                needed[id(symbol)] = symbol
                producer = home.get(id(symbol.graph_node))
                if producer is not None:
                    wanted[id(producer)][id(symbol)] = symbol
        segment.inputs = list(needed.values())
        _note_variables(segment)
    for symbol in outputs:
        producer = home.get(id(symbol.graph_node))
        if producer is not None:
            wanted[id(producer)][id(symbol)] = symbol
    for segment in ordered:
        segment.outputs = list(wanted[id(segment)].values())
    return ordered


def _note_variables(segment: Segment) -> None:
    reads: dict[int, Symbol] = {}
    writes: dict[int, Symbol] = {}
    for node in segment.nodes:
        names = node.row.input_names
        for i in node.row.variable_positions:
            source = root(node.inputs[i])
            if names[i] in node.row.reads and id(source) not in writes:
                reads[id(source)] = source
            if i in node.row.write_positions:
                writes[id(source)] = source
    segment.reads = list(reads.values())
    segment.writes = list(writes.values())
