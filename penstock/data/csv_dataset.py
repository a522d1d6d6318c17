"""`tf.data.experimental.CsvDataset`: the records of comma-separated files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock.api.data_structure import Structure, value_of
from penstock.core import dtypes
from penstock.core.dtypes import DType, as_dtype
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.data.dataset.base import DatasetV2
from penstock.data.dataset.files import _compression, _lines, _names_dataset
from penstock.data.run import Run
from penstock.ops.dataset import Element
from penstock.ops.string_codec import csv_fields
from penstock.ops.string_numbers import parse_number
from penstock.runtime.context import init_scope
from penstock.runtime.convert import convert_to_tensor

_CHUNK_BYTES = 1 << 18
_KINDS = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How records are written, and which of their fields are wanted.

    `defaults` holds a vector for each field: one value, or none where the field is required.
    """

    defaults: tuple[Any, ...]
    compression: str = ""
    buffer_bytes: int = _CHUNK_BYTES
    header: bool = False
    delimiter: bytes = b","
    quotes: bool = True
    missing: bytes = b""
    select: tuple[int, ...] = ()
    exclude: frozenset[int] = frozenset()

    def records(self, path: str) -> Iterator[list[bytes]]:
        """The fields of all records of a file.

        Raises:
            NotFoundError: there is no such file.
            InvalidArgumentError: quotes stand in the wrong place.
        """
        for number, record in enumerate(self._joined(path)):
            if number or not self.header:
                yield csv_fields(record, self.delimiter, self.quotes)

    def _joined(self, path: str) -> Iterator[bytes]:
        """Records; a line end within quotes does not end one."""
        waiting = b""
        for line in _lines(path, self.compression, self.buffer_bytes):
            record = waiting + line
            if self.quotes and record.count(b'"') % 2:
                waiting = record + b"\n"
                continue
            waiting = b""
            if record:
                yield record
        if waiting:
            raise InvalidArgumentError("Reached end of file without closing quoted field")

    def values(self, fields: list[bytes]) -> Element:
        """The wanted fields as values.

        Raises:
            InvalidArgumentError: there are too few or too many, a required one is missing, or
                one is malformed.
        """
        wanted = self._wanted(fields)
        columns = zip(wanted, self.defaults, strict=True)
        return tuple([self._value(field, own, i) for i, (field, own) in enumerate(columns)])

    def _wanted(self, fields: list[bytes]) -> list[bytes]:
        if self.select:
            if self.select[-1] >= len(fields):
                raise InvalidArgumentError(
                    f"Expect at least {self.select[-1] + 1} fields but have {len(fields)} in "
                    "record"
                )
            return [fields[i] for i in self.select]
        if self.exclude:
            fields = [field for i, field in enumerate(fields) if i not in self.exclude]
        if len(fields) != len(self.defaults):
            more = "more" if len(fields) > len(self.defaults) else "fewer"
            raise InvalidArgumentError(
                f"Expect {len(self.defaults)} fields but have {more} in record"
            )
        return fields

    def _value(self, field: bytes, default: Any, number: int) -> Any:
        if field in (b"", self.missing):
            if not default.size:
                raise InvalidArgumentError(f"Field {number} is required but missing in record!")
            return default[0, ...]
        if default.dtype == object:
            return np.array(field, object)
        kind = dtypes.dtype_of_numpy(default.dtype)
        value = parse_number(field, kind)
        if value is None:
            raise InvalidArgumentError(
                f"Field {number} in record is not a valid {kind.name}: "
                f"{field.decode(errors='replace')}"
            )
        return default.dtype.type(value)


class _Records(Iterator[Element]):
    """The records of one file after the other; a malformed record does not end them."""

    def __init__(self, names: Iterator[Element], how: CsvFormat) -> None:
        self._names = names
        self._how = how
        self._fields: Iterator[list[bytes]] = iter(())

    def __next__(self) -> Element:
        while True:
            try:
                fields = next(self._fields)
            except StopIteration:
                name = np.asarray(next(self._names)[0]).item().decode()
                self._fields = self._how.records(name)
                continue
            except OpError:
                self._fields = iter(())
                raise
            return self._how.values(fields)


class CsvDatasetV2(DatasetV2):
    """The records of comma-separated files, as tuples of scalars.

    Args:
        filenames: a name, a list or tensor of names, or a dataset of names.
        record_defaults: for each field its dtype, if it must be there, or what stands for an
            empty one.
        compression_type: "", "ZLIB" or "GZIP".
        buffer_size: bytes read at a time.
        header: whether the first record of each file is left out.
        field_delim: what separates fields, one byte.
        use_quote_delim: whether double quotes enclose fields.
        na_value: a further text that counts as empty.
        select_cols: indices of the fields that are wanted, rising; None for all.
        exclude_cols: indices of the fields that are not, in place of `select_cols`.

    Raises:
        InvalidArgumentError: the columns are told in two ways, or not as many as defaults.
        TypeError: a default has another dtype than float32, float64, int32, int64 or string.

    Source: `tf.data.experimental.CsvDataset`.
    """

    def __init__(
        self,
        filenames: Any,
        record_defaults: Sequence[Any],
        compression_type: str | None = None,
        buffer_size: int | None = None,
        header: bool = False,
        field_delim: str = ",",
        use_quote_delim: bool = True,
        na_value: str = "",
        select_cols: Sequence[int] | None = None,
        exclude_cols: Sequence[int] | None = None,
    ) -> None:
        defaults = tuple(_default(default) for default in record_defaults)
        select = tuple(int(column) for column in select_cols or ())
        if select and (exclude_cols or len(select) != len(defaults)):
            raise InvalidArgumentError("select_cols should match output size")
        if list(select) != sorted(set(select)) or (select and select[0] < 0):
            raise InvalidArgumentError("select_cols should be strictly increasing indices")
        mark = field_delim.encode()
        if len(mark) != 1:
            raise InvalidArgumentError("field_delim should be only 1 char")
        self._format = CsvFormat(
            defaults,
            _compression(compression_type),
            buffer_size or _CHUNK_BYTES,
            header,
            mark,
            use_quote_delim,
            na_value.encode(),
            select,
            frozenset(int(column) for column in exclude_cols or ()),
        )
        super().__init__((_names_dataset(filenames),))

    def _make_structure(self) -> Structure:
        kinds = [dtypes.dtype_of_numpy(default.dtype) for default in self._format.defaults]
        return Structure(tuple(TensorSpec(TensorShape(()), kind) for kind in kinds))

    def _start(self, run: Run) -> Iterator[Element]:
        return _Records(self._parents[0]._start(run), self._format)


def _default(default: Any) -> Any:
    """A vector of one value, or of none where a dtype says that the field is required."""
    if isinstance(default, (DType, type)):
        kind = as_dtype(default)
        array = np.zeros(0, kind.np)
    else:
        with init_scope():  # a dataset within a function has constants as defaults too
            tensor = convert_to_tensor(default)
        kind, array = tensor.dtype, np.ravel(value_of(tensor))
    if kind not in _KINDS:
        raise TypeError(f"fields must be numbers or strings, got {kind.name}")
    if array.size > 1:
        raise InvalidArgumentError(
            f"Each record default must be at most length 1, got {array.size}"
        )
    return array
