"""Graphs, sessions, collections and modes of `tf.compat.v1`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from penstock.core import dtypes, nest
from penstock.core.tensor_shape import TensorShape
from penstock.graph import branching
from penstock.graph.session import graph as graphs
from penstock.graph.session.default import get_default_session as get_default_session
from penstock.graph.session.graph import Graph as Graph
from penstock.graph.session.graph import GraphKeys as GraphKeys
from penstock.graph.session.graph import after
from penstock.graph.session.graph import default_graph as get_default_graph
from penstock.graph.session.graph import reset_default_graph as reset_default_graph
from penstock.graph.session.importing import import_graph_def as import_graph_def
from penstock.graph.session.session import IndexedSlicesValue as IndexedSlicesValue
from penstock.graph.session.session import InteractiveSession as InteractiveSession
from penstock.graph.session.session import Session as Session
from penstock.graph.session.session import SparseTensorValue as SparseTensorValue
from penstock.graph.session.variable import GraphVariable
from penstock.graph.symbol import Node, Symbol
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.variable import Variable

__all__ = [
    "Graph",
    "GraphKeys",
    "IndexedSlicesValue",
    "InteractiveSession",
    "Session",
    "SparseTensorValue",
    "add_to_collection",
    "add_to_collections",
    "all_variables",
    "assign",
    "assign_add",
    "assign_sub",
    "case",
    "colocate_with",
    "cond",
    "container",
    "control_dependencies",
    "control_flow_v2_enabled",
    "count_up_to",
    "device",
    "disable_control_flow_v2",
    "disable_eager_execution",
    "disable_resource_variables",
    "disable_tensor_equality",
    "disable_v2_behavior",
    "disable_v2_tensorshape",
    "enable_control_flow_v2",
    "enable_eager_execution",
    "enable_resource_variables",
    "enable_tensor_equality",
    "enable_v2_behavior",
    "enable_v2_tensorshape",
    "executing_eagerly",
    "executing_eagerly_outside_functions",
    "get_collection",
    "get_collection_ref",
    "get_default_graph",
    "get_default_session",
    "global_variables",
    "global_variables_initializer",
    "import_graph_def",
    "initialize_all_tables",
    "initialize_all_variables",
    "initialize_local_variables",
    "initialize_variables",
    "is_variable_initialized",
    "local_variables",
    "local_variables_initializer",
    "model_variables",
    "moving_average_variables",
    "placeholder",
    "placeholder_with_default",
    "report_uninitialized_variables",
    "reset_default_graph",
    "resource_variables_enabled",
    "scatter_add",
    "scatter_div",
    "scatter_max",
    "scatter_min",
    "scatter_mul",
    "scatter_nd_add",
    "scatter_nd_sub",
    "scatter_nd_update",
    "scatter_sub",
    "scatter_update",
    "tables_initializer",
    "trainable_variables",
    "variables_initializer",
    "while_loop",
]

# -- modes ----------------------------------------------------------------------------------

_switches = {"resource_variables": True, "control_flow_v2": True, "tensor_equality": True}


def disable_eager_execution() -> None:
    """Write calls into the default graph from now on, on this thread.

    Raises:
        ValueError: a graph is entered.
    """
    graphs.disable_eager_execution()


def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """Run calls at once from now on, on this thread.

    Raises:
        ValueError: a graph is entered.
    """
    graphs.enable_eager_execution()


def disable_v2_behavior() -> None:
    """Behave as TensorFlow 1: calls are written into the default graph."""
    graphs.disable_eager_execution()


def enable_v2_behavior() -> None:
    """Behave as TensorFlow 2: calls are run at once."""
    graphs.enable_eager_execution()


def executing_eagerly() -> bool:
    """Whether op calls are run at once."""
    return state.graph is None


def executing_eagerly_outside_functions() -> bool:
    """Whether op calls are run at once, apart from those in functions that are traced."""
    graph = state.graph
    while graph is not None and not getattr(graph, "runs_on_demand", False):
        graph = graph.outer_graph
    return graph is None


def _switch(name: str, value: bool) -> Any:
    def flip() -> None:
        _switches[name] = value

    flip.__doc__ = (
        f"Note that {name.replace('_', ' ')} {'is' if value else 'is not'} wanted.\n\n"
        "Variables are always resources and loops and branches always functions; graphs that "
        "were written otherwise are read as such."
    )
    return flip


enable_resource_variables = _switch("resource_variables", True)
disable_resource_variables = _switch("resource_variables", False)
enable_control_flow_v2 = _switch("control_flow_v2", True)
disable_control_flow_v2 = _switch("control_flow_v2", False)
enable_tensor_equality = _switch("tensor_equality", True)
disable_tensor_equality = _switch("tensor_equality", False)
enable_v2_tensorshape = _switch("v2_tensorshape", True)
disable_v2_tensorshape = _switch("v2_tensorshape", False)


def resource_variables_enabled() -> bool:
    """Whether variables that are resources were asked for last."""
    return _switches["resource_variables"]


def control_flow_v2_enabled() -> bool:
    """Whether loops and branches that are functions were asked for last."""
    return _switches["control_flow_v2"]


# -- inputs ---------------------------------------------------------------------------------


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Append an input to the graph in force.

    Raises:
        RuntimeError: no graph is being built.
    """
    if state.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return state.graph.placeholder(dtype, shape, name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """An input of the graph in force that has a value where it is not fed."""
    return call("PlaceholderWithDefault", input, shape=TensorShape(shape), name=name)


# -- collections ----------------------------------------------------------------------------


def add_to_collection(name: str, value: Any) -> None:
    """Add a value to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Add a value to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """Values of a collection of the default graph."""
    found: list[Any] = get_default_graph().get_collection(key, scope)
    return found


def get_collection_ref(key: str) -> list[Any]:
    """A collection of the default graph itself."""
    found: list[Any] = get_default_graph().get_collection_ref(key)
    return found


def global_variables(scope: str | None = None) -> list[Any]:
    """Variables of the default graph."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """Variables of the default graph that are not saved."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """Variables of the default graph that optimizers change."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """Variables of the default graph that were added as the model's."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """Variables of the default graph of which averages are kept."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


all_variables = global_variables


def variables_initializer(var_list: Iterable[Any], name: str = "init") -> Any:
    """An op that gives variables their first values; None in eager execution."""
    return _group([v.initializer for v in var_list if isinstance(v, GraphVariable)], name)


def global_variables_initializer() -> Any:
    """An op that gives all variables their first values."""
    return variables_initializer(global_variables()) if state.graph is not None else None


def local_variables_initializer() -> Any:
    """An op that gives the local variables their first values."""
    return variables_initializer(local_variables()) if state.graph is not None else None


initialize_all_variables = global_variables_initializer
initialize_local_variables = local_variables_initializer
initialize_variables = variables_initializer


def tables_initializer(name: str = "init_all_tables") -> Any:
    """An op that fills the tables of the default graph that are not filled when made."""
    if state.graph is None:
        return None
    return _group(get_collection(GraphKeys.TABLE_INITIALIZERS), name)


initialize_all_tables = tables_initializer


def is_variable_initialized(variable: Any) -> Any:
    """Tensor that says whether a variable has a value."""
    return variable.is_initialized()


def report_uninitialized_variables(
    var_list: Any = None, name: str = "report_uninitialized_variables"
) -> Any:
    """Tensor of the names of the variables without value."""
    wanted = [*global_variables(), *local_variables()] if var_list is None else list(var_list)
    if not wanted:
        return convert_to_tensor([], dtypes.string)
    missing = call("Pack", [call("LogicalNot", v.is_initialized()) for v in wanted])
    names = convert_to_tensor([v.op.name for v in wanted], dtypes.string)
    places = call("Squeeze", call("Where", missing), squeeze_dims=(1,))
    return call("GatherV2", names, places, 0, name=name)


def _group(nodes: Iterable[Any], name: str) -> Any:
    with after(nodes):
        call("NoOp", name=name)
        return state.graph.last_node()


# -- assigning ------------------------------------------------------------------------------


def assign(
    ref: Any,
    value: Any,
    validate_shape: bool | None = None,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Any:
    """Give a variable a new value."""
    return ref.assign(value, name=name)


def assign_add(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Add to a variable."""
    return ref.assign_add(value, name=name)


def assign_sub(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Subtract from a variable."""
    return ref.assign_sub(value, name=name)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """The value of a variable, which then is one more, up to a limit."""
    return call("ResourceCountUpTo", ref.handle, limit=limit, T=ref.dtype, name=name)


def _scatter(kind: str) -> Any:
    def scatter(
        ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
    ) -> Any:
        call(f"Resource{kind}", ref.handle, indices, convert_to_tensor(updates, ref.dtype))
        return ref if state.graph is None else ref.read_after(state.graph.last_node())

    scatter.__doc__ = f"Change slices of a variable, as `{kind}` does."
    return scatter


scatter_update = _scatter("ScatterUpdate")
scatter_add = _scatter("ScatterAdd")
scatter_sub = _scatter("ScatterSub")
scatter_mul = _scatter("ScatterMul")
scatter_div = _scatter("ScatterDiv")
scatter_min = _scatter("ScatterMin")
scatter_max = _scatter("ScatterMax")
scatter_nd_update = _scatter("ScatterNdUpdate")
scatter_nd_add = _scatter("ScatterNdAdd")
scatter_nd_sub = _scatter("ScatterNdSub")


# -- branches, loops, scopes ----------------------------------------------------------------


def cond(
    pred: Any,
    true_fn: Any = None,
    false_fn: Any = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Any = None,
    fn2: Any = None,
) -> Any:
    """See `tf.cond`; the branches may give ops. `fn1` and `fn2` are older names.

    Raises:
        TypeError: a branch is not callable, or the branches give different structures.
    """
    branches = true_fn if fn1 is None else fn1, false_fn if fn2 is None else fn2
    graph = state.graph
    if not getattr(graph, "runs_on_demand", False):
        return branching.cond(pred, *branches, name=name)
    before = len(graph.nodes)
    saw_op: list[bool] = []
    result = branching.cond(pred, *[_without_ops(branch, saw_op) for branch in branches])
    if result is None and saw_op:
        return _group(graph.nodes[before:], name or "cond")
    if not strict and isinstance(result, (list, tuple)) and len(result) == 1:
        return result[0]
    return result


def _without_ops(branch: Any, saw_op: list[bool]) -> Any:
    if not callable(branch):
        raise TypeError("true_fn and false_fn must be callable.")

    def plain() -> Any:
        result = branch()
        if any(isinstance(item, Node) for item in nest.flatten(result)):
            saw_op.append(True)
        if isinstance(result, Node):
            return None
        return nest.map_structure(lambda item: None if isinstance(item, Node) else item, result)

    return plain


def case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """See `tf.case`."""
    return branching.case(pred_fn_pairs, default, exclusive, strict, name)


def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """See `tf.while_loop`; one loop variable comes back alone."""
    result = branching.while_loop(
        cond,
        body,
        loop_vars,
        shape_invariants=shape_invariants,
        parallel_iterations=parallel_iterations,
        maximum_iterations=maximum_iterations,
    )
    alone = not return_same_structure and isinstance(result, (list, tuple)) and len(result) == 1
    return result[0] if alone else result


def control_dependencies(control_inputs: Any) -> Any:
    """Run what is made inside after some tensors, ops and variables."""
    if state.graph is None:
        return _nothing()
    return after(None if control_inputs is None else [c for c in control_inputs if _runs(c)])


def _runs(item: Any) -> bool:
    if item is None:
        return False
    return isinstance(item, (Symbol, Node, GraphVariable)) or not isinstance(item, Variable)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def device(device_name_or_function: Any) -> Iterator[None]:
    """Accept where nodes are to run; a graph runs in one place."""
    yield


def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    """Accept which op those inside are to run beside."""
    return _nothing()


def container(container_name: str) -> Any:
    """Accept a name for the resources made inside."""
    return _nothing()
