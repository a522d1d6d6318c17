"""Which ops of a SavedModel have no kernel here, and what needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from penstock.graph.graph_def.reader import node_name


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node, where it stands, and the signatures that come to it."""

    op: str
    node: str
    function: str
    signatures: tuple[str, ...]


def placed_nodes(meta_graph: Any, ops: set[str]) -> list[PlacedNode]:
    """All nodes of some ops.

    Args:
        meta_graph: the model.
        ops: names of the ops that are looked for.
    """
    functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
    reached: dict[tuple[str, str], list[str]] = {}
    for key, signature in meta_graph.signature_def.items():
        ends = {node_name(info.name) for info in signature.outputs.values()}
        for place in _behind(meta_graph, functions, ends):
            reached.setdefault(place, []).append(key)
    parts = [("", meta_graph.graph_def.node)]
    parts += [(name, function.node_def) for name, function in functions.items()]
    return [
        PlacedNode(node.op, node.name, name, tuple(sorted(reached.get((name, node.name), ()))))
        for name, nodes in parts
        for node in nodes
        if node.op in ops
    ]


def _behind(
    meta_graph: Any, functions: dict[str, Any], ends: set[str]
) -> Iterator[tuple[str, str]]:
    """Function and name of each node that some nodes of the main graph need."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    waiting = [("", nodes[name]) for name in ends if name in nodes]
    called: set[str] = set()
    seen: set[str] = set()
    while waiting:
        place, node = waiting.pop()
        if not place:
            if node.name in seen:
                continue
            seen.add(node.name)
            waiting += [
                ("", nodes[name]) for name in map(node_name, node.input) if name in nodes
            ]
        yield place, node.name
        names = [node.op]
        for attr in node.attr.values():
            names += [attr.func.name, *(function.name for function in attr.list.func)]
        for name in names:
            if name in functions and name not in called:
                called.add(name)
                waiting += [(name, inner) for inner in functions[name].node_def]
