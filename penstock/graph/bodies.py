"""Branches and loop bodies as functions of tensors: captures and variables turned into "
"inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.func_graph import FuncGraph
from penstock.graph.inference import Fact
from penstock.graph.lower import Program
from penstock.graph.on_values import write_down
from penstock.graph.partition import live_nodes, root
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.context import state
from penstock.runtime.dispatch import call


class Body:
    """A graph that a control-flow node runs: `graph.inputs` in, `outputs` out, no variables."""

    def __init__(self, graph: FuncGraph, outputs: Sequence[Symbol]) -> None:
        self.graph = graph
        self.outputs = list(outputs)
        self._nodes: list[Node] | None = None
        self._program: Program | None = None
        # What runs the body on the host, and its function with gradients: see `rounds` and
        # `host_gradient`.
        self.rounds: Any = None
        self.function: Any = None
        # Shapes of its outputs by its inputs: see `abstract`.
        self.abstract: dict[Any, list[Any]] = {}

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
        """Nodes that the outputs need or that have effects, in the order of these."""
        if self._nodes is None:
            self._nodes = live_nodes(self.graph.nodes, self.outputs)
        return self._nodes

    def program(self) -> Program:
        """The body as an executable of its own, for loops that run on the host."""
        if self._program is None:
            self._program = Program(
                self.inputs,
                self.outputs,
                self.nodes,
                name=self.graph.name,
                lists_on_host=True,
            )
        return self._program

    @functools.cached_property
    def has_own_gradients(self) -> bool:
        """Whether a node has a gradient rule that was not traced, here or in a body inside."""
        for node in self.nodes:
            if node.custom_record is not None and node.row.name != "_CustomGradient":
                return True
            for value in node.attrs.values():
                parts = value if isinstance(value, (list, tuple)) else (value,)
                if any(isinstance(part, Body) and part.has_own_gradients for part in parts):
                    return True
        return False

    def has_host_effects(self) -> bool:
        """Whether running it can be seen from outside: printing, iterators, tables."""
        return any(node.row.stateful and not node.row.variable_positions for node in self.nodes)


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
            if node.custom_record is not None:
                sources, ends, rule = node.custom_record
                node.custom_record = [replaced.get(id(s), s) for s in sources], ends, rule
            if not node.row.variable_positions:
                nodes.append(node)
                continue
            keys = {
                i: id(externals[id(root(node.inputs[i]))]) for i in node.row.variable_positions
            }
            nodes.extend(_without_variable(graph, node, keys, current, replaced))
        graph.nodes = nodes
        for external in self._handles.values():
            _drop_capture(graph, external)
        self._replaced = replaced
        return current

    def resolve(self, symbols: Sequence[Symbol]) -> list[Symbol]:
        """Outputs of the body replaced last, after its reads became inputs."""
        return [self._replaced.get(id(symbol), symbol) for symbol in symbols]

    def assign_outside(self, results: dict[int, Any]) -> list[Node]:
        """Assign what came out of the bodies, and return the nodes that do."""
        nodes = []
        for key, value in results.items():
            call("AssignVariableOp", self._handles[key], value)
            nodes.append(state.graph.last_node())
        return nodes


def _drop_capture(graph: FuncGraph, external: Any) -> None:
    _, internal = graph._captures.pop(id(external), (None, None))
    if internal is not None:
        graph.inputs = [symbol for symbol in graph.inputs if symbol is not internal]
        graph.nodes = [node for node in graph.nodes if node is not internal.graph_node]


_UPDATES: dict[str, str] = {"AssignAddVariableOp": "AddV2", "AssignSubVariableOp": "Sub"}


def _without_variable(
    graph: FuncGraph,
    node: Node,
    keys: dict[int, int],
    current: dict[int, Symbol],
    replaced: dict[int, Symbol],
) -> list[Node]:
    """The nodes that do on values what `node` does on its variables, by position."""
    name = node.row.name
    key = keys[min(keys)]
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
    if name == "ResourceStridedSliceAssign":
        return build(
            lambda: call("TensorStridedSliceUpdate", value, *node.inputs[1:], **node.attrs)
        )
    kept, graph.nodes = graph.nodes, []
    try:
        with graph.as_default():
            outputs, new = write_down(node, {i: current[k] for i, k in keys.items()})
        made = graph.nodes
    finally:
        graph.nodes = kept
    replaced.update((id(s), result) for s, result in zip(node.outputs, outputs, strict=True))
    current.update(
        (keys[i], result) for i, result in zip(node.row.write_positions, new, strict=True)
    )
    return made


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


def run_branches(
    graphs: Sequence[FuncGraph], ends: Sequence[Sequence[Symbol]], selector: Any, kind: str
) -> list[Any]:
    """Write down a node that runs one of several branches, and return what it gives.

    Args:
        graphs: the branches, traced; what they use from outside is captured.
        ends: what each branch gives.
        selector: predicate of an `If`, or number of the branch of a `Case`.
        kind: "If" (the branch for true first) or "Case".
    """
    variables = Variables(graphs)
    values = variables.read_outside()
    written = [key for key in values if key in variables.written]
    finals, resolved = [], []
    for graph, outputs in zip(graphs, ends, strict=True):
        finals.append(variables.replace(graph, values))
        resolved.append(variables.resolve(outputs))
    own = [graph.inputs[len(graph.inputs) - len(values) :] for graph in graphs]
    externals = join_captures(graphs)
    bodies = []
    for i, graph in enumerate(graphs):
        graph.inputs = [*inputs_for(graph, externals), *own[i]]
        bodies.append(Body(graph, [*resolved[i], *(finals[i][key] for key in written)]))
    attrs: dict[str, Any] = {
        "output_shapes": tuple(
            _joined_shape(symbols)
            for symbols in zip(*(body.outputs for body in bodies), strict=True)
        ),
        "Tout": tuple(symbol.dtype for symbol in bodies[0].outputs),
    }
    if kind == "If":
        attrs.update(then_branch=bodies[0], else_branch=bodies[1])
    else:
        attrs["branches"] = tuple(bodies)
    row = effect_row(f"Stateless{kind}", kind, bodies)
    results = call(row, selector, [*externals, *values.values()], **attrs) or []
    count = len(ends[0])
    nodes = variables.assign_outside(dict(zip(written, results[count:], strict=True)))
    return _held_back(results[:count], nodes)


def _joined_shape(symbols: Sequence[Symbol]) -> TensorShape:
    shape = symbols[0].shape
    for symbol in symbols[1:]:
        shape = shape.most_specific_compatible_shape(symbol.shape)
    return shape


def run_loop(
    cond: tuple[FuncGraph, Symbol],
    body: tuple[FuncGraph, Sequence[Symbol]],
    start: Sequence[Any],
    shapes: Sequence[TensorShape],
    *,
    parallel_iterations: int = 10,
    maximum_iterations: int | None = None,
) -> list[Any]:
    """Write down a node that runs a loop, and return its variables at the end.

    Args:
        cond: the condition, traced, and what it gives. Its first inputs are the loop variables.
        body: the body, traced, and the next values that it gives; inputs likewise.
        start: first values of the loop variables.
        shapes: shapes that the loop variables keep.
        parallel_iterations: kept with the node.
        maximum_iterations: most rounds, where it is known.
    """
    graphs = [cond[0], body[0]]
    count = len(start)
    variables = Variables(graphs)
    values = variables.read_outside()
    firsts = [graph.inputs[:count] for graph in graphs]
    variables.replace(cond[0], values)
    tests = variables.resolve([cond[1]])
    final = variables.replace(body[0], values)
    outputs = variables.resolve(body[1])
    lasts = [graph.inputs[len(graph.inputs) - len(values) :] for graph in graphs]
    externals = join_captures(graphs)
    captured = [inputs_for(graph, externals) for graph in graphs]
    for graph, first, middle, last in zip(graphs, firsts, captured, lasts, strict=True):
        graph.inputs = [*first, *middle, *last]
    test = Body(cond[0], tests)
    step = Body(body[0], [*outputs, *captured[1], *(final[key] for key in values)])
    all_shapes = [
        *shapes,
        *(external.shape for external in externals),
        *(value.shape for value in values.values()),
    ]
    results = call(
        effect_row("StatelessWhile", "While", [test, step]),
        [*start, *externals, *values.values()],
        cond=test,
        body=step,
        output_shapes=tuple(all_shapes),
        parallel_iterations=parallel_iterations,
        maximum_iterations=maximum_iterations,
    )
    ends = dict(zip(values, results[count + len(externals) :], strict=True))
    nodes = variables.assign_outside({k: v for k, v in ends.items() if k in variables.written})
    return _held_back(results[:count], nodes)


def _held_back(results: Sequence[Any], nodes: list[Node]) -> list[Any]:
    """Results that, in graphs of which parts are run, are there only once `nodes` have run."""
    if not nodes or not getattr(state.graph, "runs_on_demand", False):
        return list(results)
    saved = state.control_inputs
    state.control_inputs = [*saved, *nodes]
    try:
        return [call("Identity", result) for result in results]
    finally:
        state.control_inputs = saved


def effect_row(stateless: str, stateful: str, bodies: Sequence[Body]) -> str:
    """Name of the op that runs the bodies: the stateful one when they have effects."""
    return stateful if any(body.has_host_effects() for body in bodies) else stateless
