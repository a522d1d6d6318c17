"""Tensor bundles: the files of a checkpoint.

`<prefix>.index` is a table of names and entries, `<prefix>.data-00000-of-00001` and its like
hold the values. An entry says dtype, shape, place and checksum; that of a partitioned variable
names its slices, each of which has an entry of its own.

Source: TensorFlow's `tensor_bundle.proto` and `TensorBundle`.
"""

from penstock.wire.bundle.legacy import LegacyReader, open_checkpoint
from penstock.wire.bundle.merge import merge_bundles
from penstock.wire.bundle.parts import read_part
from penstock.wire.bundle.reader import BundleReader, data_name, index_name
from penstock.wire.bundle.writer import BundleWriter

__all__ = [
    "BundleReader",
    "BundleWriter",
    "LegacyReader",
    "data_name",
    "index_name",
    "merge_bundles",
    "open_checkpoint",
    "read_part",
]
