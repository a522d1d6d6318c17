"""The generic gradient: the vjp of a row's kernel."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.ops import checks
from penstock.ops.table import REQUIRED, TYPE_LIST, OpDef, lookup, op

Array = Any


def _constants(attrs: Mapping[str, Any]) -> tuple[int, ...]:
    return lookup(attrs["op"]).flat_constants(attrs["op_attrs"], attrs["lengths"])


def _shapes(inputs: Sequence[Any], gradients: Sequence[Any], *, wrt: Any, **_: Any) -> Any:  # noqa: ARG001
    return tuple(inputs[i].shape for i in wrt)


@op(
    "_VJP",
    inputs=("inputs: Tin", "gradients: Tgrad"),
    outputs=("output: Tout",),
    attrs={
        "op": REQUIRED,
        "op_attrs": REQUIRED,
        "lengths": REQUIRED,
        "wrt": REQUIRED,
        "given": REQUIRED,
        "forward": None,
        "Tin": TYPE_LIST,
        "Tgrad": TYPE_LIST,
        "Tout": TYPE_LIST,
    },
    kernel="device",
    constant_rule=_constants,
    shape=_shapes,
)
def vjp(
    inputs: Sequence[Array],
    gradients: Sequence[Array],
    *,
    op: str,
    op_attrs: dict[str, Any],
    lengths: Sequence[int | None],
    wrt: Sequence[int],
    given: Sequence[int],
    **_: Any,
) -> tuple[Array, ...]:
    """Gradients of the op `op` with respect to some of its inputs.

    Shape: inputs [...] of the op, gradients [...] of its outputs `given` -> output [...], the
        shapes of the inputs `wrt`.
    """
    row = lookup(op)
    outputs, pullback = forward(row, inputs, op_attrs, lengths, wrt)
    return pull(outputs, pullback, gradients, given)


def forward(
    row: OpDef,
    inputs: Sequence[Array],
    attrs: Mapping[str, Any],
    lengths: Sequence[int | None],
    wrt: Sequence[int],
) -> tuple[tuple[Array, ...], Any]:
    """Run the kernel of `row` under `jax.vjp`. Gives its flat outputs and the pullback."""
    run = row.device
    if run is None:
        raise LookupError(f"no gradient is defined for op {row.name}, which XLA cannot compile")

    def function(*floating: Array) -> tuple[Array, ...]:
        values = list(inputs)
        for i, value in zip(wrt, floating, strict=True):
            values[i] = value
        packed = row.pack(values, lengths) if row.has_list_input else values
        return flat_outputs(run(*packed, **attrs))

    previous = _state.differentiating
    _state.differentiating = True
    try:
        outputs, pullback = jax.vjp(function, *(inputs[i] for i in wrt))
    finally:
        _state.differentiating = previous
    return outputs, pullback


class _State(threading.local):
    def __init__(self) -> None:
        self.differentiating = False


_state = _State()


def is_differentiating() -> bool:
    """Whether the kernel that runs is being differentiated."""
    return _state.differentiating


def flat_outputs(result: Any) -> tuple[Array, ...]:
    """What a kernel returned, as a flat tuple."""
    if result is None:
        return ()
    if not isinstance(result, (tuple, list)):
        return (result,)
    flat: list[Any] = []
    for item in result:
        if isinstance(item, (tuple, list)) and not hasattr(item, "_fields"):
            flat.extend(item)
        else:
            flat.append(item)
    return tuple(flat)


def pull(
    outputs: Sequence[Array], pullback: Any, gradients: Sequence[Array], given: Sequence[int]
) -> tuple[Array, ...]:
    """Apply a pullback to the gradients of the outputs `given`; the others get zeros.

    TensorFlow's gradient of a complex function is the conjugate of JAX's.
    """
    known = dict(zip(given, gradients, strict=True))
    cotangents = tuple(
        jax.tree_util.tree_map(_cotangent, output, known[i])
        if i in known and _same_tree(output, known[i])
        else jax.tree_util.tree_map(_zero, output)
        for i, output in enumerate(outputs)
    )
    with checks.ignoring():
        results = pullback(cotangents)
    return tuple(jax.tree_util.tree_map(_conjugate, result) for result in results)


def _same_tree(a: Any, b: Any) -> bool:
    first: Any = jax.tree_util.tree_structure(a)
    return bool(first == jax.tree_util.tree_structure(b))


def _cotangent(output: Array, gradient: Array) -> Array:
    if not jnp.issubdtype(output.dtype, jnp.inexact):
        return np.zeros(output.shape, jax.dtypes.float0)
    return _conjugate(jnp.broadcast_to(gradient, output.shape).astype(output.dtype))


def _zero(output: Array) -> Array:
    if jnp.issubdtype(output.dtype, jnp.inexact):
        return jnp.zeros(output.shape, output.dtype)
    return np.zeros(output.shape, jax.dtypes.float0)


def _conjugate(array: Array) -> Array:
    return jnp.conj(array) if jnp.iscomplexobj(array) else array
