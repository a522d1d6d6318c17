"""What all tables have in common."""

from __future__ import annotations

from typing import Any

from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import UnimplementedError
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.ragged_tensor import RaggedTensor
from penstock.runtime.resources import TrackableResource
from penstock.runtime.sparse_tensor import SparseTensor


class LookupInterface(TrackableResource):
    """A table from keys of one dtype to values of another.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        super().__init__()
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """Dtype of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """Dtype of the values."""
        return self._value_dtype

    @property
    def name(self) -> str | None:
        """Name of the table in a graph; None in eager execution."""
        return None

    def size(self, name: str | None = None) -> Any:
        """Number of keys.

        Args:
            name: name of the node in a graph.
        """
        return call("LookupTableSizeV2", self.resource_handle, name=name)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Values of keys; subclasses say how.

        Args:
            keys: tensor, ragged or sparse tensor.
            name: name of the node in a graph.
        """
        raise UnimplementedError(f"{type(self).__name__} must say how keys are looked up")

    def __getitem__(self, keys: Any) -> Any:
        """Values of keys: `table[keys]` is `table.lookup(keys)`."""
        return self.lookup(keys)

    def _key_tensor(self, keys: Any) -> Any:
        """Keys as a tensor, or the tensor of those of a ragged or sparse one.

        Raises:
            TypeError: they have another dtype.
        """
        return checked_keys(keys, self._key_dtype)

    def _find(self, keys: Any, default: Any, name: str | None) -> Any:
        """Look plain keys up, or those of a ragged or sparse tensor in their places."""
        flat = self._key_tensor(keys)
        values = call("LookupTableFindV2", self.resource_handle, flat, default, name=name)
        return in_place_of(keys, values)


def session_operation() -> Any:
    """The operation that was made last, in a graph of TensorFlow 1; else None."""
    graph = state.graph
    return None if graph is None or graph.building_function else graph.last_node()


def checked_keys(keys: Any, dtype: DType) -> Any:
    """Keys as a tensor; those of a ragged or sparse one alone.

    Raises:
        TypeError: they have another dtype.
    """
    if isinstance(keys, SparseTensor):
        keys = keys.values
    elif isinstance(keys, RaggedTensor):
        keys = keys.flat_values
    # Python values become keys of the table's dtype, as they would in a call of the op.
    tensor = convert_to_tensor(keys, None if hasattr(keys, "dtype") else dtype)
    if tensor.dtype != dtype:
        raise TypeError(f"Dtype of argument `keys` must be {dtype}, received: {tensor.dtype}")
    return tensor


def in_place_of(keys: Any, values: Any) -> Any:
    """Values of a ragged or sparse tensor of keys, in their places."""
    if isinstance(keys, SparseTensor):
        return SparseTensor(keys.indices, values, keys.dense_shape)
    if isinstance(keys, RaggedTensor):
        return keys.with_flat_values(values)
    return values
