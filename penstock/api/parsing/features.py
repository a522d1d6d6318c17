"""What is said of each feature that is parsed."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core import dtypes
from penstock.core.dtypes import as_dtype


class FixedLenFeature(NamedTuple):
    """A feature with a value of one shape in every example.

    Args:
        shape: shape of the value.
        dtype: its type: float32, int64 or string.
        default_value: what stands for it where it is missing, of its shape; None: it must be
            there.
    """

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature with any number of rows of one shape, filled up to the longest.

    Args:
        shape: shape of a row.
        dtype: its type: float32, int64 or string.
        allow_missing: whether it may be missing; must be True but for sequence examples.
        default_value: a scalar that fills up; None for 0 or "".
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any number of values, parsed as a sparse tensor.

    Args:
        dtype: type of the values: float32, int64 or string.
    """

    dtype: Any


class SparseFeature(NamedTuple):
    """A sparse tensor whose indices and values are two features.

    Args:
        index_key: name of the feature with the indices, or one for each axis.
        value_key: name of the feature with the values.
        dtype: type of the values: float32, int64 or string.
        size: size of the axis, or of each.
        already_sorted: whether the indices rise in every example.
    """

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


class RowSplits(NamedTuple):
    """A partition by the ends of all rows, from 0 on."""

    key: str


class RowLengths(NamedTuple):
    """A partition by the lengths of rows."""

    key: str


class RowStarts(NamedTuple):
    """A partition by the places where rows begin."""

    key: str


class RowLimits(NamedTuple):
    """A partition by the places where rows end."""

    key: str


class ValueRowIds(NamedTuple):
    """A partition by the row of each value."""

    key: str


class UniformRowLength(NamedTuple):
    """A partition into rows of one length."""

    length: int


_PARTITIONS = (RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds, UniformRowLength)


class _RaggedFields(NamedTuple):
    dtype: Any
    value_key: str | None
    partitions: tuple[Any, ...]
    row_splits_dtype: Any
    validate: bool


class RaggedFeature(_RaggedFields):
    """A ragged tensor of the values of a feature.

    Args:
        dtype: type of the values: float32, int64 or string.
        value_key: name of the feature with the values; None for the key of this one.
        partitions: how the values of an example are cut into rows, outermost first.
        row_splits_dtype: int32 or int64, the type of the ragged tensor's row splits.
        validate: whether partitions are checked.

    Raises:
        TypeError: a partition is none.

    Example:
        >>> import penstock as tf
        >>> feature = tf.io.RaggedFeature(
        ...     tf.int64, value_key="ids", partitions=[tf.io.RaggedFeature.RowLengths("sizes")]
        ... )
        >>> feature.value_key
        'ids'
    """

    RowSplits = RowSplits
    RowLengths = RowLengths
    RowStarts = RowStarts
    RowLimits = RowLimits
    ValueRowIds = ValueRowIds
    UniformRowLength = UniformRowLength

    def __new__(  # noqa: D102  (the class tells)
        cls,
        dtype: Any,
        value_key: str | None = None,
        partitions: Any = (),
        row_splits_dtype: Any = dtypes.int32,
        validate: bool = False,
    ) -> RaggedFeature:
        if value_key is not None and not isinstance(value_key, str):
            raise ValueError(f"Argument `value_key` must be a string; got {value_key}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError("Argument `partitions` must be a list or tuple")
        for partition in partitions:
            if not isinstance(partition, _PARTITIONS):
                raise TypeError(
                    "Argument `partitions` must be a list of partition objects "
                    f"{[kind.__name__ for kind in _PARTITIONS]}; got: {partition}"
                )
        if not isinstance(validate, bool):
            raise TypeError("Argument `validate` must be a bool.")
        splits = as_dtype(row_splits_dtype)
        return super().__new__(
            cls, as_dtype(dtype), value_key, tuple(partitions), splits, validate
        )
