"""Lists and tensors that a loop walks along with its counter.

A loop that reads element `i` of a list in round `i`, or writes it, need not carry the whole
list from round to round: XLA's scan hands in a row for each round and stacks what each gives.
Above all the gradient is spared a buffer of the list's size in every round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.graph.bodies import Body
from penstock.graph.symbol import Node, Symbol
from penstock.ops.tensor_list import ItemList, TensorList

Array = Any


@dataclass(slots=True)
class Streams:
    """What a loop of a known number of rounds reads and writes row by row.

    `reads` pairs the symbol of an element with the rows of all rounds; `writes` names a loop
    variable, the symbol of the element written, and the first index.
    """

    reads: list[tuple[Symbol, Array]] = field(default_factory=list)
    writes: list[tuple[int, Symbol, int]] = field(default_factory=list)
    done: set[int] = field(default_factory=set)

    def written(self) -> set[int]:
        """Positions of the loop variables that are written row by row."""
        return {position for position, _, _ in self.writes}


def find_streams(body: Body, values: Sequence[Any], count: int) -> Streams:
    """Find the reads and writes of `body` that follow a counter.

    Args:
        body: the loop's body.
        values: values of the loop variables before the first round.
        count: number of rounds.
    """
    counters = _counters(body, values)
    streams = Streams()
    if not counters:
        return streams
    places = {id(symbol): i for i, symbol in enumerate(body.inputs)}
    differentiated = {
        id(node.attrs["forward"]) for node in body.nodes if node.row.name == "_VJP"
    }
    uses = _uses(body)
    for node in body.nodes:
        if id(node) in differentiated or len(node.inputs) < 2:
            continue
        start = counters.get(id(node.inputs[1]))
        place = places.get(id(node.inputs[0]))
        if start is None or place is None:
            continue
        if node.row.name in ("TensorListGetItem", "GatherV2"):
            rows = _rows(node, body, values, place)
            if rows is not None and start >= 0 and start + count <= rows.shape[0]:
                part = jax.lax.slice_in_dim(jnp.asarray(rows), start, start + count)
                streams.reads.append((node.outputs[0], part))
                streams.done.add(id(node))
        elif node.row.name == "TensorListSetItem" and _is_last_write(node, body, place, uses):
            held = values[place]
            length = held.length if isinstance(held, TensorList) else len(held.items())
            if start >= 0 and start + count <= length:
                streams.writes.append((place, node.inputs[2], start))
                streams.done.add(id(node))
    return streams


def _counters(body: Body, values: Sequence[Any]) -> dict[int, int]:
    """Loop variables that go up by one in each round, with their known first values."""
    found: dict[int, int] = {}
    for symbol, end, value in zip(body.inputs, body.outputs, values, strict=True):
        node = end.graph_node
        if node.row.name not in ("AddV2", "Add") or not isinstance(
            value, (np.ndarray, np.generic)
        ):
            continue
        steps = [other for other in node.inputs if other is not symbol]
        if len(steps) != 1 or value.dtype.kind not in "iu" or value.ndim:
            continue
        step = steps[0].static_value
        if step is not None and step.ndim == 0 and step == 1:
            found[id(symbol)] = int(value)
    return found


def _uses(body: Body) -> dict[int, int]:
    """How often each symbol is taken in the body, its outputs included."""
    uses: dict[int, int] = {}
    for symbol in [*(s for node in body.nodes for s in node.inputs), *body.outputs]:
        uses[id(symbol)] = uses.get(id(symbol), 0) + 1
    return uses


def _rows(node: Node, body: Body, values: Sequence[Any], place: int) -> Array | None:
    """The rows that a node reads one of, when they do not change in the loop."""
    if body.outputs[place] is not body.inputs[place]:
        return None
    held = values[place]
    if node.row.name == "TensorListGetItem":
        if isinstance(held, ItemList):
            held = held.to_device()
        return held.buffer if isinstance(held, TensorList) else None
    axis = node.inputs[2].static_value
    plain = axis is not None and int(axis) == 0 and not node.attrs.get("batch_dims")
    if not plain or getattr(held, "dtype", object) == object or np.ndim(held) == 0:
        return None
    return held


def _is_last_write(node: Node, body: Body, place: int, uses: dict[int, int]) -> bool:
    """Whether a node's list is only written by it, and only leaves the loop."""
    return (
        body.outputs[place] is node.outputs[0]
        and uses[id(body.inputs[place])] == 1
        and uses[id(node.outputs[0])] == 1
    )


def put_rows(held: Any, rows: Array, start: int) -> TensorList:
    """The list `held` with `rows` in the place of its elements from `start` on."""
    if isinstance(held, ItemList):
        held = held.to_device()
    if start == 0 and rows.shape[0] == held.length:
        return TensorList(rows, held.length, held.element_dtype)
    buffer = held.buffer
    if buffer is None:
        buffer = jnp.zeros((held.length, *rows.shape[1:]), rows.dtype)
    return TensorList(
        jax.lax.dynamic_update_slice_in_dim(buffer, rows, start, 0),
        held.length,
        held.element_dtype,
    )
