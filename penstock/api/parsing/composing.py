"""Features that are made of several parsed ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.api.parsing.features import (
    RaggedFeature,
    RowLengths,
    RowLimits,
    RowSplits,
    RowStarts,
    SparseFeature,
    UniformRowLength,
)
from penstock.api.parsing.request import index_keys, index_sizes
from penstock.core import dtypes
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.sparse_tensor import SparseTensor


def compose(features: Mapping[str, Any], parsed: dict[str, Any]) -> dict[str, Any]:
    """Make composite features of parsed ones, and leave out what only they needed.

    Args:
        features: what was asked for.
        parsed: what the ops gave, by key.
    """
    result = dict(parsed)
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            result[key] = _sparse(feature, parsed)
        elif isinstance(feature, RaggedFeature):
            value_key = key if feature.value_key is None else feature.value_key
            result[key] = _ragged(feature, parsed[value_key], parsed)
    return {key: value for key, value in result.items() if key in features}


# -- sparse -----------------------------------------------------------------------------------


def _sparse(feature: SparseFeature, parsed: Mapping[str, Any]) -> Any:
    """A sparse tensor whose last axes have indices from other features."""
    values = parsed[feature.value_key]
    columns = [parsed[key].values for key in index_keys(feature)]
    for column in columns:
        if not column.shape.is_compatible_with(values.values.shape):
            raise ValueError(
                f"Dimensions {column.shape[0]} and {values.values.shape[0]} are not compatible"
            )
    sizes = [convert_to_tensor(size, dtypes.int64) for size in index_sizes(feature)]
    # The last column of the parsed indices counts the values of each example.
    kept = _all_but_last(values.indices, values.indices.shape[-1] - 1)
    indices = call("ConcatV2", [kept, call("Pack", columns, axis=1)], 1)
    shape = call(
        "ConcatV2",
        [
            call("StridedSlice", values.dense_shape, [0], [-1], [1]),
            call("Pack", sizes, axis=0),
        ],
        0,
    )
    result = SparseTensor(indices, values.values, shape)
    if feature.already_sorted:
        return result
    ordered = call("SparseReorder", result.indices, result.values, result.dense_shape)
    return SparseTensor(ordered[0], ordered[1], shape)


def _all_but_last(indices: Any, count: int) -> Any:
    return call("Slice", indices, [0, 0], [-1, count])


# -- ragged -----------------------------------------------------------------------------------


def _ragged(feature: RaggedFeature, values: Any, parsed: Mapping[str, Any]) -> Any:
    if isinstance(values, RaggedTensor) and values.ragged_rank > 1 and feature.partitions:
        # Steps of a batch of sequences: each is cut like an example of its own.
        inside = {
            key: item.values for key, item in parsed.items() if isinstance(item, RaggedTensor)
        }
        rows = _ragged(feature, values.values, inside)
        return RaggedTensor.from_row_splits(rows, values.row_splits, validate=False)
    result = values
    # The innermost partition cuts the values, the next one the rows of it.
    for partition in reversed(feature.partitions):
        cut = _cut_batch if isinstance(values, RaggedTensor) else _cut
        result = cut(result, partition, parsed, feature)
    return result


def _cut(values: Any, partition: Any, parsed: Mapping[str, Any], feature: RaggedFeature) -> Any:
    """Cut the values of one example into rows."""
    if isinstance(partition, UniformRowLength):
        if isinstance(values, RaggedTensor):
            return RaggedTensor.from_uniform_row_length(values, partition.length)
        shape = call("Shape", values)
        rest = call("StridedSlice", shape, [1], [0], [1], end_mask=1)
        wanted = call("ConcatV2", [convert_to_tensor([-1, partition.length]), rest], 0)
        return call("Reshape", values, wanted)
    numbers = call("Cast", parsed[partition.key], DstT=feature.row_splits_dtype)
    makers = {
        RowSplits: RaggedTensor.from_row_splits,
        RowLengths: RaggedTensor.from_row_lengths,
        RowStarts: RaggedTensor.from_row_starts,
        RowLimits: RaggedTensor.from_row_limits,
    }
    maker = makers.get(type(partition), RaggedTensor.from_value_rowids)
    return maker(values, numbers, validate=feature.validate)


def _cut_batch(
    batch: Any, partition: Any, parsed: Mapping[str, Any], feature: RaggedFeature
) -> Any:
    """Cut the values of each example of a batch into rows."""
    dtype, check = feature.row_splits_dtype, feature.validate
    if isinstance(partition, UniformRowLength):
        rows = _cut(batch.values, partition, parsed, feature)
        length = convert_to_tensor(partition.length, dtype)
        outer = call("FloorDiv", batch.row_splits, length)
        return RaggedTensor.from_row_splits(rows, outer, validate=check)
    numbers = parsed[partition.key]
    flat = call("Cast", numbers.values, DstT=dtype)
    outer = numbers.row_splits
    zero = convert_to_tensor([0], dtype)
    # Where the values of each example begin among those of all.
    begins = call("StridedSlice", batch.row_splits, [0], [-1], [1])
    if isinstance(partition, RowLengths):
        inner = call("ConcatV2", [zero, call("Cumsum", flat, 0)], 0)
    elif isinstance(partition, (RowSplits, RowLimits)):
        if isinstance(partition, RowSplits):
            numbers = numbers.with_flat_values(flat)[:, 1:]
            flat, outer = numbers.values, numbers.row_splits
        moved = call("AddV2", flat, call("GatherV2", begins, numbers.value_rowids(), 0))
        inner = call("ConcatV2", [zero, moved], 0)
    elif isinstance(partition, RowStarts):
        moved = call("AddV2", flat, call("GatherV2", begins, numbers.value_rowids(), 0))
        end = call("StridedSlice", batch.row_splits, [-1], [0], [1], end_mask=1)
        inner = call("ConcatV2", [moved, end], 0)
    else:
        return _cut_batch_by_ids(batch, numbers.with_flat_values(flat), feature)
    rows = RaggedTensor.from_row_splits(batch.values, inner, validate=check)
    return RaggedTensor.from_row_splits(rows, outer, validate=check)


def _cut_batch_by_ids(batch: Any, ids: Any, feature: RaggedFeature) -> Any:
    """Cut by the row of each value, counted anew in every example."""
    dtype = feature.row_splits_dtype
    owners = ids.value_rowids()
    counts = call("UnsortedSegmentMax", call("AddV2", ids.values, 1), owners, ids.nrows())
    counts = call("Maximum", counts, convert_to_tensor(0, dtype))
    outer = call("ConcatV2", [convert_to_tensor([0], dtype), call("Cumsum", counts, 0)], 0)
    begins = call("GatherV2", call("StridedSlice", outer, [0], [-1], [1]), owners, 0)
    total = call("Squeeze", call("StridedSlice", outer, [-1], [0], [1], end_mask=1))
    rows = RaggedTensor.from_value_rowids(
        batch.values,
        call("AddV2", ids.values, begins),
        nrows=total,
        validate=feature.validate,
    )
    return RaggedTensor.from_row_splits(rows, outer, validate=feature.validate)
