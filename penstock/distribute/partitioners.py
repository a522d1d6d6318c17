"""`tf.distribute.experimental.partitioners`: into how many parts variables are cut."""

# ruff: noqa: ARG002  (the parameters are TensorFlow's)
from __future__ import annotations

import math
from typing import Any

from penstock.core.dtypes import as_dtype, string
from penstock.core.errors import UnimplementedError
from penstock.core.tensor_shape import TensorShape

__all__ = [
    "FixedShardsPartitioner",
    "MaxSizePartitioner",
    "MinSizePartitioner",
    "Partitioner",
]


class Partitioner:
    """Says into how many parts a variable is cut along each axis.

    Source: `tf.distribute.experimental.partitioners.Partitioner`.
    """

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        """Return the number of parts along each axis; at most one is above 1.

        Args:
            shape: shape of the variable.
            dtype: type of its elements.
            axis: the axis to cut.

        Raises:
            UnimplementedError: a subclass does not say.
        """
        raise UnimplementedError(f"{type(self).__name__} must define __call__")


def _parts(shape: TensorShape, axis: int, count: int) -> list[int]:
    parts = [1] * len(shape)
    size = shape.as_list()[axis]
    if size is None:
        raise ValueError(f"the axis that is cut must have a known size, got shape {shape}")
    parts[axis] = max(1, min(size, count))
    return parts


def _bytes_of(shape: TensorShape, dtype: Any, bytes_per_string: int) -> int:
    count = shape.num_elements()
    if count is None:
        raise ValueError(f"a variable that is cut must have a known shape, got {shape}")
    kind = as_dtype(dtype)
    return count * (bytes_per_string if kind is string else kind.size)


class FixedShardsPartitioner(Partitioner):
    """Cuts every variable into as many parts.

    Args:
        num_shards: number of parts.

    Source: `tf.distribute.experimental.partitioners.FixedShardsPartitioner`.
    """

    def __init__(self, num_shards: int) -> None:
        self._num_shards = num_shards

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        """Return the number of parts along each axis."""
        del dtype
        return _parts(TensorShape(shape), axis, self._num_shards)


class MinSizePartitioner(Partitioner):
    """Cuts a variable into the most parts of which none is too small.

    Args:
        min_shard_bytes: least size of a part.
        max_shards: most parts.
        bytes_per_string: size that a string is taken to have.

    Raises:
        ValueError: an argument is not positive.

    Source: `tf.distribute.experimental.partitioners.MinSizePartitioner`.
    """

    def __init__(
        self, min_shard_bytes: int = 256 << 10, max_shards: int = 1, bytes_per_string: int = 16
    ) -> None:
        _check_positive(
            min_shard_bytes=min_shard_bytes,
            max_shards=max_shards,
            bytes_per_string=bytes_per_string,
        )
        self._min_shard_bytes = min_shard_bytes
        self._max_shards = max_shards
        self._bytes_per_string = bytes_per_string

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        """Return the number of parts along each axis."""
        known = TensorShape(shape)
        size = _bytes_of(known, dtype, self._bytes_per_string)
        fitting = (size + self._min_shard_bytes - 1) // self._min_shard_bytes
        return _parts(known, axis, max(1, min(self._max_shards, fitting)))


class MaxSizePartitioner(Partitioner):
    """Cuts a variable into parts of which none is too large.

    Args:
        max_shard_bytes: greatest size of a part.
        max_shards: most parts, which goes before their size; None for any number.
        bytes_per_string: size that a string is taken to have.

    Raises:
        ValueError: an argument is not positive.

    Source: `tf.distribute.experimental.partitioners.MaxSizePartitioner`.
    """

    def __init__(
        self, max_shard_bytes: int, max_shards: int | None = None, bytes_per_string: int = 16
    ) -> None:
        _check_positive(
            max_shard_bytes=max_shard_bytes,
            max_shards=1 if max_shards is None else max_shards,
            bytes_per_string=bytes_per_string,
        )
        self._max_shard_bytes = max_shard_bytes
        self._max_shards = max_shards
        self._bytes_per_string = bytes_per_string

    def __call__(self, shape: Any, dtype: Any, axis: int = 0) -> list[int]:
        """Return the number of parts along each axis."""
        known = TensorShape(shape)
        size = _bytes_of(known, dtype, self._bytes_per_string)
        length = known.as_list()[axis] or 1
        # A part holds whole slices along the axis, at least one.
        slices = max(1, math.floor(self._max_shard_bytes / (size / length))) if size else length
        count = math.ceil(length / slices)
        if self._max_shards is not None:
            count = min(count, self._max_shards)
        return _parts(known, axis, count)


def _check_positive(**arguments: int) -> None:
    for name, value in arguments.items():
        if value <= 0:
            raise ValueError(f"Argument `{name}` must be positive. Received {value}")
