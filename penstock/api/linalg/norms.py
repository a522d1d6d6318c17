"""Lengths of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.api.reductions import reduce_max, reduce_sum
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices

_MATRIX_ORDERS = ("euclidean", "fro", 1, 2, np.inf)


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
) -> Any:
    """Norm of vectors, of matrices, or of a tensor as one vector.

    Args:
        tensor: floating or complex numbers.
        ord: "euclidean", a positive number or infinity for vectors; "fro", "euclidean", 1, 2 or
            infinity for matrices.
        axis: one axis for vectors, two for matrices, None for all elements as one vector.
        keepdims: whether to keep the axes, with size 1.
        name: name of the node in a graph.

    Raises:
        ValueError: there is no such norm.
    """
    axis = _normal_axis(axis)
    is_matrix_norm = isinstance(axis, tuple)
    if is_matrix_norm:
        if ord not in _MATRIX_ORDERS:
            raise ValueError(
                f"ord must be one of {list(_MATRIX_ORDERS)} for matrices, got {ord}"
            )
    elif ord == "fro" or (ord != "euclidean" and (isinstance(ord, str) or not ord > 0)):
        raise ValueError(f"ord must be 'euclidean' or a positive number for vectors, got {ord}")
    tensor = convert_to_tensor(tensor)
    axes = list(axis) if is_matrix_norm else axis
    if ord in ("euclidean", "fro") or (ord == 2 and not is_matrix_norm):
        result = _euclidean(tensor, axes)
    elif ord == 2:
        result = _largest_singular_value(tensor, axes)
    else:
        result = _absolute_norm(tensor, ord, axes)
    if keepdims:
        return result
    if axis is None:
        return call("Reshape", result, np.zeros(0, np.int32), name=name)
    places = tuple(axis) if is_matrix_norm else (axis,)
    return call("Squeeze", result, squeeze_dims=places, name=name)


def _normal_axis(axis: Any) -> Any:
    if axis is None:
        return None
    found = axis.numpy().tolist() if hasattr(axis, "numpy") else axis
    found = found.tolist() if isinstance(found, (np.ndarray, np.integer)) else found
    if isinstance(found, (list, tuple)):
        found = tuple(int(place) for place in found)
        if len(found) == 1:
            return found[0]
        if len(found) != 2 or found[0] == found[1]:
            raise ValueError(f"axis must be None, an integer or two of them, got {axis}")
    return found


def _euclidean(tensor: Any, axes: Any) -> Any:
    if tensor.dtype.is_complex:
        squares = call("Mul", tensor, call("Conj", tensor))
    else:
        squares = call("Square", tensor)
    return call("Sqrt", reduce_sum(squares, axes, keepdims=True))


def _largest_singular_value(tensor: Any, axes: list[int]) -> Any:
    rank = tensor.shape.rank
    rows, columns = (place % rank for place in axes)
    others = [i for i in range(rank) if i not in (rows, columns)]
    moved = call("Transpose", tensor, np.array([*others, rows, columns], np.int32))
    values = call("Svd", moved, compute_uv=False)[0]
    largest = reduce_max(
        call("Abs", values) if not values.dtype.is_complex else _abs(values), -1
    )
    for place in sorted((rows, columns)):
        largest = call("ExpandDims", largest, place)
    return largest


def _abs(tensor: Any) -> Any:
    if tensor.dtype.is_complex:
        return call("ComplexAbs", tensor, Tout=tensor.dtype.real_dtype)
    return call("Abs", tensor)


def _absolute_norm(tensor: Any, ord: Any, axes: Any) -> Any:
    size = _abs(tensor)
    if isinstance(axes, list):
        # Rows are summed for the norm of infinity, columns for that of 1.
        summed, compared = axes if ord == 1 else axes[::-1]
        return reduce_max(reduce_sum(size, summed, keepdims=True), compared, keepdims=True)
    if ord == np.inf:
        return reduce_max(size, axes, keepdims=True)
    if ord == 1:
        return reduce_sum(size, axes, keepdims=True)
    power = np.array(ord, size.dtype.np)
    total = reduce_sum(call("Pow", size, power), axes, keepdims=True)
    return call("Pow", total, np.array(1.0 / ord, size.dtype.np))


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """Divide by a norm.

    Args:
        tensor: floating or complex numbers.
        ord: see `norm`.
        axis: see `norm`.
        name: name of the node in a graph.

    Returns:
        The tensor divided by its norm, and the norm with the axes kept.
    """
    tensor = convert_to_tensor(tensor)
    length = norm(tensor, ord, axis, keepdims=True)
    if length.dtype != tensor.dtype:
        length = call("Cast", length, DstT=tensor.dtype)
    return call("RealDiv", tensor, length, name=name), length


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """Euclidean norm of several tensors taken as one vector.

    Args:
        t_list: tensors, IndexedSlices or None, which count nothing.
        name: name of the node in a graph.

    Raises:
        TypeError: `t_list` is no list.
    """
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError(f"t_list must be a list of tensors, got {type(t_list).__name__}")
    values = [each.values if isinstance(each, IndexedSlices) else each for each in t_list]
    tensors = [convert_to_tensor(each) for each in values if each is not None]
    if not tensors:
        return convert_to_tensor(0.0)
    halves = call("Pack", [call("L2Loss", tensor) for tensor in tensors], axis=0)
    total = call("Sum", halves, [0])
    return call("Sqrt", call("Mul", total, np.array(2, total.dtype.np)), name=name)
