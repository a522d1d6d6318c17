"""Clients of others ask the server.

Made with tensorflow-serving-api 2.21.0, tritonclient 2.73.0, grpcio-reflection and
grpcio-health-checking 1.81.1; `PENSTOCK_SERVING_PEER_PYTHON` names a Python that has them.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from penstock.serving.server import ModelConfig, Server, ServerConfig

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_SERVING_PEER_PYTHON")
FIXTURES = Path(__file__).parents[2].parent / "shared" / "fixtures"
VECTORS_FILE = FIXTURES / "serving_rest.json"
PROGRAM = Path(__file__).with_name("peer_asks.py")


@pytest.fixture(scope="module", params=["own", "grpcio"])
def ask(request, tmp_path_factory):
    """Lets a client ask a server with the recorded models."""
    if PYTHON is None:
        pytest.skip("PENSTOCK_SERVING_PEER_PYTHON is not set")
    if not VECTORS_FILE.is_file():
        pytest.skip("the fixtures are not beside this checkout")
    base = tmp_path_factory.mktemp("models")
    configs = []
    for model in json.loads(VECTORS_FILE.read_text(encoding="utf-8"))["models"]:
        version = base / model["name"] / str(model["version"])
        version.parent.mkdir()
        version.symlink_to(FIXTURES / model["path"], target_is_directory=True)
        configs.append(ModelConfig(model["name"], base / model["name"]))
    config = ServerConfig(
        tuple(configs), port=0, grpc_port=0, grpc_implementation=request.param
    )
    with Server(config) as server:

        def run(client, text=""):
            addresses = (f"127.0.0.1:{server.grpc_port}", f"127.0.0.1:{server.port}")
            done = subprocess.run(
                # Not with its own folder first: a package beside it is called grpc, too.
                [PYTHON, "-P", str(PROGRAM), client, *addresses],
                check=False,
                input=text,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            return json.loads(done.stdout.splitlines()[-1])

        yield run


def test_the_client_of_tf_serving_is_answered(ask):
    found = ask("tf_serving")

    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32)
    assert found["version"] == 1
    np.testing.assert_allclose(found["predict"]["sum"], a + b)
    assert found["predict"]["mask"] == (a > b).tolist()
    assert found["error"] == ["INVALID_ARGUMENT", "Missing ModelSpec"]
    assert [label for label, _ in found["classify"]] == ["no", "yes"]
    assert sum(score for _, score in found["classify"]) == pytest.approx(1)
    assert found["multi"] == [found["classify"], found["regress"]]
    assert {"two", "count"} <= set(found["signatures"])
    assert found["states"] == [[1, 30]]


def test_the_clients_of_triton_are_answered(ask):
    found = ask("triton")

    for kind in ("http", "grpc"):
        assert found[kind]["health"] == [True, True, True, True, False]
        assert found[kind]["platform"] == "tensorflow_savedmodel"
        assert found[kind]["words"] == [0, -1]
        assert "input size does not match signature" in found[kind]["error"]
        np.testing.assert_allclose(np.sum(found[kind]["infer"], 1), 1, rtol=1e-5)
        np.testing.assert_allclose(found[kind]["compressed"], found[kind]["infer"], rtol=1e-6)
    np.testing.assert_allclose(found["http"]["infer"], found["grpc"]["infer"], rtol=1e-6)
    np.testing.assert_allclose(found["http"]["json"], found["grpc"]["infer"], rtol=1e-6)
    assert found["http"]["id"] == "7"


def test_a_tool_learns_the_messages_from_the_server(ask):
    found = ask("reflection")

    methods = found["services"]["tensorflow.serving.PredictionService"]
    assert methods == ["Classify", "Regress", "Predict", "MultiInference", "GetModelMetadata"]
    assert "inference.GRPCInferenceService" in found["services"]
    assert found["states"] == [[1, 30]]


def test_the_client_of_the_health_service_is_answered(ask):
    found = ask("health")

    serving, unknown = 1, 3
    assert found == {
        "": serving,
        "keras_mlp": serving,
        "tensorflow.serving.PredictionService": serving,
        "watched": unknown,
        "unknown": "NOT_FOUND",
    }


def test_the_openapi_document_is_valid_and_describes_what_is_asked_and_answered(ask):
    vectors = [
        {
            "id": vector["id"],
            "path": vector["request"]["path"],
            "request": vector["request"]["body"],
            "response": vector["response"]["json"],
        }
        for vector in json.loads(VECTORS_FILE.read_text(encoding="utf-8"))["vectors"]
        if vector["response"]["status"] == 200 and "body" in vector["request"]
    ]

    found = ask("openapi", json.dumps(vectors))

    assert len(vectors) > 20
    assert found["version"].startswith("3.1")
    assert found["wrong"] == []
