"""Branches and loop bodies as functions of tensors: captures and variables turned into "
"inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.graph.func_graph import FuncGraph
from penstock.graph.inference import Fact
from penstock.graph.lower import Program
from penstock.graph.partition import root
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.dispatch import call


class Body:
    """A graph that a control-flow node runs: `graph.inputs` in, `outputs` out, no variables."""

    def __init__(self, graph: FuncGraph, outputs: Sequence[Symbol]) -> None:
        self.graph = graph
        self.outputs = list(outputs)
        self._program: Program | None = None

    @property
    def name(self) -> str:
        """Name of the graph."""
        return self.graph.name

    @property
    def inputs(self) -> list[Symbol]:
        """Symbols that are given values."""
        return self.graph.inputs

    @property
    def nodes(self) -> list[Node]:
        """Nodes in the order of their side effects."""
        return self.graph.nodes

    def program(self) -> Program:
        """The body as an executable of its own, for loops that run on the host."""
        if self._program is None:
            self._program = Program(self.inputs, self.outputs, self.nodes, name=self.graph.name)
        return self._program

    def has_host_effects(self) -> bool:
        """Whether running it can be seen from outside: printing, iterators, tables."""
        return any(
            node.row.stateful and not node.row.variable_positions for node in self.graph.nodes
        )


def input_at_end(graph: FuncGraph, like: Any, name: str) -> Symbol:
    """Append an input to a graph for a tensor like `like`."""
    fact = Fact(
        like.dtype,
        like.shape,
        getattr(like, "_world_shapes", None),
    )
    symbol = graph._placeholder(fact, name)
    graph.inputs.append(symbol)
    return symbol


class Variables:
    """The variables that a set of bodies use, found after they were traced.

    Reading becomes an input, assigning becomes an output; the node that runs the bodies hands
    the values in and assigns what comes out.
    """

    def __init__(self, graphs: Sequence[FuncGraph]) -> None:
        self._handles: dict[int, Any] = {}
        self.written: set[int] = set()
        for graph in graphs:
            externals = {id(internal): external for external, internal in graph.captures}
            for node in graph.nodes:
                for i in node.row.variable_positions:
                    source = root(node.inputs[i])
                    external = externals.get(id(source))
                    if external is None:
                        raise UnimplementedError(
                            f"op {node.row.name} uses a variable that is made inside a "
                            f"branch or loop; "
                            "make it outside"
                        )
                    self._handles[id(external)] = external
                    if i in node.row.write_positions:
                        self.written.add(id(external))

    def handles(self) -> list[Any]:
        """Handles outside, in the order of first use."""
        return list(self._handles.values())

    def read_outside(self) -> dict[int, Any]:
        """Value of each variable before the bodies run, read where they are called."""
        values = {}
        for key, handle in self._handles.items():
            dtype = getattr(handle, "variable_dtype", None)
            values[key] = call("ReadVariableOp", handle, dtype=dtype)
        return values

    def replace(self, graph: FuncGraph, values: dict[int, Any]) -> dict[int, Symbol]:
        """Make a body a function of its variables' values.

        Args:
            graph: the body.
            values: values outside, by id of the handle.

        Returns:
            The value of each variable at the end of the body.
        """
        externals = {id(internal): external for external, internal in graph.captures}
        current: dict[int, Symbol] = {}
        first: dict[int, Symbol] = {}
        for key, value in values.items():
            symbol = input_at_end(graph, value, "variable")
            current[key] = first[key] = symbol
        replaced: dict[int, Symbol] = {}
        nodes: list[Node] = []
        fresh = list(first.values())
        placeholders = {id(symbol.graph_node) for symbol in fresh}
        nodes.extend(symbol.graph_node for symbol in fresh)
        for node in graph.nodes:
            if id(node) in placeholders:
                continue
            node.inputs = tuple(replaced.get(id(symbol), symbol) for symbol in node.inputs)
            if not node.row.variable_positions:
                nodes.append(node)
                continue
            key = id(externals[id(root(node.inputs[0]))])
            nodes.extend(_without_variable(graph, node, key, current, replaced))
        graph.nodes = nodes
        for external in self._handles.values():
            _drop_capture(graph, external)
        self._replaced = replaced
        return current

    def resolve(self, symbols: Sequence[Symbol]) -> list[Symbol]:
        """Outputs of the body replaced last, after its reads became inputs."""
        return [self._replaced.get(id(symbol), symbol) for symbol in symbols]

    def assign_outside(self, results: dict[int, Any]) -> None:
        """Assign what came out of the bodies."""
        for key, value in results.items():
            call("AssignVariableOp", self._handles[key], value)


def _drop_capture(graph: FuncGraph, external: Any) -> None:
    _, internal = graph._captures.pop(id(external), (None, None))
    if internal is not None:
        graph.inputs = [symbol for symbol in graph.inputs if symbol is not internal]
        graph.nodes = [node for node in graph.nodes if node is not internal.graph_node]


_UPDATES: dict[str, str] = {"AssignAddVariableOp": "AddV2", "AssignSubVariableOp": "Sub"}


def _without_variable(
    graph: FuncGraph,
    node: Node,
    key: int,
    current: dict[int, Symbol],
    replaced: dict[int, Symbol],
) -> list[Node]:
    """The nodes that do on values what `node` does on a variable."""
    name = node.row.name
    value = current[key]
    if name == "ReadVariableOp":
        replaced[id(node.outputs[0])] = value
        return []
    if name == "AssignVariableOp":
        current[key] = node.inputs[1]
        return []

    def build(make: Callable[[], Any]) -> list[Node]:
        kept, graph.nodes = graph.nodes, []
        try:
            with graph.as_default():
                result = make()
            made = graph.nodes
        finally:
            graph.nodes = kept
        if node.row.writes:
            current[key] = result
        else:
            replaced[id(node.outputs[0])] = result
        return made

    if name in _UPDATES:
        return build(lambda: call(_UPDATES[name], value, node.inputs[1]))
    if name == "ResourceGather":
        return build(lambda: call("GatherV2", value, node.inputs[1], 0))
    if name == "VariableShape":
        return build(lambda: call("Shape", value, out_type=node.attrs["out_type"]))
    scatter = _SCATTERS.get(name)
    if scatter is not None:
        return build(lambda: call(scatter, value, _as_vectors(node), node.inputs[2]))
    raise UnimplementedError(
        f"op {name} on a variable inside a branch or loop is not implemented"
    )


_SCATTERS = {
    **{
        f"ResourceScatterNd{kind}": f"TensorScatter{kind}"
        for kind in ("Update", "Add", "Sub", "Min", "Max")
    },
    **{
        f"ResourceScatter{kind}": f"TensorScatter{kind}"
        for kind in ("Update", "Add", "Sub", "Min", "Max")
    },
}


def _as_vectors(node: Node) -> Any:
    indices = node.inputs[1]
    if node.row.name.startswith("ResourceScatterNd"):
        return indices
    return call("ExpandDims", indices, -1)


def join_captures(graphs: Sequence[FuncGraph]) -> list[Any]:
    """Give all graphs one list of captures, in one order, and return the tensors outside."""
    externals: dict[int, Any] = {}
    for graph in graphs:
        for external, _ in graph.real_captures():
            externals[id(external)] = external
    return list(externals.values())


def inputs_for(graph: FuncGraph, externals: Sequence[Any]) -> list[Symbol]:
    """Inputs of `graph` that stand for `externals`; unused ones are added."""
    captured = {id(external): internal for external, internal in graph.real_captures()}
    return [
        captured[id(external)]
        if id(external) in captured
        else input_at_end(graph, external, "unused")
        for external in externals
    ]


def effect_row(stateless: str, stateful: str, bodies: Sequence[Body]) -> str:
    """Name of the op that runs the bodies: the stateful one when they have effects."""
    return stateful if any(body.has_host_effects() for body in bodies) else stateless
