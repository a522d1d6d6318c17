"""Graphs as TensorBoard shows them."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.writer import MIN_CONSUMER, PRODUCER, write_graph
from penstock.wire import protos
from penstock.wire.tensors import make_shape_proto


def graph_message(graph: FuncGraph) -> Any:
    """A GraphDef for looking at: in TensorFlow's ops where all nodes have a form among them."""
    try:
        return write_graph(graph.outputs, graph.nodes, inputs=graph.inputs)
    except UnimplementedError:
        # A node without native form, such as a gradient, can be shown but not run elsewhere.
        return _nodes_as_they_are(graph)


def _nodes_as_they_are(graph: FuncGraph) -> Any:
    message = protos.GraphDef()
    message.versions.producer, message.versions.min_consumer = PRODUCER, MIN_CONSUMER
    names: dict[int, str] = {}
    taken: set[str] = set()
    for node in graph.nodes:
        name, count = node.name, 0
        while name in taken:
            count += 1
            name = f"{node.name}_{count}"
        taken.add(name)
        names[id(node)] = name
        shown = message.node.add(name=name, op=node.row.name)
        for symbol in node.inputs:
            source = names.get(id(symbol.graph_node))
            if source is not None:
                index = symbol.value_index
                shown.input.append(source if index == 0 else f"{source}:{index}")
        shown.input.extend(
            f"^{names[id(other)]}" for other in node.control_inputs if id(other) in names
        )
        shapes = shown.attr["_output_shapes"].list
        for output in node.outputs:
            shapes.shape.add().CopyFrom(make_shape_proto(output.shape))
        if node.outputs:
            shown.attr["T"].type = node.outputs[0].dtype.as_datatype_enum
    return message
