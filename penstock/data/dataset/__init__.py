"""Datasets: each family of transformations is a file, which adds its methods to `Dataset`."""

# ruff: noqa: F401  (importing a family adds its methods)

from penstock.data.dataset import batch as _batch
from penstock.data.dataset import cache as _cache
from penstock.data.dataset import combine as _combine
from penstock.data.dataset import files as _files
from penstock.data.dataset import flat_map as _flat_map
from penstock.data.dataset import generator as _generator
from penstock.data.dataset import grouping as _grouping
from penstock.data.dataset import map as _map
from penstock.data.dataset import missing as _missing
from penstock.data.dataset import numbers as _numbers
from penstock.data.dataset import padded_batch as _padded_batch
from penstock.data.dataset import prefetch as _prefetch
from penstock.data.dataset import resample as _resample
from penstock.data.dataset import saving as _saving
from penstock.data.dataset import scan as _scan
from penstock.data.dataset import selection as _selection
from penstock.data.dataset import sequence as _sequence
from penstock.data.dataset import settings as _settings
from penstock.data.dataset import shuffle as _shuffle
from penstock.data.dataset import tensors as _tensors
from penstock.data.dataset import unbatch as _unbatch
from penstock.data.dataset import uneven_batch as _uneven_batch
from penstock.data.dataset import window as _window
from penstock.data.dataset.base import DatasetSpec, DatasetV2

__all__ = ["DatasetSpec", "DatasetV2"]
