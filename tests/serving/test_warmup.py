"""Warm-up requests. Source: TF Serving's PredictionLog and TensorFlow's TFRecord formats."""

from pathlib import Path

import numpy as np
import pytest

from penstock.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.serving.servable import SignatureSpec
from penstock.serving.warmup import FILE, read_requests, warm_up, warm_up_sizes
from penstock.wire import protos
from penstock.wire.records import TFRecordWriter
from penstock.wire.tensors import make_tensor_proto
from tests.serving.fakes import FunctionServable, doubler, tensor

MODELS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "saved_models"


def write(folder, *logs):
    (folder / FILE).parent.mkdir()
    with TFRecordWriter(folder / FILE) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def predict(rows, signature=""):
    log = protos.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs["x"].CopyFrom(make_tensor_proto(np.array(rows, np.float32)))
    return log


def test_recorded_requests_are_run(tmp_path):
    model = doubler()
    write(tmp_path, predict([[1, 2]]), predict([[3, 4], [5, 6]], "serving_default"))

    latest = warm_up(model, tmp_path)

    assert list(latest) == ["serving_default"]
    np.testing.assert_array_equal(latest["serving_default"]["x"], [[3, 4], [5, 6]])
    assert model.calls == [{"x": (1, 2)}, {"x": (2, 2)}]


def test_a_model_without_recorded_requests_is_not_run(tmp_path):
    model = doubler()

    assert warm_up(model, tmp_path) == {}
    assert model.calls == []


def test_examples_get_their_context(tmp_path):
    log = protos.PredictionLog()
    listed = log.classify_log.request.input.example_list_with_context
    listed.context.features.feature["bias"].float_list.value.append(2)
    for x in (1.0, 3.0):
        listed.examples.add().features.feature["x"].float_list.value.append(x)
    spec = SignatureSpec({"inputs": tensor("string", None)}, {"y": tensor("float32", None)})
    seen = []

    def run(inputs):
        for text in inputs["inputs"]:
            features = protos.Example.FromString(text).features.feature
            seen.append({k: list(v.float_list.value) for k, v in features.items()})
        return {}

    write(tmp_path, log)
    warm_up(FunctionServable({"serving_default": spec}, {"serving_default": run}), tmp_path)

    assert seen == [{"x": [1], "bias": [2]}, {"x": [3], "bias": [2]}]


def test_each_task_of_a_multi_inference_is_run(tmp_path):
    log = protos.PredictionLog()
    request = log.multi_inference_log.request
    for signature in ("classes", "values"):
        request.tasks.add().model_spec.signature_name = signature
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(1)
    spec = SignatureSpec({"inputs": tensor("string", None)}, {"y": tensor("float32", None)})
    model = FunctionServable(
        {"classes": spec, "values": spec, "other": spec},
        {"classes": lambda _: {"y": 1}, "values": lambda _: {"y": 2}},
    )
    write(tmp_path, log)

    assert list(warm_up(model, tmp_path)) == ["classes", "values"]
    assert model.calls == [{"inputs": (1,)}] * 2


def test_every_batch_size_is_run_with_the_rows_of_a_recorded_request():
    model = doubler()
    seen = []
    model.functions = {"serving_default": lambda i: seen.append(i["x"].tolist()) or {"y": 0}}

    rows = np.array([[1, 2], [3, 4]], np.float32)
    assert warm_up_sizes(model, (1, 4), {"serving_default": {"x": rows}}) == 2

    assert seen == [[[1, 2]], [[1, 2]] * 4]


def test_without_a_recorded_request_zeros_have_to_do():
    model = doubler()

    assert warm_up_sizes(model, (1, 2, 8), {}) == 3
    assert model.calls == [{"x": (1, 2)}, {"x": (2, 2)}, {"x": (8, 2)}]


def test_a_model_that_refuses_zeros_is_left_as_it_is():
    model = doubler()

    def refuse(_):
        raise InvalidArgumentError("zeros are not dates")

    model.functions = {"serving_default": refuse}

    assert warm_up_sizes(model, (1, 2), {}) == 0


@pytest.mark.parametrize(
    "spec",
    [
        SignatureSpec({"x": tensor("float32", 4)}, {"y": tensor("float32", 4)}),
        SignatureSpec({"x": tensor("float32", None, None)}, {"y": tensor("float32", None)}),
    ],
)
def test_signatures_whose_rows_cannot_be_made_up_are_not_run(spec):
    model = FunctionServable({"serving_default": spec}, {})

    assert warm_up_sizes(model, (1, 2), {}) == 0


def test_a_request_for_another_model_is_an_error(tmp_path):
    write(tmp_path, predict([[1, 2]], "nope"))

    with pytest.raises(InvalidArgumentError, match=r"request 1 of .* the signature 'nope'"):
        warm_up(doubler(), tmp_path)


def test_a_request_that_does_not_fit_is_an_error(tmp_path):
    write(tmp_path, predict([[1, 2, 3]]))

    with pytest.raises(InvalidArgumentError, match=r"must be float32\[\?, 2\]"):
        warm_up(doubler(), tmp_path)


def test_other_kinds_of_requests_are_not_passed_over(tmp_path):
    log = protos.PredictionLog()
    log.session_run_log.request.target.append("x")
    write(tmp_path, log)

    with pytest.raises(UnimplementedError, match="of kind 'session_run_log'"):
        warm_up(doubler(), tmp_path)


def test_too_many_requests_are_an_error(tmp_path):
    write(tmp_path, *[predict([[1, 2]])] * 1001)

    with pytest.raises(InvalidArgumentError, match="at most 1000 warm-up requests"):
        warm_up(doubler(), tmp_path)


def test_a_damaged_file_is_an_error(tmp_path):
    write(tmp_path, predict([[1, 2]]))
    text = bytearray((tmp_path / FILE).read_bytes())
    text[-6] ^= 1
    (tmp_path / FILE).write_bytes(text)

    with pytest.raises(DataLossError):
        warm_up(doubler(), tmp_path)


def test_requests_written_for_tf_serving_are_read():
    if not MODELS.is_dir():
        pytest.skip("the fixtures are not beside this checkout")

    found = list(read_requests(MODELS / "keras_mlp" / "model"))

    assert found
    for ((name, inputs),) in found:
        assert name == "serving_default"
        assert inputs["features"].dtype == np.float32
        assert inputs["features"].shape[1] == 12
