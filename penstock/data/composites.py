"""Ragged, sparse and extension-typed parts of elements: stacked, and taken apart into rows.

Values are flat, as everywhere in a pipeline: of a ragged tensor the innermost values and the
splits from the outermost axis inwards, of a sparse tensor indices, values and dense shape, of
an extension type the values of each part of its encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.errors import InvalidArgumentError
from penstock.core.type_spec import TensorSpec
from penstock.runtime.extension_type import BatchableExtensionTypeSpec
from penstock.runtime.ragged.spec import RaggedTensorSpec
from penstock.runtime.sparse_tensor import SparseTensorSpec

Values = tuple[Any, ...]


def stack(values: Sequence[Any]) -> Any:
    """Stack arrays of one shape and dtype.

    Raises:
        InvalidArgumentError: shapes differ.
    """
    first = values[0]
    if len({value.shape for value in values}) > 1:
        other = next(value for value in values if value.shape != first.shape)
        raise InvalidArgumentError(
            "Cannot add tensor to the batch: number of elements does not match. Shapes are: "
            f"[tensor]: {list(other.shape)}, [batch]: {list(first.shape)}"
        )
    if first.ndim:
        return np.concatenate(values).reshape((len(values), *first.shape))
    if first.dtype == object:
        stacked = np.empty(len(values), object)
        stacked[:] = [value[()] for value in values]
        return stacked
    return np.array(values, first.dtype)


def rows_of_tensor(array: Any) -> Iterator[Values]:
    """Yield the slices of an array along its first axis."""
    if array.dtype == object:
        # The ellipsis keeps a string an array; without it the bare object would come out.
        return ((array[i, ...],) for i in range(len(array)))
    return zip(array)


def stack_ragged(spec: RaggedTensorSpec, elements: Sequence[Values]) -> Values:
    """Stack ragged tensors, or tensors of different first size, as rows of a ragged tensor."""
    flat = np.concatenate([element[0] for element in elements])
    if spec.ragged_rank == 0:
        lengths = [len(element[0]) for element in elements]
        return flat, _splits(lengths, spec.row_splits_dtype.np)
    lengths = [len(element[1]) - 1 for element in elements]
    inner = [
        _joined([element[level] for element in elements])
        for level in range(1, spec.ragged_rank + 1)
    ]
    return (flat, _splits(lengths, spec.row_splits_dtype.np), *inner)


def _splits(lengths: Sequence[int], dtype: Any) -> Any:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(dtype)


def _joined(splits: Sequence[Any]) -> Any:
    """The splits of several tensors, as those of one tensor after the other."""
    parts = [splits[0][:1]]
    end = splits[0].dtype.type(0)
    for part in splits:
        parts.append(part[1:] + end)
        end += part[-1]
    return np.concatenate(parts)


def rows_of_ragged(values: Values) -> Iterator[Values]:
    """Yield the rows of a ragged tensor, each with one ragged axis less."""
    flat, outer, *inner = values
    for begin, end in zip(outer[:-1].tolist(), outer[1:].tolist(), strict=True):
        row = []
        for splits in inner:
            part = splits[begin : end + 1]
            row.append(part - part[0])
            begin, end = int(part[0]), int(part[-1])  # noqa: PLW2901  (one level further in)
        yield (flat[begin:end], *row)


def stack_sparse(elements: Sequence[Values]) -> Values:
    """Stack sparse tensors along a new first axis; the others are as long as the longest.

    Raises:
        InvalidArgumentError: ranks differ.
    """
    shapes = [element[2] for element in elements]
    if len({len(shape) for shape in shapes}) > 1:
        raise InvalidArgumentError(
            f"sparse tensors of a batch must have one rank, got shapes {shapes}"
        )
    indices = [
        np.concatenate([np.full((len(element[0]), 1), i, np.int64), element[0]], axis=1)
        for i, element in enumerate(elements)
    ]
    dense_shape = np.concatenate([[len(elements)], np.max(shapes, axis=0)]).astype(np.int64)
    values = np.concatenate([element[1] for element in elements])
    return np.concatenate(indices), values, dense_shape


def rows_of_sparse(values: Values) -> Iterator[Values]:
    """Yield the rows of a sparse tensor."""
    indices, cells, dense_shape = values
    order = np.argsort(indices[:, 0], kind="stable")
    indices, cells = indices[order], cells[order]
    bounds = np.searchsorted(indices[:, 0], np.arange(int(dense_shape[0]) + 1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield indices[begin:end, 1:], cells[begin:end], dense_shape[1:]


def stack_values(spec: Any, elements: Sequence[Values]) -> Values:
    """Stack the values of composites of one spec."""
    if isinstance(spec, RaggedTensorSpec):
        return stack_ragged(spec, elements)
    if isinstance(spec, SparseTensorSpec):
        return stack_sparse(elements)
    stacked: list[Any] = []
    for part, begin, end in _encoding(spec):
        values = [element[begin:end] for element in elements]
        if isinstance(part, TensorSpec):
            stacked.append(stack([value for (value,) in values]))
        else:
            stacked.extend(stack_values(part, values))
    return tuple(stacked)


def rows_of_values(spec: Any, values: Values) -> Iterator[Values]:
    """Yield the rows of a composite of some spec, or of a tensor."""
    if isinstance(spec, TensorSpec):
        return rows_of_tensor(values[0])
    if isinstance(spec, SparseTensorSpec):
        return rows_of_sparse(values)
    if not isinstance(spec, RaggedTensorSpec):
        columns = [rows_of_values(part, values[i:j]) for part, i, j in _encoding(spec)]
        return map(_chained, zip(*columns, strict=True))
    if spec.ragged_rank:
        return rows_of_ragged(values)
    return zip(values[0])


def _chained(parts: Sequence[Values]) -> Values:
    return tuple([value for part in parts for value in part])


def is_supported(spec: Any) -> bool:
    """Whether composites of a spec can be stacked: ragged, sparse, or encoded as such."""
    if isinstance(spec, RaggedTensorSpec):
        return spec.flat_values_spec is None
    if isinstance(spec, BatchableExtensionTypeSpec):
        parts = [part for part, _, _ in _encoding(spec)]
        return bool(parts) and all(
            isinstance(part, TensorSpec) or is_supported(part) for part in parts
        )
    return isinstance(spec, SparseTensorSpec)


def number_of_rows(spec: Any, values: Values) -> int:
    """How many rows a composite has, or a tensor."""
    if isinstance(spec, TensorSpec):
        return len(values[0])
    if isinstance(spec, SparseTensorSpec):
        return int(values[2][0])
    if isinstance(spec, RaggedTensorSpec):
        return len(values[1]) - 1 if spec.ragged_rank else len(values[0])
    part, begin, end = _encoding(spec)[0]
    return number_of_rows(part, values[begin:end])


def _encoding(spec: Any) -> list[tuple[Any, int, int]]:
    """The specs that an extension type is encoded as, and the range of values of each."""
    ranges = []
    end = 0
    for part in nest.flatten(spec.__batch_encoder__.encoding_specs(spec)):
        begin, end = end, end + len(part._flat_tensor_specs)
        ranges.append((part, begin, end))
    return ranges
