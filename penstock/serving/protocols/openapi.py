"""The OpenAPI document of a server, made from the signatures of its models.

Source: OpenAPI Specification 3.1, whose schemas are JSON Schema 2020-12.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from penstock.core.dtypes import DType
from penstock.serving.protocols.inference import DTYPES, usable
from penstock.serving.servable import (
    CLASSIFY_METHOD,
    DEFAULT_SIGNATURE,
    REGRESS_METHOD,
    SignatureSpec,
    TensorInfo,
)

VERSION: Final = "3.1.1"
_MOST_EXAMPLE_VALUES: Final = 32
_DATATYPES: Final = {dtype: name for name, dtype in DTYPES.items()}
_FORMATS: Final = {"float32": "float", "float64": "double", "int32": "int32", "int64": "int64"}
_ERRORS: Final = {
    "400": "The request does not fit the signature, or is not in the format.",
    "404": "The model or the version is not served.",
    "413": "The body is longer than the server takes.",
    "429": "Too many requests; the header Retry-After says when to try again.",
    "503": "The server is too busy or is stopping; see the header Retry-After.",
    "504": "No answer within the time limit.",
}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What is served under one name.

    Args:
        version: latest that answers.
        signatures: of that version.
        labels: that may stand for versions.
    """

    name: str
    version: int
    signatures: Mapping[str, SignatureSpec]
    labels: Mapping[str, int]


def make_document(models: Iterable[ServedModel], version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        models: that are served.
        version: of the server.
    """
    paths: dict[str, Any] = {}
    tags = []
    for model in models:
        label = f", labels {', '.join(model.labels)}" if model.labels else ""
        tags.append({"name": model.name, "description": f"Version {model.version}{label}."})
        paths.update(_model_paths(model))
    paths.update(_server_paths())
    tags.append({"name": "server", "description": "The server itself."})
    return {
        "openapi": VERSION,
        "info": {
            "title": "Models served by penstock",
            "version": version,
            "description": (
                "TensorFlow Serving's REST protocol below /v1, the Open Inference Protocol "
                "below /v2. A path with /versions/{version} or /labels/{label} behind the "
                "model's name asks for that version."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
                "Base64": {
                    "type": "object",
                    "description": "Bytes that are not text.",
                    "required": ["b64"],
                    "additionalProperties": False,
                    "properties": {"b64": {"type": "string", "contentEncoding": "base64"}},
                },
                "NotFinite": {"description": "The tokens NaN, Infinity and -Infinity."},
            }
        },
    }


def _model_paths(model: ServedModel) -> dict[str, Any]:
    name = quote(model.name, safe="")
    first, second = f"/v1/models/{name}", f"/v2/models/{name}"
    tag = [model.name]
    names = usable(model.signatures)
    found: dict[str, Any] = {}
    if names:
        found[f"{first}:predict"] = {"post": _predict(model, names) | {"tags": tag}}
    for word, method in (("classify", CLASSIFY_METHOD), ("regress", REGRESS_METHOD)):
        fitting = [n for n in names if model.signatures[n].method_name == method]
        if fitting:
            found[f"{first}:{word}"] = {"post": _examples(model, word, fitting) | {"tags": tag}}
    found[first] = {"get": _get(f"State of the versions of {model.name}", tag)}
    found[f"{first}/metadata"] = {"get": _get(f"Signatures of {model.name}", tag)}
    chosen = DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in names else (names or [""])[0]
    if names and all(
        info.dtype in _DATATYPES
        for side in (model.signatures[chosen].inputs, model.signatures[chosen].outputs)
        for info in side.values()
    ):
        found[f"{second}/infer"] = {
            "post": _infer(model, model.signatures[chosen]) | {"tags": tag}
        }
    found[second] = {"get": _get(f"Inputs and outputs of {model.name}", tag)}
    found[f"{second}/ready"] = {"get": _get(f"Whether {model.name} answers", tag)}
    return found


def _predict(model: ServedModel, names: list[str]) -> dict[str, Any]:
    requests, answers = [], []
    for name in names:
        signature = model.signatures[name]
        named = {"signature_name": {"const": name}}
        required = [] if name == DEFAULT_SIGNATURE else ["signature_name"]
        columns = _columns(signature.inputs)
        requests.append(_object({**named, "inputs": columns}, [*required, "inputs"], name))
        answers.append(_object({"outputs": _columns(signature.outputs)}, ["outputs"], name))
        if _have_rows(signature.inputs) and _have_rows(signature.outputs):
            rows = {"type": "array", "minItems": 1, "items": _row(signature.inputs)}
            requests.insert(
                -1, _object({**named, "instances": rows}, [*required, "instances"], name)
            )
            rows = {"type": "array", "items": _row(signature.outputs)}
            answers.insert(-1, _object({"predictions": rows}, ["predictions"], name))
    first = model.signatures[names[0]]
    example = _example(names[0], first)
    return _post(
        f"Predict with {model.name}",
        "Rows go under `instances` and come back under `predictions`; whole tensors go under "
        "`inputs` and come back under `outputs`.",
        {"anyOf": requests},
        {"anyOf": answers},
        example,
    )


def _examples(model: ServedModel, word: str, names: list[str]) -> dict[str, Any]:
    feature = {
        "description": "A value, or a list of values of one kind.",
        "type": ["string", "number", "integer", "array", "object"],
    }
    example = {"type": "object", "additionalProperties": feature}
    properties = {
        "signature_name": {"enum": names},
        "context": {**example, "description": "Features that all examples share."},
        "examples": {"type": "array", "minItems": 1, "items": example},
    }
    pair = {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "number"}],
        "minItems": 2,
        "maxItems": 2,
    }
    result = {"type": "number"} if word == "regress" else {"type": "array", "items": pair}
    answer = _object({"results": {"type": "array", "items": result}}, ["results"], word)
    needed = ["examples"] if DEFAULT_SIGNATURE in names else ["signature_name", "examples"]
    return _post(
        f"{word.capitalize()} examples with {model.name}",
        "Each example is an object of features.",
        _object(properties, needed, word),
        answer,
        None,
    )


def _infer(model: ServedModel, signature: SignatureSpec) -> dict[str, Any]:
    inputs = [_tensor(name, info) for name, info in signature.inputs.items()]
    outputs = [_tensor(name, info) for name, info in signature.outputs.items()]
    request = _object(
        {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": _each(inputs),
            "outputs": {
                "type": "array",
                "items": _object({"name": {"enum": list(signature.outputs)}}, ["name"], ""),
            },
        },
        ["inputs"],
        "inference_request",
    )
    answer = _object(
        {
            "model_name": {"const": model.name},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": _each(outputs),
        },
        ["model_name", "outputs"],
        "inference_response",
    )
    return _post(
        f"Infer with {model.name}",
        "The Open Inference Protocol. Tensors may also follow the JSON as bytes; the header "
        "Inference-Header-Content-Length then says how long the JSON is.",
        request,
        answer,
        None,
    )


def _each(tensors: list[dict[str, Any]]) -> dict[str, Any]:
    items = tensors[0] if len(tensors) == 1 else {"anyOf": tensors}
    return {"type": "array", "items": items, "maxItems": len(tensors)}


def _tensor(name: str, info: TensorInfo) -> dict[str, Any]:
    assert info.dtype is not None
    sizes = [
        {"type": "integer", "minimum": 0} if size is None else {"const": size}
        for size in info.dims or ()
    ]
    shape: dict[str, Any] = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    if sizes:
        shape = {"type": "array", "prefixItems": sizes, "minItems": len(sizes)}
        shape["maxItems"] = len(sizes)
    properties = {
        "name": {"const": name},
        "datatype": {"const": _DATATYPES[info.dtype]},
        "shape": shape,
        "parameters": {"type": "object"},
        "data": {"type": "array", "description": "Flat, or nested as the shape says."},
    }
    return _object(properties, ["name", "datatype", "shape"], str(info))


def _have_rows(infos: Mapping[str, TensorInfo]) -> bool:
    return all(info.dims is None or len(info.dims) > 0 for info in infos.values())


def _columns(infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    values = {name: _value(info.dtype, info.dims) for name, info in infos.items()}
    if len(values) == 1:
        (value,) = values.values()
        return {"anyOf": [value, _object(values, list(values), "")]}
    return _object(values, list(values), "")


def _row(infos: Mapping[str, TensorInfo]) -> dict[str, Any]:
    values = {
        name: _value(info.dtype, None if info.dims is None else info.dims[1:])
        for name, info in infos.items()
    }
    if len(values) == 1:
        (value,) = values.values()
        return {"anyOf": [value, _object(values, list(values), "")]}
    return _object(values, list(values), "")


def _value(dtype: DType | None, dims: tuple[int | None, ...] | None) -> dict[str, Any]:
    leaf = _leaf(dtype)
    if dims is None:
        return {
            "description": "A value or nested lists of values.",
            "anyOf": [leaf, {"type": "array"}],
        }
    for size in reversed(dims):
        leaf = {"type": "array", "items": leaf}
        if size is not None:
            leaf |= {"minItems": size, "maxItems": size}
    return leaf


def _leaf(dtype: DType | None) -> dict[str, Any]:
    if dtype is None:
        return {}
    if dtype.is_bool:
        return {"type": "boolean"}
    if dtype.name == "string":
        return {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Base64"}]}
    if dtype.is_integer:
        bounds = np.iinfo(dtype.np)
        limits = {"minimum": int(bounds.min), "maximum": int(bounds.max)}
        return {"type": "integer", **_format(dtype), **limits}
    return {"type": "number", **_format(dtype)}


def _format(dtype: DType) -> dict[str, str]:
    return {"format": _FORMATS[dtype.name]} if dtype.name in _FORMATS else {}


def _example(name: str, signature: SignatureSpec) -> Any:
    """A request with one row of zeros, unless it would fill the page."""
    values: dict[str, Any] = {}
    for key, info in signature.inputs.items():
        if info.dims is None or info.dtype is None:
            return None
        shape = [1 if size is None else size for size in info.dims]
        if np.prod(shape) > _MOST_EXAMPLE_VALUES:
            return None
        if info.dtype.name == "string":
            values[key] = np.full(shape, "text", object).tolist()
        elif info.dtype.is_bool:
            values[key] = np.zeros(shape, np.bool_).tolist()
        else:
            kind = np.int64 if info.dtype.is_integer else np.float64
            values[key] = np.zeros(shape, kind).tolist()
    document: dict[str, Any] = {} if name == DEFAULT_SIGNATURE else {"signature_name": name}
    return document | {"inputs": values if len(values) > 1 else next(iter(values.values()))}


def _object(properties: dict[str, Any], required: list[str], title: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    return {"title": title, **found} if title else found


def _post(
    summary: str,
    description: str,
    request: dict[str, Any],
    answer: dict[str, Any],
    example: Any,
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": request}
    if example is not None:
        content["example"] = example
    return {
        "summary": summary,
        "description": description,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": answer}},
            },
            **_error_answers(_ERRORS),
        },
    }


def _get(summary: str, tags: list[str]) -> dict[str, Any]:
    return {
        "summary": summary,
        "tags": tags,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": {}}},
            },
            **_error_answers({"404": _ERRORS["404"]}),
        },
    }


def _error_answers(texts: Mapping[str, str]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        status: {"description": text, "content": {"application/json": {"schema": schema}}}
        for status, text in texts.items()
    }


def _server_paths() -> dict[str, Any]:
    texts = {
        "/v2": "Name and version of the server",
        "/v2/health/live": "Whether the server runs",
        "/v2/health/ready": "Whether each model answers",
    }
    return {path: {"get": _server_get(text)} for path, text in texts.items()} | {
        "/monitoring/prometheus/metrics": {
            "get": {
                "summary": "Metrics in the format of Prometheus",
                "tags": ["server"],
                "responses": {
                    "200": {"description": "The metrics.", "content": {"text/plain": {}}}
                },
            }
        }
    }


def _server_get(text: str) -> dict[str, Any]:
    return {
        "summary": text,
        "tags": ["server"],
        "responses": {
            "200": {
                "description": "It is so.",
                "content": {"application/json": {"schema": {}}},
            },
            "503": {"description": "It is not so."},
        },
    }
