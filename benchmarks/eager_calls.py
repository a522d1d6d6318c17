"""What an eager addition, a small tape and a small function cost, beside TensorFlow."""

import sys

from sides import both, measure, report

ADD = """
import numpy as np
import MODULE as tf
x = tf.constant(np.ones((32, 32), np.float32))
def work():
    return x + x
"""

TAPE = """
import numpy as np
import MODULE as tf
x = tf.constant(np.ones((32, 32), np.float32))
def work():
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x * x + x)
    return tape.gradient(y, x)
"""

FUNCTION = """
import numpy as np
import MODULE as tf
x = tf.constant(np.ones((8, 8), np.float32))
v = tf.Variable(np.ones((8, 8), np.float32))
@tf.function
def f(x):
    return tf.matmul(x, v) + 1.0
def work():
    return f(x)
"""


def main(rounds=40):
    status = 0
    for question, source, calls, limit in (
        ("eager add of 32 x 32", ADD, 200, 0.35),
        ("tape over three ops", TAPE, 50, 0.4),
        ("call of a small tf.function", FUNCTION, 100, 0.15),
    ):
        best = measure(both(source), rounds=rounds, calls=calls)
        status |= report(question, best, {"tensorflow": limit})
    return status


if __name__ == "__main__":
    raise SystemExit(main(3 if "--small" in sys.argv else 40))
