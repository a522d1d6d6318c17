"""What while and for statements mean over tensors.

A body is traced once, with an input for each leaf of each symbol that it assigns. Afterwards
the values at its end are compared with those inputs: leaves that stayed as they were are no
loop variables. Only where a value turns out to lose a size is the body traced again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.function.autograph.branch import like_of
from penstock.function.autograph.iteration import Items, Range, items_of
from penstock.function.autograph.symbols import (
    GetState,
    SetState,
    State,
    blank,
    can_vary,
    check_same_structure,
    is_same,
    is_symbolic,
    is_undefined,
    leaves_of,
    packed,
)
from penstock.graph.bodies import run_loop
from penstock.graph.func_graph import FuncGraph
from penstock.graph.inference import Fact
from penstock.graph.symbol import constant_value
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

Block = Callable[[Any], None]
Test = Callable[[Any], Any]

_GUIDANCE = "Use tf.autograph.experimental.set_loop_options to set shape invariants"


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """A while statement."""
    if state.graph is None:
        while test():
            body()
        return
    start = get_state()
    with FuncGraph("condition").as_default():
        # What the first look at the condition writes down is thrown away.
        going = test()
    set_state(start)
    if is_symbolic(going):
        graph_loop(
            lambda _: test(), lambda _: body(), 0, get_state, set_state, symbol_names, opts
        )
        return
    if not going:
        return
    body()
    while_stmt(test, body, get_state, set_state, symbol_names, opts)


def for_stmt(
    iter_: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """A for statement."""
    parts = (extra_test, body, get_state, set_state, symbol_names, opts)
    if state.graph is not None and hasattr(iter_, "autograph_for"):
        iter_.autograph_for(*parts)
        return
    items = items_of(iter_)
    if items is None:
        items = _python_for(iter_, extra_test, body)
        if items is None:
            return
    over(items, *parts)


def over(
    items: Items,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """Write down a for statement over something whose items are found by their number."""

    def test(index: Any) -> Any:
        more = items.holds(index)
        if extra_test is None:
            return more
        going = extra_test()
        if going is True:
            return more
        return call("LogicalAnd", more, convert_to_tensor(going))

    graph_loop(
        test,
        lambda index: body(items.at(index)),
        0,
        get_state,
        set_state,
        symbol_names,
        opts,
    )


def _python_for(iter_: Any, extra_test: Any, body: Any) -> Any:
    """Loop over Python values.

    Returns:
        None, or what is left of a range when leaving the loop came to depend on a tensor.
    """
    if extra_test is None:
        for item in iter_:
            body(item)
        return None
    for done, item in enumerate(iter_):
        going = extra_test()
        if is_symbolic(going):
            if isinstance(iter_, range):
                rest = iter_[done:]
                return Range(convert_to_tensor(rest.start), rest.stop, rest.step)
            raise InvalidArgumentError(
                "a loop over Python values cannot be left by a condition on a tensor; loop "
                "over a tensor or tf.range instead"
            )
        if not going:
            break
        body(item)
    return None


@dataclass(slots=True)
class _Symbol:
    """One symbol of a loop, and how its leaves enter each round.

    `structure` is a value whose leaves are replaced; `shapes` has the shape of each leaf that
    is a loop variable, and None for the others.
    """

    name: str
    structure: Any
    defined: bool
    leaves: list[Any] = field(default_factory=list)
    shapes: list[TensorShape | None] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)
    changed: list[bool] = field(default_factory=list)


class _Loop:
    """Writes one loop down."""

    def __init__(
        self,
        get_state: GetState,
        set_state: SetState,
        symbol_names: Sequence[str],
        opts: dict[str, Any],
    ) -> None:
        self._get_state = get_state
        self._set_state = set_state
        self._opts = opts
        self._start = get_state()
        self._symbols = [
            self._symbol(name, value)
            for name, value in zip(symbol_names, self._start, strict=True)
        ]

    def _symbol(self, name: str, value: Any) -> _Symbol:
        symbol = _Symbol(name, value, not is_undefined(value))
        if symbol.defined:
            symbol.leaves = leaves_of(value)
            general = self._invariant(value, symbol.leaves)
            symbol.shapes = [
                _entry_shape(name, leaf, shape)
                for leaf, shape in zip(symbol.leaves, general, strict=True)
            ]
        return symbol

    def _invariant(self, value: Any, leaves: list[Any]) -> list[Any]:
        """Shapes that `set_loop_options` gives the leaves of a value, or Nones."""
        for given, wanted in self._opts.get("shape_invariants") or ():
            if given is not value:
                continue
            shapes = [getattr(item, "shape", item) for item in leaves_of(wanted)]
            if isinstance(wanted, (TensorShape, list, tuple)) and len(leaves) == 1:
                shapes = [wanted]
            if len(shapes) == len(leaves):
                return [TensorShape(shape) for shape in shapes]
        return [None] * len(leaves)

    # -- the body --------------------------------------------------------------------------

    def _enter(self, graph: FuncGraph, index: Any) -> Any:
        """Make the leaves inputs of a graph, and give the symbols these values."""
        place = graph.placeholder(index.dtype, index.shape, "index")
        values = []
        for symbol in self._symbols:
            if symbol.defined:
                symbol.inputs = [
                    leaf if shape is None else _input(graph, leaf, shape, symbol.name)
                    for leaf, shape in zip(symbol.leaves, symbol.shapes, strict=True)
                ]
                values.append(packed(symbol.structure, symbol.inputs))
            else:
                values.append(symbol.structure)
        self._set_state(tuple(values))
        return place

    def _trace_body(self, body: Block, index: Any) -> FuncGraph:
        scope = state.graph.inner_scope("while")
        while True:
            graph = FuncGraph("while_body")
            graph.scope_around = scope
            graph.is_body = True
            try:
                with graph.as_default():
                    place = self._enter(graph, index)
                    body(place)
                    ends = self._get_state()
                    following = call("AddV2", place, convert_to_tensor(1, index.dtype))
                    again = self._compare(ends)
            finally:
                self._set_state(self._start)
            if not again:
                graph.outputs = [following]
                return graph

    def _compare(self, ends: State) -> bool:
        """Compare the symbols after a round with those before it.

        Returns:
            Whether the body must be traced again because an input has to be more general.
        """
        again = False
        for symbol, end in zip(self._symbols, ends, strict=True):
            if not symbol.defined:
                _define(symbol, end)
                continue
            if symbol.structure is None and end is not None:
                _start_blank(symbol, end)
                again = True
                continue
            symbol.ends = _leaves_at_end(symbol, end)
            symbol.changed = [False] * len(symbol.ends)
            for i, value in enumerate(symbol.ends):
                before = symbol.inputs[i]
                if value is before or is_same(value, before):
                    continue
                symbol.changed[i] = True
                again |= _change(symbol, i, value)
        return again

    # -- the loop --------------------------------------------------------------------------

    def run(self, test: Test, body: Block, first_index: Any) -> None:
        """Write the loop down and give the symbols their values after it."""
        index = convert_to_tensor(first_index, dtypes.int32)
        body_graph = self._trace_body(body, index)
        slots = [
            (symbol, i)
            for symbol in self._symbols
            for i, changed in enumerate(symbol.changed)
            if changed or (symbol.defined and symbol.shapes[i] is not None)
        ]
        start = [state.graph.capture(_first_value(symbol, i)) for symbol, i in slots]
        likes = [
            Fact(value.dtype, _kept_shape(symbol, i))
            for value, (symbol, i) in zip(start, slots, strict=True)
        ]
        with body_graph.as_default():
            outputs = [body_graph.capture(_flow(symbol.ends[i])) for symbol, i in slots]
            inputs = [
                _flow(symbol.inputs[i])
                if symbol.defined
                else body_graph._placeholder(like, "unused")
                for (symbol, i), like in zip(slots, likes, strict=True)
            ]
        inputs.insert(0, body_graph.inputs[0])
        loop_inputs = {id(symbol) for symbol in inputs}
        body_graph.inputs = [
            *inputs,
            *(s for s in body_graph.inputs if id(s) not in loop_inputs),
        ]
        test_graph, going = self._trace_test(test, index, slots, likes)
        ends = run_loop(
            (test_graph, going),
            (body_graph, [*body_graph.outputs, *outputs]),
            [index, *start],
            [index.shape, *(like.shape for like in likes)],
            parallel_iterations=self._opts.get("parallel_iterations") or 10,
            maximum_iterations=_static_limit(self._opts.get("maximum_iterations")),
        )
        self._restore(slots, ends[1:], inside=False)

    def _trace_test(
        self,
        test: Test,
        index: Any,
        slots: Sequence[tuple[_Symbol, int]],
        likes: Sequence[Any],
    ) -> tuple[FuncGraph, Any]:
        graph = FuncGraph("while_cond")
        try:
            with graph.as_default():
                place = graph.placeholder(index.dtype, index.shape, "index")
                inputs = []
                for like in likes:
                    inputs.append(graph._placeholder(like, "loop_var"))
                    graph.inputs.append(inputs[-1])
                self._restore(slots, inputs, inside=True)
                going = convert_to_tensor(test(place))
                limit = self._opts.get("maximum_iterations")
                if limit is not None:
                    more = call("Less", place, convert_to_tensor(limit, index.dtype))
                    going = call("LogicalAnd", more, going)
                if going.shape.rank not in (0, None):
                    going = call("Reshape", going, np.zeros((0,), np.int32))
                going = graph.capture(going)
        finally:
            self._set_state(self._start)
        return graph, going

    def _restore(
        self, slots: Sequence[tuple[_Symbol, int]], values: Sequence[Any], *, inside: bool
    ) -> None:
        """Give the symbols their values in the condition, or after the loop."""
        given = {(id(symbol), i): v for (symbol, i), v in zip(slots, values, strict=True)}
        full = []
        for symbol, first in zip(self._symbols, self._start, strict=True):
            if not any(symbol.changed) or (inside and not symbol.defined):
                full.append(first)
                continue
            leaves = [
                _like_end(symbol.ends[i], given[id(symbol), i]) if changed else symbol.leaves[i]
                for i, changed in enumerate(symbol.changed)
            ]
            full.append(packed(symbol.structure, leaves))
        self._set_state(tuple(full))


def _entry_shape(name: str, leaf: Any, general: TensorShape | None) -> TensorShape | None:
    """Shape of a leaf in all rounds; None for what is no loop variable.

    Raises:
        ValueError: the leaf does not fit the shape that was set for it.
    """
    if not can_vary(leaf) or (isinstance(leaf, TensorLike) and not isinstance(leaf, Tensor)):
        return None
    if isinstance(leaf, TensorArray):
        return TensorShape(())
    shape = TensorShape(like_of(leaf).shape)
    if general is None:
        return shape
    if not _covers(general, shape):
        raise ValueError(
            f"'{name}' has shape {shape} before the loop, which does not conform with the "
            f"shape invariant {general}."
        )
    return general


def _input(graph: FuncGraph, leaf: Any, shape: TensorShape, name: str) -> Any:
    if isinstance(leaf, TensorArray):
        return leaf.with_flow(graph.placeholder(dtypes.variant, (), name))
    return graph.placeholder(like_of(leaf).dtype, shape, name)


def _define(symbol: _Symbol, end: Any) -> None:
    """Note what the body gives to a symbol that has no value before the loop."""
    if is_undefined(end):
        return
    leaves = leaves_of(end)
    if not all(can_vary(leaf) for leaf in leaves):
        raise ValueError(
            f"'{symbol.name}' must be defined before the loop, because it is no tensor but "
            f"{type(end).__name__}"
        )
    symbol.structure = end
    symbol.ends = [
        leaf if isinstance(leaf, TensorArray) else convert_to_tensor(leaf) for leaf in leaves
    ]
    symbol.changed = [True] * len(leaves)


def _start_blank(symbol: _Symbol, end: Any) -> None:
    """Let a symbol that is None before the loop, and a tensor after a round, enter as zeros.

    Raises:
        ValueError: it cannot be a tensor.
    """
    leaves = leaves_of(end)
    if is_undefined(end) or not all(
        can_vary(leaf) and not isinstance(leaf, TensorArray) for leaf in leaves
    ):
        raise ValueError(
            f"'{symbol.name}' is None before the loop, and must be a tensor to change in a "
            "loop over tensors; give it one before the loop"
        )
    symbol.structure = end
    shapes = [TensorShape(like_of(leaf).shape) for leaf in leaves]
    symbol.shapes = [*shapes]
    with state.graph.outer_graph.as_default():
        symbol.leaves = [
            blank(like_of(leaf).dtype, shape)
            for leaf, shape in zip(leaves, shapes, strict=True)
        ]


def _leaves_at_end(symbol: _Symbol, end: Any) -> list[Any]:
    if is_undefined(end):
        return list(symbol.inputs)
    if end is None and symbol.structure is not None:
        raise ValueError(
            f"'{symbol.name}' is None after one iteration, and must be a tensor to change in a "
            "loop over tensors"
        )
    try:
        check_same_structure(symbol.structure, end)
    except (ValueError, TypeError) as error:
        first = " ".join(str(error).split())
        raise TypeError(
            f"'{symbol.name}' does not have the same nested structure after one iteration: "
            f"{first}"
        ) from error
    return leaves_of(end)


def _change(symbol: _Symbol, i: int, value: Any) -> bool:
    """Note a leaf that is another value after a round.

    Returns:
        Whether the body must be traced again, because the leaf has to enter otherwise.
    """
    first, shape, name = symbol.leaves[i], symbol.shapes[i], symbol.name
    if first is None or value is None:
        when = "before the loop" if first is None else "after one iteration"
        raise ValueError(f"'{name}' is None {when}; give it a tensor before the loop")
    if isinstance(first, TensorArray) and isinstance(value, TensorArray):
        return False
    if not (can_vary(first) and can_vary(value)) or isinstance(value, TensorArray):
        raise TypeError(
            f"'{name}' must be a tensor to change in a loop over tensors, got "
            f"{type(value).__name__}"
        )
    if shape is None:
        # A variable that the body replaces by a tensor enters as its value.
        symbol.leaves[i] = convert_to_tensor(first)
        symbol.shapes[i] = symbol.leaves[i].shape
        return True
    before = symbol.inputs[i]
    after = symbol.ends[i] = convert_to_tensor(value)
    if after.dtype != before.dtype:
        raise TypeError(
            f"'{name}' has dtype {before.dtype.name} before the loop, but dtype "
            f"{after.dtype.name} after one iteration; cast it, or start with "
            f"{after.dtype.name}"
        )
    if _covers(shape, after.shape):
        return False
    if not shape.is_compatible_with(after.shape):
        raise ValueError(
            f"'{name}' has shape {shape} before the loop, but shape {after.shape} after one "
            f"iteration. {_GUIDANCE}."
        )
    symbol.shapes[i] = shape.most_specific_compatible_shape(after.shape)
    return True


def _covers(general: TensorShape, specific: TensorShape) -> bool:
    """Whether every shape that `specific` allows is allowed by `general`."""
    if general.rank is None:
        return True
    if specific.rank != general.rank:
        return False
    return all(
        want is None or have == want
        for want, have in zip(general.as_tuple(), specific.as_tuple(), strict=True)
    )


def _flow(leaf: Any) -> Any:
    return leaf.flow if isinstance(leaf, TensorArray) else convert_to_tensor(leaf)


def _first_value(symbol: _Symbol, i: int) -> Any:
    if symbol.defined:
        return _flow(symbol.leaves[i])
    end = symbol.ends[i]
    if isinstance(end, TensorArray):
        return TensorArray(end.dtype, size=0, dynamic_size=True).flow
    return blank(end.dtype, end.shape)


def _kept_shape(symbol: _Symbol, i: int) -> TensorShape:
    shape = symbol.shapes[i] if symbol.defined else None
    if shape is not None:
        return shape
    end = symbol.ends[i]
    return TensorShape(()) if isinstance(end, TensorArray) else TensorShape(end.shape)


def _like_end(end: Any, value: Any) -> Any:
    return end.with_flow(value) if isinstance(end, TensorArray) else value


def _static_limit(limit: Any) -> int | None:
    known = None if limit is None else constant_value(convert_to_tensor(limit))
    return None if known is None else int(known)


def graph_loop(
    test: Test,
    body: Block,
    first_index: Any,
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """Write a loop of the graph down; `test` and `body` take the number of the round."""
    _Loop(get_state, set_state, symbol_names, opts).run(test, body, first_index)
