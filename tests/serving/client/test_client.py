"""The clients against servers on the loopback, real and scripted."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from penstock.core import errors
from penstock.serving.client import PROTOCOLS, AsyncClient, Client, RetryPolicy
from penstock.serving.servable import SignatureSpec
from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.client.answers import ScriptedServer, reply
from tests.serving.fakes import FakeLoader, FunctionServable, tensor

METADATA = reply(403, '{"error": "no"}')  # so that no signature is known
NO_RETRY = RetryPolicy(max_attempts=1)


def kinds(name="kinds", version=1):
    """Gives back numbers and strings as they came, in several types."""
    inputs = {
        "x": tensor("float32", None, 2),
        "n": tensor("int64", None),
        "s": tensor("string", None),
        "b": tensor("bool", None),
    }
    outputs = {f"{k}_out": v for k, v in inputs.items()}
    one = SignatureSpec({"x": inputs["x"]}, {"y": inputs["x"]})
    return FunctionServable(
        {"serving_default": one, "all": SignatureSpec(inputs, outputs)},
        {
            "serving_default": lambda i: {"y": i["x"] * 2},
            "all": lambda i: {f"{k}_out": v for k, v in i.items()},
        },
        name,
        version,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "kinds"
    (base / "7").mkdir(parents=True)
    config = ServerConfig((ModelConfig("kinds", base),), port=0, grpc_port=0)
    with Server(config, FakeLoader(kinds)) as server:
        yield server


@pytest.fixture(params=PROTOCOLS)
def client(server, request):
    with Client(url_of(server, request.param), protocol=request.param) as client:
        yield client


def url_of(server, protocol):
    if protocol in ("grpc", "v2_grpc"):
        pytest.importorskip("grpc", reason="the extra 'grpc' is not installed")
        return f"grpc://127.0.0.1:{server.grpc_port}"
    return server.url


def test_an_array_in_is_an_array_out(client):
    x = np.array([[1, 2], [3, 4.5]], np.float32)

    y = client.predict("kinds", x)

    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, x * 2)


def test_python_numbers_become_what_the_model_wants(client):
    np.testing.assert_array_equal(client.predict("kinds", [[1, 2]]), [[2, 4]])


def test_every_type_comes_back_as_it_went(client):
    inputs = {
        "x": np.array([[np.nan, np.inf], [-np.inf, 1e-30]], np.float32),
        "n": np.array([2**53 + 1, -5]),
        "s": np.array([b"plain", "grün".encode()], object),
        "b": np.array([True, False]),
    }

    outputs = client.predict("kinds", inputs, signature_name="all")

    assert outputs.keys() == {"x_out", "n_out", "s_out", "b_out"}
    for name, value in inputs.items():
        np.testing.assert_array_equal(outputs[f"{name}_out"], value)
        assert outputs[f"{name}_out"].dtype == value.dtype


def test_only_wanted_outputs_are_returned(client):
    # The Open Inference Protocol tells nothing of other signatures, so types are given.
    x = np.array([[1, 2]], np.float32)
    inputs = {"x": x, "n": np.array([1]), "s": ["a"], "b": [True]}

    outputs = client.predict("kinds", inputs, signature_name="all", outputs=["n_out"])

    assert list(outputs) == ["n_out"]


def test_states_and_readiness_are_told(client):
    assert client.versions("kinds") == {7: "AVAILABLE"}
    assert client.is_ready("kinds")
    assert not client.is_ready("other")


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda c: c.predict("other", [[1, 2]]), errors.NotFoundError),
        (lambda c: c.predict("kinds", [[1, 2]], version=8), errors.NotFoundError),
        (lambda c: c.predict("kinds", {"x": [[1, 2, 3]]}), errors.InvalidArgumentError),
        (lambda c: c.predict("kinds", [1], signature_name="none"), errors.InvalidArgumentError),
    ],
)
def test_refusals_are_errors_of_their_kind(client, ask, error):
    with pytest.raises(error):
        ask(client)


def test_an_array_without_a_name_needs_a_signature_with_one_input(client):
    with pytest.raises(errors.InvalidArgumentError, match=r"inputs must be given by name"):
        client.predict("kinds", [1], signature_name="all")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_asynchronous_client_asks_many_at_once(server, protocol):
    async def scenario():
        async with AsyncClient(url_of(server, protocol), protocol=protocol) as client:
            asked = [client.predict("kinds", [[i, i]]) for i in range(20)]
            return await asyncio.gather(*asked)

    answers = asyncio.run(scenario())

    assert [a[0, 0] for a in answers] == [2 * i for i in range(20)]


def test_connections_are_used_again():
    answer = reply(200, '{"outputs": [1]}')
    with ScriptedServer(METADATA, answer) as scripted, Client(scripted.url) as client:
        for _ in range(5):
            client.predict("m", {"x": [1.0]})

        assert len(scripted.requests) == 6
        assert scripted.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_without_an_attempt():
    closing = reply(200, '{"outputs": [1]}', "connection: close")
    with (
        ScriptedServer(METADATA, closing) as scripted,
        Client(scripted.url, retries=NO_RETRY) as client,
    ):
        for _ in range(3):
            client.predict("m", {"x": [1.0]})

        assert scripted.connections == 3


def test_an_unavailable_server_is_asked_again():
    busy, good = (
        reply(503, '{"error": "busy"}', "retry-after: 0"),
        reply(200, '{"outputs": [4]}'),
    )
    with (
        ScriptedServer(METADATA, busy, busy, good) as scripted,
        Client(scripted.url, retries=RetryPolicy(initial_backoff_s=0)) as client,
    ):
        outputs = client.predict("m", {"x": [1.0]})

        assert len(scripted.requests) == 4
    assert [v.tolist() for v in outputs.values()] == [[4]]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 504])
def test_what_another_attempt_would_meet_again_is_not_asked_again(status):
    failing = reply(status, '{"error": "so it is"}')
    with ScriptedServer(METADATA, failing) as scripted, Client(scripted.url) as client:
        with pytest.raises(errors.OpError, match="so it is"):
            client.predict("m", {"x": [1.0]})

        assert len(scripted.requests) == 2


def test_attempts_again_end_with_the_budget():
    policy = RetryPolicy(max_attempts=3, initial_backoff_s=0, budget_reserve=4, budget_ratio=0)
    with (
        ScriptedServer(METADATA, reply(503, '{"error": "down"}')) as scripted,
        Client(scripted.url, retries=policy) as client,
    ):
        for _ in range(10):
            with pytest.raises(errors.UnavailableError, match="down"):
                client.predict("m", {"x": [1.0]})

        # The signature, ten requests, and four attempts again.
        assert len(scripted.requests) == 15


def test_a_pause_that_ends_after_the_deadline_is_not_waited_for():
    later = reply(503, '{"error": "later"}', "retry-after: 100")
    with ScriptedServer(METADATA, later) as scripted, Client(scripted.url) as client:
        with pytest.raises(errors.UnavailableError, match="later"):
            client.predict("m", {"x": [1.0]}, timeout_s=20)

        assert len(scripted.requests) == 2


def test_no_answer_in_time_is_a_deadline_exceeded():
    with (
        ScriptedServer(METADATA, b"HTTP/1.1 200 OK\r\n") as scripted,
        Client(scripted.url) as client,
        pytest.raises(errors.DeadlineExceededError, match="before the deadline"),
    ):
        client.predict("m", {"x": [1.0]}, timeout_s=0.2)


def test_an_asynchronous_deadline_is_kept_too():
    async def scenario(url):
        async with AsyncClient(url) as client:
            await client.predict("m", {"x": [1.0]}, timeout_s=0.2)

    with (
        ScriptedServer(METADATA, b"HTTP/1.1 200 OK\r\n") as scripted,
        pytest.raises(errors.DeadlineExceededError),
    ):
        asyncio.run(scenario(scripted.url))


def test_a_server_that_is_not_there_is_unavailable():
    with (
        Client("http://127.0.0.1:1", retries=NO_RETRY) as client,
        pytest.raises(errors.UnavailableError, match=r"cannot reach 127.0.0.1:1"),
    ):
        client.predict("m", {"x": [1.0]})


@pytest.mark.parametrize("answer", [b"hello\r\n\r\n", reply(200, "{"), reply(200, "[]")])
def test_an_answer_that_is_none_is_data_loss(answer):
    with (
        ScriptedServer(METADATA, answer) as scripted,
        Client(scripted.url) as client,
        pytest.raises(errors.DataLossError),
    ):
        client.predict("m", {"x": [1.0]})


def test_own_headers_and_tokens_are_sent():
    with ScriptedServer(METADATA, reply(200, '{"outputs": [1]}')) as scripted:
        with Client(scripted.url, headers={"X-Team": "a"}, token="secret") as client:
            client.predict("m", {"x": [1.0]}, headers={"x-team": "b"})

        assert b"\r\nx-team: b\r\n" in scripted.requests[-1]
        assert b"x-team: a" not in scripted.requests[-1]
        assert b"\r\nauthorization: Bearer secret\r\n" in scripted.requests[-1]


@pytest.mark.parametrize("url", ["127.0.0.1:8501", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(errors.InvalidArgumentError, match="url must be like"):
        Client(url)


def test_the_client_loads_neither_jax_nor_keras():
    script = (
        "import sys; from penstock.serving.client import AsyncClient, Client;"
        "Client('http://127.0.0.1:1'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"jax", "jaxlib", "keras", "tensorflow", "scipy", "penstock.runtime"}
    assert heavy & set(done.stdout.split()) == set()
