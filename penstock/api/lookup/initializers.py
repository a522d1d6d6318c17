"""What static tables are filled with."""

from __future__ import annotations

import os
from typing import Any, Final

from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import UnimplementedError
from penstock.ops.vocabulary_file import LINE_NUMBER, WHOLE_LINE
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.resources import Asset
from penstock.runtime.trackable import AutoTrackable


class TextFileIndex:
    """Columns that are no columns: the number of a line, and all of it."""

    WHOLE_LINE: Final = WHOLE_LINE
    LINE_NUMBER: Final = LINE_NUMBER


class TableInitializerBase(AutoTrackable):
    """Fills tables.

    Args:
        key_dtype: dtype of the keys.
        value_dtype: dtype of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
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

    def initialize(self, table: Any) -> Any:
        """Fill a table; subclasses say how."""
        raise UnimplementedError(f"{type(self).__name__} must say how a table is filled")

    def _check_table(self, table: Any) -> None:
        if (table.key_dtype, table.value_dtype) != (self.key_dtype, self.value_dtype):
            raise TypeError(
                f"Invalid key or value dtype: the table is {table.key_dtype.name} -> "
                f"{table.value_dtype.name}, its initializer {self.key_dtype.name} -> "
                f"{self.value_dtype.name}"
            )


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from a tensor of keys and one of values.

    Args:
        keys: the keys.
        values: their values, as many.
        key_dtype: dtype of the keys, where they are Python values.
        value_dtype: dtype of the values, likewise.
        name: accepted for compatibility.

    Example:
        >>> import penstock as tf
        >>> numbers = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
        >>> table = tf.lookup.StaticHashTable(numbers, default_value=-1)
        >>> table.lookup(tf.constant(["b", "c"])).numpy().tolist()
        [2, -1]
    """

    def __init__(
        self,
        keys: Any,
        values: Any,
        key_dtype: Any = None,
        value_dtype: Any = None,
        name: str | None = None,
    ) -> None:
        del name
        self._keys = convert_to_tensor(keys, _dtype(key_dtype))
        self._values = convert_to_tensor(values, _dtype(value_dtype))
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: Any) -> Any:
        """Fill a table.

        Raises:
            TypeError: the table has other dtypes.
            InvalidArgumentError: there are not as many values as keys.
            FailedPreconditionError: a key comes with two values.
        """
        self._check_table(table)
        return call("LookupTableImportV2", table.resource_handle, self._keys, self._values)


def _dtype(dtype: Any) -> DType | None:
    return None if dtype is None else as_dtype(dtype)


class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a file, which becomes an asset of SavedModels.

    Args:
        filename: the file; its lines must not be empty.
        key_dtype: dtype of the keys.
        key_index: column of the keys from 0 on, or one of `TextFileIndex`.
        value_dtype: dtype of the values.
        value_index: column of the values, likewise.
        vocab_size: number of lines to read, at least 1; None for all.
        delimiter: what separates columns, one byte.
        name: accepted for compatibility.
        value_index_offset: added to line numbers.

    Raises:
        ValueError: an argument cannot be.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        del name
        if not _is_tensor(filename) and not os.fspath(filename):
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        self._filename_arg = filename
        key_dtype, value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        _check_index("key", key_index, key_dtype)
        _check_index("value", value_index, value_dtype)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        self._key_index = key_index
        self._value_index = value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._offset = value_index_offset
        # Kept under this name by TensorFlow's SavedModels.
        self._filename = Asset(_text(filename))
        super().__init__(key_dtype, value_dtype)

    def initialize(self, table: Any) -> Any:
        """Fill a table.

        Raises:
            TypeError: the table has other dtypes.
            NotFoundError: there is no such file.
            InvalidArgumentError: a line is not as wanted.
            FailedPreconditionError: a key comes with two values.
        """
        self._check_table(table)
        return call(
            "InitializeTableFromTextFileV2",
            table.resource_handle,
            self._path(),
            key_index=self._key_index,
            value_index=self._value_index,
            vocab_size=-1 if self._vocab_size is None else self._vocab_size,
            delimiter=self._delimiter,
            offset=self._offset,
        )

    def _path(self) -> Any:
        """Where the file is; a graph of TensorFlow 1 notes it as one of a model's files."""
        path = self._filename.asset_path
        if not getattr(state.graph, "runs_on_demand", False):
            return path
        symbol = state.graph.constant(path.numpy(), path.dtype, "asset_filepath")
        state.graph.add_to_collection("asset_filepaths", symbol)
        return symbol


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "numpy")


def _text(filename: Any) -> str:
    name = filename.numpy() if _is_tensor(filename) else os.fspath(filename)
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)


def _check_index(what: str, index: int, dtype: DType) -> None:
    if index < WHOLE_LINE:
        raise ValueError(f"`{what}_index` should be >= -2, received: {index}.")
    if index == LINE_NUMBER and dtype is not dtypes.int64:
        raise ValueError(
            f"`{what}_dtype` must be int64 if `{what}_index` is {LINE_NUMBER}, received: "
            f"{dtype}"
        )
    if index == WHOLE_LINE and dtype is not dtypes.string and not dtype.is_integer:
        raise ValueError(
            f"`{what}_dtype` should be either integer or string for `{what}_index` "
            f"{WHOLE_LINE}, received: {dtype}"
        )
