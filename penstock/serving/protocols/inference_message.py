"""The Open Inference Protocol as gRPC messages.

Source: `inference_grpc.md` of the Open Inference Protocol, version 2.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from penstock.core import dtypes
from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.serving.protocols.inference import (
    InferRequest,
    check_shape,
    datatype,
    describe,
    from_raw,
    refuse_shared_memory,
    to_raw,
)
from penstock.serving.servable import Array, SignatureSpec
from penstock.wire import protos
from penstock.wire.tensors import as_objects

# The field of each type. Half floats have none: they come as raw bytes only.
_FIELDS: Final = {
    "bool": "bool_contents",
    **dict.fromkeys(("int8", "int16", "int32"), "int_contents"),
    "int64": "int64_contents",
    **dict.fromkeys(("uint8", "uint16", "uint32"), "uint_contents"),
    "uint64": "uint64_contents",
    "float32": "fp32_contents",
    "float64": "fp64_contents",
    "string": "bytes_contents",
}


def decode(message: Any) -> InferRequest:
    """Read a ModelInferRequest.

    Raises:
        InvalidArgumentError: its tensors do not fit their types and shapes.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InvalidArgumentError(
            f"raw_input_contents must have one entry for each of {len(message.inputs)} inputs, "
            f"got {len(raw)}"
        )
    inputs: dict[str, Array] = {}
    for number, each in enumerate(message.inputs):
        name = each.name
        if name in inputs:
            raise InvalidArgumentError(f"input '{name}' is there twice")
        dtype, shape = check_shape(name, each.datatype, list(each.shape))
        if each.parameters:
            refuse_shared_memory(name, _parameters(each.parameters))
        if raw:
            if each.HasField("contents"):
                raise InvalidArgumentError(
                    f"input '{name}' must have contents or an entry of raw_input_contents, "
                    "got both"
                )
            inputs[name] = from_raw(name, raw[number], dtype, shape)
        else:
            inputs[name] = _from_contents(name, each.contents, dtype, shape)
    wanted = {}
    for output in message.outputs:
        refuse_shared_memory(output.name, _parameters(output.parameters))
        wanted[output.name] = True
    return InferRequest(
        inputs, message.id, _parameters(message.parameters), wanted, is_binary=bool(raw)
    )


def _parameters(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(value, value.WhichOneof("parameter_choice") or "string_param")
        for name, value in found.items()
    }


def _from_contents(name: str, contents: Any, dtype: DType, shape: tuple[int, ...]) -> Array:
    field = _FIELDS.get(dtype.name)
    if field is None:
        raise InvalidArgumentError(
            f"input '{name}' of type {datatype(dtype, name)} must come in raw_input_contents"
        )
    values = getattr(contents, field)
    if len(values) != math.prod(shape):
        raise InvalidArgumentError(
            f"input '{name}' of shape {list(shape)} must have {math.prod(shape)} values in "
            f"{field}, got {len(values)}"
        )
    if dtype is dtypes.string:
        return as_objects(values).reshape(shape)
    array = np.array(values)
    if dtype.is_integer and array.size:
        bounds = np.iinfo(dtype.np)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise InvalidArgumentError(
                f"values of input '{name}' must be from {bounds.min} to {bounds.max}"
            )
    return array.astype(dtype.np, copy=False).reshape(shape)


def encode(
    name: str, version: int, request: InferRequest, outputs: Sequence[tuple[str, Array, bool]]
) -> bytes:
    """Write a ModelInferResponse; raw if the request was, or if a type has no other form."""
    answer = protos.find("inference.ModelInferResponse")(
        model_name=name, model_version=str(version), id=request.id
    )
    types = [dtype_of_numpy(value.dtype) for _, value, _ in outputs]
    is_raw = request.is_binary or any(dtype.name not in _FIELDS for dtype in types)
    for (output, value, _), dtype in zip(outputs, types, strict=True):
        each = answer.outputs.add(
            name=output, datatype=datatype(dtype, f"output '{output}'"), shape=value.shape
        )
        if is_raw:
            answer.raw_output_contents.append(to_raw(value))
        else:
            # A tensor without values has contents too.
            each.contents.SetInParent()
            getattr(each.contents, _FIELDS[dtype.name]).extend(value.ravel().tolist())
    return bytes(answer.SerializeToString())


def encode_metadata(
    name: str, versions: Sequence[int], signature: SignatureSpec, platform: str
) -> bytes:
    """Write a ModelMetadataResponse."""
    answer = protos.find("inference.ModelMetadataResponse")(
        name=name, versions=[str(version) for version in versions], platform=platform
    )
    for listed, infos in (
        (answer.inputs, signature.inputs),
        (answer.outputs, signature.outputs),
    ):
        for tensor, datatype_name, shape in describe(infos):
            listed.add(name=tensor, datatype=datatype_name, shape=shape)
    return bytes(answer.SerializeToString())
