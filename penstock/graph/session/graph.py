"""`tf.Graph`: a graph of which a session runs what is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_def.writer import write_graph
from penstock.graph.session.variable import GraphVariable, make_variable
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.context import graph_scope, name_scope, state
from penstock.runtime.tensor import EagerTensor


class GraphKeys:
    """Names of the collections that TensorFlow keeps."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"


class _AnyGraph(type):
    """Graphs of functions are graphs too, as `isinstance` tells in TensorFlow."""

    def __instancecheck__(cls, instance: object) -> bool:
        return (
            isinstance(instance, FuncGraph)
            if cls is Graph
            else type.__instancecheck__(cls, instance)
        )


class Graph(FuncGraph, metaclass=_AnyGraph):
    """Nodes that a `tf.compat.v1.Session` runs on demand.

    Unlike the graph of a function, nothing here runs because it was written down: a session
    runs what its fetches need, by inputs and control inputs.
    """

    runs_on_demand: Final = True

    def __init__(self) -> None:
        super().__init__("graph")
        self.outer_graph = None
        self.is_finalized = False
        self.variable_scopes: Any = None
        self._by_name: dict[str, Node] = {}
        self._indexed = 0
        self._aliases: dict[str, Symbol] = {}

    # -- scopes -----------------------------------------------------

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Write the calls made inside into this graph, its variables among them."""
        saved = state.variable_creators, state.control_inputs
        state.variable_creators, state.control_inputs = [make_variable], []
        try:
            with graph_scope(self):
                yield self
        finally:
            state.variable_creators, state.control_inputs = saved

    @property
    def building_function(self) -> bool:
        """False: it belongs to no function."""
        return False

    def control_dependencies(self, control_inputs: Any) -> Any:
        """See `tf.control_dependencies`."""
        return after(control_inputs)

    def name_scope(self, name: str | None) -> Any:
        """See `tf.name_scope`."""
        return name_scope(name)

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Accept where nodes are to run; sessions run them where the whole graph runs."""
        yield

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Accept which node the ones inside are to run beside."""
        yield

    @contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Accept a name for the resources made inside; each session has its own anyway."""
        yield container_name

    def get_name_scope(self) -> str:
        """The scope in force, without its trailing slash."""
        return state.name_scope.rstrip("/")

    # -- writing down -----------------------------------------------

    def add(self, *args: Any, **kwargs: Any) -> list[Symbol]:
        """Append a node; see `FuncGraph.add`.

        Raises:
            RuntimeError: the graph was finalized.
        """
        if self.is_finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        return super().add(*args, **kwargs)

    def _capture_eager(self, tensor: EagerTensor, name: str | None) -> Symbol:
        if tensor.dtype in (dtypes.resource, dtypes.variant):
            return super()._capture_eager(tensor, name)
        self.kept_alive.append(tensor)
        return self.constant(np.asarray(tensor._value), tensor.dtype, name)

    def finalize(self) -> None:
        """Refuse further nodes."""
        self.is_finalized = True

    @property
    def finalized(self) -> bool:
        """Whether further nodes are refused."""
        return self.is_finalized

    @property
    def version(self) -> int:
        """A number that grows with the graph."""
        return len(self.nodes)

    # -- looking ----------------------------------------------------

    def alias(self, name: str, symbol: Symbol) -> None:
        """Give a tensor a further name, such as the one that it has in a file."""
        self._aliases[name] = symbol

    def get_operation_by_name(self, name: str) -> Node:
        """The node called `name`.

        Raises:
            KeyError: there is none.
        """
        if self._indexed != len(self.nodes):
            self._by_name = {node.name: node for node in self.nodes}
            self._indexed = len(self.nodes)
        found = self._by_name.get(name)
        if found is None and f"{name}:0" in self._aliases:
            found = self._aliases[f"{name}:0"].op
        if found is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return found

    def get_tensor_by_name(self, name: str) -> Symbol:
        """The tensor called `node:index`.

        Raises:
            KeyError: there is none.
        """
        if name in self._aliases:
            return self._aliases[name]
        node, colon, index = name.partition(":")
        if not colon or not index.isdigit():
            raise ValueError(f"Tensor names must be of the form 'op:index', got {name!r}")
        outputs = self.get_operation_by_name(node).outputs
        if int(index) >= len(outputs):
            raise KeyError(f"The name {name!r} refers to a Tensor which does not exist.")
        return outputs[int(index)]

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """The tensor or node that something stands for: itself, a variable, or a name.

        Raises:
            KeyError: there is none of that name.
            TypeError: it stands for neither.
            ValueError: it belongs to another graph.
        """
        element = obj
        if isinstance(obj, (str, bytes)):
            name = obj.decode() if isinstance(obj, bytes) else obj
            element = (
                self.get_tensor_by_name(name)
                if ":" in name and allow_tensor
                else self.get_operation_by_name(name)
            )
        elif hasattr(obj, "_as_graph_element"):
            element = obj._as_graph_element()
        kinds = (*((Symbol,) if allow_tensor else ()), *((Node,) if allow_operation else ()))
        if isinstance(element, kinds):
            owner = element.graph
        else:
            raise TypeError(
                f"Can not convert a {type(obj).__name__} into a Tensor or Operation."
            )
        if owner is not self:
            raise ValueError(f"{element!r} is not an element of this graph.")
        return element

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef.

        Raises:
            UnimplementedError: a node has no form among TensorFlow's ops.
        """
        outputs = [symbol for node in self.nodes for symbol in node.outputs]
        message = write_graph(outputs, self.nodes, inputs=self.inputs, on_demand=True)
        if not add_shapes:
            for node in message.node:
                node.attr.pop("_output_shapes", None)
        return message

    def is_feedable(self, tensor: Any) -> bool:
        """True: every tensor of the graph may be fed."""
        return isinstance(tensor, Symbol) and tensor.graph is self

    # -- collections ------------------------------------------------

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        """Values of a collection, those whose names match `scope` if it is given."""
        items = list(self._collections.get(name, ()))
        if scope is None:
            return items
        pattern = re.compile(scope)
        return [item for item in items if pattern.match(getattr(item, "name", "") or "")]

    def get_collection_ref(self, name: str) -> list[Any]:
        """A collection itself."""
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        """Names of the collections."""
        return [key for key in self._collections if isinstance(key, str)]

    collections = property(get_all_collection_keys)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Add a value to several collections."""
        for name in {names} if isinstance(names, str) else set(names):
            self.add_to_collection(name, value)

    def clear_collection(self, name: str) -> None:
        """Forget a collection."""
        self._collections.pop(name, None)

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes>"


@contextmanager
def after(control_inputs: Iterable[Any] | None) -> Iterator[None]:
    """Have nodes made inside run after others, or, for None, after none."""
    saved = state.control_inputs
    nodes: list[Node] = []
    for item in control_inputs or ():
        found = _node_of(item)
        if found is None:
            raise InvalidArgumentError(f"a control input must be a tensor or op, got {item!r}")
        nodes.append(found)
    state.control_inputs = [] if control_inputs is None else [*saved, *nodes]
    try:
        yield
    finally:
        state.control_inputs = saved


def _node_of(item: Any) -> Node | None:
    if isinstance(item, GraphVariable):
        item = item._as_graph_element()
    item = getattr(item, "values", item) if not isinstance(item, (Node, Symbol)) else item
    if isinstance(item, Symbol):
        return item.graph_node
    return item if isinstance(item, Node) else None


_default: list[Graph] = []


def default_graph() -> Any:
    """The graph in force; outside of all, one that is kept for the process."""
    if state.graph is not None:
        return state.graph
    if not _default:
        _default.append(Graph())
    return _default[-1]


def reset_default_graph() -> None:
    """Start the graph that is in force outside of all others anew.

    Raises:
        AssertionError: a graph is entered.
    """
    if state.graphs:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs.")
    was_in_force = bool(_default) and state.graph is _default[-1]
    _default[:] = [Graph()]
    if was_in_force:
        disable_eager_execution()


def disable_eager_execution() -> None:
    """Write calls into the default graph from now on, on this thread.

    Raises:
        ValueError: a graph is entered.
    """
    if state.graphs:
        raise ValueError("eager execution cannot be changed inside a graph")
    if state.graph is None or state.graph in _default:
        state.graph = None
        graph = default_graph()
        state.graph, state.variable_creators = graph, [make_variable]


def enable_eager_execution() -> None:
    """Run calls at once from now on, on this thread.

    Raises:
        ValueError: a graph is entered.
    """
    if state.graphs:
        raise ValueError("eager execution cannot be changed inside a graph")
    state.graph, state.variable_creators = None, []
