"""Keras' layer of a SavedModel, `TFSMLayer`, runs models of TensorFlow as it is."""

import numpy as np
import pytest

import penstock as tf
from tests.saved_model.golden import SHARED, Fixture

tf.install_as_tensorflow()
keras = pytest.importorskip("keras")


def test_a_model_of_tensorflow_is_a_layer():
    if not SHARED.is_dir():
        pytest.skip("the fixtures are not beside the checkout")
    fixture = Fixture(SHARED / "keras_cnn")
    layer = keras.layers.TFSMLayer(str(fixture.model), call_endpoint="serve")
    call = fixture.calls("attr")[0]
    x = fixture.store[call["args"][0]["key"]]

    y = layer(x)

    expected = fixture.store[call["outputs"][0]["key"]]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert len(layer.trainable_weights) == 13


def test_the_layer_can_be_part_of_a_model_and_be_trained(tmp_path):
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")])
    inner.export(str(tmp_path / "m"), verbose=False)
    layer = keras.layers.TFSMLayer(str(tmp_path / "m"), call_endpoint="serve")
    inputs = keras.Input((3,))
    outer = keras.Model(inputs, layer(inputs))
    x = np.ones((4, 3), np.float32)

    np.testing.assert_allclose(outer.predict(x, verbose=0), inner.predict(x, verbose=0), 1e-5)
    outer.compile("sgd", "mse")
    before = outer.evaluate(x, np.zeros((4, 2)), verbose=0)
    outer.fit(x, np.zeros((4, 2)), verbose=0)
    assert outer.evaluate(x, np.zeros((4, 2)), verbose=0) < before
