"""A model with something of everything."""

import numpy as np

import penstock as tf


class Scale(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(np.eye(3, dtype=np.float32) * 2, name="kernel")

    @tf.function
    def __call__(self, x, training=False):
        y = tf.matmul(x, self.kernel)
        return y * 3.0 if training else y


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.scale = Scale()
        self.bias = tf.Variable([1.0, 2.0, 3.0], name="bias")
        self.count = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.parts = {
            "list": [tf.Variable(1.0), tf.Variable("text")],
            "flag": tf.Variable(True),
        }
        self.pair = (tf.Variable(4.0), "not tracked")
        self.table = tf.constant(np.arange(100, dtype=np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def serve(self, x):
        """`2 x + bias`, and how often it was called."""
        self.count.assign_add(1)
        return {"y": self.scale(x) + self.bias, "calls": self.count.read_value()}

    @tf.function
    def repeat(self, x, n=2):
        """`n` times `x` times the bias, or `x - 1` when its sum is not positive."""
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * self.bias, lambda: x - 1.0)
        start = [tf.constant(0), tf.zeros_like(y)]
        _, total = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a + y), start)
        return total, tf.gather(self.table, [5, 7])


X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


def traced():
    """A model whose functions have been called."""
    model = Model()
    model.repeat(tf.constant(X[:1]))
    model.repeat(tf.constant(X[:1]), 3)
    model.repeat(tf.constant(X[0]))
    model.scale(tf.constant(X))
    model.scale(tf.constant(X), training=True)
    return model
