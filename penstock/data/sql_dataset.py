"""`tf.data.experimental.SqlDataset`: the rows of a query."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure
from penstock.core import data_nest, dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError, UnknownError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.tensors import Source
from penstock.data.run import Run
from penstock.ops.dataset import Element


class SqlDatasetV2(Source):
    """The rows of a query to a database, as tuples of scalars.

    Args:
        driver_name: "sqlite", the only one.
        data_source_name: name of the database's file.
        query: the query, in SQL.
        output_types: dtypes of the columns, a tuple.

    Raises:
        InvalidArgumentError: there is no such driver.

    Source: `tf.data.experimental.SqlDataset`.
    """

    def __init__(
        self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any
    ) -> None:
        if _text(driver_name) != "sqlite":
            raise InvalidArgumentError(
                f"The database type, {_text(driver_name)}, is not supported by SqlDataset. The "
                "supported databases are: {sqlite}"
            )
        self._source_name = _text(data_source_name)
        self._query = _text(query)
        spec = data_nest.map_structure(
            lambda kind: TensorSpec(TensorShape(()), as_dtype(kind)), output_types
        )
        super().__init__(Structure(spec))

    def _start(self, run: Run) -> Iterator[Element]:
        kinds = [leaf.dtype for leaf in self._structure.leaves]
        try:
            with closing(sqlite3.connect(self._source_name)) as database:
                for row in database.execute(self._query):
                    if len(row) != len(kinds):
                        raise InvalidArgumentError(
                            f"The number of columns in query ({len(row)}) must match the "
                            f"number of elements in output_types ({len(kinds)})."
                        )
                    yield tuple(_value(v, k) for v, k in zip(row, kinds, strict=True))
        except sqlite3.Error as error:
            raise UnknownError(f"the query failed: {error}") from error


def _text(value: Any) -> str:
    value = value.numpy() if hasattr(value, "numpy") else value
    return value.decode() if isinstance(value, bytes) else str(value)


def _value(value: Any, kind: DType) -> Any:
    if kind is dtypes.string:
        text = b"" if value is None else value
        text = text if isinstance(text, bytes) else str(text).encode()
        return np.array(text, object)
    return kind.np.type(value if value is not None else 0)
