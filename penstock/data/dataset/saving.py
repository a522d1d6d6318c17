"""`save` and `load`: elements in a directory, in TensorFlow's format.

Each run has a directory with one TFRecord file per shard, in which every component of an
element is a record, a serialized tensor. `snapshot.metadata` names the last run.
"""

from __future__ import annotations

import importlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import dtypes
from penstock.core.errors import DataLossError, NotFoundError, UnimplementedError
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2, method, source
from penstock.data.dataset.rows import from_list
from penstock.data.dataset.settings import assert_cardinality
from penstock.data.dataset.tensors import Source
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.runtime.dispatch import call
from penstock.wire import protos
from penstock.wire.files import write_atomically
from penstock.wire.records import RecordReader, TFRecordWriter
from penstock.wire.tensors import make_ndarray, serialized_tensor

_SPEC_FILE: Final = "dataset_spec.pb"
_METADATA_FILE: Final = "snapshot.metadata"
_SHARD_FILE: Final = "00000000.snapshot"
_VERSION: Final = 2


def _spec_coder() -> Any:
    # Specs are written by the room of SavedModels, which reads them too.
    return importlib.import_module("penstock.saved_model.structured_value")


def _check_plain(structure: Structure) -> None:
    for leaf in structure.leaves:
        if not isinstance(leaf, TensorSpec) or leaf.dtype in (dtypes.variant, dtypes.resource):
            raise UnimplementedError(
                f"saving a dataset with a {type(leaf).__name__} among its elements is not "
                "implemented; turn it into tensors first"
            )


def _compression(name: Any) -> str:
    text = str(name or "").upper()
    if text in ("", "NONE"):
        return ""
    if text != "GZIP":
        raise UnimplementedError(f"compression {name!r} is not implemented; use 'GZIP'")
    return text


@method
def save(
    self: DatasetV2,
    path: Any,
    compression: str | None = None,
    shard_func: Callable[..., Any] | None = None,
    checkpoint_args: Any = None,
) -> None:
    """Write the elements to a directory, from which `load` makes a dataset again.

    What was saved there before stays, but is not loaded any more.

    Args:
        path: the directory, which is made where it is missing.
        compression: None or "GZIP".
        shard_func: gives the number of the shard of an element; None writes one shard.
        checkpoint_args: not implemented.

    Raises:
        UnimplementedError: elements are not tensors alone, or an argument is not implemented.
    """
    if checkpoint_args is not None:
        raise UnimplementedError("checkpoint_args is not implemented; pass None")
    structure = self._structure
    _check_plain(structure)
    place = Path(os.fspath(path))
    run_id = str(secrets.randbits(64))
    started = time.time_ns() // 1000
    directory = place / run_id
    directory.mkdir(parents=True)
    count = _write_shards(self, directory, _compression(compression), shard_func)
    spec = _spec_coder().encode(self.element_spec)
    write_atomically(place / _SPEC_FILE, spec.SerializeToString(deterministic=True))
    metadata = protos.SnapshotMetadataRecord(
        run_id=run_id,
        creation_timestamp=started,
        version=_VERSION,
        dtype=[dtype.as_datatype_enum for dtype in structure.types],
        num_elements=count,
        finalized=True,
    )
    # It comes last: until then a reader finds what was saved before.
    write_atomically(place / _METADATA_FILE, metadata.SerializeToString())


def _write_shards(
    dataset: DatasetV2, directory: Path, compression: str, shard_func: Any
) -> int:
    """Write the elements, and give their number."""
    types = dataset._structure.types
    writers: dict[int, TFRecordWriter] = {}
    count = 0
    try:
        for shard, element in _with_shards(dataset, shard_func):
            if shard not in writers:
                writers[shard] = _new_shard(directory, shard, compression)
            for value, dtype in zip(element, types, strict=True):
                writers[shard].write(serialized_tensor(np.asarray(value), dtype))
            count += 1
    finally:
        for writer in writers.values():
            writer.close()
    return count


def _new_shard(directory: Path, number: int, compression: str) -> TFRecordWriter:
    place = directory / f"{number:08d}.shard"
    place.mkdir()
    return TFRecordWriter(place / _SHARD_FILE, compression)


def _with_shards(dataset: Any, shard_func: Any) -> Iterator[tuple[int, Element]]:
    if shard_func is None:
        for element in dataset._element_source():
            yield 0, element
        return

    def numbered(*parts: Any) -> Any:
        element = parts if isinstance(dataset.element_spec, tuple) else parts[0]
        return call("Cast", shard_func(*parts), DstT=dtypes.int64), element

    for number, *element in dataset.map(numbered)._element_source():
        yield int(np.asarray(number)), tuple(element)


class _ShardDataset(Source):
    """The elements of one shard; without a path, none."""

    def __init__(self, structure: Structure, path: Path | None, compression: str) -> None:
        self._path = path
        self._compression = compression
        super().__init__(structure)

    def _start(self, run: Run) -> Iterator[Element]:
        if self._path is None:
            return iter(())
        return _Elements(
            RecordReader(self._path, self._compression), len(self._structure.types), self._path
        )


class _Elements(Iterator[Element]):
    def __init__(self, records: Iterator[bytes], parts: int, path: Path) -> None:
        self._records = records
        self._parts = parts
        self._path = path

    def __next__(self) -> Element:
        first = next(self._records)
        rest = [next(self._records, None) for _ in range(self._parts - 1)]
        if None in rest:
            raise DataLossError(f"'{self._path}' ends within an element")
        return tuple([_tensor(record) for record in (first, *rest)])


def _tensor(record: Any) -> Any:
    return make_ndarray(protos.parse(protos.TensorProto, record, "element"))


def _read(path: Path, kind: Any, what: str) -> Any:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"tf.data snapshot {what} file not found: {path}.") from None
    return protos.parse(kind, data, f"'{path}'")


@source
def load(
    path: Any,
    element_spec: Any = None,
    compression: str | None = None,
    reader_func: Callable[[Any], Any] | None = None,
    wait: bool = False,
) -> DatasetV2:
    """Return the dataset that `save` wrote last to a directory.

    Args:
        path: the directory.
        element_spec: spec of the elements; None takes the one that was saved.
        compression: as it was given to `save`.
        reader_func: makes one dataset of the dataset of all shards; None takes elements from
            the shards in turn.
        wait: accepted for compatibility; only what is complete is loaded.

    Raises:
        NotFoundError: nothing was saved there.
        DataLossError: the files are damaged.
    """
    del wait
    place = Path(os.fspath(path))
    if element_spec is None:
        message = _read(place / _SPEC_FILE, protos.StructuredValue, "element_spec")
        element_spec = _spec_coder().decode(message)
    metadata = _read(place / _METADATA_FILE, protos.SnapshotMetadataRecord, "metadata")
    run_id = metadata.run_id
    if Path(run_id).name != run_id or metadata.version != _VERSION:
        raise DataLossError(
            f"'{place / _METADATA_FILE}' must name a run of version {_VERSION}, got {run_id!r} "
            f"of version {metadata.version}"
        )
    structure = Structure(element_spec)
    _check_plain(structure)
    kind = _compression(compression)
    shards: list[Any] = [
        _ShardDataset(structure, file, kind)
        for file in sorted((place / run_id).glob(f"*.shard/{_SHARD_FILE}"))
    ]
    if reader_func is not None:
        return reader_func(from_list(shards))  # type: ignore[no-any-return]
    dataset: Any = shards[0] if shards else _ShardDataset(structure, None, kind)
    if len(shards) > 1:
        dataset = from_list(shards).interleave(  # type: ignore[attr-defined]
            lambda shard: shard, cycle_length=len(shards)
        )
    return assert_cardinality(metadata.num_elements)(dataset)
