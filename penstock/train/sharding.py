"""How the values of a checkpoint are spread over files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.core.device_name import DeviceSpec
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.tensor import wrap
from penstock.wire.bundle import BundleWriter

Value = tuple[str, Any, DType]
# For each shard, by the key of a value and the place of a part in it, the part.
Shards = Sequence[Mapping[str, Mapping[Any, Any]]]


@dataclass(eq=False)
class ShardableTensor:
    """A value that a callback puts into a shard, whole or in parts."""

    _tensor_save_spec: Any
    tensor: Any
    dtype: DType
    device: Any
    name: str
    shape: TensorShape
    slice_spec: str
    checkpoint_key: str
    trackable: Any


class ShardingCallback:
    """Says which values of a checkpoint go into which file.

    Subclasses have a `description`, and give for the values a list of shards, each a dict from
    the key of a value to a dict from the place of a part (empty for the whole) to the part.
    """

    @property
    def description(self) -> str:
        """What the callback does."""
        raise UnimplementedError(f"{type(self).__name__} must describe what it does")

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Shards:
        """Give the shards."""
        raise UnimplementedError(f"{type(self).__name__} must say how values are spread")


class ShardByTaskPolicy(ShardingCallback):
    """All values of one program into one file."""

    @property
    def description(self) -> str:
        """What the callback does."""
        return "Split tensors into shards based on their device spec task."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Shards:
        """Give one shard."""
        return [{each.checkpoint_key: {"": each.tensor} for each in shardable_tensors}]


class MaxShardSizePolicy(ShardingCallback):
    """Files of a limited size; a value that does not fit is cut along its axes.

    Args:
        max_shard_size: bytes of a file; a single element or string may take more.

    Raises:
        ValueError: the size is not positive.
    """

    def __init__(self, max_shard_size: int) -> None:
        if max_shard_size < 1:
            raise ValueError(f"max_shard_size must be at least 1, got {max_shard_size}")
        self.max_shard_size = max_shard_size

    @property
    def description(self) -> str:
        """What the callback does."""
        return "Split tensors into shards with a max shard size."

    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Shards:
        """Give shards that are filled one after the other."""
        filling = _Filling(self.max_shard_size)
        for each in shardable_tensors:
            filling.add(each.checkpoint_key, _array(each.tensor), each.dtype)
        return filling.shards


class _Filling:
    """Shards that are filled one after the other."""

    def __init__(self, limit: int) -> None:
        self.shards: list[dict[str, dict[str, Any]]] = [{}]
        self._limit = limit
        self._room = limit

    def add(self, key: str, array: Any, dtype: DType) -> None:
        """Put a value into the shards, in parts where there is no room for all of it."""
        if _size(array) <= self._room or array.ndim == 0 or array.dtype.hasobject:
            self._put(key, "", array, dtype)
            return
        # Cut along the first axis whose rows are small enough; on earlier ones take one by one.
        axis = 0
        row = math.prod(array.shape[1:]) * array.itemsize
        while row > self._limit and axis + 1 < array.ndim:
            axis += 1
            row = math.prod(array.shape[axis + 1 :]) * array.itemsize
        for outer in np.ndindex(array.shape[:axis]):
            lead = tuple(slice(i, i + 1) for i in outer)
            start = 0
            while start < array.shape[axis]:
                count = self._room // row or max(1, self._limit // row)
                part = array[(*lead, slice(start, start + count))]
                place = (*outer, start, *(0,) * (array.ndim - axis - 1))
                self._put(key, _spec(array.shape, place, part.shape), part, dtype)
                start += count

    def _put(self, key: str, place: str, part: Any, dtype: DType) -> None:
        size = _size(part)
        if size > self._room and self.shards[-1]:
            self.shards.append({})
            self._room = self._limit
        self._room = max(0, self._room - size)
        self.shards[-1].setdefault(key, {})[place] = wrap(part, dtype)


def _size(array: Any) -> int:
    if array.dtype.hasobject:
        # Each has its length before it, and all have a checksum.
        return 4 + sum(len(item) + len(item).bit_length() // 7 + 1 for item in array.flat)
    return int(array.nbytes)


def _spec(shape: Sequence[int], starts: Sequence[int], lengths: Sequence[int]) -> str:
    """A part as TensorFlow writes it: the shape, then start and length along each axis."""
    axes = zip(shape, starts, lengths, strict=True)
    ranges = ["-" if length == size else f"{start},{length}" for size, start, length in axes]
    return f"{' '.join(map(str, shape))} {':'.join(ranges)}"


def _place(spec: str, key: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shape of the whole, and where a part begins."""
    try:
        *sizes, ranges = spec.split(" ")
        shape = tuple(map(int, sizes))
        starts = tuple(
            0 if each == "-" else int(each.partition(",")[0]) for each in ranges.split(":")
        )
    except ValueError:
        raise InvalidArgumentError(
            f"the place of a part of '{key}' must read like '4 4 0,2:-', got {spec!r}"
        ) from None
    if len(starts) != len(shape):
        raise InvalidArgumentError(
            f"the place of a part of '{key}' must have a range for each of {len(shape)} axes, "
            f"got {spec!r}"
        )
    return shape, starts


def write_values(prefix: str, values: Iterable[Value], callback: Any = None) -> None:
    """Write a checkpoint.

    Args:
        prefix: its path.
        values: keys with numpy arrays and their dtypes.
        callback: spreads the values over files; None writes one.

    Raises:
        InvalidArgumentError: the callback left a value out, or cut it wrongly.
    """
    if callback is None:
        with BundleWriter(prefix) as writer:
            for key, array, dtype in values:
                writer.add(key, array, dtype)
        return
    shardable = [_shardable(*value) for value in values]
    shards = callback(shardable)
    missing = {each.checkpoint_key for each in shardable}.difference(*shards)
    if missing:
        raise InvalidArgumentError(
            f"a sharding callback must place every value, '{min(missing)}' is in no shard"
        )
    with BundleWriter(prefix) as writer:
        for i, shard in enumerate(shards):
            if i:
                writer.start_shard()
            for key, parts in shard.items():
                for place, tensor in parts.items():
                    _add(writer, key, str(place or ""), tensor)


def _shardable(key: str, array: Any, dtype: DType) -> ShardableTensor:
    tensor = wrap(array, dtype)
    device = DeviceSpec.from_string("/job:localhost/replica:0/task:0/device:CPU:0")
    shape = TensorShape(array.shape)
    return ShardableTensor(None, tensor, dtype, device, key, shape, "", key, None)


def _add(writer: BundleWriter, key: str, place: str, tensor: Any) -> None:
    value = convert_to_tensor(tensor)
    array = _array(value)
    if place:
        shape, starts = _place(place, key)
        writer.add_slice(key, shape, starts, array, value.dtype)
    else:
        writer.add(key, array, value.dtype)


def _array(tensor: Any) -> Any:
    return np.asarray(tensor.numpy(), object if tensor.dtype.name == "string" else None)
