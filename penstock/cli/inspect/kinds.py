"""Which kind of file a path is, told by its bytes and not by its name."""

from __future__ import annotations

import importlib
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from penstock.cli.inspect.report import Report
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.train.checkpoint_state import latest_checkpoint
from penstock.wire.bundle.legacy import legacy_files
from penstock.wire.crc32c import masked_crc32c
from penstock.wire.npz import UNREADABLE

_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_TABLE: Final = struct.pack("<Q", 0xDB4775248B80FB57)
_HEAD_BYTES: Final = 4096
# The field `file_version` of an Event begins with its number, a length and this text.
_EVENT: Final = b"\x1a\rbrain.Event:"


def inspector(path: Path) -> Callable[[], Report]:
    """Return what describes a path, without reading much of it.

    Raises:
        NotFoundError: there is nothing.
        InvalidArgumentError: it is of no kind that is known.
    """
    if path.is_dir():
        return _of_directory(path)
    if path.is_file():
        return _of_file(path)
    prefix = _prefix_of(path)
    if prefix is not None:
        return partial(_load("checkpoints", "inspect_checkpoint"), prefix)
    raise NotFoundError(f"no file, directory or checkpoint '{path}' was found")


def _load(module: str, name: str) -> Any:
    """A function of a module that is imported only when its kind of file is met."""
    return getattr(importlib.import_module(f"penstock.cli.inspect.{module}"), name)


def _prefix_of(path: Path) -> Path | None:
    if Path(f"{path}.index").is_file() or legacy_files(path):
        return path
    return None


def _of_directory(path: Path) -> Callable[[], Report]:
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        return partial(_load("saved_models", "inspect_saved_model"), path)
    latest = latest_checkpoint(path)
    if latest is not None:
        return partial(_load("checkpoints", "inspect_checkpoint"), Path(latest))
    versions = sorted(
        (int(each.name) for each in path.iterdir() if each.name.isdigit()), reverse=True
    )
    for version in versions:
        if (path / str(version) / "saved_model.pb").is_file():
            return _of_directory(path / str(version))
    events = sorted(path.glob("events.out.tfevents.*"))
    if events:
        return partial(_load("events", "inspect_events"), events[-1])
    raise InvalidArgumentError(
        f"'{path}' must hold a SavedModel, event files, or the state file of checkpoints; "
        "name one of its files"
    )


def _of_file(path: Path) -> Callable[[], Report]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, path.stat().st_size - len(_TABLE)))
        tail = file.read()
    if head.startswith(_HDF5):
        return partial(_load("archives", "inspect_hdf5"), path)
    if head.startswith(b"PK\x03\x04"):
        return partial(_load("archives", _archive_kind(path)), path)
    if tail == _TABLE:
        prefix = path.with_suffix("") if path.suffix == ".index" else path
        return partial(_load("checkpoints", "inspect_checkpoint"), prefix)
    if path.name == "saved_model.pb":
        return partial(_load("saved_models", "inspect_saved_model"), path.parent)
    if path.suffix == ".safetensors" and head[8:9] == b"{":
        return partial(_load("archives", "inspect_safetensors"), path)
    for compression, start in _starts(head):
        if _is_record(start):
            if compression == "" and _EVENT in start[12:64]:
                return partial(_load("events", "inspect_events"), path)
            return partial(_load("records", "inspect_records"), path, compression)
    raise InvalidArgumentError(
        f"'{path}' must be a SavedModel, checkpoint, TFRecord or event file, Keras model, "
        f"HDF5 file or npz archive; its first bytes {head[:8].hex(' ') or 'are missing'} are "
        "none of them"
    )


def _archive_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (ValueError, *UNREADABLE):
        return "inspect_npz"  # which says what is wrong
    return "inspect_keras" if "config.json" in names else "inspect_npz"


def _starts(head: bytes) -> list[tuple[str, bytes]]:
    """The first bytes of a file as they are, and as they are under each compression."""
    found = [("", head)]
    for name, bits in (("GZIP", 31), ("ZLIB", 15)):
        try:
            found.append((name, zlib.decompressobj(bits).decompress(head, _HEAD_BYTES)))
        except zlib.error:
            continue
    return found


def _is_record(start: bytes) -> bool:
    return len(start) >= 12 and masked_crc32c(start[:8]) == struct.unpack("<I", start[8:12])[0]
