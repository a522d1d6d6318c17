"""TF Serving's REST protocol, from the client's side."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from penstock.core.errors import DataLossError, InvalidArgumentError, OpError
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

_NUMPY = orjson.OPT_SERIALIZE_NUMPY
_JSON = (("content-type", "application/json"),)


class RestSpeech:
    """Talks of `/v1/`."""

    def predict(
        self, model: ModelRef, inputs: Inputs, signature: str, wanted: Sequence[str]
    ) -> Talk[dict[str, Array]]:
        """Ask for the outputs of a signature, in columns."""
        declared = yield from self.signature(model, signature)
        named = {
            name: encode_values(as_input(value, _dtype(declared.inputs, name)))
            for name, value in inputs.items()
        }
        head = b'{"signature_name":' + orjson.dumps(signature) + b',"inputs":{'
        columns = b",".join(orjson.dumps(name) + b":" + text for name, text in named.items())
        reply = yield HttpRequest(
            "POST", _path(model, ":predict"), head + columns + b"}}", _JSON
        )
        outputs = _member(read_json(reply), "outputs")
        if not isinstance(outputs, dict):
            # A lone output comes without its name, which only the signature tells.
            name = next(iter(declared.outputs), wanted[0] if wanted else "outputs")
            outputs = {name: outputs}
        read = {
            name: decode_values(value, _dtype(declared.outputs, name))
            for name, value in outputs.items()
        }
        return {name: read[name] for name in wanted} if wanted else read

    def classify(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Classes]:
        """Ask for the classes of examples."""
        results = yield from self._ask_examples(model, ":classify", examples, signature)
        return [[(str(label), float(score)) for label, score in each] for each in results]

    def regress(self, model: ModelRef, examples: Examples, signature: str) -> Talk[Array]:
        """Ask for the values of examples."""
        results = yield from self._ask_examples(model, ":regress", examples, signature)
        return np.asarray(results, np.float32)

    def _ask_examples(
        self, model: ModelRef, action: str, examples: Examples, signature: str
    ) -> Talk[Any]:
        content = {
            "signature_name": signature,
            "examples": [{k: _feature(v) for k, v in each.items()} for each in examples],
        }
        reply = yield HttpRequest("POST", _path(model, action), _dumps(content), _JSON)
        return _member(read_json(reply), "results")

    def signature(self, model: ModelRef, name: str) -> Talk[Signature]:
        """Ask for the names and dtypes of a signature."""
        told = yield from self.metadata(model)
        try:
            found = told["metadata"]["signature_def"]["signature_def"][name]
            return Signature(_tensors(found["inputs"]), _tensors(found["outputs"]))
        except KeyError:
            raise InvalidArgumentError(
                f"model '{model.name}' must have a signature '{name}', and has none"
            ) from None

    def metadata(self, model: ModelRef) -> Talk[dict[str, Any]]:
        """Ask for the signatures of a model."""
        reply = yield HttpRequest("GET", _path(model, "/metadata"))
        told = read_json(reply)
        if not isinstance(told, dict):
            raise DataLossError("the metadata of a model must be an object")
        return told

    def versions(self, model: ModelRef) -> Talk[dict[int, str]]:
        """Ask for the state of each version."""
        reply = yield HttpRequest("GET", _path(model, ""))
        listed = _member(read_json(reply), "model_version_status")
        return {int(each["version"]): str(each["state"]) for each in listed}

    def is_ready(self, model: ModelRef | None) -> Talk[bool]:
        """Ask the server's readiness path, or for an available version of a model."""
        if model is None:
            yield HttpRequest("GET", "/readyz")
            return True
        try:
            states = yield from self.versions(model)
        except OpError:
            return False
        return "AVAILABLE" in states.values()


def encode_values(array: Array) -> bytes:
    """Write an array as JSON: base64 for strings, the words NaN and Infinity where needed."""
    if array.dtype == object:
        return _dumps(_strings(array.tolist()))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return json.dumps(array.tolist()).encode()
    try:
        return orjson.dumps(np.ascontiguousarray(array), option=_NUMPY)
    except TypeError:  # a type that JSON's writer does not know, such as bfloat16
        return json.dumps(array.tolist()).encode()


def decode_values(value: Any, dtype: np.dtype[Any] | None) -> Array:
    """Read the values of one output."""
    if dtype is not None and dtype != np.dtype(object):
        return np.asarray(value, dtype)
    if dtype is None:
        array = np.asarray(value)
        if array.dtype.kind not in "UO":
            return array.astype(np.float32) if array.dtype == np.float64 else array
    return np.asarray(_bytes(value), object)


def read_json(reply: HttpReply) -> Any:
    """Read the body of an answer, with or without the words NaN and Infinity.

    Raises:
        DataLossError: it is not JSON.
    """
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(reply.body)
    except ValueError as error:
        raise DataLossError(f"the answer must be JSON, got {reply.body[:80]!r}") from error


def _path(model: ModelRef, action: str) -> str:
    path = f"/v1/models/{quote(model.name, safe='')}"
    if model.version is not None:
        path += f"/versions/{model.version}"
    elif model.label is not None:
        path += f"/labels/{quote(model.label, safe='')}"
    return path + action


def _tensors(told: Mapping[str, Any]) -> dict[str, Tensor]:
    return {
        name: Tensor(
            name, datatypes.from_tensorflow(info["dtype"]), _shape(info["tensor_shape"])
        )
        for name, info in told.items()
    }


def _shape(told: Mapping[str, Any]) -> tuple[int, ...] | None:
    if told.get("unknown_rank"):
        return None
    return tuple(int(dim["size"]) for dim in told.get("dim", ()))


def _dtype(tensors: Mapping[str, Tensor], name: str) -> np.dtype[Any] | None:
    found = tensors.get(name)
    return None if found is None else found.dtype


def _member(told: Any, name: str) -> Any:
    if not isinstance(told, dict) or name not in told:
        raise DataLossError(f"the answer must have a member '{name}'")
    return told[name]


def _strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_strings(each) for each in value]
    return {"b64": base64.b64encode(value).decode("ascii")}


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(each) for each in value]
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return value.encode() if isinstance(value, str) else value


def _feature(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, list | tuple):
        return [_feature(each) for each in value]
    return value


def _dumps(content: Any) -> bytes:
    return orjson.dumps(content, option=_NUMPY)
