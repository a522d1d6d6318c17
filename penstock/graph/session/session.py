"""`tf.compat.v1.Session`: runs parts of a graph, and keeps the values of its variables."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.graph.lower import Program
from penstock.graph.session import default
from penstock.graph.session.graph import Graph, default_graph
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.context import graph_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.sparse_tensor import SparseTensor
from penstock.runtime.tensor import EagerTensor
from penstock.runtime.variable import Holder, Variable

_KEPT: Final = 256


class SparseTensorValue(NamedTuple):
    """Value of a sparse tensor."""

    indices: Any
    values: Any
    dense_shape: Any


class IndexedSlicesValue(NamedTuple):
    """Value of some rows of a tensor."""

    values: Any
    indices: Any
    dense_shape: Any


class RaggedTensorValue(NamedTuple):
    """Value of a ragged tensor."""

    values: Any
    row_splits: Any


class Session:
    """Runs nodes of a graph. Variables have a value of their own in each session.

    Args:
        target: accepted for compatibility; empty.
        graph: the graph; None takes the default one.
        config: accepted for compatibility.
    """

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        self._graph = graph if graph is not None else _outermost(default_graph())
        if not getattr(self._graph, "runs_on_demand", False):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph).__name__}")
        self._target = target
        self._config = config
        self._holders: dict[int, tuple[Any, Any]] = {}
        self._programs: OrderedDict[Any, _Plan] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._entered: list[Any] = []

    # -- what it is -------------------------------------------------

    @property
    def graph(self) -> Any:
        """The graph that it runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """The target."""
        return self._target

    def list_devices(self) -> list[Any]:
        """Nothing: devices belong to the process; see `tf.config.list_physical_devices`."""
        return []

    # -- running ----------------------------------------------------

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Run what some tensors and ops need.

        Args:
            fetches: a tensor, op, variable or name of one, or a structure of such.
            feed_dict: values that stand in for tensors.
            options: accepted for compatibility.
            run_metadata: accepted for compatibility.

        Returns:
            The structure of the fetches with numpy values; None for ops.

        Raises:
            RuntimeError: the session is closed.
            InvalidArgumentError: a placeholder that is needed was not fed.
            FailedPreconditionError: a variable that is needed has no value.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        graph = self._graph
        feeds = dict(_flat_feeds(graph, feed_dict or {}))
        flat: list[Any] = []
        rebuild = _structure(graph, fetches, flat)
        plan = self._plan(flat, [symbol for symbol, _ in feeds.values()])
        values = plan.run(self, [value for _, value in feeds.values()])
        return rebuild(iter(values))

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function of the values of `feed_list` that gives `fetches`."""
        names = list(feed_list or ())

        def run(*values: Any, **_: Any) -> Any:
            if len(values) != len(names):
                raise TypeError(f"expected {len(names)} values, got {len(values)}")
            return self.run(fetches, dict(_pairs(names, values)))

        return run

    def holder_of(self, handle: Any) -> Any:
        """Where the value of a variable lives in this session, or its table."""
        with self._lock:
            found = self._holders.get(id(handle))
            if found is None:
                found = self._holders[id(handle)] = (handle, _made(handle.graph_node))
        return found[1]

    def _plan(self, fetched: Sequence[Any], fed: Sequence[Symbol]) -> _Plan:
        key = (tuple(map(id, fetched)), tuple(map(id, fed)), len(self._graph.nodes))
        with self._lock:
            plan = self._programs.get(key)
            if plan is not None:
                self._programs.move_to_end(key)
                return plan
        plan = _Plan(self._graph, fetched, fed)
        with self._lock:
            self._programs[key] = plan
            while len(self._programs) > _KEPT:
                self._programs.popitem(last=False)
        return plan

    # -- scopes -----------------------------------------------------

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Make this the session of `eval()` and `run()` of tensors and ops."""
        default.push(self)
        try:
            yield self
        finally:
            default.pop(self)

    def __enter__(self) -> Session:
        scope = self._graph.as_default()
        scope.__enter__()
        self._entered.append(scope)
        default.push(self)
        return self

    def __exit__(self, *error: Any) -> None:
        default.pop(self)
        self._entered.pop().__exit__(*error)
        self.close()

    def close(self) -> None:
        """Forget the variables' values."""
        self._closed = True
        self._holders.clear()
        self._programs.clear()

    def reset(self, *_: Any, **__: Any) -> None:
        """Forget the variables' values, and go on."""
        self._holders.clear()


class InteractiveSession(Session):
    """A session that is the default one from the start, until it is closed."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        default.push(self)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Forget the variables' values; it is the default session no more."""
        default.pop(self)
        super().close()


def _pairs(keys: Sequence[Any], values: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Keys that a dict can hold, and values."""
    for key, value in zip(keys, values, strict=True):
        yield (key.ref() if hasattr(key, "ref") else key), value


def _outermost(graph: Any) -> Any:
    """The `tf.Graph` around a graph."""
    while graph is not None and not getattr(graph, "runs_on_demand", False):
        graph = graph.outer_graph
    return graph


# -- what is run ----------------------------------------------------------------------------


class _Plan:
    """The part of a graph behind some fetches, with some tensors given."""

    def __init__(self, graph: Graph, fetched: Sequence[Any], fed: Sequence[Symbol]) -> None:
        given = {id(symbol) for symbol in fed}
        captured = {id(inner): outer for outer, inner in graph.real_captures()}
        needed = behind(fetched, given)
        self._outputs = [item for item in fetched if isinstance(item, Symbol)]
        self._is_tensor = [isinstance(item, Symbol) for item in fetched]
        self._handles: list[Symbol] = []
        self._captured: list[Any] = []
        captures: list[Symbol] = []
        nodes = []
        for node in graph.nodes:
            if id(node) not in needed:
                continue
            output = node.outputs[0] if node.outputs else None
            if makes_resource(node):
                self._handles.append(node.outputs[0])
            elif node.row.name == "Placeholder" and id(output) in captured:
                captures.append(node.outputs[0])
                self._captured.append(captured[id(output)])
            elif node.row.name == "Placeholder" and id(output) not in given:
                raise InvalidArgumentError(
                    f"You must feed a value for placeholder tensor '{node.name}' with dtype "
                    f"{node.outputs[0].dtype.name} and shape {node.outputs[0].shape}"
                )
            else:
                nodes.append(node)
        self._program = Program(
            [*fed, *self._handles, *captures], self._outputs, nodes, name="session"
        )

    def run(self, session: Session, fed: Sequence[Any]) -> list[Any]:
        """Give the values of the fetches; None for ops."""
        holders = [session.holder_of(handle) for handle in self._handles]
        captured = [tensor._value for tensor in self._captured]
        with graph_scope(None):
            values = iter(self._program.run([*fed, *holders, *captured]))
        symbols = iter(self._outputs)
        return [
            _as_numpy(next(values), next(symbols)) if is_tensor else None
            for is_tensor in self._is_tensor
        ]


def makes_resource(node: Node) -> bool:
    """Whether a node makes a variable or table, of which each session has one."""
    row = node.row
    kinds = [arg.type_attr for arg in row.output_args]
    return kinds == ["resource"] and row.stateful and not row.inputs


def _made(node: Node) -> Any:
    if node.row.name == "VarHandleOp":
        return Holder(node.name, node.attrs["dtype"], TensorShape(node.attrs["shape"]))
    with graph_scope(None):
        return call(node.row.name, **node.attrs)._value


def behind(fetched: Sequence[Any], given: set[int]) -> set[int]:
    """Ids of the nodes that must run, by inputs and control inputs."""
    found: set[int] = set()
    stack: list[Node] = []
    for item in fetched:
        if isinstance(item, Node):
            stack.append(item)
        elif id(item) not in given:
            stack.append(item.graph_node)
    while stack:
        node = stack.pop()
        if id(node) in found:
            continue
        found.add(id(node))
        stack.extend(s.graph_node for s in node.inputs if id(s) not in given)
        stack.extend(node.control_inputs)
        forward = node.attrs.get("forward") if node.row.name == "_VJP" else None
        if forward is not None:
            stack.append(forward)
    return found


def _as_numpy(value: Any, symbol: Symbol) -> Any:
    if symbol.dtype in (dtypes.resource, dtypes.variant):
        return value
    array = np.asarray(value)
    return array[()] if array.ndim == 0 else array


# -- feeds ----------------------------------------------------------------------------------


def _flat_feeds(
    graph: Graph, feed_dict: Mapping[Any, Any]
) -> Iterator[tuple[int, tuple[Symbol, Any]]]:
    for given, value in feed_dict.items():
        key = given.deref() if hasattr(given, "deref") else given
        for symbol, part in _parts(graph, key, value):
            yield id(symbol), (symbol, _fed(symbol, part))


def _parts(graph: Graph, key: Any, value: Any) -> Iterator[tuple[Symbol, Any]]:
    """The tensors that a key stands for, each with its value."""
    if isinstance(key, SparseTensor):
        indices, values, shape = (
            (value.indices, value.values, value.dense_shape)
            if hasattr(value, "indices")
            else value
        )
        yield key.indices, indices
        yield key.values, values
        if key.dense_shape.graph_node.row.name == "Placeholder":
            yield key.dense_shape, shape
        return
    try:
        element = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, KeyError, ValueError) as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
    yield element, value


def _fed(symbol: Symbol, value: Any) -> Any:
    if symbol.dtype in (dtypes.resource, dtypes.variant):
        return getattr(value, "_value", value)
    if isinstance(value, Symbol):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include "
            "Python scalars, strings, lists, numpy ndarrays, or TensorHandles."
        )
    if isinstance(value, EagerTensor):
        array = value._value
    elif symbol.dtype is dtypes.string:
        with graph_scope(None):
            array = convert_to_tensor(value, dtypes.string)._value
    else:
        array = np.asarray(value)
        if array.dtype == object or array.dtype.kind in "US":
            raise ValueError(f"setting {symbol.name} needs numbers, got {value!r}")
        array = array.astype(symbol.dtype.np, copy=False)
    if not symbol.shape.is_compatible_with(array.shape):
        raise ValueError(
            f"Cannot feed value of shape {tuple(array.shape)} for Tensor {symbol.name}, which "
            f"has shape {symbol.shape}"
        )
    return array


# -- fetches --------------------------------------------------------------------------------

Rebuild = Callable[[Iterator[Any]], Any]


def _structure(graph: Graph, fetches: Any, flat: list[Any]) -> Rebuild:
    """Note the tensors and ops of a structure, and give what puts their values in place."""
    if fetches is None:
        raise TypeError("Argument `fetches` = None has invalid type NoneType. Cannot be None")
    if isinstance(fetches, (list, tuple)):
        parts = [_structure(graph, item, flat) for item in fetches]
        kind = type(fetches)
        if hasattr(fetches, "_fields"):
            return lambda values: kind(*[part(values) for part in parts])
        plain = kind if kind in (list, tuple) else list
        return lambda values: plain([part(values) for part in parts])
    if isinstance(fetches, Mapping):
        by_key = {key: _structure(graph, item, flat) for key, item in fetches.items()}
        mapping = dict if type(fetches) is not OrderedDict else OrderedDict
        return lambda values: mapping((key, part(values)) for key, part in by_key.items())
    for kind, names, make in _COMPOSITES:
        if isinstance(fetches, kind):
            parts = [_optional(graph, getattr(fetches, name), flat) for name in names]
            return lambda values: make(*[part(values) for part in parts])
    if isinstance(fetches, Variable) and not hasattr(fetches, "_as_graph_element"):
        raise TypeError(f"variable {fetches.name!r} must belong to the graph to be fetched")
    try:
        flat.append(graph.as_graph_element(fetches))
    except TypeError as error:
        raise TypeError(
            f"Argument `fetch` = {fetches!r} has invalid type "
            f'"{type(fetches).__name__}" must be a string or Tensor. ({error})'
        ) from None
    return next


def _optional(graph: Graph, item: Any, flat: list[Any]) -> Rebuild:
    return (lambda _: None) if item is None else _structure(graph, item, flat)


_COMPOSITES: Final[tuple[tuple[Any, tuple[str, ...], Any], ...]] = (
    (SparseTensor, ("indices", "values", "dense_shape"), SparseTensorValue),
    (IndexedSlices, ("values", "indices", "dense_shape"), IndexedSlicesValue),
    (RaggedTensor, ("values", "row_splits"), RaggedTensorValue),
)


# -- methods of tensors and ops -------------------------------------------------------------


def _evaluate(self: Symbol, feed_dict: Any = None, session: Any = None) -> Any:
    """The tensor's value in a session, or in the default one."""
    return default.require_session(session).run(self, feed_dict)


def _run(self: Node, feed_dict: Any = None, session: Any = None) -> None:
    """Run the op in a session, or in the default one."""
    default.require_session(session).run(self, feed_dict)


Symbol.eval = _evaluate  # type: ignore[method-assign, assignment]
Node.run = _run  # type: ignore[attr-defined]
