"""What a graph computes from its variables alone, computed once for each of their values.

Inference asks the same weights for the same things at every call: the factor of a batch
normalization, a filter times that factor. Where a segment changes no state, the nodes that
depend on nothing but variables and constants are taken out of what XLA compiles and run by
their numpy kernels when a variable has a value that was not seen before.

A factor for each channel that follows a convolution or a product of matrices is one of its
weights then: `(x * w) * s` becomes `x * (w * s)`, and what was between, a bias, is multiplied
as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.tensor_shape import TensorShape
from penstock.graph.dense_convolution import DENSE_ROW, dense_form
from penstock.graph.partition import Segment, is_free, root
from penstock.graph.symbol import Node, Symbol
from penstock.graph.tracing import EMBED_LIMIT, place_of
from penstock.ops.lowering import (
    DENSE_CONVOLUTION,
    PREPARED_VALUES,
    SCALED_WEIGHTS,
    Rule,
    applies,
    at,
)
from penstock.ops.table import lookup
from penstock.runtime.eager import as_tuple
from penstock.runtime.quiet import quietly

# What is given, and changes of form, which cost a computation nothing.
_FORMS = frozenset({"Const", "ReadVariableOp", "Identity", "Reshape", "Squeeze", "ExpandDims"})
# Ops whose second input has the channels of the output as its last axis, or its last two.
_WEIGHTED = {"Conv2D": 1, "Conv3D": 1, "MatMul": 1, "DepthwiseConv2dNative": 2}
_SUMS = frozenset({"BiasAdd", "AddV2", "Add"})
_NORMALIZATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_FLOATS = frozenset({"float32", "float64"})
# How many times the memory of the variables the values may take.
_GROWTH = 2
# Elements below which nothing is gained by having them ready.
_FEW = 1 << 12

Values = Mapping[int, Any]
Maker = Callable[[Values], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A factor that has become one of the weights of a node."""

    node: Node
    factor: str


class Preparation:
    """A segment in two parts: what needs its variables only, and the rest.

    Args:
        nodes: the rest, in order.
        made: symbols that the first part gives to the rest.
        folds: factors that have become weights.
        makers: how the values of the first part are made, in order, and ids of their symbols.
        kept: variables that the rest reads.
        sources: variables that the first part reads.
        large: large constants that it takes.
    """

    def __init__(
        self,
        nodes: list[Node],
        made: list[Symbol],
        folds: list[Fold],
        makers: list[tuple[tuple[int, ...], Maker]],
        kept: list[Symbol],
        sources: list[Symbol],
        large: list[Symbol],
    ) -> None:
        self.nodes = nodes
        self.made = made
        self.folds = folds
        self.kept = kept
        self.sources = sources
        self._large = large
        self._makers = makers

    def values(self, variables: Values, constants: Values) -> list[Any] | None:
        """Run the first part.

        Args:
            variables: value of each of the `sources`, by id of the symbol.
            constants: value of each constant.

        Returns:
            The values of `made`, none of which shares memory with a variable; None if they
            would take more than twice the memory of the variables.

        Raises:
            OpError: a kernel refuses its values.
        """
        env = {name: np.asarray(value) for name, value in {**constants, **variables}.items()}
        for names, make in self._makers:
            env.update(zip(names, as_tuple(quietly(make, env)), strict=True))
        most = sum(env[id(source)].nbytes for source in (*self.sources, *self._large))
        found = [np.array(env[id(symbol)]) for symbol in self.made]
        if sum(value.nbytes for value in found) > max(_GROWTH * most, _FEW):
            return None
        return found

    def note_rules(self) -> None:
        """Tell who asks, while the rest is traced, which rules made it."""
        count = len(self.made)
        applies(PREPARED_VALUES, True, f"{count} values of {len(self.sources)} variables")
        for fold in self.folds:
            with at(place_of(fold.node)):
                applies(SCALED_WEIGHTS, True, f"by the factor of {fold.factor}")


def prepare(
    segment: Segment, constants: Values, is_on: Callable[[Rule], bool]
) -> Preparation | None:
    """Part a segment that changes no state; None where nothing is gained.

    Args:
        segment: what is to be compiled.
        constants: values of constants, by id of the symbol.
        is_on: whether a rule may be followed.
    """
    if not is_on(PREPARED_VALUES):
        return None
    if any(node.row.name == "_VJP" or node.tape is not None for node in segment.nodes):
        return None
    return _Parting(segment, constants).part(
        folding=is_on(SCALED_WEIGHTS), dense=is_on(DENSE_CONVOLUTION)
    )


class _Parting:
    def __init__(self, segment: Segment, constants: Values) -> None:
        self._segment = segment
        self._constants = constants
        self._outputs = {id(symbol) for symbol in segment.outputs}
        self._users: dict[int, list[Node]] = {}
        for node in segment.nodes:
            for symbol in node.inputs:
                self._users.setdefault(id(symbol), []).append(node)
        self._known: set[int] = set()
        self._varying: set[int] = set()
        self._makers: dict[int, tuple[tuple[int, ...], Maker, tuple[Symbol, ...]]] = {}
        for node in segment.nodes:
            self._classify(node)
        self._instead: dict[int, Node | None] = {}
        self._folds: list[Fold] = []

    def part(self, *, folding: bool, dense: bool) -> Preparation | None:
        """Give the two parts."""
        if folding:
            for node in self._segment.nodes:
                if node.row.name in _WEIGHTED:
                    self._fold(node)
        if dense:
            for node in self._segment.nodes:
                if node.row.name == "Conv2D":
                    self._make_dense(node)
        nodes = [self._instead.get(id(node), node) for node in self._segment.nodes]
        rest, made = self._demanded([node for node in nodes if node is not None])
        elements = sum(_size(symbol.shape) for symbol in made)
        if not self._folds and elements < _FEW:
            return None
        makers, sources, large = self._behind(made)
        reads = {id(root(node.inputs[i])) for node in rest for i in node.row.variable_positions}
        kept = [source for source in self._segment.reads if id(source) in reads]
        return Preparation(rest, made, self._folds, makers, kept, sources, large)

    # -- what depends on variables alone ---------------------------------------------------

    def _classify(self, node: Node) -> None:
        """Note whether the outputs of a node need variables and constants only."""
        row = node.row
        if row.name == "ReadVariableOp":
            source = id(root(node.inputs[0]))
            symbol = node.outputs[0]
            if symbol.shape.is_fully_defined() and symbol.dtype.np != object:
                self._note(node, lambda env: env[source], (root(node.inputs[0]),))
            return
        if (
            row.host is None
            or row.stateful
            or row.variable_positions
            or node.control_inputs
            or not node.inputs
            or not all(self._is_known(symbol) for symbol in node.inputs)
            or not all(symbol.shape.is_fully_defined() for symbol in node.outputs)
            or any(symbol.dtype.np == object for symbol in node.outputs)
        ):
            return
        given = sum(_size(symbol.shape) for symbol in node.inputs)
        if sum(_size(symbol.shape) for symbol in node.outputs) > max(given, _FEW):
            return  # cheaper to make than to keep
        names = [id(symbol) for symbol in node.inputs]
        kernel = row.host

        def make(env: Values) -> Any:
            return kernel(*row.pack([env[name] for name in names], node.lengths), **node.attrs)

        self._note(node, make, node.inputs)

    def _note(self, node: Node, make: Maker, needs: tuple[Symbol, ...]) -> None:
        names = tuple(id(symbol) for symbol in node.outputs)
        for name in names:
            self._makers[name] = (names, make, needs)
        self._known.update(names)
        if node.row.name == "ReadVariableOp" or any(self._varies(each) for each in needs):
            self._varying.update(names)

    def _is_known(self, symbol: Symbol) -> bool:
        return id(symbol) in self._known or (
            symbol.graph_node.row.name == "Const" and id(symbol) in self._constants
        )

    def _varies(self, symbol: Symbol) -> bool:
        """Whether a known symbol depends on a variable, or on a constant that is as large."""
        if id(symbol) in self._varying:
            return True
        value = self._constants.get(id(symbol))
        return value is not None and value.size > EMBED_LIMIT

    # -- factors that become weights -------------------------------------------------------

    def _fold(self, node: Node) -> None:
        """Give a node the factor that follows it, and a bias between, where that is right."""
        weights = node.inputs[1]
        channels = _channels(node)
        if channels is None or not self._is_known(weights):
            return
        chain = [node]
        between: Node | None = None
        following = self._only_user(node)
        if following is not None and following.row.name in _SUMS:
            other = _other(following, node.outputs[0])
            if other is None or not self._is_factor(other, node, channels):
                return
            if _size(other.shape) != channels:
                return
            between = following
            chain.append(following)
            following = self._only_user(following)
        if following is None:
            return
        before = chain[-1].outputs[0]
        if following.row.name == "Mul":
            factor = _other(following, before)
            if factor is None or not self._is_factor(factor, node, channels):
                return
            last = _node(following, "Identity", (before,))
            name = id(factor)
            scale: Maker = lambda env: env[name]  # noqa: E731  (a value, like the other)
            needs: tuple[Symbol, ...] = (factor,)
        elif self._is_inference_norm(following, before):
            needs = following.inputs[1:]
            scale, shift = _norm_makers(following)
            moved = self._add(following, "shift", needs[1], shift, needs)
            last = _node(following, "AddV2", (before, moved))
        else:
            return
        scaled = self._add(
            node,
            "weights",
            weights,
            lambda env: _times(env[id(weights)], scale(env), _WEIGHTED[node.row.name]),
            (weights, *needs),
        )
        self._instead[id(node)] = _node(node, node.row.name, (node.inputs[0], scaled))
        if between is not None:
            other = _other(between, node.outputs[0])
            assert other is not None
            bias = id(other)
            biased = self._add(
                between,
                "bias",
                other,
                lambda env: _times(env[bias], scale(env)),
                (other, *needs),
            )
            self._instead[id(between)] = _node(
                between, between.row.name, (node.outputs[0], biased)
            )
        self._instead[id(following)] = last
        self._folds.append(Fold(node, following.name))

    def _make_dense(self, node: Node) -> None:
        """Let a convolution of a few pixels be one product, where that is right."""
        here = self._instead.get(id(node), node)
        assert here is not None
        pixels, weights = here.inputs
        if not self._varies(weights) or weights.dtype.name not in _FLOATS:
            return
        form = dense_form(here)
        if form is None:
            return
        name = id(weights)
        matrix = self._add(
            node, "matrix", weights, lambda env: form.matrix(env[name]), (weights,), form.shape
        )
        made = Node(
            node.graph,
            node.name,
            DENSE_ROW,
            (pixels, matrix),
            dict(form.attrs),
            None,
            node.where,
        )
        made.outputs = node.outputs
        self._instead[id(node)] = made

    def _only_user(self, node: Node) -> Node | None:
        """The one node that takes the output of another, which nobody else wants."""
        symbol = node.outputs[0]
        users = self._users.get(id(symbol), [])
        if len(users) != 1 or id(symbol) in self._outputs:
            return None
        return users[0]

    def _is_factor(self, symbol: Symbol, node: Node, channels: int) -> bool:
        """Whether a known value has one number for each channel of a node, or one for all."""
        if not self._is_known(symbol) or not symbol.shape.is_fully_defined():
            return False
        if (symbol.shape.rank or 0) > (node.outputs[0].shape.rank or 0):
            return False
        *others, last = symbol.shape.as_list() or [1]
        return last in (1, channels) and all(size == 1 for size in others)

    def _is_inference_norm(self, node: Node, x: Symbol) -> bool:
        return (
            node.row.name in _NORMALIZATIONS
            and node.inputs[0] is x
            and not node.attrs["is_training"]
            and node.attrs["data_format"] in ("NHWC", "NDHWC")
            and all(self._is_known(symbol) for symbol in node.inputs[1:])
            and not any(
                self._users.get(id(symbol)) or id(symbol) in self._outputs
                for symbol in node.outputs[1:]
            )
        )

    def _add(
        self,
        node: Node,
        what: str,
        like: Symbol,
        make: Maker,
        needs: tuple[Symbol, ...],
        shape: tuple[int, ...] | None = None,
    ) -> Symbol:
        """A symbol of the first part that no node of the graph makes."""
        holder = Node(node.graph, f"{node.name}/{what}", lookup("Mul"), (), {}, None, "")
        symbol = Symbol(holder, 0, like.dtype, TensorShape(shape) if shape else like.shape)
        holder.outputs = (symbol,)
        self._note(holder, lambda env: make(env).astype(like.dtype.np, copy=False), needs)
        return symbol

    # -- the two parts ---------------------------------------------------------------------

    def _demanded(self, nodes: list[Node]) -> tuple[list[Node], list[Symbol]]:
        """The nodes of the rest, and what they take from the first part."""
        home = {id(symbol): node for node in nodes for symbol in node.outputs}
        wanted = {id(node) for node in nodes if not _is_pure(node, self._known)}
        made: dict[int, Symbol] = {}
        stack = [symbol for node in nodes if id(node) in wanted for symbol in node.inputs]
        stack.extend(self._segment.outputs)
        while stack:
            symbol = stack.pop()
            node = home.get(id(symbol))
            if self._is_made(symbol):
                made[id(symbol)] = symbol
            elif node is not None and id(node) not in wanted:
                wanted.add(id(node))
                stack.extend(node.inputs)
        # In the order of their makers, so that one program is always made of one graph.
        order = [made[name] for name in self._makers if name in made]
        return [node for node in nodes if id(node) in wanted], order

    def _is_made(self, symbol: Symbol) -> bool:
        return (
            symbol.graph_node.row.name not in _FORMS
            and id(symbol) not in self._outputs
            and id(symbol) in self._varying
        )

    def _behind(
        self, made: Iterable[Symbol]
    ) -> tuple[list[tuple[tuple[int, ...], Maker]], list[Symbol], list[Symbol]]:
        """What makes symbols, in order, and the variables and large constants it takes."""
        needed: set[int] = set()
        stack = list(made)
        sources: dict[int, Symbol] = {}
        large: dict[int, Symbol] = {}
        while stack:
            symbol = stack.pop()
            if symbol.dtype.name == "resource":
                sources[id(symbol)] = symbol
            elif symbol.graph_node.row.name == "Const" and self._varies(symbol):
                large[id(symbol)] = symbol
            elif id(symbol) not in needed and id(symbol) in self._makers:
                needed.add(id(symbol))
                stack.extend(self._makers[id(symbol)][2])
        makers = [
            (names, make)
            for name, (names, make, _) in self._makers.items()
            if name == names[0] and not needed.isdisjoint(names)
        ]
        order = {id(source): i for i, source in enumerate(self._segment.reads)}
        variables = sorted(sources.values(), key=lambda source: order[id(source)])
        return makers, variables, list(large.values())


def _is_pure(node: Node, known: set[int]) -> bool:
    return is_free(node) or all(id(symbol) in known for symbol in node.outputs)


def _size(shape: TensorShape) -> int:
    """Number of elements; 0 where it is not known."""
    return math.prod(shape.as_tuple()) if shape.is_fully_defined() else 0  # type: ignore[arg-type]


def _channels(node: Node) -> int | None:
    """Channels of the output of a node with weights; None where they are not its last axis."""
    weights, output = node.inputs[1], node.outputs[0]
    if not weights.shape.is_fully_defined() or weights.dtype.name not in _FLOATS:
        return None
    if node.row.name == "MatMul":
        plain = not any(value is True for value in node.attrs.values())
        return _size(weights.shape[-1:]) if plain else None
    if node.attrs["data_format"] not in ("NHWC", "NDHWC") or output.shape.rank is None:
        return None
    return _size(weights.shape[-_WEIGHTED[node.row.name] :])


def _other(node: Node, symbol: Symbol) -> Symbol | None:
    """The input of a node of two that is not `symbol`."""
    if node.row.name == "BiasAdd" and node.attrs["data_format"] != "NHWC":
        return None
    first: Symbol = node.inputs[0]
    second: Symbol = node.inputs[1]
    if first is symbol and second is not symbol:
        return second
    return first if second is symbol and first is not symbol else None


def _node(node: Node, op: str, inputs: Sequence[Symbol]) -> Node:
    """A node that stands for another in the rest, and gives its first output."""
    row = lookup(op)
    attrs = node.attrs if op == node.row.name else dict(row.attrs)
    made = Node(node.graph, node.name, row, inputs, attrs, None, node.where)
    made.outputs = node.outputs[:1]
    return made


def _times(values: Any, factor: Any, axes: int = 1) -> Any:
    """Weights by a factor for each of their channels, which are the last of their axes."""
    form = () if factor.size == 1 else values.shape[values.ndim - axes :]
    return values * factor.reshape(form)


def _norm_makers(node: Node) -> tuple[Maker, Maker]:
    """The factor and the shift that a batch normalization with known statistics applies."""
    scale, offset, mean, variance = (id(symbol) for symbol in node.inputs[1:])
    epsilon = node.attrs["epsilon"]

    def factor(env: Values) -> Any:
        spread = env[variance] + env[variance].dtype.type(epsilon)
        return env[scale] / np.sqrt(spread)

    def shift(env: Values) -> Any:
        return env[offset] - env[mean] * factor(env)

    return factor, shift
