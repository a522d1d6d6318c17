"""Features of serialized examples as the tensors that a program asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.wire.example_columns import (
    ABSENT,
    BYTES,
    FLOATS,
    INTEGERS,
    UnreadableExampleError,
    find,
    read_columns,
    values_at,
)

Array = Any

_KINDS: Final = {dtypes.string: BYTES, dtypes.float32: FLOATS, dtypes.int64: INTEGERS}
# TensorFlow's names of the kinds in its messages.
_SHOWN: Final = {BYTES: "string", FLOATS: "float", INTEGERS: "int64"}


def kind_of(dtype: DType, attr: str) -> int:
    """Kind of list that holds values of a dtype.

    Raises:
        InvalidArgumentError: there is none.
    """
    kind = _KINDS.get(dtype)
    if kind is None:
        raise InvalidArgumentError(
            f"Value for attr '{attr}' of {dtype.name} is not in the list of allowed values: "
            "float, int64, string"
        )
    return kind


@dataclass(frozen=True, slots=True)
class DenseFeature:
    """A feature with a value in every example: of one shape, or of rows of one shape.

    `default` is flat, `None` where the value must be there; with rows it fills up.
    """

    name: bytes
    kind: int
    dtype: DType
    shape: TensorShape
    default: Array | None

    # Told by the shape, and kept because they are asked for with every message: whether the
    # number of rows is open, the shape of a row or of the whole, and the values in it.
    has_rows: bool = field(init=False)
    row_shape: tuple[int, ...] = field(init=False)
    row_size: int = field(init=False)

    def __post_init__(self) -> None:
        dims = self.shape.as_list()
        has_rows = bool(dims) and dims[0] is None
        row_shape = tuple(dim or 0 for dim in (dims[1:] if has_rows else dims))
        object.__setattr__(self, "has_rows", has_rows)
        object.__setattr__(self, "row_shape", row_shape)
        object.__setattr__(self, "row_size", math.prod(row_shape))


@dataclass(frozen=True, slots=True)
class ListFeature:
    """A feature of any number of values, which becomes a sparse or ragged tensor."""

    name: bytes
    kind: int
    dtype: DType
    splits_dtype: DType | None = None


@dataclass(frozen=True, slots=True)
class ExamplePlan:
    """What is asked for: sparse, dense and ragged features."""

    sparse: tuple[ListFeature, ...] = ()
    dense: tuple[DenseFeature, ...] = ()
    ragged: tuple[ListFeature, ...] = ()

    @property
    def names(self) -> list[bytes]:
        """Names of all features."""
        lists = [feature.name for feature in (*self.sparse, *self.ragged)]
        dense = [feature.name for feature in self.dense]
        return [*lists[: len(self.sparse)], *dense, *lists[len(self.sparse) :]]


def dense_features(
    names: Sequence[bytes],
    types: Sequence[DType],
    shapes: Sequence[TensorShape],
    defaults: Sequence[Array],
    attr: str = "Tdense",
) -> tuple[DenseFeature, ...]:
    """The dense features of an op's attrs.

    Raises:
        InvalidArgumentError: a default does not fit its feature.
    """
    features = []
    for name, dtype, shape, default in zip(names, types, shapes, defaults, strict=True):
        open_dims = [d is None for d in shape.as_list()] if shape.rank is not None else [True]
        if shape.rank is None or any(open_dims[1:]):
            raise InvalidArgumentError(
                f"dense_shapes may be open in the first dimension alone, got {shape} for "
                f"{text(name)}"
            )
        flat = np.ravel(default)
        feature = DenseFeature(
            name, kind_of(dtype, attr), dtype, shape, flat if flat.size else None
        )
        wanted = 1 if feature.has_rows else feature.row_size
        if flat.size not in (0, wanted):
            raise InvalidArgumentError(
                f"default of {text(name)} must have {wanted} values, got {flat.size}"
            )
        features.append(feature)
    return tuple(features)


def list_features(
    names: Sequence[bytes],
    types: Sequence[DType],
    attr: str,
    splits_types: Sequence[DType] | None = None,
) -> tuple[ListFeature, ...]:
    """The sparse or ragged features of an op's attrs."""
    splits = splits_types or [None] * len(names)  # type: ignore[list-item]
    return tuple(
        ListFeature(name, kind_of(dtype, attr), dtype, split)
        for name, dtype, split in zip(names, types, splits, strict=True)
    )


def text(name: bytes) -> str:
    """Bytes as text that can be shown."""
    return name.decode(errors="backslashreplace")


# -- many examples ----------------------------------------------------------------------------


def parse_batch(
    serialized: Sequence[bytes], plan: ExamplePlan, labels: Sequence[bytes] = ()
) -> tuple[list[Any], ...]:
    """Parse examples.

    Args:
        serialized: the messages.
        plan: the features.
        labels: names of the examples for error messages, or none.

    Returns:
        Lists with an item per feature: indices, values and shapes of the sparse ones, the
        dense ones, values and row splits of the ragged ones.

    Raises:
        InvalidArgumentError: a message is no `Example`, or lacks what it must have.
    """
    try:
        return columns_to_lists(read_columns(serialized, plan.names), plan, labels)
    except UnreadableExampleError as error:
        raise _unreadable(serialized[error.index]) from None


class FeatureColumn(Protocol):
    """One feature of many examples."""

    @property
    def kinds(self) -> Any:
        """What kind of list each example has."""

    def values(self, kind: int) -> tuple[Array, Array]:
        """All values one after the other, and how many each example has."""


def columns_to_lists(
    columns: Sequence[FeatureColumn], plan: ExamplePlan, labels: Sequence[bytes]
) -> tuple[list[Any], ...]:
    """What `parse_batch` gives, of the columns of all features."""
    remaining = iter(columns)
    parts = [_list_values(next(remaining), f, labels) for f in plan.sparse]
    dense = [_dense(next(remaining), f, labels) for f in plan.dense]
    ragged = [_list_values(next(remaining), f, labels) for f in plan.ragged]
    count = 0 if not columns else len(columns[0].kinds)
    indices = [_indices(counts) for _, counts in parts]
    shapes = [np.array([count, counts.max(initial=0)], np.int64) for _, counts in parts]
    return (
        indices,
        [values for values, _ in parts],
        shapes,
        dense,
        [values for values, _ in ragged],
        [_splits(c, f.splits_dtype) for (_, c), f in zip(ragged, plan.ragged, strict=True)],
    )


def _unreadable(message: bytes) -> InvalidArgumentError:
    return InvalidArgumentError(f"Could not parse example input, value: '{text(message)[:80]}'")


def _list_values(
    column: FeatureColumn, feature: ListFeature, labels: Sequence[bytes]
) -> tuple[Array, Array]:
    wrong = (column.kinds != feature.kind) & (column.kinds != ABSENT)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InvalidArgumentError(
            f"Name: {_label(labels, index)}, Key: {text(feature.name)}, Index: {index}.  "
            f"Data types don't match. Expected type: {_SHOWN[feature.kind]}, "
            f"Actual type: {_SHOWN[int(column.kinds[index])]}"
        )
    return column.values(feature.kind)


def _dense(column: FeatureColumn, feature: DenseFeature, labels: Sequence[bytes]) -> Array:
    wrong = (column.kinds != feature.kind) & (column.kinds != ABSENT)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InvalidArgumentError(
            f"{_place(feature, labels, index)}  Data types don't match. Data type: "
            f"{_SHOWN[int(column.kinds[index])]} but expected type: {_SHOWN[feature.kind]}"
        )
    values, counts = column.values(feature.kind)
    if feature.has_rows:
        return _padded(values, counts, feature, labels)
    present = column.kinds == feature.kind
    bad = present & (counts != feature.row_size)
    if bad.any():
        index = int(np.argmax(bad))
        raise InvalidArgumentError(
            f"{_place(feature, labels, index)}  Number of {_SHOWN[feature.kind]} values != "
            f"expected.  Values size: {counts[index]} but output shape: {_dims(feature)}"
        )
    shape = (len(present), *feature.row_shape)
    if present.all():
        return values.reshape(shape)
    if feature.default is None:
        raise InvalidArgumentError(
            f"Name: {_label(labels, int(np.argmin(present)))}, {_required(feature)}"
        )
    result = np.empty((len(present), feature.row_size), feature.dtype.np)
    result[present] = values.reshape(-1, feature.row_size)
    result[~present] = feature.default
    return result.reshape(shape)


def _padded(
    values: Array, counts: Array, feature: DenseFeature, labels: Sequence[bytes]
) -> Array:
    size = max(feature.row_size, 1)
    bad = counts % size != 0
    if bad.any():
        index = int(np.argmax(bad))
        raise InvalidArgumentError(
            f"{_place(feature, labels, index)} {_stride(feature, int(counts[index]))}"
        )
    longest = int(counts.max(initial=0))
    shape = (len(counts), longest // size, *feature.row_shape)
    if (counts == longest).all():
        return values.reshape(shape)
    result = np.empty((len(counts), longest), feature.dtype.np)
    result[:] = _filler(feature)
    result[np.arange(longest) < counts[:, None]] = values
    return result.reshape(shape)


def _filler(feature: DenseFeature) -> Any:
    if feature.default is not None:
        return feature.default[0]
    return b"" if feature.kind == BYTES else 0


def _stride(feature: DenseFeature, count: int) -> str:
    return (
        f"Number of {_SHOWN[feature.kind]} values is not a multiple of stride length. Saw "
        f"{count} values but output shape is: {_dims(feature)}"
    )


def _dims(feature: DenseFeature) -> str:
    dims = ("?" if dim is None else str(dim) for dim in feature.shape.as_list())
    return f"[{','.join(dims)}]"


def _place(feature: DenseFeature, labels: Sequence[bytes], index: int) -> str:
    return place_of(text(feature.name), labels, index)


def place_of(name: str, labels: Sequence[bytes], index: int) -> str:
    """Where something is wrong: name of the example, feature, and number of the example."""
    return f"Name: {_label(labels, index)}, Key: {name}, Index: {index}."


def kind_name(kind: int) -> str:
    """TensorFlow's name of a kind of list."""
    return _SHOWN[kind]


def _required(feature: DenseFeature) -> str:
    return (
        f"Feature: {text(feature.name)} (data type: {_SHOWN[feature.kind]}) is required but "
        "could not be found."
    )


def _label(labels: Sequence[bytes], index: int) -> str:
    return text(labels[index]) if len(labels) else "<unknown>"


def _indices(counts: Array) -> Array:
    total = int(counts.sum())
    indices = np.empty((total, 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(counts)), counts)
    indices[:, 1] = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return indices


def _splits(counts: Array, dtype: DType | None) -> Array:
    splits = np.zeros(len(counts) + 1, np.int64 if dtype is None else dtype.np)
    np.cumsum(counts, out=splits[1:])
    return splits


def without_batch(lists: tuple[list[Any], ...]) -> tuple[list[Any], ...]:
    """What `parse_batch` gave for one example, without the axis of the batch."""
    indices, values, shapes, dense, flat, splits = lists
    return (
        [item[:, 1:] for item in indices],
        values,
        [item[1:] for item in shapes],
        [item[0] for item in dense],
        flat,
        [item[:0] for item in splits],
    )


# -- one example ------------------------------------------------------------------------------


def parse_one(serialized: bytes, plan: ExamplePlan) -> tuple[list[Any], ...]:
    """Parse one example, whose tensors have no axis for the batch.

    Raises:
        InvalidArgumentError: it is no `Example`, or lacks what it must have.
    """
    try:
        data, places = find(serialized)
        sparse = [_one_list(data, places.get(f.name), f) for f in plan.sparse]
        dense = [_one_dense(data, places.get(f.name), f) for f in plan.dense]
        ragged = [_one_list(data, places.get(f.name), f) for f in plan.ragged]
    except UnreadableExampleError:
        raise _unreadable(serialized) from None
    return (
        [np.arange(len(values)).reshape(-1, 1) for values in sparse],
        sparse,
        [np.array([len(values)]) for values in sparse],
        dense,
        ragged,
        [np.zeros(0, f.splits_dtype.np) for f in plan.ragged if f.splits_dtype is not None],
    )


def _one_list(data: bytes, place: Any, feature: ListFeature) -> Array:
    if place is None or place[0] == ABSENT:
        return np.zeros(0, feature.dtype.np)
    if place[0] != feature.kind:
        raise InvalidArgumentError(
            f"Key: {text(feature.name)}.  Data types don't match. Expected type: "
            f"{_SHOWN[feature.kind]}, Actual type: {_SHOWN[place[0]]}"
        )
    return values_at(data, place)


def _one_dense(data: bytes, place: Any, feature: DenseFeature) -> Array:
    shape = feature.row_shape
    if place is None or place[0] == ABSENT:
        if feature.has_rows:
            return np.zeros((0, *shape), feature.dtype.np)
        if feature.default is None:
            raise InvalidArgumentError(_required(feature))
        return feature.default.reshape(shape)
    if place[0] != feature.kind:
        raise InvalidArgumentError(
            f"Key: {text(feature.name)}.  Data types don't match. Data type: "
            f"{_SHOWN[place[0]]} but expected type: {_SHOWN[feature.kind]}"
        )
    values = values_at(data, place)
    if feature.has_rows:
        if len(values) % max(feature.row_size, 1):
            raise InvalidArgumentError(
                f"Key: {text(feature.name)}. {_stride(feature, len(values))}"
            )
        return values.reshape(-1, *shape)
    if len(values) != feature.row_size:
        raise InvalidArgumentError(
            f"Key: {text(feature.name)}.  Number of {_SHOWN[feature.kind]} values != "
            f"expected.  Values size: {len(values)} but output shape: {_dims(feature)}"
        )
    return values.reshape(shape)
