"""Variables of a `tf.Graph`: their values belong to the sessions that run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.graph.session.default import require_session
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.context import graph_scope, name_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.variable import (
    Holder,
    Variable,
    VariableAggregation,
    VariableSynchronization,
)
from penstock.wire import protos

_GLOBAL = "variables"
_TRAINABLE = "trainable_variables"


class GraphVariable(Variable):
    """A variable that nodes of a graph name.

    Args:
        initial_value: tensor, what can become one, or a callable that gives one.
        trainable: whether optimizers change it; None means True.
        collections: names of the collections that it joins; default: the global variables.
        validate_shape: False lets values of any shape be assigned.
        name: its name, made unique.
        dtype: element type; None takes the initial value's.
        shape: its shape, when it is less specific than the initial value's.
        constraint: function applied to the value by optimizers after an update.
        **_: accepted for compatibility.

    Raises:
        ValueError: no initial value was given, or a graph of a function is in force that no
            `tf.Graph` encloses.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        name: str | None = None,
        dtype: Any = None,
        shape: Any = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        **_: Any,
    ) -> None:
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        graph = enclosing_graph()
        saved_scope, saved_control = state.name_scope, state.control_inputs
        with graph_scope(graph):
            state.name_scope = saved_scope
            state.control_inputs = []
            try:
                with name_scope(name or "Variable") as scope:
                    self._build(scope, initial_value, dtype, shape, validate_shape)
            finally:
                state.control_inputs = saved_control
        self._trainable = True if trainable is None else bool(trainable)
        self._handle._trainable = self._trainable  # type: ignore[attr-defined]
        self._constraint = constraint
        kwargs = {"synchronization": synchronization, "aggregation": aggregation}
        for key, value in kwargs.items():
            setattr(self, f"_{key}", value)
        keys = [_GLOBAL] if collections is None else list(collections)
        if self._trainable and _TRAINABLE not in keys:
            keys.append(_TRAINABLE)
        for key in keys:
            graph.add_to_collection(key, self)

    def _build(
        self, scope: str, initial_value: Any, dtype: Any, shape: Any, validate_shape: bool
    ) -> None:
        name = scope.rstrip("/")
        with name_scope(f"{scope}Initializer/"):
            value = initial_value() if callable(initial_value) else initial_value
            value = convert_to_tensor(value, dtype)
        if not isinstance(value, Symbol):
            value = state.graph.capture(value)
        self._initial_value = value
        known = TensorShape(shape) if shape is not None else value.shape
        self._describe(name, value.dtype, known if validate_shape else TensorShape(None))
        with name_scope(None):
            call("AssignVariableOp", self._handle, value, name=f"{name}/Assign")
            self._initializer = state.graph.last_node()
            self._snapshot = self._read(f"{name}/Read/ReadVariableOp")

    def _describe(self, name: str, dtype: Any, shape: TensorShape) -> None:
        """Make the handle."""
        self._handle_name = name
        self._holder = Holder(name, dtype, shape)
        with name_scope(None):
            handle = call(
                "VarHandleOp", dtype=dtype, shape=shape, shared_name=name, name=f"{name}/handle"
            )
        # The scope took the name for what lies in it; the handle has it too.
        handle.graph_node.name = name
        handle.variable_shape, handle.variable_dtype = shape, dtype
        self._handle = handle
        self._owner_graph = handle.graph
        note_owner(handle, self)

    @classmethod
    def of_handle(cls, handle: Any, *, trainable: bool, initializer: Any, value: Any) -> Any:
        """A variable whose nodes are in the graph already.

        Args:
            handle: its handle.
            trainable: whether optimizers change it.
            initializer: the node that gives it its first value, or None.
            value: what the node that reads it gives.
        """
        self = cls.__new__(cls)
        name = handle.graph_node.name
        self._handle_name = name
        self._holder = Holder(name, handle.variable_dtype, handle.variable_shape)
        self._handle, self._owner_graph = handle, handle.graph
        self._trainable = handle._trainable = trainable
        self._constraint = None
        self._synchronization = VariableSynchronization.AUTO
        self._aggregation = VariableAggregation.NONE
        self._initializer, self._snapshot, self._initial_value = initializer, value, None
        note_owner(handle, self)
        return self

    # -- what it is -------------------------------------------------

    @property
    def op(self) -> Node:
        """The node of the handle."""
        handle: Any = self._handle
        node: Node = handle.graph_node
        return node

    @property
    def graph(self) -> Any:
        """The graph it belongs to."""
        return self._owner_graph

    @property
    def device(self) -> str:
        """Device asked for; empty when none was."""
        return self.op.device

    @property
    def initializer(self) -> Any:
        """The node that gives it its first value."""
        return self._initializer

    @property
    def initial_value(self) -> Any:
        """The tensor of its first value."""
        return self._initial_value

    @property
    def _unique_id(self) -> str:
        return self._handle_name

    def _as_graph_element(self) -> Any:
        return self._snapshot

    def is_initialized(self, name: str | None = None) -> Any:
        """Tensor that says whether a session has a value of it."""
        return call("VarIsInitializedOp", self._handle, name=name)

    # -- reading ----------------------------------------------------

    def _read(self, name: str | None = None) -> Any:
        value = call("ReadVariableOp", self._handle, dtype=self.dtype, name=name)
        value.set_shape(self.shape)
        return value

    def read_value(self) -> Any:
        """Return a tensor of the value at the time when it is run."""
        return self._read(None)

    def numpy(self) -> Any:
        """Refuse: the value belongs to sessions.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError("numpy() is only available when eager execution is enabled")

    def eval(self, session: Any = None) -> Any:
        """The value in a session, or in the default one."""
        return require_session(session).run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Give the variable a value in a session, or in the default one."""
        holder = require_session(session).holder_of(self._handle)
        array = convert_to_array(value, self.dtype)
        holder.set_value(array, owned=False)

    # -- assigning --------------------------------------------------

    def _after(self, read_value: bool) -> Any:
        node = state.graph.last_node()
        return self.read_after(node) if read_value else node

    def read_after(self, node: Node) -> Any:
        """A tensor of the value once a node has run."""
        saved = state.control_inputs
        state.control_inputs = [*saved, node]
        try:
            return self._read()
        finally:
            state.control_inputs = saved

    def count_up_to(self, limit: int) -> Any:
        """The value, which then is one more, up to a limit."""
        return call("ResourceCountUpTo", self._handle, limit=limit, T=self.dtype)

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The names of its nodes as a VariableDef."""
        return variable_message(self)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


def note_owner(handle: Any, variable: Any) -> None:
    """Note whose handle it is; the graph keeps its variables."""
    handle._owner = lambda: variable


def convert_to_array(value: Any, dtype: Any) -> Any:
    """A value as numpy array of a dtype.

    Raises:
        InvalidArgumentError: it cannot become one.
    """
    with graph_scope(None):
        tensor = convert_to_tensor(value, dtype)
    if tensor.dtype != dtype:
        raise InvalidArgumentError(f"the value must be {dtype.name}, got {tensor.dtype.name}")
    return tensor._value


def enclosing_graph() -> Any:
    """The `tf.Graph` in force, or around the function that is traced.

    Raises:
        FailedPreconditionError: there is none.
    """
    graph = state.graph
    while graph is not None and not getattr(graph, "runs_on_demand", False):
        graph = graph.outer_graph
    if graph is None:
        raise FailedPreconditionError("a variable of a graph must be made inside a tf.Graph")
    return graph


def make_variable(following: Any, **arguments: Any) -> Any:
    """Variable creator of graphs."""
    if state.graph is None:
        return following(**arguments)
    known = dict(arguments)
    for name in ("variable_def", "import_scope", "caching_device"):
        known.pop(name, None)
    known.pop("experimental_enable_variable_lifting", None)
    return GraphVariable(**known)


def variable_message(variable: GraphVariable) -> Any:
    """A VariableDef."""
    message = protos.VariableDef(
        variable_name=variable.name,
        snapshot_name=variable._snapshot.name,
        is_resource=True,
        trainable=variable.trainable,
    )
    if variable._initializer is not None:
        message.initializer_name = variable._initializer.name
    if variable._initial_value is not None:
        message.initial_value_name = variable._initial_value.name
    return message
