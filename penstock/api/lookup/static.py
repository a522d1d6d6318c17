"""Tables that are filled once."""

from __future__ import annotations

import secrets
from typing import Any

from penstock.api.lookup.interface import (
    LookupInterface,
    checked_keys,
    in_place_of,
    session_operation,
)
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call


class StaticHashTable(LookupInterface):
    """A table that is filled when it is made.

    Args:
        initializer: what it is filled with.
        default_value: value of keys that are not there, a scalar.
        name: name of the table.
        experimental_is_anonymous: whether the table has no name that SavedModels share.

    Raises:
        ValueError: the default is no scalar.
        FailedPreconditionError: a key comes with two values.

    Example:
        >>> import penstock as tf
        >>> pairs = tf.lookup.KeyValueTensorInitializer(["emerson", "lake"], [0, 1])
        >>> table = tf.lookup.StaticHashTable(pairs, default_value=-1)
        >>> int(table["lake"])
        1
    """

    def __init__(
        self,
        initializer: Any,
        default_value: Any,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        with init_scope():
            self._default_value = convert_to_tensor(default_value, self._value_dtype)
        shape = self._default_value.shape
        if not shape.is_compatible_with([]):
            raise ValueError(f"Shapes {shape} and () are not compatible")
        self._initializer = initializer
        self._is_anonymous = experimental_is_anonymous
        self._name = name or "hash_table"
        self._shared_name = f"{self._name}_{secrets.token_hex(8)}"
        # In a function this is a step of it: its own arguments can be the contents.
        self._initialize()
        operation = session_operation()
        if operation is not None:
            # A graph of TensorFlow 1 fills its tables when it is asked to.
            operation.graph.add_to_collection("table_initializer", operation)

    def _create_resource(self) -> Any:
        types = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype}
        if self._is_anonymous:
            return call("AnonymousHashTable", **types)
        return call("HashTableV2", shared_name=self._shared_name, name=self._name, **types)

    def _initialize(self) -> Any:
        return self._initializer.initialize(self)

    @property
    def default_value(self) -> Any:
        """Value of keys that are not there."""
        return self._default_value

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Values of keys.

        Args:
            keys: tensor, ragged or sparse tensor.
            name: name of the node in a graph.

        Returns:
            The values in the places of the keys.

        Raises:
            TypeError: the keys have another dtype.
        """
        return self._find(keys, self._default_value, name)

    def export(self, name: str | None = None) -> tuple[Any, Any]:
        """All keys and their values, in no particular order.

        Args:
            name: name of the node in a graph.
        """
        types = {"Tkeys": self._key_dtype, "Tvalues": self._value_dtype}
        return call("LookupTableExportV2", self.resource_handle, name=name, **types)  # type: ignore[no-any-return]


class StaticVocabularyTable(LookupInterface):
    """A table of ids that gives keys it does not know an id of a bucket.

    Args:
        initializer: what it is filled with, ids as int64; None leaves the buckets alone.
        num_oov_buckets: number of buckets, at least 1.
        lookup_key_dtype: dtype of the keys that are looked up, where it is another.
        name: name of the table.
        experimental_is_anonymous: see `StaticHashTable`.

    Raises:
        ValueError: there is no bucket.
        TypeError: the ids are not int64.
    """

    def __init__(
        self,
        initializer: Any,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable.")
        given = None if lookup_key_dtype is None else as_dtype(lookup_key_dtype)
        known = given if initializer is None else initializer.key_dtype
        key_dtype = given or known or dtypes.string
        if initializer is not None:
            _check_kinds(initializer, key_dtype)
        if not (key_dtype.is_integer or key_dtype is dtypes.string):
            raise TypeError(
                f"Invalid `key_dtype`, expected integer or string, got {key_dtype}."
            )
        super().__init__(key_dtype, dtypes.int64)
        self._num_oov_buckets = num_oov_buckets
        self._table = (
            None
            if initializer is None
            else StaticHashTable(initializer, -1, name, experimental_is_anonymous)
        )

    @property
    def resource_handle(self) -> Any:
        """Handle of the table of known keys; None when there are none."""
        return None if self._table is None else self._table.resource_handle

    def _create_resource(self) -> Any:
        if self._table is None:
            return convert_to_tensor(0)
        return self._table._create_resource()  # noqa: SLF001  (stands in for it)

    def _initialize(self) -> Any:
        return None if self._table is None else self._table._initialize()  # noqa: SLF001

    @property
    def initializer(self) -> Any:
        """Fills the table again, which does nothing."""
        return self._initialize()

    def size(self, name: str | None = None) -> Any:
        """Number of ids, those of buckets included.

        Args:
            name: name of the node in a graph.
        """
        if self._table is None:
            return convert_to_tensor(self._num_oov_buckets, dtypes.int64)
        return call("AddV2", self._table.size(), self._num_oov_buckets, name=name)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Ids of keys.

        Args:
            keys: tensor, ragged or sparse tensor.
            name: name of the node in a graph.

        Returns:
            int64 ids in the places of the keys; unknown keys have those from the number of
            known ones on, by their hash.

        Raises:
            TypeError: the keys have another dtype.
        """
        flat = checked_keys(keys, self._key_dtype)
        texts = flat if flat.dtype is dtypes.string else call("AsString", flat)
        buckets = self._buckets(texts)
        if self._table is None:
            return in_place_of(keys, buckets)
        if flat.dtype != self._table.key_dtype:
            flat = call("Cast", flat, DstT=self._table.key_dtype)
        ids = self._table.lookup(flat)
        buckets = call("AddV2", buckets, self._table.size())
        known = call("NotEqual", ids, self._table.default_value)
        return in_place_of(keys, call("SelectV2", known, ids, buckets, name=name))

    def _buckets(self, texts: Any) -> Any:
        """Numbers of the buckets of texts."""
        return call("StringToHashBucketFast", texts, num_buckets=self._num_oov_buckets)


def _check_kinds(initializer: Any, key_dtype: Any) -> None:
    if initializer.key_dtype.is_integer != key_dtype.is_integer:
        raise TypeError(
            f"Invalid `key_dtype`, expected {initializer.key_dtype} but got {key_dtype}."
        )
    if initializer.value_dtype is not dtypes.int64:
        raise TypeError(
            f"Invalid `value_dtype`, expected {dtypes.int64} but got {initializer.value_dtype}."
        )
