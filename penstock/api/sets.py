"""`tf.sets`: sets in the last axis of dense and sparse tensors."""

from __future__ import annotations

from typing import Any

from penstock.ops.sets import check_kind
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = ["difference", "intersection", "size", "union"]


def size(a: Any, validate_indices: bool = True) -> Any:
    """Numbers of different members of the rows of a sparse tensor.

    Args:
        a: sparse tensor, [..., n].
        validate_indices: whether the order and range of its indices are checked.

    Returns:
        int32 numbers, [...].

    Raises:
        TypeError: `a` is no sparse tensor, or its members are neither integers nor strings.
    """
    a = a if isinstance(a, SparseTensor) else _tensor(a)
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    if not check_kind(a.dtype):
        raise TypeError(f"Invalid dtype `{a.dtype}` for a set: use integers or strings")
    return call(
        "SetSize", a.indices, a.values, a.dense_shape, validate_indices=validate_indices
    )


def intersection(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """Members of both sets, for each pair of rows.

    Args:
        a: dense or sparse tensor, [..., m].
        b: tensor of the same dtype, [..., n].
        validate_indices: whether the order and range of sparse indices are checked.

    Returns:
        Sparse tensor whose rows hold the members in rising order.

    Raises:
        TypeError: the dtypes differ, or are neither integers nor strings.
        InvalidArgumentError: the tensors differ in another axis than the last.

    Example:
        >>> import penstock as tf
        >>> found = tf.sets.intersection([[1, 2, 3]], [[3, 1, 7]])
        >>> tf.sparse.to_dense(found).numpy().tolist()
        [[1, 3]]
    """
    return _combine(a, b, "intersection", validate_indices)


def difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> Any:
    """Members of one set that are not in the other, for each pair of rows.

    Args:
        a: dense or sparse tensor, [..., m].
        b: tensor of the same dtype, [..., n].
        aminusb: whether members of `b` are taken from `a`, else those of `a` from `b`.
        validate_indices: see `intersection`.
    """
    return _combine(a, b, "a-b" if aminusb else "b-a", validate_indices)


def union(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """Members of either set, for each pair of rows.

    Args:
        a: dense or sparse tensor, [..., m].
        b: tensor of the same dtype, [..., n].
        validate_indices: see `intersection`.
    """
    return _combine(a, b, "union", validate_indices)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, SparseTensor) else convert_to_tensor(value)


def _combine(a: Any, b: Any, operation: str, validate: bool) -> Any:
    a, b = _tensor(a), _tensor(b)
    if not check_kind(a.dtype):
        raise TypeError(f"'a' has invalid dtype `{a.dtype}`: use integers or strings")
    if a.dtype != b.dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        # There is an op for a dense and a sparse tensor in this order only.
        a, b = b, a
        operation = {"a-b": "b-a", "b-a": "a-b"}.get(operation, operation)
    attrs = {"set_operation": operation, "validate_indices": validate}
    if isinstance(a, SparseTensor):
        parts = call("SparseToSparseSetOperation", *_parts(a), *_parts(b), **attrs)
    elif isinstance(b, SparseTensor):
        parts = call("DenseToSparseSetOperation", a, *_parts(b), **attrs)
    else:
        parts = call("DenseToDenseSetOperation", a, b, **attrs)
    return SparseTensor(*parts)


def _parts(tensor: Any) -> tuple[Any, Any, Any]:
    return tensor.indices, tensor.values, tensor.dense_shape
