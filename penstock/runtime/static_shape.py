"""What is known of shapes that tensors hold as values."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core.tensor_shape import TensorShape, unknown_shape


def static_value(tensor: Any) -> Any:
    """Value of a tensor as a numpy array where it is known now, else None."""
    if isinstance(tensor, (np.ndarray, np.generic)):
        return np.asarray(tensor)
    value = getattr(tensor, "_value", None)
    if value is None:
        value = getattr(tensor, "static_value", None)
    return None if value is None or not hasattr(value, "dtype") else np.asarray(value)


def static_integer(value: Any) -> int | None:
    """The integer that a Python number or a scalar tensor is known to be now, else None."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    found = static_value(value)
    return None if found is None or found.ndim else int(found)


def shape_held_by(tensor: Any) -> TensorShape:
    """The shape that a vector of sizes stands for, as far as it is known; -1 is unknown."""
    value = static_value(tensor)
    if value is not None:
        return TensorShape([None if size < 0 else int(size) for size in value.ravel().tolist()])
    length = None if tensor.shape.rank is None else tensor.shape[0]
    # In a graph parts of a shape may be known: those that are equal in all worlds.
    worlds = getattr(tensor, "_world_values", None)
    if worlds is None or any(world is None for world in worlds):
        packed = _packed_sizes(tensor)
        return unknown_shape(length) if packed is None else TensorShape(packed)
    rows = [np.ravel(world).tolist() for world in worlds]
    return TensorShape(
        [
            None if size < 0 or any(row[i] != size for row in rows) else size
            for i, size in enumerate(rows[0])
        ]
    )


def _packed_sizes(tensor: Any) -> list[int | None] | None:
    """Sizes that are known one by one of a vector that a graph packs or joins."""
    node = getattr(tensor, "graph_node", None)
    if node is None:
        return None
    if node.row.name in ("Cast", "Identity"):
        return _sizes(node.inputs[0])
    if node.row.name == "Pack":
        return [_size(part) for part in node.inputs]
    if node.row.name == "ConcatV2":
        parts = [_sizes(part) for part in node.inputs[:-1]]
        if all(part is not None for part in parts):
            return [size for part in parts if part is not None for size in part]
    return None


def _sizes(tensor: Any) -> list[int | None] | None:
    shape = shape_held_by(tensor)
    return None if shape.rank is None else shape.as_list()


def _size(tensor: Any) -> int | None:
    size = static_integer(tensor)
    return None if size is None or size < 0 else size
