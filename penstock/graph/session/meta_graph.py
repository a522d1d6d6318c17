"""A `tf.Graph` as a MetaGraphDef: nodes, collections, and what saves its variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.graph_def.attr_values import write_attr, write_constant, write_shapes
from penstock.graph.graph_def.writer import write_graph
from penstock.graph.session.graph import Graph
from penstock.graph.session.session import behind
from penstock.graph.session.variable import GraphVariable
from penstock.graph.symbol import Node, Symbol
from penstock.wire import protos

_SCALAR: Final = TensorShape(())


def meta_graph_of(
    graph: Graph,
    variables: Sequence[GraphVariable],
    wanted: Sequence[Any] | None = None,
    tags: Iterable[str] = (),
    collections: Iterable[str] | None = None,
) -> Any:
    """A MetaGraphDef.

    Args:
        graph: the graph.
        variables: those that its saver saves; none leaves the saver out.
        wanted: tensors and ops of which the nodes are written with what they need; None writes
            all.
        tags: tags of the MetaGraphDef.
        collections: names of the collections that are written; None writes all.

    Raises:
        UnimplementedError: a node has no form among TensorFlow's ops.
    """
    message = protos.MetaGraphDef()
    message.meta_info_def.tags.extend(tags)
    message.meta_info_def.stripped_default_attrs = False
    nodes = graph.nodes
    if wanted is not None:
        ends = [*wanted, *_of_variables(variables)]
        needed = behind(ends, set())
        nodes = [node for node in graph.nodes if id(node) in needed]
    outputs = [symbol for node in nodes for symbol in node.outputs]
    inputs = [symbol for symbol in graph.inputs if wanted is None or symbol in outputs]
    kept = {id(node) for node in nodes}
    message.graph_def.CopyFrom(write_graph(outputs, nodes, inputs=inputs, on_demand=True))
    _write_collections(graph, message, kept, collections)
    if variables:
        _write_saver(message, variables)
    return message


def _of_variables(variables: Sequence[GraphVariable]) -> list[Any]:
    found: list[Any] = []
    for variable in variables:
        found.append(variable._as_graph_element())
        if variable.initializer is not None:
            found.append(variable.initializer)
    return found


def _write_collections(
    graph: Graph, message: Any, kept: set[int], names: Iterable[str] | None
) -> None:
    chosen = graph.get_all_collection_keys() if names is None else names
    for key in chosen:
        items = graph.get_collection(key)
        if items and all(isinstance(item, GraphVariable) for item in items):
            data = [item.to_proto().SerializeToString(deterministic=True) for item in items]
            message.collection_def[key].bytes_list.value.extend(data)
        elif items and all(isinstance(item, (Symbol, Node)) for item in items):
            owners = [item.graph_node if isinstance(item, Symbol) else item for item in items]
            if all(id(node) in kept for node in owners):
                message.collection_def[key].node_list.value.extend(i.name for i in items)
        elif items and all(isinstance(item, int) for item in items):
            message.collection_def[key].int64_list.value.extend(items)


def _write_saver(message: Any, variables: Sequence[GraphVariable]) -> None:
    """Nodes that save and restore variables, as sessions and servers run them."""
    graph = message.graph_def
    taken = {node.name for node in graph.node}
    root = next(name for name in _numbered("save") if f"{name}/Const" not in taken)

    def add(op: str, name: str, inputs: Sequence[str] = (), **attrs: Any) -> str:
        node = graph.node.add(name=f"{root}/{name}", op=op, input=inputs)
        for key, value in attrs.items():
            write_attr(node.attr[key], value)
        return str(node.name)

    def constant(name: str, value: Any) -> str:
        array = np.asarray(value, object)
        node = graph.node.add(name=f"{root}/{name}", op="Const")
        write_constant(node.attr, array, dtypes.string)
        write_shapes(node.attr["_output_shapes"], [TensorShape(array.shape)])
        return str(node.name)

    kinds = tuple(variable.dtype for variable in variables)
    default = constant("filename/input", b"model")
    filename = add(
        "PlaceholderWithDefault", "Const", [default], dtype=dtypes.string, shape=_SCALAR
    )
    names = constant("tensor_names", [variable.op.name.encode() for variable in variables])
    slices = constant("shape_and_slices", [b""] * len(variables))
    reads = [f"{variable.op.name}" for variable in variables]
    values = [
        add("ReadVariableOp", f"Read_{i}", [read], dtype=kinds[i])
        for i, read in enumerate(reads)
    ]
    saved = add("SaveV2", "SaveV2", [filename, names, slices, *values], dtypes=kinds)
    done = add("Identity", "control_dependency", [filename, f"^{saved}"], T=dtypes.string)
    restored = add("RestoreV2", "RestoreV2", [filename, names, slices], dtypes=kinds)
    assigned = []
    for i, read in enumerate(reads):
        value = f"{restored}:{i}" if i else restored
        own = add("Identity", f"Identity_{i}", [value], T=kinds[i])
        assigned.append(
            add("AssignVariableOp", f"AssignVariableOp_{i}", [read, own], dtype=kinds[i])
        )
    restore_all = add("NoOp", "restore_all", [f"^{name}" for name in assigned])
    message.saver_def.filename_tensor_name = f"{filename}:0"
    message.saver_def.save_tensor_name = f"{done}:0"
    message.saver_def.restore_op_name = restore_all
    message.saver_def.max_to_keep = 5
    message.saver_def.keep_checkpoint_every_n_hours = 10000.0
    message.saver_def.version = protos.SaverDef.V2


def _numbered(name: str) -> Iterable[str]:
    yield name
    for i in range(1, 1 << 16):
        yield f"{name}_{i}"
    raise UnimplementedError(f"a graph must have fewer savers than {1 << 16}")
