"""Tensors, sparse tensors and examples in strings; compressed strings."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy, int64, string, variant
from penstock.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.string import mapped
from penstock.ops.table import REQUIRED, op
from penstock.wire import protos
from penstock.wire.json_example import example_of_json
from penstock.wire.tensors import as_objects, make_ndarray, serialized_tensor

Array = Any


@op(
    "SerializeTensor",
    inputs=("tensor: T",),
    outputs=("serialized: string",),
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([]),
)
def serialize_tensor(tensor: Array) -> Array:
    """A tensor as a serialized TensorProto.

    Shape: tensor [...] -> serialized [].
    """
    return _scalar(serialized_tensor(tensor, dtype_of_numpy(tensor.dtype)))


def _scalar(data: bytes) -> Array:
    array = np.empty((), object)
    array[()] = data
    return array


@op(
    "ParseTensor",
    inputs=("serialized: string",),
    outputs=("output: out_type",),
    attrs={"out_type": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape(None),
)
def parse_tensor(serialized: Array, *, out_type: DType) -> Array:
    """A tensor from a serialized TensorProto.

    Shape: serialized [] -> output [...].
    Errors: InvalidArgumentError when the string is no TensorProto, or one of another type.
    """
    if serialized.ndim:
        raise InvalidArgumentError(
            f"Expected `serialized` to be a scalar, got shape: {list(serialized.shape)}"
        )
    array, found = _parsed(serialized.item(), "Could not parse `serialized` as TensorProto")
    if found != out_type:
        raise InvalidArgumentError(
            f"Type mismatch between parsed tensor ({found.name}) and dtype ({out_type.name})"
        )
    return array


def _parsed(data: bytes, problem: str) -> tuple[Array, DType]:
    try:
        message = protos.parse(protos.TensorProto, data, "tensor")
        array = make_ndarray(message)
    except (DataLossError, InvalidArgumentError) as error:
        raise InvalidArgumentError(f"{problem}: {error.message}") from None
    return array, DType(message.dtype)


# -- sparse tensors ---------------------------------------------------------------------------


def _cell(array: Array, out_type: DType) -> Any:
    """One part of a sparse tensor: its message, or the array itself behind a variant."""
    if out_type == variant:
        return array
    return serialized_tensor(array, dtype_of_numpy(array.dtype))


def _cells(arrays: Sequence[Array], out_type: DType) -> Array:
    if out_type not in (string, variant):
        raise InvalidArgumentError(f"out_type must be string or variant, got {out_type.name}")
    cells = np.empty(len(arrays), object)
    for i, array in enumerate(arrays):
        cells[i] = _cell(array, out_type)
    return cells


def _check_sparse(indices: Array, values: Array, shape: Array) -> None:
    if indices.ndim != 2 or values.ndim != 1 or shape.ndim != 1:
        raise InvalidArgumentError(
            "a sparse tensor must have a matrix of indices, a vector of values and one of "
            f"sizes, got {list(indices.shape)}, {list(values.shape)} and {list(shape.shape)}"
        )


@op(
    "SerializeSparse",
    inputs=("sparse_indices: int64", "sparse_values: T", "sparse_shape: int64"),
    outputs=("serialized_sparse: out_type",),
    attrs={"out_type": string},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([3]),
)
def serialize_sparse(
    sparse_indices: Array, sparse_values: Array, sparse_shape: Array, *, out_type: DType
) -> Array:
    """A sparse tensor as three serialized tensors.

    Shape: sparse_indices [n, rank], sparse_values [n], sparse_shape [rank] ->
        serialized_sparse [3].
    """
    _check_sparse(sparse_indices, sparse_values, sparse_shape)
    return _cells((sparse_indices, sparse_values, sparse_shape), out_type)


@op(
    "SerializeManySparse",
    inputs=("sparse_indices: int64", "sparse_values: T", "sparse_shape: int64"),
    outputs=("serialized_sparse: out_type",),
    attrs={"out_type": string},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape([None, 3]),
)
def serialize_many_sparse(
    sparse_indices: Array, sparse_values: Array, sparse_shape: Array, *, out_type: DType
) -> Array:
    """The slices of a sparse tensor along the first axis, as three serialized tensors each.

    Shape: sparse_indices [n, rank], sparse_values [n], sparse_shape [rank] ->
        serialized_sparse [rows, 3].
    Errors: InvalidArgumentError when the rank is below 2 or an index is out of range.
    """
    _check_sparse(sparse_indices, sparse_values, sparse_shape)
    if len(sparse_shape) < 2:
        raise InvalidArgumentError(
            f"Rank of input SparseTensor should be > 1, but saw rank: {len(sparse_shape)}"
        )
    rows = int(sparse_shape[0])
    owners = sparse_indices[:, 0]
    if ((owners < 0) | (owners >= rows)).any():
        raise InvalidArgumentError(f"indices of the first axis must be in [0, {rows})")
    result = np.empty((rows, 3), object)
    for row in range(rows):
        mine = owners == row
        parts = (sparse_indices[mine, 1:], sparse_values[mine], sparse_shape[1:])
        result[row] = _cells(parts, out_type)
    return result


def _sparse_shapes(*_: Any, **__: Any) -> tuple[TensorShape, ...]:
    return TensorShape([None, None]), TensorShape([None]), TensorShape([None])


def _deserialized(serialized: Array, dtype: DType) -> Any:
    if serialized.ndim < 1 or serialized.shape[-1] != 3:
        raise InvalidArgumentError(
            "Serialized sparse should have 3 as the last dimension, got "
            f"{list(serialized.shape)}"
        )
    lead = serialized.shape[:-1]
    if not int(np.prod(lead)):
        raise InvalidArgumentError(
            "Serialized sparse should have at least one element, got shape "
            f"{list(serialized.shape)}"
        )
    places: list[tuple[int, ...]] = []
    parts: list[tuple[Array, Array, Array]] = []
    for place in np.ndindex(*lead):
        parts.append(_one_sparse(serialized[place], dtype, len(parts)))
        places.append(place)
    rank = len(parts[0][2])
    for i, (_, _, shape) in enumerate(parts):
        if len(shape) != rank:
            raise InvalidArgumentError(
                f"sparse tensors must have one rank, got {rank} and, at {i}, {len(shape)}"
            )
    indices = [
        np.concatenate([np.tile(np.array(place, np.int64), (len(own), 1)), own], axis=1)
        for place, (own, _, _) in zip(places, parts, strict=True)
    ]
    largest = np.max([shape for _, _, shape in parts], axis=0)
    return (
        np.concatenate(indices).astype(np.int64),
        np.concatenate([values for _, values, _ in parts]),
        np.concatenate([np.array(lead, np.int64), largest]).astype(np.int64),
    )


def _one_sparse(cells: Array, dtype: DType, number: int) -> tuple[Array, Array, Array]:
    arrays = []
    for i, (cell, wanted) in enumerate(zip(cells, (int64, dtype, int64), strict=True)):
        if isinstance(cell, np.ndarray):
            array, found = cell, dtype_of_numpy(cell.dtype)
        else:
            array, found = _parsed(cell, "Could not parse serialized proto")
        if found != wanted:
            part = ("indices", "values", "shape")[i]
            raise InvalidArgumentError(
                f"Requested SparseTensor of type {dtype.name} but "
                f"SparseTensor[{number}].{part}.dtype() == {found.name}"
            )
        arrays.append(array)
    indices, values, shape = arrays
    _check_sparse(indices, values, shape)
    if indices.shape != (len(values), len(shape)):
        raise InvalidArgumentError(
            f"indices of SparseTensor[{number}] must be [{len(values)}, {len(shape)}], got "
            f"{list(indices.shape)}"
        )
    return indices, values, shape


@op(
    "DeserializeSparse",
    inputs=("serialized_sparse: Tserialized",),
    outputs=("sparse_indices: int64", "sparse_values: dtype", "sparse_shape: int64"),
    attrs={"dtype": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=_sparse_shapes,
)
def deserialize_sparse(serialized_sparse: Array, *, dtype: DType) -> Any:
    """Serialized sparse tensors, stacked.

    Shape: serialized_sparse [..., 3] -> sparse_indices [n, rank], sparse_values [n],
        sparse_shape [rank].
    Errors: InvalidArgumentError when a string is no tensor, or dtypes or ranks differ.
    """
    return _deserialized(serialized_sparse, dtype)


@op(
    "DeserializeManySparse",
    inputs=("serialized_sparse: string",),
    outputs=("sparse_indices: int64", "sparse_values: dtype", "sparse_shape: int64"),
    attrs={"dtype": REQUIRED},
    kernel="host",
    differentiable=False,
    shape=_sparse_shapes,
)
def deserialize_many_sparse(serialized_sparse: Array, *, dtype: DType) -> Any:
    """Serialized sparse tensors, stacked along a new first axis.

    Shape: serialized_sparse [rows, 3] -> sparse_indices [n, rank], sparse_values [n],
        sparse_shape [rank].
    Errors: InvalidArgumentError when a string is no tensor, or dtypes or ranks differ.
    """
    if serialized_sparse.ndim != 2:
        raise InvalidArgumentError(
            f"Serialized sparse should have rank 2, got {list(serialized_sparse.shape)}"
        )
    return _deserialized(serialized_sparse, dtype)


# -- examples and compressed strings ----------------------------------------------------------


@op(
    "DecodeJSONExample",
    inputs=("json_examples: string",),
    outputs=("binary_examples: string",),
    kernel="host",
    differentiable=False,
    shape="same",
)
def decode_json_example(json_examples: Array) -> Array:
    """Examples in protobuf's JSON format, serialized.

    Shape: json_examples [...] -> binary_examples [...].
    Errors: InvalidArgumentError when a string is no example in JSON.
    """
    texts = json_examples.ravel().tolist()
    return as_objects([example_of_json(text) for text in texts]).reshape(json_examples.shape)


_WIRE_BITS: Final = {"ZLIB": 15, "GZIP": 31}


@op(
    "DecodeCompressed",
    inputs=("bytes: string",),
    outputs=("output: string",),
    attrs={"compression_type": ""},
    kernel="host",
    differentiable=False,
    shape="same",
)
def decode_compressed(bytes: Array, *, compression_type: str) -> Array:
    """Strings without their compression.

    Shape: bytes [...] -> output [...].
    Errors: InvalidArgumentError for another compression than "", "ZLIB", "GZIP" or "ZSTD";
        UnimplementedError for "ZSTD"; DataLossError for a string that is not compressed so.
    """
    if compression_type in ("", "NONE"):
        return bytes
    if compression_type == "ZSTD":
        raise UnimplementedError("compression_type 'ZSTD' is not implemented; use 'GZIP'")
    bits = _WIRE_BITS.get(compression_type)
    if bits is None:
        raise InvalidArgumentError(
            "Only ZLIB, ZSTD, GZIP or NONE are supported compressions, got "
            f"{compression_type!r}"
        )

    def inflate(data: Any) -> Any:
        inflated = []
        try:
            # A gzip file may be several, one after the other.
            while data:
                machine = zlib.decompressobj(bits)
                inflated.append(machine.decompress(data))
                data = machine.unused_data
        except zlib.error as error:
            raise DataLossError(f"inflate() failed: {error}") from None
        return b"".join(inflated)

    return mapped(inflate, bytes)
