"""The size of the batches of a dataset, as far as its stages tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.runtime.convert import convert_to_tensor

# Stages that make batches of the size that is their first operand, and stages that hand on the
# elements that they get; told apart by name, as TensorFlow tells the ops of a dataset's graph.
_BATCHING = frozenset({"_BatchDataset", "_PaddedBatchDataset"})
_PASSING = frozenset(
    {
        "_AssertCardinalityDataset",
        "_ConcatenateDataset",
        "_FileCacheDataset",
        "_FilterDataset",
        "_MemoryCacheDataset",
        "_OptionsDataset",
        "_PrefetchDataset",
        "_RepeatDataset",
        "_ShardDataset",
        "_ShuffleDataset",
        "_SkipDataset",
        "_TakeDataset",
        "_ZipDataset",
    }
)


def compute_batch_size(dataset: Any) -> Any:
    """The size of a dataset's batches as an int64 scalar; -1 where it cannot be told."""
    sizes = {_first_size(spec) for spec in nest.flatten(dataset.element_spec)}
    size = sizes.pop() if len(sizes) == 1 else None
    return convert_to_tensor(_from_stages(dataset) if size is None else size, dtypes.int64)


def _first_size(spec: Any) -> int | None:
    shape = getattr(spec, "shape", None)
    if shape is None or not shape.rank:
        return None
    size: int | None = shape[0]
    return size


def _from_stages(dataset: Any) -> int:
    name = type(dataset).__name__
    if name in _BATCHING:
        size = dataset._operands[0]
        return int(size) if isinstance(size, (int, np.integer, np.ndarray)) else -1
    if name not in _PASSING:
        return -1
    found = {_from_stages(parent) for parent in dataset._parents}
    return found.pop() if len(found) == 1 else -1
