"""Gradients of branches and loops that must run on the host, round by round.

A loop whose number of rounds is not known when compiling cannot be run backwards by compiled
code. Here it is run again under a tape, each round as one recorded function; then the tape is
walked back. As everything on the way is recorded, gradients of gradients come out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.graph.bodies import Body
from penstock.graph.graph_function import GraphFunction, zero_list
from penstock.graph.lower import HOST_RULES
from penstock.graph.symbol import Node
from penstock.graph.vectorized import row_by_row
from penstock.ops.table import OpDef, lookup
from penstock.runtime import dispatch
from penstock.runtime.backprop import dense
from penstock.runtime.context import graph_scope, not_recording
from penstock.runtime.tape import GradientTape
from penstock.runtime.tensor import wrap

_WHILES = frozenset({"While", "StatelessWhile"})
_IFS = frozenset({"If", "StatelessIf"})
_CASES = frozenset({"Case", "StatelessCase"})
_CONTROL = _WHILES | _IFS | _CASES | {"_MapRows"}


def _needs_tape(op: str, attrs: dict[str, Any]) -> bool:
    """Whether the gradient of an op is found here: it runs bodies."""
    if op == "_VJP":
        return _needs_tape(attrs["op"], attrs["op_attrs"])
    return op in _CONTROL


def gradient_on_host(node: Node, values: Sequence[Any]) -> Sequence[Any] | None:
    """Outputs of a `_VJP` node of a branch or loop; None of any other."""
    attrs = node.attrs
    if not _needs_tape(attrs["op"], attrs["op_attrs"]):
        return None
    with graph_scope(None), not_recording():
        tensors = [
            wrap(value, symbol.dtype if _is_handle(symbol.dtype) else None)
            for value, symbol in zip(values, node.inputs, strict=True)
        ]
        return [result._value for result in _pull_back(tensors, attrs)]


def _is_handle(dtype: Any) -> bool:
    return dtype.np == object or dtype in (dtypes.variant, dtypes.resource)


def _pull_back(tensors: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
    """What a `_VJP` gives for eager tensors, by ops that outer tapes record."""
    row = lookup(attrs["op"])
    given, wrt = attrs["given"], attrs["wrt"]
    count = len(tensors) - len(given)
    inputs, seeds = list(tensors[:count]), list(tensors[count:])
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([inputs[i] for i in wrt])
        outputs = run_op(row, inputs, attrs["op_attrs"], attrs["lengths"])
    results = tape.gradient(
        [outputs[i] for i in given], [inputs[i] for i in wrt], output_gradients=seeds
    )
    return [
        zeros_like(inputs[i]) if result is None else dense(result)
        for i, result in zip(wrt, results, strict=True)
    ]


def zeros_like(tensor: Any) -> Any:
    """Zeros, or a list of elements that were never set."""
    if tensor.dtype is dtypes.variant:
        return zero_list(tensor)
    return dispatch.call("ZerosLike", tensor)


def run_op(
    row: OpDef,
    inputs: Sequence[Any],
    attrs: dict[str, Any],
    lengths: Sequence[int | None] | None,
) -> Sequence[Any]:
    """Run an op so that the tapes in force see what it is made of."""
    if row.name == "_VJP":
        return _pull_back(inputs, attrs)
    if row.name in _WHILES:
        test, step = _function_of(attrs["cond"]), _function_of(attrs["body"])
        values = list(inputs)
        while _truth(test(values)[0]):
            values = step(values)
        return values
    if row.name in _IFS:
        name = "then_branch" if _truth(inputs[0]) else "else_branch"
        return _function_of(attrs[name])(list(inputs[1:]))
    if row.name in _CASES:
        branches = attrs["branches"]
        number = int(np.asarray(inputs[0]._value).reshape(()))
        chosen = branches[number if 0 <= number < len(branches) else -1]
        return _function_of(chosen)(list(inputs[1:]))
    if row.name == "_MapRows":
        count = (lengths or [0])[0] or 0
        return row_by_row(inputs[:count], inputs[count:], attrs["body"])
    result = dispatch.apply(
        row, list(inputs), attrs, None if lengths is None else list(lengths)
    )
    return result if isinstance(result, (list, tuple)) else [result]


def _truth(tensor: Any) -> bool:
    return bool(np.asarray(tensor._value).reshape(-1)[0])


def _function_of(body: Body) -> GraphFunction:
    """A body as a function that can be differentiated; kept with it."""
    function: GraphFunction | None = body.function
    if function is None:
        function = body.function = GraphFunction(
            body.graph,
            body.inputs,
            body.outputs,
            body.nodes,
            name=body.name,
            lists_on_host=True,
        )
    return function


HOST_RULES["_VJP"] = gradient_on_host
