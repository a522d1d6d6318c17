"""The whole server on the loopback, with a loader that makes small models."""

import contextlib
import http.client
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from penstock.serving.batcher import BatchingParameters
from penstock.serving.http import HttpLimits
from penstock.serving.protocols.rest import ModelSpec
from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.fakes import FakeLoader, doubler


@pytest.fixture
def base(tmp_path):
    (tmp_path / "double" / "1").mkdir(parents=True)
    return tmp_path / "double"


def serve(base, loader=None, **options):
    config = ServerConfig((ModelConfig("double", base),), **{"port": 0, **options})
    return Server(config, loader or FakeLoader(doubler))


def address(server):
    return "127.0.0.1", server.port


@contextlib.contextmanager
def connected(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection, method, path, body=None):
    connection.request(method, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None


def predict(connection, *rows):
    body = {"instances": [[row, row] for row in rows]}
    return ask(connection, "POST", "/v1/models/double:predict", body)


def test_a_client_gets_predictions_over_one_connection(base):
    with serve(base) as server, connected(server) as connection:
        answers = [predict(connection, i) for i in range(3)]
        address = connection.sock.getsockname()
        predict(connection, 1)

        assert connection.sock.getsockname() == address

    assert answers == [(200, {"predictions": [[2.0 * i, 2.0 * i]]}) for i in range(3)]


def test_status_metadata_and_other_paths_are_answered(base):
    with serve(base) as server, connected(server) as connection:
        status = ask(connection, "GET", "/v1/models/double")
        metadata = ask(connection, "GET", "/v1/models/double/versions/1/metadata")
        nothing = ask(connection, "GET", "/")
        head = ask(connection, "HEAD", "/v1/models/double")
        connection.request("OPTIONS", "/v1/models/double:predict")
        options = connection.getresponse()
        options.read()

    assert status[0] == 200
    assert status[1]["model_version_status"][0]["state"] == "AVAILABLE"
    signature = metadata[1]["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["tensor_shape"]["dim"][1] == {"size": "2", "name": ""}
    assert nothing == (404, {"error": "no such path: GET /"})
    assert head == (200, None)
    assert options.status == 200
    assert options.headers["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_requests_are_counted_and_the_counts_can_be_fetched(base):
    with serve(base) as server, connected(server) as connection:
        predict(connection, 1)
        ask(connection, "POST", "/v1/models/nobody:predict", {"instances": [1]})
        connection.request("GET", "/monitoring/prometheus/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert ':tensorflow:serving:request_count{model_name="double",status="OK"}' in text
    assert ':request_count{model_name="_unknown",status="NOT_FOUND"}' in text
    assert "nobody" not in text
    assert 'API="Predict",entrypoint="REST"' in text


def test_many_clients_get_their_own_rows_from_shared_calls(base):
    models = []

    def make(name, version):
        models.append(doubler(name, version))
        return models[-1]

    with serve(base, FakeLoader(make), batching=BatchingParameters(8)) as server:

        def ask_in_turn(number):
            with connected(server) as connection:
                return [predict(connection, number, i)[1]["predictions"] for i in range(20)]

        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(ask_in_turn, range(8)))

    for number, answer in enumerate(answers):
        assert answer == [[[2.0 * number] * 2, [2.0 * i] * 2] for i in range(20)]
    assert {call["x"][0] for call in models[0].calls} <= {2, 4, 8}


def test_pipelined_requests_are_answered_in_order(base):
    text = b""
    for i in range(10):
        body = json.dumps({"instances": [[i, i]]}).encode()
        text += b"POST /v1/models/double:predict HTTP/1.1\r\nHost: x\r\n"
        text += b"Connection: close\r\n" if i == 9 else b""
        text += b"Content-Length: %d\r\n\r\n" % len(body) + body

    with serve(base) as server, socket.create_connection(address(server), 30) as client:
        client.sendall(text)
        received = b"".join(iter(lambda: client.recv(65536), b""))

    bodies = [part.partition(b"HTTP/1.1")[0] for part in received.split(b"\r\n\r\n")[1:]]
    assert [json.loads(body)["predictions"][0][0] for body in bodies] == [
        2.0 * i for i in range(10)
    ]


def test_a_body_over_the_limit_is_refused_while_it_is_being_sent(base):
    limits = HttpLimits(max_request_bytes=1000)
    with serve(base, limits=limits) as server, connected(server) as connection:
        status, answer = ask(connection, "POST", "/v1/models/double:predict", "x" * 300_000)

    assert status == 413
    assert "see --max_request_bytes" in answer["error"]


def test_a_new_version_is_served_without_a_restart(base):
    loaded = threading.Event()

    def make(name, version):
        if version == 2:
            loaded.set()
        return doubler(name, version)

    loader = FakeLoader(make)
    with serve(base, loader, file_system_poll_wait_seconds=0.01) as server:
        (base / "2").mkdir()
        assert loaded.wait(30)
        server.manager.stop()  # waits for the swap
        statuses = [s.version for s in server.manager.status(ModelSpec("double"))]

    assert statuses == [2, 1]


class Gate:
    """A model that answers when it is told to."""

    def __init__(self):
        self.entered, self.opened = threading.Event(), threading.Event()

    def make(self, name, version):
        model = doubler(name, version)
        double = model.functions["serving_default"]

        def run(inputs):
            self.entered.set()
            assert self.opened.wait(30)
            return double(inputs)

        model.functions = {"serving_default": run}
        return model


def test_what_is_in_work_is_answered_when_the_server_stops(base):
    gate = Gate()
    server = serve(base, FakeLoader(gate.make))
    server.start()
    idle = socket.create_connection(address(server), 30)
    with ThreadPoolExecutor(2) as pool, connected(server) as connection, idle:
        idle.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(10_000).startswith(b"HTTP/1.1 404 ")
        answer = pool.submit(predict, connection, 3)
        assert gate.entered.wait(30)
        stopping = pool.submit(server.stop)
        assert idle.recv(10) == b""  # closed at once, as nothing of it is in work
        with pytest.raises(ConnectionError):
            socket.create_connection(address(server), 30)
        assert not answer.done()
        gate.opened.set()

        assert answer.result(30) == (200, {"predictions": [[6.0, 6.0]]})
        stopping.result(30)


def test_stopping_takes_no_longer_than_allowed(base):
    gate = Gate()
    server = serve(base, FakeLoader(gate.make), stop_timeout_s=0.05)
    server.start()
    with ThreadPoolExecutor(1) as pool, connected(server) as connection:
        answer = pool.submit(predict, connection, 3)
        assert gate.entered.wait(30)

        server.stop()

        with pytest.raises((OSError, http.client.HTTPException)):
            answer.result(30)
        gate.opened.set()


def test_a_taken_port_is_told_before_anything_is_loaded(base):
    loader = FakeLoader(doubler)
    with serve(base) as first:
        second = serve(base, loader, port=first.port)
        with pytest.raises(UnavailableError, match=f"cannot listen on .*:{first.port}: "):
            second.start()

    assert loader.loaded == []


def test_an_address_that_is_not_ours_is_told(base):
    with pytest.raises(UnavailableError, match=r"cannot listen on 192\.0\.2\.1:0"):
        serve(base, host="192.0.2.1").start()


def test_a_model_that_does_not_load_frees_the_port(base):
    server = serve(base, FakeLoader(errors={1: [DataLossError("it is damaged")]}))

    with pytest.raises(DataLossError, match="it is damaged"):
        server.start()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", server.port))


def test_a_base_path_that_is_missing_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="is not a folder"):
        serve(tmp_path / "none").start()


def test_the_start_is_told_to_the_log(base, caplog):
    caplog.set_level(logging.INFO, "penstock.serving")

    with serve(base) as server:
        url = server.url

    assert f"serving double version 1 on {url}" in caplog.messages


def test_a_server_listens_on_ipv6_too(base):
    server = serve(base, host="::1")
    try:
        server.start()
    except UnavailableError:
        pytest.skip("this machine has no IPv6")
    url, port = server.url, server.port
    server.stop()

    assert url == f"http://[::1]:{port}"


def test_a_server_starts_once(base):
    with serve(base) as server, pytest.raises(FailedPreconditionError, match="started once"):
        server.start()


def test_there_is_no_port_before_the_start(base):
    with pytest.raises(FailedPreconditionError, match="no port before it is started"):
        _ = serve(base).port


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "at least one model"),
        ([""], "must not be empty"),
        (["a/b"], "or hold '/' or ':', got 'a/b'"),
        (["a:b"], "got 'a:b'"),
        (["a", "a"], "two models have the name 'a'"),
    ],
)
def test_models_need_names_that_fit_into_paths(tmp_path, names, text):
    with pytest.raises(InvalidArgumentError, match=text):
        ServerConfig(tuple(ModelConfig(name, tmp_path) for name in names))
