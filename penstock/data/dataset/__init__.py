"""Datasets: each family of transformations is a file, which adds its methods to `Dataset`."""

# ruff: noqa: F401  (importing a family adds its methods)

from penstock.data.dataset import batch as _batch
from penstock.data.dataset import combine as _combine
from penstock.data.dataset import flat_map as _flat_map
from penstock.data.dataset import map as _map
from penstock.data.dataset import numbers as _numbers
from penstock.data.dataset import prefetch as _prefetch
from penstock.data.dataset import sequence as _sequence
from penstock.data.dataset import settings as _settings
from penstock.data.dataset import shuffle as _shuffle
from penstock.data.dataset import tensors as _tensors
from penstock.data.dataset.base import DatasetSpec, DatasetV2

__all__ = ["DatasetSpec", "DatasetV2"]
