"""Lookup tables: making, filling, reading and writing them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.hash_table import DenseTable, HashTable, MutableTable, StaticTable
from penstock.ops.table import REQUIRED, op
from penstock.ops.vocabulary_file import read_vocabulary

Array = Any

_NAMING: Final = {"container": "", "shared_name": "", "use_node_name_sharing": False}
_DTYPES: Final = {"key_dtype": REQUIRED, "value_dtype": REQUIRED}
_DENSE: Final = {
    "value_dtype": REQUIRED,
    "value_shape": TensorShape([]),
    "initial_num_buckets": 1 << 17,
    "max_load_factor": 0.8,
}

# Tables with a name; each lives as long as somebody holds its handle.
_named: weakref.WeakValueDictionary[tuple[str, str], HashTable] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def _shared(container: str, shared_name: str, make: Callable[[], HashTable]) -> HashTable:
    """The table of a name, or a new one when there is no name."""
    if not shared_name:
        return make()
    with _lock:
        found = _named.get((container, shared_name))
        made = make()
        if found is None:
            _named[container, shared_name] = found = made
    kind = (type(made), made.key_dtype, made.value_dtype)
    if kind != (type(found), found.key_dtype, found.value_dtype):
        raise InvalidArgumentError(
            f"Conflicting key/value dtypes {made.key_dtype.name}->{made.value_dtype.name} with "
            f"{found.key_dtype.name}-{found.value_dtype.name} for table {shared_name}"
        )
    return found


def forget_name(table: Any) -> None:
    """Make a table anonymous, so that a later table may have its name."""
    with _lock:
        for key in [key for key, value in _named.items() if value is table]:
            del _named[key]


def _scalar(*_: Any, **__: Any) -> TensorShape:
    return TensorShape([])


def _nothing(*_: Any, **__: Any) -> tuple[TensorShape, ...]:
    return ()


def _row(name: str, **fields: Any) -> Callable[[Any], Any]:
    """A row for a table: on the host, with effects, without gradient."""
    return op(name, kernel="host", stateful=True, differentiable=False, **fields)


def _maker(
    names: tuple[str, ...], attrs: dict[str, Any], inputs: tuple[str, ...] = ()
) -> Callable[[Any], Any]:
    """Add the rows of one kind of table; graphs of TensorFlow 1 name it without V2."""

    def add(kernel: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            naming = {} if name.startswith("Anonymous") else _NAMING
            _row(
                name,
                inputs=inputs,
                outputs=("table_handle: resource",),
                attrs={**naming, **attrs},
                shape=_scalar,
            )(kernel)
        return kernel

    return add


@_maker(("HashTableV2", "HashTable", "AnonymousHashTable"), _DTYPES)
def hash_table_v2(
    *,
    key_dtype: DType,
    value_dtype: DType,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,  # noqa: ARG001
) -> Any:
    """Handle of a table that is filled once.

    Shape: -> table_handle [].
    Errors: InvalidArgumentError when the table of that name has other dtypes.
    """
    return _shared(container, shared_name, lambda: StaticTable(key_dtype, value_dtype))


@_maker(("MutableHashTableV2", "MutableHashTable", "AnonymousMutableHashTable"), _DTYPES)
def mutable_hash_table_v2(
    *,
    key_dtype: DType,
    value_dtype: DType,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,  # noqa: ARG001
) -> Any:
    """Handle of a table of scalars that can be written.

    Shape: -> table_handle [].
    Errors: InvalidArgumentError when the table of that name has other dtypes.
    """
    return _shared(container, shared_name, lambda: MutableTable(key_dtype, value_dtype))


@_maker(
    (
        "MutableHashTableOfTensorsV2",
        "MutableHashTableOfTensors",
        "AnonymousMutableHashTableOfTensors",
    ),
    {**_DTYPES, "value_shape": TensorShape([])},
)
def mutable_hash_table_of_tensors_v2(
    *,
    key_dtype: DType,
    value_dtype: DType,
    value_shape: Any,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,  # noqa: ARG001
) -> Any:
    """Handle of a table of tensors of one shape that can be written.

    Shape: -> table_handle [].
    Errors: InvalidArgumentError when the table of that name has other dtypes.
    """
    shape = _known(value_shape)
    return _shared(
        container, shared_name, lambda: MutableTable(key_dtype, value_dtype, (), shape)
    )


@_maker(
    ("MutableDenseHashTableV2", "AnonymousMutableDenseHashTable"),
    _DENSE,
    ("empty_key: key_dtype", "deleted_key: key_dtype"),
)
def mutable_dense_hash_table_v2(
    empty_key: Array,
    deleted_key: Array,
    *,
    value_dtype: DType,
    value_shape: Any,
    initial_num_buckets: int,
    max_load_factor: float,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,  # noqa: ARG001
) -> Any:
    """Handle of a table that can be written, with keys that mark empty and deleted places.

    Shape: empty_key [...], deleted_key [...] -> table_handle [].
    Errors: InvalidArgumentError when the two keys are equal, when the buckets are no power of
        2, or when the table of that name has other dtypes.
    """
    shape, kind = _known(value_shape), dtype_of_numpy(empty_key.dtype)
    return _shared(
        container,
        shared_name,
        lambda: DenseTable(
            kind,
            value_dtype,
            shape,
            empty_key=empty_key,
            deleted_key=deleted_key,
            initial_num_buckets=initial_num_buckets,
            max_load_factor=max_load_factor,
        ),
    )


def _known(shape: Any) -> tuple[int, ...]:
    shape = TensorShape(shape)
    if not shape.is_fully_defined():
        raise InvalidArgumentError(f"value_shape must be fully known, got {shape}")
    return tuple(shape.as_list())


# -- reading and writing ----------------------------------------------------------------------


def _both(name: str, **fields: Any) -> Callable[[Any], Any]:
    """Add a row and the one of TensorFlow 1, whose name lacks the V2."""

    def add(kernel: Callable[..., Any]) -> Callable[..., Any]:
        for row in (name, name.removesuffix("V2")):
            _row(row, **fields)(kernel)
        return kernel

    return add


def _found_shape(table_handle: Any, keys: Any, default_value: Any, **_: Any) -> TensorShape:
    del default_value
    if table_handle.table_shapes is None or keys.shape.rank is None:
        return TensorShape(None)
    key_shape, value_shape, *_ = table_handle.table_shapes
    lead = keys.shape[: keys.shape.rank - len(key_shape)]
    return TensorShape(lead).concatenate(TensorShape(value_shape))


@_both(
    "LookupTableFindV2",
    inputs=("table_handle: resource", "keys: Tin", "default_value: Tout"),
    outputs=("values: Tout",),
    shape=_found_shape,
)
def lookup_table_find_v2(table_handle: Any, keys: Array, default_value: Array) -> Array:
    """Values of keys, and a default for those that are not there.

    Shape: table_handle [], keys [...], default_value [...] of one value -> values [..., ...].
    Errors: FailedPreconditionError when the table has not been filled; InvalidArgumentError for
        other dtypes or shapes than the table's.
    """
    return table_handle.find(keys, default_value)


@_both(
    "LookupTableInsertV2",
    inputs=("table_handle: resource", "keys: Tin", "values: Tout"),
    shape=_nothing,
)
def lookup_table_insert_v2(table_handle: Any, keys: Array, values: Array) -> Any:
    """Give keys values.

    Shape: table_handle [], keys [...], values [..., ...].
    Errors: UnimplementedError for a static table; InvalidArgumentError for other dtypes or
        shapes than the table's.
    """
    table_handle.insert(keys, values)
    return ()


@_row(
    "LookupTableRemoveV2",
    inputs=("table_handle: resource", "keys: Tin"),
    shape=_nothing,
)
def lookup_table_remove_v2(table_handle: Any, keys: Array) -> Any:
    """Take keys out of a table.

    Shape: table_handle [], keys [...].
    Errors: UnimplementedError for a static table; InvalidArgumentError for another dtype.
    """
    table_handle.remove(keys)
    return ()


@_both(
    "LookupTableImportV2",
    inputs=("table_handle: resource", "keys: Tin", "values: Tout"),
    shape=_nothing,
)
def lookup_table_import_v2(table_handle: Any, keys: Array, values: Array) -> Any:
    """Replace all keys and values of a table.

    Shape: table_handle [], keys [...], values [..., ...].
    Errors: FailedPreconditionError for a static table that holds something else.
    """
    table_handle.import_all(keys, values)
    return ()


def _exported_shapes(table_handle: Any, **_: Any) -> tuple[TensorShape, TensorShape]:
    if table_handle.table_shapes is None:
        return TensorShape(None), TensorShape(None)
    *_, key_shape, value_shape = table_handle.table_shapes
    return TensorShape([None, *key_shape]), TensorShape([None, *value_shape])


@_both(
    "LookupTableExportV2",
    inputs=("table_handle: resource",),
    outputs=("keys: Tkeys", "values: Tvalues"),
    attrs={"Tkeys": REQUIRED, "Tvalues": REQUIRED},
    shape=_exported_shapes,
)
def lookup_table_export_v2(table_handle: Any, *, Tkeys: DType, Tvalues: DType) -> Any:  # noqa: N803
    """All keys and values of a table, in no particular order.

    Shape: table_handle [] -> keys [n, ...], values [n, ...].
    Errors: InvalidArgumentError when the table has other dtypes.
    """
    if (table_handle.key_dtype, table_handle.value_dtype) != (Tkeys, Tvalues):
        raise InvalidArgumentError(
            f"a table of {table_handle.key_dtype.name} -> {table_handle.value_dtype.name} has "
            f"no {Tkeys.name} keys with {Tvalues.name} values"
        )
    return table_handle.export()


@_both(
    "LookupTableSizeV2",
    inputs=("table_handle: resource",),
    outputs=("size: int64",),
    shape=_scalar,
)
def lookup_table_size_v2(table_handle: Any) -> Array:
    """Number of keys in a table.

    Shape: table_handle [] -> size [].
    """
    return np.int64(table_handle.count())


@_both(
    "InitializeTableV2",
    inputs=("table_handle: resource", "keys: Tkey", "values: Tval"),
    shape=_nothing,
)
def initialize_table_v2(table_handle: Any, keys: Array, values: Array) -> Any:
    """Fill a static table.

    Shape: table_handle [], keys [n], values [n].
    Errors: FailedPreconditionError when a key comes with two values, or the table has been
        filled with something else.
    """
    table_handle.initialize(keys, values)
    return ()


@_both(
    "InitializeTableFromTextFileV2",
    inputs=("table_handle: resource", "filename: string"),
    attrs={
        "key_index": REQUIRED,
        "value_index": REQUIRED,
        "vocab_size": -1,
        "delimiter": "\t",
        "offset": 0,
    },
    shape=_nothing,
)
def initialize_table_from_text_file_v2(
    table_handle: Any,
    filename: Array,
    *,
    key_index: int,
    value_index: int,
    vocab_size: int,
    delimiter: str,
    offset: int,
) -> Any:
    """Fill a static table from the lines of a file.

    Shape: table_handle [], filename [].
    Errors: NotFoundError when there is no such file; InvalidArgumentError when a line lacks a
        column or holds a malformed number; FailedPreconditionError as for InitializeTableV2.
    """
    keys, values = read_vocabulary(
        np.asarray(filename).item(),
        (key_index, table_handle.key_dtype),
        (value_index, table_handle.value_dtype),
        vocab_size=vocab_size,
        delimiter=delimiter,
        offset=offset,
    )
    table_handle.initialize(keys, values)
    return ()
