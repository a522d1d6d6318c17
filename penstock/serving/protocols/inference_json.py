"""The Open Inference Protocol as JSON, with tensors beside it as bytes where clients want them.

Source: `inference_rest.md` of the Open Inference Protocol, version 2, and Triton's binary
tensor data extension.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
import simdjson

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import InvalidArgumentError
from penstock.serving.protocols import json_tensor, json_text
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

LENGTH_HEADER: Final = "Inference-Header-Content-Length"
BINARY: Final = "application/octet-stream"
_READ_AS: Final = {"d": np.dtype(np.float64), "i": np.dtype(np.int64), "u": np.dtype(np.uint64)}


class InferReader:
    """Decodes inference requests. Belongs to one thread: it keeps its parser's memory."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

    def read(self, body: bytes, header_length: bytes | None = None) -> InferRequest:
        """Read a request.

        Args:
            body: the JSON, and behind it the tensors that come as bytes.
            header_length: bytes of the JSON, as the header says them; all if left out.

        Raises:
            InvalidArgumentError: the body is no inference request.
        """
        size = len(body)
        if header_length is not None:
            text = header_length.decode("latin-1").strip()
            if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > size:
                raise InvalidArgumentError(
                    f"{LENGTH_HEADER} must be a number up to the body's {size} bytes, "
                    f"got {text[:40]!r}"
                )
            size = int(text)
        head = body if size == len(body) else body[:size]
        found = self._read_numbers(head) if size == len(body) else None
        return found or _read_document(head, memoryview(body)[size:])

    def _read_numbers(self, body: bytes) -> InferRequest | None:
        """Read tensors of plain numbers without objects in between; `None` for all else."""
        try:
            document = self._parser.parse(body)
            return _quick(document, body) if isinstance(document, simdjson.Object) else None
        except (ValueError, RuntimeError, KeyError, TypeError):
            # A parser whose document is still in someone's hands refuses to go on.
            self._parser = simdjson.Parser()
            return None
        finally:
            document = None


def _quick(document: Any, body: bytes) -> InferRequest | None:
    listed: Any = document["inputs"]
    if not isinstance(listed, simdjson.Array):
        return None
    inputs: dict[str, Array] = {}
    brackets = 1
    for each in listed:
        if not isinstance(each, simdjson.Object) or "parameters" in each:
            return None
        name, shape = str(each["name"]), each["shape"]
        if not isinstance(shape, simdjson.Array):
            return None
        dtype, sizes = check_shape(name, each["datatype"], shape.as_list())
        data = each["data"]
        if not isinstance(data, simdjson.Array) or not (dtype.is_floating or dtype.is_integer):
            return None
        lists = _lists(data, sizes)
        array = None if lists is None else _numbers(data, dtype)
        if lists is None or array is None or array.size != math.prod(sizes) or name in inputs:
            return None
        inputs[name] = array.reshape(sizes)
        brackets += 1 + lists
    wanted: dict[str, bool] = {}
    if "outputs" in document:
        brackets += 1
        for each in document["outputs"]:
            if "parameters" in each:
                return None
            wanted[str(each["name"])] = False
    # No list but those counted: none is hidden where a number should be.
    if body.count(b"[") != brackets:
        return None
    parameters = document["parameters"].as_dict() if "parameters" in document else {}
    number = document["id"] if "id" in document else ""  # noqa: SIM401  (it is no dict)
    if not isinstance(number, str):
        return None
    return InferRequest(inputs, number, parameters, wanted, _is_binary(parameters))


def _lists(data: Any, sizes: tuple[int, ...]) -> int | None:
    """How many lists flat or two-dimensional data is made of, if it has that shape."""
    if len(data) == 0 or not isinstance(data[0], simdjson.Array):
        return 1
    if len(sizes) != 2 or len(data) != sizes[0]:
        return None
    return 1 + sizes[0] if all(len(row) == sizes[1] for row in data) else None


def _numbers(data: Any, dtype: DType) -> Array | None:
    kind = "d" if dtype.is_floating else "u" if dtype.name == "uint64" else "i"
    numbers = np.frombuffer(data.as_buffer(of_type=kind), _READ_AS[kind])
    return json_tensor.convert_numbers(numbers, dtype)


def _read_document(head: bytes, rest: memoryview) -> InferRequest:
    document = json_text.parse(head)
    if not isinstance(document, dict):
        raise InvalidArgumentError("an inference request must be a JSON object")
    listed = document.get("inputs")
    if not isinstance(listed, list):
        raise InvalidArgumentError("an inference request must have a list of 'inputs'")
    inputs: dict[str, Array] = {}
    position = 0
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise InvalidArgumentError(
                f"each of the 'inputs' must be an object with a 'name', "
                f"got {json_text.show(each)}"
            )
        if each["name"] in inputs:
            raise InvalidArgumentError(f"input '{each['name']}' is there twice")
        inputs[each["name"]], position = _read_input(each, rest, position)
    if position != len(rest):
        raise InvalidArgumentError(
            f"the inputs take {position} of the {len(rest)} bytes behind the JSON; the others "
            "belong to none"
        )
    parameters = _parameters(document)
    number = document.get("id", "")
    if not isinstance(number, str):
        raise InvalidArgumentError(f"'id' must be a string, got {json_text.show(number)}")
    is_binary = _is_binary(parameters)
    wanted = _wanted(document.get("outputs") or (), is_binary=is_binary)
    return InferRequest(inputs, number, parameters, wanted, is_binary)


def _read_input(each: Mapping[str, Any], rest: memoryview, position: int) -> tuple[Array, int]:
    name = each["name"]
    dtype, shape = check_shape(name, each.get("datatype"), each.get("shape"))
    parameters = _parameters(each)
    refuse_shared_memory(name, parameters)
    size = parameters.get("binary_data_size")
    if size is not None:
        if "data" in each:
            raise InvalidArgumentError(f"input '{name}' must have 'data' or bytes, got both")
        if type(size) is not int or not 0 <= size <= len(rest) - position:
            raise InvalidArgumentError(
                f"binary_data_size of input '{name}' must be at most the "
                f"{len(rest) - position} bytes that are left, got {json_text.show(size)}"
            )
        return from_raw(name, rest[position : position + size], dtype, shape), position + size
    if "data" not in each:
        raise InvalidArgumentError(f"input '{name}' must have 'data'")
    data = each["data"]
    array = json_tensor.decode(data if isinstance(data, list) else [data], dtype)
    if array.shape != shape:
        if array.ndim != 1 or array.size != math.prod(shape):
            raise InvalidArgumentError(
                f"data of input '{name}' must have shape {list(shape)} or be flat with "
                f"{math.prod(shape)} values, got shape {list(array.shape)}"
            )
        array = array.reshape(shape)
    return array, position


def _parameters(owner: Mapping[str, Any]) -> Mapping[str, Any]:
    found = owner.get("parameters") or {}
    if not isinstance(found, dict):
        raise InvalidArgumentError(
            f"'parameters' must be an object, got {json_text.show(found)}"
        )
    return found


def _is_binary(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("binary_data_output") is True


def _wanted(listed: Any, *, is_binary: bool) -> dict[str, bool]:
    if not isinstance(listed, list | tuple):
        raise InvalidArgumentError("'outputs' must be a list")
    wanted = {}
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise InvalidArgumentError(
                f"each of the 'outputs' must be an object with a 'name', "
                f"got {json_text.show(each)}"
            )
        parameters = _parameters(each)
        refuse_shared_memory(each["name"], parameters)
        if parameters.get("classification"):
            raise InvalidArgumentError(
                "the parameter 'classification' is not served; sort the scores in the client"
            )
        wanted[each["name"]] = parameters.get("binary_data", is_binary) is True
    return wanted


def encode(
    name: str, version: int, request: InferRequest, outputs: Sequence[tuple[str, Array, bool]]
) -> tuple[bytes, int | None]:
    """Write the answer of an inference request.

    Returns:
        The body, and how many bytes of it are JSON if others follow.
    """
    listed = []
    raw: list[bytes] = []
    for output, value, is_binary in outputs:
        dtype = dtype_of_numpy(value.dtype)
        each: dict[str, Any] = {
            "name": output,
            "datatype": datatype(dtype, f"output '{output}'"),
            "shape": list(value.shape),
        }
        if is_binary:
            data = to_raw(value)
            raw.append(data)
            each["parameters"] = {"binary_data_size": len(data)}
        else:
            each["data"] = _flat(output, value, dtype)
        listed.append(each)
    document: dict[str, Any] = {"model_name": name, "model_version": str(version)}
    if request.id:
        document["id"] = request.id
    document["outputs"] = listed
    head = json_tensor.write(document)
    return (b"".join((head, *raw)), len(head)) if raw else (head, None)


def _flat(name: str, value: Array, dtype: DType) -> Any:
    if value.dtype.hasobject:
        return json_tensor.text_values(name, value.ravel())
    if dtype.name == "bfloat16":
        value = value.astype(np.float32)
    return np.ascontiguousarray(value).ravel()


def encode_metadata(
    name: str, versions: Sequence[int], signature: SignatureSpec, platform: str
) -> bytes:
    """Write what a model takes and gives."""
    keys = ("name", "datatype", "shape")
    return orjson.dumps(
        {
            "name": name,
            "versions": [str(version) for version in versions],
            "platform": platform,
            "inputs": [
                dict(zip(keys, each, strict=True)) for each in describe(signature.inputs)
            ],
            "outputs": [
                dict(zip(keys, each, strict=True)) for each in describe(signature.outputs)
            ],
        }
    )
