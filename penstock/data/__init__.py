"""`tf.data`: input pipelines."""

from penstock.api.data_optional import Optional, OptionalSpec
from penstock.data import experimental
from penstock.data.dataset import DatasetSpec
from penstock.data.dataset import DatasetV2 as Dataset
from penstock.data.dataset.files import FixedLengthRecordDatasetV2 as FixedLengthRecordDataset
from penstock.data.dataset.files import TextLineDatasetV2 as TextLineDataset
from penstock.data.dataset.files import TFRecordDatasetV2 as TFRecordDataset
from penstock.data.iterator import IteratorBase as Iterator
from penstock.data.iterator import IteratorSpec, NumpyIterator
from penstock.data.options import Options, ThreadingOptions
from penstock.data.run import AUTOTUNE
from penstock.data.run import INFINITE as INFINITE_CARDINALITY
from penstock.data.run import UNKNOWN as UNKNOWN_CARDINALITY

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "DatasetSpec",
    "FixedLengthRecordDataset",
    "Iterator",
    "IteratorSpec",
    "NumpyIterator",
    "Optional",
    "OptionalSpec",
    "Options",
    "TFRecordDataset",
    "TextLineDataset",
    "ThreadingOptions",
    "experimental",
]
