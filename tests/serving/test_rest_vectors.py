"""Every recorded request gets the recorded answer.

Expected: numbers of TensorFlow 2.21, statuses and texts of TF Serving (`made_by` in the file).
"""

import asyncio
import json

import pytest

from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.manager import Manager
from penstock.serving.rest_api import RestApi, other_paths
from penstock.serving.router import Request, Router
from tests.serving.fakes import FakeLoader, FakeSource
from tests.serving.golden import VECTORS, differ, servables


@pytest.fixture(scope="module")
def ask():
    """Answers requests of a server with fresh models; the vectors come in their order."""
    models = servables()
    executor = Executor()
    manager = Manager(
        [FakeSource(name, 1) for name in models],
        FakeLoader(lambda name, version: models[name]),
        lambda servable: Engine(servable, executor),
        labels={name: {"stable": 1} for name in models},
    )
    manager.start()
    router = Router([RestApi(Gateway(manager)).protocol()], other_paths())
    with asyncio.Runner() as runner:
        yield lambda *args: runner.run(router.handle(Request(*args)))
    manager.stop()
    executor.close()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_recorded_request_gets_the_recorded_answer(ask, vector):
    request, expected = vector["request"], vector["response"]
    body = request.get("raw_body", json.dumps(request["body"]) if "body" in request else "")

    response = ask(request["method"], request["path"], body.encode())

    assert response.status == expected["status"], response.body
    assert response.content_type == expected["content_type"]
    for text in expected.get("text_contains", ()):
        assert text.encode() in response.body
    if "json" in expected:
        got = json.loads(response.body)
        assert differ(got, expected["json"], expected["rtol"], expected["atol"]) is None
    if "error_contains" in expected:
        got = json.loads(response.body)
        assert got.keys() == {"error"}
        assert expected["error_contains"] in got["error"]
        assert "\n" not in got["error"]
