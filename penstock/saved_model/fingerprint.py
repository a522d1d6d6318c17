"""`fingerprint.pb`: numbers by which two SavedModels can be told apart without loading them."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Any, Final

from penstock.core.errors import NotFoundError
from penstock.saved_model import constants
from penstock.wire import protos

_VERSION: Final = 4


def make_fingerprint(saved_model: Any, serialized: bytes, index: bytes) -> Any:
    """Describe a SavedModel.

    Args:
        saved_model: the message.
        serialized: its bytes in the file.
        index: bytes of the index of its variables.
    """
    meta_graph = saved_model.meta_graphs[0]
    signatures = b"".join(
        key.encode() + meta_graph.signature_def[key].SerializeToString(deterministic=True)
        for key in sorted(meta_graph.signature_def)
    )
    message = protos.FingerprintDef(
        saved_model_checksum=_hash(serialized),
        graph_def_program_hash=_hash_of(meta_graph.graph_def),
        signature_def_hash=_hash(signatures),
        saved_object_graph_hash=_hash_of(meta_graph.object_graph_def),
        checkpoint_hash=_hash(index),
        uuid=str(uuid.uuid4().int),
    )
    message.version.producer = _VERSION
    return message


def _hash_of(message: Any) -> int:
    return _hash(message.SerializeToString(deterministic=True))


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def read_fingerprint(export_dir: str | os.PathLike[str]) -> Any:
    """Read the FingerprintDef of a SavedModel.

    Raises:
        NotFoundError: it has none.
    """
    path = Path(export_dir) / constants.FINGERPRINT_FILENAME
    if not path.is_file():
        raise NotFoundError(f"'{path}' must hold the fingerprint, and is missing")
    return protos.parse(protos.FingerprintDef, path.read_bytes(), f"'{path}'")
