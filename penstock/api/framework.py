"""Top-level names: tensors, variables, tapes, functions, control flow and scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.api.composite import open_to_composites
from penstock.core import nest
from penstock.function.polymorphic import function as function
from penstock.graph.branching import case as case
from penstock.graph.branching import cond as cond
from penstock.graph.branching import switch_case as switch_case
from penstock.graph.branching import while_loop as while_loop
from penstock.graph.custom_gradient import custom_gradient as custom_gradient
from penstock.graph.custom_gradient import recompute_grad as recompute_grad
from penstock.graph.graph_function import record_of
from penstock.graph.loops import foldl as foldl
from penstock.graph.loops import foldr as foldr
from penstock.graph.loops import map_fn as map_fn
from penstock.graph.loops import scan as scan
from penstock.graph.loops import vectorized_map as vectorized_map
from penstock.graph.session.graph import Graph as Graph
from penstock.graph.symbol import Node as Operation
from penstock.graph.symbol import Symbol
from penstock.graph.symbol import constant_value as get_static_value  # noqa: F401
from penstock.graph.tensor_array import TensorArray as TensorArray
from penstock.ops.table import lookup
from penstock.runtime import operators  # noqa: F401  (adds the operators to tensors)
from penstock.runtime.backprop import backprop
from penstock.runtime.context import executing_eagerly as executing_eagerly
from penstock.runtime.context import init_scope as init_scope
from penstock.runtime.context import inside_function as inside_function
from penstock.runtime.context import name_scope as _name_scope
from penstock.runtime.context import state
from penstock.runtime.convert import constant as constant
from penstock.runtime.convert import convert_to_tensor as convert_to_tensor
from penstock.runtime.convert import is_tensor as is_tensor
from penstock.runtime.convert import (
    register_tensor_conversion_function as register_tensor_conversion_function,
)
from penstock.runtime.devices import device_for
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices as IndexedSlices
from penstock.runtime.indexed_slices import IndexedSlicesSpec as IndexedSlicesSpec
from penstock.runtime.module import Module as Module
from penstock.runtime.tape import GradientTape as GradientTape
from penstock.runtime.tape import UnconnectedGradients as UnconnectedGradients
from penstock.runtime.tensor import Tensor as Tensor
from penstock.runtime.variable import Variable as Variable
from penstock.runtime.variable import VariableAggregation as VariableAggregation
from penstock.runtime.variable import VariableSynchronization as VariableSynchronization


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Run what is inside on a device.

    Args:
        device_name: TensorFlow's name, such as "/GPU:0" or "CPU", or a DeviceSpec; None for
            any.

    Raises:
        InvalidArgumentError: this machine has no such device.
    """
    saved = state.device
    name = (
        None if device_name is None else str(getattr(device_name, "name", None) or device_name)
    )
    if name is not None and hasattr(device_name, "to_string"):
        name = device_name.to_string()
    if name and "/" not in name:
        name = f"/device:{name}" if ":" in name else f"/device:{name}:0"
    device_for(name)
    state.device = name
    try:
        yield
    finally:
        state.device = saved


class name_scope:  # noqa: N801  (TensorFlow's name)
    """Prefix the names of ops made inside."""

    def __init__(
        self, name: str | None, default_name: str | None = None, values: Any = None
    ) -> None:
        del values
        if name is not None and not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name if name is not None else default_name
        self._scopes: list[Any] = []

    @property
    def name(self) -> str | None:
        """Name of the scope."""
        return self._name

    def __enter__(self) -> str:
        scope = _name_scope(self._name)
        self._scopes.append(scope)
        return scope.__enter__()

    def __exit__(self, *error: object) -> None:
        self._scopes.pop().__exit__(*error)  # type: ignore[arg-type]


def get_current_name_scope() -> str:
    """The scope in force, without its trailing slash."""
    return state.name_scope.rstrip("/")


@contextmanager
def control_dependencies(control_inputs: Any) -> Iterator[None]:
    """Run what is inside after `control_inputs`."""
    saved = state.control_inputs
    given = [
        getattr(item, "_as_graph_element", lambda item=item: item)()
        for item in control_inputs or ()
    ]
    nodes = [
        item.op if isinstance(item, Symbol) else item
        for item in given
        if isinstance(item, (Symbol, Operation))
    ]
    state.control_inputs = [*saved, *nodes] if control_inputs is not None else []
    try:
        yield
    finally:
        state.control_inputs = saved


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether a tensor belongs to a graph."""
    return isinstance(tensor, Symbol)


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """Return the input; gradients do not flow through."""
    return call("StopGradient", input)


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function like `f` whose gradient is that of the identity."""

    @custom_gradient
    def passing(*args: Any, **kwargs: Any) -> Any:
        def grad(*grads: Any) -> Any:
            return grads[0] if len(grads) == 1 else grads

        return f(*args, **kwargs), grad

    return passing


def no_op(name: str | None = None) -> Any:
    """Do nothing."""
    if state.graph is None:
        return None
    call("NoOp")
    return state.graph.last_node()


def group(*inputs: Any, **kwargs: Any) -> Any:
    """Return an op that is done when all inputs are."""
    del kwargs
    with control_dependencies(nest.flatten(list(inputs))):
        return no_op()


def tuple(tensors: Any, control_inputs: Any = None, name: str | None = None) -> Any:
    """Return the tensors, each available only when all are."""
    del control_inputs
    return [None if tensor is None else call("Identity", tensor) for tensor in tensors]


def no_gradient(op_type: str) -> None:
    """Say that the op named has no gradient."""

    lookup(op_type).differentiable = False


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """Gradients of the sum of `ys` with respect to `xs`, in a graph.

    Raises:
        RuntimeError: called eagerly.
    """
    del name, gate_gradients, aggregation_method
    if state.graph is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use "
            "tf.GradientTape "
            "instead."
        )
    targets = [convert_to_tensor(y) for y in nest.flatten(ys)]
    sources = [x.handle if isinstance(x, Variable) else x for x in nest.flatten(xs)]
    seeds = [None] * len(targets) if grad_ys is None else nest.flatten(grad_ys)
    stopped = (
        {id(item) for item in nest.flatten(stop_gradients)}
        if stop_gradients is not None
        else set()
    )
    graph = state.graph
    internal = [
        graph.capture(source) if isinstance(source, Tensor) else source for source in sources
    ]
    records = [
        record_of(node)
        for node in graph.nodes
        if not any(id(output) in stopped for output in node.outputs)
    ]
    results = backprop(records, targets, seeds, internal)
    if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO:
        results = [
            call("ZerosLike", convert_to_tensor(x)) if result is None else result
            for x, result in zip(nest.flatten(xs), results, strict=True)
        ]
    return results


open_to_composites(globals())
