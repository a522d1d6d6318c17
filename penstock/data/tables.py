"""`tf.data.experimental`: lookup tables that are filled from datasets."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.api.lookup.hashing import FastHashSpec, HasherSpec, IdTableWithHashBuckets
from penstock.api.lookup.initializers import TableInitializerBase
from penstock.api.lookup.static import StaticHashTable
from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.data.dataset.base import DatasetV2
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


class DatasetInitializer(TableInitializerBase):
    """Fills a table from a dataset of pairs of a key and a value.

    Args:
        dataset: the pairs; it is read when a table is filled first.

    Raises:
        TypeError: its elements are no pairs of scalars.
    """

    def __init__(self, dataset: DatasetV2) -> None:
        spec = dataset.element_spec
        if not isinstance(spec, tuple) or len(spec) != 2:
            raise TypeError(f"elements must be pairs of a key and a value, got {spec}")
        key, value = spec
        if key.shape.rank not in (0, None) or value.shape.rank not in (0, None):
            raise TypeError(f"keys and values must be scalars, got {spec}")
        self._dataset = dataset
        self._contents: Any = None
        super().__init__(key.dtype, value.dtype)

    def initialize(self, table: Any) -> Any:
        """Fill a table.

        Raises:
            TypeError: the table has other dtypes.
            FailedPreconditionError: a key comes with two values.
        """
        self._check_table(table)
        if self._contents is None:
            with init_scope():
                pairs = list(self._dataset)
                self._contents = (
                    _stacked([key for key, _ in pairs], self.key_dtype),
                    _stacked([value for _, value in pairs], self.value_dtype),
                )
        return call("LookupTableImportV2", table.resource_handle, *self._contents)


def _stacked(tensors: list[Any], dtype: DType) -> Any:
    array = np.empty(len(tensors), dtype.np)
    for i, tensor in enumerate(tensors):
        array[i] = tensor.numpy()
    return convert_to_tensor(array, dtype)


def table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: Any = None,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Return a table of the pairs of a key and a value in a dataset.

    Args:
        dataset: the pairs.
        num_oov_buckets: number of ids beside the known ones, for keys that are not there.
        vocab_size: number of pairs that are taken; None for all.
        default_value: value of keys that are not there, without buckets.
        hasher_spec: how keys get their bucket.
        key_dtype: dtype of the keys.
        name: name of the table.

    Raises:
        ValueError: a number cannot be.
        TypeError: keys are neither integers nor strings.
    """
    key_dtype = dtypes.as_dtype(key_dtype)
    if num_oov_buckets < 0:
        raise ValueError(
            f"`num_oov_buckets` must be greater than or equal to 0, got {num_oov_buckets}."
        )
    if not isinstance(dataset, DatasetV2):
        raise TypeError(f"`dataset` must be a `tf.data.Dataset`, but got {type(dataset)}.")
    if vocab_size is not None and (not isinstance(vocab_size, int) or vocab_size < 1):
        raise ValueError(f"`vocab_size` must be greater than 0, got {vocab_size}.")
    if not (key_dtype.is_integer or key_dtype is dtypes.string):
        raise TypeError(
            f"`key_dtype` must be either an integer or string type, but got {key_dtype}"
        )
    if vocab_size:
        dataset = dataset.take(vocab_size)  # type: ignore[attr-defined]
    initializer = DatasetInitializer(dataset)
    if num_oov_buckets:
        return IdTableWithHashBuckets(initializer, num_oov_buckets, hasher_spec)
    default = default_value
    if default is None:
        default = "" if initializer.value_dtype is dtypes.string else -1
    return StaticHashTable(initializer, default, name)


def index_table_from_dataset(
    dataset: Any = None,
    num_oov_buckets: int = 0,
    vocab_size: int | None = None,
    default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec,
    key_dtype: Any = dtypes.string,
    name: str | None = None,
) -> Any:
    """Return a table of the numbers of the keys in a dataset.

    Args:
        dataset: the keys.
        num_oov_buckets: see `table_from_dataset`.
        vocab_size: see `table_from_dataset`.
        default_value: number of keys that are not there, without buckets.
        hasher_spec: see `table_from_dataset`.
        key_dtype: dtype of the keys.
        name: name of the table.
    """
    numbered = dataset.enumerate().map(lambda number, key: (key, number))
    return table_from_dataset(
        numbered, num_oov_buckets, vocab_size, default_value, hasher_spec, key_dtype, name
    )
