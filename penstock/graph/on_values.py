"""Ops on variables as ops on values: what they become inside branches and loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.core.tensor_shape import TensorShape
from penstock.graph.symbol import Node, Symbol
from penstock.ops.grad import flat_outputs
from penstock.ops.table import REQUIRED, TYPE_LIST, host_kernel, lookup, op
from penstock.runtime.dispatch import call


def _constants(attrs: Mapping[str, Any]) -> tuple[int, ...]:
    return lookup(attrs["op"]).flat_constants(attrs["op_attrs"], attrs["lengths"])


def _shapes(*_: Any, output_shapes: Any, **__: Any) -> Any:
    return tuple(TensorShape(shape) for shape in output_shapes)


@op(
    "_OnValues",
    inputs=("input: Tin",),
    outputs=("output: Tout",),
    attrs={
        "op": REQUIRED,
        "op_attrs": REQUIRED,
        "lengths": None,
        "output_shapes": (),
        "Tin": TYPE_LIST,
        "Tout": TYPE_LIST,
    },
    kernel="device",
    constant_rule=_constants,
    shape=_shapes,
)
def on_values(
    input: Sequence[Any], *, op: str, op_attrs: dict[str, Any], lengths: Any, **_: Any
) -> tuple[Any, ...]:
    """What an op on variables gives, followed by the new values of those that it assigns.

    Shape: input [...] of the op, values for variables -> output [...].
    """
    row = lookup(op)
    packed = row.pack(list(input), lengths) if row.has_list_input else input
    return flat_outputs((row.device or row.host)(*packed, **op_attrs))  # type: ignore[misc]


@host_kernel("_OnValues")
def on_values_host(
    input: Sequence[Any], *, op: str, op_attrs: dict[str, Any], lengths: Any, **_: Any
) -> tuple[Any, ...]:
    """The same by numpy."""
    row = lookup(op)
    packed = row.pack(list(input), lengths) if row.has_list_input else input
    return flat_outputs((row.host or row.device)(*packed, **op_attrs))  # type: ignore[misc]


def write_down(node: Node, values: dict[int, Any]) -> tuple[list[Symbol], list[Symbol]]:
    """Write an op on variables down as one on values, in the graph in force.

    Args:
        node: the op.
        values: values of its variables, by the position of the input.

    Returns:
        Its outputs, and the new values of the variables that it assigns.
    """
    row = node.row
    inputs = [values.get(i, symbol) for i, symbol in enumerate(node.inputs)]
    written = [values[i] for i in row.write_positions]
    results = call(
        "_OnValues",
        inputs,
        op=row.name,
        op_attrs=dict(node.attrs),
        lengths=node.lengths,
        output_shapes=tuple(
            [symbol.shape for symbol in node.outputs] + [value.shape for value in written]
        ),
        Tout=tuple(
            [symbol.dtype for symbol in node.outputs] + [value.dtype for value in written]
        ),
    )
    count = len(node.outputs)
    return list(results[:count]), list(results[count:])
