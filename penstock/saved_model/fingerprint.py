"""`fingerprint.pb`: numbers by which two SavedModels can be told apart without loading them."""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells a SavedModel from others: hashes of its parts."""

    saved_model_checksum: int | None = None
    graph_def_program_hash: int | None = None
    signature_def_hash: int | None = None
    saved_object_graph_hash: int | None = None
    checkpoint_hash: int | None = None
    version: Any = field(default=None, compare=False)

    @classmethod
    def from_proto(cls, proto: Any) -> Fingerprint:
        """Read a FingerprintDef, or its bytes."""
        if isinstance(proto, bytes):
            proto = protos.parse(protos.FingerprintDef, proto, "fingerprint")
        return cls(
            proto.saved_model_checksum,
            proto.graph_def_program_hash,
            proto.signature_def_hash,
            proto.saved_object_graph_hash,
            proto.checkpoint_hash,
            proto.version,
        )

    def singleprint(self) -> str:
        """One text of all hashes but the checksum, equal for models that do the same.

        Raises:
            ValueError: a hash is missing.
        """
        hashes = (
            self.graph_def_program_hash,
            self.signature_def_hash,
            self.saved_object_graph_hash,
            self.checkpoint_hash,
        )
        if any(value is None for value in hashes):
            raise ValueError(f"all hashes must be known to make one text of them, got {hashes}")
        return "/".join(map(str, hashes))


def read_fingerprint(export_dir: str | os.PathLike[str]) -> Fingerprint:
    """Read the fingerprint of a SavedModel.

    Raises:
        FileNotFoundError: it has none.
    """
    path = Path(export_dir) / constants.FINGERPRINT_FILENAME
    if not path.is_file():
        raise FileNotFoundError(f"SavedModel Fingerprint Error: '{path}' is missing")
    return Fingerprint.from_proto(path.read_bytes())
