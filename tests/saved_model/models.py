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


class Trainer(tf.Module):
    """A convolution, a pooling, an embedding and a dense layer, trained by gradient descent."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)
        self.kernel = tf.Variable(rng.random((3, 3, 1, 4), np.float32) - 0.5)
        self.weights = tf.Variable(rng.random((16, 3), np.float32) - 0.5)
        self.bias = tf.Variable(np.zeros(3, np.float32))
        self.table = tf.Variable(rng.random((10, 3), np.float32))

    def _loss(self, x, tokens, y):
        h = tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "SAME"))
        h = tf.reshape(tf.nn.max_pool2d(h, 2, 2, "SAME"), [-1, 16])
        logits = tf.matmul(h, self.weights) + self.bias
        logits += tf.reduce_mean(tf.gather(self.table, tokens), 1)
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4, 4, 1]),
            tf.TensorSpec([None, 5], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ]
    )
    def step(self, x, tokens, y):
        """One step; gives the loss before it."""
        variables = [self.kernel, self.weights, self.bias, self.table]
        with tf.GradientTape() as tape:
            loss = self._loss(x, tokens, y)
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * tf.convert_to_tensor(gradient))
        return loss


def batch():
    """Arguments of a training step."""
    rng = np.random.default_rng(1)
    return (
        rng.random((6, 4, 4, 1), np.float32),
        rng.integers(0, 10, (6, 5)).astype(np.int32),
        rng.integers(0, 3, 6).astype(np.int32),
    )


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
