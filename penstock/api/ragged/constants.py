"""Ragged tensors of nested Python lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import constant as _constant
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.ragged_tensor import RaggedTensor

__all__ = ["constant"]


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """Make a ragged tensor of a nested list.

    Args:
        pylist: a nested list, tuple or array; all numbers or strings lie at the same depth.
        dtype: element type; None takes TensorFlow's default for the values.
        ragged_rank: number of axes that are cut into rows; None takes the depth minus 1, less
            the axes of `inner_shape`.
        inner_shape: shape of the innermost values.
        name: name of the node in a graph.
        row_splits_dtype: int32 or int64.

    Returns:
        A ragged tensor; without ragged axes a tensor.

    Raises:
        ValueError: the nesting is not even, or does not fit `ragged_rank` and `inner_shape`.

    Example:
        >>> import penstock as tf
        >>> tf.ragged.constant([[1, 2], [3]])
        <tf.RaggedTensor [[1, 2], [3]]>
    """
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(
            f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}"
        )
    if not _is_list(pylist):
        if ragged_rank:
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}"
            )
        if inner_shape is not None and len(inner_shape) != 0:
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with "
                f"dim(inner_shape)={len(inner_shape)}"
            )
        return _constant(pylist, dtype, name=name)
    inner = None if inner_shape is None else tuple(TensorShape(inner_shape).as_list())
    deepest = _depth(pylist)
    levels = _scalar_depth(pylist, pylist)
    if levels is not None and deepest > levels:
        raise ValueError(
            f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value "
            "nesting"
        )
    if inner is not None and ragged_rank is not None:
        expected = ragged_rank + 1 + len(inner)
        if (levels if levels is not None else deepest) != expected and (
            levels is not None or deepest > expected
        ):
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and "
                f"dim(inner_shape)={len(inner)}"
            )
    if ragged_rank is None:
        ragged_rank = max(0, deepest - 1 - len(inner or ()))
    elif ragged_rank >= deepest and levels is not None:
        raise ValueError(
            f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}"
        )
    if inner is None:
        inner = _inner_shape(pylist, ragged_rank)
    splits_type = dtypes.as_dtype(row_splits_dtype)
    splits: list[np.ndarray[Any, Any]] = []
    values: Any = pylist
    for _ in range(ragged_rank):
        lengths = [len(row) for row in values]
        splits.append(np.concatenate([[0], np.cumsum(lengths)]).astype(splits_type.np))
        values = [item for row in values for item in row]
    flat = _flat(values, dtype, (len(values), *inner))
    result = flat
    for each in reversed(splits):
        result = RaggedTensor.from_row_splits(result, convert_to_tensor(each), validate=False)
    return result


def _flat(values: Any, dtype: Any, shape: tuple[Any, ...]) -> Any:
    if 0 in shape and not _leaves(values):
        kind = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        return _constant(np.zeros(shape, kind.np), kind)
    return _constant(values, dtype, shape)


def _leaves(value: Any) -> bool:
    """Whether a nested list holds anything."""
    if not _is_list(value):
        return True
    return any(_leaves(each) for each in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or np.ndim(value) != 0


def _depth(value: Any) -> int:
    """Greatest depth of lists."""
    if not _is_list(value):
        return 0
    if isinstance(value, np.ndarray):
        return (
            value.ndim
            if value.dtype != object
            else 1 + max((_depth(each) for each in value), default=0)
        )
    return 1 + max((_depth(each) for each in value), default=0)


def _scalar_depth(value: Any, whole: Any) -> int | None:
    """Depth at which numbers or strings lie, or None where there are none."""
    if not _is_list(value):
        return 0
    depths = {_scalar_depth(each, whole) for each in value} - {None}
    if len(depths) > 1:
        raise ValueError(
            f"Invalid pylist={whole!r}: all scalar values must have the same nesting depth"
        )
    return None if not depths else 1 + (depths.pop() or 0)


def _inner_shape(pylist: Any, ragged_rank: int) -> tuple[int, ...]:
    """Shape that all the innermost values must have.

    Raises:
        ValueError: their shapes differ.
    """
    values: Any = [pylist]
    for _ in range(ragged_rank + 1):
        values = [item for row in values for item in row]
    sizes: list[int] = []
    while values and any(_is_list(each) for each in values):
        lengths = {len(each) if _is_list(each) else -1 for each in values}
        if len(lengths) > 1:
            raise ValueError("inner values have inconsistent shape")
        sizes.append(lengths.pop())
        values = [item for row in values for item in row]
    return tuple(sizes)
