import asyncio
import gzip
import http.client
import json
import zlib

import pytest

from penstock.core.errors import (
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock.serving.content_encoding import inflate
from penstock.serving.rest_api import encode_error
from penstock.serving.router import Protocol, Request, Response, Router
from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.fakes import FakeLoader, doubler

TEXT = b'{"instances": [[1.0, 2.0]]}'


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"", TEXT),
        (b"identity", TEXT),
        (b"gzip", gzip.compress(TEXT)),
        (b"x-gzip", gzip.compress(TEXT)),
        (b"deflate", zlib.compress(TEXT)),
    ],
)
def test_a_body_becomes_what_it_was(encoding, body):
    assert inflate(body, encoding, 1000) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        (b"br", TEXT, UnimplementedError),
        (b"gzip", TEXT, InvalidArgumentError),
        (b"gzip", gzip.compress(TEXT)[:-9], InvalidArgumentError),
        (b"gzip", gzip.compress(TEXT) + b"more", InvalidArgumentError),
        (b"gzip", b"", InvalidArgumentError),
        (b"gzip", gzip.compress(bytes(1001)), ResourceExhaustedError),
    ],
)
def test_other_bodies_are_refused(encoding, body, error):
    with pytest.raises(error):
        inflate(body, encoding, 1000)


def test_a_short_bomb_is_a_short_one():
    bomb = gzip.compress(bytes(50 << 20))

    with pytest.raises(ResourceExhaustedError, match="at most"):
        inflate(bomb, b"gzip", 64 << 20)


@pytest.mark.parametrize("way", ["handle", "begin"])
def test_the_router_inflates_before_a_handler_sees_the_body(way):
    async def echo(request):
        return Response(200, request.body)

    router = Router([], Protocol("/", lambda *_: echo, encode_error))

    async def ask():
        request = Request("POST", "/", gzip.compress(TEXT), content_encoding=b"gzip")
        if way == "handle":
            return await router.handle(request)
        answer = asyncio.get_running_loop().create_future()
        router.begin(request, answer.set_result)
        return await answer

    assert asyncio.run(ask()).body == TEXT


def test_the_server_takes_compressed_requests(tmp_path):
    (tmp_path / "double" / "1").mkdir(parents=True)
    config = ServerConfig((ModelConfig("double", tmp_path / "double"),), port=0)

    with Server(config, FakeLoader(doubler)) as server:
        talking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        found = []
        for body in (gzip.compress(TEXT), gzip.compress(TEXT), b"no gzip"):
            headers = {"Content-Encoding": "gzip"}
            talking.request("POST", "/v1/models/double:predict", body, headers)
            answer = talking.getresponse()
            found.append((answer.status, json.loads(answer.read())))
        talking.close()

    assert found[0] == found[1] == (200, {"predictions": [[2.0, 4.0]]})
    assert found[2][0] == 400
    assert "gzip" in found[2][1]["error"]
