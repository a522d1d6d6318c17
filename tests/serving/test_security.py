"""Whoever may not ask a model never reaches it, by any protocol, over TLS or not."""

import http.client
import json
import ssl
import sys
import time
from dataclasses import replace

import grpc
import numpy as np
import pytest
import trustme

from penstock.core.errors import InvalidArgumentError, NotFoundError, UnimplementedError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.middleware.api_keys import new_key
from penstock.serving.security import SecurityConfig, is_loopback
from penstock.serving.server import ModelConfig, Server, ServerConfig
from penstock.serving.tls import TlsConfig, TlsContext, read_ssl_config, remove_copies
from penstock.wire import protos
from penstock.wire.tensors import make_tensor_proto
from tests.serving.fakes import FakeLoader, doubler

POLICY = """
[roles.reader]
actions = ["predict", "metadata"]
models = ["double"]
[roles.other]
actions = ["*"]
models = ["something else"]
[roles.operator]
actions = ["*"]
[quota.clients.slow]
requests_per_s = 0.001
"""


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority, tmp_path_factory):
    """Files with the certificates of a server and of an authority for clients."""
    folder = tmp_path_factory.mktemp("tls")
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return TlsConfig(folder / "cert.pem", folder / "key.pem")


class World:
    """A server with a model that notes its calls, and keys of some clients."""

    def __init__(self, folder, **security):
        self.model = doubler()
        (folder / "double" / "1").mkdir(parents=True)
        self.keys, text = {}, ""
        for client, role in (("web", "reader"), ("stranger", "other"), ("boss", "operator")):
            self.keys[client], lines = new_key(client, (role,))
            text += lines
        self.keys["slow"], lines = new_key("slow", ("reader",))
        (folder / "keys.toml").write_text(text + lines)
        (folder / "policy.toml").write_text(POLICY)
        options = {
            "api_keys_file": folder / "keys.toml",
            "policy_file": folder / "policy.toml",
            **security,
        }
        config = ServerConfig(
            (ModelConfig("double", folder / "double"),),
            port=0,
            grpc_port=0,
            batching=BatchingParameters(),
            security=SecurityConfig(**options),
        )
        self.server = Server(config, FakeLoader(lambda *_: self.model))

    def headers(self, client):
        """Credentials: of a client, none, or some that nobody has."""
        if client is None:
            return {}
        return {"authorization": f"Bearer {self.keys.get(client, client)}"}

    def http(self, method, path, body=None, client=None, *, context=None, headers=None):
        if context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        else:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.server.port, timeout=30, context=context
            )
        try:
            connection.request(method, path, body, {**self.headers(client), **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def grpc(self, path, message, client=None, credentials=None):
        address = f"localhost:{self.server.grpc_port}"
        channel = (
            grpc.insecure_channel(address)
            if credentials is None
            else grpc.secure_channel(address, credentials)
        )
        with channel:
            call = channel.unary_unary(path)
            try:
                answer = call(message, metadata=list(self.headers(client).items()), timeout=30)
            except grpc.RpcError as error:
                return error.code().name, error.details()
            return "OK", answer


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    with made.server:
        yield made


PREDICT = json.dumps({"instances": [[1, 2]]})
EXAMPLES = json.dumps({"examples": [{"x": 1.0}]})
INFER = json.dumps(
    {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}
)
RAW = np.ones((1, 2), np.float32)

# Everything that HTTP offers of a model.
HTTP = [
    ("POST", "/v1/models/double:predict", PREDICT, {}),
    ("POST", "/v1/models/double/versions/1:predict", PREDICT, {}),
    ("POST", "/V1/models/double:predict", PREDICT, {}),
    ("POST", "/v1/models/double:predict?x=1", PREDICT, {}),
    ("POST", "/v1/models/double:classify", EXAMPLES, {}),
    ("POST", "/v1/models/double:regress", EXAMPLES, {}),
    (
        "POST",
        "/v1/models/double:predict",
        RAW.tobytes(),
        {"content-type": "application/octet-stream"},
    ),
    ("GET", "/v1/models/double/metadata", None, {}),
    ("GET", "/v1/models/double", None, {}),
    ("HEAD", "/v1/models/double", None, {}),
    ("POST", "/v2/models/double/infer", INFER, {}),
    ("POST", "/v2/models/double/versions/1/infer", INFER, {}),
    ("GET", "/v2/models/double", None, {}),
]


def predict_request():
    request = protos.PredictRequest()
    request.model_spec.name = "double"
    request.inputs["x"].CopyFrom(make_tensor_proto(np.ones((1, 2), np.float32)))
    return request


def of_examples(kind):
    request = protos.find(f"tensorflow.serving.{kind}")()
    request.model_spec.name = "double"
    request.input.example_list.examples.add()
    return request


def multi_inference():
    request = protos.MultiInferenceRequest()
    request.tasks.add(method_name="tensorflow/serving/classify").model_spec.name = "double"
    request.input.example_list.examples.add()
    return request


def metadata():
    request = protos.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "double"
    return request


def status():
    request = protos.GetModelStatusRequest()
    request.model_spec.name = "double"
    return request


def reload():
    request = protos.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    return request


def infer():
    request = protos.find("inference.ModelInferRequest")(model_name="double")
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    tensor.contents.fp32_contents.extend([1, 2])
    return request


_PREDICTION = "/tensorflow.serving.PredictionService/"
_MODELS = "/tensorflow.serving.ModelService/"
_V2 = "/inference.GRPCInferenceService/"
# Everything that gRPC offers of a model.
GRPC = {
    f"{_PREDICTION}Predict": predict_request,
    f"{_PREDICTION}Classify": lambda: of_examples("ClassificationRequest"),
    f"{_PREDICTION}Regress": lambda: of_examples("RegressionRequest"),
    f"{_PREDICTION}MultiInference": multi_inference,
    f"{_PREDICTION}GetModelMetadata": metadata,
    f"{_MODELS}GetModelStatus": status,
    f"{_MODELS}HandleReloadConfigRequest": reload,
    f"{_V2}ModelInfer": infer,
    f"{_V2}ModelMetadata": lambda: protos.find("inference.ModelMetadataRequest")(name="double"),
}
# What it offers of the server, and of nothing behind it.
OPEN = {
    f"{_V2}ServerLive",
    f"{_V2}ServerReady",
    f"{_V2}ServerMetadata",
    f"{_V2}ModelReady",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}


@pytest.mark.parametrize("client", [None, "psk_0_0", "a.b.c", "stranger", "slow"])
@pytest.mark.parametrize(("method", "path", "body", "headers"), HTTP)
def test_http_lets_nobody_through_to_a_model(world, method, path, body, headers, client):  # noqa: PLR0917
    world.model.calls.clear()
    if client == "slow":
        # The first call spends the quota, and is counted though it asks for nothing.
        world.http("GET", "/v1/models/double", client=client)

    answered, text, _ = world.http(method, path, body, client, headers=headers)

    assert answered == {"stranger": 403, "slow": 429}.get(client, 401)
    assert b"predictions" not in text
    assert b"outputs" not in text
    assert world.model.calls == []


@pytest.mark.parametrize("client", [None, "psk_0_0", "a.b.c", "stranger", "slow"])
@pytest.mark.parametrize("path", GRPC)
def test_grpc_lets_nobody_through_to_a_model(world, path, client):
    world.model.calls.clear()
    if client == "slow":
        world.http("GET", "/v1/models/double", client=client)

    code, _ = world.grpc(path, GRPC[path]().SerializeToString(), client)

    expected = {"stranger": "PERMISSION_DENIED", "slow": "RESOURCE_EXHAUSTED"}
    if path.endswith("HandleReloadConfigRequest"):
        expected["slow"] = "PERMISSION_DENIED"  # the role comes before the quota
    assert code == expected.get(client, "UNAUTHENTICATED")
    assert world.model.calls == []
    assert world.server.manager.available() == [("double", 1)]


def test_every_method_of_grpc_is_looked_at_here():
    from penstock.serving.gateway import Gateway
    from penstock.serving.grpc.services import all_methods
    from penstock.serving.manager import Manager
    from penstock.serving.readiness import Readiness

    manager = Manager([], FakeLoader(), lambda servable: None)
    methods = all_methods(Gateway(manager), Readiness(manager, lambda: False))

    assert set(methods) - OPEN == set(GRPC)


def test_who_may_ask_is_answered(world):
    world.model.calls.clear()

    assert world.http("POST", "/v1/models/double:predict", PREDICT, "web")[:2] == (
        200,
        b'{"predictions":[[2.0,4.0]]}',
    )
    code, answer = world.grpc(f"{_V2}ModelInfer", infer().SerializeToString(), "web")
    assert code == "OK", answer
    code, _ = world.grpc(f"{_PREDICTION}Predict", predict_request().SerializeToString(), "boss")
    assert code == "OK"
    assert len(world.model.calls) == 3


def test_a_refusal_says_how_to_do_better(world):
    status_code, text, headers = world.http("POST", "/v1/models/double:predict", PREDICT)
    assert status_code == 401
    assert "send 'authorization: Bearer" in json.loads(text)["error"]

    world.http("GET", "/v1/models/double", client="slow")
    status_code, _, headers = world.http("GET", "/v1/models/double", client="slow")
    assert status_code == 429
    assert int(headers["Retry-After"]) > 1


def test_probes_need_no_credential(world):
    for path in ("/v2/health/live", "/livez", "/readyz", "/startupz"):
        assert world.http("GET", path)[0] == 200


def test_metrics_are_for_those_who_may_read_them(world):
    path = "/monitoring/prometheus/metrics"

    assert [world.http("GET", path, client=c)[0] for c in (None, "web", "boss")] == [
        401,
        403,
        200,
    ]


def test_the_description_of_the_models_shows_each_client_its_own(world):
    for path in ("/openapi.json", "/docs"):
        shown = {client: world.http("GET", path, client=client)[1] for client in ("web", None)}
        assert b"double" in shown["web"]
        assert b"double" not in shown[None]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("::", False),
    ],
)
def test_a_server_that_is_open_to_all_says_so(host, expected):
    assert is_loopback(host) is expected


# -- TLS -----------------------------------------------------------------------------------


def trusting(authority, client=None):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if client is not None:
        client.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def secret(tls, tmp_path_factory):
    made = World(tmp_path_factory.mktemp("secret"), tls=tls)
    with made.server:
        yield made


def test_http_and_grpc_speak_tls(secret, authority):
    context = trusting(authority)
    answered, text, _ = secret.http(
        "POST", "/v1/models/double:predict", PREDICT, "web", context=context
    )
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    code, _ = secret.grpc(
        f"{_PREDICTION}Predict", predict_request().SerializeToString(), "web", credentials
    )

    assert secret.server.url.startswith("https://")
    assert (answered, text, code) == (200, b'{"predictions":[[2.0,4.0]]}', "OK")


def test_plain_text_gets_no_answer_from_a_tls_port(secret):
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        secret.http("GET", "/v1/models/double", client="web")


def test_old_versions_of_tls_are_refused(secret, authority):
    context = trusting(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionError)):
        secret.http("GET", "/v1/models/double", context=context)


@pytest.fixture(scope="module")
def mutual(tls, tmp_path_factory):
    config = replace(tls, client_ca=tls.key.with_name("ca.pem"))
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text(POLICY + '[clients]\nweb = ["reader"]\n')
    made = World(
        tmp_path_factory.mktemp("mutual"),
        tls=config,
        with_certificates=True,
        policy_file=policy,
    )
    with made.server:
        yield made


def client_certificate(authority, name):
    return authority.issue_cert(f"{name}.example", common_name=name)


def test_a_certificate_opens_what_its_client_may_do(mutual, authority):
    web, other = (client_certificate(authority, name) for name in ("web", "other"))
    mutual.model.calls.clear()

    assert mutual.http("GET", "/v1/models/double", context=trusting(authority, web))[0] == 200
    assert mutual.http("GET", "/v1/models/double", context=trusting(authority, other))[0] == 403
    for client, expected in ((web, "OK"), (other, "PERMISSION_DENIED")):
        credentials = grpc.ssl_channel_credentials(
            authority.cert_pem.bytes(),
            client.private_key_pem.bytes(),
            client.cert_chain_pems[0].bytes(),
        )
        request = predict_request().SerializeToString()
        code, _ = mutual.grpc(f"{_PREDICTION}Predict", request, None, credentials)
        assert code == expected
    assert len(mutual.model.calls) == 1


def test_without_a_certificate_of_the_authority_there_is_no_connection(mutual, authority):
    stranger = trustme.CA().issue_cert("web.example", common_name="web")

    for context in (trusting(authority), trusting(authority, stranger)):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            mutual.http("GET", "/v1/models/double", client="web", context=context)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    code, _ = mutual.grpc(f"{_MODELS}GetModelStatus", b"", "web", credentials)
    assert code == "UNAVAILABLE"


def test_a_certificate_that_is_replaced_is_used_from_then_on(authority, tmp_path, caplog):
    def issue():
        cert = authority.issue_cert("localhost")
        cert.private_key_pem.write_to_path(tmp_path / "key.pem")
        (tmp_path / "cert.pem").write_bytes(cert.cert_chain_pems[0].bytes())

    issue()
    context = TlsContext(TlsConfig(tmp_path / "cert.pem", tmp_path / "key.pem"), ["http/1.1"])
    assert not context.follow()

    time.sleep(0.01)
    issue()
    assert context.follow()
    assert not context.follow()

    (tmp_path / "cert.pem").write_text("half of it")
    assert not context.follow()
    assert "certificates stay as they are" in caplog.text


def test_files_that_are_no_certificates_are_named(tmp_path, tls):
    (tmp_path / "cert.pem").write_text("nothing")

    with pytest.raises(InvalidArgumentError, match=r"must be a certificate and its key"):
        TlsContext(TlsConfig(tmp_path / "cert.pem", tls.key), [])
    with pytest.raises(NotFoundError, match=r"none\.pem' is missing"):
        TlsContext(TlsConfig(tmp_path / "none.pem", tls.key), [])


def test_the_ssl_config_of_tf_serving_is_read(tls, tmp_path):
    def quoted(path):
        return json.dumps(path.read_text())

    ca = tls.key.with_name("ca.pem")
    (tmp_path / "ssl.config").write_text(
        f"server_key: {quoted(tls.key)}\nserver_cert: {quoted(tls.certificate)}\n"
        f"custom_ca: {quoted(ca)}\nclient_verify: true\n"
    )

    config = read_ssl_config(tmp_path / "ssl.config")

    TlsContext(config, [])
    assert config.client_ca.read_text() == ca.read_text()
    assert config.key.stat().st_mode & 0o077 == 0
    remove_copies(config)
    assert not config.key.parent.exists()


def test_tokens_without_the_package_are_an_error_that_names_it(monkeypatch):
    from penstock.serving.middleware import tokens

    monkeypatch.setitem(sys.modules, "jwt", None)

    with pytest.raises(UnimplementedError, match=r"penstock\[security\]"):
        tokens.Tokens(tokens.TokenConfig(jwks="keys.json", audience="a"))
