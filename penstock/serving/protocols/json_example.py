"""`tf.Example` messages from the JSON of classify and regress requests.

Source: TF Serving's `json_tensor`: whole numbers and booleans make an int64 feature, decimals a
float feature, strings and base64 objects a bytes feature.
"""

from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.serving.protocols.json_tensor import decode_base64, encode_text, is_base64
from penstock.serving.protocols.json_text import show, type_name
from penstock.wire import protos

_FIELDS = {"bytes": "bytes_list", "float": "float_list", "int64": "int64_list"}
_MAX_FLOAT = float(np.finfo(np.float32).max)


def serialize_examples(document: dict[str, Any]) -> list[bytes]:
    """Return the examples of a request as serialized messages, each with the shared context.

    Raises:
        InvalidArgumentError: there are none, or a feature cannot be made of its values.
    """
    context = b""
    if "context" in document:
        context = _serialize(document["context"])
    if "examples" not in document:
        raise InvalidArgumentError(
            f"JSON Value: {show(document)} When method is classify, key 'examples' is expected "
            "and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise InvalidArgumentError(
            f"JSON Value: {show(document)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise InvalidArgumentError(
            f"JSON Value: {show(document)} 'examples' value is an empty array"
        )
    # Two serialized messages in a row read as one, in which the later features win.
    return [context + _serialize(example) for example in examples]


def _serialize(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise InvalidArgumentError(
            f"Example must be JSON object but got JSON {type_name(value)}"
        )
    example = protos.Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        kind, values = _values(name, content if isinstance(content, list) else [content])
        if kind is not None:
            getattr(feature, _FIELDS[kind]).value.extend(values)
    return bytes(example.SerializeToString(deterministic=True))


def _values(name: str, elements: list[Any]) -> tuple[str | None, list[Any]]:
    kind: str | None = None
    values = []
    for element in elements:
        found, value = _value(name, element)
        if kind not in (None, found):
            raise InvalidArgumentError(
                f"Unexpected element type in feature: {name} expecting type: {kind}"
            )
        kind = found
        values.append(value)
    return kind, values


def _value(name: str, element: Any) -> tuple[str, Any]:
    if isinstance(element, str):
        return "bytes", encode_text(element)
    if is_base64(element):
        return "bytes", decode_base64(element)
    if isinstance(element, float):
        if _MAX_FLOAT < abs(element) < float("inf"):
            raise InvalidArgumentError(
                f"Cannot convert JSON value: {show(element)} to float "
                "without loss of precision."
            )
        return "float", element
    if isinstance(element, int):
        if element >= 1 << 63:
            raise InvalidArgumentError(
                f"Feature: {name} has uint64_t element. Only int64_t is supported."
            )
        return "int64", int(element)
    raise InvalidArgumentError(
        f"Feature: {name} has element with unexpected JSON type: {type_name(element)}"
    )
