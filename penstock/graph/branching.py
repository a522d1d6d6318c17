"""`tf.cond`, `tf.case`, `tf.switch_case` and `tf.while_loop`: run now, or written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.composite_tensor import CompositeTensor
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TypeSpec
from penstock.graph import control_flow, host_gradient, taped_run  # noqa: F401  (their rows)
from penstock.graph.bodies import run_branches, run_loop
from penstock.graph.func_graph import FuncGraph
from penstock.graph.symbol import Symbol, constant_value
from penstock.graph.tensor_array import TensorArray
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Return `true_fn()` if `pred` is true, else `false_fn()`.

    Args:
        pred: scalar boolean tensor or Python bool.
        true_fn: callable without arguments.
        false_fn: likewise; both must give the same structure and dtypes.
        name: name of the node.

    Raises:
        TypeError: a branch is not callable, or the branches give different structures.
    """
    del name
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("true_fn and false_fn must be callable.")
    if isinstance(pred, (bool, np.bool_)) and state.graph is not None:
        return true_fn() if pred else false_fn()
    pred = convert_to_tensor(pred)
    if state.graph is None:
        return true_fn() if bool(np.asarray(pred._value).reshape(-1)[0]) else false_fn()
    known = constant_value(pred)
    if known is not None:
        return true_fn() if bool(np.asarray(known).reshape(-1)[0]) else false_fn()
    return _branches([true_fn, false_fn], pred, "If")


def smart_cond(
    pred: Any,
    true_fn: Callable[[], Any],
    false_fn: Callable[[], Any],
    name: str | None = None,
) -> Any:
    """Like `cond`, deciding at once when the predicate is known."""
    known = pred if isinstance(pred, (bool, int)) else constant_value(pred)
    if known is not None:
        return true_fn() if bool(known) else false_fn()
    return cond(pred, true_fn, false_fn, name)


def switch_case(
    branch_index: Any, branch_fns: Any, default: Any = None, name: str | None = "switch_case"
) -> Any:
    """Return what the branch of the given number returns.

    Args:
        branch_index: int32 scalar.
        branch_fns: callables, or `(number, callable)` pairs, or a dict of them.
        default: callable for any other number; else the last branch serves.
        name: name of the node.
    """
    del name
    functions = _numbered(branch_fns)
    if set(functions) != set(range(len(functions))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(functions)}) but "
            f"found {set(functions)}"
        )
    index = convert_to_tensor(branch_index)
    if not index.dtype.is_integer:
        raise TypeError(f"'branch_index' must be an integer tensor, got {index.dtype.name}")
    if index.dtype is not dtypes.int32:
        index = call("Cast", index, DstT=dtypes.int32)
    highest = max(functions)
    fallback = default if default is not None else functions[highest]
    ordered = [functions.get(i, fallback) for i in range(highest + 1)]
    if default is not None:
        ordered.append(default)
    known = constant_value(index)
    if known is not None:
        number = int(known)
        return ordered[number if 0 <= number < len(ordered) else -1]()
    return _branches(ordered, index, "Case")


def _numbered(branch_fns: Any) -> dict[int, Callable[[], Any]]:
    if isinstance(branch_fns, dict):
        return dict(branch_fns)
    pairs = list(branch_fns)
    if pairs and isinstance(pairs[0], (tuple, list)):
        return {int(number): function for number, function in pairs}
    return dict(enumerate(pairs))


def case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Return what the callable beside the first true predicate returns.

    Args:
        pred_fn_pairs: pairs of a scalar boolean and a callable.
        default: callable when no predicate is true; without it that is an error.
        exclusive: whether more than one true predicate is an error.
        strict: accepted for compatibility.
        name: name of the node.
    """
    del strict, name
    pairs = (
        list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, dict) else list(pred_fn_pairs)
    )
    if exclusive and len(pairs) > 1:
        total = call(
            "Sum",
            call("Cast", convert_to_tensor([p for p, _ in pairs]), DstT=dtypes.int32),
            [0],
            keep_dims=False,
        )
        call(
            "Assert",
            call("LessEqual", total, 1),
            [convert_to_tensor("more than one predicate is true")],
        )
    last = default if default is not None else _only_if(*pairs[-1])
    rest = pairs if default is not None else pairs[:-1]
    result = last
    for pred, function in reversed(rest):
        result = _nested(pred, function, result)
    return result()


def _only_if(pred: Any, function: Callable[[], Any]) -> Callable[[], Any]:
    """`function` that refuses to run unless `pred` is true."""

    def run() -> Any:
        message = "None of conditions evaluated as True"
        call("Assert", convert_to_tensor(pred), [convert_to_tensor(message)])
        return function()

    return run


def _nested(pred: Any, function: Any, otherwise: Any) -> Callable[[], Any]:
    return lambda: cond(pred, function, otherwise)


def _trace_body(
    name: str, function: Callable[..., Any], arguments: Sequence[Any], scope: str
) -> tuple[FuncGraph, Any]:
    """Trace a body whose arguments are given by symbols to imitate."""
    graph = FuncGraph(name)
    graph.scope_around = scope
    graph.is_body = True
    with graph.as_default():
        symbols = []
        for like in arguments:
            symbol = graph.placeholder(like.dtype, like.shape, "loop_var")
            symbols.append(symbol)
        result = function(*symbols)
    return graph, result


def _branches(functions: Sequence[Callable[[], Any]], selector: Any, kind: str) -> Any:
    graphs: list[FuncGraph] = []
    results: list[Any] = []
    scope = state.graph.inner_scope("cond" if kind == "If" else "switch_case")
    for i, function in enumerate(functions):
        graph, result = _trace_body(f"branch_{i}", function, (), scope)
        with graph.as_default():
            result = nest.map_structure(_to_flow, result)
        graphs.append(graph)
        results.append(result)
    _check_structures(results)
    flat = [nest.flatten(result, expand_composites=True) for result in results]
    template = _template(results)
    positions = [
        i
        for i in range(len(flat[0]))
        if any(isinstance(items[i], Tensor) or _is_value(items[i]) for items in flat)
    ]
    dtype_of = [_branch_dtype([items[i] for items in flat]) for i in positions]
    ends: list[list[Symbol]] = []
    for graph, items in zip(graphs, flat, strict=True):
        with graph.as_default():
            ends.append(
                [
                    graph.capture(convert_to_tensor(items[i], dtype))
                    for i, dtype in zip(positions, dtype_of, strict=True)
                ]
            )
    outputs = run_branches(graphs, ends, selector, kind)
    merged = list(flat[0])
    for i, value in zip(positions, outputs, strict=True):
        merged[i] = value
    packed = nest.pack_sequence_as(template, merged, expand_composites=True)
    return _from_flow(packed, results[0])


def _template(results: list[Any]) -> Any:
    return results[0]


def _is_value(item: Any) -> bool:
    return (
        isinstance(item, (bool, int, float, complex, str, bytes, np.ndarray, np.generic))
        or hasattr(type(item), "__tf_tensor__")
        or hasattr(item, "_dense_var_to_tensor")
    )


def _branch_dtype(items: Sequence[Any]) -> Any:
    found = {item.dtype.base_dtype for item in items if isinstance(item, Tensor)}
    if len(found) > 1:
        names = " and ".join(sorted(dtype.name for dtype in found))
        raise TypeError(f"all branches must return the same dtypes, got {names}; cast one")
    for item in items:
        if isinstance(item, Tensor):
            return item.dtype
        own = getattr(item, "dtype", None)
        if own is not None:
            return dtypes.as_dtype(own)
    return None


def _check_structures(results: Sequence[Any]) -> None:
    for other in results[1:]:
        try:
            nest.assert_same_structure(results[0], other, expand_composites=True)
        except (ValueError, TypeError) as error:
            raise TypeError(
                f"all branches must return the same structure, got {results[0]!r} and {other!r}"
            ) from error


def _to_flow(item: Any) -> Any:
    return item.flow if isinstance(item, TensorArray) else item


def _from_flow(packed: Any, like: Any) -> Any:
    del like
    return packed


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeat `body` while `cond` is true.

    Args:
        cond: callable that takes the loop variables and gives a scalar boolean.
        body: callable that takes the loop variables and gives their next values.
        loop_vars: list or tuple of tensors, TensorArrays or nests of those.
        shape_invariants: nest of shapes, for variables whose shape changes.
        parallel_iterations: accepted for compatibility.
        back_prop: accepted for compatibility.
        swap_memory: accepted for compatibility.
        maximum_iterations: most rounds to run.
        name: name of the node.

    Raises:
        ValueError: no loop variables were given, or one changes its shape against its
            invariant.
    """
    del name
    if not callable(cond) or not callable(body):
        raise TypeError("'cond' and 'body' must be callable.")
    if not isinstance(loop_vars, (list, tuple)) and not nest.is_nested(loop_vars):
        loop_vars = [loop_vars]
    single = isinstance(loop_vars, (list, tuple)) and len(loop_vars) == 1
    if not nest.flatten(loop_vars):
        raise ValueError("'loop_vars' must not be empty.")
    if state.graph is None:
        return _while_now(cond, body, loop_vars, maximum_iterations)
    result = _Builder(
        cond, body, loop_vars, shape_invariants, parallel_iterations, maximum_iterations
    ).build()
    del single
    return result


def _while_now(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    limit = None if maximum_iterations is None else int(maximum_iterations)
    packed = isinstance(loop_vars, (list, tuple))
    count = 0
    # Numbers and arrays stay what they are until the end, as in TensorFlow: so `0 + i` follows
    # the rules of numpy while both are numpy's.
    values = loop_vars
    while (limit is None or count < limit) and bool(cond(*values) if packed else cond(values)):
        result = body(*values) if packed else body(values)
        if packed and not (
            isinstance(result, (list, tuple)) and (len(values) != 1 or len(result) == 1)
        ):
            result = [result] if len(values) == 1 else result
        nest.assert_same_structure(values, _listed(result, values), check_types=False)
        values = nest.pack_sequence_as(values, nest.flatten(result))
        count += 1
    return nest.map_structure(_as_variable, values)


def _listed(result: Any, like: Any) -> Any:
    return (
        type(like)(result) if isinstance(like, list) and isinstance(result, tuple) else result
    )


def _as_variable(item: Any) -> Any:
    if isinstance(item, (TensorArray, Tensor, CompositeTensor)) or item is None:
        return item
    return convert_to_tensor(item)


class _Builder:
    """Writes one loop down."""

    def __init__(
        self,
        cond: Any,
        body: Any,
        loop_vars: Any,
        shape_invariants: Any,
        parallel_iterations: int,
        maximum_iterations: Any,
    ) -> None:
        self._cond = cond
        self._body = body
        self._parallel = parallel_iterations
        self._maximum = maximum_iterations
        self._packed = isinstance(loop_vars, (list, tuple))
        self._structure = loop_vars
        self._arrays = [
            item if isinstance(item, TensorArray) else None for item in nest.flatten(loop_vars)
        ]
        plain = nest.map_structure(_to_flow, loop_vars)
        self._plain = nest.map_structure(_as_variable, plain)
        self._flat = [
            state.graph.capture(convert_to_tensor(item))
            for item in nest.flatten(self._plain, expand_composites=True)
        ]
        self._shapes = self._invariants(shape_invariants)

    def _invariants(self, given: Any) -> list[TensorShape]:
        shapes = [symbol.shape for symbol in self._flat]
        if given is None:
            return shapes
        wanted = (
            nest.flatten_up_to(self._plain, given, expand_composites=False)
            if nest.is_nested(given)
            else [given]
        )
        leaves = nest.flatten(self._plain)
        if len(wanted) != len(leaves):
            return shapes
        own = iter(shapes)
        result: list[TensorShape] = []
        for shape, leaf in zip(wanted, leaves, strict=True):
            parts = nest.flatten(leaf, expand_composites=True)
            known = [next(own) for _ in parts]
            result.extend(
                _shapes_allowed(leaf, shape, known)
                if isinstance(leaf, CompositeTensor)
                else known
                if getattr(shape, "shape", shape) is None
                else [TensorShape(getattr(shape, "shape", shape))]
            )
        return result

    def _call(self, function: Any, symbols: Sequence[Any]) -> Any:
        packed = nest.pack_sequence_as(self._plain, list(symbols), expand_composites=True)
        flat = nest.flatten(packed)
        if any(array is not None for array in self._arrays):
            flat = [
                item if array is None else array.with_flow(item)
                for item, array in zip(flat, self._arrays, strict=True)
            ]
            packed = nest.pack_sequence_as(self._structure, flat)
        return function(*packed) if self._packed else function(packed)

    def build(self) -> Any:
        likes = [
            _Like(symbol.dtype, shape)
            for symbol, shape in zip(self._flat, self._shapes, strict=True)
        ]
        count = len(likes)
        limit = self._maximum
        if limit is not None:
            limit = state.graph.capture(convert_to_tensor(limit, dtypes.int32))
            likes.append(_Like(dtypes.int32, TensorShape(())))
        scope = state.graph.inner_scope("while")
        cond_graph, going = _trace_body(
            "cond", lambda *v: self._test(v, count, limit), likes, scope
        )
        body_graph, results = _trace_body("body", lambda *v: self._step(v, count), likes, scope)
        with cond_graph.as_default():
            going = cond_graph.capture(convert_to_tensor(going))
        with body_graph.as_default():
            outputs = [body_graph.capture(tensor) for tensor in results]
        start = [*self._flat]
        if limit is not None:
            start.append(convert_to_tensor(0, dtypes.int32))
        ends = run_loop(
            (cond_graph, going),
            (body_graph, outputs),
            start,
            [like.shape for like in likes],
            parallel_iterations=self._parallel,
            maximum_iterations=_static_limit(limit),
        )
        return self._packed_result(ends[:count])

    def _test(self, symbols: Sequence[Any], count: int, limit: Any) -> Any:
        going = self._call(self._cond, symbols[:count])
        going = convert_to_tensor(going)
        if going.shape.rank not in (0, None):
            going = call("Reshape", going, np.zeros((0,), np.int32))
        if limit is None:
            return going
        return call("LogicalAnd", call("Less", symbols[count], limit), going)

    def _step(self, symbols: Sequence[Any], count: int) -> list[Any]:
        result = self._call(self._body, symbols[:count])
        if self._packed and len(self._plain) == 1:
            inside = isinstance(result, (list, tuple)) and len(result) == 1
            result = result if inside else [result]
        nest.assert_same_structure(
            self._structure, _listed(result, self._structure), check_types=False
        )
        leaves = nest.flatten(result)
        # What the body learns of its arrays holds after the loop.
        self._arrays = [leaf if isinstance(leaf, TensorArray) else None for leaf in leaves]
        plain = nest.map_structure(_to_flow, nest.pack_sequence_as(self._plain, leaves))
        flat = nest.flatten(plain, expand_composites=True)
        outputs = []
        for i, (item, like, shape) in enumerate(
            zip(flat, self._flat, self._shapes, strict=True)
        ):
            tensor = convert_to_tensor(
                item, like.dtype if not isinstance(item, Tensor) else None
            )
            if tensor.dtype != like.dtype:
                raise TypeError(
                    f"loop variable {i} must keep its dtype {like.dtype.name}, got "
                    f"{tensor.dtype.name} "
                    "after one round"
                )
            if not _covers(shape, tensor.shape):
                raise ValueError(
                    f"loop variable {i} enters the loop with shape {shape}, but has shape "
                    f"{tensor.shape} after one iteration. To allow the shape to vary across "
                    "iterations, use the `shape_invariants` argument of tf.while_loop to "
                    "specify a "
                    "less-specific shape."
                )
            outputs.append(tensor)
        if len(symbols) > count:
            outputs.append(call("AddV2", symbols[count], convert_to_tensor(1, dtypes.int32)))
        return outputs

    def _packed_result(self, results: Sequence[Any]) -> Any:
        packed = nest.pack_sequence_as(self._plain, list(results), expand_composites=True)
        if all(array is None for array in self._arrays):
            return packed
        flat = [
            item if array is None else array.with_flow(item)
            for item, array in zip(nest.flatten(packed), self._arrays, strict=True)
        ]
        return nest.pack_sequence_as(self._structure, flat)


def _shapes_allowed(
    leaf: CompositeTensor, invariant: Any, known: list[TensorShape]
) -> list[TensorShape]:
    """Shapes that the parts of a composite may have in a loop, by a spec or a shape."""
    if invariant is None:
        return known
    if not isinstance(invariant, TypeSpec):
        invariant = leaf._shape_invariant_to_type_spec(invariant)
    return [part.shape for part in nest.flatten(invariant, expand_composites=True)]


class _Like:
    """Dtype and shape of a loop variable."""

    def __init__(self, dtype: Any, shape: TensorShape) -> None:
        self.dtype = dtype
        self.shape = shape


def _covers(general: TensorShape, specific: TensorShape) -> bool:
    """Whether every shape that `specific` allows is allowed by `general`."""
    if general.rank is None:
        return True
    if specific.rank is None:
        # Nothing is known; the check is left to the run.
        return True
    if general.rank != specific.rank:
        return False
    return all(
        want is None or have is None or have == want
        for want, have in zip(general.as_tuple(), specific.as_tuple(), strict=True)
    )


def _static_limit(limit: Any) -> int | None:
    value = None if limit is None else constant_value(limit)
    return None if value is None else int(value)
