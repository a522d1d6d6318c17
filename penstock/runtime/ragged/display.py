"""Ragged tensors as lists, arrays and text."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def as_numpy(ragged: Any) -> Any:
    """Rows as an array; rows of different lengths within an array of objects."""
    values = ragged.values.numpy()
    splits = np.asarray(ragged.row_splits._value)
    rows = [values[low:high] for low, high in itertools.pairwise(splits)]
    if not rows:
        return (
            np.zeros((0, *values.shape[1:]), values.dtype)[:0].reshape(
                (0, 0, *values.shape[1:])
            )
            if values.ndim > 1
            else np.array([], values.dtype)
        )
    if any(len(row) != len(rows[0]) for row in rows):
        result = np.empty((len(rows),), object)
        for place, row in enumerate(rows):
            result[place] = row
        return result
    return np.array(rows)


def as_list(ragged: Any) -> list[Any]:
    """Rows as nested lists."""
    values = ragged.values
    rows = values.to_list() if hasattr(values, "to_list") else values.numpy().tolist()
    splits = np.asarray(ragged.row_splits._value).tolist()
    return [rows[low:high] for low, high in itertools.pairwise(splits)]


def as_text(ragged: Any) -> str:
    """Rows as text; the middle of long ones is left out."""
    with np.printoptions(formatter={"all": _formatted}):
        return _formatted(as_numpy(ragged))


def _formatted(value: Any) -> str:
    if isinstance(value, np.ndarray):
        # numpy writes every empty array as `[]`, without its empty rows.
        return np.array2string(value, separator=", ") if value.size else repr(value.tolist())
    return str(value)
