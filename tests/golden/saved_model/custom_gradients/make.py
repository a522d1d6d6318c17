"""Writes the SavedModels of this folder with TensorFlow: python make.py."""

from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).resolve().parent


@tf.custom_gradient
def clipped(x):
    return tf.identity(x) * 1.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0) * 7.0


class Model(tf.Module):
    def __init__(self):
        self.w = tf.Variable([2.0, 3.0])
        self.v = tf.Variable(4.0)

        @tf.custom_gradient
        def scaled(x):
            def rule(dy, variables=None):
                return dy * x * 5.0, [tf.reduce_sum(dy) * self.v * tf.ones_like(self.w)]

            return x * self.w, rule

        self.scaled = scaled

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def plain(self, x):
        return tf.reduce_sum(clipped(x * x) * 3.0)

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def of_a_variable(self, x):
        return tf.reduce_sum(self.scaled(x) ** 2)

    @tf.function(input_signature=[tf.TensorSpec([2])])
    def in_a_loop(self, x):
        for _ in tf.range(2):
            x = clipped(x * x)
        return tf.reduce_sum(x * x)


model = Model()
for name, kept in (("kept", True), ("lost", False)):
    options = tf.saved_model.SaveOptions(
        experimental_custom_gradients=kept, save_debug_info=False
    )
    tf.saved_model.save(model, str(HERE / name), options=options)
