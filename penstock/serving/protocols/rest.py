"""TF Serving's REST protocol, version 1: paths, request bodies and answers as bytes.

Source: TF Serving's `api_rest.md`; paths, statuses and the texts of errors are its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import orjson
from google.protobuf.json_format import MessageToDict

from penstock.core.errors import InvalidArgumentError, OpError, http_status
from penstock.serving.call import ModelSpec
from penstock.serving.protocols import json_tensor, json_text
from penstock.serving.protocols.json_example import serialize_examples
from penstock.serving.protocols.json_numbers import NumberReader
from penstock.serving.protocols.tasks import INPUTS, class_scores, enum_name, regression_values
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    SignatureSpec,
    TensorInfo,
)
from penstock.wire.tensors import array_to_proto

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_COMMAND_PATH = re.compile(rf"(?i:{_MODEL}):(classify|regress|predict)", re.ASCII)
_RESOURCE_PATH = re.compile(
    r"(?i:/v1/models(?:/([^/:]+))?(?:/versions/(\d+)|/labels/([^/:]+))?)(?:/(metadata))?",
    re.ASCII,
)

# Finds the signature of a request by the name in it; an empty name is the default one.
FindSignature = Callable[[str], SignatureSpec]


class PredictRequest(NamedTuple):
    """A decoded predict request."""

    signature_name: str
    inputs: dict[str, Array]
    is_row_format: bool


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """State of one version of a model, as the status answer shows it."""

    version: int
    state: str
    error_code: str = "OK"
    error_message: str = ""


def parse_path(method: str, path: str) -> tuple[ModelSpec, str]:
    """Return the model that a path names and what is wanted of it.

    Returns:
        What is wanted: "predict", "classify", "regress", "metadata" or "status".

    Raises:
        InvalidArgumentError: the protocol has no such path for this HTTP method.
    """
    pattern = {"POST": _COMMAND_PATH, "GET": _RESOURCE_PATH}.get(method)
    match = None if pattern is None else pattern.fullmatch(path)
    if match is None:
        raise InvalidArgumentError(f"Malformed request: {method} {path}")
    name, version, label, wanted = match.groups()
    if name is None:
        raise InvalidArgumentError("Missing model name in request.")
    if version is not None and (len(version) > 19 or int(version) >= 1 << 63):
        raise InvalidArgumentError(f"Failed to convert version: {version} to numeric.")
    spec = ModelSpec(
        unquote(name),
        None if version is None else int(version),
        None if label is None else unquote(label),
    )
    return spec, wanted or "status"


class RequestReader:
    """Decodes predict requests. Belongs to one thread."""

    def __init__(self) -> None:
        self._numbers = NumberReader()

    def predict(self, body: bytes, find_signature: FindSignature) -> PredictRequest:
        """Read a request in the row or the column format.

        Raises:
            InvalidArgumentError: the body is no predict request, or its values do not fit
                the signature.
            OpError: `find_signature` knows no such model or signature.
        """
        document = self._numbers.open(body)
        if document is not None:
            # Asking for a key that is not there takes longer than reading a small request.
            name = ""
            if len(document) > 1 and "signature_name" in document:
                name = document["signature_name"]
            if isinstance(name, str):
                found = self._numbers.read(document, body, find_signature(name))
                if found is not None:
                    return PredictRequest(name or DEFAULT_SIGNATURE, *found)
            # The parser takes its next document only when this one is gone.
            del document
        return decode_predict(body, find_signature)


def decode_predict(body: bytes, find_signature: FindSignature) -> PredictRequest:
    """Read a predict request of any kind. See `RequestReader.predict`."""
    document = _parse_object(body)
    name = _signature_name(document)
    inputs = find_signature(name).inputs
    if not inputs:
        raise InvalidArgumentError(
            f"Failed to get input map for signature: {name or 'DEFAULT'}"
        )
    name = name or DEFAULT_SIGNATURE
    if "instances" in document:
        if "inputs" in document:
            raise InvalidArgumentError(
                f"JSON Value: {json_text.show(document)} Not formatted correctly expecting "
                "only one of 'inputs' or 'instances' keys to exist "
            )
        rows = document["instances"]
        if not isinstance(rows, list):
            raise InvalidArgumentError(
                f"JSON Value: {json_text.show(document)} "
                "Expecting 'instances' to be an list/array"
            )
        if not rows:
            raise InvalidArgumentError(
                f"JSON Value: {json_text.show(document)} No values in 'instances' array"
            )
        return PredictRequest(name, _decode_rows(rows, inputs), is_row_format=True)
    if "inputs" in document:
        return PredictRequest(
            name, _decode_columns(document["inputs"], inputs), is_row_format=False
        )
    raise InvalidArgumentError("Missing 'inputs' or 'instances' key")


def encode_predict(outputs: Arrays, *, is_row_format: bool) -> bytes:
    """Write the answer of a predict request in the format that it came in."""
    encode = json_tensor.encode_rows if is_row_format else json_tensor.encode_columns
    return encode(outputs)


def decode_examples(body: bytes) -> tuple[str, Array]:
    """Read a classify or regress request: the signature's name and its serialized examples."""
    document = _parse_object(body)
    name = _signature_name(document)
    messages = serialize_examples(document)
    examples = np.empty(len(messages), object)
    examples[:] = messages
    return name or DEFAULT_SIGNATURE, examples


def example_inputs(examples: Array) -> dict[str, Array]:
    """Return the inputs of a signature that takes serialized examples."""
    return {INPUTS: examples}


def encode_classify(outputs: Arrays, size: int) -> bytes:
    """Write the answer of a classify request: for each example its classes with their scores.

    Raises:
        InvalidArgumentError: the outputs are not [size, classes] strings and floats.
    """
    classes, scores = class_scores(outputs, size)
    labels = json_tensor.raw_text_values(classes)
    results = [
        [[label, score] for label, score in zip(*row, strict=True)]
        for row in zip(labels, scores, strict=True)
    ]
    return json_tensor.write({"results": results})


def encode_regress(outputs: Arrays, size: int) -> bytes:
    """Write the answer of a regress request: one number for each example.

    Raises:
        InvalidArgumentError: the output is not [size] or [size, 1] floats.
    """
    return json_tensor.write({"results": regression_values(outputs, size)})


def encode_status(versions: Sequence[VersionStatus]) -> bytes:
    """Write the answer of a status request."""
    return orjson.dumps(
        {
            "model_version_status": [
                {
                    "version": str(each.version),
                    "state": each.state,
                    "status": {
                        "error_code": each.error_code,
                        "error_message": each.error_message,
                    },
                }
                for each in versions
            ]
        }
    )


def encode_metadata(name: str, version: int, signatures: Mapping[str, SignatureSpec]) -> bytes:
    """Write the answer of a metadata request: the signatures as TensorFlow's SignatureDefs."""
    signature_def = {
        each: {
            "inputs": {key: _tensor_info(info) for key, info in signature.inputs.items()},
            "outputs": {key: _tensor_info(info) for key, info in signature.outputs.items()},
            "method_name": signature.method_name,
            "defaults": {k: _tensor(value) for k, value in signature.defaults.items()},
        }
        for each, signature in signatures.items()
    }
    return orjson.dumps(
        {
            "model_spec": {"name": name, "signature_name": "", "version": str(version)},
            "metadata": {"signature_def": {"signature_def": signature_def}},
        }
    )


def encode_error(error: OpError) -> tuple[int, bytes]:
    """Return the HTTP status and the body of an error."""
    return http_status(error.error_code), json_text.dump({"error": error.message})


def _parse_object(body: bytes) -> dict[str, Any]:
    document = json_text.parse(body, with_raw_bytes=True)
    if not isinstance(document, dict):
        raise InvalidArgumentError(f"JSON Value: {json_text.show(document)} Is not object")
    return document


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidArgumentError(
            f"JSON Value: {json_text.show(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return json_text.printable(name)


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and not json_tensor.is_base64(row)


def _decode_rows(rows: list[Any], inputs: Mapping[str, TensorInfo]) -> dict[str, Array]:
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise InvalidArgumentError(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if _is_named(rows[0]):
        if any(not isinstance(row, dict) or row.keys() != inputs.keys() for row in rows):
            _explain_named_rows(rows, inputs)
        try:
            return {
                name: json_tensor.decode_rows([row[name] for row in rows], info.dtype)
                for name, info in inputs.items()
            }
        except InvalidArgumentError:
            _explain_named_rows(rows, inputs)
            raise
    for number, row in enumerate(rows):
        if _is_named(row):
            raise InvalidArgumentError(
                f"Expecting value/list but got object at item {number} of input list"
            )
    name, info = next(iter(inputs.items()))
    return {name: json_tensor.decode_rows(rows, info.dtype)}


def _explain_named_rows(rows: list[Any], inputs: Mapping[str, TensorInfo]) -> None:
    """Raise the first thing that is wrong with a list of objects, row by row."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, row in enumerate(rows):
        if not _is_named(row):
            raise InvalidArgumentError(
                f"Expecting object but got list at item {number} of input list"
            )
        for name, value in row.items():
            try:
                if name not in inputs:
                    raise InvalidArgumentError(
                        f"JSON object: does not have named input: {name}"
                    )
                dtype = inputs[name].dtype
                shapes[name] = json_tensor.check_row(value, dtype, shapes.get(name))
            except InvalidArgumentError as error:
                raise InvalidArgumentError(
                    f"Failed to process element: {number} key: {name} of 'instances' list. "
                    f"Error: INVALID_ARGUMENT: {error.message}"
                ) from None
        if row.keys() != inputs.keys():
            raise InvalidArgumentError(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{json_text.show(row)} keys must be equal to: {','.join(sorted(inputs))}"
            )


def _decode_columns(value: Any, inputs: Mapping[str, TensorInfo]) -> dict[str, Array]:
    if not _is_named(value):
        if len(inputs) > 1:
            raise InvalidArgumentError(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        name, info = next(iter(inputs.items()))
        return {name: json_tensor.decode(value, info.dtype)}
    for name in inputs:
        if name not in value:
            raise InvalidArgumentError(f"Missing named input: {name} in 'inputs' object.")
    return {name: json_tensor.decode(value[name], info.dtype) for name, info in inputs.items()}


def _tensor(value: Array) -> Any:
    message = array_to_proto(value, as_content=False)
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _tensor_info(info: TensorInfo) -> dict[str, Any]:
    return {
        "dtype": enum_name(info.dtype),
        "tensor_shape": {
            "dim": [
                {"size": str(-1 if size is None else size), "name": ""}
                for size in info.dims or ()
            ],
            "unknown_rank": info.dims is None,
        },
        "name": info.name,
    }
