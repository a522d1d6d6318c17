"""What an if statement and a conditional expression mean over tensors.

Each branch is traced once, into a graph of its own. Afterwards the values that the two give to
each symbol are compared: what is one Python value in both stays that, the rest leaves the
statement as tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from malt.operators.variables import Undefined

from penstock.function.autograph.symbols import (
    GetState,
    SetState,
    blank,
    can_vary,
    check_same_structure,
    copied,
    is_missing_return,
    is_plain,
    is_same,
    is_symbolic,
    is_undefined,
    leaves_of,
    packed,
    scalar,
)
from penstock.graph.bodies import run_branches
from penstock.graph.branching import cond as graph_cond
from penstock.graph.func_graph import FuncGraph
from penstock.graph.symbol import Symbol
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import Tensor, TensorLike

_NAMES = ("main", "else")


@dataclass(slots=True)
class _Joined:
    """How one symbol leaves the statement.

    `leaves` holds Python values, and None at the `places` of leaves that are tensors.
    """

    structure: Any
    leaves: list[Any]
    places: list[int]
    ends: tuple[list[Any], list[Any]]


def if_stmt(
    cond: Any,
    body: Callable[[], None],
    orelse: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    symbol_names: Sequence[str],
    nouts: int,
) -> None:
    """An if statement.

    Raises:
        ValueError: a symbol has a value after one branch alone.
        TypeError: the values of a symbol after the branches differ in dtype or structure.
    """
    if not is_symbolic(cond):
        if bool(cond):
            body()
        else:
            orelse()
        return
    start = get_state()
    pred = scalar(cond)
    graphs, ends = [], []
    scope = state.graph.inner_scope("cond")
    for name, block in (("true", body), ("false", orelse)):
        graph = FuncGraph(f"cond_{name}")
        graph.is_body = True
        graph.scope_around = scope
        try:
            with graph.as_default():
                set_state(copied(start))
                block()
                ends.append(get_state()[:nouts])
        finally:
            set_state(start)
        graphs.append(graph)
    joined = [
        _join(name, a, b, _is_settled_return(name, cond, a, b))
        for name, a, b in zip(list(symbol_names)[:nouts], *ends, strict=True)
    ]
    outputs = [_outputs(graph, joined, side) for side, graph in enumerate(graphs)]
    results = iter(run_branches(graphs, outputs, pred, "If"))
    final = [_rebuilt(symbol, results) for symbol in joined]
    set_state((*final, *start[nouts:]))


def _is_settled_return(name: str, cond: Any, main: Any, other: Any) -> bool:
    """Whether an `if not did_return` makes a function return whatever the condition is."""
    return (
        name.startswith("do_return")
        and main is True
        and isinstance(cond, Symbol)
        and cond.graph_node.row.name == "LogicalNot"
        and cond.graph_node.inputs[0] is other
    )


def _join(name: str, a: Any, b: Any, settled: bool) -> _Joined:
    if settled:
        return _Joined(True, [True], [], ([True], [True]))
    if is_undefined(a) and is_undefined(b):
        return _Joined(a, [a], [], ([a], [b]))
    if is_undefined(a) or is_undefined(b):
        if not is_missing_return(name, a if is_undefined(a) else b):
            side = _NAMES[0] if is_undefined(a) else _NAMES[1]
            raise ValueError(f"'{name}' must also be initialized in the {side} branch")
        # Never seen: whether there is a return value is decided beside it.
        known = b if is_undefined(a) else a
        missing = [Undefined(name)] * len(leaves_of(known))
        pair = (missing, leaves_of(known)) if known is b else (leaves_of(known), missing)
        return _joined_leaves(name, known, *pair)
    if a is b:
        leaves = leaves_of(a)
        return _joined_leaves(name, a, leaves, leaves)
    if (a is None) != (b is None):
        side = _NAMES[0] if a is None else _NAMES[1]
        if name.startswith("retval_"):
            raise ValueError(
                f"A value must also be returned from the {side} branch: a function whose "
                "branches depend on a tensor must return a value from all of them"
            )
        raise ValueError(
            f"'{name}' is None at the end of the {side} branch; give it a tensor in both"
        )
    try:
        check_same_structure(a, b)
    except (ValueError, TypeError) as error:
        first = " ".join(str(error).split())
        raise TypeError(
            f"'{name}' must have the same nested structure in the main and else branches: "
            f"{first}"
        ) from error
    return _joined_leaves(name, a, leaves_of(a), leaves_of(b))


def _joined_leaves(name: str, structure: Any, a: list[Any], b: list[Any]) -> _Joined:
    leaves: list[Any] = []
    places = []
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if _stays(name, x, y):
            leaves.append(y if is_undefined(x) else x)
            continue
        _check(name, x, y)
        leaves.append(None)
        places.append(i)
    return _Joined(structure, leaves, places, (a, b))


def _stays(name: str, x: Any, y: Any) -> bool:
    """Whether a leaf is one Python value whatever the condition is."""
    if is_undefined(x) or is_undefined(y):
        known = y if is_undefined(x) else x
        return known is None or not can_vary(known)
    if x is y:
        return not isinstance(x, Symbol)
    if isinstance(x, TensorArray) or isinstance(y, TensorArray):
        return False
    return is_same(x, y)


def _check(name: str, x: Any, y: Any) -> None:
    """Check that a leaf can leave the branches as one tensor.

    Raises:
        ValueError: it is None after one branch.
        TypeError: it is no tensor, or of two dtypes.
    """
    if is_undefined(x) or is_undefined(y):
        return
    for side, value in zip(_NAMES, (x, y), strict=True):
        if value is None:
            raise ValueError(
                f"'{name}' is None at the end of the {side} branch; give it a tensor in both"
            )
    if isinstance(x, TensorArray) and isinstance(y, TensorArray):
        return
    if not (can_vary(x) and can_vary(y)) or isinstance(x, TensorArray) != isinstance(
        y, TensorArray
    ):
        raise TypeError(
            f"'{name}' must be a tensor to depend on a tensor's value, got "
            f"{type(x).__name__} in the main branch and {type(y).__name__} in the else branch"
        )
    left, right = dtype_of(x), dtype_of(y)
    if left != right:
        raise TypeError(
            f"'{name}' has dtype {left.name} in the main branch, but dtype {right.name} in "
            "the else branch; cast one of them"
        )


def dtype_of(value: Any) -> Any:
    """The dtype that a value has as a tensor."""
    if isinstance(value, TensorLike):
        return value.dtype
    return like_of(value).dtype


def like_of(value: Any) -> Any:
    """A tensor with the dtype and shape of a value, made where nothing is written down."""
    if isinstance(value, TensorLike):
        return value
    with FuncGraph("like").as_default():
        return convert_to_tensor(value)


def _outputs(graph: FuncGraph, joined: Sequence[_Joined], side: int) -> list[Any]:
    outputs = []
    with graph.as_default():
        for symbol in joined:
            for place in symbol.places:
                own, other = symbol.ends[side][place], symbol.ends[1 - side][place]
                outputs.append(graph.capture(_as_output(own, other)))
    return outputs


def _as_output(own: Any, other: Any) -> Any:
    if is_undefined(own):
        if isinstance(other, TensorArray):
            return TensorArray(other.dtype, size=0, dynamic_size=True).flow
        like = like_of(other)
        return blank(like.dtype, like.shape)
    if isinstance(own, TensorArray):
        return own.flow
    if is_plain(own) and isinstance(other, Tensor):
        return convert_to_tensor(own, other.dtype)
    return convert_to_tensor(own)


def _rebuilt(symbol: _Joined, results: Any) -> Any:
    if not symbol.places:
        return symbol.structure
    leaves = list(symbol.leaves)
    for place in symbol.places:
        value = next(results)
        arrays = [ends[place] for ends in symbol.ends if isinstance(ends[place], TensorArray)]
        leaves[place] = _joined_array(arrays, value) if arrays else value
    return packed(symbol.structure, leaves)


def _joined_array(arrays: list[TensorArray], flow: Any) -> TensorArray:
    """The array after the branches; elements written in one alone tell their shape."""
    known = [array for array in arrays if array.element_shape.rank is not None]
    shape = known[0].element_shape if known else arrays[0].element_shape
    for array in known[1:]:
        shape = shape.most_specific_compatible_shape(array.element_shape)
    result = arrays[0].with_flow(flow)
    result._element_shape = shape
    return result


def if_exp(
    cond: Any, if_true: Callable[[], Any], if_false: Callable[[], Any], expr_repr: str
) -> Any:
    """`a if cond else b`."""
    if is_symbolic(cond):
        return graph_cond(scalar(cond), if_true, if_false)
    return if_true() if cond else if_false()
