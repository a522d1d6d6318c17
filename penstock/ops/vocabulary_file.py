"""Keys and values of a table from the lines of a text file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from penstock.ops.string import as_bytes
from penstock.ops.string_numbers import parse_number
from penstock.wire.file_system.confined import check_confined

LINE_NUMBER: Final = -1
WHOLE_LINE: Final = -2


def read_vocabulary(
    filename: bytes | str,
    key: tuple[int, DType],
    value: tuple[int, DType],
    *,
    vocab_size: int = -1,
    delimiter: str = "\t",
    offset: int = 0,
) -> tuple[Any, Any]:
    """Read the columns of keys and values.

    Args:
        filename: the file.
        key: column of the keys, or `LINE_NUMBER` or `WHOLE_LINE`, and their dtype.
        value: likewise for the values.
        vocab_size: number of lines to read, -1 for all.
        delimiter: what separates columns, one byte.
        offset: added to the line numbers.

    Raises:
        NotFoundError: there is no such file.
        OutOfRangeError: it is empty.
        InvalidArgumentError: a line is not as wanted, or there are too few.
        PermissionDeniedError: it lies outside of the model that is being loaded.
    """
    path = (
        filename if isinstance(filename, str) else filename.decode("utf-8", "surrogateescape")
    )
    check_confined(path)
    mark = as_bytes(delimiter)
    if len(mark) != 1:
        raise InvalidArgumentError("delimiter should be only 1 char")
    _check_dtypes((key, value))
    lines = _lines(path, vocab_size)
    split = key[0] >= 0 or value[0] >= 0
    rows = [line.split(mark) for line in lines] if split else []
    if rows:
        _check_columns(rows, lines, max(key[0], value[0]), path)
    columns = [_column(index, kind, lines, rows, offset) for index, kind in (key, value)]
    return columns[0], columns[1]


def _check_dtypes(columns: tuple[tuple[int, DType], ...]) -> None:
    for index, kind in columns:
        if index == LINE_NUMBER and kind is not dtypes.int64:
            raise InvalidArgumentError(f"line numbers must be int64, got {kind.name}")
        if index == WHOLE_LINE and not (kind is dtypes.string or kind.is_integer):
            raise InvalidArgumentError(
                f"whole lines must be strings or integers, got {kind.name}"
            )
        if index < WHOLE_LINE:
            raise InvalidArgumentError(f"an index must be at least {WHOLE_LINE}, got {index}")


def _lines(path: str, vocab_size: int) -> list[bytes]:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"{path}; No such file or directory") from None
    if not data:
        raise OutOfRangeError(f"'{path}' must have lines, got an empty file")
    lines = data.replace(b"\r", b"").split(b"\n")
    if not lines[-1]:
        lines.pop()
    if vocab_size >= 0:
        if len(lines) < vocab_size:
            raise InvalidArgumentError(
                f"Invalid vocab_size in {path}: expected {vocab_size} but got {len(lines)}"
            )
        lines = lines[:vocab_size]
    if b"" in lines:
        raise InvalidArgumentError(
            f"Invalid content in {path}: empty line found at line {lines.index(b'')}"
        )
    return lines


def _check_columns(rows: list[list[bytes]], lines: list[bytes], last: int, path: str) -> None:
    for i, row in enumerate(rows):
        if len(row) <= last:
            raise InvalidArgumentError(
                f"Invalid number of columns in {path} line {i} ({_shown(lines[i])}) : expected "
                f"at least {last + 1} got {len(row)}"
            )


def _column(
    index: int, kind: DType, lines: list[bytes], rows: list[list[bytes]], offset: int
) -> Any:
    if index == LINE_NUMBER:
        return np.arange(offset, offset + len(lines), dtype=np.int64)
    texts = lines if index == WHOLE_LINE else [row[index] for row in rows]
    column = np.empty(len(texts), kind.np)
    for i, text in enumerate(texts):
        value = text if kind is dtypes.string else parse_number(text, kind)
        if value is None:
            raise InvalidArgumentError(
                f"Field {_shown(text)} in line {i} is not a valid {kind.name}."
            )
        column[i] = value
    return column


def _shown(text: bytes) -> str:
    return text.decode(errors="replace")
