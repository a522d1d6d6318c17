"""Joining the bundles that several workers wrote."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from penstock.core.errors import AlreadyExistsError, InvalidArgumentError
from penstock.wire.bundle.reader import BundleReader, data_name, index_name
from penstock.wire.bundle.writer import write_index
from penstock.wire.files import AtomicFile, sync_directory


def merge_bundles(
    prefixes: Iterable[str | os.PathLike[str]],
    merged: str | os.PathLike[str],
    *,
    delete_old_indices: bool = True,
) -> None:
    """Join bundles into one: their data files become its shards.

    Args:
        prefixes: the bundles, which are used up.
        merged: prefix of the whole.
        delete_old_indices: remove the indices of the parts.

    Raises:
        AlreadyExistsError: two of them hold the same tensor.
        InvalidArgumentError: their partitioned tensors do not fit each other.

    Source: TensorFlow's `MergeBundles`.
    """
    readers = [BundleReader(prefix) for prefix in prefixes]
    shards = sum(reader.header.num_shards for reader in readers)
    entries: dict[bytes, Any] = {}
    moves: list[tuple[str, str]] = []
    for reader in readers:
        base = len(moves)
        for shard in range(reader.header.num_shards):
            old = data_name(reader.prefix, shard, reader.header.num_shards)
            moves.append((old, data_name(merged, base + shard, shards)))
        for key, message in reader.messages():
            message.shard_id += 0 if message.slices else base
            _merge_entry(entries, key, message)
    directory = Path(os.fspath(merged)).parent
    directory.mkdir(parents=True, exist_ok=True)
    index = AtomicFile(index_name(merged))
    try:
        write_index(index, entries, shards)
        for old, new in moves:
            Path(old).replace(new)
        index.commit()
    finally:
        index.discard()
    sync_directory(directory)
    for reader in readers:
        if delete_old_indices and index_name(reader.prefix) != index_name(merged):
            Path(index_name(reader.prefix)).unlink()


def _merge_entry(entries: dict[bytes, Any], key: bytes, message: Any) -> None:
    found = entries.setdefault(key, message)
    if found is message:
        return
    name = key.decode("utf-8", "backslashreplace")
    if not (found.slices and message.slices):
        raise AlreadyExistsError(f"'{name}' is in two of the bundles")
    if found.shape != message.shape or found.dtype != message.dtype:
        raise InvalidArgumentError(f"slices of '{name}' must have one shape and dtype")
    found.slices.extend(message.slices)
