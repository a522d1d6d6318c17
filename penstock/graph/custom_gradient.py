"""`tf.custom_gradient` and `tf.recompute_grad`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from penstock.core import nest
from penstock.graph.traced_rule import join_by_rule
from penstock.runtime.context import not_taping, only_tapes, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tape import GradientTape, VariableWatcher, record_custom
from penstock.runtime.tensor import Tensor, TensorLike
from penstock.runtime.trackable import Trackable


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Decorate a function that returns its results and their gradient function.

    Args:
        f: `f(*args) -> (results, grad_fn)`, where `grad_fn(*upstream)` gives the gradients
            with respect to `args`; when `f` uses trainable variables,
            `grad_fn(*upstream, variables=[...])` gives a
            pair of those and the gradients with respect to the variables.
    """
    if f is None:
        return custom_gradient
    function = f

    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        return _call(function, args, kwargs)

    return decorated


def _call(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    tensors = nest.map_structure(
        lambda item: convert_to_tensor(item) if _is_numeric(item) else item, list(args)
    )
    flat = [item for item in nest.flatten(tensors) if isinstance(item, Tensor)]
    # Fresh identities: what `f` makes of its arguments is recorded, for gradients of what its
    # rule computes; the results are joined to the arguments by the rule alone.
    fresh = [call("Identity", item) for item in flat]
    given = iter(fresh)
    inner = nest.map_structure(
        lambda item: next(given) if isinstance(item, Tensor) else item, tensors
    )
    with VariableWatcher() as watcher:
        result, grad_fn = function(*inner, **kwargs)
    used = watcher.variables()
    outputs = nest.map_structure(convert_to_tensor, result)
    flat_results = nest.flatten(outputs)
    handles = [variable.handle for variable in used]
    if getattr(state.graph, "is_body", False):
        # A body becomes a function of the values of its variables.
        handles = [variable.read_value() for variable in used]
    inputs = [*flat, *handles]

    def rule(_: Any, *upstream: Any) -> list[Any]:
        filled = [
            call("ZerosLike", output) if gradient is None else gradient
            for gradient, output in zip(upstream, flat_results, strict=True)
        ]
        if used:
            input_grads, variable_grads = grad_fn(*filled, variables=list(used))
        else:
            input_grads, variable_grads = grad_fn(*filled), []
        flat_grads = _flat_gradients(input_grads, len(flat))
        return [*flat_grads, *variable_grads]

    with not_taping():
        flat_outputs = join_by_rule(flat_results, inputs, rule)
        if flat_outputs is None:
            flat_outputs = [call("Identity", item) for item in flat_results]
    _attach(flat, flat_outputs, handles, rule)
    with only_tapes():
        record_custom(inputs, flat_outputs, rule)
    return nest.pack_sequence_as(outputs, flat_outputs)


def _flat_gradients(gradients: Any, count: int) -> list[Any]:
    if isinstance(gradients, (list, tuple)):
        flat = [
            item
            for part in gradients
            for item in (
                nest.flatten(part) if isinstance(part, (list, tuple, dict)) else [part]
            )
        ]
    else:
        flat = [gradients]
    if len(flat) != count:
        raise ValueError(
            f"the gradient function must return {count} gradients, one for each tensor "
            f"argument, got "
            f"{len(flat)}"
        )
    return [
        item if item is None or not _is_numeric(item) else convert_to_tensor(item)
        for item in flat
    ]


def _attach(
    inputs: Sequence[Any], outputs: Sequence[Any], handles: Sequence[Any], rule: Any
) -> None:
    """In a graph, keep the rule with the nodes, for gradients of the whole graph later."""
    graph = state.graph
    if graph is None:
        return
    nodes = [output.op for output in outputs]
    sources = [graph.capture(tensor) for tensor in [*inputs, *handles]]
    nodes[0].custom_record = (sources, list(outputs), rule)
    for node in nodes[1:]:
        if node is not nodes[0]:
            node.custom_record = ([], [], None)


def _is_numeric(item: Any) -> bool:
    if isinstance(item, Trackable) and not isinstance(item, TensorLike):
        return False  # the object whose method is decorated
    return (
        item is not None and not isinstance(item, (str, bytes, Tensor)) and not callable(item)
    )


@contextmanager
def _without_tapes() -> Iterator[None]:
    saved = state.recorders
    state.recorders = [recorder for recorder in saved if not isinstance(recorder, GradientTape)]
    try:
        yield
    finally:
        state.recorders = saved


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function like `f` that is run again for its gradient, to save memory."""

    @custom_gradient
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        with _without_tapes():
            # What is in between is not kept: that is the point.
            result = f(*args, **kwargs)

        def grad(*upstream: Any, variables: Any = None) -> Any:
            with GradientTape() as tape:
                fresh = nest.map_structure(
                    lambda item: call("Identity", item) if isinstance(item, Tensor) else item,
                    list(args),
                )
                tape.watch([item for item in nest.flatten(fresh) if isinstance(item, Tensor)])
                again = f(*fresh, **kwargs)
            sources = [item for item in nest.flatten(fresh) if isinstance(item, Tensor)]
            wanted = list(variables or [])
            gradients = tape.gradient(
                again,
                [*sources, *wanted],
                output_gradients=nest.pack_sequence_as(again, upstream),
            )
            inner = gradients[: len(sources)]
            if variables is None:
                return inner
            return inner, gradients[len(sources) :]

        return result, grad

    made: Callable[..., Any] = checkpointed
    return made
