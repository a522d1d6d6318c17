"""The Open Inference Protocol over HTTP: bytes in, bytes out."""

import asyncio
import json
import struct

import numpy as np
import pytest

from penstock.core.tensor_shape import TensorShape
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.inference_api import InferenceHttpApi
from penstock.serving.manager import Manager
from penstock.serving.protocols import inference_json
from penstock.serving.protocols.inference_json import InferReader
from penstock.serving.readiness import Readiness
from penstock.serving.rest_api import other_paths
from penstock.serving.router import Request, Router
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import FakeLoader, FakeSource, FunctionServable, tensor

INFER = "/v2/models/echo/infer"
TYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "BF16": "bfloat16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "string",
}


def echo(name, version):
    """Gives back what it gets, one signature for each type."""

    def spec(dtype):
        info = tensor(dtype)
        object.__setattr__(info, "shape", TensorShape(None))
        object.__setattr__(info, "dims", None)
        return SignatureSpec({"x": info}, {"y": info})

    signatures = {dtype: spec(dtype) for dtype in TYPES.values()}
    two = tensor("float32", None, 2)
    signatures["serving_default"] = SignatureSpec({"x": two}, {"y": two, "z": two})
    functions = {name: lambda inputs: {"y": inputs["x"]} for name in signatures}
    functions["serving_default"] = lambda i: {"y": i["x"] * 2, "z": i["x"] + 1}
    return FunctionServable(signatures, functions, name, version)


@pytest.fixture
def ask():
    executor = Executor()
    manager = Manager(
        [FakeSource("echo", 1, 3)],
        FakeLoader(echo),
        lambda servable: Engine(servable, executor),
        labels={"echo": {"stable": 1}},
    )
    manager.start()
    gateway = Gateway(manager)
    protocol = InferenceHttpApi(gateway, Readiness(manager)).protocol()
    router = Router([protocol], other_paths())
    with asyncio.Runner() as runner:

        def send(method, path, body=b"", *, headers=()):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            return runner.run(router.handle(Request(method, path, body, headers)))

        yield send
    manager.stop()
    executor.close()


def request(data, shape=(1, 2), datatype="FP32", **more):
    return {
        "inputs": [{"name": "x", "shape": shape, "datatype": datatype, "data": data}],
        **more,
    }


def error(response):
    found = json.loads(response.body)
    assert found.keys() == {"error"}
    return found["error"]


@pytest.mark.parametrize("data", [[1, 2], [[1, 2]], [1.0, 2.0]], ids=str)
def test_data_may_be_flat_or_nested(ask, data):
    response = ask("POST", INFER, request(data, id="42"))

    assert response.status == 200
    assert json.loads(response.body) == {
        "model_name": "echo",
        "model_version": "3",
        "id": "42",
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [2.0, 4.0]},
            {"name": "z", "datatype": "FP32", "shape": [1, 2], "data": [2.0, 3.0]},
        ],
    }


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("BOOL", [True, False]),
        ("UINT8", [0, 255]),
        ("UINT64", [0, (1 << 64) - 1]),
        ("INT8", [-128, 127]),
        ("INT64", [-(1 << 63), (1 << 63) - 1]),
        ("FP16", [0.5, -2.0]),
        ("BF16", [0.5, -2.0]),
        ("FP64", [0.1, 1e150]),
        ("BYTES", ["red", "\u00e9"]),
        ("BYTES", []),
        ("FP32", []),
    ],
    ids=str,
)
def test_every_type_survives_as_json(ask, datatype, data):
    parameters = {"signature_name": TYPES[datatype]}

    response = ask("POST", INFER, request(data, [len(data)], datatype, parameters=parameters))

    (output,) = json.loads(response.body)["outputs"]
    assert (output["datatype"], output["data"]) == (datatype, data)


@pytest.mark.parametrize(
    ("datatype", "raw"),
    [
        ("BOOL", b"\x01\x00"),
        ("INT32", struct.pack("<2i", -1, 7)),
        ("FP16", struct.pack("<2e", 0.5, -2)),
        ("BF16", b"\x80\x3f\x00\xc0"),
        ("FP32", struct.pack("<2f", 0.5, float("nan"))),
        ("BYTES", b"\x01\x00\x00\x00\xff\x03\x00\x00\x00abc"),
    ],
)
def test_every_type_survives_as_bytes(ask, datatype, raw):
    head = {
        "parameters": {"signature_name": TYPES[datatype], "binary_data_output": True},
        "inputs": [
            {
                "name": "x",
                "shape": [2],
                "datatype": datatype,
                "parameters": {"binary_data_size": len(raw)},
            }
        ],
    }
    text = json.dumps(head).encode()
    headers = [(b"inference-header-content-length", b"%d" % len(text))]

    response = ask("POST", INFER, text + raw, headers=headers)

    size = int(dict(response.headers)["Inference-Header-Content-Length"])
    (output,) = json.loads(response.body[:size])["outputs"]
    assert response.content_type == "application/octet-stream"
    assert output["parameters"] == {"binary_data_size": len(raw)}
    assert response.body[size:] == raw


def test_outputs_can_be_chosen_each_in_its_form(ask):
    wanted = [{"name": "z", "parameters": {"binary_data": True}}, {"name": "y"}]

    response = ask("POST", INFER, request([1, 2], outputs=wanted))

    size = int(dict(response.headers)["Inference-Header-Content-Length"])
    z, y = json.loads(response.body[:size])["outputs"]
    assert (z["name"], z["parameters"], y["data"]) == ("z", {"binary_data_size": 8}, [2, 4])
    assert np.frombuffer(response.body[size:], np.float32).tolist() == [2, 3]


@pytest.mark.parametrize("path", ["1", "3", "stable"])
def test_a_version_is_chosen_by_number_or_label(ask, path):
    response = ask("POST", f"/v2/models/echo/versions/{path}/infer", request([1, 2]))

    expected = "1" if path == "stable" else path
    assert json.loads(response.body)["model_version"] == expected


def test_the_server_and_the_model_describe_themselves(ask):
    server = json.loads(ask("GET", "/v2").body)
    model = json.loads(ask("GET", "/v2/models/echo").body)

    assert server["name"] == "penstock"
    assert "binary_tensor_data" in server["extensions"]
    assert model["versions"] == ["1", "3"]
    assert model["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]


@pytest.mark.parametrize(
    ("path", "status", "document"),
    [
        ("/v2/health/live", 200, {"live": True}),
        ("/v2/health/ready", 200, {"ready": True}),
        ("/v2/models/echo/ready", 200, {"name": "echo", "ready": True}),
        ("/v2/models/echo/versions/3/ready", 200, {"name": "echo", "ready": True}),
        ("/v2/models/echo/versions/2/ready", 503, {"name": "echo", "ready": False}),
        ("/v2/models/none/ready", 503, {"name": "none", "ready": False}),
    ],
)
def test_health_is_told(ask, path, status, document):
    response = ask("GET", path)

    assert (response.status, json.loads(response.body)) == (status, document)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error"),
        (b"[1]", "must be a JSON object"),
        ({}, "list of 'inputs'"),
        ({"inputs": [1]}, "must be an object with a 'name'"),
        (request([1, 2, 3]), "must have shape [1, 2] or be flat with 2 values"),
        (request([[1], [2, 3]], [1, 3]), "unexpected size"),
        (request([[1, [2]]]), "level"),
        (request([1, 2], datatype="FP31"), "datatype of input 'x' must be one of BOOL"),
        (request([1, 2], [-1, 2]), "shape of input 'x'"),
        (request([1, 2], [1.5, 2]), "shape of input 'x'"),
        (request([1, 2], [1 << 50, 1 << 50]), "shape of input 'x'"),
        (request(["a", "b"]), "is not of expected type: float"),
        (
            request([1, 2], datatype="FP64"),
            "must be float32[?, 2], got elements",
        ),
        (request([1, 2, 3], [1, 3]), "must be float32[?, 2], got float32[1, 3]"),
        (request([1, 2], outputs=[{"name": "none"}]), "no output 'none'"),
        (request([1, 2], outputs=[7]), "must be an object with a 'name'"),
        (request([1, 2], parameters=[]), "list of"),
        (request([1, 2], parameters={"signature_name": "none"}), "no signature 'none'"),
        (request([1, 2], id=7), "'id' must be a string"),
        ({"inputs": [request([1, 2])["inputs"][0]] * 2}, "is there twice"),
        (
            {"inputs": [{"name": "x", "shape": [2], "datatype": "FP32"}]},
            "input 'x' must have 'data'",
        ),
        (
            {
                "inputs": [
                    {
                        "name": "x",
                        "shape": [2],
                        "datatype": "FP32",
                        "parameters": {"binary_data_size": 8},
                    }
                ]
            },
            "binary_data_size of input 'x' must be at most the 0 bytes",
        ),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_the_words_of_the_protocol(ask, body, text):
    response = ask("POST", INFER, body)

    if text == "list of":  # empty parameters are none
        assert response.status == 200
        return
    assert response.status == 400
    assert text in error(response)


@pytest.mark.parametrize("length", [b"x", b"-1", b"9999999", b"1" * 30, b""])
def test_a_wrong_length_of_the_json_is_refused(ask, length):
    headers = [(b"inference-header-content-length", length)]

    response = ask("POST", INFER, request([1, 2]), headers=headers)

    assert response.status == 400
    assert "Inference-Header-Content-Length" in error(response)


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x01\x00\x00\x00", b"\xff\xff\xff\xff" * 2])
def test_strings_whose_lengths_do_not_add_up_are_refused(ask, raw):
    head = {
        "parameters": {"signature_name": "string"},
        "inputs": [
            {
                "name": "x",
                "shape": [1],
                "datatype": "BYTES",
                "parameters": {"binary_data_size": len(raw)},
            }
        ],
    }
    text = json.dumps(head).encode()
    headers = [(b"inference-header-content-length", b"%d" % len(text))]

    assert ask("POST", INFER, text + raw, headers=headers).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", INFER, 405),
        ("POST", "/v2", 405),
        ("POST", "/v2/models/none/infer", 404),
        ("POST", "/v2/models/echo/versions/9/infer", 404),
        ("POST", "/v2/models/echo/versions/99999999999999999999/infer", 404),
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/none", 404),
        ("GET", "/v2x", 404),
    ],
)
def test_other_paths_have_their_statuses(ask, method, path, status):
    response = ask(method, path, request([1, 2]))

    assert response.status == status
    assert error(response)


def test_the_fast_reader_and_the_general_one_agree():
    rng = np.random.default_rng(3)
    reader = InferReader()
    for _ in range(50):
        shape = rng.integers(0, 4, 2).tolist()
        data = rng.integers(-5, 5, shape)
        value = data.tolist() if rng.random() < 0.5 else data.ravel().tolist()
        body = json.dumps(request(value, shape, "INT32", id="a[b")).encode()
        plain = json.dumps(request(value, shape, "INT32", id="ab")).encode()

        quick = inference_json._quick(reader._parser.parse(plain), plain)
        general = reader.read(body)

        np.testing.assert_array_equal(general.inputs["x"], data)
        assert general.inputs["x"].dtype == np.int32
        if quick is not None:
            np.testing.assert_array_equal(quick.inputs["x"], data)
        quick = None
