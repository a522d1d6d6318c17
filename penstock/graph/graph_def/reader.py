"""Functions of a library, and graphs, written into a `FuncGraph`.

Calls of other functions are inlined; branches and loops get bodies of their own. A node that
cannot be read, because its op has no row for one, stands in the graph as one that raises when
it is reached, so that the rest of a model stays usable.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import (
    DataLossError,
    OpError,
    PermissionDeniedError,
    UnimplementedError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.graph import control_flow  # noqa: F401  (rows of If, Case, While)
from penstock.graph.bodies import run_branches, run_loop
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.attr_values import (
    list_lengths,
    output_offsets,
    read_attr,
    read_attrs,
)
from penstock.graph.graph_def.saved_gradients import ATTRIBUTE, SavedGradient, rule_of
from penstock.graph.graph_def.user_kernels import has_kernel, user_row
from penstock.graph.graph_function import record_of
from penstock.graph.inference import Fact, infer, output_dtypes
from penstock.graph.symbol import Symbol
from penstock.graph.traced_rule import join_by_rule
from penstock.ops.table import TYPE_LIST, OpDef, has, lookup
from penstock.runtime import checkpoint_wire  # noqa: F401  (lets the ops that save find files)
from penstock.runtime.backprop import backprop, dense
from penstock.runtime.context import graph_scope, state
from penstock.runtime.dispatch import call
from penstock.wire.tensors import make_dtype, make_ndarray, make_shape

# Functions call each other at most this deep; a file that does not end is damaged.
_MAX_DEPTH: Final = 128
# Nodes that a function may become by calls of others, and how often a file's nodes may return:
# functions that call two others twice each grow without end.
_MAX_NODES: Final = 100_000
_MAX_COPIES: Final = 64

Special = Callable[["GraphReader", Any, list[Symbol]], Sequence[Symbol]]


class Library:
    """The functions of a GraphDef by name.

    Args:
        messages: FunctionDefs.
        what: how errors call the place they come from.
        refused: ops that must not run, because they reach beyond the file.
    """

    def __init__(
        self,
        messages: Sequence[Any],
        what: str = "graph",
        refused: Collection[str] = (),
    ) -> None:
        self._functions = {message.signature.name: message for message in messages}
        self.what = what
        self.refused = frozenset(refused)
        # Name of a rule -> the rule, for nodes that name one.
        self.gradients: Mapping[str, SavedGradient] = {}
        nodes = sum(len(message.node_def) for message in messages)
        self._limit = max(_MAX_NODES, _MAX_COPIES * nodes)
        self._written = 0

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def function(self, name: str) -> Any:
        """The FunctionDef of that name.

        Raises:
            DataLossError: there is none.
        """
        try:
            return self._functions[name]
        except KeyError:
            raise DataLossError(
                f"{self.what} must have the function {name!r}, which a node calls; "
                f"it has {len(self._functions)} others"
            ) from None

    def inline(self, name: str, arguments: Sequence[Symbol], depth: int = 0) -> list[Symbol]:
        """Write the nodes of a function into the graph in force, and return its results.

        Raises:
            DataLossError: the function is damaged.
        """
        if depth > _MAX_DEPTH:
            raise DataLossError(f"{self.what}: function {name!r} calls itself without end")
        definition = self.function(name)
        self._written = len(definition.node_def) + (self._written if depth else 0)
        if self._written > self._limit:
            raise DataLossError(
                f"{self.what}: function {name!r} becomes more than {self._limit} nodes by calls"
            )
        signature = definition.signature
        if len(arguments) != len(signature.input_arg):
            raise DataLossError(
                f"{self.what}: function {name!r} takes {len(signature.input_arg)} arguments, "
                f"got {len(arguments)}"
            )
        names = [arg.name for arg in signature.input_arg]
        reader = GraphReader(
            self,
            definition.node_def,
            dict(zip(names, arguments, strict=True)),
            place=f"function {name!r} of {self.what}",
            function=name,
            depth=depth,
            must_run=definition.control_ret.values(),
        )
        reader.emit_all()
        return [reader.resolve(definition.ret[arg.name]) for arg in signature.output_arg]


class _Outputs:
    """What a node gives: a flat list, and where each of its output arguments starts."""

    __slots__ = ("offsets", "symbols")

    def __init__(self, symbols: Sequence[Symbol], offsets: Mapping[str, int]) -> None:
        self.symbols = symbols
        self.offsets = offsets


class GraphReader:
    """Writes the nodes of one function or graph into the graph in force.

    Args:
        library: functions that the nodes may call.
        nodes: NodeDefs in any order.
        arguments: symbols of the function's arguments, by name.
        place: where the nodes stand, for messages.
        function: name of the function whose nodes they are.
        depth: how many calls led here.
        must_run: names of nodes that have effects.
        specials: functions that read the nodes of some ops in another way.
    """

    def __init__(
        self,
        library: Library,
        nodes: Sequence[Any],
        arguments: Mapping[str, Symbol],
        *,
        place: str,
        function: str = "",
        depth: int = 0,
        must_run: Sequence[str] = (),
        specials: Mapping[str, Special] | None = None,
    ) -> None:
        self.library = library
        self.place = place
        self._function = function
        self._nodes = nodes
        self._values: dict[str, Symbol | _Outputs] = dict(arguments)
        self._depth = depth
        self._must_run = frozenset(must_run)
        self._specials = {**_SPECIALS, **(specials or {})}

    def emit_all(self) -> None:
        """Write all nodes, each after those that it needs."""
        for node in in_order(self._nodes, self.place):
            self._emit(node)

    def emit_for(self, wanted: Sequence[str]) -> None:
        """Write the nodes that the named ones need, and these.

        Raises:
            DataLossError: there is no node of a name.
        """
        by_name = {node.name: node for node in self._nodes}
        needed: dict[str, Any] = {}
        stack = [node_name(text) for text in wanted]
        while stack:
            name = stack.pop()
            if name in needed or name in self._values:
                continue
            if name not in by_name:
                raise DataLossError(f"{self.place} has no node named {name!r}")
            needed[name] = by_name[name]
            stack.extend(node_name(text) for text in by_name[name].input)
        ordered = [node for node in self._nodes if node.name in needed]
        for node in in_order(ordered, self.place):
            self._emit(node)

    # -- tensors --------------------------------------------------------------------------

    def outputs_of(self, name: str) -> Sequence[Symbol]:
        """All outputs of a node that was written."""
        found = self._values[name]
        return [found] if isinstance(found, Symbol) else found.symbols

    def resolve(self, text: str) -> Symbol:
        """The symbol behind the input `text` of a node.

        Raises:
            DataLossError: there is no such tensor.
        """
        name, _, rest = text.partition(":")
        found = self._values.get(name)
        if isinstance(found, Symbol):
            return found
        if found is not None:
            argument, _, index = rest.rpartition(":")
            offset = 0
            if argument or not index.isdigit():
                argument = argument or index
                index = index if index.isdigit() else "0"
                offset = found.offsets.get(argument, 0)
            position = offset + int(index or 0)
            if position < len(found.symbols):
                return found.symbols[position]
        raise DataLossError(f"{self.place} has no tensor {text!r}, which a node takes")

    # -- nodes ----------------------------------------------------------------------------

    def _emit(self, node: Any) -> None:
        if node.name in self._values:
            return
        inputs = [self.resolve(text) for text in node.input if not text.startswith("^")]
        special = self._specials.get(node.op)
        if special is not None:
            try:
                self._keep(node.name, special(self, node, inputs), {})
            except UnimplementedError as error:
                self._emit_missing(node, inputs, error.message)
        elif node.op in self.library:
            results = self.library.inline(node.op, inputs, self._depth + 1)
            signature = self.library.function(node.op).signature
            names = [arg.name for arg in signature.output_arg]
            self._keep(node.name, results, {name: i for i, name in enumerate(names)})
        else:
            self._emit_op(node, inputs)

    def _keep(self, name: str, symbols: Sequence[Symbol], offsets: Mapping[str, int]) -> None:
        self._values[name] = _Outputs(symbols, offsets)

    def _emit_op(self, node: Any, inputs: list[Symbol]) -> None:
        if node.op in self.library.refused:
            reason = f"op {node.op!r} reaches beyond the model and is refused"
            self._emit_missing(node, inputs, reason, PermissionDeniedError)
            return
        if has_kernel(node.op):
            self._emit_user(node, inputs)
            return
        if not has(node.op):
            reason = (
                f"op {node.op!r} is not implemented, and can be given a kernel with "
                "tf.saved_model.experimental.op_kernel"
            )
            self._emit_missing(node, inputs, reason)
            return
        row = lookup(node.op)
        try:
            attrs = read_attrs(row, node.attr, node.name)
            lengths = list_lengths(row, node.attr)
            if lengths is None and len(inputs) != len(row.input_args):
                raise DataLossError(
                    f"node {node.name!r} of op {node.op} must have {len(row.input_args)} "
                    f"inputs, got {len(inputs)}"
                )
            _fill_type_lists(row, attrs, inputs, lengths)
            facts = _facts(row, inputs, attrs, lengths, node)
        except UnimplementedError as error:
            self._emit_missing(node, inputs, error.message)
            return
        symbols = self.graph.add(row, inputs, attrs, lengths, facts, node.name)
        self.graph.nodes[-1].where = self.place
        if ATTRIBUTE in node.attr:
            symbols = self._with_rule(node, inputs, symbols)
        self._keep(node.name, symbols, output_offsets(row, node.attr, len(symbols)))

    def _with_rule(
        self, node: Any, inputs: list[Symbol], symbols: Sequence[Symbol]
    ) -> Sequence[Symbol]:
        """The outputs of a node that names its gradient rule, differentiated by it."""
        name = node.attr[ATTRIBUTE].s.decode("utf-8", "replace")
        gradient = self.library.gradients.get(name)
        joined = None
        if gradient is not None and gradient.home in {"", self._function}:
            captured = [
                self.resolve(item) if isinstance(item, str) else item()
                for item in gradient.captures
            ]
            rule = rule_of(gradient, symbols, captured, self.library.inline)
            joined = join_by_rule(symbols, inputs, rule, everywhere=True)
        return call("_LostGradient", list(symbols), rule=name) if joined is None else joined

    def _emit_user(self, node: Any, inputs: list[Symbol]) -> None:
        """Write down a node whose op has a kernel of the user's."""
        attrs = {name: read_attr(value) for name, value in node.attr.items() if name[:1] != "_"}
        row, kinds = user_row(node.op, attrs, node.name)
        types = {"Tin": tuple(symbol.dtype for symbol in inputs), "Tout": kinds}
        known = node.attr.get("_output_shapes")
        shapes = [] if known is None else [make_shape(shape) for shape in known.list.shape]
        if len(shapes) != len(kinds):
            shapes = [TensorShape(None)] * len(kinds)
        facts = [Fact(kind, shape) for kind, shape in zip(kinds, shapes, strict=True)]
        attrs = {**types, "_node": node}
        symbols = self.graph.add(row, inputs, attrs, [len(inputs)], facts, node.name)
        self._keep(node.name, symbols, {})

    def _emit_missing(
        self,
        node: Any,
        inputs: list[Symbol],
        reason: str,
        error: type[OpError] = UnimplementedError,
    ) -> None:
        """Write down a node that raises when it is reached."""
        known = node.attr.get("_output_shapes")
        shapes = [] if known is None else [make_shape(shape) for shape in known.list.shape]
        row = _missing_row(
            node.op,
            f"{reason}; node {node.name!r} in {self.place} needs it",
            error,
            effect=node.name in self._must_run or error is PermissionDeniedError,
        )
        kinds = _guessed_dtypes(node, len(shapes))
        attrs = {"Tin": tuple(s.dtype for s in inputs), "Tout": kinds}
        if len(shapes) != len(kinds):
            shapes = [TensorShape(None)] * len(kinds)
        facts = [Fact(kind, shape) for kind, shape in zip(kinds, shapes, strict=True)]
        attrs["_node"] = node
        symbols = self.graph.add(row, inputs, attrs, [len(inputs)], facts, node.name)
        self._keep(node.name, symbols, {})

    @property
    def graph(self) -> Any:
        """The graph that nodes are written into."""
        return state.graph

    def call(self, name: str, inputs: Sequence[Symbol]) -> list[Symbol]:
        """Write the nodes of a function of the library into the graph."""
        return self.library.inline(name, inputs, self._depth + 1)

    def body(self, name: str) -> FuncGraph:
        """A graph for the body of a branch or loop."""
        return FuncGraph(name, self.graph)


def node_name(text: str) -> str:
    """Name of the node behind an input: `^a`, `a`, `a:1` and `a:out:1` are of `a`."""
    return text.removeprefix("^").partition(":")[0]


def in_order(nodes: Sequence[Any], place: str) -> list[Any]:
    """Sort nodes so that each follows its inputs, and otherwise as they stand.

    Raises:
        UnimplementedError: the nodes form a cycle, as loops of TensorFlow 1 do.
    """
    index = {node.name: i for i, node in enumerate(nodes)}
    waiting: list[int] = [0] * len(nodes)
    followers: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        for name in {node_name(text) for text in node.input}:
            source = index.get(name)
            if source is not None:
                waiting[i] += 1
                followers[source].append(i)
    ready = [i for i, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    ordered = []
    while ready:
        i = heapq.heappop(ready)
        ordered.append(nodes[i])
        for follower in followers[i]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    if len(ordered) < len(nodes):
        left = next(node for node, count in zip(nodes, waiting, strict=True) if count)
        raise UnimplementedError(
            f"{place} has a cycle through node {left.name!r}; loops of TensorFlow 1 are not "
            "implemented"
        )
    return ordered


def _fill_type_lists(
    row: OpDef, attrs: dict[str, Any], inputs: Sequence[Symbol], lengths: Any
) -> None:
    """Give attrs that list the dtypes of inputs, where the file leaves them to the inputs."""
    start = 0
    for i, arg in enumerate(row.input_args):
        count = 1 if lengths is None or lengths[i] is None else lengths[i]
        if arg.type_list_attr is not None and attrs.get(arg.type_list_attr) is TYPE_LIST:
            attrs[arg.type_list_attr] = tuple(s.dtype for s in inputs[start : start + count])
        start += count


def _facts(
    row: OpDef, inputs: Sequence[Symbol], attrs: dict[str, Any], lengths: Any, node: Any
) -> list[Fact]:
    """What is known of the outputs: as the file tells, else by inference."""
    kinds = output_dtypes(row, inputs, attrs, lengths)
    if "_output_shapes" in node.attr and kinds is not None:
        shapes = node.attr["_output_shapes"].list.shape
        if len(shapes) == len(kinds):
            return [
                Fact(kind, make_shape(shape)) for kind, shape in zip(kinds, shapes, strict=True)
            ]
    try:
        return infer(row, inputs, attrs, lengths)
    except (OpError, ValueError, TypeError):
        # Shapes that do not fit show themselves when the node runs.
        if kinds is None:
            raise UnimplementedError(
                f"the dtypes that op {row.name} gives cannot be told from its attrs"
            ) from None
        return [Fact(kind, TensorShape(None)) for kind in kinds]


def _guessed_dtypes(node: Any, count: int) -> tuple[DType, ...]:
    """Dtypes for the outputs of an op without row; nothing ever has these values."""
    for name in ("Tout", "dtypes", "output_types", "out_types", "Toutput_types"):
        message = node.attr.get(name)
        if message is not None and message.list.type:
            return tuple(make_dtype(kind).base_dtype for kind in message.list.type)
    return (_guessed_dtype(node),) * max(count, 1)


def _guessed_dtype(node: Any) -> DType:
    for name in ("Tout", "dtype", "out_type", "output_type", "T", "DstT"):
        message = node.attr.get(name)
        if message is not None and message.type:
            return make_dtype(message.type).base_dtype
    return dtypes.float32


def _missing_row(name: str, message: str, error: type[OpError], *, effect: bool) -> OpDef:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error(message)

    return OpDef(
        name=name,
        inputs=("inputs: Tin",),
        outputs=("outputs: Tout",),
        device=None,
        host=refuse,
        attrs={"Tin": TYPE_LIST, "Tout": TYPE_LIST},
        stateful=effect,
        differentiable=False,
        shape=lambda _, *, Tout, **__: tuple(TensorShape(None) for _ in Tout),  # noqa: N803
    )


# -- nodes that are no calls of an op -------------------------------------------------------


def _nothing(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    return ()


def _constant(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    tensor = node.attr["value"].tensor
    dtype = make_dtype(node.attr["dtype"].type).base_dtype
    if dtype in (dtypes.resource, dtypes.variant):
        raise UnimplementedError(f"a constant of {dtype.name}, node {node.name!r}, is not read")
    value = make_ndarray(tensor, copy=False, what=f"constant {node.name!r}")
    return [reader.graph.constant(value, dtype, node.name)]


def _call(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    return reader.call(node.attr["f"].func.name, inputs)


def _if(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    names = [node.attr[attr].func.name for attr in ("then_branch", "else_branch")]
    return _branches(reader, names, inputs, "If")


def _case(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    names = [function.name for function in node.attr["branches"].list.func]
    return _branches(reader, names, inputs, "Case")


def _branches(
    reader: GraphReader, names: Sequence[str], inputs: list[Symbol], kind: str
) -> list[Symbol]:
    selector, *arguments = inputs
    graphs, ends = [], []
    for name in names:
        graph = reader.body(name)
        with graph_scope(graph):
            given = [graph.capture(argument) for argument in arguments]
            ends.append(reader.call(name, given))
        graphs.append(graph)
    return run_branches(graphs, ends, selector, kind)


def _while(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    """A loop. Resources do not change from round to round: they are captured."""
    shapes: Any = read_attr(node.attr["output_shapes"]) if "output_shapes" in node.attr else ()
    shapes = shapes or [symbol.shape for symbol in inputs]
    carried = [i for i, symbol in enumerate(inputs) if symbol.dtype is not dtypes.resource]
    traced = []
    for attr in ("cond", "body"):
        name = node.attr[attr].func.name
        graph = reader.body(name)
        with graph_scope(graph):
            given: list[Any] = [None] * len(inputs)
            for i in carried:
                given[i] = graph.placeholder(inputs[i].dtype, shapes[i], "loop_var")
            for i, symbol in enumerate(inputs):
                if given[i] is None:
                    given[i] = graph.capture(symbol)
            traced.append((graph, reader.call(name, given)))
    (cond, tests), (body, steps) = traced
    results = run_loop(
        (cond, tests[0]),
        (body, [steps[i] for i in carried]),
        [inputs[i] for i in carried],
        [shapes[i] for i in carried],
    )
    outputs = list(inputs)
    for i, result in zip(carried, results, strict=True):
        outputs[i] = result
    return outputs


def _gradient(reader: GraphReader, node: Any, inputs: list[Symbol]) -> Sequence[Symbol]:
    """Gradients of a function's results, given after its arguments, for its arguments."""
    name = node.attr["f"].func.name
    count = len(reader.library.function(name).signature.input_arg)
    arguments, seeds = inputs[:count], inputs[count:]
    before = len(reader.graph.nodes)
    # Identities, so that an argument that is given twice has two gradients.
    with graph_scope(reader.graph):
        own = [call("Identity", argument) for argument in arguments]
    results = reader.call(name, own)
    records = [record_of(made) for made in reader.graph.nodes[before:]]
    with graph_scope(reader.graph):
        found = backprop(records, results, seeds, own)
        return [
            call("ZerosLike", argument) if gradient is None else dense(gradient)
            for argument, gradient in zip(own, found, strict=True)
        ]


_SPECIALS: Final[dict[str, Special]] = {
    "NoOp": _nothing,
    "ControlTrigger": _nothing,
    "Const": _constant,
    "PartitionedCall": _call,
    "StatefulPartitionedCall": _call,
    "SymbolicGradient": _gradient,
    "If": _if,
    "StatelessIf": _if,
    "Case": _case,
    "StatelessCase": _case,
    "While": _while,
    "StatelessWhile": _while,
}
