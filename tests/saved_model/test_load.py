"""Loading what TensorFlow saved."""

import shutil

import numpy as np
import pytest

import penstock as tf
from penstock.wire import protos
from tests.saved_model.golden import GOLDEN, SHARED, Fixture


@pytest.fixture(scope="module")
def fixture():
    return Fixture(GOLDEN / "module_signatures")


@pytest.fixture
def loaded(fixture):
    return tf.saved_model.load(fixture.model)


def test_functions_answer_as_tensorflow_did(fixture, loaded):
    for call in fixture.calls("attr"):
        fixture.check(loaded, call)


def test_a_signature_answers_as_tensorflow_did(fixture, loaded):
    for call in fixture.calls("signature"):
        if call["name"] != "count":
            fixture.check(loaded, call)


def test_variables_have_their_values_and_flags(loaded):
    assert loaded.w.shape.as_list() == [4, 3]
    assert loaded.w.trainable
    assert not loaded.steps.trainable
    assert loaded.nested["k"][1].dtype == tf.bool
    assert loaded.nested["s"].numpy() == b"hello"


def test_variables_are_live(loaded):
    x = np.ones((1, 4), np.float32)
    loaded.w.assign(np.zeros((4, 3), np.float32))

    y = loaded.affine(tf.constant(x))["y"]

    np.testing.assert_array_equal(y.numpy(), loaded.b.numpy()[None])


def test_a_gradient_flows_through_a_loaded_function(loaded):
    x = tf.constant(np.arange(8.0, dtype=np.float32).reshape(2, 4))

    with tf.GradientTape() as tape:
        total = tf.reduce_sum(loaded.affine(x)["y"])
    gradient = tape.gradient(total, loaded.w)

    np.testing.assert_allclose(gradient.numpy(), np.repeat(x.numpy().sum(0)[:, None], 3, 1))


def test_a_loaded_function_works_inside_another(loaded):
    @tf.function
    def outer(x):
        return loaded.affine(x)["y"] * 2.0

    x = tf.constant(np.ones((2, 4), np.float32))

    np.testing.assert_allclose(outer(x).numpy(), loaded.affine(x)["y"].numpy() * 2, rtol=1e-6)


def test_the_trace_is_chosen_by_tensors_and_python_values(loaded):
    x = tf.constant(np.ones((2, 2), np.float32))

    plain, _ = loaded.poly(x)
    trained, _ = loaded.poly(x, training=True)

    np.testing.assert_array_equal(plain.numpy(), np.full((2, 2), 2.0))
    np.testing.assert_array_equal(trained.numpy(), np.full((2, 2), 4.0))


def test_arguments_that_no_trace_fits_are_refused_with_the_options(loaded):
    with pytest.raises(ValueError, match="Could not find matching concrete function") as error:
        loaded.poly(tf.constant([True]))
    assert "option 1" in str(error.value)


def test_arguments_against_the_stated_signature_are_refused(loaded):
    with pytest.raises(TypeError, match="Could not find matching"):
        loaded.affine(tf.constant([[1, 2, 3, 4]]))


def test_signatures_are_a_mapping_with_specs(loaded):
    signature = loaded.signatures["serving_default"]

    assert set(loaded.signatures) == {"serving_default", "count", "two"}
    args, kwargs = signature.structured_input_signature
    assert args == ()
    assert kwargs["x"].shape.as_list() == [None, 4]
    assert signature.structured_outputs["y"].name == "y"


def test_a_signature_takes_keywords(loaded):
    x = tf.constant(np.ones((1, 4), np.float32))

    with pytest.raises(TypeError, match="needs 'x'"):
        loaded.signatures["serving_default"]()
    with pytest.raises(TypeError, match="positional"):
        loaded.signatures["two"](x, x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="float32"):
        loaded.signatures["serving_default"](x=tf.constant([[1, 2, 3, 4]]))


def test_a_loaded_model_can_be_saved_and_loaded_again(fixture, loaded, tmp_path):
    tf.saved_model.save(loaded, tmp_path / "again", signatures=dict(loaded.signatures))
    again = tf.saved_model.load(tmp_path / "again")

    for call in [*fixture.calls("attr"), *fixture.calls("signature")]:
        if call["name"] != "count":
            fixture.check(again, call)
    np.testing.assert_array_equal(again.w.numpy(), loaded.w.numpy())


def test_contains_saved_model_looks_for_the_file(fixture, tmp_path):
    assert tf.saved_model.contains_saved_model(fixture.model)
    assert not tf.saved_model.contains_saved_model(tmp_path)


def test_a_missing_model_is_not_found(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
        tf.saved_model.load(tmp_path)


def test_tags_must_be_those_of_the_graph(fixture):
    assert tf.saved_model.load(fixture.model, tags=["serve"]).affine is not None
    with pytest.raises(ValueError, match="train"):
        tf.saved_model.load(fixture.model, tags=["train"])


def test_a_damaged_model_is_data_loss(fixture, tmp_path):
    copied = shutil.copytree(fixture.model, tmp_path / "model")
    data = (copied / "saved_model.pb").read_bytes()
    (copied / "saved_model.pb").write_bytes(data[: len(data) // 2])

    with pytest.raises(tf.errors.DataLossError, match="SavedModel"):
        tf.saved_model.load(copied)


def test_a_model_in_text_format_is_read(fixture, tmp_path):
    copied = shutil.copytree(fixture.model, tmp_path / "model")
    message = protos.SavedModel.FromString((copied / "saved_model.pb").read_bytes())
    (copied / "saved_model.pb").unlink()
    (copied / "saved_model.pbtxt").write_text(str(message))

    loaded = tf.saved_model.load(copied)

    fixture.check(loaded, fixture.calls("attr")[-1])


def test_missing_variables_are_refused_unless_they_are_skipped(fixture, tmp_path):
    copied = shutil.copytree(fixture.model, tmp_path / "model")
    shutil.rmtree(copied / "variables")

    with pytest.raises(tf.errors.NotFoundError, match="variables"):
        tf.saved_model.load(copied)
    options = tf.saved_model.LoadOptions(experimental_skip_checkpoint=True)
    assert tf.saved_model.load(copied, options=options).w.shape.as_list() == [4, 3]


# What each needs beyond the rows of the table, and so is not asked of all.
_WHOLE = (
    "keras_conv1d_conv3d",
    "keras_gru_bidirectional",
    "keras_lstm",
    "keras_mixed_precision",
    "keras_mlp",
    "keras_resnet",
    "keras_tabular_preprocessing",
    "train_step",
)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared fixtures are not there")
@pytest.mark.parametrize("name", _WHOLE)
def test_a_model_of_tensorflow_answers_as_it_did_there(name):
    fixture = Fixture(SHARED / name)
    loaded = tf.saved_model.load(fixture.model)

    for call in fixture.manifest["calls"]:
        fixture.check(loaded, call)
