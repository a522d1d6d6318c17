"""What if, while, for, and, or, not and some builtins mean when tensors take part.

The converter rewrites a function so that each of these calls an operator here. With Python
values they do what Python does; with symbolic tensors they write control flow down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from malt.operators.variables import Undefined, UndefinedReturnValue

from penstock.core import dtypes, nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.graph.branching import cond as graph_cond
from penstock.graph.branching import while_loop
from penstock.graph.func_graph import FuncGraph
from penstock.graph.symbol import Symbol
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

State = tuple[Any, ...]
GetState = Callable[[], State]
SetState = Callable[[State], None]


def is_symbolic(value: Any) -> bool:
    """Whether the truth of a value is not known yet."""
    return isinstance(value, Symbol) or (
        state.graph is not None
        and isinstance(value, TensorLike)
        and not isinstance(value, Tensor)
    )


def _is_undefined(value: Any) -> bool:
    return isinstance(value, (Undefined, UndefinedReturnValue))


def _can_vary(value: Any) -> bool:
    """Whether a value can be an output of a branch or a variable of a loop."""
    return isinstance(value, (TensorLike, TensorArray, bool, int, float, complex)) or hasattr(
        type(value), "__array__"
    )


# -- if ---------------------------------------------------------


def if_stmt(
    cond: Any,
    body: Callable[[], None],
    orelse: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    nouts: int,
) -> None:
    """An if statement."""
    if not is_symbolic(cond):
        if bool(cond):
            body()
        else:
            orelse()
        return
    start = get_state()
    plans = [_probe(block, get_state, set_state, start, nouts) for block in (body, orelse)]
    names = list(symbol_names)[:nouts]
    chosen = [_join(name, a, b) for name, a, b in zip(names, *plans, strict=True)]
    varying = [i for i, (kind, _) in enumerate(chosen) if kind == "tensor"]

    def branch(block: Callable[[], None]) -> Callable[[], Any]:
        def run() -> Any:
            set_state(start)
            block()
            ends = get_state()[:nouts]
            return [_filled(ends[i], chosen[i][1]) for i in varying]

        return run

    results = graph_cond(_scalar(cond), branch(body), branch(orelse))
    final = [value for _, value in chosen]
    for i, result in zip(varying, results, strict=True):
        final[i] = result
    set_state((*final, *start[nouts:]))


def _scalar(cond: Any) -> Any:
    tensor = convert_to_tensor(cond)
    if tensor.dtype is not dtypes.bool:
        tensor = call("NotEqual", tensor, convert_to_tensor(0, tensor.dtype))
    return tensor


def _probe(
    block: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    start: State,
    nouts: int,
) -> State:
    """Run a block in a graph that is thrown away, to see what it gives."""
    graph = FuncGraph("probe")
    with graph.as_default():
        set_state(start)
        block()
        ends = get_state()[:nouts]
    set_state(start)
    return ends


class _Like:
    """Dtype and shape of what the other branch gives."""

    def __init__(self, value: Any) -> None:
        tensor: Any = value if isinstance(value, TensorLike) else _as_constant(value)
        self.dtype, self.shape = tensor.dtype, tensor.shape


def _as_constant(value: Any) -> Any:
    graph = FuncGraph("constant")
    with graph.as_default():
        return convert_to_tensor(value)


def _join(name: str, a: Any, b: Any) -> tuple[str, Any]:
    """How a symbol leaves an if statement: as a tensor, or as one Python value."""
    if _is_undefined(a) and _is_undefined(b):
        return "python", a
    for one, other in ((a, b), (b, a)):
        if _is_undefined(one):
            if isinstance(one, UndefinedReturnValue) or name.startswith(
                ("retval_", "do_return")
            ):
                if other is None:
                    return "python", None
                # Never seen: whether there is a return value is decided beside it.
                if isinstance(other, CompositeTensor):
                    return "tensor", other
                return "tensor", _Like(other)
            raise ValueError(
                f"'{name}' must also be initialized in the "
                f"{'main' if one is a else 'else'} branch"
            )
    if a is b:
        return ("tensor", _Like(a)) if isinstance(a, Symbol) else ("python", a)
    if isinstance(a, TensorArray) and isinstance(b, TensorArray):
        return "tensor", a
    if isinstance(a, CompositeTensor) and type(a) is type(b):
        return "tensor", a
    if a is None or b is None:
        if name.startswith("retval_"):
            return "tensor", _Like(b if a is None else a)
        raise TypeError(
            f"'{name}' is None in one branch and not in the other; give it a tensor in both"
        )
    if _can_vary(a) and _can_vary(b):
        if (
            not isinstance(a, TensorLike)
            and not isinstance(b, TensorLike)
            and type(a) is type(b)
        ):
            try:
                if a == b:
                    return "python", a
            except ValueError:
                pass
        return "tensor", _Like(a if isinstance(a, TensorLike) else b)
    try:
        same = bool(a == b)
    except Exception:  # noqa: BLE001  (any object's comparison may fail: then they differ)
        same = False
    if same:
        return "python", a
    raise TypeError(
        f"'{name}' must be a tensor to depend on a tensor's value, got {type(a).__name__} in "
        f"one branch and {type(b).__name__} in the other"
    )


def _filled(value: Any, like: Any) -> Any:
    if isinstance(value, TensorArray):
        return value.flow
    if isinstance(like, CompositeTensor):
        return _filled_composite(value, like)
    if _is_undefined(value) or value is None:
        shape = [
            1 if size is None else size
            for size in (like.shape.as_list() if like.shape.rank is not None else [])
        ]
        return call("Fill", shape, _zero(like.dtype))
    if isinstance(like, _Like) and not isinstance(value, TensorLike):
        return convert_to_tensor(value, like.dtype)
    return convert_to_tensor(value)


def _filled_composite(value: Any, like: CompositeTensor) -> Any:
    """A composite, or one like the other branch's where there is none."""
    if isinstance(value, CompositeTensor):
        return value
    parts = nest.flatten(like, expand_composites=True)
    filled = [_filled(None, part) for part in parts]
    return nest.pack_sequence_as(like, filled, expand_composites=True)


def _zero(dtype: Any) -> Any:
    if dtype is dtypes.string:
        return convert_to_tensor("")
    return convert_to_tensor(False if dtype is dtypes.bool else 0, dtype)


def if_exp(
    cond: Any, if_true: Callable[[], Any], if_false: Callable[[], Any], expr_repr: str
) -> Any:
    """`a if cond else b`."""
    if is_symbolic(cond):
        return graph_cond(_scalar(cond), if_true, if_false)
    return if_true() if cond else if_false()


# -- loops ------------------------------------------------------


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """A while statement."""
    start = get_state()
    going = test()
    if not is_symbolic(going):
        while bool(going):
            body()
            going = test()
            if is_symbolic(going):
                # The condition came to depend on a tensor: the rest is a loop of the graph.
                while_stmt(test, body, get_state, set_state, symbol_names, opts)
                return
        return
    set_state(start)
    _loop(lambda _: test(), lambda _: body(), None, get_state, set_state, symbol_names, opts)


def _loop(
    test: Callable[[Any], Any],
    body: Callable[[Any], None],
    counter: Any,
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    opts: dict[str, Any],
) -> None:
    """A loop of the graph over the symbols that change; `counter` is its first index."""
    names = list(symbol_names)
    # Numbers that the loop assigns become tensors: they differ from round to round.
    original = get_state()
    start = [
        convert_to_tensor(value)
        if _can_vary(value) and not isinstance(value, (TensorArray, Tensor))
        else value
        for value in original
    ]
    graph = FuncGraph("probe")
    with graph.as_default():
        set_state(tuple(_placeholder_like(graph, value) for value in start))
        begin = get_state()
        body(None if counter is None else _placeholder_like(graph, counter))
        ends = get_state()
    set_state(tuple(start))
    varying = []
    for i, (name, first, last) in enumerate(zip(names, begin, ends, strict=True)):
        if _is_undefined(first):
            if _is_undefined(last):
                continue
            if not _can_vary(last):
                raise ValueError(f"'{name}' must be defined before the loop")
            start[i] = _filled(first, _Like(last))
            varying.append(i)
        elif first is last:
            continue
        elif (
            isinstance(first, TensorArray)
            or (_can_vary(first) and _can_vary(last))
            or (isinstance(first, CompositeTensor) and type(first) is type(last))
        ):
            varying.append(i)
        elif first is None or last is None:
            raise ValueError(
                f"'{name}' is None before or after an iteration of the loop; give it a "
                "tensor before"
            )
        elif not _same(first, last):
            raise TypeError(
                f"'{name}' must be a tensor to change in a loop over tensors, got "
                f"{type(last).__name__}"
            )

    def restore(values: Sequence[Any]) -> None:
        full = list(original)
        for i, value in zip(varying, values, strict=True):
            full[i] = value
        set_state(tuple(full))

    def cond(index: Any, *values: Any) -> Any:
        restore(values)
        return test(index)

    def step(index: Any, *values: Any) -> Any:
        restore(values)
        body(index)
        after = get_state()
        return (
            call("AddV2", index, convert_to_tensor(1, index.dtype)),
            *(after[i] for i in varying),
        )

    first_index = convert_to_tensor(0 if counter is None else counter)
    invariants = _invariants(opts, names, start, varying, get_state)
    results = while_loop(
        cond,
        step,
        (first_index, *(start[i] for i in varying)),
        shape_invariants=None if invariants is None else (first_index.shape, *invariants),
        maximum_iterations=opts.get("maximum_iterations"),
        parallel_iterations=opts.get("parallel_iterations") or 10,
    )
    restore(results[1:])


def _placeholder_like(graph: FuncGraph, value: Any) -> Any:
    if isinstance(value, TensorArray):
        return value.with_flow(graph.placeholder(dtypes.variant, ()))
    if isinstance(value, Tensor):
        return graph.placeholder(value.dtype, value.shape)
    if isinstance(value, CompositeTensor):
        parts = nest.flatten(value, expand_composites=True)
        symbols = [graph.placeholder(part.dtype, part.shape) for part in parts]
        return nest.pack_sequence_as(value, symbols, expand_composites=True)
    return value


def _same(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001  (any object's comparison may fail: then they differ)
        return False


def _invariants(
    opts: dict[str, Any],
    names: Sequence[str],
    start: Sequence[Any],
    varying: Sequence[int],
    get_state: GetState,
) -> list[Any] | None:
    """Shapes given by `tf.autograph.experimental.set_loop_options`."""
    del names
    given = opts.get("shape_invariants")
    if not given:
        return None
    current = get_state()
    shapes = []
    for i in varying:
        own = next((s for v, s in given if v is start[i] or v is current[i]), None)
        shapes.append(own if own is not None else getattr(start[i], "shape", None))
    return shapes


class Range:
    """`range` over tensors: its bounds, and the number of its elements."""

    def __init__(self, start: Any, limit: Any, delta: Any) -> None:
        tensors: list[Any] = [
            item for item in (start, limit, delta) if isinstance(item, TensorLike)
        ]
        dtype = tensors[0].dtype
        self.start = convert_to_tensor(start, dtype)
        self.limit = convert_to_tensor(limit, dtype)
        self.delta = convert_to_tensor(delta, dtype)

    def holds(self, index: Any) -> Any:
        """Whether there is an element after `index` others."""
        value = self.at(index)
        zero = convert_to_tensor(0, self.delta.dtype)
        up = call(
            "LogicalAnd", call("Greater", self.delta, zero), call("Less", value, self.limit)
        )
        down = call(
            "LogicalAnd", call("Less", self.delta, zero), call("Greater", value, self.limit)
        )
        return call("LogicalOr", up, down)

    def at(self, index: Any) -> Any:
        """The element after `index` others."""
        if index.dtype != self.start.dtype:
            index = call("Cast", index, DstT=self.start.dtype)
        return call("AddV2", self.start, call("Mul", index, self.delta))


class _Rows:
    """The rows of a tensor."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = convert_to_tensor(tensor)
        size = self._tensor.shape[0] if self._tensor.shape.rank else None
        if size is None:
            size = call(
                "StridedSlice", call("Shape", self._tensor), [0], [1], [1], shrink_axis_mask=1
            )
        self._size = size

    def holds(self, index: Any) -> Any:
        """Whether there is a row after `index` others."""
        return call("Less", index, convert_to_tensor(self._size, index.dtype))

    def at(self, index: Any) -> Any:
        """The row after `index` others."""
        return call("GatherV2", self._tensor, index, 0)


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
    if isinstance(iter_, Range):
        items: Any = iter_
    elif is_symbolic(iter_):
        items = _Rows(iter_)
    elif state.graph is not None and hasattr(iter_, "autograph_for"):
        iter_.autograph_for(extra_test, body, get_state, set_state, symbol_names, opts)
        return
    else:
        rest = _python_for(iter_, extra_test, body)
        if rest is None:
            return
        items = rest

    def test(index: Any) -> Any:
        more = items.holds(index)
        if extra_test is None:
            return more
        going = extra_test()
        return call("LogicalAnd", more, convert_to_tensor(going))

    _loop(
        test,
        lambda index: body(items.at(index)),
        convert_to_tensor(0, dtypes.int32),
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


# -- logic ------------------------------------------------------


def not_(a: Any) -> Any:
    """`not a`."""
    return call("LogicalNot", _scalar(a)) if is_symbolic(a) else not a


def and_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a and b`; `b` is looked at only when `a` is true."""
    first = a()
    if is_symbolic(first):
        return graph_cond(
            _scalar(first), lambda: _scalar(b()), lambda: convert_to_tensor(False)
        )
    return first and b()


def or_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a or b`; `b` is looked at only when `a` is false."""
    first = a()
    if is_symbolic(first):
        return graph_cond(_scalar(first), lambda: convert_to_tensor(True), lambda: _scalar(b()))
    return first or b()


def eq(a: Any, b: Any) -> Any:
    """`a == b`."""
    return a == b


def not_eq(a: Any, b: Any) -> Any:
    """`a != b`."""
    return a != b


def assert_stmt(expression1: Any, expression2: Callable[[], Any]) -> None:
    """`assert a, b`."""
    if is_symbolic(expression1):
        call("Assert", _scalar(expression1), [convert_to_tensor(str(expression2()))])
        return
    assert expression1, expression2()


# -- builtins ---------------------------------------------------


def _len(value: Any) -> Any:
    if isinstance(value, Symbol):
        return _Rows(value)._size
    if isinstance(value, TensorArray):
        return value.size()
    return len(value)


def _range(start: Any, limit: Any = None, step: Any = 1) -> Any:
    if limit is None:
        start, limit = 0, start
    if any(is_symbolic(item) for item in (start, limit, step)):
        return Range(start, limit, step)
    return range(int(start), int(limit), int(step))


def _int(value: Any = 0, *base: Any) -> Any:
    if is_symbolic(value):
        return call("Cast", convert_to_tensor(value), DstT=dtypes.int32)
    return int(value, *base)


def _float(value: Any = 0.0) -> Any:
    if is_symbolic(value):
        return call("Cast", convert_to_tensor(value), DstT=dtypes.float32)
    return float(value)


def _print(*objects: Any, **kwargs: Any) -> None:
    if any(is_symbolic(item) for item in objects):
        text = " ".join(
            "{}" if isinstance(item, TensorLike) else str(item).replace("{", "{{")
            for item in objects
        )
        tensors = [convert_to_tensor(item) for item in objects if isinstance(item, TensorLike)]
        formatted = call("StringFormat", tensors, template=text, placeholder="{}", summarize=3)
        call("PrintV2", formatted, output_stream="stdout")
        return
    print(*objects, **kwargs)  # noqa: T201  (the user's own print)


def _all(values: Any) -> Any:
    return call("All", values, [0]) if is_symbolic(values) else all(values)


def _any(values: Any) -> Any:
    return call("Any", values, [0]) if is_symbolic(values) else any(values)


def _sorted(values: Any, **kwargs: Any) -> Any:
    if is_symbolic(values):
        raise UnimplementedError(
            "sorted() of a symbolic tensor is not implemented; use tf.sort"
        )
    return sorted(values, **kwargs)


BUILTINS: dict[Any, Callable[..., Any]] = {
    len: _len,
    range: _range,
    int: _int,
    float: _float,
    print: _print,
    all: _all,
    any: _any,
    sorted: _sorted,
}
