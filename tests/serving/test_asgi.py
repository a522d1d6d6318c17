"""The handlers behind an ASGI server. Source: the ASGI specification 3.0."""

import asyncio
import json

import pytest

from penstock.core.errors import DataLossError
from penstock.serving.asgi import AsgiApp
from penstock.serving.http import HttpLimits
from penstock.serving.server import ModelConfig, ServerConfig
from tests.serving.fakes import FakeLoader, doubler


@pytest.fixture
def app(tmp_path):
    (tmp_path / "double" / "1").mkdir(parents=True)
    config = ServerConfig(
        (ModelConfig("double", tmp_path / "double"),), limits=HttpLimits(max_request_bytes=200)
    )
    return AsgiApp(config, FakeLoader(doubler))


async def ask(app, method, path, *pieces, query=b"", headers=(), then="wait"):
    """Send a request as an ASGI server would; return status, headers and body."""
    messages = [
        {
            "type": "http.request",
            "body": piece,
            "more_body": i + 1 < len(pieces) or then == "leave",
        }
        for i, piece in enumerate(pieces or (b"",))
    ]
    sent = []

    async def receive():
        if messages:
            return messages.pop(0)
        if then == "wait":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await app({**scope, "headers": list(headers), "client": ("10.0.0.1", 5)}, receive, send)
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])


def run(app, scenario):
    async def main():
        try:
            return await asyncio.wait_for(scenario(), 20)
        finally:
            await app.stop()

    return asyncio.run(main())


def test_requests_are_answered_as_over_our_own_server(app):
    async def scenario():
        path = "/v1/models/double"
        body = json.dumps({"instances": [[1, 2]]}).encode()
        return (
            await ask(app, "POST", path + ":predict", body[:7], body[7:]),
            await ask(app, "HEAD", path),
            await ask(app, "GET", "/nowhere"),
        )

    predicted, head, nowhere = run(app, scenario)

    assert predicted[0] == 200
    assert predicted[1][b"content-type"] == b"application/json"
    assert json.loads(predicted[2]) == {"predictions": [[2.0, 4.0]]}
    assert (head[0], head[2]) == (200, b"")
    assert int(head[1][b"content-length"]) > 0
    assert nowhere[0] == 404


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"x" * 201, ()), (b"{}", [(b"x-request-timeout-ms", b"soon")])],
    ids=["too long", "bad header"],
)
def test_what_is_over_the_limits_is_refused(app, body, headers):
    answer = run(
        app, lambda: ask(app, "POST", "/v1/models/double:predict", body, headers=headers)
    )

    assert answer[0] == 400


def test_a_client_that_left_gets_nothing(app):
    assert run(app, lambda: ask(app, "GET", "/v1/models/double", b"", then="leave")) is None


def test_the_lifespan_loads_and_lets_go(app):
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = []

    async def main():
        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message["type"])
            if message["type"] == "lifespan.startup.complete":
                assert app._server.manager.available() == [("double", 1)]

        await app({"type": "lifespan"}, receive, send)

    asyncio.run(main())

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert app._server.manager.available() == []


def test_a_model_that_does_not_load_is_told_to_the_server(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    config = ServerConfig((ModelConfig("m", tmp_path / "m"),))
    app = AsgiApp(config, FakeLoader(errors={1: [DataLossError("damaged")] * 9}))
    sent = []

    async def main():
        async def receive():
            return {"type": "lifespan.startup"}

        async def send(message):
            sent.append(message)

        await app({"type": "lifespan"}, receive, send)

    asyncio.run(main())

    assert sent[0]["type"] == "lifespan.startup.failed"
    assert "damaged" in sent[0]["message"]


def test_answers_tell_where_their_time_went(app):
    async def scenario():
        return await ask(app, "POST", "/v1/models/double:predict", b'{"instances": [[1, 2]]}')

    status, headers, _ = run(app, scenario)

    assert status == 200
    parts = [each.partition(b";dur=")[0] for each in headers[b"server-timing"].split(b", ")]
    assert parts == [b"queue", b"compute", b"decode", b"encode"]
