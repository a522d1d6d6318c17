"""Loading models of TensorFlow 1."""

import numpy as np
import pytest

import penstock as tf
from tests.saved_model.golden import GOLDEN, Fixture

NAMES = (
    "tf1_builder",
    "tf1_cnn_bn",
    "tf1_control_flow_v1",
    "tf1_nested",
    "tf1_rnn",
    "tf1_train_ref",
)


def loaded(name):
    fixture = Fixture(GOLDEN / name)
    return fixture, tf.saved_model.load(fixture.model, tags=["serve"])


@pytest.mark.parametrize("name", NAMES)
def test_signatures_answer_as_tensorflow_did(name):
    fixture, model = loaded(name)

    for call in fixture.manifest["calls"]:
        fixture.check(model, call)


def test_variables_have_their_values_and_flags():
    _, model = loaded("tf1_nested")
    found = {variable.name: variable for variable in model.variables}

    assert found["w:0"].numpy() == 3.0
    assert found["w:0"].trainable
    assert not found["steps:0"].trainable


def test_state_is_kept_between_calls():
    _, model = loaded("tf1_nested")
    serve = model.signatures["serving_default"]
    arguments = {"x": tf.constant([1.0]), "n": tf.constant(1)}

    seen = [serve(**arguments)["seen"].numpy() for _ in range(3)]

    assert seen == [1, 2, 3]


def test_a_function_can_be_cut_out_of_the_graph():
    _, model = loaded("tf1_builder")
    x = tf.constant(np.eye(4, dtype=np.float32))

    product = model.prune("x:0", "MatMul:0")
    both = model.prune({"rows": "x:0"}, {"product": "MatMul:0", "weights": "w/read:0"})

    np.testing.assert_array_equal(product(x), both(rows=x)["weights"])
    np.testing.assert_array_equal(both(rows=x)["product"], product(x))


def test_a_tensor_in_the_middle_of_the_graph_can_be_fed():
    _, model = loaded("tf1_builder")
    softmax = model.prune("y:0", "z:0")

    np.testing.assert_allclose(softmax(tf.constant([[0.0, 0.0]])), [[0.5, 0.5]])


def test_a_missing_tensor_is_told():
    _, model = loaded("tf1_builder")

    with pytest.raises(tf.errors.DataLossError, match="nowhere"):
        model.prune("x:0", "nowhere:0")


def test_a_loaded_graph_can_be_saved_with_objects(tmp_path):
    fixture, model = loaded("tf1_control_flow_v1")

    tf.saved_model.save(model, tmp_path / "m", signatures=dict(model.signatures))
    again = tf.saved_model.load(tmp_path / "m")

    for call in fixture.manifest["calls"]:
        fixture.check(again, call)
