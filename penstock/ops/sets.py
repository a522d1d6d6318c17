"""Sets in the last axis of dense and sparse tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, op

Array = Any
Groups = dict[tuple[int, ...], set[Any]]

_OPERATIONS: Final[dict[str, Callable[[set[Any], set[Any]], set[Any]]]] = {
    "a-b": set.difference,
    "b-a": lambda a, b: b - a,
    "intersection": set.intersection,
    "union": set.union,
}
_KINDS: Final = ("int8", "int16", "int32", "int64", "uint8", "uint16", "string")
_ATTRS: Final = {"set_operation": REQUIRED, "validate_indices": True}
_OUTPUTS: Final = ("result_indices: int64", "result_values: T", "result_shape: int64")


def check_kind(dtype: DType) -> bool:
    """Whether sets may have members of a dtype."""
    return dtype.name in _KINDS


def _result_shapes(first: Any, *others: Any, **_: Any) -> tuple[TensorShape, ...]:
    # The last input is a dense tensor, or the shape of a sparse one.
    shape = others[-1].shape
    rank = first.shape.rank if len(others) == 1 else (shape[0] if shape.rank else None)
    return TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])


def _check_rank(shape: tuple[int, ...]) -> None:
    if len(shape) < 2:
        raise InvalidArgumentError(
            f"Shape {list(shape)} has rank {len(shape)} < 2: sets stand in rows"
        )


def _dense_groups(values: Array) -> Groups:
    _check_rank(values.shape)
    rows = values.reshape(-1, values.shape[-1]) if values.size else None
    places = np.ndindex(*values.shape[:-1])
    if rows is None:
        return {place: set() for place in places}
    return {place: set(row) for place, row in zip(places, rows.tolist(), strict=True)}


def _sparse_groups(indices: Array, values: Array, shape: Array, *, validate: bool) -> Groups:
    _check_rank(tuple(shape.tolist()))
    if indices.ndim != 2 or indices.shape[1] != len(shape):
        raise InvalidArgumentError(
            f"indices must be [n, {len(shape)}] for a shape of {len(shape)}, got "
            f"{list(indices.shape)}"
        )
    if validate and len(indices):
        _check_indices(indices, shape)
    groups: Groups = {}
    for place, value in zip(map(tuple, indices[:, :-1].tolist()), values.tolist(), strict=True):
        groups.setdefault(place, set()).add(value)
    return groups


def _check_indices(indices: Array, shape: Array) -> None:
    bad = ((indices < 0) | (indices >= shape)).any(1)
    if bad.any():
        i = int(np.argmax(bad))
        raise InvalidArgumentError(
            f"indices[{i}] = {indices[i].tolist()} is out of bounds: need 0 <= index < "
            f"{shape.tolist()}"
        )
    steps = np.diff(indices, axis=0)
    first = (steps != 0).argmax(1)
    rising = steps[np.arange(len(steps)), first] > 0
    if not rising.all():
        i = int(np.argmin(rising)) + 1
        raise InvalidArgumentError(
            f"indices[{i}] = {indices[i].tolist()} is out of order after "
            f"{indices[i - 1].tolist()}; use tf.sparse.reorder"
        )


def _check_groups(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    if first != second:
        raise InvalidArgumentError(
            f"Mismatched shapes {list(first)} vs {list(second)} of the rows of sets"
        )


def _combine(a: Groups, b: Groups, shape: tuple[int, ...], name: str, kind: Any) -> Any:
    """The results as a sparse tensor, members in order."""
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise InvalidArgumentError(
            f"set_operation must be one of {sorted(_OPERATIONS)}, got {name!r}"
        )
    indices: list[tuple[int, ...]] = []
    values: list[Any] = []
    largest = 0
    for place in sorted({*a, *b}):
        members = sorted(operation(a.get(place, set()), b.get(place, set())))
        indices.extend((*place, i) for i in range(len(members)))
        values.extend(members)
        largest = max(largest, len(members))
    flat = np.empty(len(values), kind)
    flat[:] = values
    return (
        np.array(indices, np.int64).reshape(-1, len(shape) + 1),
        flat,
        np.array([*shape, largest], np.int64),
    )


@op(
    "DenseToDenseSetOperation",
    inputs=("set1: T", "set2: T"),
    outputs=_OUTPUTS,
    attrs=_ATTRS,
    kernel="host",
    differentiable=False,
    shape=_result_shapes,
)
def dense_to_dense_set_operation(
    set1: Array,
    set2: Array,
    *,
    set_operation: str,
    validate_indices: bool,  # noqa: ARG001
) -> Any:
    """Sets made of the rows of two dense tensors.

    Shape: set1 [..., m], set2 [..., n] -> result_indices [v, rank], result_values [v],
        result_shape [rank].
    Errors: InvalidArgumentError when the tensors differ in another axis than the last.
    """
    _check_rank(set1.shape)
    _check_rank(set2.shape)
    _check_groups(set1.shape[:-1], set2.shape[:-1])
    return _combine(
        _dense_groups(set1), _dense_groups(set2), set1.shape[:-1], set_operation, set1.dtype
    )


@op(
    "DenseToSparseSetOperation",
    inputs=("set1: T", "set2_indices: int64", "set2_values: T", "set2_shape: int64"),
    outputs=_OUTPUTS,
    attrs=_ATTRS,
    kernel="host",
    differentiable=False,
    shape=_result_shapes,
)
def dense_to_sparse_set_operation(
    set1: Array,
    set2_indices: Array,
    set2_values: Array,
    set2_shape: Array,
    *,
    set_operation: str,
    validate_indices: bool,
) -> Any:
    """Sets made of the rows of a dense and a sparse tensor.

    Shape: set1 [..., m], set2_indices [k, rank], set2_values [k], set2_shape [rank] ->
        result_indices [v, rank], result_values [v], result_shape [rank].
    Errors: InvalidArgumentError when the tensors differ in another axis than the last, or
        when indices are out of range or order.
    """
    _check_groups(set1.shape[:-1], tuple(set2_shape[:-1].tolist()))
    second = _sparse_groups(set2_indices, set2_values, set2_shape, validate=validate_indices)
    return _combine(_dense_groups(set1), second, set1.shape[:-1], set_operation, set1.dtype)


@op(
    "SparseToSparseSetOperation",
    inputs=(
        "set1_indices: int64",
        "set1_values: T",
        "set1_shape: int64",
        "set2_indices: int64",
        "set2_values: T",
        "set2_shape: int64",
    ),
    outputs=_OUTPUTS,
    attrs=_ATTRS,
    kernel="host",
    differentiable=False,
    shape=_result_shapes,
)
def sparse_to_sparse_set_operation(  # noqa: PLR0917  (the inputs of the op)
    set1_indices: Array,
    set1_values: Array,
    set1_shape: Array,
    set2_indices: Array,
    set2_values: Array,
    set2_shape: Array,
    *,
    set_operation: str,
    validate_indices: bool,
) -> Any:
    """Sets made of the rows of two sparse tensors.

    Shape: set1_indices [j, rank], set1_values [j], set1_shape [rank], set2_indices [k, rank],
        set2_values [k], set2_shape [rank] -> result_indices [v, rank], result_values [v],
        result_shape [rank].
    Errors: InvalidArgumentError when the tensors differ in another axis than the last, or
        when indices are out of range or order.
    """
    shape = tuple(set1_shape[:-1].tolist())
    _check_groups(shape, tuple(set2_shape[:-1].tolist()))
    first = _sparse_groups(set1_indices, set1_values, set1_shape, validate=validate_indices)
    second = _sparse_groups(set2_indices, set2_values, set2_shape, validate=validate_indices)
    return _combine(first, second, shape, set_operation, set1_values.dtype)


def _size_shape(set_indices: Any, set_values: Any, set_shape: Any, **_: Any) -> TensorShape:
    del set_indices, set_values
    if set_shape.value is not None:
        return TensorShape(set_shape.value[:-1].tolist())
    rank = set_shape.shape[0] if set_shape.shape.rank else None
    return TensorShape(None if rank is None else [None] * (rank - 1))


@op(
    "SetSize",
    inputs=("set_indices: int64", "set_values: T", "set_shape: int64"),
    outputs=("size: int32",),
    attrs={"validate_indices": True},
    kernel="host",
    differentiable=False,
    shape=_size_shape,
)
def set_size(
    set_indices: Array, set_values: Array, set_shape: Array, *, validate_indices: bool
) -> Array:
    """Numbers of different members of the rows of a sparse tensor.

    Shape: set_indices [k, rank], set_values [k], set_shape [rank] -> size [...].
    Errors: InvalidArgumentError when indices are out of range or order.
    """
    groups = _sparse_groups(set_indices, set_values, set_shape, validate=validate_indices)
    sizes = np.zeros(tuple(set_shape[:-1].tolist()), np.int32)
    for place, members in groups.items():
        sizes[place] = len(members)
    return sizes
