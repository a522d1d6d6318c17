"""TF Serving's predict messages: from bytes to arrays and back.

Requests are read by messages that leave the tensors' bytes as they are, and answers are put
together from bytes, because a walk over the items of a message costs more than a small model.

Source: TF Serving's `predict.proto` and `predict_util.cc`; texts and codes of errors are its
own.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    OpError,
)
from penstock.serving.call import ModelSpec
from penstock.serving.servable import DEFAULT_SIGNATURE, Array, Arrays, Servable, SignatureSpec
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, make_ndarray, make_shape_proto
from penstock.wire.varint import encode_varint

_CACHED_BYTES: Final = 512
_FLOAT: Final = 1
_NO_REQUEST: Final = "the body must be a PredictRequest, got bytes that are none"
# Types whose repeated field has on the wire the bytes of the array, and the field's tag.
_AS_IT_IS: Final = {np.dtype(np.float32): b"\x2a", np.dtype(np.float64): b"\x32"}
_CONTENT_TAG: Final = b"\x22"


@dataclass(frozen=True, slots=True)
class PredictMessage:
    """A predict request whose tensors are still bytes.

    Args:
        spec: of the model.
        signature_name: never empty.
        raw: the message.
        body: that it was read from.
    """

    spec: ModelSpec
    signature_name: str
    raw: Any
    body: bytes


def read_predict(body: bytes) -> PredictMessage:
    """Read what a request is for.

    Raises:
        InternalError: the bytes are no request.
        InvalidArgumentError: it names no model.
    """
    try:
        raw = protos.RawPredictRequest.FromString(body)
    except DecodeError:
        raise InternalError(_NO_REQUEST) from None
    if not raw.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec")
    serialized = raw.model_spec
    read = _read_spec if len(serialized) <= _CACHED_BYTES else parse_spec
    spec, signature_name = read(serialized)
    return PredictMessage(spec, signature_name, raw, body)


def parse_spec(serialized: bytes) -> tuple[ModelSpec, str]:
    """Return the model and the signature that a serialized ModelSpec names.

    Raises:
        InternalError: the bytes are no ModelSpec.
        InvalidArgumentError: the model has no name.
    """
    try:
        return model_spec(protos.ModelSpec.FromString(serialized))
    except DecodeError:
        raise InternalError(_NO_REQUEST) from None


_read_spec = lru_cache(maxsize=256)(parse_spec)


def model_spec(message: Any) -> tuple[ModelSpec, str]:
    """Return the model and the signature that a ModelSpec names.

    Raises:
        InvalidArgumentError: the model has no name.
    """
    if not message.name:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    choice = message.WhichOneof("version_choice")
    spec = ModelSpec(
        message.name,
        message.version.value if choice == "version" else None,
        message.version_label if choice == "version_label" else None,
    )
    return spec, message.signature_name or DEFAULT_SIGNATURE


def find_signature(servable: Servable, name: str) -> SignatureSpec:
    """Return the signature of that name.

    Raises:
        FailedPreconditionError: there is none.
    """
    found = servable.signatures.get(name)
    if found is None:
        raise FailedPreconditionError(f'Serving signature key "{name}" not found.')
    return found


def predict_inputs(request: PredictMessage, signature: SignatureSpec) -> dict[str, Array]:
    """Return the tensors of a request.

    Raises:
        InvalidArgumentError: they are not those of the signature, or one is damaged.
    """
    tensors = request.raw.inputs
    inputs = {}
    if len(tensors) != len(signature.inputs):
        if len(tensors) > len(signature.inputs) or not signature.defaults:
            # Says what is missing and what is too much.
            signature.check(dict.fromkeys(tensors, np.zeros(())))
        inputs = _defaults(tensors, signature)
    for alias in tensors:
        if alias not in signature.inputs:
            raise InvalidArgumentError(
                f"input tensor alias not found in signature: {alias}. Inputs expected to be in "
                f"the set {{{','.join(sorted(signature.inputs))}}}."
            )
        value = _quick(tensors[alias], signature.inputs[alias].dtype)
        inputs[alias] = _general(request.body, alias) if value is None else value
    return inputs


def _defaults(sent: Collection[str], signature: SignatureSpec) -> dict[str, Array]:
    defaults = signature.defaults
    found = {}
    for alias, info in signature.inputs.items():
        if alias in sent:
            continue
        if alias not in defaults:
            raise InvalidArgumentError(
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request "
                "and no default value provided. Inputs expected to be in the request "
                f"{{{','.join(sorted(sent))}}}, or default input alias set: "
                f"{','.join(sorted(defaults))}"
            )
        found[alias] = defaults[alias]
    return found


def wanted_outputs(request: PredictMessage, signature: SignatureSpec) -> tuple[str, ...]:
    """Return the names of the outputs that a request wants; none stands for all.

    Raises:
        InvalidArgumentError: there is no such output, or it is wanted twice.
    """
    wanted = tuple(request.raw.output_filter)
    for number, alias in enumerate(wanted):
        if alias not in signature.outputs:
            raise InvalidArgumentError(
                f"output tensor alias not found in signature: {alias} Outputs expected to be "
                f"in the set {{{','.join(sorted(signature.outputs))}}}."
            )
        if alias in wanted[:number]:
            raise InvalidArgumentError(f"duplicate output tensor alias: {alias}")
    return wanted


def _quick(raw: Any, dtype: DType | None) -> Array | None:
    """Read a tensor whose values are one piece of plain bytes; `None` for all others."""
    if dtype is None or raw.dtype != dtype.as_datatype_enum or dtype.np.hasobject:
        return None
    shape = _read_shape(raw.tensor_shape) if len(raw.tensor_shape) <= _CACHED_BYTES else None
    content = raw.tensor_content
    if not content and raw.dtype == _FLOAT and len(raw.float_val) == 1:
        content = raw.float_val[0]
    # With one value in the field the shape may still be larger: then it is repeated.
    if shape is None or len(content) != math.prod(shape) * dtype.np.itemsize or not content:
        return None
    return np.frombuffer(content, dtype.np).reshape(shape)


@lru_cache(maxsize=1024)
def _read_shape(serialized: bytes) -> tuple[int, ...] | None:
    proto = protos.TensorShapeProto.FromString(serialized)
    sizes = tuple(dim.size for dim in proto.dim)
    return None if proto.unknown_rank or any(size < 0 for size in sizes) else sizes


def _general(body: bytes, alias: str) -> Array:
    try:
        tensor = protos.PredictRequest.FromString(body).inputs[alias]
        return make_ndarray(tensor, copy=False, what=f"'{alias}'")
    except DecodeError:
        raise InternalError(_NO_REQUEST) from None
    except OpError as error:
        raise InvalidArgumentError(f"tensor parsing error: {alias}: {error.message}") from None


def encode_predict(
    name: str,
    version: int,
    signature_name: str,
    outputs: Arrays,
    *,
    as_content: bool = False,
) -> bytes:
    """Write the answer of a predict request.

    Args:
        name: of the model.
        version: that answered.
        signature_name: that was run.
        outputs: by their aliases.
        as_content: whether numbers go out as raw bytes in `tensor_content`; else they stand
            in the field of their type.
    """
    parts: list[bytes] = []
    for alias, value in outputs.items():
        tensor = tensor_bytes(value, as_content=as_content)
        key = _key(alias)
        size = encode_varint(len(tensor))
        parts += (
            b"\x0a",
            encode_varint(len(key) + 1 + len(size) + len(tensor)),
            key,
            b"\x12",
            size,
            tensor,
        )
    parts.append(_response_spec(name, version, signature_name))
    return b"".join(parts)


def tensor_bytes(value: Array, *, as_content: bool = False) -> bytes:
    """Return an array as a serialized TensorProto."""
    tag = _AS_IT_IS.get(value.dtype)
    if tag is None or not value.size:
        dtype = dtype_of_numpy(value.dtype)
        if not as_content or dtype.np.hasobject or not value.size:
            message = array_to_proto(value, dtype, as_content=as_content)
            return bytes(message.SerializeToString())
        tag = _CONTENT_TAG
    data = value.tobytes()
    return b"".join(
        (
            _tensor_head(value.dtype, value.shape),
            _CONTENT_TAG if as_content else tag,
            encode_varint(len(data)),
            data,
        )
    )


@lru_cache(maxsize=1024)
def _tensor_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    message = protos.TensorProto(dtype=dtype_of_numpy(dtype).as_datatype_enum)
    message.tensor_shape.CopyFrom(make_shape_proto(shape))
    message.tensor_shape.SetInParent()
    return bytes(message.SerializeToString())


@lru_cache(maxsize=1024)
def _key(alias: str) -> bytes:
    encoded = alias.encode()
    return b"\x0a" + encode_varint(len(encoded)) + encoded


@lru_cache(maxsize=256)
def _response_spec(name: str, version: int, signature_name: str) -> bytes:
    message = protos.PredictResponse()
    set_spec(message.model_spec, name, version, signature_name)
    return bytes(message.SerializeToString())


def set_spec(message: Any, name: str, version: int, signature_name: str = "") -> None:
    """Fill in the ModelSpec of an answer."""
    message.name = name
    message.version.value = version
    message.signature_name = signature_name
