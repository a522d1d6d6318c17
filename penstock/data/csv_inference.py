"""Names and types of the columns of comma-separated files, from what they hold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.data.csv_dataset import CsvFormat

_WIDENING: Final = (
    dtypes.int32,
    dtypes.int64,
    dtypes.float32,
    dtypes.float64,
    dtypes.string,
)


def infer_names(filenames: Sequence[str], how: CsvFormat) -> list[str]:
    """Names in the first record of all files.

    Raises:
        ValueError: a file is empty, or names differ between files.
    """
    names: list[str] | None = None
    for filename in filenames:
        first = next(how.records(filename), None)
        if first is None:
            raise ValueError(
                f"Failed when reading the header line of {filename}. Is it an empty file?"
            )
        found = [field.decode() for field in first]
        if names is None:
            names = found
        elif names != found:
            raise ValueError(
                "All input CSV files should have the same column names in the header row. File "
                f"{filename} has different column names."
            )
    return names or []


def infer_defaults(
    filenames: Sequence[str], how: CsvFormat, columns: Sequence[int], rows: int | None
) -> list[Any]:
    """A default for each column, 0 or "", of the narrowest type that its values fit.

    Args:
        filenames: the files.
        how: how they are written.
        columns: numbers of the columns.
        rows: how many records are looked at; None for all.

    Raises:
        ValueError: a record has too few fields.
    """
    found: list[int] = [-1] * len(columns)
    records = itertools.chain.from_iterable(how.records(name) for name in filenames)
    for record in itertools.islice(records, rows):
        if max(columns, default=-1) >= len(record):
            raise ValueError(
                f"Problem inferring types: CSV row {record} has {len(record)} number of fields."
                f" Expected: {max(columns) + 1}."
            )
        for i, column in enumerate(columns):
            field = record[column]
            if field not in (b"", how.missing):
                found[i] = max(found[i], _rank(field, found[i]))
    return [_blank(_WIDENING[rank] if rank >= 0 else dtypes.string) for rank in found]


def _rank(field: bytes, at_least: int) -> int:
    """Place in `_WIDENING` of the narrowest type that a field fits."""
    for rank in range(max(at_least, 0), len(_WIDENING)):
        if _fits(field, _WIDENING[rank]):
            return rank
    return len(_WIDENING) - 1


def _fits(field: bytes, kind: DType) -> bool:
    if kind is dtypes.string:
        return True
    try:
        text = field.decode()
        if kind.is_integer:
            return bool(kind.min <= int(text) <= kind.max)
        number = float(text)
    except ValueError:
        return False
    return kind is dtypes.float64 or not abs(number) > np.finfo(np.float32).max


def _blank(kind: DType) -> Any:
    return np.array([b""], object) if kind is dtypes.string else np.zeros(1, kind.np)
