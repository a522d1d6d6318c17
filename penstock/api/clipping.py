"""Numbers and vectors kept within limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock.api.composite import open_to_composites
from penstock.api.reductions import axes_of
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices

__all__ = ["clip_by_value", "clip_by_norm", "clip_by_global_norm", "global_norm"]


def _on_values(t: Any, function: Callable[[Any], Any]) -> Any:
    """Apply `function` to a tensor, or to the values of IndexedSlices."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(function(t.values), t.indices, t.dense_shape)
    return function(convert_to_tensor(t))


def _keep_shape(values: Any, result: Any) -> None:
    shape: TensorShape = values.shape
    shape.assert_is_compatible_with(result.shape)


def clip_by_value(
    t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None
) -> Any:
    """Move values into the range between two bounds.

    Args:
        t: a tensor or IndexedSlices.
        clip_value_min: lower bound, a scalar or of a shape that broadcasts to that of `t`.
        clip_value_max: upper bound, likewise.
        name: name of the node in a graph.

    Raises:
        ValueError: a bound would make the result larger than `t`.
    """

    def clip(values: Any) -> Any:
        below = call("Minimum", values, clip_value_max)
        _keep_shape(values, below)
        result = call("Maximum", below, clip_value_min, name=name)
        _keep_shape(values, result)
        return result

    return _on_values(t, clip)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """Scale vectors down to a Euclidean length of at most `clip_norm`.

    Args:
        t: a tensor or IndexedSlices.
        clip_norm: greatest length; below 0 it is taken as 0.
        axes: axes that make up one vector; None takes all.
        name: name of the node in a graph.
    """

    def clip(values: Any) -> Any:
        limit: Any
        if isinstance(clip_norm, (int, float, np.generic)):
            limit = max(clip_norm, 0)  # type: ignore[type-var]
        else:
            limit = call("Cast", call("Maximum", clip_norm, 0), DstT=values.dtype)
        squares = call(
            "Sum", call("Mul", values, values), axes_of(values, axes), keep_dims=True
        )
        positive = call("Greater", squares, 0)
        # The inner selection keeps the gradient of the root finite where the length is 0.
        safe = call("SelectV2", positive, squares, call("OnesLike", squares))
        length = call("SelectV2", positive, call("Sqrt", safe), squares)
        scaled = call("Mul", values, limit)
        _keep_shape(values, scaled)
        return call("RealDiv", scaled, call("Maximum", length, limit), name=name)

    return _on_values(t, clip)


def _check_list(t_list: Any) -> list[Any]:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"t_list must be a sequence of tensors, got a {type(t_list).__name__}")
    return list(t_list)


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """Euclidean length of all tensors together.

    Args:
        t_list: tensors, IndexedSlices, or None, which is passed over.
        name: name of the node in a graph.

    Raises:
        TypeError: `t_list` is no sequence.
    """
    halves = [
        call("L2Loss", each.values if isinstance(each, IndexedSlices) else each)
        for each in _check_list(t_list)
        if each is not None
    ]
    total = call("Sum", call("Pack", halves), np.asarray([0], np.int32))
    return call("Sqrt", call("Mul", total, 2), name=name)


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Scale tensors so that their length taken together is at most `clip_norm`.

    Args:
        t_list: tensors, IndexedSlices, or None, which stays None.
        clip_norm: greatest length.
        use_norm: the length, where it is known already.
        name: name of the nodes in a graph.

    Returns:
        The scaled tensors, and their length before. An infinite one or NaN makes all NaN.

    Raises:
        TypeError: `t_list` is no sequence.
    """
    tensors = _check_list(t_list)
    if use_norm is None:
        use_norm = global_norm(tensors, name)
    use_norm = convert_to_tensor(use_norm)
    limit = convert_to_tensor(clip_norm, dtype_hint=use_norm.dtype)
    inverse = call("Minimum", call("RealDiv", 1, use_norm), call("RealDiv", 1, limit))
    # The difference is 0 for a finite length, and else NaN.
    scale = call("AddV2", call("Mul", limit, inverse), call("Sub", use_norm, use_norm))

    def clip(values: Any) -> Any:
        return call("Mul", values, call("Cast", scale, DstT=values.dtype), name=name)

    clipped = [None if each is None else _on_values(each, clip) for each in tensors]
    return clipped, use_norm


open_to_composites(globals())
