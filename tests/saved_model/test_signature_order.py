"""Arguments of signatures go by their names."""

import numpy as np

import penstock as tf


class Model(tf.Module):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, "x"),
            tf.TensorSpec([], tf.int32, "count"),
            tf.TensorSpec([], tf.string, "a"),
        ]
    )
    def serve(self, x, count, a):
        return {"z": tf.repeat(x, count), "b": a}

    @tf.custom_gradient
    def doubled(self, x):
        return x * 2.0, lambda upstream: upstream * 100.0

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
    def call_doubled(self, x):
        return self.doubled(x)


def test_arguments_of_different_types_find_their_places(tmp_path):
    model = Model()
    tf.saved_model.save(model, tmp_path / "m", signatures=model.serve)
    loaded = tf.saved_model.load(tmp_path / "m")

    answer = loaded.signatures["serving_default"](
        x=tf.constant([1.0, 2.0]), count=tf.constant(2), a=tf.constant("t")
    )

    np.testing.assert_array_equal(answer["z"], [1.0, 1.0, 2.0, 2.0])
    assert answer["b"].numpy() == b"t"


def test_a_method_may_have_a_gradient_of_its_own(tmp_path):
    model = Model()
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = model.doubled(x)
    tf.saved_model.save(model, tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")

    np.testing.assert_array_equal(tape.gradient(y, x), [100.0, 100.0])
    np.testing.assert_array_equal(loaded.call_doubled(tf.constant([1.0, 2.0])), [2.0, 4.0])
