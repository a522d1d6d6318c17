"""Objects and their values as a `TrackableObjectGraph`, and the keys of these values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType
from penstock.runtime.convert import convert_to_tensor
from penstock.train.trackable_view import TrackableView, walk
from penstock.wire import protos

OBJECT_GRAPH_KEY: Final = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ATTRIBUTES: Final = ".ATTRIBUTES"
_SLOTS: Final = ".OPTIMIZER_SLOT"


def escape(name: str) -> str:
    """A name as a part of a key, which slashes and the marker of attributes must not split."""
    return name.replace(".", "..").replace("/", ".S")


def _key(place: str, attribute: str) -> str:
    return f"{place}/{_ATTRIBUTES}/{escape(attribute)}"


@dataclass(slots=True)
class ObjectGraph:
    """All objects under a root.

    `objects` are in the order of their numbers, `paths` the names that lead to each, `values`
    the tensors by key, and `message` the TrackableObjectGraph.
    """

    objects: list[Any] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    children: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    message: Any = None
    numbers: dict[int, int] = field(default_factory=dict)

    def number(self, item: Any) -> int | None:
        """Number of an object, or None when it is none of them."""
        return self.numbers.get(id(item))


Children = Callable[[Any], dict[str, Any]]


def build(
    root: Any, children: Children = TrackableView.children, *, with_slots: bool = False
) -> ObjectGraph:
    """Number all objects, and collect their values.

    Args:
        root: the object at the root.
        children: gives the named children of an object.
        with_slots: whether what optimizers keep beside variables follows the objects.
    """
    found: dict[int, dict[str, Any]] = {}

    def children_once(item: Any) -> dict[str, Any]:
        # Asked once: containers are wrapped anew each time.
        if id(item) not in found:
            found[id(item)] = children(item)
        return found[id(item)]

    graph = ObjectGraph(message=protos.TrackableObjectGraph())
    for item, path in walk(root, children_once):
        graph.numbers[id(item)] = len(graph.objects)
        graph.objects.append(item)
        graph.paths.append(path)
        graph.children.append(children_once(item))
    for i, item in enumerate(graph.objects):
        node = graph.message.nodes.add()
        for name, child in graph.children[i].items():
            node.children.add(node_id=graph.numbers[id(child)], local_name=name)
        _add_values(graph, node, item, "/".join(map(escape, graph.paths[i])))
    if with_slots:
        _add_slots(graph)
    _note_values(graph.message)
    return graph


def _add_slots(graph: ObjectGraph) -> None:
    """Give slots the numbers that follow those of the objects, and their values."""
    for i, optimizer in enumerate(list(graph.objects)):
        slots: dict[str, dict[int, Any]] = getattr(optimizer, "_slots_by_variable", dict)()
        for name, by_variable in sorted(slots.items()):
            for variable, slot in by_variable.items():
                owner = graph.numbers.get(variable)
                if owner is None:
                    continue
                node = graph.message.nodes.add()
                graph.message.nodes[i].slot_variables.add(
                    original_variable_node_id=owner,
                    slot_name=name,
                    slot_variable_node_id=len(graph.objects),
                )
                graph.numbers[id(slot)] = len(graph.objects)
                graph.objects.append(slot)
                graph.children.append({})
                graph.paths.append((*graph.paths[owner], _SLOTS, *graph.paths[i], name))
                places = ("/".join(map(escape, graph.paths[each])) for each in (owner, i))
                place = f"/{_SLOTS}/".join(places)
                _add_values(graph, node, slot, f"{place}/{escape(name)}")


def _add_values(graph: ObjectGraph, node: Any, item: Any, place: str) -> None:
    serialize = getattr(item, "_serialize_to_tensors", None)
    tensors: Mapping[str, Any] = {} if serialize is None else serialize()
    full_name = getattr(item, "_shared_name", None)
    common = getattr(item, "_LEGACY_SAVEABLE_NAME", None)
    if common is not None and tensors:
        # Tables: one entry for several values, whose keys begin with its own.
        key = _key(place, common)
        node.attributes.add(name=common, checkpoint_key=key)
        graph.values.update((key + name, tensor) for name, tensor in tensors.items())
        return
    for name, tensor in tensors.items():
        key = _key(place, name)
        node.attributes.add(
            name=name,
            checkpoint_key=key,
            full_name=full_name if isinstance(full_name, str) else "",
        )
        graph.values[key] = tensor


def _note_values(message: Any) -> None:
    """Mark the nodes that have values, or lead to some."""
    parents: list[list[int]] = [[] for _ in message.nodes]
    for i, node in enumerate(message.nodes):
        for child in node.children:
            parents[child.node_id].append(i)
        for slot in node.slot_variables:
            parents[slot.slot_variable_node_id].append(i)
    stack = [i for i, node in enumerate(message.nodes) if node.attributes]
    with_values: set[int] = set()
    while stack:
        i = stack.pop()
        if i not in with_values:
            with_values.add(i)
            stack.extend(parents[i])
    for i, node in enumerate(message.nodes):
        node.has_checkpoint_values.value = i in with_values


def as_array(value: Any) -> tuple[Any, DType]:
    """A value to be saved, as a numpy array and its dtype."""
    value = value() if callable(value) else value
    tensor = convert_to_tensor(value)
    return np.asarray(tensor.numpy()), tensor.dtype
