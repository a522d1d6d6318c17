"""Graphs written as TensorFlow's messages: FunctionDefs in a library, and GraphDefs.

Everything becomes native ops. Nodes without a native form, such as generic gradients, become
programs of XLA; what cannot is refused by name. What our graphs say by the order of their
nodes, which effect comes before which, is said by control inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.graph.bodies import Body
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.attr_values import (
    is_function,
    output_lengths,
    write_attrs,
    write_constant,
    write_shapes,
)
from penstock.graph.graph_def.programs import Part, find_parts, make_program
from penstock.graph.graph_def.saved_gradients import ATTRIBUTE as GRADIENT_ATTRIBUTE
from penstock.graph.loops import loop_over_rows
from penstock.graph.partition import accesses, has_effect, live_nodes
from penstock.graph.symbol import Node, Symbol
from penstock.wire import protos
from penstock.wire.tensors import make_shape_proto

# Of TensorFlow 2.21, whose ops and defaults the graphs follow.
PRODUCER: Final = 2474
MIN_CONSUMER: Final = 12

_NOT_IN_NODE: Final = re.compile(r"[^A-Za-z0-9_.\\/>-]")
# The rule that nodes with a gradient of their own name; no file holds it.
_OWN_RULE: Final = b"CustomGradient"
_NOT_IN_ARGUMENT: Final = re.compile(r"[^a-z0-9_]+")
_CONTROL_FLOW: Final = frozenset(
    {"If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile"}
)


# Rows that TensorFlow has no op for, or refuses in graphs of its present version.
_REFUSED: Final = frozenset(
    {
        "AudioSummary",
        "BatchMatrixTriangularSolve",
        "Conv3DBackpropFilter",
        "Conv3DBackpropInput",
        "MatrixExponential",
        "QuantizeAndDequantize",
        "ResourceScatterNdDiv",
        "ResourceScatterNdMul",
        "TileGrad",
        "TopK",
    }
)


def _is_without_form(node: Node) -> bool:
    """Whether TensorFlow has no op for a node."""
    name = node.row.name
    if name in ("_CustomGradient", "_LostGradient", "_MapRows"):
        return False  # they are written in ways of their own
    return name.startswith("_") or name in _REFUSED


class LibraryWriter:
    """Collects FunctionDefs under names of their own."""

    def __init__(self) -> None:
        self.message = protos.FunctionDefLibrary()
        self._count = 0
        # Bodies may be used by several nodes; kept alive, so that their ids stay theirs.
        self._bodies: dict[int, tuple[str, Body]] = {}

    def new_name(self, hint: str) -> str:
        """A name that no other function has, as TensorFlow builds them."""
        self._count += 1
        return f"__inference_{hint}_{self._count}"

    def add(
        self,
        name: str,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        argument_names: Sequence[str | None] = (),
    ) -> Any:
        """Write a function.

        Args:
            name: its name, see `new_name`.
            inputs: symbols of its arguments.
            outputs: what it returns.
            nodes: its nodes, in the order of their effects.
            argument_names: what users call the arguments, where they have a name.

        Returns:
            The FunctionDef.

        Raises:
            UnimplementedError: a node has no native form.
        """
        # Written apart first: a refusal must leave no half of a function behind.
        message = protos.FunctionDef()
        message.signature.name = name
        _FunctionWriter(self, message).write(inputs, outputs, nodes, argument_names)
        return self.add_message(message)

    def add_message(self, message: Any) -> Any:
        """Add a FunctionDef that was made elsewhere."""
        added = self.message.function.add()
        added.CopyFrom(message)
        return added

    def body(self, body: Body) -> str:
        """Name of the function of a branch or loop body, which is written once."""
        found = self._bodies.get(id(body))
        if found is None:
            name = self.new_name(_NOT_IN_NODE.sub("_", body.name)).removeprefix("__inference_")
            self._bodies[id(body)] = found = (name, body)
            self.add(name, body.inputs, body.outputs, body.nodes)
        return found[0]


def write_graph(
    outputs: Sequence[Symbol],
    nodes: Sequence[Node],
    library: LibraryWriter | None = None,
    inputs: Sequence[Symbol] = (),
    *,
    on_demand: bool = False,
) -> Any:
    """Write nodes as a GraphDef, in which placeholders stay placeholders.

    Args:
        outputs: symbols whose nodes are wanted.
        nodes: nodes in the order of their effects.
        library: where functions go; None starts one.
        inputs: placeholders that are written though nothing takes them.
        on_demand: whether parts of the graph are run on demand: all nodes are written, and the
            order in which they were made says nothing.

    Raises:
        UnimplementedError: a node has no native form.
    """
    library = library or LibraryWriter()
    message = protos.GraphDef()
    message.versions.producer = PRODUCER
    message.versions.min_consumer = MIN_CONSUMER
    writer = _NodeWriter(library, message.node, in_function=False, in_order=not on_demand)
    wanted = {id(symbol.graph_node) for symbol in inputs}
    live = {id(node) for node in (nodes if on_demand else live_nodes(nodes, outputs))} | wanted
    writer.write_nodes([node for node in nodes if id(node) in live], outputs)
    message.library.CopyFrom(library.message)
    return message


class _NodeWriter:
    """Writes nodes into a list of NodeDefs."""

    def __init__(
        self, library: LibraryWriter, messages: Any, *, in_function: bool, in_order: bool = True
    ) -> None:
        self._in_order = in_order
        self._library = library
        self._messages = messages
        self._in_function = in_function
        self._names: set[str] = set()
        self._references: dict[int, str] = {}
        self._last_write: dict[int, str] = {}
        self._last_reads: dict[int, list[str]] = {}
        self._last_effect: str | None = None
        self._written: dict[int, str] = {}
        self.effects: list[str] = []

    def reserve(self, name: str) -> str:
        """A name that no other node or argument has."""
        candidate = name
        count = 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._names.add(candidate)
        return candidate

    def refer(self, symbol: Symbol, text: str) -> None:
        """Say how nodes name a tensor."""
        self._references[id(symbol)] = text

    def reference(self, symbol: Symbol) -> str:
        """How nodes name a tensor.

        Raises:
            InvalidArgumentError: it belongs to another graph, or is fed from nowhere.
        """
        try:
            return self._references[id(symbol)]
        except KeyError:
            raise InvalidArgumentError(
                f"{symbol.name} must be made by the graph that is written, or be an input of it"
            ) from None

    def write_nodes(self, nodes: Sequence[Node], outputs: Iterable[Symbol]) -> None:
        """Write nodes in their order, or parts of them as programs."""
        parts = {
            id(node): part
            for part in find_parts(nodes, outputs, _is_without_form)
            for node in part.nodes
        }
        begun: list[tuple[Part, Any]] = []
        for node in nodes:
            if id(node) in self._written:
                continue
            if id(node) in parts:
                begun.append((parts[id(node)], self._begin_program(parts[id(node)])))
            elif id(node.outputs[0] if node.outputs else node) not in self._references:
                self._write(node)
        for part, message in begun:
            # What a program takes may have been made between its first and its last node.
            message.input.extend(self.reference(symbol) for symbol in part.inputs)

    def _begin_program(self, part: Part) -> Any:
        """Write the node of a program but for its inputs."""
        program = make_program(part)
        name = self.reserve("XlaCallModule")
        message = self._messages.add(name=name, op="XlaCallModule")
        attrs = message.attr
        attrs["version"].i = program.version
        attrs["module"].s = program.module
        attrs["platforms"].list.s.extend(text.encode() for text in program.platforms)
        for attr, symbols in (("Tin", part.inputs), ("Tout", part.outputs)):
            types = attrs[attr].list
            types.SetInParent()
            types.type.extend(s.dtype.as_datatype_enum for s in symbols)
        write_shapes(attrs["Sout"], [s.shape for s in part.outputs])
        write_shapes(attrs["_output_shapes"], [s.shape for s in part.outputs])
        for node in part.nodes:
            self._written[id(node)] = name
        for i, symbol in enumerate(part.outputs):
            place = f":output:{i}" if self._in_function else f":{i}" if i else ""
            self.refer(symbol, f"{name}{place}")
        return message

    def _write(self, node: Node) -> None:
        row = node.row
        if row.name in ("_CustomGradient", "_LostGradient"):
            self._write_as_identity(node)
            return
        if row.name == "_MapRows":
            self._write_as_loop(node)
            return
        if _is_without_form(node):
            raise UnimplementedError(
                f"node {node.name!r} of op {row.name}{_place(node)} has no form among "
                "TensorFlow's ops and cannot be written"
            )
        if row.name == "Placeholder" and self._in_function:
            raise InvalidArgumentError(
                f"placeholder {node.name!r} must be an input of the function"
            )
        name = self.reserve(_node_name(node.name))
        message = self._messages.add(name=name, op=row.name)
        message.input.extend(self.reference(symbol) for symbol in node.inputs)
        message.input.extend(f"^{other}" for other in self._before(node, name))
        if row.name == "Const":
            write_constant(message.attr, node.attrs["value"], node.outputs[0].dtype)
        else:
            write_attrs(node, message.attr)
            self._write_functions(node, message)
        if node.custom_record is not None:
            message.attr[GRADIENT_ATTRIBUTE].s = _OWN_RULE
        write_shapes(message.attr["_output_shapes"], [s.shape for s in node.outputs])
        self._written[id(node)] = name
        self._refer_to_outputs(node, name)

    def _write_as_identity(self, node: Node) -> None:
        """What passes values on and has a gradient rule of its own, which files do not hold.

        The node names a rule, so that whoever differentiates it is told that there was one.
        """
        values = node.inputs[: len(node.outputs)]
        name = self.reserve(_node_name(node.name))
        message = self._messages.add(name=name, op="IdentityN")
        message.input.extend(self.reference(symbol) for symbol in values)
        message.attr["T"].list.type.extend(s.dtype.as_datatype_enum for s in values)
        message.attr[GRADIENT_ATTRIBUTE].s = _OWN_RULE
        write_shapes(message.attr["_output_shapes"], [s.shape for s in node.outputs])
        self._written[id(node)] = name
        for i, symbol in enumerate(node.outputs):
            place = f":output:{i}" if self._in_function else f":{i}" if i else ""
            self.refer(symbol, f"{name}{place}")

    def _write_as_loop(self, node: Node) -> None:
        """A vectorised map as a function that runs row by row: TensorFlow's form of it."""
        graph = FuncGraph("map_rows")
        count = (node.lengths or [0])[0] or 0
        with graph.as_default():
            inputs = [graph.placeholder(s.dtype, s.shape, "input") for s in node.inputs]
            ends = loop_over_rows(inputs[:count], inputs[count:], node.attrs["body"])
        function = self._library.new_name("map_rows").removeprefix("__inference_")
        self._library.add(function, inputs, ends, graph.nodes)
        name = self.reserve(_node_name(node.name))
        message = self._messages.add(name=name, op="PartitionedCall")
        message.input.extend(self.reference(symbol) for symbol in node.inputs)
        message.input.extend(f"^{other}" for other in self._before(node, name))
        message.attr["f"].func.name = function
        for attr, symbols in (("Tin", node.inputs), ("Tout", node.outputs)):
            message.attr[attr].list.type.extend(s.dtype.as_datatype_enum for s in symbols)
        self._written[id(node)] = name
        for i, symbol in enumerate(node.outputs):
            place = f":output:{i}" if self._in_function else f":{i}" if i else ""
            self.refer(symbol, f"{name}{place}")

    def _write_functions(self, node: Node, message: Any) -> None:
        for attr, value in node.attrs.items():
            if not is_function(value):
                continue
            if isinstance(value, (tuple, list)):
                for body in value:
                    message.attr[attr].list.func.add(name=self._library.body(body))
            else:
                message.attr[attr].func.name = self._library.body(value)
        if node.row.name in _CONTROL_FLOW:
            # TensorFlow's executor runs loops and branches inline then, not as calls.
            message.attr["_lower_using_switch_merge"].b = True

    def _refer_to_outputs(self, node: Node, name: str) -> None:
        if not self._in_function:
            for i, symbol in enumerate(node.outputs):
                self.refer(symbol, f"{name}:{i}" if i else name)
            return
        lengths = output_lengths(node)
        position = 0
        for i, arg in enumerate(node.row.output_args):
            count = 1 if lengths is None or lengths[i] is None else int(lengths[i] or 0)
            for k in range(count):
                self.refer(node.outputs[position], f"{name}:{arg.name}:{k}")
                position += 1

    # -- effects --------------------------------------------------------------------------

    def _before(self, node: Node, name: str) -> list[str]:
        """Names of the nodes that must have run before this one."""
        before: dict[str, None] = {}
        for other in node.control_inputs:
            if id(other) in self._written:
                before[self._written[id(other)]] = None
        if not self._in_order:
            return list(before)
        variables = accesses(node, {})
        for variable, writes in variables:
            if variable in self._last_write:
                before[self._last_write[variable]] = None
            if writes:
                before.update(dict.fromkeys(self._last_reads.pop(variable, ())))
                self._last_write[variable] = name
            else:
                self._last_reads.setdefault(variable, []).append(name)
        if node.row.stateful and not variables:
            if self._last_effect is not None:
                before[self._last_effect] = None
            self._last_effect = name
        if has_effect(node):
            self.effects.append(name)
        before.pop(name, None)
        return list(before)


class _FunctionWriter:
    """Writes one FunctionDef."""

    def __init__(self, library: LibraryWriter, message: Any) -> None:
        self._message = message
        self._nodes = _NodeWriter(library, message.node_def, in_function=True)

    def write(
        self,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        argument_names: Sequence[str | None],
    ) -> None:
        live = [node for node in live_nodes(nodes, outputs) if node.row.name != "Placeholder"]
        for i, symbol in enumerate(inputs):
            name = argument_names[i] if i < len(argument_names) else None
            self._write_argument(i, symbol, name)
        self._nodes.write_nodes(live, outputs)
        self._write_results(outputs)
        signature = self._message.signature
        signature.is_stateful = any(node.row.stateful for node in live)
        for name in self._nodes.effects:
            signature.control_output.append(name)
            self._message.control_ret[name] = name

    def _write_argument(self, index: int, symbol: Symbol, given: str | None) -> None:
        name = self._nodes.reserve(argument_name(given or symbol.graph_node.name))
        self._nodes.refer(symbol, name)
        argument = self._message.signature.input_arg.add(
            name=name, type=symbol.dtype.as_datatype_enum
        )
        attrs = self._message.arg_attr[index].attr
        if given is not None:
            attrs["_user_specified_name"].s = given.encode()
        variable = getattr(symbol, "variable_dtype", None)
        if symbol.dtype is dtypes.resource:
            if variable is not None:
                argument.handle_data.add(
                    dtype=variable.as_datatype_enum,
                    shape=make_shape_proto(symbol.variable_shape),
                )
        else:
            write_shapes(attrs["_output_shapes"], [symbol.shape])

    def _write_results(self, outputs: Sequence[Symbol]) -> None:
        """Results through identities, so that each has a node and a name of its own."""
        for symbol in outputs:
            node_name = self._nodes.reserve("Identity")
            node = self._message.node_def.add(name=node_name, op="Identity")
            node.input.append(self._nodes.reference(symbol))
            node.input.extend(f"^{name}" for name in self._nodes.effects)
            node.attr["T"].type = symbol.dtype.as_datatype_enum
            write_shapes(node.attr["_output_shapes"], [symbol.shape])
            name = self._nodes.reserve(argument_name(node_name))
            self._message.signature.output_arg.add(
                name=name, type=symbol.dtype.as_datatype_enum
            )
            self._message.ret[name] = f"{node_name}:output:0"


def argument_name(text: str) -> str:
    """A name as the arguments of functions may have: lower case, digits, underscores."""
    name = _NOT_IN_ARGUMENT.sub("_", text.lower()).strip("_") or "arg"
    return name if name[0].isalpha() else f"arg_{name}"


def _node_name(text: str) -> str:
    name = _NOT_IN_NODE.sub("_", text)
    return name if re.match(r"[A-Za-z0-9.]", name) else f"node{name}"


def _place(node: Node) -> str:
    return f" (made at {node.where})" if node.where else ""
