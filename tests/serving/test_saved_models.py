"""The whole server over SavedModels of TensorFlow 2.21, asked with every recorded request."""

import http.client
import json
from pathlib import Path

import pytest

from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.golden import differ

FIXTURES = Path(__file__).parents[2].parent / "shared" / "fixtures"
VECTORS_FILE = FIXTURES / "serving_rest.json"
DOCUMENT = (
    json.loads(VECTORS_FILE.read_text(encoding="utf-8"))
    if VECTORS_FILE.is_file()
    else {"models": [], "vectors": []}
)

pytestmark = pytest.mark.skipif(
    not DOCUMENT["vectors"], reason="the fixtures are not beside this checkout"
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """Talks to a server with freshly loaded models; the vectors come in their order."""
    pytest.importorskip("penstock.saved_model.load", reason="SavedModels cannot be loaded")
    base = tmp_path_factory.mktemp("models")
    for model in DOCUMENT["models"]:
        version = base / model["name"] / str(model["version"])
        version.parent.mkdir()
        version.symlink_to(FIXTURES / model["path"], target_is_directory=True)
    models = tuple(
        ModelConfig(model["name"], base / model["name"], labels=model["labels"])
        for model in DOCUMENT["models"]
    )
    with Server(ServerConfig(models, port=0)) as server:
        talking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        yield talking
        talking.close()


@pytest.mark.parametrize("vector", DOCUMENT["vectors"], ids=lambda vector: vector["id"])
def test_a_served_saved_model_gives_the_recorded_answer(connection, vector):
    request, expected = vector["request"], vector["response"]
    body = request.get("raw_body", json.dumps(request["body"]) if "body" in request else None)

    connection.request(request["method"], request["path"], body)
    answer = connection.getresponse()
    text = answer.read().decode()

    assert answer.status == expected["status"], text[:300]
    assert answer.headers["Content-Type"] == expected["content_type"]
    assert [part for part in expected.get("text_contains", ()) if part not in text] == []
    if "json" in expected:
        got = json.loads(text)
        assert differ(got, expected["json"], expected["rtol"], expected["atol"]) is None
    if "error_contains" in expected:
        assert expected["error_contains"] in json.loads(text)["error"]
