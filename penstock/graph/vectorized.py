"""A function applied to all rows at once: the node behind `tf.vectorized_map` and Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.tensor_shape import TensorShape
from penstock.graph.bodies import Body, Variables, inputs_for, join_captures
from penstock.graph.control_flow import refuse_own_gradients, run_checked
from penstock.graph.func_graph import FuncGraph
from penstock.graph.graph_function import GraphFunction
from penstock.graph.rounds import rounds_of
from penstock.graph.tensor_array import TensorArray
from penstock.ops import checks
from penstock.ops.checks import NeedsValueError
from penstock.ops.table import REQUIRED, TYPE_LIST, host_kernel, op
from penstock.ops.tensor_list import ItemList, TensorList
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

# Ops whose bodies choose or repeat: vectorised, they would do for each row what one row needs.
_CONTROL = frozenset({"StatelessIf", "StatelessCase", "StatelessWhile"})


def map_rows(fn: Callable[..., Any], elems: Any) -> Any:
    """Write a node down that applies `fn` to the rows of `elems`.

    Args:
        fn: function of one row.
        elems: nest of tensors [n, ...].

    Returns:
        What `fn` gives for each row, stacked; None where it must run row by row, because it
        has effects or gives what cannot be stacked.
    """
    flat = [state.graph.capture(convert_to_tensor(elem)) for elem in nest.flatten(elems)]
    graph = FuncGraph("map_rows")
    graph.is_body = True
    graph.scope_around = state.graph.inner_scope("loop_body")
    with graph.as_default():
        rows = [graph.placeholder(symbol.dtype, symbol.shape[1:], "row") for symbol in flat]
        result = fn(nest.pack_sequence_as(elems, rows))
        leaves = nest.flatten(result)
        if any(isinstance(leaf, (CompositeTensor, TensorArray)) for leaf in leaves):
            return None
        ends = [graph.capture(convert_to_tensor(leaf)) for leaf in leaves]
    if not ends or any(end.dtype.np == object for end in ends):
        return None
    if any(node.row.stateful and not node.row.variable_positions for node in graph.nodes):
        return None
    variables = Variables([graph])
    if variables.written:
        return None
    read = variables.read_outside()
    variables.replace(graph, read)
    ends = variables.resolve(ends)
    own = graph.inputs[len(graph.inputs) - len(read) :] if read else []
    externals = join_captures([graph])
    graph.inputs = [*rows, *inputs_for(graph, externals), *own]
    count = flat[0].shape[0]
    outputs = call(
        "_MapRows",
        flat,
        [*externals, *read.values()],
        body=Body(graph, ends),
        output_shapes=tuple(TensorShape([count]).concatenate(end.shape) for end in ends),
        Tout=tuple(end.dtype for end in ends),
    )
    return nest.pack_sequence_as(result, list(outputs))


def _shapes(*_: Any, output_shapes: Any, **__: Any) -> Any:
    return tuple(TensorShape(shape) for shape in output_shapes)


@op(
    "_MapRows",
    inputs=("rows: Trows", "captures: Tcaptures"),
    outputs=("output: Tout",),
    attrs={
        "body": REQUIRED,
        "output_shapes": (),
        "Trows": TYPE_LIST,
        "Tcaptures": TYPE_LIST,
        "Tout": TYPE_LIST,
    },
    kernel="device",
    shape=_shapes,
)
def map_rows_on_device(rows: Any, captures: Any, *, body: Body, **_: Any) -> Any:
    """What the body gives for each row.

    Shape: rows [n, ...], captures [...] -> output [n, ...].
    """
    refuse_own_gradients(body)

    def one(*row: Any) -> tuple[list[Any], Any]:
        outputs, flag = run_checked(body, [*row, *captures])
        if any(isinstance(each, (ItemList, TensorList)) for each in outputs):
            raise NeedsValueError("lists of tensors cannot be stacked")
        return [jnp.asarray(each) for each in outputs], flag

    collector = checks.current_collector()
    known = 0 if collector is None else len(collector.causes)
    parts = [jnp.asarray(part) for part in rows]
    if any(node.row.name in _CONTROL for node in body.nodes):
        outputs, flags = jax.lax.map(lambda row: one(*row), parts)
    else:
        outputs, flags = jax.vmap(one)(*parts)
    if collector is not None and len(collector.causes) > known and parts[0].shape[0]:
        first = jnp.argmax(flags[0] != 0)
        collector.add_flag((flags[0][first], flags[1][first]))
    return tuple(outputs)


@host_kernel("_MapRows")
def map_rows_on_host(
    rows: Any, captures: Any, *, body: Body, output_shapes: Any, **_: Any
) -> Any:
    """What the body gives for each row, run one after the other."""
    results = [
        rounds_of(body).run([*(part[i] for part in rows), *captures])
        for i in range(rows[0].shape[0])
    ]
    if not results:
        return tuple(
            np.zeros([size or 0 for size in TensorShape(shape).as_list()], end.dtype.np)
            for shape, end in zip(output_shapes, body.outputs, strict=True)
        )
    return tuple(np.stack([np.asarray(v) for v in each]) for each in zip(*results, strict=True))


def row_by_row(rows: Sequence[Any], captures: Sequence[Any], body: Body) -> list[Any]:
    """What the body gives for each row, by ops that tapes see."""
    function: GraphFunction | None = body.function
    if function is None:
        function = body.function = GraphFunction(
            body.graph, body.inputs, body.outputs, body.nodes, name=body.name
        )
    results = [
        function([*(call("GatherV2", part, i, 0) for part in rows), *captures])
        for i in range(rows[0].shape[0])
    ]
    return [call("Pack", list(each), axis=0) for each in zip(*results, strict=True)]
