"""TF Serving's gRPC services without sockets: messages in, messages out.

Expected codes and texts: those of TF Serving's sources, which `prediction.py` names.
"""

import asyncio

import numpy as np
import pytest

from penstock.core import errors, metrics
from penstock.core.errors import OpError
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.grpc.inference import InferenceApi
from penstock.serving.grpc.prediction import PredictionApi, _counted
from penstock.serving.manager import Manager
from penstock.serving.protocols.predict_message import tensor_bytes
from penstock.serving.readiness import Readiness
from penstock.serving.router import Request
from penstock.serving.servable import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    SignatureSpec,
)
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, make_ndarray
from tests.serving.fakes import FakeLoader, FakeSource, FunctionServable, tensor

PREDICTION = "/tensorflow.serving.PredictionService/"
MODEL = "/tensorflow.serving.ModelService/"


def model(name, version):
    """Adds and subtracts; classifies and regresses examples by their feature `x`."""
    row = tensor("float32", None, 2)
    examples = tensor("string", None)
    signatures = {
        "serving_default": SignatureSpec({"a": row, "b": row}, {"sum": row, "difference": row}),
        "filled": SignatureSpec(
            {"a": row, "b": row}, {"sum": row}, defaults={"b": np.array([[10, 20]], np.float32)}
        ),
        "any": SignatureSpec({"x": tensor("int64", None)}, {"y": tensor("int64", None)}),
        "classify": SignatureSpec(
            {"inputs": examples},
            {"classes": tensor("string", None, 2), "scores": tensor("float32", None, 2)},
            CLASSIFY_METHOD,
        ),
        "regress": SignatureSpec(
            {"inputs": examples}, {"outputs": tensor("float32", None, 1)}, REGRESS_METHOD
        ),
        "init": SignatureSpec({}, {}),
    }

    def features(inputs):
        for text in inputs["inputs"]:
            yield protos.Example.FromString(text).features.feature["x"].float_list.value[0]

    def classify(inputs):
        x = np.array(list(features(inputs)), np.float32)
        names = np.array([[b"no", b"yes"]] * len(x), object)
        return {"classes": names, "scores": np.stack([1 - x, x], 1)}

    functions = {
        "serving_default": lambda i: {"sum": i["a"] + i["b"], "difference": i["a"] - i["b"]},
        "filled": lambda i: {"sum": i["a"] + i["b"]},
        "any": lambda i: {"y": i["x"] + 1},
        "classify": classify,
        "regress": lambda i: {"outputs": np.array([[x] for x in features(i)], np.float32)},
    }
    return FunctionServable(signatures, functions, name, version)


@pytest.fixture(scope="module")
def call():
    executor = Executor()
    manager = Manager(
        [FakeSource("m", 1, 2)],
        FakeLoader(model),
        lambda servable: Engine(servable, executor),
        labels={"m": {"stable": 1}},
    )
    manager.start()
    gateway = Gateway(manager)
    methods = {
        **PredictionApi(gateway).methods(),
        **InferenceApi(gateway, Readiness(manager)).methods(),
    }
    with asyncio.Runner() as runner:

        def send(path, message, answer_class=None):
            body = message if isinstance(message, bytes) else message.SerializeToString()
            answer = runner.run(methods[path].handle(Request("POST", path, body)))
            return answer_class.FromString(answer) if answer_class else answer

        yield send
    manager.stop()
    executor.close()


def predict(inputs=None, **fields):
    inputs = {"a": [[1, 2]], "b": [[3, 5]]} if inputs is None else inputs
    request = protos.PredictRequest(model_spec={"name": "m"}, **fields)
    for name, value in inputs.items():
        proto = value if hasattr(value, "dtype") and not isinstance(value, np.ndarray) else None
        if proto is None:
            proto = array_to_proto(np.asarray(value, np.float32))
        request.inputs[name].CopyFrom(proto)
    return request


def refusal(call, path, message):
    with pytest.raises(OpError) as raised:
        call(path, message)
    return raised.value.error_code, raised.value.message


def test_all_outputs_come_unless_some_are_named(call):
    everything = call(PREDICTION + "Predict", predict(), protos.PredictResponse)
    one = call(
        PREDICTION + "Predict", predict(output_filter=["difference"]), protos.PredictResponse
    )

    assert make_ndarray(everything.outputs["sum"]).tolist() == [[4, 7]]
    assert everything.model_spec.version.value == 2
    assert list(one.outputs) == ["difference"]
    assert make_ndarray(one.outputs["difference"]).tolist() == [[-2, -3]]


@pytest.mark.parametrize(
    "proto",
    [
        protos.TensorProto(
            dtype=1, float_val=[1, 2], tensor_shape={"dim": [{"size": 1}, {"size": 2}]}
        ),
        protos.TensorProto(
            dtype=1, float_val=[2], tensor_shape={"dim": [{"size": 1}, {"size": 2}]}
        ),
        protos.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1}, {"size": 2}]}),
    ],
    ids=["all values", "one value for all", "no value"],
)
def test_values_may_stand_in_the_field_of_their_type(call, proto):
    expected = make_ndarray(proto) + np.float32([[3, 5]])

    answer = call(
        PREDICTION + "Predict", predict({"a": proto, "b": [[3, 5]]}), protos.PredictResponse
    )

    np.testing.assert_array_equal(make_ndarray(answer.outputs["sum"]), expected)


def test_inputs_with_a_default_may_be_left_out(call):
    def asking(**inputs):
        request = predict(inputs)
        request.model_spec.signature_name = "filled"
        return request

    filled = call(PREDICTION + "Predict", asking(a=[[1, 2]]), protos.PredictResponse)
    sent = call(PREDICTION + "Predict", asking(a=[[1, 2]], b=[[1, 1]]), protos.PredictResponse)

    assert make_ndarray(filled.outputs["sum"]).tolist() == [[11, 22]]
    assert make_ndarray(sent.outputs["sum"]).tolist() == [[2, 3]]
    lacking = (
        "Signature input alias: a(feed name: t:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {b}, or default input alias set: b"
    )
    found = refusal(call, PREDICTION + "Predict", asking(b=[[1, 1]]))
    assert found == (errors.INVALID_ARGUMENT, lacking)
    code, text = refusal(call, PREDICTION + "Predict", asking(a=[[1, 2]], c=[[1, 1]], b=[[1]]))
    assert code == errors.INVALID_ARGUMENT
    assert "Sent extra: {c}" in text


def test_metadata_has_the_defaults(call):
    asked = protos.GetModelMetadataRequest(
        model_spec={"name": "m"}, metadata_field=["signature_def"]
    )
    answer = call(PREDICTION + "GetModelMetadata", asked, protos.GetModelMetadataResponse)
    found = protos.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)

    assert list(found.signature_def["serving_default"].defaults) == []
    value = found.signature_def["filled"].defaults["b"]
    assert (value.dtype, list(value.float_val)) == (protos.DT_FLOAT, [10, 20])


def test_integers_come_packed_or_as_content(call):
    for as_content in (True, False):
        request = protos.PredictRequest(model_spec={"name": "m", "signature_name": "any"})
        value = np.array([1, -5, 1 << 60])
        request.inputs["x"].CopyFrom(array_to_proto(value, as_content=as_content))

        answer = call(PREDICTION + "Predict", request, protos.PredictResponse)

        assert list(answer.outputs["y"].int64_val) == [2, -4, (1 << 60) + 1]


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (b"\xff", errors.INTERNAL, "PredictRequest"),
        (protos.PredictRequest(), errors.INVALID_ARGUMENT, "Missing ModelSpec"),
        (
            protos.PredictRequest(model_spec={}),
            errors.INVALID_ARGUMENT,
            "ModelSpec has no name specified.",
        ),
        (
            protos.PredictRequest(model_spec={"name": "none"}),
            errors.NOT_FOUND,
            "Servable not found for request: Latest(none)",
        ),
        (
            protos.PredictRequest(model_spec={"name": "m", "version": {"value": 9}}),
            errors.NOT_FOUND,
            "Servable not found for request: Specific(m, 9)",
        ),
        (
            protos.PredictRequest(model_spec={"name": "m", "version_label": "none"}),
            errors.INVALID_ARGUMENT,
            "Unrecognized servable version label: none",
        ),
        (
            protos.PredictRequest(model_spec={"name": "m", "signature_name": "none"}),
            errors.FAILED_PRECONDITION,
            'Serving signature key "none" not found.',
        ),
        (
            predict({"a": [[1, 2]]}),
            errors.INVALID_ARGUMENT,
            (
                "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
                "Sent extra: {}. Missing but required: {b}."
            ),
        ),
        (
            predict({"a": [[1, 2]], "c": [[1, 2]]}),
            errors.INVALID_ARGUMENT,
            (
                "input tensor alias not found in signature: c. "
                "Inputs expected to be in the set {a,b}."
            ),
        ),
        (
            predict({"a": protos.TensorProto(dtype=1, tensor_content=b"123"), "b": [[1, 2]]}),
            errors.INVALID_ARGUMENT,
            "tensor parsing error: a",
        ),
        (
            predict(output_filter=["none"]),
            errors.INVALID_ARGUMENT,
            (
                "output tensor alias not found in signature: none "
                "Outputs expected to be in the set {difference,sum}."
            ),
        ),
        (
            predict(output_filter=["sum", "sum"]),
            errors.INVALID_ARGUMENT,
            "duplicate output tensor alias: sum",
        ),
        (
            predict({"a": [1], "b": [1]}),
            errors.INVALID_ARGUMENT,
            "must be float32[?, 2], got float32[1]",
        ),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value)[:40],
)
def test_predict_refuses_as_tf_serving_does(call, request_, code, text):
    found, message = refusal(call, PREDICTION + "Predict", request_)

    assert found == code
    assert text in message


def examples(*values, context=None, **spec):
    listed = [{"features": {"feature": {"x": {"float_list": {"value": [v]}}}}} for v in values]
    listed = [protos.Example(**each) for each in listed]
    if context is None:
        given = {"example_list": {"examples": listed}}
    else:
        shared = protos.Example(
            features={"feature": {"x": {"float_list": {"value": [context]}}}}
        )
        given = {
            "example_list_with_context": {"examples": [protos.Example()], "context": shared}
        }
    return {"model_spec": {"name": "m", **spec}, "input": given}


def test_examples_are_classified(call):
    request = protos.ClassificationRequest(**examples(0.25, 1, signature_name="classify"))

    answer = call(PREDICTION + "Classify", request, protos.ClassificationResponse)

    found = [[(c.label, c.score) for c in r.classes] for r in answer.result.classifications]
    assert found == [[("no", 0.75), ("yes", 0.25)], [("no", 0), ("yes", 1)]]
    assert answer.model_spec.signature_name == "classify"


def test_examples_are_regressed_with_their_context(call):
    request = protos.RegressionRequest(**examples(context=0.5, signature_name="regress"))

    answer = call(PREDICTION + "Regress", request, protos.RegressionResponse)

    assert [each.value for each in answer.result.regressions] == [0.5]


def test_several_signatures_answer_the_same_examples(call):
    tasks = [
        {
            "model_spec": {"name": "m", "signature_name": "regress"},
            "method_name": REGRESS_METHOD,
        },
        {
            "model_spec": {"name": "m", "signature_name": "classify"},
            "method_name": CLASSIFY_METHOD,
        },
    ]
    request = protos.MultiInferenceRequest(tasks=tasks, input=examples(0.25)["input"])

    answer = call(PREDICTION + "MultiInference", request, protos.MultiInferenceResponse)

    first, second = answer.results
    assert first.regression_result.regressions[0].value == 0.25
    assert second.classification_result.classifications[0].classes[1].score == 0.25
    assert second.model_spec.signature_name == "classify"
    assert second.model_spec.version.value == 2


def task(signature="regress", method=REGRESS_METHOD, name="m"):
    return {
        "model_spec": {"name": name, "signature_name": signature},
        "method_name": method,
    }


@pytest.mark.parametrize(
    ("tasks", "code", "text"),
    [
        ([], errors.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        ([task(), task(name="")], errors.INVALID_ARGUMENT, "with an empty model name."),
        ([task(), task(name="n")], errors.INVALID_ARGUMENT, "must access the same model name."),
        (
            [task(), task()],
            errors.INVALID_ARGUMENT,
            "Duplicate evaluation of signature: regress",
        ),
        (
            [task("none")],
            errors.INVALID_ARGUMENT,
            "Requested signature not found in model graph: none",
        ),
        (
            [task("serving_default", "tensorflow/serving/predict")],
            errors.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
    ids=str,
)
def test_multi_inference_refuses_as_tf_serving_does(call, tasks, code, text):
    request = protos.MultiInferenceRequest(tasks=tasks, input=examples(0.25)["input"])

    found, message = refusal(call, PREDICTION + "MultiInference", request)

    assert found == code
    assert text in message


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({}, errors.INVALID_ARGUMENT, "Missing ModelSpec"),
        (
            {"model_spec": {"name": "m", "signature_name": "classify"}},
            errors.INVALID_ARGUMENT,
            "Input is empty.",
        ),
        (
            examples(1, signature_name="none"),
            errors.INVALID_ARGUMENT,
            "No signature was found with the name: none",
        ),
        (
            examples(1, signature_name="regress"),
            errors.INVALID_ARGUMENT,
            f"Expected classification signature method_name to be {CLASSIFY_METHOD}",
        ),
    ],
    ids=str,
)
def test_classify_refuses_as_tf_serving_does(call, fields, code, text):
    found, message = refusal(
        call, PREDICTION + "Classify", protos.ClassificationRequest(**fields)
    )

    assert found == code
    assert text in message


def test_metadata_are_the_signatures(call):
    request = protos.GetModelMetadataRequest(
        model_spec={"name": "m"}, metadata_field=["signature_def"]
    )

    answer = call(PREDICTION + "GetModelMetadata", request, protos.GetModelMetadataResponse)
    found = protos.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)

    assert answer.model_spec.version.value == 2
    assert found.signature_def["regress"].method_name == REGRESS_METHOD
    shape = found.signature_def["serving_default"].inputs["a"].tensor_shape
    assert [dim.size for dim in shape.dim] == [-1, 2]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Missing ModelSpec"),
        ({"model_spec": {"name": "m"}}, "must specify at least one metadata_field"),
        (
            {"model_spec": {"name": "m"}, "metadata_field": ["x"]},
            "Metadata field x is not supported",
        ),
    ],
    ids=str,
)
def test_metadata_are_refused_as_by_tf_serving(call, fields, text):
    request = protos.GetModelMetadataRequest(**fields)

    found, message = refusal(call, PREDICTION + "GetModelMetadata", request)

    assert found == errors.INVALID_ARGUMENT
    assert text in message


def test_the_states_of_versions_are_told(call):
    everything = protos.GetModelStatusRequest(model_spec={"name": "m"})
    one = protos.GetModelStatusRequest(model_spec={"name": "m", "version": {"value": 1}})

    states = call(MODEL + "GetModelStatus", everything, protos.GetModelStatusResponse)
    state = call(MODEL + "GetModelStatus", one, protos.GetModelStatusResponse)

    assert sorted(s.version for s in states.model_version_status) == [1, 2]
    assert [(s.version, s.state) for s in state.model_version_status] == [(1, 30)]


def test_states_of_what_is_not_served_are_not_found(call):
    request = protos.GetModelStatusRequest(model_spec={"name": "none"})

    assert refusal(call, MODEL + "GetModelStatus", request) == (
        errors.NOT_FOUND,
        "Could not find any versions of model none",
    )


def test_only_a_list_of_models_can_be_reloaded(call):
    found, message = refusal(
        call, MODEL + "HandleReloadConfigRequest", protos.ReloadConfigRequest()
    )

    assert found == errors.INVALID_ARGUMENT
    assert "Only ModelConfigList is currently supported" in message


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint64", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (2, 3)], ids=str)
@pytest.mark.parametrize("as_content", [False, True])
def test_tensors_are_written_as_tensorflow_reads_them(dtype, shape, as_content):
    value = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)

    message = protos.TensorProto.FromString(tensor_bytes(value, as_content=as_content))

    np.testing.assert_array_equal(make_ndarray(message), value)
    assert make_ndarray(message).dtype == value.dtype
    assert bool(message.tensor_content) <= as_content


def infer(**tensors):
    return protos.find("inference.ModelInferRequest")(
        model_name="m",
        id="7",
        inputs=[
            {"name": name, "datatype": "FP32", "shape": [1, 2], **fields}
            for name, fields in tensors.items()
        ],
    )


def test_the_open_inference_protocol_takes_contents_and_raw_bytes(call):
    plain = infer(
        a={"contents": {"fp32_contents": [1, 2]}}, b={"contents": {"fp32_contents": [3, 5]}}
    )
    raw = infer(a={}, b={})
    raw.raw_input_contents.append(np.float32([1, 2]).tobytes())
    raw.raw_input_contents.append(np.float32([3, 5]).tobytes())
    answer_class = protos.find("inference.ModelInferResponse")

    first = call("/inference.GRPCInferenceService/ModelInfer", plain, answer_class)
    second = call("/inference.GRPCInferenceService/ModelInfer", raw, answer_class)

    assert (first.model_version, first.id) == ("2", "7")
    found = {each.name: list(each.contents.fp32_contents) for each in first.outputs}
    assert found == {"sum": [4, 7], "difference": [-2, -3]}
    names = [each.name for each in second.outputs]
    sums = np.frombuffer(second.raw_output_contents[names.index("sum")], np.float32)
    assert sums.tolist() == [4, 7]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"contents": {"fp32_contents": [1]}},
        {"contents": {"fp32_contents": [1, 2]}, "datatype": "FP16"},
        {"contents": {"fp32_contents": [1, 2]}, "shape": [-1, 2]},
        {"contents": {"int_contents": [1, 2]}},
    ],
    ids=str,
)
def test_tensors_that_do_not_fit_are_refused(call, fields):
    request = infer(a=fields, b={"contents": {"fp32_contents": [3, 5]}})

    found, _ = refusal(call, "/inference.GRPCInferenceService/ModelInfer", request)

    assert found == errors.INVALID_ARGUMENT


def test_a_counter_is_found_by_both_forms_of_its_name():
    cell = metrics.REQUEST_COUNT.labels("counted here", "OK")
    names = ("/tensorflow/serving/request_count", ":tensorflow:serving:request_count")
    before = [_counted(name) for name in names]

    cell.increment(3)

    assert [_counted(name) - value for name, value in zip(names, before, strict=True)] == [3, 3]
    assert _counted("/tensorflow/serving/none") == 0
    metrics.REQUEST_COUNT.forget(model_name="counted here")
