"""Checkpoints of the first format: one sorted table with the values in it.

The entry of the empty name lists tensors and slices; each slice stands in an entry of its own.

Source: TensorFlow's `saved_tensor_slice.proto` and `TensorSliceReader`.
"""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.core.dtypes import DType
from penstock.core.errors import DataLossError, NotFoundError
from penstock.core.tensor_shape import TensorShape
from penstock.wire import protos
from penstock.wire.bundle.reader import BundleReader, Entry, index_name, read_extents, to_ranges
from penstock.wire.ordered_code import slice_key
from penstock.wire.table import Table
from penstock.wire.tensors import make_dtype, make_ndarray, make_shape_proto, static_shape

Array = NDArray[Any]

_PATTERN: Final = re.compile(r"-\?{5}-of-\d{5}$")


class LegacyReader:
    """Reads tensors by name from a checkpoint of the first format.

    Args:
        prefix: path of the file, or of sharded files without `-00000-of-00002`.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: it is damaged.
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self.prefix = os.fspath(prefix)
        paths = legacy_files(self.prefix)
        if not paths:
            raise NotFoundError(f"checkpoint '{self.prefix}' must exist, found no file of it")
        self._data_bytes = sum(path.stat().st_size for path in paths)
        self._slices: dict[bytes, bytes] = {}
        self._metas: dict[str, list[Any]] = {}
        for path in paths:
            self._take(path)

    def _take(self, path: Path) -> None:
        entries = dict(Table(path.read_bytes(), f"'{path}'"))
        header = entries.pop(b"", None)
        if header is None:
            raise DataLossError(f"'{path}' must list its tensors, got a table without the list")
        listed = protos.parse(protos.SavedTensorSlices, header, f"the list of '{path}'")
        for meta in listed.meta.tensor:
            self._metas.setdefault(meta.name, []).append(meta)
        self._slices.update(entries)

    def keys(self) -> list[str]:
        """Names of all tensors, sorted."""
        return sorted(self._metas)

    def __contains__(self, key: str) -> bool:
        return key in self._metas

    def __len__(self) -> int:
        return len(self._metas)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def entry(self, key: str) -> Entry:
        """What the list says of a tensor.

        Raises:
            NotFoundError: there is none of that name.
        """
        metas = self._metas.get(key)
        if metas is None:
            raise NotFoundError(
                f"no tensor named '{key}' among {len(self._metas)} in '{self.prefix}'"
            )
        dtype = make_dtype(metas[0].type, f"'{key}'").base_dtype
        sizes = static_shape(metas[0].shape, max(dtype.size, 1), f"'{key}'", 1 << 62)
        return Entry(dtype, sizes, metas[0])

    def dtype_map(self) -> dict[str, DType]:
        """Types of all tensors by name."""
        return {key: self.entry(key).dtype for key in self.keys()}

    def shape_map(self) -> dict[str, TensorShape]:
        """Shapes of all tensors by name."""
        return {key: TensorShape(self.entry(key).sizes) for key in self.keys()}

    def read(self, key: str) -> Array:
        """Read a tensor; strings are an object array of bytes.

        Raises:
            NotFoundError: there is none of that name.
            DataLossError: its slices do not make up the whole.
        """
        entry = self.entry(key)
        shape = entry.sizes
        # A message may leave out values that repeat, but no file stands for that much.
        if math.prod(shape) > max(self._data_bytes, 1) * 64:
            raise DataLossError(f"'{key}' of shape {list(shape)} is more than the file holds")
        whole: Array = np.zeros(shape, entry.dtype.np)
        filled = 0
        for meta in self._metas[key]:
            for message in meta.slice:
                extents = read_extents(message, len(shape), key)
                ranges = to_ranges(extents, shape, f"'{key}'")
                part = self._part(key, extents, tuple(stop - start for start, stop in ranges))
                whole[tuple(slice(start, stop) for start, stop in ranges)] = part
                filled += part.size
        if filled != math.prod(shape):
            raise DataLossError(f"slices of '{key}' must fill its shape {list(shape)}")
        return whole

    def _part(self, key: str, extents: list[tuple[int, int]], shape: tuple[int, ...]) -> Array:
        serialized = self._slices.get(slice_key(key.encode(), extents))
        if serialized is None:
            raise DataLossError(f"'{self.prefix}' lacks a slice of '{key}'")
        found = protos.parse(protos.SavedTensorSlices, serialized, f"slice of '{key}'")
        tensor = found.data.data
        # The values stand alone: dtype and shape are told by the list.
        tensor.dtype = self._metas[key][0].type
        tensor.tensor_shape.CopyFrom(make_shape_proto(shape))
        return make_ndarray(tensor, what=f"'{key}'", copy=False)


def legacy_files(prefix: str | os.PathLike[str]) -> list[Path]:
    """Files of a checkpoint of the first format; none where there is no such checkpoint."""
    path = Path(prefix)
    if path.is_file():
        return [path]
    if not path.parent.is_dir():
        return []
    # TensorFlow calls a sharded one by a pattern.
    name = f"{_PATTERN.sub('', path.name)}-"
    return sorted(
        other
        for other in path.parent.iterdir()
        if other.name.startswith(name) and _is_shard(other.name[len(name) :])
    )


def _is_shard(rest: str) -> bool:
    number, middle, count = rest[:5], rest[5:9], rest[9:]
    return middle == "-of-" and number.isdigit() and count.isdigit() and len(count) == 5


def open_checkpoint(prefix: str | os.PathLike[str]) -> BundleReader | LegacyReader:
    """Return a reader for a checkpoint of either format.

    Raises:
        NotFoundError: there is none.
        DataLossError: it is damaged.
    """
    if not Path(index_name(prefix)).exists() and legacy_files(prefix):
        return LegacyReader(prefix)
    return BundleReader(prefix)
