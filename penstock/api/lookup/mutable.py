"""Tables that can be written."""

from __future__ import annotations

import secrets
from typing import Any, Final

from penstock.api.lookup.interface import LookupInterface, session_operation
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.resources import SAVED_TABLE


class _WritableTable(LookupInterface):
    """A table with a value for keys that are not there, and a place in checkpoints."""

    # Checkpoints hold keys and values under names that begin with this one.
    _LEGACY_SAVEABLE_NAME: Final = SAVED_TABLE

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str,
        checkpoint: bool,
        is_anonymous: bool,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        with init_scope():
            self._default_value = convert_to_tensor(default_value, self._value_dtype)
        self._value_shape = self._default_value.shape
        self._checkpoint = checkpoint
        self._is_anonymous = is_anonymous
        self._name = name
        self._shared_name = f"table_{secrets.token_hex(8)}"

    def _naming(self) -> dict[str, Any]:
        return {} if self._is_anonymous else {"shared_name": self._shared_name}

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Give keys values; of equal keys the last one counts.

        Args:
            keys: tensor of keys.
            values: their values, one for each.
            name: name of the node in a graph.

        Raises:
            TypeError: the keys or values have another dtype.
            InvalidArgumentError: a shape does not fit.
        """
        keys = convert_to_tensor(keys, self._key_dtype)
        values = convert_to_tensor(values, self._value_dtype)
        call("LookupTableInsertV2", self.resource_handle, keys, values, name=name)
        return session_operation()

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Take keys out; those that are not there are passed over.

        Args:
            keys: tensor of keys.
            name: name of the node in a graph.

        Raises:
            TypeError: the keys have another dtype.
        """
        keys = convert_to_tensor(keys)
        if keys.dtype != self._key_dtype:
            raise TypeError(
                f"Dtype of argument `keys` must be {self._key_dtype}, received: {keys.dtype}"
            )
        call("LookupTableRemoveV2", self.resource_handle, keys, name=name)
        return session_operation()

    def export(self, name: str | None = None) -> tuple[Any, Any]:
        """All keys and their values, in no particular order.

        Args:
            name: name of the node in a graph.
        """
        types = {"Tkeys": self._key_dtype, "Tvalues": self._value_dtype}
        return call("LookupTableExportV2", self.resource_handle, name=name, **types)  # type: ignore[no-any-return]

    # -- checkpoints ----------------------------------------------------------------------

    def _serialize_to_tensors(self) -> dict[str, Any]:
        if not self._checkpoint:
            return {}
        keys, values = self.export()
        return {"-keys": keys, "-values": values}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        return call(
            "LookupTableImportV2",
            self.resource_handle,
            restored_tensors["-keys"],
            restored_tensors["-values"],
        )


class MutableHashTable(_WritableTable):
    """A table that can be written at any time.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
        default_value: value of keys that are not there; its shape is that of every value.
        name: name of the table.
        checkpoint: whether checkpoints and SavedModels hold its contents.
        experimental_is_anonymous: whether the table has no name that SavedModels share.

    Example:
        >>> import penstock as tf
        >>> table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        >>> table.insert(["a", "b"], [1, 2])
        >>> table.lookup(tf.constant(["b", "c"])).numpy().tolist()
        [2, -1]
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(
            key_dtype, value_dtype, default_value, name, checkpoint, experimental_is_anonymous
        )
        _ = self.resource_handle  # made now, outside of any function

    def _create_resource(self) -> Any:
        types: dict[str, Any] = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype}
        kind = "MutableHashTable"
        if self._value_shape.rank != 0:
            kind = "MutableHashTableOfTensors"
            types["value_shape"] = self._value_shape
        kind = f"Anonymous{kind}" if self._is_anonymous else f"{kind}V2"
        return call(kind, name=self._name, **types, **self._naming())

    def lookup(  # type: ignore[override]  # (TensorFlow's order of arguments)
        self, keys: Any, dynamic_default_values: Any = None, name: str | None = None
    ) -> Any:
        """Values of keys.

        Args:
            keys: tensor, ragged or sparse tensor.
            dynamic_default_values: value of keys that are not there, or one for each key;
                None takes the table's.
            name: name of the node in a graph.

        Raises:
            TypeError: the keys have another dtype.
        """
        default = dynamic_default_values
        return self._find(keys, self._default_value if default is None else default, name)


class DenseHashTable(_WritableTable):
    """A table that can be written, with two keys that mark empty and deleted places.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
        default_value: value of keys that are not there; its shape is that of every value.
        empty_key: key that is never used; its shape is that of every key.
        deleted_key: another one.
        initial_num_buckets: a power of 2, at least 4; None for 131072.
        name: name of the table.
        checkpoint: whether checkpoints and SavedModels hold its contents.
        experimental_is_anonymous: see `MutableHashTable`.

    Raises:
        InvalidArgumentError: the keys are equal, or the buckets no power of 2.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(
            key_dtype, value_dtype, default_value, name, checkpoint, experimental_is_anonymous
        )
        self._initial_num_buckets = initial_num_buckets
        with init_scope():
            self._empty_key = convert_to_tensor(empty_key, self._key_dtype)
            self._deleted_key = convert_to_tensor(deleted_key, self._key_dtype)
        _ = self.resource_handle  # made now, outside of any function

    def _create_resource(self) -> Any:
        attrs: dict[str, Any] = {
            "value_dtype": self._value_dtype,
            "value_shape": self._value_shape,
            **self._naming(),
        }
        if self._initial_num_buckets is not None:
            attrs["initial_num_buckets"] = self._initial_num_buckets
        kind = "AnonymousMutableDenseHashTable" if self._is_anonymous else _DENSE
        return call(kind, self._empty_key, self._deleted_key, name=self._name, **attrs)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Values of keys.

        Args:
            keys: tensor, ragged or sparse tensor.
            name: name of the node in a graph.

        Raises:
            TypeError: the keys have another dtype.
            InvalidArgumentError: a key is one of the marks.
        """
        return self._find(keys, self._default_value, name)

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Give keys values; see `insert`."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """Take keys out; see `remove`."""
        return self.remove(keys, name)


_DENSE: Final = "MutableDenseHashTableV2"
