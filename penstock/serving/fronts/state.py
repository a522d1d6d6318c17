"""What fronts know of the engine's models: versions, labels and signatures, as JSON."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from penstock.core import dtypes
from penstock.core.errors import OpError
from penstock.core.tensor_shape import TensorShape
from penstock.serving.call import ModelSpec
from penstock.serving.manager import Manager
from penstock.serving.protocols.rest import VersionStatus
from penstock.serving.servable import Array, SignatureSpec, TensorInfo
from penstock.serving.served_version import AVAILABLE
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, make_ndarray

Signatures = Mapping[str, SignatureSpec]


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model.

    Args:
        statuses: of its versions, newest first.
        labels: version of each label.
        latest: version that answers where none is named.
        signatures: of each version that answers.
    """

    statuses: list[VersionStatus]
    labels: dict[str, int]
    latest: int | None
    signatures: dict[int, Signatures]


def encode_state(manager: Manager) -> bytes:
    """Write what a manager has."""
    latest = dict(manager.available())
    document = {}
    for name in manager.names():
        try:
            statuses = manager.status(ModelSpec(name))
        except OpError:
            statuses = []
        signatures = {}
        for status in statuses:
            if status.state != AVAILABLE:
                continue
            try:
                with manager.acquire(ModelSpec(name, status.version)) as version:
                    found = version.engine.servable.signatures
            except OpError:  # it went meanwhile
                continue
            signatures[str(status.version)] = {k: _signature(v) for k, v in found.items()}
        document[name] = {
            "statuses": [[s.version, s.state, s.error_code, s.error_message] for s in statuses],
            "labels": dict(manager.labels(name)),
            "latest": latest.get(name),
            "signatures": signatures,
        }
    return orjson.dumps(document)


def decode_state(text: bytes) -> dict[str, ModelState]:
    """Read what `encode_state` has written."""
    return {
        name: ModelState(
            [VersionStatus(*status) for status in model["statuses"]],
            model["labels"],
            model["latest"],
            {
                int(number): {k: _read_signature(v) for k, v in signatures.items()}
                for number, signatures in model["signatures"].items()
            },
        )
        for name, model in orjson.loads(text).items()
    }


def _signature(spec: SignatureSpec) -> list[Any]:
    return [
        {k: _tensor(v) for k, v in spec.inputs.items()},
        {k: _tensor(v) for k, v in spec.outputs.items()},
        spec.method_name,
        {k: _default(v) for k, v in spec.defaults.items()},
    ]


def _tensor(info: TensorInfo) -> list[Any]:
    return [info.name, None if info.dtype is None else info.dtype.name, info.dims]


def _read_signature(parts: list[Any]) -> SignatureSpec:
    inputs, outputs, method_name, defaults = parts
    return SignatureSpec(
        {k: _read_tensor(v) for k, v in inputs.items()},
        {k: _read_tensor(v) for k, v in outputs.items()},
        method_name,
        {k: _read_default(v) for k, v in defaults.items()},
    )


def _default(value: Array) -> str:
    return base64.b64encode(array_to_proto(value).SerializeToString()).decode()


def _read_default(text: str) -> Array:
    return make_ndarray(protos.TensorProto.FromString(base64.b64decode(text)))


def _read_tensor(parts: list[Any]) -> TensorInfo:
    name, dtype, dims = parts
    return TensorInfo(
        name, None if dtype is None else dtypes.as_dtype(dtype), TensorShape(dims)
    )
