"""A graph that can be called on tensors and differentiated."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.tensor_shape import TensorShape
from penstock.graph.lower import Program
from penstock.graph.symbol import Node, Symbol
from penstock.graph.varying_sizes import VaryingSizes
from penstock.ops.tensor_list import ItemList
from penstock.runtime import dispatch
from penstock.runtime.backprop import Record, backprop, dense, is_differentiable
from penstock.runtime.context import state
from penstock.runtime.gradient_path import Step, explain, stop_of
from penstock.runtime.tape import GradientTape, record_custom
from penstock.runtime.tensor import wrap


@dataclass(slots=True, eq=False)
class _Backward:
    """The way back through a graph, for gradients with respect to some inputs.

    The forward function gives, after the outputs, the intermediate tensors that the backward
    function takes before the gradients of the outputs.
    """

    forward_function: GraphFunction
    intermediates: list[Symbol]
    given: list[int]
    function: GraphFunction
    extra: list[Any]
    structure: list[Any]
    wrt: list[int]


# What gives the tape of a node, see `taped_run`.
TAPES: list[Callable[[Node], Symbol]] = []


class GraphFunction:
    """Inputs, outputs and the nodes between them, callable on a flat list of tensors.

    Args:
        graph: the graph that the nodes belong to.
        inputs: symbols that are given values, in the order of the arguments.
        outputs: symbols whose values are returned.
        nodes: nodes in the order of their side effects.
        jit_compile: whether running a node on the host is an error.
        name: name for messages.
        lists_on_host: whether ops on tensor lists run on the host, and gradients flow through
            the lists that come in and go out.
    """

    def __init__(
        self,
        graph: Any,
        inputs: Sequence[Symbol],
        outputs: Sequence[Symbol],
        nodes: Sequence[Node],
        *,
        jit_compile: bool = False,
        name: str = "function",
        lists_on_host: bool = False,
    ) -> None:
        self.graph = graph
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.nodes = list(nodes)
        self.name = name
        self._jit_compile = jit_compile
        self._lists = lists_on_host
        self.program = Program(
            self.inputs,
            self.outputs,
            self.nodes,
            jit_compile=jit_compile,
            name=name,
            lists_on_host=lists_on_host,
        )
        self._marked = [
            symbol.dtype if symbol.dtype.np == object or symbol.dtype.is_quantized else None
            for symbol in self.outputs
        ]
        self._sizes: VaryingSizes | None = None
        if not jit_compile and VaryingSizes.fits(self.inputs, self.program.nodes):
            self._sizes = VaryingSizes(self.inputs, self.outputs, self.program.nodes)
        self._backwards: dict[tuple[int, ...], _Backward] = {}
        self._lock = threading.Lock()

    def __call__(self, tensors: Sequence[Any]) -> list[Any]:
        """Run on tensors; inside another graph, write the nodes down there instead."""
        if state.graph is not None:
            return self.inline(tensors)
        recorders = state.recorders
        # Every recorder is asked: asking has effects.
        if recorders and any([recorder.wants(tensors) for recorder in recorders]):  # noqa: C419
            return self._call_recorded(tensors)
        values = self.run_values([tensor._value for tensor in tensors])
        return [wrap(value, mark) for value, mark in zip(values, self._marked, strict=True)]

    def run_values(self, values: Sequence[Any]) -> Sequence[Any]:
        """Run on bare values, outside of graphs and tapes, and give bare values."""
        results = None if self._sizes is None else self._sizes.run(values)
        return self.program.run(values) if results is None else results

    def programs(self) -> list[Program]:
        """The graph's programs: the plain one, and those forward and back for tapes."""
        found = [self.program]
        for back in list(self._backwards.values()):
            found += [back.forward_function.program, back.function.program]
        return found

    # -- inside another graph --------------------------------------------------------------

    def inline(self, tensors: Sequence[Any]) -> list[Any]:
        """Write the nodes into the graph in force and return the outputs there."""
        env: dict[int, Any] = {
            id(symbol): tensor for symbol, tensor in zip(self.inputs, tensors, strict=True)
        }
        for node in self.program.nodes:
            if node.row.name == "Placeholder":
                continue
            if node.row.name == "Const":
                env[id(node.outputs[0])] = state.graph.constant(
                    node.attrs["value"], node.outputs[0].dtype, "Const"
                )
                continue
            attrs = dict(node.attrs)
            if attrs.get("forward") is not None:
                moved = env.get(id(attrs["forward"].outputs[0]))
                attrs["forward"] = moved.op if isinstance(moved, Symbol) else None
            inputs = [env[id(symbol)] for symbol in node.inputs]
            result = dispatch.apply(
                node.row, inputs, attrs, None if node.lengths is None else list(node.lengths)
            )
            flat = nest.flatten(result) if node.outputs else []
            for symbol, value in zip(node.outputs, flat, strict=True):
                env[id(symbol)] = value
                if isinstance(value, Symbol) and symbol.shape.rank is not None:
                    value.set_shape(symbol.shape)
            _move_custom_rule(node, env)
            if node.tape is not None:
                env[id(node.tape)] = TAPES[0](env[id(node.outputs[0])].op)
        return [env[id(symbol)] for symbol in self.outputs]

    # -- gradients -------------------------------------------------------------------------

    def _call_recorded(self, tensors: Sequence[Any]) -> list[Any]:
        wrt = tuple(
            i
            for i, tensor in enumerate(tensors)
            if is_differentiable(tensor.dtype)
            and (tensor.dtype is not dtypes.resource or hasattr(tensor, "variable_shape"))
            and (self._lists or tensor.dtype is not dtypes.variant)
        )
        for recorder in state.recorders:
            for tensor in tensors:
                if tensor.dtype is dtypes.resource:
                    recorder.watch_handle(tensor)
        back = self._backward(wrt)
        values = back.forward_function.program.run([tensor._value for tensor in tensors])
        count = len(self.outputs)
        outputs = [
            wrap(value, mark) for value, mark in zip(values[:count], self._marked, strict=True)
        ]
        kept = [
            wrap(value, _mark(symbol))
            for value, symbol in zip(values[count:], back.intermediates, strict=True)
        ]

        def rule(_: Any, *gradients: Any) -> list[Any]:
            own, through = gradients[: len(outputs)], gradients[len(outputs) :]
            if all(gradient is None for gradient in through):
                return self._pull_back(back, kept, outputs, own, len(tensors))
            return _pull_back_all(back.forward_function, tensors, gradients)

        rule.inside = self._explain  # type: ignore[attr-defined]
        rule.name = self.name  # type: ignore[attr-defined]
        # The intermediate tensors are outputs for outer tapes: second derivatives flow through
        # what the first ones were computed from.
        record_custom(tensors, [*outputs, *kept], rule)
        return outputs

    def _explain(self, source: int, target: int) -> str | None:
        """Why no gradient flows from an output back to an input; None where one does."""
        if target >= len(self.outputs):
            return None
        steps = [_step_of(node) for node in self.nodes]
        verdict, text = explain(steps, id(self.outputs[target]), id(self.inputs[source]))
        if verdict == "joined":
            return None
        return text or "the result is not made of it"

    def _pull_back(
        self,
        back: _Backward,
        kept: list[Any],
        outputs: list[Any],
        gradients: Sequence[Any],
        count: int,
    ) -> list[Any]:
        results: list[Any] = [None] * count
        if all(gradient is None for gradient in gradients):
            return results
        seeds = []
        for i in back.given:
            gradient = gradients[i]
            if gradient is None:
                gradient = _zeros_like(outputs[i])
            seeds.append(dense(gradient))
        flat = back.function([*kept, *seeds, *back.extra])
        packed = nest.pack_sequence_as(back.structure, flat, expand_composites=True)
        for i, gradient in zip(back.wrt, packed, strict=True):
            results[i] = gradient
        return results

    def _backward(self, wrt: tuple[int, ...]) -> _Backward:
        found = self._backwards.get(wrt)
        if found is None:
            with self._lock:
                found = self._backwards.get(wrt)
                if found is None:
                    found = self._backwards[wrt] = self._make_backward(wrt)
        return found

    def _make_backward(self, wrt: tuple[int, ...]) -> _Backward:
        """Write the way back down after the graph's own nodes, and cut it off there."""
        graph = self.graph
        saved = graph.nodes, graph.inputs, graph._captures
        graph.nodes, graph.inputs = list(graph.nodes), list(graph.inputs)
        graph._captures = dict(graph._captures)
        before, known = len(graph.nodes), {id(symbol) for symbol in graph.inputs}
        try:
            with graph.as_default():
                records = [record_of(node) for node in self.nodes]
                given = [
                    i
                    for i, symbol in enumerate(self.outputs)
                    if is_differentiable(symbol.dtype)
                    and symbol.dtype is not dtypes.resource
                    and (self._lists or symbol.dtype is not dtypes.variant)
                ]
                seeds = [
                    graph.placeholder(self.outputs[i].dtype, self.outputs[i].shape)
                    for i in given
                ]
                results = backprop(
                    records,
                    [self.outputs[i] for i in given],
                    seeds,
                    [self.inputs[i] for i in wrt],
                )
            pairs = [(i, r) for i, r in zip(wrt, results, strict=True) if r is not None]
            structure = [result for _, result in pairs]
            outputs = [
                graph.capture(tensor)
                for tensor in nest.flatten(structure, expand_composites=True)
            ]
            nodes = graph.nodes[before:]
            seed_ids = {id(seed) for seed in seeds}
            extra = [
                (external, internal)
                for external, internal in graph._captures.values()
                if id(internal) not in known and internal.graph_node.row.name == "Placeholder"
            ]
        finally:
            graph.nodes, graph.inputs, graph._captures = saved
        own = {id(node) for node in nodes}
        crossing: dict[int, Symbol] = {}
        for symbol in [*(s for node in nodes for s in node.inputs), *outputs]:
            inside = id(symbol.graph_node) in own or id(symbol) in seed_ids
            if not inside and symbol.graph_node.row.name != "Const":
                crossing[id(symbol)] = symbol
        constants = _constants_of(nodes, outputs, own)
        intermediates = list(crossing.values())
        return _Backward(
            GraphFunction(
                graph,
                self.inputs,
                [*self.outputs, *intermediates],
                self.nodes,
                jit_compile=self._jit_compile,
                name=self.name,
                lists_on_host=self._lists,
            ),
            intermediates,
            given,
            GraphFunction(
                graph,
                [*intermediates, *seeds, *(internal for _, internal in extra)],
                outputs,
                [*constants, *nodes],
                name=f"{self.name} (gradient)",
                lists_on_host=self._lists,
            ),
            [external for external, _ in extra],
            structure,
            [i for i, _ in pairs],
        )


def _pull_back_all(
    function: GraphFunction, tensors: Sequence[Any], gradients: Sequence[Any]
) -> list[Any]:
    """Gradients of all outputs of a function, which is run again for them."""
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(
            [
                t
                for t in tensors
                if is_differentiable(t.dtype)
                and (function._lists or t.dtype is not dtypes.variant)
            ]
        )
        outputs = function(tensors)
    pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
    result: list[Any] = tape.gradient(
        [output for output, _ in pairs],
        list(tensors),
        output_gradients=[gradient for _, gradient in pairs],
    )
    return result


def _step_of(node: Node) -> Step:
    stops = ""
    flows = any(is_differentiable(symbol.dtype) for symbol in node.outputs)
    if node.custom_record is None and not (node.row.differentiable and flows):
        kinds = [symbol.dtype for symbol in node.inputs]
        stops = stop_of(node.row.name, kinds, [symbol.dtype for symbol in node.outputs])
    inputs, outputs = node.inputs, node.outputs
    if node.custom_record is not None and node.custom_record[2] is not None:
        inputs, outputs = node.custom_record[0], node.custom_record[1]
    return Step(
        node.row.name,
        tuple(id(symbol) for symbol in inputs),
        tuple(id(symbol) for symbol in outputs),
        stops,
        node.where,
    )


def _zeros_like(tensor: Any) -> Any:
    return (
        zero_list(tensor)
        if tensor.dtype is dtypes.variant
        else dispatch.call("ZerosLike", tensor)
    )


def zero_list(tensor: Any) -> Any:
    """A list as long as another, of elements that were never set: a gradient of zeros."""
    value = tensor._value
    length = len(value.items()) if hasattr(value, "items") else 0
    dtype = getattr(value, "element_dtype", np.float32)
    return wrap(ItemList((None,) * length, dtype, TensorShape(None)), dtypes.variant)


def _constants_of(
    nodes: Sequence[Node], outputs: Sequence[Symbol], own: set[int]
) -> list[Node]:
    """Constants of the forward part that the backward part uses too."""
    found: dict[int, Node] = {}
    for symbol in [*(s for node in nodes for s in node.inputs), *outputs]:
        node = symbol.graph_node
        if id(node) not in own and node.row.name == "Const":
            found[id(node)] = node
    return list(found.values())


def record_of(node: Node) -> Record:
    """A node as a record that can be differentiated."""
    custom = node.custom_record
    if custom is None:
        return Record(node.row, node.attrs, node.inputs, node.outputs, node.lengths, None, node)
    inputs, outputs, rule = custom
    if rule is None:
        return Record(None, {}, (), (), None, None, node)
    return Record(None, {}, tuple(inputs), tuple(outputs), None, rule, node)


def _move_custom_rule(node: Node, env: dict[int, Any]) -> None:
    custom = node.custom_record
    moved = env[id(node.outputs[0])] if node.outputs else None
    if custom is not None and isinstance(moved, Symbol):
        inputs, outputs, rule = custom
        moved.graph_node.custom_record = (
            [env[id(symbol)] for symbol in inputs],
            [env.get(id(symbol), symbol) for symbol in outputs],
            rule,
        )


def _mark(symbol: Symbol) -> Any:
    return symbol.dtype if symbol.dtype.np == object or symbol.dtype.is_quantized else None
