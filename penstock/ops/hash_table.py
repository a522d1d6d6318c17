"""The tables behind lookup handles: keys in a dict, values in one array."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType
from penstock.core.errors import (
    AbortedError,
    FailedPreconditionError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock.ops.string_hash import murmur

Array = Any

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_COMBINE: Final = 0x9E3779B97F4A7800


class HashTable:
    """Finds values by their keys.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
        key_shape: shape of one key.
        value_shape: shape of one value.
    """

    def __init__(
        self,
        key_dtype: DType,
        value_dtype: DType,
        key_shape: Sequence[int] = (),
        value_shape: Sequence[int] = (),
    ) -> None:
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.key_shape = tuple(key_shape)
        self.value_shape = tuple(value_shape)
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        self._rows: dict[Any, int] = {}
        # Never empty, so that the row of a key that is not there (-1) can be taken too.
        self._values = np.empty((1, *self.value_shape), self.value_dtype.np)
        self._free: list[int] = []

    @property
    def table_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one key and one value, as given and as exported.

        A graph notes them of the handles that it captures.
        """
        return self.key_shape, self.value_shape, self.key_shape, self.value_shape

    # -- reading --------------------------------------------------------------------------

    def count(self) -> int:
        """Number of keys."""
        return len(self._rows)

    def find(self, keys: Array, default: Array) -> Array:
        """Values of keys.

        Args:
            keys: any shape, then `key_shape`.
            default: value of keys that are not there, one for all or one for each.

        Raises:
            InvalidArgumentError: a dtype or shape does not fit.
        """
        self._check_dtypes(keys, default)
        lead = self.lead_shape(keys)
        flat = self._flat_keys(keys)
        one = default.shape == self.value_shape
        if not one and default.shape != (*lead, *self.value_shape):
            raise InvalidArgumentError(
                f"Expected shape {list(self.value_shape)} or {[*lead, *self.value_shape]} for "
                f"default value, got {list(default.shape)}"
            )
        with self._lock:
            get = self._rows.get
            rows = np.array([get(key, -1) for key in flat], np.intp)
            found = self._values[rows]
        missing = rows < 0
        if missing.any():
            if one:
                found[missing] = default if self.value_shape else default[()]
            else:
                found[missing] = default.reshape((len(flat), *self.value_shape))[missing]
        return found.reshape((*lead, *self.value_shape))

    def export(self) -> tuple[Array, Array]:
        """All keys and their values."""
        with self._lock:
            keys = self._keys_array(list(self._rows))
            rows = np.fromiter(self._rows.values(), np.intp, len(self._rows))
            return keys, self._values[rows]

    def _keys_array(self, keys: list[Any]) -> Array:
        array = np.empty((len(keys), *self.key_shape), self.key_dtype.np)
        if keys:
            array[:] = keys
        return array

    # -- writing --------------------------------------------------------------------------

    def _put(self, keys: list[Any], values: Array) -> None:
        """Add or replace; of equal keys the last one counts. The lock is held."""
        rows = self._rows
        free = self._free
        places = np.empty(len(keys), np.intp)
        end = len(rows) + len(free)
        for i, key in enumerate(keys):
            row = rows.get(key)
            if row is None:
                if free:
                    row = free.pop()
                else:
                    row, end = end, end + 1
                rows[key] = row
            places[i] = row
        if end > len(self._values):
            # Others may hold what was read from the old array, which stays as it is.
            grown = np.empty((max(end, 2 * len(self._values)), *self.value_shape), values.dtype)
            grown[: len(self._values)] = self._values
            self._values = grown
        self._values[places] = values

    # -- checking -------------------------------------------------------------------------

    def _check_dtypes(self, keys: Array, values: Array | None = None) -> None:
        right = keys.dtype == self.key_dtype.np
        if not right or (values is not None and values.dtype != self.value_dtype.np):
            got = "" if values is None else f" and {_name(values)} values"
            raise InvalidArgumentError(
                f"a table of {self.key_dtype.name} -> {self.value_dtype.name} got "
                f"{_name(keys)} keys{got}"
            )

    def lead_shape(self, keys: Array) -> tuple[int, ...]:
        """Shape of `keys` without that of one key.

        Raises:
            InvalidArgumentError: the keys have another shape.
        """
        rank = len(self.key_shape)
        if rank and keys.shape[-rank:] != self.key_shape:
            raise InvalidArgumentError(
                f"Expected key shape to end with {list(self.key_shape)}, got {list(keys.shape)}"
            )
        return tuple(keys.shape[: keys.ndim - rank])

    def _flat_keys(self, keys: Array) -> list[Any]:
        if not self.key_shape:
            return keys.reshape(-1).tolist()  # type: ignore[no-any-return]
        size = int(np.prod(self.key_shape))
        return [tuple(key) for key in keys.reshape(-1, size).tolist()]

    def _checked(self, keys: Array, values: Array) -> tuple[list[Any], Array]:
        """Keys and values in rows, of equal number."""
        self._check_dtypes(keys, values)
        lead = self.lead_shape(keys)
        if values.shape != (*lead, *self.value_shape):
            raise InvalidArgumentError(
                f"Expected shape {[*lead, *self.value_shape]} for value, got "
                f"{list(values.shape)}"
            )
        flat = self._flat_keys(keys)
        return flat, values.reshape((len(flat), *self.value_shape))


def _name(array: Array) -> str:
    return "string" if array.dtype == object else str(array.dtype)


class StaticTable(HashTable):
    """A table that is filled once."""

    def __init__(self, key_dtype: DType, value_dtype: DType) -> None:
        super().__init__(key_dtype, value_dtype)
        self.is_initialized = False

    def initialize(self, keys: Array, values: Array) -> None:
        """Fill the table.

        Raises:
            FailedPreconditionError: a key stands there with two values, or the table has been
                filled with something else.
        """
        flat, rows = self._checked(keys, values)
        with self._lock:
            if self.is_initialized:
                self._check_same(flat, rows)
                return
            self._check_duplicates(flat, rows)
            self._put(flat, rows)
            self.is_initialized = True

    def _check_duplicates(self, keys: list[Any], values: Array) -> None:
        if len(set(keys)) == len(keys):
            return
        seen: dict[Any, Any] = {}
        for key, value in zip(keys, values.tolist(), strict=True):
            if seen.setdefault(key, value) != value:
                raise FailedPreconditionError(
                    f"HashTable has different value for same key. Key {_shown(key)} has "
                    f"{_shown(seen[key])} and trying to add value {_shown(value)}"
                )

    def _check_same(self, keys: list[Any], values: Array) -> None:
        rows = self._rows
        same = len(set(keys)) == len(rows) and all(
            key in rows and self._values[rows[key]] == value
            for key, value in zip(keys, values, strict=True)
        )
        if not same:
            raise FailedPreconditionError("Table was already initialized with different data.")

    # A static table that is written by another op is being filled.
    import_all = initialize

    def find(self, keys: Array, default: Array) -> Array:
        """Values of keys; see `HashTable.find`.

        Raises:
            FailedPreconditionError: the table has not been filled.
        """
        if not self.is_initialized:
            raise FailedPreconditionError("Table not initialized.")
        return super().find(keys, default)

    def export(self) -> tuple[Array, Array]:
        """All keys and their values.

        Raises:
            AbortedError: the table has not been filled.
        """
        if not self.is_initialized:
            raise AbortedError("HashTable is not initialized.")
        return super().export()

    def insert(self, keys: Array, values: Array) -> None:  # noqa: ARG002
        """Refuse: a static table is filled once."""
        raise UnimplementedError(
            "a static table cannot be written; use tf.lookup.experimental.MutableHashTable"
        )

    def remove(self, keys: Array) -> None:  # noqa: ARG002
        """Refuse: a static table is filled once."""
        raise UnimplementedError(
            "a static table cannot be written; use tf.lookup.experimental.MutableHashTable"
        )


class MutableTable(HashTable):
    """A table that can be written at any time."""

    is_initialized = True

    def insert(self, keys: Array, values: Array) -> None:
        """Add keys, or give them other values."""
        flat, rows = self._checked(keys, values)
        with self._lock:
            self._put(flat, rows)

    def remove(self, keys: Array) -> None:
        """Take keys out; those that are not there are passed over."""
        self._check_dtypes(keys)
        self.lead_shape(keys)
        with self._lock:
            for key in self._flat_keys(keys):
                row = self._rows.pop(key, None)
                if row is not None:
                    self._free.append(row)

    def import_all(self, keys: Array, values: Array) -> None:
        """Replace all keys and values."""
        flat, rows = self._checked(keys, values)
        with self._lock:
            self._clear()
            self._put(flat, rows)

    def initialize(self, keys: Array, values: Array) -> None:  # noqa: ARG002
        """Refuse: initializers are for static tables."""
        raise InvalidArgumentError("Table of type MutableHashTable cannot be initialized")


class DenseTable(MutableTable):
    """A mutable table with two keys that mark empty and deleted places.

    Looking up costs as in any other table here; the marks and the number of buckets decide
    what is refused and what `export` gives.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
        value_shape: shape of one value.
        empty_key: key that marks places never used.
        deleted_key: key that marks places used once.
        initial_num_buckets: a power of 2, at least 4.
        max_load_factor: share of places in use above which their number doubles.

    Raises:
        InvalidArgumentError: the marks or numbers cannot be.
    """

    def __init__(
        self,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: Sequence[int],
        *,
        empty_key: Array,
        deleted_key: Array,
        initial_num_buckets: int,
        max_load_factor: float,
    ) -> None:
        if empty_key.shape != deleted_key.shape:
            raise InvalidArgumentError(
                f"Empty and deleted keys must have same shape, got shapes: "
                f"{list(empty_key.shape)} and {list(deleted_key.shape)}"
            )
        super().__init__(key_dtype, value_dtype, empty_key.shape, value_shape)
        self._empty = empty_key
        self._marks = {
            self._flat_keys(empty_key)[0]: "empty_key",
            self._flat_keys(deleted_key)[0]: "deleted_key",
        }
        if len(self._marks) < 2:
            raise InvalidArgumentError("Empty and deleted keys cannot be equal")
        if initial_num_buckets < 4 or initial_num_buckets & (initial_num_buckets - 1):
            raise InvalidArgumentError(
                "Number of buckets must be at least 4 and a power of 2, got: "
                f"{initial_num_buckets}"
            )
        if not 0 < max_load_factor < 1:
            raise InvalidArgumentError(
                f"max_load_factor must be between 0 and 1, got: {max_load_factor}"
            )
        self._buckets = initial_num_buckets
        self._load = max_load_factor

    @property
    def table_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of one key and one value, as given and as exported."""
        key, value = self.key_shape, self.value_shape
        return key, value, key or (1,), value or (1,)

    def lead_shape(self, keys: Array) -> tuple[int, ...]:
        """Shape of `keys` without that of one key: a vector's, or none.

        Raises:
            InvalidArgumentError: the keys have another shape.
        """
        lead = super().lead_shape(keys)
        size = keys.shape[0] if keys.ndim > len(self.key_shape) else 1
        if int(np.prod(lead)) != size:
            raise InvalidArgumentError(
                f"Expected key shape {[size, *self.key_shape]} got {list(keys.shape)}"
            )
        return lead

    def _refuse_marks(self, keys: Array) -> None:
        for key in self._flat_keys(keys):
            if key in self._marks:
                raise InvalidArgumentError(
                    f"Using the {self._marks[key]} as a table key is not allowed"
                )

    def find(self, keys: Array, default: Array) -> Array:
        """Values of keys; see `HashTable.find`.

        Raises:
            InvalidArgumentError: a key is one of the marks.
        """
        self._check_dtypes(keys, default)
        self._refuse_marks(keys)
        return super().find(keys, default)

    def insert(self, keys: Array, values: Array) -> None:
        """Add keys, or give them other values."""
        flat, rows = self._checked(keys, values)
        self._refuse_marks(keys)
        with self._lock:
            while len(self._rows) + len(flat) > self._buckets * self._load:
                self._buckets *= 2
            self._put(flat, rows)

    def remove(self, keys: Array) -> None:
        """Take keys out; those that are not there are passed over."""
        self._check_dtypes(keys)
        self._refuse_marks(keys)
        super().remove(keys)

    def import_all(self, keys: Array, values: Array) -> None:
        """Replace all keys and values by what `export` gave."""
        keys = keys.reshape((len(keys), *self.key_shape))
        values = values.reshape((len(keys), *self.value_shape))
        flat, rows = self._checked(keys, values)
        kept = [i for i, key in enumerate(flat) if key not in self._marks]
        with self._lock:
            self._clear()
            self._buckets = max(len(keys), 4)
            self._put([flat[i] for i in kept], rows[kept])

    def export(self) -> tuple[Array, Array]:
        """Keys and values bucket by bucket, with the empty key where there is none.

        TensorFlow takes the buckets over as they are, so each key stands where TensorFlow
        looks for it.
        """
        width = int(np.prod(self.key_shape)) if self.key_shape else 1
        with self._lock:
            keys = np.empty((self._buckets, width), self.key_dtype.np)
            keys[:] = self._empty.reshape(1, width)
            values = _blank((self._buckets, *(self.value_shape or (1,))), self.value_dtype)
            taken: set[int] = set()
            for key, row in self._rows.items():
                bucket = _bucket_of(key, self._buckets, taken)
                taken.add(bucket)
                keys[bucket] = key
                values[bucket] = self._values[row]
        return keys.reshape((self._buckets, *(self.key_shape or (1,)))), values


def _blank(shape: tuple[int, ...], dtype: DType) -> Array:
    if dtype.np != object:
        return np.zeros(shape, dtype.np)
    return np.full(shape, b"", object)


def _bucket_of(key: Any, count: int, taken: set[int]) -> int:
    """Where TensorFlow looks for a key: the hash, then ever wider steps."""
    bucket = _hash(key) % count
    step = 0
    while bucket in taken:
        step += 1
        bucket = (bucket + step) % count
    return bucket


def _hash(key: Any) -> int:
    if not isinstance(key, tuple):
        return _hash_scalar(key)
    if len(key) == 1:
        return _hash_scalar(key[0])
    result = 0
    for part in key:
        mixed = _hash_scalar(part) + _COMBINE + (result << 10) + (result >> 4)
        result = (result ^ mixed) & _MASK
    return result


def _hash_scalar(value: Any) -> int:
    return murmur(value) if isinstance(value, bytes) else int(value) & _MASK


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, Iterable):
        return str(list(value))
    return str(value)
