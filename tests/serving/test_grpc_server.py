"""The server asked over gRPC by the stock client, on both implementations."""

import base64
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from penstock.serving.server import ModelConfig, Server, ServerConfig
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, make_ndarray
from tests.serving.fakes import FakeLoader, doubler

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")

PREDICT = "/tensorflow.serving.PredictionService/Predict"
FIXTURES = Path(__file__).parents[2].parent / "shared" / "fixtures"
PAIRS_FILE = FIXTURES / "serving_grpc.json"
PAIRS = json.loads(PAIRS_FILE.read_text(encoding="utf-8")) if PAIRS_FILE.is_file() else {}


@pytest.fixture(scope="module", params=["own", "grpcio"])
def channel(request, tmp_path_factory):
    """Talks to a server with one model."""
    base = tmp_path_factory.mktemp("models")
    (base / "double" / "1").mkdir(parents=True)
    config = ServerConfig(
        (ModelConfig("double", base / "double", labels={"stable": 1}),),
        port=0,
        grpc_port=0,
        grpc_implementation=request.param,
    )
    with Server(config, FakeLoader(doubler)) as server, connected(server) as channel:
        yield channel


def connected(server):
    return grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")


def ask(channel, path, message, answer_class, **options):
    method = channel.unary_unary(
        path, lambda each: each.SerializeToString(), answer_class.FromString
    )
    return method(message, timeout=20, **options)


def predict_request(rows, **spec):
    request = protos.PredictRequest()
    request.model_spec.name = "double"
    for key, value in spec.items():
        if key == "version":
            request.model_spec.version.value = value
        else:
            setattr(request.model_spec, key, value)
    request.inputs["x"].CopyFrom(array_to_proto(np.asarray(rows, np.float32)))
    return request


@pytest.mark.parametrize(
    "spec", [{}, {"version": 1}, {"version_label": "stable"}, {"signature_name": ""}], ids=str
)
def test_a_predict_request_is_answered(channel, spec):
    answer = ask(channel, PREDICT, predict_request([[1, 2]], **spec), protos.PredictResponse)

    assert answer.model_spec.name == "double"
    assert answer.model_spec.version.value == 1
    assert answer.model_spec.signature_name == "serving_default"
    assert list(answer.outputs["y"].float_val) == [2, 4]


def test_many_calls_at_once_get_their_own_answers(channel):
    method = channel.unary_unary(PREDICT)
    futures = [
        method.future(predict_request([[n, 0]]).SerializeToString(), timeout=60)
        for n in range(300)
    ]

    answers = [protos.PredictResponse.FromString(each.result()) for each in futures]

    assert [a.outputs["y"].float_val[0] for a in answers] == [2 * n for n in range(300)]


def test_a_long_tensor_goes_there_and_back(channel):
    rows = np.random.default_rng(1).random((200_000, 2), np.float32)

    answer = ask(channel, PREDICT, predict_request(rows), protos.PredictResponse)

    np.testing.assert_array_equal(make_ndarray(answer.outputs["y"]), rows * 2)


def test_compressed_calls_are_understood(channel):
    rows = np.zeros((1000, 2), np.float32)

    answer = ask(
        channel,
        PREDICT,
        predict_request(rows),
        protos.PredictResponse,
        compression=grpc.Compression.Gzip,
    )

    np.testing.assert_array_equal(make_ndarray(answer.outputs["y"]), rows)


def test_an_error_has_the_code_and_text_of_tf_serving(channel):
    with pytest.raises(grpc.RpcError) as raised:
        ask(channel, PREDICT, predict_request([[1, 2]], name="nope"), protos.PredictResponse)

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert raised.value.details() == "Servable not found for request: Latest(nope)"


def test_a_method_that_does_not_exist_is_unimplemented(channel):
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/tensorflow.serving.PredictionService/Guess")(b"", timeout=20)

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_is_told_once_and_watched(channel):
    check_class = protos.find("grpc.health.v1.HealthCheckResponse")
    asked = protos.find("grpc.health.v1.HealthCheckRequest")(service="double")
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")

    once = ask(channel, "/grpc.health.v1.Health/Check", asked, check_class)
    watched = watch(asked.SerializeToString(), timeout=20)
    first = check_class.FromString(next(watched))
    watched.cancel()

    assert once.status == first.status == 1


def test_reflection_lists_services_and_describes_them(channel):
    asked_class = protos.find("grpc.reflection.v1alpha.ServerReflectionRequest")
    answer_class = protos.find("grpc.reflection.v1alpha.ServerReflectionResponse")
    method = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        lambda each: each.SerializeToString(),
        answer_class.FromString,
    )
    symbol = "tensorflow.serving.PredictionService.Predict"

    listed, described, unknown = method(
        iter(
            [
                asked_class(list_services=""),
                asked_class(file_containing_symbol=symbol),
                asked_class(file_by_filename="none.proto"),
            ]
        ),
        timeout=20,
    )

    names = [each.name for each in listed.list_services_response.service]
    assert "tensorflow.serving.PredictionService" in names
    assert "inference.GRPCInferenceService" in names
    assert len(described.file_descriptor_response.file_descriptor_proto) > 3
    assert unknown.error_response.error_code == 5


def test_models_are_exchanged_while_serving(tmp_path):
    for name in ("double", "triple"):
        (tmp_path / name / "1").mkdir(parents=True)
    request = protos.ReloadConfigRequest()
    for name in ("double", "triple"):
        request.config.model_config_list.config.add(
            name=name, base_path=str(tmp_path / name), model_platform="tensorflow"
        )
    count = "/tensorflow/serving/request_count"
    request.metric_names.extend([count, "none"])
    path = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
    config = ServerConfig((ModelConfig("double", tmp_path / "double"),), port=0, grpc_port=0)
    triple = predict_request([[1, 2]], name="triple")

    with Server(config, FakeLoader(doubler)) as server, connected(server) as channel:
        with pytest.raises(grpc.RpcError, match="Servable not found"):
            ask(channel, PREDICT, triple, protos.PredictResponse)
        answer = ask(channel, path, request, protos.ReloadConfigResponse)
        predicted = ask(channel, PREDICT, triple, protos.PredictResponse)

    assert answer.status.error_code == 0
    # Nothing was asked between the two looks at the counters.
    assert [(m.name, m.int64_value_increase) for m in answer.metric] == [
        (count, 0),
        ("none", 0),
    ]
    assert list(predicted.outputs["y"].float_val) == [2, 4]


@pytest.mark.parametrize("implementation", ["own", "grpcio"])
def test_calls_in_work_are_answered_when_the_server_stops(tmp_path, implementation):
    (tmp_path / "double" / "1").mkdir(parents=True)
    started, go = threading.Event(), threading.Event()

    def slow(name, version):
        servable = doubler(name, version)

        def run(inputs):
            started.set()
            go.wait(20)
            return {"y": inputs["x"] * 2}

        servable.functions["serving_default"] = run
        return servable

    config = ServerConfig(
        (ModelConfig("double", tmp_path / "double"),),
        port=0,
        grpc_port=0,
        grpc_implementation=implementation,
    )
    server = Server(config, FakeLoader(slow))
    server.start()
    with connected(server) as channel:
        waiting = channel.unary_unary(PREDICT).future(
            predict_request([[1, 2]]).SerializeToString(), timeout=20
        )
        started.wait(20)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        go.set()
        answer = protos.PredictResponse.FromString(waiting.result())
        stopping.join(20)

    assert list(answer.outputs["y"].float_val) == [2, 4]
    assert not stopping.is_alive()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Talks to a server with the recorded models."""
    base = tmp_path_factory.mktemp("recorded")
    for model in PAIRS["models"]:
        version = base / model["name"] / str(model["version"])
        version.parent.mkdir()
        version.symlink_to(FIXTURES / model["path"], target_is_directory=True)
    configs = tuple(ModelConfig(m["name"], base / m["name"]) for m in PAIRS["models"])
    config = ServerConfig(configs, port=0, grpc_port=0)
    with Server(config) as server, connected(server) as channel:
        yield channel


@pytest.mark.skipif(not PAIRS, reason="the fixtures are not beside this checkout")
@pytest.mark.parametrize("pair", PAIRS.get("vectors", ()), ids=lambda p: p["id"])
def test_a_recorded_call_gets_the_recorded_answer(models, pair):
    kind = {"Predict": "Predict", "Classify": "Classification", "Regress": "Regression"}
    answer_class = protos.find(f"{kind[pair['method'].rpartition('/')[2]]}Response")

    got = models.unary_unary(pair["method"])(base64.b64decode(pair["request_b64"]), timeout=120)
    answer = answer_class.FromString(got)
    expected = answer_class.FromString(base64.b64decode(pair["response_b64"]))

    assert answer.model_spec == expected.model_spec
    if hasattr(answer, "outputs"):
        assert answer.outputs.keys() == expected.outputs.keys()
        for name, tensor in expected.outputs.items():
            found, wanted = make_ndarray(answer.outputs[name]), make_ndarray(tensor)
            assert found.dtype == wanted.dtype
            if wanted.dtype.kind == "f":
                np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
            else:
                np.testing.assert_array_equal(found, wanted)
        return
    found, wanted = numbers(answer.result), numbers(expected.result)
    assert [label for label, _ in found] == [label for label, _ in wanted]
    np.testing.assert_allclose([n for _, n in found], [n for _, n in wanted], rtol=1e-5)


def numbers(result):
    if hasattr(result, "regressions"):
        return [("", each.value) for each in result.regressions]
    return [(c.label, c.score) for row in result.classifications for c in row.classes]
