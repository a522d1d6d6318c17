"""Parts of tensors, as graphs of TensorFlow name them."""

from typing import Any

from penstock.core.errors import DataLossError
from penstock.wire.bundle.reader import BundleReader


def read_part(reader: BundleReader, key: str, extents: str) -> Any:
    """A tensor of a checkpoint, or the part of one that a text such as "8 3 0,4:-" names.

    Raises:
        DataLossError: the text is not understood.
    """
    if not extents:
        return reader.read(key)
    *sizes, last = extents.split()
    starts, lengths = [], []
    for size, part in zip(sizes, last.split(":"), strict=False):
        start, _, length = part.partition(",")
        whole = part == "-"
        if not size.isdigit() or not (whole or (start.isdigit() and length.isdigit())):
            raise DataLossError(f"a part of a tensor must read '8 3 0,4:-', got {extents!r}")
        starts.append(0 if whole else int(start))
        lengths.append(int(size) if whole else int(length))
    return reader.read_slice(key, starts, lengths)
