"""`tf.data.experimental`: names that came before those of `Dataset`, and some of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from penstock.api.data_optional import Optional
from penstock.core import data_nest, dtypes
from penstock.data.csv_dataset import CsvDatasetV2 as CsvDataset
from penstock.data.dataset import DatasetV2
from penstock.data.dataset.base import _VariantDataset
from penstock.data.dataset.numbers import RandomDataset
from penstock.data.dataset.rows import at, from_list
from penstock.data.dataset.settings import assert_cardinality
from penstock.data.file_pipelines import (
    make_batched_features_dataset,
    make_csv_dataset,
    pad_to_cardinality,
    parse_example_dataset,
)
from penstock.data.options import (
    AutoShardPolicy,
    AutotuneAlgorithm,
    AutotuneOptions,
    DistributeOptions,
    ExternalStatePolicy,
    OptimizationOptions,
    ServiceOptions,
    ThreadingOptions,
)
from penstock.data.run import AUTOTUNE
from penstock.data.run import INFINITE as INFINITE_CARDINALITY
from penstock.data.run import UNKNOWN as UNKNOWN_CARDINALITY
from penstock.data.sql_dataset import SqlDatasetV2 as SqlDataset
from penstock.data.tables import (
    DatasetInitializer,
    index_table_from_dataset,
    table_from_dataset,
)
from penstock.runtime.tensor import EagerTensor
from penstock.wire.records import TFRecordWriter as RecordWriter

SHARD_HINT = -1

Transformation = Callable[[Any], Any]


def _method(name: str) -> Callable[..., Transformation]:
    """The method of `Dataset` of that name, as a function that gives a transformation."""

    def transformation(*args: Any, **kwargs: Any) -> Transformation:
        return lambda dataset: getattr(dataset, name)(*args, **kwargs)

    transformation.__name__ = name
    transformation.__doc__ = f"Return a function that calls `Dataset.{name}`, for `apply`."
    return transformation


bucket_by_sequence_length = _method("bucket_by_sequence_length")
dense_to_ragged_batch = _method("ragged_batch")
dense_to_sparse_batch = _method("sparse_batch")
enumerate_dataset = _method("enumerate")
group_by_window = _method("group_by_window")
ignore_errors = _method("ignore_errors")
rejection_resample = _method("rejection_resample")
scan = _method("scan")
snapshot = _method("snapshot")
take_while = _method("take_while")
unbatch = _method("unbatch")
unique = _method("unique")


def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Any:  # noqa: N802
    """Return `Dataset.counter(start, step, dtype)`."""
    return _dataset().counter(start, step, dtype)


def choose_from_datasets(
    datasets: Sequence[Any], choice_dataset: Any, stop_on_empty_dataset: bool = False
) -> Any:
    """Return `Dataset.choose_from_datasets`, which by default passes over datasets that end."""
    return _dataset().choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)


def sample_from_datasets(
    datasets: Sequence[Any],
    weights: Any = None,
    seed: int | None = None,
    stop_on_empty_dataset: bool = False,
) -> Any:
    """Return `Dataset.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)`."""
    return _dataset().sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


def _dataset() -> Any:
    # Methods are added to the class one by one, which type checkers do not see.
    return DatasetV2


def save(
    dataset: Any,
    path: Any,
    compression: str | None = None,
    shard_func: Callable[..., Any] | None = None,
    checkpoint_args: Any = None,
) -> None:
    """Call `dataset.save(path, compression, shard_func, checkpoint_args)`."""
    dataset.save(path, compression, shard_func, checkpoint_args)


def load(
    path: Any,
    element_spec: Any = None,
    compression: str | None = None,
    reader_func: Callable[[Any], Any] | None = None,
) -> Any:
    """Return `Dataset.load(path, element_spec, compression, reader_func)`."""
    return _dataset().load(path, element_spec, compression, reader_func)


def cardinality(dataset: DatasetV2) -> Any:
    """Return `dataset.cardinality()`."""
    return dataset.cardinality()


def get_single_element(dataset: Any) -> Any:
    """Return `dataset.get_single_element()`."""
    return dataset.get_single_element()


def get_next_as_optional(iterator: Any) -> Optional:
    """Return `iterator.get_next_as_optional()`."""
    optional: Optional = iterator.get_next_as_optional()
    return optional


def get_structure(dataset_or_iterator: Any) -> Any:
    """Return the spec of the elements of a dataset or an iterator."""
    return dataset_or_iterator.element_spec


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: int | None = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Return a function that maps and batches a dataset, for `apply`."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(
        batch_size, drop_remainder
    )


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """Return a function that shuffles and repeats a dataset, for `apply`."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: bool | None = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Transformation:
    """Return a function that interleaves a dataset, for `apply`."""
    return lambda dataset: dataset.interleave(
        map_func, cycle_length, block_length, AUTOTUNE, deterministic=not sloppy
    )


def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """Return a function that prefetches a dataset, for `apply`.

    Elements stay in host memory; XLA moves them when a computation takes them.
    """
    return lambda dataset: dataset.prefetch(AUTOTUNE if buffer_size is None else buffer_size)


def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """Return a function that gives a dataset as it is, for `apply`.

    Elements stay in host memory; XLA moves them when a computation takes them.
    """
    return lambda dataset: dataset


def to_variant(dataset: DatasetV2) -> Any:
    """Return the variant tensor that stands for a dataset."""
    return dataset._variant_tensor


def from_variant(variant: Any, structure: Any) -> DatasetV2:
    """Return the dataset that a variant tensor stands for.

    Args:
        variant: what `to_variant` gave.
        structure: spec of the elements.
    """
    if isinstance(variant, EagerTensor) and isinstance(variant._value, DatasetV2):
        return variant._value
    return _VariantDataset(variant, structure)


class Reducer:
    """How the elements of one group are folded; see `group_by_reducer`.

    Args:
        init_func: function of the key that gives the first state.
        reduce_func: function of a state and an element that gives the next state.
        finalize_func: function of the last state that gives an element.
    """

    def __init__(
        self,
        init_func: Callable[[Any], Any],
        reduce_func: Callable[..., Any],
        finalize_func: Callable[..., Any],
    ) -> None:
        self._init_func = init_func
        self._reduce_func = reduce_func
        self._finalize_func = finalize_func

    @property
    def init_func(self) -> Callable[[Any], Any]:
        """Gives the first state of a key."""
        return self._init_func

    @property
    def reduce_func(self) -> Callable[..., Any]:
        """Gives the next state."""
        return self._reduce_func

    @property
    def finalize_func(self) -> Callable[..., Any]:
        """Gives the element of the last state."""
        return self._finalize_func


_ALL = 2**63 - 1


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """Return a function that folds the elements of each key into one, for `apply`."""

    def fold(key: Any, group: Any) -> Any:
        last = group.reduce(reducer.init_func(key), reducer.reduce_func)
        parts = last if type(last) is tuple else (last,)
        return _dataset().from_tensors(reducer.finalize_func(*parts))

    return lambda dataset: dataset.group_by_window(key_func, fold, window_size=_ALL)


class TFRecordWriter:
    """Writes a dataset of string scalars to a TFRecord file.

    Args:
        filename: path of the file.
        compression_type: "", "ZLIB" or "GZIP".
    """

    def __init__(self, filename: Any, compression_type: str | None = None) -> None:
        self._filename = os.fspath(filename)
        self._compression_type = compression_type

    def write(self, dataset: Any) -> None:
        """Write all elements.

        Raises:
            TypeError: `dataset` is no dataset, or its elements are no string scalars.
        """
        if not isinstance(dataset, DatasetV2):
            raise TypeError(
                "Invalid `dataset.` Expected a `tf.data.Dataset` object but got "
                f"{type(dataset)}."
            )
        specs = data_nest.flatten(dataset.element_spec)
        if len(specs) != 1 or specs[0].dtype != dtypes.string or specs[0].shape.rank:
            raise TypeError(
                "Invalid `dataset`. Expected a dataset that produces scalar `tf.string` "
                f"elements, but got elements of {dataset.element_spec}."
            )
        with RecordWriter(self._filename, self._compression_type) as writer:
            for record in dataset.as_numpy_iterator():
                writer.write(record)


__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "SHARD_HINT",
    "UNKNOWN_CARDINALITY",
    "AutoShardPolicy",
    "AutotuneAlgorithm",
    "AutotuneOptions",
    "Counter",
    "CsvDataset",
    "DatasetInitializer",
    "DistributeOptions",
    "ExternalStatePolicy",
    "OptimizationOptions",
    "Optional",
    "RandomDataset",
    "Reducer",
    "ServiceOptions",
    "SqlDataset",
    "TFRecordWriter",
    "ThreadingOptions",
    "assert_cardinality",
    "at",
    "bucket_by_sequence_length",
    "cardinality",
    "choose_from_datasets",
    "copy_to_device",
    "dense_to_ragged_batch",
    "dense_to_sparse_batch",
    "enumerate_dataset",
    "from_list",
    "from_variant",
    "get_next_as_optional",
    "get_single_element",
    "get_structure",
    "group_by_reducer",
    "group_by_window",
    "ignore_errors",
    "index_table_from_dataset",
    "load",
    "make_batched_features_dataset",
    "make_csv_dataset",
    "map_and_batch",
    "pad_to_cardinality",
    "parallel_interleave",
    "parse_example_dataset",
    "prefetch_to_device",
    "rejection_resample",
    "sample_from_datasets",
    "save",
    "scan",
    "shuffle_and_repeat",
    "snapshot",
    "table_from_dataset",
    "take_while",
    "to_variant",
    "unbatch",
    "unique",
]
