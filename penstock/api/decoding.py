"""Tensors and examples in strings; part of `tf.io`."""

from __future__ import annotations

from typing import Any

from penstock.api.composite import open_to_composites
from penstock.core import dtypes
from penstock.core.dtypes import as_dtype
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.sparse_tensor import SparseTensor

__all__ = [
    "decode_compressed",
    "decode_json_example",
    "deserialize_many_sparse",
    "parse_tensor",
    "serialize_many_sparse",
    "serialize_sparse",
    "serialize_tensor",
]


def decode_json_example(json_examples: Any, name: str | None = None) -> Any:
    """Serialized examples, from ones in protobuf's JSON format.

    Args:
        json_examples: strings, each a tf.train.Example in JSON.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a string is no example in JSON.
    """
    return call("DecodeJSONExample", json_examples, name=name)


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Any:
    """Strings without their compression.

    Args:
        bytes: strings.
        compression_type: "", "ZLIB" or "GZIP".
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: there is no such compression.
        DataLossError: a string is not compressed so.
    """
    return call("DecodeCompressed", bytes, compression_type=compression_type, name=name)


def serialize_tensor(tensor: Any, name: str | None = None) -> Any:
    """A tensor as a string, a serialized TensorProto.

    Args:
        tensor: the tensor.
        name: name of the node in a graph.

    Example:
        >>> import penstock as tf
        >>> text = tf.io.serialize_tensor([1, 2])
        >>> tf.io.parse_tensor(text, tf.int32).numpy().tolist()
        [1, 2]
    """
    return call("SerializeTensor", tensor, name=name)


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor in a string that `serialize_tensor` gave.

    Args:
        serialized: the string.
        out_type: dtype of the tensor.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: the string holds no tensor, or one of another dtype.
    """
    return call("ParseTensor", serialized, out_type=as_dtype(out_type), name=name)


def serialize_sparse(
    sp_input: Any, out_type: Any = dtypes.string, name: str | None = None
) -> Any:
    """A sparse tensor as three strings: indices, values and shape.

    Args:
        sp_input: the sparse tensor.
        out_type: `tf.string`, or `tf.variant`, which keeps the parts as they are.
        name: name of the node in a graph.

    Raises:
        TypeError: `sp_input` is no sparse tensor.
    """
    parts = _parts(sp_input)
    return call("SerializeSparse", *parts, out_type=as_dtype(out_type), name=name)


def serialize_many_sparse(
    sp_input: Any, out_type: Any = dtypes.string, name: str | None = None
) -> Any:
    """The slices of a sparse tensor along the first axis, as three strings each.

    Args:
        sp_input: sparse tensor of rank 2 or more.
        out_type: see `serialize_sparse`.
        name: name of the node in a graph.

    Returns:
        Strings, [rows, 3].
    """
    parts = _parts(sp_input)
    return call("SerializeManySparse", *parts, out_type=as_dtype(out_type), name=name)


def _parts(tensor: Any) -> tuple[Any, Any, Any]:
    if not isinstance(tensor, SparseTensor):
        raise TypeError(f"Input must be a SparseTensor, got {tensor!r}")
    return tensor.indices, tensor.values, tensor.dense_shape


def deserialize_many_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> Any:
    """The sparse tensor whose slices `serialize_many_sparse` gave.

    Args:
        serialized_sparse: strings, [rows, 3]; the slices may differ in size.
        dtype: dtype of the values.
        rank: rank of the whole, if it is known.
        name: name of the node in a graph.

    Raises:
        InvalidArgumentError: a string holds no tensor, or one of another dtype.
    """
    strings = convert_to_tensor(serialized_sparse, dtypes.string)
    indices, values, shape = call(
        "DeserializeManySparse", strings, dtype=as_dtype(dtype), name=name
    )
    indices.set_shape([None, rank])
    shape.set_shape([rank])
    return SparseTensor(indices, values, shape)


open_to_composites(globals())
