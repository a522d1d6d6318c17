"""What has no form among TensorFlow's ops is saved as a program of XLA."""

import numpy as np
import pytest

import penstock as tf
from penstock.wire import protos

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 4)).astype(np.float32)
W = (RNG.normal(size=(4, 4)) * 0.3).astype(np.float32)


class Recurrent(tf.Module):
    """The gradient of a loop in its weights, and one step of training by it."""

    def __init__(self, batch):
        self.w = tf.Variable(W)
        spec = [tf.TensorSpec([batch, 5, 4])]
        self.grads = tf.function(self._grads, input_signature=spec)
        self.step = tf.function(self._step, input_signature=spec)

    def _grads(self, x):
        with tf.GradientTape() as tape:
            states = tf.TensorArray(tf.float32, 5)
            h = tf.zeros_like(x[:, 0])
            for i in tf.range(5):
                h = tf.tanh(x[:, i] + h @ self.w)
                states = states.write(i, h)
            loss = tf.reduce_mean(states.stack() ** 2)
        return tape.gradient(loss, self.w)

    def _step(self, x):
        self.w.assign_sub(0.5 * self._grads(x))
        return tf.reduce_sum(self.w)


def loss(x, w):
    states, h = [], np.zeros_like(x[:, 0])
    for i in range(5):
        h = np.tanh(x[:, i] + h @ w)
        states.append(h)
    return np.mean(np.stack(states) ** 2)


def numeric_gradient(x, w):
    """By differences, in double precision."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    gradient = np.zeros_like(w)
    for at in np.ndindex(*w.shape):
        step = np.zeros_like(w)
        step[at] = 1e-6
        gradient[at] = (loss(x, w + step) - loss(x, w - step)) / 2e-6
    return gradient


def saved_ops(path):
    message = protos.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    library = message.meta_graphs[0].graph_def.library
    return {node.op for function in library.function for node in function.node_def}


@pytest.mark.parametrize("batch", [2, None])
def test_the_gradient_of_a_loop_is_saved_and_gives_the_same(tmp_path, batch):
    tf.saved_model.save(Recurrent(batch), tmp_path / "m")

    loaded = tf.saved_model.load(tmp_path / "m")

    assert "XlaCallModule" in saved_ops(tmp_path / "m")
    np.testing.assert_allclose(loaded.grads(tf.constant(X)), numeric_gradient(X, W), atol=1e-5)


def test_an_open_batch_stays_open(tmp_path):
    tf.saved_model.save(Recurrent(None), tmp_path / "m")
    x = RNG.normal(size=(7, 5, 4)).astype(np.float32)

    loaded = tf.saved_model.load(tmp_path / "m")

    np.testing.assert_allclose(loaded.grads(tf.constant(x)), numeric_gradient(x, W), atol=1e-5)


def test_a_step_of_training_assigns_the_variable_of_the_loaded_model(tmp_path):
    tf.saved_model.save(Recurrent(2), tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")

    total = loaded.step(tf.constant(X))

    wanted = W - 0.5 * numeric_gradient(X, W)
    np.testing.assert_allclose(loaded.w, wanted, atol=1e-5)
    np.testing.assert_allclose(total, wanted.sum(), atol=1e-4)


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_gradients_of_recurrent_layers_are_saved_for_any_batch(tmp_path, layer):
    tf.keras.utils.set_random_seed(0)
    net = tf.keras.Sequential(
        [tf.keras.Input((5, 4)), getattr(tf.keras.layers, layer)(3), tf.keras.layers.Dense(2)]
    )
    model = tf.Module()
    model.weights = net.trainable_variables

    def grads(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(net(x, training=True) ** 2)
        return tape.gradient(loss, net.trainable_variables)

    model.grads = tf.function(grads, input_signature=[tf.TensorSpec([None, 5, 4])])
    tf.saved_model.save(model, tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")

    for batch in (1, 6):
        x = tf.constant(RNG.normal(size=(batch, 5, 4)).astype(np.float32))
        for found, wanted in zip(loaded.grads(x), grads(x), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_what_calls_a_library_of_ours_is_refused(tmp_path):
    model = tf.Module()

    def grads(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.linalg.svd(x)[0])
        return tape.gradient(y, x)

    model.grads = tf.function(grads, input_signature=[tf.TensorSpec([3, 3])])

    with pytest.raises(tf.errors.UnimplementedError, match="lapack"):
        tf.saved_model.save(model, tmp_path / "m")


def test_programs_are_of_a_version_that_tensorflow_reads(tmp_path):
    tf.saved_model.save(Recurrent(2), tmp_path / "m")
    message = protos.SavedModel.FromString((tmp_path / "m" / "saved_model.pb").read_bytes())
    modules = [
        node.attr["module"].s
        for function in message.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "XlaCallModule"
    ]

    assert modules
    assert all(b"StableHLO_v1.13.0" in module for module in modules)


def test_what_has_no_gradient_in_it_is_written_with_ops_alone(tmp_path):
    class Plain(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def f(self, x):
            return tf.nn.softmax(x)

    tf.saved_model.save(Plain(), tmp_path / "m")

    assert "XlaCallModule" not in saved_ops(tmp_path / "m")
