"""Bytes in strings: base64, raw numbers, comma-separated values; part of `tf.io`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call

__all__ = ["decode_base64", "decode_csv", "decode_raw", "encode_base64", "fingerprint"]

_CSV_KINDS = (
    dtypes.float32,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
    dtypes.string,
)


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    """Strings in web-safe base64.

    Args:
        input: strings.
        pad: whether to fill up with "=".
        name: name of the node in a graph.
    """
    return call("EncodeBase64", input, pad=pad, name=name)


def decode_base64(input: Any, name: str | None = None) -> Any:
    """Strings that `encode_base64` wrote, with padding or without.

    Raises:
        InvalidArgumentError: a string is no web-safe base64.
    """
    return call("DecodeBase64", input, name=name)


def decode_raw(
    input_bytes: Any,
    out_type: Any,
    little_endian: bool = True,
    fixed_length: Any = None,
    name: str | None = None,
) -> Any:
    """Bytes of strings, read as numbers.

    Args:
        input_bytes: strings, of one length unless `fixed_length` is given.
        out_type: type of the numbers.
        little_endian: whether low bytes come first.
        fixed_length: bytes to read of each string, which is filled with zeros; None for all.
        name: name of the node in a graph.

    Returns:
        Numbers, with one more axis than `input_bytes`.
    """
    attrs = {"out_type": as_dtype(out_type), "little_endian": little_endian, "name": name}
    if fixed_length is None:
        return call("DecodeRaw", input_bytes, **attrs)
    return call("DecodePaddedRaw", input_bytes, fixed_length, **attrs)


def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    name: str | None = None,
) -> list[Any]:
    """Columns of comma-separated records.

    Args:
        records: strings, one record each.
        record_defaults: for each column a value for empty fields, alone or in a list; an empty
            tensor of the column's type where a field must be there.
        field_delim: what separates fields, one byte.
        use_quote_delim: whether double quotes enclose fields.
        na_value: a further text that counts as empty.
        select_cols: indices of the columns to read, rising; None for all.
        name: name of the node in a graph.

    Returns:
        One tensor per column, of the shape of `records`.

    Raises:
        ValueError: columns and defaults do not fit.
        InvalidArgumentError: a record is malformed.
    """
    columns = () if select_cols is None else tuple(int(column) for column in select_cols)
    if any(late <= early for early, late in itertools.pairwise(columns)):
        raise ValueError(f"select_cols must rise, got {list(columns)}")
    if columns and columns[0] < 0:
        raise ValueError(f"select_cols must not be negative, got {list(columns)}")
    if columns and len(columns) != len(record_defaults):
        raise ValueError(
            f"record_defaults must be as many as select_cols, got {len(record_defaults)} and "
            f"{len(columns)}"
        )
    defaults = [convert_to_tensor(default) for default in record_defaults]
    for default in defaults:
        if default.dtype not in _CSV_KINDS:
            raise TypeError(f"columns must be numbers or strings, got {default.dtype.name}")
    result = call(
        "DecodeCSV",
        records,
        defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=columns,
        name=name,
    )
    return list(result)


def fingerprint(data: Any, method: str = "farmhash64", name: str | None = None) -> Any:
    """Fingerprint of each row of a tensor.

    Args:
        data: a tensor of rank 1 or more.
        method: "farmhash64".
        name: name of the node in a graph.

    Returns:
        uint8 numbers, [rows, 8], the low byte first.
    """
    return call("Fingerprint", data, method, name=name)


open_to_composites(globals())
