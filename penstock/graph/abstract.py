"""Shapes of what bodies give, remembered: nested branches and loops ask again and again.

A branch is evaluated abstractly before it is traced, and so are the branches inside it, each
time that anything around them is evaluated. Without a memory that doubles with each level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from penstock.graph.bodies import Body
from penstock.ops import checks
from penstock.ops.grad import is_differentiating

# Values of more elements than this are not compared.
_LARGEST = 64
_MOST = 64


def outputs_of(
    body: Body, values: Sequence[Any], run: Callable[..., list[Any]], *args: Any
) -> list[Any]:
    """Shapes and dtypes of what `run(*args)` gives, which evaluates `body`.

    Args:
        body: the body.
        values: what the result depends on: values, or their shapes and dtypes where the values
            do not matter.
        run: evaluates the body.
        args: arguments for it, of which shapes and dtypes alone are seen.
    """
    key = _key(values)
    if key is not None:
        found: list[Any] | None = body.abstract.get(key)
        if found is not None:
            return list(found)
    with checks.ignoring():
        result = list(jax.eval_shape(run, *args))
    if key is not None:
        if len(body.abstract) >= _MOST:
            body.abstract.clear()
        body.abstract[key] = result
    return list(result)


def _key(values: Sequence[Any]) -> Any:
    """What the shapes of a body's outputs depend on; None where that cannot be told."""
    parts: list[Any] = [is_differentiating()]
    for value in values:
        leaves, tree = jax.tree_util.tree_flatten(value)
        parts.append(tree)
        for leaf in leaves:
            part = _part(leaf)
            if part is None:
                return None
            parts.append(part)
    return tuple(parts)


def _part(leaf: Any) -> Any:
    if isinstance(leaf, (jax.core.Tracer, jax.ShapeDtypeStruct)):
        return tuple(leaf.shape), str(leaf.dtype)
    if isinstance(leaf, (np.ndarray, np.generic)):
        if leaf.dtype == object or leaf.size > _LARGEST:
            return None
        return tuple(leaf.shape), str(leaf.dtype), leaf.tobytes()
    if isinstance(leaf, jax.Array):
        return tuple(leaf.shape), str(leaf.dtype), "array"
    return None
