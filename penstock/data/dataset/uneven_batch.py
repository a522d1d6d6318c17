"""`ragged_batch` and `sparse_batch`: tensors of different sizes, stacked without padding."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.core.errors import DataLossError, InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method, scalar
from penstock.data.dataset.padded_batch import as_shape
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.runtime.ragged.spec import RaggedTensorSpec
from penstock.runtime.sparse_tensor import SparseTensorSpec


class _DenseToRaggedDataset(DatasetV2):
    """Tensors whose sizes are unknown, as ragged tensors."""

    def __init__(self, parent: DatasetV2, row_splits_dtype: Any) -> None:
        self._splits_dtype = as_dtype(row_splits_dtype)
        super().__init__((parent,))

    def _make_structure(self) -> Structure:
        return Structure(self._parents[0]._structure.map_leaves(self._ragged))

    def _ragged(self, leaf: Any) -> Any:
        if not isinstance(leaf, TensorSpec) or leaf.shape.rank is None:
            return leaf
        unknown = [axis for axis, size in enumerate(leaf.shape.as_list()) if size is None]
        if not unknown:
            return leaf
        return RaggedTensorSpec(leaf.shape, leaf.dtype, max(unknown), self._splits_dtype)

    def _start(self, run: Run) -> Iterator[Element]:
        return map(self._convert, self._parents[0]._start(run))

    def _convert(self, element: Element) -> Element:
        values: list[Any] = []
        before = self._parents[0]._structure.leaf_ranges()
        for (_, begin, end), spec in zip(before, self._structure.leaves, strict=True):
            part = element[begin:end]
            if isinstance(spec, RaggedTensorSpec) and len(part) == 1 and spec.ragged_rank:
                part = _as_ragged(part[0], spec.ragged_rank, self._splits_dtype.np)
            values.extend(part)
        return tuple(values)

    def _count(self) -> int:
        return self._parents[0]._count()


def _as_ragged(array: Any, ragged_rank: int, dtype: Any) -> Element:
    """The values and splits of a tensor whose rows all are of one length."""
    shape = array.shape
    flat = array.reshape((math.prod(shape[: ragged_rank + 1]), *shape[ragged_rank + 1 :]))
    splits: list[Any] = [
        np.arange(math.prod(shape[: axis + 1]) + 1).astype(dtype) * shape[axis + 1]
        for axis in range(ragged_rank)
    ]
    return (flat, *splits)


@method
def ragged_batch(
    self: DatasetV2,
    batch_size: Any,
    drop_remainder: Any = False,
    row_splits_dtype: Any = dtypes.int64,
    name: str | None = None,
) -> DatasetV2:
    """Return a dataset of consecutive elements stacked as ragged tensors.

    Args:
        batch_size: number of elements.
        drop_remainder: whether a last batch of fewer elements is left out.
        row_splits_dtype: int32 or int64.
        name: accepted for compatibility.

    Parts of an element whose sizes are all known are stacked as tensors.
    """
    ragged: Any = _DenseToRaggedDataset(self, row_splits_dtype)
    batches: DatasetV2 = ragged.batch(batch_size, drop_remainder)
    return batches


class _SparseBatches(Iterator[Element]):
    """Tensors of at most a given shape, so many at a time, as the cells of a sparse tensor."""

    def __init__(
        self, elements: Iterator[Element], size: int, row_shape: Sequence[Any]
    ) -> None:
        self._elements = elements
        self._size = size
        self._row_shape = row_shape

    def __next__(self) -> Element:
        found = [element[0] for element in itertools.islice(self._elements, self._size)]
        if not found:
            raise StopIteration
        for array in found:
            self._check_fits(array)
        indices = [
            np.array([(i, *place) for place in np.ndindex(array.shape)], np.int64).reshape(
                -1, array.ndim + 1
            )
            for i, array in enumerate(found)
        ]
        values = np.concatenate([array.reshape(-1) for array in found])
        sizes = [
            max(array.shape[axis] for array in found) if size is None else size
            for axis, size in enumerate(self._row_shape)
        ]
        return np.concatenate(indices), values, np.array([len(found), *sizes], np.int64)

    def _check_fits(self, array: Any) -> None:
        if array.ndim != len(self._row_shape):
            raise InvalidArgumentError(
                f"elements must have the rank of row_shape, {len(self._row_shape)}, got shape "
                f"{array.shape}"
            )
        for have, most in zip(array.shape, self._row_shape, strict=True):
            if most is not None and have > most:
                raise DataLossError(
                    f"elements must fit into row_shape {tuple(self._row_shape)}, got shape "
                    f"{array.shape}"
                )


class _DenseToSparseBatchDataset(DatasetV2):
    def __init__(self, parent: DatasetV2, size: Any, row_shape: TensorShape) -> None:
        self._row_shape = row_shape
        super().__init__((parent,), (size,))

    def _make_structure(self) -> Structure:
        dtype = self._parents[0]._structure.leaves[0].dtype
        return Structure(
            SparseTensorSpec(TensorShape([None]).concatenate(self._row_shape), dtype)
        )

    def _start(self, run: Run) -> Iterator[Element]:
        elements = self._parents[0]._start(run)
        return _SparseBatches(elements, self._operands[0], self._row_shape.as_list())


@method
def sparse_batch(
    self: DatasetV2, batch_size: Any, row_shape: Any, name: str | None = None
) -> DatasetV2:
    """Return a dataset of consecutive tensors as the cells of sparse tensors.

    Args:
        batch_size: number of elements.
        row_shape: shape of a row; elements may be smaller. None and -1 take the greatest size.
        name: accepted for compatibility.

    Raises:
        TypeError: an element is no single tensor.
    """
    if not isinstance(self.element_spec, TensorSpec):
        raise TypeError(
            "`dense_to_sparse_batch` requires an input dataset whose elements have a single "
            f"component, but the given dataset has the element spec {self.element_spec}."
        )
    size = scalar(batch_size, dtypes.int64, "batch_size")
    return _DenseToSparseBatchDataset(self, size, as_shape(row_shape))
