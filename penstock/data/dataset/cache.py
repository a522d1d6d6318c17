"""`cache`: elements kept in memory or in files after the first pass."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.data.dataset.base import DatasetV2, method, scalar
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.wire.bundle import BundleReader, BundleWriter, index_name

# Names of tensors in a cache file are numbers, padded so that they sort as numbers do.
_ITEM_WIDTH = 7


class _Store:
    """The elements of a dataset, once somebody has met them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._elements: list[Element] | None = None

    @property
    def elements(self) -> list[Element] | None:
        """All elements, or None."""
        return self._elements

    def complete(self, elements: list[Element]) -> None:
        """Keep the elements of a whole pass; those that came first stay."""
        with self._lock:
            if self._elements is None:
                self._elements = elements


class _Remembering(Iterator[Element]):
    """Elements, which are put into a store when all have been met."""

    def __init__(self, elements: Iterator[Element], store: _Store) -> None:
        self._elements = elements
        self._store = store
        self._met: list[Element] = []

    def __next__(self) -> Element:
        try:
            element = next(self._elements)
        except StopIteration:
            self._store.complete(self._met)
            raise
        self._met.append(element)
        return element


class _MemoryCacheDataset(DatasetV2):
    def __init__(self, parent: DatasetV2) -> None:
        self._store = _Store()
        super().__init__((parent,))

    def _bind(self, values: Mapping[int, Any]) -> DatasetV2:
        bound = super()._bind(values)
        if bound is not self:
            # Other values make other elements.
            bound.__dict__["_store"] = _Store()
        return bound

    def _start(self, run: Run) -> Iterator[Element]:
        elements = self._store.elements
        if elements is not None:
            return iter(elements)
        return _Remembering(self._parents[0]._start(run), self._store)

    def _count(self) -> int:
        return self._parents[0]._count()


def _key(item: int, part: int, parts: int) -> str:
    return f"{item:>{_ITEM_WIDTH}}_{part:>{len(str(max(parts - 1, 0)))}}"


class _Writing(Iterator[Element]):
    """Elements, which are written to a file that comes to be when all have been met."""

    def __init__(self, elements: Iterator[Element], path: str, types: tuple[Any, ...]) -> None:
        self._elements = elements
        self._types = types
        self._writer: BundleWriter | None = BundleWriter(path)
        self._item = 0

    def __next__(self) -> Element:
        try:
            element = next(self._elements)
        except StopIteration:
            if self._writer is not None:
                self._writer.finish()
                self._writer = None
            raise
        if self._writer is not None:
            for part, (value, dtype) in enumerate(zip(element, self._types, strict=True)):
                key = _key(self._item, part, len(element))
                self._writer.add(key, np.asarray(value), dtype)
            self._item += 1
        return element

    def __del__(self) -> None:
        # A pass that was broken off leaves no file.
        if getattr(self, "_writer", None) is not None:
            self._writer.discard()  # type: ignore[union-attr]


class _Reading(Iterator[Element]):
    """Elements of a cache file, each read when its turn comes."""

    def __init__(self, path: str, parts: int) -> None:
        self._reader = BundleReader(path)
        self._parts = parts
        self._item = 0

    def __next__(self) -> Element:
        keys = [_key(self._item, part, self._parts) for part in range(self._parts)]
        if not keys or keys[0] not in self._reader:
            raise StopIteration
        self._item += 1
        return tuple([self._reader.read(key) for key in keys])


class _FileCacheDataset(DatasetV2):
    def _start(self, run: Run) -> Iterator[Element]:
        parent = self._parents[0]
        path = os.fsdecode(self._operands[0])
        types = parent._structure.types
        if Path(index_name(path)).exists():
            return _Reading(path, len(types))
        return _Writing(parent._start(run), path, types)

    def _count(self) -> int:
        return self._parents[0]._count()


@method
def cache(self: DatasetV2, filename: Any = "", name: str | None = None) -> DatasetV2:
    """Return a dataset that makes its elements once, and keeps them.

    A pass must come to its end before the elements are kept.

    Args:
        filename: path of a file to keep elements in, in TensorFlow's format; memory unless
            given.
        name: accepted for compatibility.
    """
    if isinstance(filename, os.PathLike):
        filename = os.fspath(filename)
    path = scalar(filename, dtypes.string, "filename")
    return _MemoryCacheDataset(self) if path == b"" else _FileCacheDataset((self,), (path,))
