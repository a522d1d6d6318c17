"""The recorded REST vectors, and models that give the answers recorded in them.

Where the arithmetic is simple the model computes; else it looks its answer up by its input.
"""

import json
import math
from pathlib import Path

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape
from penstock.serving.servable import SignatureSpec, TensorInfo
from penstock.wire import protos
from tests.serving.fakes import FunctionServable

FILE = Path(__file__).parents[1] / "golden" / "serving" / "rest.json"
GOLDEN = json.loads(FILE.read_text(encoding="utf-8"))
VECTORS = GOLDEN["vectors"]


def differ(got, expected, rtol, atol, at="$"):
    """First difference of two JSON values, or None."""
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        same = type(got) is type(expected) and got == expected
    elif isinstance(expected, int):
        same = type(got) is int and got == expected
    elif isinstance(expected, float):
        same = type(got) is float and math.isclose(got, expected, rel_tol=rtol, abs_tol=atol)
    elif isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return f"{at}: {got!r} is not a list of {len(expected)}"
        pairs = enumerate(zip(got, expected, strict=True))
        found = (differ(g, e, rtol, atol, f"{at}[{i}]") for i, (g, e) in pairs)
        return next(filter(None, found), None)
    else:
        if not isinstance(got, dict) or got.keys() != expected.keys():
            return f"{at}: {got!r} has not the keys {sorted(expected)}"
        found = (differ(got[k], e, rtol, atol, f"{at}.{k}") for k, e in expected.items())
        return next(filter(None, found), None)
    return None if same else f"{at}: {got!r}, expected {expected!r}"


def signatures(model):
    """Signatures of a recorded model."""

    def info(value):
        shape = value["shape"]
        dims = None if shape is None else [None if size < 0 else size for size in shape]
        dtype = dtypes.as_dtype(value["dtype"]) if value["dtype"] else None
        return TensorInfo(value["name"], dtype, TensorShape(dims))

    return {
        name: SignatureSpec(
            {key: info(value) for key, value in signature["inputs"].items()},
            {key: info(value) for key, value in signature["outputs"].items()},
            signature["method_name"],
        )
        for name, signature in GOLDEN["signatures"][model].items()
    }


def servables():
    """Fresh models, by name."""
    counted = [0]

    def two(inputs):
        a, b = inputs["a"], inputs["b"]
        shape = np.array(a.shape, np.int32)
        return {"sum": a + b, "mask": a > b, "stack": np.stack([a, b], 1), "shape": shape}

    def count(inputs):
        counted[0] += int(inputs["n"])
        tag = np.array(f"hello-{counted[0]}".encode(), object)
        return {"total": np.array(counted[0], np.int64), "tag": tag}

    words = [b"alpha", b"beta", b"gamma", b"delta"]

    def to_word(inputs):
        found = [words[i] if 0 <= i < len(words) else b"UNK" for i in inputs["i"]]
        upper = [word.upper() for word in found]
        kv = np.full(len(found), -1, np.float32)
        return {"word": np.array(found, object), "upper": np.array(upper, object), "kv": kv}

    def to_id(inputs):
        found = [words.index(w) if w in words else -1 for w in inputs["w"]]
        return {"id": np.array(found, np.int64), "size": np.array(4, np.int64)}

    functions = {
        "keras_mlp": {"serving_default": _recorded("keras_mlp")},
        "module_signatures": {
            "serving_default": _recorded("module_signatures"),
            "two": two,
            "count": count,
        },
        "parse_example_classify_regress": {"classify": _classify, "regress": _regress},
        "keras_tabular_preprocessing": {
            "serving_default": _recorded("keras_tabular_preprocessing")
        },
        "keras_string_lookup": {"serving_default": _recorded("keras_string_lookup")},
        "image_bytes": {},
        "table_with_asset": {"serving_default": to_id, "to_word": to_word},
    }
    return {
        name: FunctionServable(signatures(name), by_signature, name)
        for name, by_signature in functions.items()
    }


def _key(inputs, row):
    values = (inputs[name][row] for name in sorted(inputs))
    return tuple(
        tuple(v.ravel()) if v.dtype == object else (v.dtype.str, v.tobytes()) for v in values
    )


def _recorded(model):
    """Look rows up among those of the vectors in the row format."""
    spec = signatures(model)["serving_default"]
    answers = {}
    for vector in VECTORS:
        request, response = vector["request"], vector["response"]
        name = request["path"].partition("models/")[2].partition("/")[0].partition(":")[0]
        body = request.get("body", {})
        named = body.get("signature_name", "serving_default")
        if name != model or named != "serving_default" or "instances" not in body:
            continue
        if response["status"] != 200:
            continue
        for row, answer in zip(body["instances"], response["json"]["predictions"], strict=True):
            values = row if isinstance(row, dict) else {next(iter(spec.inputs)): row}
            inputs = {key: _array(v, spec.inputs[key].dtype) for key, v in values.items()}
            outputs = answer if isinstance(answer, dict) else {next(iter(spec.outputs)): answer}
            answers[_key(inputs, 0)] = outputs

    def run(inputs):
        rows = len(next(iter(inputs.values())))
        found = [answers[_key(inputs, row)] for row in range(rows)]
        return {
            name: np.array([outputs[name] for outputs in found], info.dtype.np)
            for name, info in spec.outputs.items()
        }

    return run


def _array(row, dtype):
    if dtype is dtypes.string:
        texts = [b"red" if isinstance(v, dict) else v.encode() for v in row]
        return np.array([texts], object)
    return np.array([row], dtype.np)


def _examples(inputs):
    for text in inputs["inputs"]:
        example = protos.Example.FromString(text)
        features = example.features.feature
        if features["x"].WhichOneof("kind") != "float_list":
            raise InvalidArgumentError("Key: x.  Data types don't match. Expected type: float")
        bias = list(features["bias"].float_list.value) or [0.0]
        yield (round(features["x"].float_list.value[0], 4), bias[0])


_PROBABILITIES = {}
_VALUES = {}
for _vector in VECTORS:
    if _vector["id"].startswith(("classify", "regress")):
        _body = _vector["request"]["body"]
        _context = _body.get("context", {})
        _pairs = zip(_body["examples"], _vector["response"]["json"]["results"], strict=True)
        for _example, _result in _pairs:
            _merged = _context | _example
            _kept = _PROBABILITIES if isinstance(_result, list) else _VALUES
            _kept[round(_merged["x"][0], 4), _merged.get("bias", 0.0)] = _result


def _classify(inputs):
    found = [_PROBABILITIES[key] for key in _examples(inputs)]
    classes = np.array([[name.encode() for name, _ in row] for row in found], object)
    return {
        "classes": classes,
        "scores": np.array([[s for _, s in r] for r in found], np.float32),
    }


def _regress(inputs):
    return {"outputs": np.array([[_VALUES[key]] for key in _examples(inputs)], np.float32)}
