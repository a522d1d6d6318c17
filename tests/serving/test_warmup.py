"""Warm-up requests. Source: TF Serving's PredictionLog and TensorFlow's TFRecord formats."""

from pathlib import Path

import numpy as np
import pytest

from penstock.core.errors import DataLossError, InvalidArgumentError, UnimplementedError
from penstock.serving.servable import SignatureSpec
from penstock.serving.warmup import FILE, read_requests, warm_up
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

    assert warm_up(model, tmp_path) == 2
    assert model.calls == [{"x": (1, 2)}, {"x": (2, 2)}]


def test_a_model_without_recorded_requests_is_not_run(tmp_path):
    model = doubler()

    assert warm_up(model, tmp_path) == 0
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
    for name, inputs in found:
        assert name == "serving_default"
        assert inputs["features"].dtype == np.float32
        assert inputs["features"].shape[1] == 12
