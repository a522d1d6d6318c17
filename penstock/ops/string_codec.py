"""Base64, raw bytes and comma-separated values."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.string import as_bytes, mapped
from penstock.ops.string_numbers import parse_number
from penstock.ops.table import REQUIRED, TYPE_LIST, op

_BASE64: Final = re.compile(rb"[A-Za-z0-9_-]*={0,2}")


@op(
    "EncodeBase64",
    inputs=("input: string",),
    outputs=("output: string",),
    attrs={"pad": False},
    kernel="host",
    differentiable=False,
    shape="same",
)
def encode_base64(x: Any, *, pad: bool) -> Any:
    """Strings in the web-safe alphabet of base64.

    Shape: input [...] -> output [...].
    """

    def encode(text: bytes) -> bytes:
        encoded = base64.urlsafe_b64encode(text)
        return encoded if pad else encoded.rstrip(b"=")

    return mapped(encode, x)


@op(
    "DecodeBase64",
    inputs=("input: string",),
    outputs=("output: string",),
    kernel="host",
    differentiable=False,
    shape="same",
)
def decode_base64(x: Any) -> Any:
    """Strings that were written in the web-safe alphabet of base64, with padding or without.

    Shape: input [...] -> output [...].
    Errors: InvalidArgumentError for another alphabet, or a length that cannot be.
    """

    def decode(text: bytes) -> bytes:
        if not _BASE64.fullmatch(text):
            raise InvalidArgumentError(f"input must be web-safe base64, got {text[:40]!r}")
        digits = text.rstrip(b"=")
        if len(digits) % 4 == 1:
            raise InvalidArgumentError(
                f"base64 cannot have 1 digit more than a multiple of 4, got {len(digits)}"
            )
        return base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))

    return mapped(decode, x)


def _raw_shape(bytes: Any, **_: Any) -> TensorShape:
    if bytes.shape.rank is None:
        return TensorShape(None)
    return TensorShape([*bytes.shape.as_list(), None])


def _ordered(dtype: DType, little_endian: bool) -> np.dtype[Any]:
    """The type as it lies in memory."""
    if dtype.size == 1 or little_endian:
        return dtype.np
    return dtype.np.newbyteorder(">")


@op(
    "DecodeRaw",
    inputs=("bytes: string",),
    outputs=("output: out_type",),
    attrs={"out_type": REQUIRED, "little_endian": True},
    kernel="host",
    differentiable=False,
    shape=_raw_shape,
)
def decode_raw(x: Any, *, out_type: DType, little_endian: bool) -> Any:
    """Bytes of strings of equal length, read as numbers.

    Shape: bytes [...] -> output [..., k].
    Errors: InvalidArgumentError when lengths differ, or are no multiple of a number's.
    """
    texts = x.reshape(-1).tolist()
    if not texts:
        return np.zeros((*x.shape, 0), out_type.np)
    length = len(texts[0])
    for i, text in enumerate(texts):
        if len(text) != length:
            raise InvalidArgumentError(
                f"strings must be equally long, got {length} bytes and, at {i}, {len(text)}"
            )
    if length % out_type.size:
        raise InvalidArgumentError(
            f"strings must hold a multiple of {out_type.size} bytes for {out_type.name}, got "
            f"{length}"
        )
    return _numbers(b"".join(texts), out_type, little_endian, x.shape)


def _numbers(data: bytes, dtype: DType, little_endian: bool, shape: tuple[int, ...]) -> Any:
    if dtype.np == np.bool_:
        return np.frombuffer(data, np.uint8).astype(np.bool_).reshape(*shape, -1)
    if dtype.name == "bfloat16" and not little_endian:
        swapped = np.frombuffer(data, np.uint16).byteswap()
        return swapped.view(dtype.np).reshape(*shape, -1)
    numbers = np.frombuffer(data, _ordered(dtype, little_endian)).astype(dtype.np)
    count = len(data) // dtype.size
    rows = int(np.prod(shape, dtype=np.int64))
    return numbers.reshape(*shape, count // rows if rows else 0)


@op(
    "DecodePaddedRaw",
    inputs=("input_bytes: string", "fixed_length: int32"),
    outputs=("output: out_type",),
    attrs={"out_type": REQUIRED, "little_endian": True},
    kernel="host",
    differentiable=False,
    shape=lambda input_bytes, *_, **__: _raw_shape(input_bytes),
)
def decode_padded_raw(
    input_bytes: Any, fixed_length: Any, *, out_type: DType, little_endian: bool
) -> Any:
    """Bytes of strings, cut or filled with zeros to one length, read as numbers.

    Shape: input_bytes [...], fixed_length [] -> output [..., k].
    Errors: InvalidArgumentError when the length is no positive multiple of a number's.
    """
    length = int(fixed_length)
    if length <= 0 or length % out_type.size:
        raise InvalidArgumentError(
            f"fixed_length must be a positive multiple of {out_type.size}, got {length}"
        )
    texts = [text[:length].ljust(length, b"\0") for text in input_bytes.reshape(-1)]
    if not texts:
        return np.zeros((*input_bytes.shape, length // out_type.size), out_type.np)
    return _numbers(b"".join(texts), out_type, little_endian, input_bytes.shape)


def _csv_shapes(
    records: Any, record_defaults: Sequence[Any], **_: Any
) -> tuple[TensorShape, ...]:
    return tuple(records.shape for _ in record_defaults)


@op(
    "DecodeCSV",
    inputs=("records: string", "record_defaults: OUT_TYPE"),
    outputs=("output: OUT_TYPE",),
    attrs={
        "OUT_TYPE": TYPE_LIST,
        "field_delim": ",",
        "use_quote_delim": True,
        "na_value": "",
        "select_cols": (),
    },
    kernel="host",
    differentiable=False,
    shape=_csv_shapes,
)
def decode_csv(
    records: Any,
    record_defaults: Sequence[Any],
    *,
    OUT_TYPE: Sequence[DType],  # noqa: N803, ARG001
    field_delim: str,
    use_quote_delim: bool,
    na_value: str,
    select_cols: Sequence[int],
) -> tuple[Any, ...]:
    """Columns of comma-separated records.

    Shape: records [...], record_defaults [0] or [1] or [] each -> output [...] each.
    Errors: InvalidArgumentError when a record has another number of fields, lacks one that has
        no default, or holds one that is malformed.
    """
    mark = as_bytes(field_delim)
    if len(mark) != 1:
        raise InvalidArgumentError(f"field_delim must be one byte, got {field_delim!r}")
    defaults = [np.ravel(default) for default in record_defaults]
    for i, default in enumerate(defaults):
        if default.size > 1:
            raise InvalidArgumentError(
                f"record_defaults must hold at most one value each, got {default.size} at {i}"
            )
    kinds = [dtype_of_numpy(default.dtype) for default in defaults]
    columns = [np.empty(records.size, kind.np) for kind in kinds]
    missing = as_bytes(na_value)
    chosen = list(select_cols)
    for row, record in enumerate(records.reshape(-1)):
        fields = csv_fields(record, mark, use_quote_delim)
        if chosen:
            if max(chosen) >= len(fields):
                raise InvalidArgumentError(
                    f"record {row} must have more than {max(chosen)} fields, got {len(fields)}"
                )
            fields = [fields[i] for i in chosen]
        if len(fields) != len(columns):
            raise InvalidArgumentError(
                f"record {row} must have {len(columns)} fields, got {len(fields)}"
            )
        for i, field in enumerate(fields):
            columns[i][row] = _value(field, missing, defaults[i], f"field {i} of record {row}")
    return tuple(column.reshape(records.shape) for column in columns)


def _value(field: bytes, missing: bytes, default: Any, place: str) -> Any:
    if field in (b"", missing):
        if not default.size:
            raise InvalidArgumentError(f"{place} is required but missing")
        return default[0]
    kind = dtype_of_numpy(default.dtype)
    if kind.name == "string":
        return field
    number = parse_number(field, kind)
    if number is None:
        raise InvalidArgumentError(f"{place} must be a valid {kind.name}, got {field!r}")
    return number


def csv_fields(record: bytes, mark: bytes, quotes: bool) -> list[bytes]:
    """Split a record (RFC 4180).

    Errors: InvalidArgumentError for quotes in the wrong place.
    """
    if not quotes:
        return record.split(mark) if record else []
    if b'"' not in record and not record.endswith((b"\r", b"\n")) and b"\n" not in record:
        return record.split(mark) if record else []
    fields: list[bytes] = []
    at = 0
    while at <= len(record) and record:
        if record[at : at + 1] == b'"':
            field, at = _quoted_field(record, at + 1, mark)
        else:
            end = record.find(mark, at)
            end = len(record) if end < 0 else end
            field, at = record[at:end], end
            if any(byte in field for byte in b'"\r\n'):
                raise InvalidArgumentError(
                    f"a field without quotes must hold no quotes or line ends, got {field!r}"
                )
        fields.append(field)
        if at >= len(record):
            break
        at += 1
    return fields


def _quoted_field(record: bytes, at: int, mark: bytes) -> tuple[bytes, int]:
    """The field whose opening quote stands before `at`, and where it ends."""
    parts: list[bytes] = []
    while True:
        end = record.find(b'"', at)
        if end < 0:
            raise InvalidArgumentError(f"a quoted field must end with a quote, got {record!r}")
        parts.append(record[at:end])
        following = record[end + 1 : end + 2]
        if following == b'"':
            parts.append(b'"')
            at = end + 2
        elif following in (b"", mark):
            return b"".join(parts), end + 1
        else:
            raise InvalidArgumentError(
                f"a quote inside of a field must be doubled, got {record!r}"
            )
