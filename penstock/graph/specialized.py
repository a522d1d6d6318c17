"""Segments that are compiled for the values of some inputs.

With `jit_compile=True` nothing may run on the host. Where XLA wants a size as a constant and it
comes from an argument, that argument is given as a constant, and each of its values has a
computation of its own, as in TensorFlow.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.graph.compiled import CompiledSegment
from penstock.graph.partition import Segment
from penstock.graph.symbol import Node, Symbol
from penstock.graph.tracing import EMBED_LIMIT

# Computations that are kept for the latest values.
_KEPT = 64


def arguments_behind(node: Node, inputs: Sequence[Symbol]) -> list[Symbol]:
    """The inputs of a program on which what `node` must know can depend."""
    names = {id(symbol): symbol for symbol in inputs}
    positions = node.row.flat_constants(node.attrs, node.lengths)
    stack = [node.inputs[i] for i in positions] or list(node.inputs)
    found: dict[int, Symbol] = {}
    seen: set[int] = set()
    while stack:
        symbol = stack.pop()
        if id(symbol) in seen:
            continue
        seen.add(id(symbol))
        if id(symbol) in names:
            if symbol.dtype.name not in ("resource", "variant", "string"):
                found[id(symbol)] = symbol
            continue
        # A shape is known without the values.
        if symbol.graph_node.row.name not in ("Shape", "ShapeN", "Size", "Rank"):
            stack.extend(symbol.graph_node.inputs)
    return list(found.values())


class SpecializedSegment:
    """A segment with one computation for each value of some of its inputs.

    Args:
        segment: the nodes.
        constants: values of constants by id of their symbol.
        arguments: ids of the inputs whose values are compiled in.
    """

    def __init__(
        self, segment: Segment, constants: dict[int, Any], arguments: frozenset[int]
    ) -> None:
        self.segment = segment
        self._constants = constants
        self._arguments = [id(each) for each in segment.inputs if id(each) in arguments]
        self._compiled: OrderedDict[Any, CompiledSegment] = OrderedDict()

    def run(self, env: dict[int, Any]) -> None:
        """Run on the values in `env` and put the outputs there."""
        values = {name: np.asarray(env[name]) for name in self._arguments}
        small = {name: value for name, value in values.items() if value.size <= EMBED_LIMIT}
        key = tuple((name, v.shape, v.dtype.str, v.tobytes()) for name, v in small.items())
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = CompiledSegment(self.segment, {**self._constants, **small})
            self._compiled[key] = compiled
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(key)
        compiled.run(env)
