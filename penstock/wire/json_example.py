"""`Example` messages in protobuf's JSON format, serialized as TensorFlow does."""

import json
import struct
from typing import Any

from penstock.wire import protos
from penstock.wire.varint import encode_varint

_KEY, _VALUE = 1, 2  # fields of an entry of a map; the lists of a feature count from 1 too
_MASK = (1 << 64) - 1


def example_of_json(text: bytes) -> bytes:
    """Serialize an `Example` that is given in JSON.

    TensorFlow turns JSON into bytes as it reads: features stay in order, and numbers are
    written one by one.

    Raises:
        InvalidArgumentError: the text is no `Example` in JSON.
    """
    example = protos.parse_json(protos.Example, text, "example")
    if not example.HasField("features"):
        return b""
    features = example.features.feature
    entries = [
        _piece(1, _piece(_KEY, name.encode()) + _piece(_VALUE, _feature(features[name])))
        for name in _names(text)
        if name in features
    ]
    return _piece(1, b"".join(entries))


def _names(text: bytes) -> list[str]:
    """Names of the features, as they come."""
    features = json.loads(text).get("features") or {}
    return list(features.get("feature") or ())


def _feature(feature: Any) -> bytes:
    kind = feature.WhichOneof("kind")
    if kind is None:
        return b""
    items = getattr(feature, kind).value
    if kind == "bytes_list":
        return _piece(1, b"".join(_piece(1, item) for item in items))
    if kind == "float_list":
        return _piece(2, b"".join(b"\x0d" + struct.pack("<f", item) for item in items))
    return _piece(3, b"".join(b"\x08" + encode_varint(item & _MASK) for item in items))


def _piece(field: int, data: bytes) -> bytes:
    return bytes([field << 3 | 2]) + encode_varint(len(data)) + data
