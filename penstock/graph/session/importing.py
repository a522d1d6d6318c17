"""Graphs read into a `tf.Graph`: GraphDefs, and MetaGraphDefs with their collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.core.errors import DataLossError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.graph_def.dataflow import DataflowReader, parse, source
from penstock.graph.graph_def.reader import Library
from penstock.graph.session.graph import Graph, GraphKeys
from penstock.graph.session.variable import GraphVariable, enclosing_graph
from penstock.graph.symbol import Symbol
from penstock.runtime.context import graph_scope, name_scope, state
from penstock.runtime.dispatch import call
from penstock.wire import protos
from penstock.wire.tensors import make_dtype, make_shape

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")


class Imported:
    """What was read of a GraphDef, by the names that it has there.

    Args:
        graph: the graph it was read into.
        prefix: what stands before each name there; empty, or ends in a slash.
        reader: what read it.
        handles: handles of variables.
    """

    def __init__(
        self, graph: Graph, prefix: str, reader: DataflowReader, handles: Mapping[str, Symbol]
    ) -> None:
        self.graph = graph
        self.prefix = prefix
        self.handles = handles
        self._reader = reader

    def element(self, name: str) -> Any:
        """A tensor, or node, by its name in the GraphDef.

        Raises:
            ValueError: there is none.
        """
        full = f"{self.prefix}{name.removeprefix('^')}"
        try:
            return self.graph.as_graph_element(full)
        except KeyError as error:
            raise ValueError(
                f"Requested return_element {name!r} not found in graph_def: {error}"
            ) from None


def read_graph(
    graph_def: Any, input_map: Mapping[str, Any] | None = None, name: str | None = None
) -> Imported:
    """Write all of a GraphDef into the graph in force.

    Branches and loops of TensorFlow 1 become functions: what lies in them has no name here.

    Args:
        graph_def: the message.
        input_map: tensors that stand in for some of its own, by name.
        name: prefix of the names; None takes "import".

    Raises:
        DataLossError: it is damaged.
        ValueError: `input_map` names a tensor that it lacks.
    """
    graph = enclosing_graph()
    with name_scope("import" if name is None else name or None) as scope:
        prefix = scope if name != "" else ""
    nodes = [_prefixed(node, prefix) for node in graph_def.node]
    handles: dict[str, Symbol] = {}

    def resource(node: Any) -> Any:
        if node.op not in _VARIABLES:
            return None
        if node.name not in handles:
            handles[node.name] = _handle(node)
        return handles[node.name]

    known = {node.name for node in nodes}
    feeds = {f"{prefix}{_tensor(key)}": value for key, value in (input_map or {}).items()}
    for key in feeds:
        if parse(key)[0] not in known:
            raise ValueError(f"input_map names {key!r}, which is not in the graph_def")
    library = Library(graph_def.library.function, "GraphDef")
    reader = DataflowReader(graph, nodes, library, feeds, resource, "GraphDef")
    replaced = {parse(key)[0] for key in feeds}
    outside = [node for node in nodes if reader.is_outside(node.name)]
    with graph_scope(graph):
        reader.write([], [node.name for node in outside if node.name not in replaced])
        for node in outside:
            _name(graph, reader, node, handles)
    return Imported(graph, prefix, reader, handles)


def _tensor(name: str) -> str:
    return name.removeprefix("^")


def _prefixed(node: Any, prefix: str) -> Any:
    if not prefix:
        return node
    made = type(node)()
    made.CopyFrom(node)
    made.name = f"{prefix}{node.name}"
    del made.input[:]
    for text in node.input:
        mark = "^" if text.startswith("^") else ""
        made.input.append(f"{mark}{prefix}{text.removeprefix('^')}")
    return made


def _handle(node: Any) -> Symbol:
    """A handle in the graph in force for a variable of the GraphDef."""
    dtype = make_dtype(node.attr["dtype"].type, f"variable {node.name!r}").base_dtype
    shape = make_shape(node.attr["shape"].shape)
    handle: Symbol = call(
        "VarHandleOp", dtype=dtype, shape=shape, shared_name=node.name, name=node.name
    )
    handle.variable_shape = TensorShape(shape)  # type: ignore[attr-defined]
    handle.variable_dtype = dtype  # type: ignore[attr-defined]
    return handle


def _name(graph: Graph, reader: DataflowReader, node: Any, handles: Mapping[str, Any]) -> None:
    """Let the names of the GraphDef find what was written."""
    if node.op == "VarHandleOp" and node.name in handles:
        symbols = [handles[node.name]]
    else:
        symbols = reader.symbols_of(node.name)
    for i, symbol in enumerate(symbols):
        if symbol.name != f"{node.name}:{i}":
            graph.alias(f"{node.name}:{i}", symbol)


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> Any:
    """Write a GraphDef into the graph in force.

    Args:
        graph_def: the message.
        input_map: tensors that stand in for some of its own, by name.
        return_elements: names of the tensors and ops that are returned.
        name: prefix of the names; None takes "import", "" none.
        op_dict: accepted for compatibility.
        producer_op_list: accepted for compatibility.

    Raises:
        DataLossError: the message is damaged.
        TypeError: it is none.
        ValueError: a name is not found.
    """
    if not hasattr(graph_def, "node"):
        raise TypeError("graph_def must be a GraphDef proto.")
    if isinstance(name, str) and name.endswith("/"):
        name = name.rstrip("/")
    if getattr(state.graph, "runs_on_demand", False):
        imported = read_graph(graph_def, input_map, name)
        if return_elements is None:
            return None
        return [imported.element(each) for each in return_elements]
    return _inline(graph_def, input_map or {}, return_elements)


def _inline(
    graph_def: Any, input_map: Mapping[str, Any], return_elements: Sequence[str] | None
) -> Any:
    """Write what is asked for into the graph of a function, which runs all that it holds."""
    if return_elements is None:
        raise UnimplementedError(
            "import_graph_def inside a function needs return_elements, the names of what is "
            "wanted"
        )
    graph = state.graph
    if graph is None:
        raise UnimplementedError("import_graph_def needs a graph: a tf.Graph, or a tf.function")
    feeds = {_tensor(key): graph.capture(value) for key, value in input_map.items()}
    library = Library(graph_def.library.function, "GraphDef")
    reader = DataflowReader(graph, graph_def.node, library, feeds, lambda _: None, "GraphDef")
    tensors = [name for name in return_elements if ":" in name]
    ops = [name for name in return_elements if ":" not in name]
    symbols = iter(reader.write(tensors, ops))
    return [next(symbols) if ":" in name else reader.node_of(name) for name in return_elements]


# -- with collections -----------------------------------------------------------------------


def read_meta_graph(meta_graph: Any, name: str = "", **kwargs: Any) -> Imported:
    """Write a MetaGraphDef into the graph in force, with its variables and collections.

    Raises:
        DataLossError: it is damaged.
    """
    imported = read_graph(meta_graph.graph_def, kwargs.get("input_map"), name)
    made: dict[str, GraphVariable] = {}
    for key, collection in meta_graph.collection_def.items():
        kind = collection.WhichOneof("kind")
        values = getattr(collection, kind).value if kind else ()
        if kind == "bytes_list" and key in _OF_VARIABLES:
            for data in values:
                variable = _variable(imported, data, made)
                imported.graph.add_to_collection(key, variable)
        elif kind == "node_list":
            for each in values:
                imported.graph.add_to_collection(key, imported.element(each))
        elif kind in ("int64_list", "float_list"):
            for each in values:
                imported.graph.add_to_collection(key, each)
    return imported


_OF_VARIABLES = frozenset(
    {
        GraphKeys.GLOBAL_VARIABLES,
        GraphKeys.TRAINABLE_VARIABLES,
        GraphKeys.LOCAL_VARIABLES,
        GraphKeys.MODEL_VARIABLES,
        GraphKeys.MOVING_AVERAGE_VARIABLES,
        GraphKeys.GLOBAL_STEP,
    }
)


def _variable(imported: Imported, data: bytes, made: dict[str, GraphVariable]) -> GraphVariable:
    message = protos.parse(protos.VariableDef, data, "a variable of the MetaGraphDef")
    name = f"{imported.prefix}{parse(message.variable_name)[0]}"
    found = made.get(name)
    if found is None:
        if name not in imported.handles:
            raise DataLossError(f"the MetaGraphDef must have the variable {name!r}")
        first = message.initializer_name
        found = made[name] = GraphVariable.of_handle(
            imported.handles[name],
            trainable=message.trainable,
            initializer=imported.element(source(first)[0]) if first else None,
            value=imported.element(message.snapshot_name or message.variable_name),
        )
    return found


def read_meta_graph_file(path: Any) -> Any:
    """The MetaGraphDef in a file, as bytes or text.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it holds none.
    """
    data = Path(path).read_bytes()
    return protos.parse(protos.MetaGraphDef, data, f"'{path}'")
