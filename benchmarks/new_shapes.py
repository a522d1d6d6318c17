"""What 200 shapes never seen before cost in 20 eager ops, beside TensorFlow."""

import sys

from sides import both, measure, report

SOURCE = """
import itertools
import numpy as np
import MODULE as tf
sizes = itertools.count(2)
def work():
    for _ in range(SHAPES):
        n = next(sizes)
        x = tf.constant(np.full((n, 3), 0.5, np.float32))
        y = x + 1.0
        y = y * x
        y = y - x
        y = y / (x + 2.0)
        y = tf.exp(y)
        y = tf.tanh(y)
        y = tf.nn.relu(y)
        y = tf.sqrt(y)
        y = tf.matmul(y, tf.ones((3, 4)))
        y = tf.concat([y, y], 1)
        y = tf.reshape(y, [n, 2, 4])
        y = tf.transpose(y, [1, 0, 2])
        y = tf.reduce_sum(y, axis=0)
        y = tf.nn.softmax(y)
        y = y[:, 1:]
        y = tf.gather(y, [0, 1], axis=0)
        y = tf.cast(y, tf.float64)
        y = tf.reduce_mean(y)
        y = tf.maximum(y, 0.0)
"""


def main(rounds=6, shapes=200):
    best = measure(both(SOURCE.replace("SHAPES", str(shapes)), warm=0), rounds=rounds, calls=1)
    return report(f"{shapes} new shapes through 20 eager ops", best, {"tensorflow": 1.0})


if __name__ == "__main__":
    raise SystemExit(main(2, 20) if "--small" in sys.argv else main())
