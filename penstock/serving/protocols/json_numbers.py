"""The fast lane of predict requests: numbers go from the text into arrays, never into objects.

A request takes it if every input of the signature is numeric and every value is a plain
rectangular list that converts without loss. Whatever else comes is left to the general
reader, which also finds the words for what is wrong.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import simdjson

from penstock.core.dtypes import DType
from penstock.serving.protocols.json_tensor import convert_numbers
from penstock.serving.servable import Array, SignatureSpec, TensorInfo

_READ_AS = {"d": np.dtype(np.float64), "i": np.dtype(np.int64), "u": np.dtype(np.uint64)}
_KEPT_SIZE = 1 << 16
_OPENING = ord("[")
_OUTSIDE_STRUCTURE = bytes(set(range(256)) - set(b"[],"))


class NumberReader:
    """Reads requests made of numbers. Belongs to one thread: it keeps its parser's memory."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

    def open(self, body: bytes) -> Any:
        """Parse a document; `None` if it is no strict JSON object.

        The answer must be dropped before the next call.
        """
        try:
            document = self._parser.parse(body)
        except (ValueError, RuntimeError):
            # A parser whose document is still in someone's hands refuses to go on.
            self._parser = simdjson.Parser()
            return None
        return document if isinstance(document, simdjson.Object) else None

    def read(
        self, document: Any, body: bytes, signature: SignatureSpec
    ) -> tuple[dict[str, Array], bool] | None:
        """Return the inputs and whether they came as rows, or `None` for the general reader."""
        if len(document) == 1:
            inputs = signature.inputs
            if len(inputs) == 1:
                (name,) = inputs
                found = _row(document, body, inputs[name])
                if found is not None:
                    return {name: found}, True
        is_rows = "instances" in document
        # Asking for a key that is not there takes longer than reading a small request.
        if (not is_rows or len(document) > 1) and is_rows == ("inputs" in document):
            return None
        value = document["instances" if is_rows else "inputs"]
        names = list(signature.inputs)
        values: dict[str, Any]
        if isinstance(value, simdjson.Array) and len(names) == 1:
            values = {names[0]: value}
        elif not is_rows and isinstance(value, simdjson.Object):
            if any(name not in value for name in names):
                return None
            values = {name: value[name] for name in names}
        else:
            return None
        if is_rows and len(value) == 0:
            return None
        arrays: dict[str, Array] = {}
        brackets = 0
        for name, element in values.items():
            dtype = signature.inputs[name].dtype
            if dtype is None or not isinstance(element, simdjson.Array):
                return None
            shape = _rectangle(element, body, alone=len(names) == 1)
            array = None if shape is None else _numbers(element, dtype)
            if shape is None or array is None or array.size != math.prod(shape):
                return None
            arrays[name] = array.reshape(shape)
            brackets += _lists(shape)
        # No list but those counted: none is hidden where a number should be.
        if not _has_lists(body, brackets):
            return None
        return arrays, is_rows


def _row(document: Any, body: bytes, info: TensorInfo) -> Array | None:
    """Read `{"instances": [[...]]}`: one row of plain numbers, as most requests are."""
    dims, dtype = info.dims, info.dtype
    if dims is None or len(dims) != 2 or dtype is None:
        return None
    try:
        value = document["instances"]
        if len(value) != 1 or not isinstance(value[0], simdjson.Array):
            return None
    except (KeyError, TypeError):
        return None
    if not _has_lists(body, 2):
        return None
    numbers = _numbers(value, dtype)
    return None if numbers is None else numbers.reshape(1, -1)


def _rectangle(value: Any, body: bytes, *, alone: bool) -> list[int] | None:
    """Shape of nested lists, if those of one level are all of the same length."""
    shape = [len(value)]
    first = value
    while shape[-1] and isinstance(first := first[0], simdjson.Array):
        shape.append(len(first))
        if len(shape) > 32:
            return None
    if len(shape) == 1:
        return shape
    if len(shape) == 2:
        size = shape[1]
        try:
            return shape if all(len(row) == size for row in value) else None
        except TypeError:  # a number among the rows
            return None
    # Visiting each list as an object would cost more than the numbers in it, so the brackets
    # and commas of the text are compared with those of the shape.
    if not alone or 0 in shape:
        return None
    found = body.translate(None, _OUTSIDE_STRUCTURE).strip(b",")
    row = tuple(shape[1:])
    # Clients choose the shapes, so what is kept of them is bounded.
    rows = _structure(row) if math.prod(row) < _KEPT_SIZE else _structure.__wrapped__(row)
    # Row by row, since the number of rows varies and what is kept of structures is bounded.
    whole = b"[" + b",".join([rows] * shape[0]) + b"]"
    return shape if found == whole else None


@lru_cache(maxsize=64)
def _structure(shape: tuple[int, ...]) -> bytes:
    structure = b"[" + b"," * (shape[-1] - 1) + b"]"
    for size in reversed(shape[:-1]):
        structure = b"[" + b",".join([structure] * size) + b"]"
    return structure


def _has_lists(body: bytes, count: int) -> bool:
    """Whether a text has that many opening brackets."""
    if count == 2:
        # One row: the second bracket is the last. Searching is much quicker than counting.
        return body.rfind(b"[") == body.find(b"[", body.find(b"[") + 1)
    return bool(np.count_nonzero(np.frombuffer(body, np.uint8) == _OPENING) == count)


def _lists(shape: list[int]) -> int:
    """How many lists a value of that shape is made of."""
    total = lists = 1
    for size in shape[:-1]:
        lists *= size
        total += lists
    return total


@lru_cache(maxsize=64)
def _kind(dtype: DType) -> str:
    """As what numbers of a type are read; empty for types that are none."""
    if dtype.is_floating and dtype.size > 1:
        return "d"
    if dtype.is_integer:
        return "u" if dtype.name == "uint64" else "i"
    return ""


def _numbers(value: Any, dtype: DType) -> Array | None:
    kind = _kind(dtype)
    if not kind:
        return None
    try:
        numbers = np.frombuffer(value.as_buffer(of_type=kind), _READ_AS[kind])
    except (TypeError, ValueError):
        return None
    return convert_numbers(numbers, dtype)
