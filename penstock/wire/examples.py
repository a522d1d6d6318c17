"""Serialized `Example` and `SequenceExample` messages as numpy arrays.

The messages are parsed only down to the float lists (see `protos/raw.py`), which numpy then
reads at once: an embedding or an image costs no Python object per number.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import DataLossError
from penstock.wire import protos
from penstock.wire.tensors import as_objects
from penstock.wire.varint import decode_varint

Feature = NDArray[Any] | None

_PACKED_TAG = 1 << 3 | 2  # field 1, a piece with a length


def parse_example(
    serialized: bytes, names: Collection[str] | None = None
) -> dict[str, Feature]:
    """Read an `Example`.

    Args:
        serialized: the bytes.
        names: the features that are wanted; default: all.

    Returns:
        Vectors by name: int64, float32 or objects (`bytes`); `None` for a feature that says
        no kind. What is not in the example is not in the result.

    Raises:
        DataLossError: the bytes are no `Example`.
    """
    example = protos.parse(protos.RawExample, serialized, "example")
    return _features(example.features.feature, names)


def parse_sequence_example(
    serialized: bytes,
    context_names: Collection[str] | None = None,
    list_names: Collection[str] | None = None,
) -> tuple[dict[str, Feature], dict[str, list[Feature]]]:
    """Read a `SequenceExample`.

    Returns:
        The context as `parse_example` gives it, and by name the steps of each feature list.

    Raises:
        DataLossError: the bytes are no `SequenceExample`.
    """
    example = protos.parse(protos.RawSequenceExample, serialized, "sequence example")
    lists = example.feature_lists.feature_list
    steps = {
        name: [_feature(step, name) for step in lists[name].feature]
        for name in (lists if list_names is None else list_names)
        if name in lists
    }
    return _features(example.context.feature, context_names), steps


def _features(found: Any, names: Collection[str] | None) -> dict[str, Feature]:
    if names is None:
        return {name: _feature(feature, name) for name, feature in found.items()}
    return {name: _feature(found[name], name) for name in names if name in found}


def _feature(feature: Any, name: str) -> Feature:
    kind = feature.WhichOneof("kind")
    if kind == "float_list":
        return _floats(feature.float_list, name)
    if kind == "int64_list":
        # Numbers of varying length gain little from numpy unless there are thousands.
        items = feature.int64_list.value
        return np.fromiter(items, np.int64, len(items))
    if kind == "bytes_list":
        return as_objects(feature.bytes_list.value)
    return None


def _floats(data: bytes, name: str) -> NDArray[np.float32]:
    packed = _only_piece(data)
    if packed is None:
        message = protos.parse(protos.FloatList, data, f"feature '{name}'")
        return np.fromiter(message.value, np.float32)
    if len(packed) % 4:
        raise DataLossError(f"feature '{name}' must have 4 bytes a number, got {len(packed)}")
    return np.frombuffer(packed, "<f4")


def _only_piece(data: bytes) -> memoryview | None:
    """The packed list, if it is all that the message has.

    A writer may also send the numbers one by one, or in several pieces.
    """
    if not data:
        return memoryview(b"")
    if data[0] != _PACKED_TAG:
        return None
    size, start = decode_varint(data, 1, "feature")
    return memoryview(data)[start:] if start + size == len(data) else None
