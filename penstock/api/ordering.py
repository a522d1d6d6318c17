"""Sorted tensors, largest elements, and places in sorted rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from penstock.api.operands import integers, scalar, static_integer
from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["sort", "argsort", "top_k", "approx_max_k", "approx_min_k", "searchsorted"]


def sort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None
) -> Any:
    """Return the elements in order along an axis.

    Args:
        values: numbers.
        axis: the axis.
        direction: "ASCENDING" or "DESCENDING".
        name: name of the node in a graph.

    Raises:
        ValueError: another direction, or an axis that is not known while a graph is built.

    Example:
        >>> import penstock as tf
        >>> tf.sort([3, 1, 2]).numpy().tolist()
        [1, 2, 3]
    """
    return _ordered(values, axis, direction, name)[0]


def argsort(
    values: Any,
    axis: Any = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Any:
    """Return the places of the elements in their order along an axis.

    Args:
        values: numbers.
        axis: the axis.
        direction: "ASCENDING" or "DESCENDING".
        stable: has no effect: equal elements always keep their order.
        name: name of the node in a graph.

    Raises:
        ValueError: another direction, or an axis that is not known while a graph is built.
    """
    del stable
    return _ordered(values, axis, direction, name)[1]


def _ordered(values: Any, axis: Any, direction: str, name: str | None) -> tuple[Any, Any]:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction must be ASCENDING or DESCENDING, got {direction!r}")
    place = static_integer(axis)
    if place is None:
        raise ValueError("axis must be known while a graph is built")
    values = convert_to_tensor(values)
    rank = values.shape.rank
    if rank is None:
        if place != -1:
            raise ValueError("the rank of the values must be known to sort along another axis")
    elif not -rank <= place < rank:
        raise InvalidArgumentError(f"axis must be in [{-rank}, {rank}), got {place}")
    swap = None
    if rank is not None and place not in (-1, rank - 1):
        swap = list(range(rank))
        swap[place], swap[-1] = swap[-1], swap[place]
        values = call("Transpose", values, integers(swap))
    size = values.shape[-1] if rank is not None else None
    k = integers(size) if size is not None else call("Shape", values)[-1]
    if direction == "DESCENDING":
        found, places = call("TopKV2", values, k, name=name)
    else:
        turned, places = call("TopKV2", _turned(values), k, name=name)
        found = _turned(turned)
    if swap is not None:
        found = call("Transpose", found, integers(swap))
        places = call("Transpose", places, integers(swap))
    return found, places


def _turned(values: Any) -> Any:
    """The values in the opposite order; done twice it gives them back."""
    kind = values.dtype
    if kind.is_unsigned:
        return call("Sub", scalar(kind.max, kind), values)
    if kind.is_integer:
        # The lowest integer has no negative, but -1 - x stays in range.
        return call("Sub", scalar(-1, kind), values)
    return call("Neg", values)


class TopKV2(NamedTuple):
    """The largest elements of each row, and their places."""

    values: Any
    indices: Any


def top_k(
    input: Any,
    k: Any = 1,
    sorted: bool = True,
    index_type: Any = dtypes.int32,
    name: str | None = None,
) -> TopKV2:
    """The k largest elements of each row, in falling order.

    Args:
        input: numbers, [..., n].
        k: how many, at most n.
        sorted: has no effect: they are always sorted.
        index_type: int16, int32 or int64: dtype of the places.
        name: name of the node in a graph.

    Returns:
        `values` and `indices`, both [..., k]; of equal elements the first comes first.

    Example:
        >>> import penstock as tf
        >>> tf.math.top_k([3, 9, 4], 2).indices.numpy().tolist()
        [1, 2]
    """
    kind = dtypes.as_dtype(index_type)
    k = k if hasattr(k, "dtype") else integers(k)
    found = call("TopKV2", input, k, sorted=sorted, index_type=kind, name=name)
    return TopKV2(*found)


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The k largest elements along an axis, and their places.

    Args:
        operand: floating numbers.
        k: how many.
        reduction_dimension: the axis.
        recall_target: share of the largest that must be found; all are.
        reduction_input_size_override: has no effect.
        aggregate_to_topk: must be true.
        name: name of the node in a graph.
    """
    return call(
        "ApproxTopK",
        operand,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=True,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> tuple[Any, Any]:
    """The k smallest elements along an axis, and their places; see `approx_max_k`."""
    return call(
        "ApproxTopK",
        operand,
        k=k,
        reduction_dimension=reduction_dimension,
        recall_target=recall_target,
        is_max_k=False,
        reduction_input_size_override=reduction_input_size_override,
        aggregate_to_topk=aggregate_to_topk,
        name=name,
    )


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """Places in sorted rows where values could be inserted.

    Args:
        sorted_sequence: [..., n], sorted along the last axis.
        values: [..., m] with the same leading axes.
        side: "left" for the first place, "right" for the last.
        out_type: int32 or int64.
        name: name of the node in a graph.

    Raises:
        ValueError: another side.

    Example:
        >>> import penstock as tf
        >>> tf.searchsorted([1, 3, 5], [3, 4]).numpy().tolist()
        [1, 2]
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right', got {side!r}")
    rows, wanted = convert_to_tensor(sorted_sequence), convert_to_tensor(values)
    for word, each in (("sorted_sequence", rows), ("values", wanted)):
        if each.shape.rank == 0:
            raise InvalidArgumentError(f"{word} must have at least one axis, got a scalar")
    op_name = "UpperBound" if side == "right" else "LowerBound"
    found = call(op_name, _matrix(rows), _matrix(wanted), out_type=dtypes.as_dtype(out_type))
    return call("Reshape", found, call("Shape", wanted), name=name)


def _matrix(x: Any) -> Any:
    """The same rows, without further axes."""
    shape = x.shape
    if shape.is_fully_defined():
        *batch, last = shape.as_tuple()
        return call("Reshape", x, integers([int(np.prod(batch, dtype=np.int64)), last]))
    sizes = call("Shape", x)
    rows = call("Reshape", call("Prod", sizes[:-1], integers(0)), integers([1]))
    return call("Reshape", x, call("ConcatV2", [rows, sizes[-1:]], integers(0)))
