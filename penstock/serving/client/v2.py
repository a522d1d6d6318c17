"""The Open Inference Protocol over HTTP, with binary tensors, from the client's side."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    UnimplementedError,
)
from penstock.serving.client import datatypes
from penstock.serving.client.exchange import (
    Array,
    Classes,
    Examples,
    HttpReply,
    HttpRequest,
    Inputs,
    ModelRef,
    Signature,
    Talk,
    Tensor,
    as_input,
)
from penstock.serving.client.rest import read_json

_HEADER_LENGTH = "inference-header-content-length"
_LENGTH = struct.Struct("<I")
DEFAULT_SIGNATURE = "serving_default"


class V2Speech:
    """Talks of `/v2/`."""

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a model."""
        declared = yield from self.signature(model, signature)
        tensors, blobs = [], []
        for name, value in inputs.items():
            wanted_dtype = declared.inputs.get(name)
            array = as_input(value, None if wanted_dtype is None else wanted_dtype.dtype)
            blob = to_bytes(array)
            blobs.append(blob)
            tensors.append(
                {
                    "name": name,
                    "shape": list(array.shape),
                    "datatype": datatype_of(name, array),
                    "parameters": {"binary_data_size": len(blob)},
                }
            )
        content: dict[str, Any] = {
            "inputs": tensors,
            "parameters": {"binary_data_output": True},
        }
        if signature != DEFAULT_SIGNATURE:
            content["parameters"]["signature_name"] = signature
        if wanted:
            content["outputs"] = [{"name": name} for name in wanted]
        head = orjson.dumps(content)
        headers = (
            ("content-type", "application/octet-stream"),
            (_HEADER_LENGTH, str(len(head))),
        )
        reply = yield HttpRequest(
            "POST", path_of(model) + "/infer", head + b"".join(blobs), headers
        )
        return read_outputs(reply)

    def classify(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Classes]:
        """Refuse: the protocol knows tensors only.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError(no_examples(model, len(examples), signature))
        yield  # a talk, as in the other protocols

    def regress(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Array]:
        """Refuse: the protocol knows tensors only.

        Raises:
            UnimplementedError: always.
        """
        raise UnimplementedError(no_examples(model, len(examples), signature))
        yield  # a talk, as in the other protocols

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Ask for the names and dtypes of the default signature; of others nothing is told."""
        if name != DEFAULT_SIGNATURE:
            return Signature({}, {})
        told = yield from self.metadata(model)
        return Signature(_tensors(told.get("inputs", ())), _tensors(told.get("outputs", ())))

    def metadata(self, model: ModelRef) -> Talk[dict[str, Any]]:
        """Ask for what the server tells of a model."""
        reply = yield HttpRequest("GET", path_of(model))
        told = read_json(reply)
        if not isinstance(told, dict):
            raise DataLossError("the metadata of a model must be an object")
        return told

    def versions(self, model: ModelRef) -> Talk[dict[int, str]]:
        """Ask for the versions of a model, all of which are available."""
        told = yield from self.metadata(model)
        return {int(each): "AVAILABLE" for each in told.get("versions", ())}

    def is_ready(self, model: ModelRef | None) -> Talk[bool]:
        """Ask whether the server, or a model, is ready."""
        yield HttpRequest(
            "GET", "/v2/health/ready" if model is None else path_of(model) + "/ready"
        )
        return True


def to_bytes(array: Array) -> bytes:
    """Write a tensor as the protocol's binary data: strings with their lengths before them."""
    if array.dtype == object:
        return b"".join(_LENGTH.pack(len(item)) + item for item in array.ravel())
    return np.ascontiguousarray(array).tobytes()


def from_bytes(data: bytes | memoryview, datatype: str, shape: Sequence[int]) -> Array:
    """Read a tensor from the protocol's binary data.

    Raises:
        DataLossError: the data do not fit the type and the shape.
    """
    dtype = datatypes.from_v2(datatype)
    if dtype is None:
        raise DataLossError(f"the answer has a tensor of the unknown datatype '{datatype}'")
    try:
        if dtype != np.dtype(object):
            return np.frombuffer(data, dtype).reshape(tuple(shape))
        items, at, view = [], 0, memoryview(data)
        while at < len(view):
            (size,) = _LENGTH.unpack_from(view, at)
            at += _LENGTH.size
            if at + size > len(view):
                raise ValueError(f"a string of {size} bytes ends beyond the data")
            items.append(bytes(view[at : at + size]))
            at += size
        strings = np.empty(len(items), object)
        strings[:] = items
        return strings.reshape(tuple(shape))
    except (ValueError, struct.error) as error:
        raise DataLossError(
            f"the data of a tensor do not fit {datatype}{shape}: {error}"
        ) from None


def read_outputs(reply: HttpReply) -> dict[str, Array]:
    """Read the tensors of an answer."""
    length = reply.headers.get(_HEADER_LENGTH)
    if length is None:
        told, binary = read_json(reply), memoryview(b"")
    else:
        told = read_json(HttpReply(reply.status, body=reply.body[: int(length)]))
        binary = memoryview(reply.body)[int(length) :]
    outputs = {}
    for each in told.get("outputs", ()):
        size = (each.get("parameters") or {}).get("binary_data_size")
        if size is None:
            outputs[each["name"]] = _from_json(each)
            continue
        if size > len(binary):
            raise DataLossError(
                f"output '{each['name']}' must have {size} bytes, got {len(binary)}"
            )
        outputs[each["name"]] = from_bytes(binary[:size], each["datatype"], each["shape"])
        binary = binary[size:]
    return outputs


def datatype_of(name: str, array: Array) -> str:
    """Return the protocol's name of an array's type.

    Raises:
        InvalidArgumentError: it has none.
    """
    found = datatypes.to_v2(array.dtype)
    if found is None:
        raise InvalidArgumentError(
            f"input '{name}' has elements of type {array.dtype}, which the Open Inference "
            "Protocol cannot carry; use TF Serving's protocol over gRPC"
        )
    return found


def _from_json(told: Mapping[str, Any]) -> Array:
    dtype = datatypes.from_v2(told["datatype"])
    if dtype is None:
        raise DataLossError(f"output '{told['name']}' has the datatype '{told['datatype']}'")
    if dtype == np.dtype(object):
        items = [item.encode() if isinstance(item, str) else item for item in told["data"]]
        return np.array(items, object).reshape(tuple(told["shape"]))
    return np.asarray(told["data"], dtype).reshape(tuple(told["shape"]))


def _tensors(told: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    return {
        each["name"]: Tensor(
            each["name"], datatypes.from_v2(each["datatype"]), tuple(each["shape"])
        )
        for each in told
    }


def path_of(model: ModelRef) -> str:
    """Return the path of a model.

    Raises:
        InvalidArgumentError: it is asked for by a label.
    """
    refuse_label(model)
    path = f"/v2/models/{quote(model.name, safe='')}"
    return path if model.version is None else f"{path}/versions/{model.version}"


def refuse_label(model: ModelRef) -> None:
    """Refuse what the protocol has no word for."""
    if model.label is not None:
        raise InvalidArgumentError(
            f"the Open Inference Protocol knows no labels, got '{model.label}'; "
            "give a version, or use TF Serving's protocol"
        )


def no_examples(model: ModelRef, count: int, signature: str) -> str:
    """Say that the protocol has tensors only."""
    return (
        f"the Open Inference Protocol has no examples ({count} for signature '{signature}' of "
        f"'{model.name}'); use TF Serving's protocol"
    )
