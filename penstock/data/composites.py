"""Ragged and sparse parts of elements: stacked, and taken apart into rows.

Values are flat, as everywhere in a pipeline: of a ragged tensor the innermost values and the
splits from the outermost axis inwards, of a sparse tensor indices, values and dense shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.runtime.ragged.spec import RaggedTensorSpec
from penstock.runtime.sparse_tensor import SparseTensorSpec

Values = tuple[Any, ...]


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
    """Stack the values of ragged or sparse tensors of one spec."""
    if isinstance(spec, RaggedTensorSpec):
        return stack_ragged(spec, elements)
    return stack_sparse(elements)


def rows_of_values(spec: Any, values: Values) -> Iterator[Values]:
    """Yield the rows of a ragged or sparse tensor of some spec."""
    if isinstance(spec, SparseTensorSpec):
        return rows_of_sparse(values)
    if spec.ragged_rank:
        return rows_of_ragged(values)
    return zip(values[0])


def is_supported(spec: Any) -> bool:
    """Whether the spec is of a ragged tensor of tensors, or of a sparse tensor."""
    if isinstance(spec, RaggedTensorSpec):
        return spec.flat_values_spec is None
    return isinstance(spec, SparseTensorSpec)


def number_of_rows(spec: Any, values: Values) -> int:
    """How many rows a ragged or sparse tensor has."""
    if isinstance(spec, SparseTensorSpec):
        return int(values[2][0])
    return len(values[1]) - 1 if spec.ragged_rank else len(values[0])
