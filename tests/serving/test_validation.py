"""The input contract as calls meet it."""

import numpy as np
import pytest

from penstock.core import metrics
from penstock.core.errors import InvalidArgumentError
from penstock.monitor.schema import from_toml
from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.middleware.validation import InputContract, shorten
from penstock.serving.servable import CLASSIFY_METHOD, SignatureSpec
from penstock.wire import protos
from tests.serving.fakes import tensor

PLAIN = SignatureSpec(
    {"age": tensor("float32", None), "word": tensor("string", None)},
    {"y": tensor("float32", None)},
)
CLASSIFY = SignatureSpec({"inputs": tensor("string", None)}, {}, CLASSIFY_METHOD)
SCHEMA = from_toml(
    """
    unknown_features = "refuse"
    [features.age]
    min = 0
    max = 120
    required = true
    [features.word]
    vocabulary = ["a", "b"]
    """
)


@pytest.fixture
def refused():
    return []


@pytest.fixture
def contract(refused):
    metrics.INPUT_VIOLATIONS.clear()
    return InputContract(
        {"m": SCHEMA}, lambda name: name == "m", lambda call, _, found: refused.append(found)
    )


def check(contract, age, word, model="m"):
    call = Call(REST, "Predict", ModelSpec(model), signature_name="s")
    inputs = {"age": np.array(age, np.float32), "word": np.array(word, object)}
    contract.check(call, PLAIN, inputs)
    return call


def counted():
    return {v: c.value() for v, c in metrics.INPUT_VIOLATIONS.collect()}


def example(**features):
    message = protos.Example()
    for name, value in features.items():
        if isinstance(value, bytes):
            message.features.feature[name].bytes_list.value.append(value)
        else:
            message.features.feature[name].float_list.value.append(value)
    return message.SerializeToString()


def test_good_inputs_pass_and_are_not_counted(contract):
    check(contract, [30, 40], [b"a", b"b"])

    assert counted() == {}


def test_every_violation_is_counted_by_feature_and_answered_with_a_line(contract, refused):
    with pytest.raises(
        InvalidArgumentError,
        match=r"^input 'age' must be from 0 to 120, got 200 in row 1; 1 more inputs break",
    ):
        check(contract, [30, 200], [b"a", b"z"])

    assert counted() == {("m", "s", "age", "range"): 1, ("m", "s", "word", "vocabulary"): 1}
    assert [v.feature for v in refused[0]] == ["age", "word"]


def test_other_models_are_left_alone(contract):
    check(contract, [500], [b"z"], model="other")

    assert counted() == {}


@pytest.mark.parametrize(
    ("features", "line", "key"),
    [
        ({"age": 130.0}, "feature 'age' must be from 0 to 120, got 130", ("age", "range")),
        ({"word": b"a"}, "feature 'age' must be in each example", ("age", "required")),
        (
            {"age": 1.0, "other": 1.0},
            "feature 'other' is not in the schema",
            ("_unknown", "unknown_feature"),
        ),
    ],
)
def test_features_of_examples_are_looked_at(contract, features, line, key):
    good = example(age=1.0)
    inputs = {"inputs": np.array([good, example(**features)], object)}
    call = Call(REST, "Classify", ModelSpec("m"), signature_name="s")

    with pytest.raises(InvalidArgumentError, match=f"{line}.*in example 1"):
        contract.check(call, CLASSIFY, inputs)

    assert counted() == {("m", "s", *key): 1}


def test_inputs_that_do_not_fit_the_signature_are_counted_too(contract):
    call = Call(REST, "Predict", ModelSpec("m"), signature_name="s")
    try:
        PLAIN.check({"age": np.zeros((2, 2), np.float32), "word": np.array([b"a"], object)})
    except InvalidArgumentError as error:
        call.failed(error)

    contract.done(call)

    assert counted() == {("m", "s", "age", "signature"): 1}


def test_a_violation_is_counted_once(contract):
    call = Call(REST, "Predict", ModelSpec("m"), signature_name="s")
    inputs = {"age": np.array([500], np.float32), "word": np.array([b"a"], object)}
    with pytest.raises(InvalidArgumentError) as caught:
        contract.check(call, PLAIN, inputs)
    call.failed(caught.value)

    contract.done(call)

    assert counted() == {("m", "s", "age", "range"): 1}


def test_samples_of_large_inputs_are_short():
    found = shorten({"x": np.zeros((10, 10)), "s": np.array([b"a" * 1000, b"\xff"], object)})

    assert len(found["x"]["values"]) == 64
    assert found["x"]["shape"] == [10, 10]
    assert [len(v) for v in found["s"]["values"]] == [64, 4]
