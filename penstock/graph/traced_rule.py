"""Gradient rules of the user's own inside branches and loops, traced so that they compile.

A rule is a Python function. Where a function is differentiated as a whole it is called then;
but the body of a loop is differentiated while it is compiled. So the rule of a
`tf.custom_gradient` in a body is traced at once, and a node joins results and arguments by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core import dtypes
from penstock.core.errors import OpError
from penstock.graph.bodies import Body, Variables
from penstock.graph.control_flow import run_body
from penstock.graph.func_graph import FuncGraph
from penstock.graph.tracing import is_traced
from penstock.ops import checks
from penstock.ops.grad import is_differentiating
from penstock.ops.table import REQUIRED, TYPE_LIST, gradient, host_kernel, op
from penstock.runtime.backprop import dense
from penstock.runtime.context import not_recording, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


def join_by_rule(
    values: Sequence[Any],
    sources: Sequence[Any],
    rule: Callable[..., Any],
    *,
    everywhere: bool = False,
) -> list[Any] | None:
    """Pass on `values`, whose gradients with respect to `sources` are those of the rule.

    Args:
        values: results of the function.
        sources: its arguments.
        rule: `rule(None, *upstream)` gives a gradient or None for each source.
        everywhere: whether to do so outside of bodies as well.

    Returns:
        The values, or None where the rule cannot be traced apart: outside of bodies, and when
        it has effects.
    """
    if not everywhere and not getattr(state.graph, "is_body", False):
        return None
    if any(tensor.dtype is dtypes.variant for tensor in (*values, *sources)):
        return None
    graph = FuncGraph("custom_gradient")
    graph.is_body = True
    with graph.as_default(), not_recording():
        upstream = [graph.placeholder(value.dtype, value.shape, "dy") for value in values]
        try:
            found = [None if g is None else dense(g) for g in rule(None, *upstream)]
            present = [g is not None for g in found]
            ends = [graph.capture(convert_to_tensor(g)) for g in found if g is not None]
        except (OpError, TypeError, ValueError):
            # It may fit the gradients that come, if any ever does.
            return None
    if any(node.row.stateful and not node.row.variable_positions for node in graph.nodes):
        return None
    variables = Variables([graph])
    if variables.written:
        return None
    read = variables.read_outside()
    variables.replace(graph, read)
    ends = variables.resolve(ends)
    own = graph.inputs[len(graph.inputs) - len(read) :] if read else []
    captures = graph.real_captures()
    graph.inputs = [*upstream, *(internal for _, internal in captures), *own]
    results = call(
        "_CustomGradient",
        list(values),
        list(sources),
        [*(external for external, _ in captures), *read.values()],
        rule=Body(graph, ends),
        present=tuple(present),
    )
    return list(results)


def _shapes(values: Sequence[Any], *_: Any, **__: Any) -> Any:
    return tuple(value.shape for value in values)


@op(
    "_CustomGradient",
    inputs=("values: Tvalues", "sources: Tsources", "captures: Tcaptures"),
    outputs=("output: Tvalues",),
    attrs={
        "rule": REQUIRED,
        "present": REQUIRED,
        "Tvalues": TYPE_LIST,
        "Tsources": TYPE_LIST,
        "Tcaptures": TYPE_LIST,
    },
    kernel="device",
    shape=_shapes,
)
def custom_gradient(
    values: Any, sources: Any, captures: Any, *, rule: Body, present: Sequence[bool], **_: Any
) -> Any:
    """The values, with the gradients that the body `rule` gives for the sources.

    Shape: values [...], sources [...], captures [...] of the rule -> output [...].
    """
    if not is_differentiating():
        return tuple(values)
    moving = [i for i, value in enumerate(captures) if is_traced(value)]

    @jax.custom_vjp
    def join(values: Any, sources: Any, moving: Any) -> Any:
        del sources, moving
        return values

    def ahead(values: Any, sources: Any, moving: Any) -> Any:
        # By `join` itself, so that gradients of gradients follow the rule too.
        return join(values, sources, moving), (values, sources, moving)

    def back(kept: Any, upstream: Any) -> Any:
        values, sources, parts = kept
        known = list(captures)
        for i, part in zip(moving, parts, strict=True):
            known[i] = part
        seeds = [_seed(g, value) for g, value in zip(upstream, values, strict=True)]
        with checks.ignoring():
            found = iter(run_body(rule, [*seeds, *known]))
        slopes = [
            _slope(next(found), source) if is_given else _nothing(source)
            for is_given, source in zip(present, sources, strict=True)
        ]
        return [_nothing(v) for v in values], slopes, [_nothing(part) for part in parts]

    join.defvjp(ahead, back)
    arrays = [[jnp.asarray(value) for value in group] for group in (values, sources)]
    return tuple(join(*arrays, [captures[i] for i in moving]))


def _is_smooth(array: Any) -> bool:
    return bool(jnp.issubdtype(array.dtype, jnp.inexact))


def _seed(upstream: Any, value: Any) -> Any:
    """What arrives, in TensorFlow's convention for complex numbers; zeros of other dtypes."""
    return jnp.conj(upstream) if _is_smooth(value) else jnp.zeros(value.shape, value.dtype)


def _slope(found: Any, source: Any) -> Any:
    if not _is_smooth(source):
        return _nothing(source)
    return jnp.conj(jnp.broadcast_to(found, source.shape).astype(source.dtype))


def _nothing(like: Any) -> Any:
    if _is_smooth(like):
        return jnp.zeros(like.shape, like.dtype)
    return np.zeros(like.shape, jax.dtypes.float0)


@op(
    "_LostGradient",
    inputs=("values: T",),
    outputs=("output: T",),
    attrs={"rule": REQUIRED, "T": TYPE_LIST},
    kernel="device",
    shape=_shapes,
)
def lost_gradient(values: Any, *, rule: str, **_: Any) -> Any:
    """The values, whose gradients follow a rule that nobody has.

    Shape: values [...] -> output [...].
    Errors: LookupError when a gradient is asked for.
    """
    if is_differentiating():
        raise _lost(rule)
    return tuple(values)


@host_kernel("_LostGradient")
def lost_gradient_host(values: Any, **_: Any) -> Any:
    """The values."""
    return tuple(values)


@gradient("_LostGradient")
def lost_gradient_rule(g: Any, *_: Any) -> Any:
    """Refuse."""
    raise _lost(g.attrs["rule"])


def _lost(rule: str) -> LookupError:
    return LookupError(
        f"the function was saved without its gradient rule {rule!r}; save it in TensorFlow "
        "with experimental_custom_gradients=True, or differentiate it where it was written"
    )


@host_kernel("_CustomGradient")
def custom_gradient_host(values: Any, sources: Any, captures: Any, **_: Any) -> Any:
    """The values; gradients on the host follow the rule itself."""
    del sources, captures
    return tuple(values)
