"""Tensors as JSON values: nested lists of numbers, booleans, strings and base64 objects.

What may be converted, and the texts of what may not, are those of TF Serving's REST protocol.

Source: TF Serving's `json_tensor` and `api_rest.md`.
"""

import base64
import binascii
import math
from collections.abc import Callable
from itertools import chain
from typing import Any, NoReturn

import ml_dtypes
import numpy as np
import orjson

from penstock.core import dtypes
from penstock.core.dtypes import DType
from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.serving.protocols.json_text import dump, show, type_name
from penstock.serving.servable import Array, Arrays

# What a number must stay below; one that is between two of the type goes to the nearer.
_LARGEST = {
    "float32": float(np.finfo(np.float32).max),
    "float64": float("inf"),
    "float16": float(np.finfo(np.float16).max),
    "bfloat16": float(ml_dtypes.finfo(ml_dtypes.bfloat16).max),
}
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
# DataTypeString of TensorFlow, where it differs from the name of the type.
_TYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
# TensorFlow's limit for the number of dimensions.
_MAX_RANK = 254
_BYTES_SUFFIX = "_bytes"


def decode(value: Any, dtype: DType | None) -> Array:
    """Convert a JSON value to a tensor.

    Raises:
        InvalidArgumentError: a list is ragged, or an element does not fit `dtype`.
    """
    dtype = _convertible(value, dtype)
    array = _dense(value, dtype)
    if array is None:
        _explain(value, dtype)
    return array


def decode_rows(rows: list[Any], dtype: DType | None) -> Array:
    """Convert a list of rows, one element of the batch each, to a tensor.

    Raises:
        InvalidArgumentError: the rows differ in shape, or an element does not fit `dtype`.
    """
    dtype = _convertible(rows[0], dtype)
    array = _dense(rows, dtype)
    if array is None:
        first: tuple[int, ...] | None = None
        for number, row in enumerate(rows):
            try:
                first = check_row(row, dtype, first)
            except InvalidArgumentError as error:
                raise InvalidArgumentError(
                    f"Failed to process element: {number} of 'instances' list. "
                    f"Error: INVALID_ARGUMENT: {error.message}"
                ) from None
        _explain(rows, dtype)
    return array


def check_row(row: Any, dtype: DType | None, first: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the shape of a row, which must be that of the first row.

    Raises:
        InvalidArgumentError: it is not, or an element does not fit `dtype`.
    """
    dtype = _convertible(row, dtype)
    array = _dense(row, dtype)
    if array is None:
        _explain(row, dtype)
    shape = array.shape
    if first is None or shape == first:
        return shape
    size = int(np.prod(first, dtype=np.int64))
    if array.size != size:
        raise InvalidArgumentError(f"Expecting tensor size: {size} but got: {array.size}")
    raise InvalidArgumentError(f"Expecting shape {_text(first)} but got: {_text(shape)}")


def is_base64(value: Any) -> bool:
    """Whether a value is an object that stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decode_base64(value: Any) -> bytes:
    """Return the bytes of `{"b64": text}`.

    Raises:
        InvalidArgumentError: the object or its text is not of that form.
    """
    if not is_base64(value):
        raise InvalidArgumentError(
            f"JSON Value: {show(value)} not formatted correctly for base64 data"
        )
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArgumentError("Unable to base64 decode") from None


def encode_text(text: str) -> bytes:
    """Return the bytes of a JSON string, which need not be UTF-8: see `json_text.parse`.

    Raises:
        InvalidArgumentError: it holds half of a surrogate pair.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from None


def convert_numbers(numbers: Array, dtype: DType) -> Array | None:
    """Convert numbers to `dtype`; `None` where this may lose something.

    Args:
        numbers: float64 for the floating types, else int64 or uint64.
    """
    largest = _LARGEST.get(dtype.name)
    if largest is not None:
        # The sum of squares bounds each of them, in one pass and without a temporary. It may
        # be infinite, of which `vdot` makes nothing: asking others to do so takes longer.
        is_within = largest == math.inf or np.vdot(numbers, numbers) < largest * largest
        return numbers.astype(dtype.np, copy=False) if is_within else None
    bounds = np.iinfo(dtype.np)
    if numbers.size and (numbers.min() < bounds.min or numbers.max() > bounds.max):
        return None
    return numbers.astype(dtype.np, copy=False)


def _convertible(value: Any, dtype: DType | None) -> DType:
    if dtype is None or (dtype.name not in _LEAVES):
        name = "invalid" if dtype is None else _type_text(dtype)
        raise UnimplementedError(f"Conversion of JSON Value: {show(value)} to type: {name}")
    return dtype


def _dense(value: Any, dtype: DType) -> Array | None:
    """Convert level by level at the speed of C; `None` if anything is wrong."""
    shape: list[int] = []
    flat = [value]
    if type(value) is list:
        flat, shape = value, [len(value)]
        while flat and type(flat[0]) is list:
            size = len(flat[0])
            if len(shape) == _MAX_RANK or set(map(type, flat)) != {list}:
                return None
            if set(map(len, flat)) != {size}:
                return None
            shape.append(size)
            flat = list(chain.from_iterable(flat))
    leaves = _LEAVES[dtype.name](flat, dtype)
    return None if leaves is None else leaves.reshape(shape)


def _float_leaves(flat: list[Any], dtype: DType) -> Array | None:
    types = set(map(type, flat))
    if not types <= {float, int}:
        return None
    numbers = np.array(flat, np.float64)
    array = convert_numbers(numbers, dtype)
    if array is not None:
        return array
    finite = numbers[np.isfinite(numbers)]
    if finite.size and np.abs(finite).max() > float(dtype.max):
        return None
    return numbers.astype(dtype.np)


def _integer_leaves(flat: list[Any], dtype: DType) -> Array | None:
    if not set(map(type, flat)) <= {int}:
        return None
    try:
        numbers = np.array(flat, np.uint64 if dtype.name == "uint64" else np.int64)
    except OverflowError:
        return None
    return convert_numbers(numbers, dtype)


def _bool_leaves(flat: list[Any], _dtype: DType) -> Array | None:
    return np.array(flat, np.bool_) if set(map(type, flat)) <= {bool} else None


def _string_leaves(flat: list[Any], _dtype: DType) -> Array | None:
    types = set(map(type, flat))
    if not types <= {str, dict}:
        return None
    leaves = np.empty(len(flat), object)
    leaves[:] = [encode_text(v) if type(v) is str else decode_base64(v) for v in flat]
    return leaves


_LEAVES: dict[str, Callable[[list[Any], DType], Array | None]] = {
    **dict.fromkeys(_LARGEST, _float_leaves),
    **dict.fromkeys(_INTEGERS, _integer_leaves),
    "bool": _bool_leaves,
    "string": _string_leaves,
}


def _explain(value: Any, dtype: DType) -> NoReturn:
    """Find what is wrong with a value, in the order in which TF Serving would."""
    shape: list[int] = []
    first = value
    while isinstance(first, list) and len(shape) <= _MAX_RANK:
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise InvalidArgumentError(f"a tensor has at most {_MAX_RANK} dimensions")
    _walk(value, 0, shape, dtype)
    raise AssertionError(show(value))


def _walk(value: Any, level: int, shape: list[int], dtype: DType) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise InvalidArgumentError(
                f"JSON Value: {show(value)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
        _check_leaf(value, dtype)
        return
    if level >= len(shape):
        raise InvalidArgumentError(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise InvalidArgumentError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for element in value:
        _walk(element, level + 1, shape, dtype)


def _check_leaf(value: Any, dtype: DType) -> None:
    if _LEAVES[dtype.name]([value], dtype) is not None:
        return
    if dtype.is_floating and type(value) in (int, float):
        raise InvalidArgumentError(
            f"Cannot convert JSON value: {show(value)} to {_type_text(dtype)} "
            "without loss of precision."
        )
    raise InvalidArgumentError(
        f"JSON Value: {show(value)} Type: {type_name(value)} "
        f"is not of expected type: {_type_text(dtype)}"
    )


def _type_text(dtype: DType) -> str:
    return _TYPE_NAMES.get(dtype.name, dtype.name)


def _text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def encode_columns(outputs: Arrays) -> bytes:
    """Write the answer to a request in the column format: each output as one value."""
    if not outputs:
        raise InvalidArgumentError("Cannot convert empty tensor map to JSON")
    values = {name: _writable(name, value) for name, value in outputs.items()}
    return write({"outputs": next(iter(values.values())) if len(values) == 1 else values})


def encode_rows(outputs: Arrays) -> bytes:
    """Write the answer to a request in the row format: one value or object for each row.

    Raises:
        InvalidArgumentError: the outputs have no rows, or not the same number of them.
    """
    if not outputs:
        raise InvalidArgumentError("Cannot convert empty tensor map to JSON")
    if len(outputs) == 1:
        (value,) = outputs.values()
        if value.dtype.kind == "f" and value.ndim and value.flags.c_contiguous:
            text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
            if b"null" not in text:
                return b'{"predictions":%b}' % text
    size: int | None = None
    for name, value in outputs.items():
        if value.ndim == 0:
            raise InvalidArgumentError(f"Tensor name: {name} has no shape information ")
        if size is not None and len(value) != size:
            raise InvalidArgumentError(
                f"Tensor name: {name} has inconsistent batch size: {len(value)} "
                f"expecting: {size}"
            )
        size = len(value)
    values = {name: _writable(name, value) for name, value in outputs.items()}
    if len(values) == 1:
        return write({"predictions": next(iter(values.values()))})
    rows = zip(*values.values(), strict=True)
    return write({"predictions": [dict(zip(values, row, strict=True)) for row in rows]})


def write(document: dict[str, Any]) -> bytes:
    """Write a document in which arrays stand for nested lists."""
    try:
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # strings that are not UTF-8
        return dump(_plain(document), with_raw_bytes=True)
    # NaN and infinities come out as null, which no tensor holds: those are written apart.
    return dump(_plain(document)) if b"null" in text else text


def _writable(name: str, value: Array) -> Any:
    """Return what the fast writer takes for an output: an array, or plain Python values."""
    if value.dtype == object:
        is_bytes = name.endswith(_BYTES_SUFFIX)
        return _base64_values(value) if is_bytes else raw_text_values(value)
    if value.dtype.kind not in "fiub":
        dtype = dtypes.dtype_of_numpy(value.dtype)
        if not (dtype.is_floating or dtype.is_integer):
            raise InvalidArgumentError(
                f"Failed to write JSON value for tensor type: {dtype.name}"
            )
        value = value.astype(np.float32 if dtype.is_floating else np.int32)
    if value.ndim == 0:
        return value[()]
    return np.ascontiguousarray(value)


def raw_text_values(value: Array) -> Any:
    """Return strings as nested lists of text; `write` writes any bytes in them as they are."""
    leaves = np.empty(value.size, object)
    leaves[:] = [v.decode("utf-8", "surrogateescape") for v in value.ravel()]
    return leaves.reshape(value.shape).tolist()


def text_values(name: str, value: Array) -> Any:
    """Return strings as nested lists of text.

    Raises:
        InvalidArgumentError: they are not text.
    """
    leaves = np.empty(value.size, object)
    try:
        leaves[:] = [v.decode() for v in value.ravel()]
    except UnicodeDecodeError:
        raise InvalidArgumentError(
            f"output '{name}' holds bytes that are not UTF-8; give it a name that ends "
            f"in '{_BYTES_SUFFIX}' to get them in base64"
        ) from None
    return leaves.reshape(value.shape).tolist()


def _base64_values(value: Array) -> Any:
    leaves = np.empty(value.size, object)
    leaves[:] = [{"b64": base64.b64encode(v).decode()} for v in value.ravel()]
    return leaves.reshape(value.shape).tolist()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "f":
            # By way of text, so that 0.1 of fewer bits does not grow digits.
            value = value.astype(str).astype(np.float64)
        return value.tolist()
    return value
