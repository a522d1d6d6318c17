"""What functions cost: small calls, loops, shapes that depend on data, tracing."""

import sys

from sides import Side, both, measure, peer_python, report

CALL = """
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

JIT = """
import jax, numpy as np
x = jax.numpy.ones((8, 8), np.float32)
v = jax.numpy.ones((8, 8), np.float32)
@jax.jit
def f(x, v):
    return x @ v + 1.0
def work():
    return f(x, v)
"""

LOOP = """
import MODULE as tf
@tf.function
def f(x):
    i = tf.constant(0)
    while i < 1000:
        x = x * 0.999 + 0.001
        i += 1
    return x
x = tf.constant(2.0)
def work():
    return f(x).numpy()
"""

DYNAMIC = """
import numpy as np
import MODULE as tf
generator = np.random.default_rng(0)
rows = [tf.constant(generator.normal(size=(256, 64)).astype(np.float32)) for _ in range(8)]
weight = tf.Variable(generator.normal(size=(64, 64)).astype(np.float32))
@tf.function
def f(x):
    kept = tf.boolean_mask(x, tf.reduce_sum(x, axis=1) > 0.0)
    return tf.reduce_sum(tf.nn.relu(tf.matmul(kept, weight)), axis=0)
turn = [0]
def work():
    turn[0] += 1
    return f(rows[turn[0] % 8]).numpy()
"""

# A new model each time.
TRACE = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np
if "MODULE" == "penstock":
    import penstock.keras
import keras
x = np.zeros((32, 64), np.float32)
y = np.zeros((32,), np.int32)
def work():
    hidden = [keras.layers.Dense(64, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  jit_compile=JIT)
    model.train_on_batch(x, y)
"""


def main(rounds=20):
    status = 0
    sides = [*both(CALL), Side("jax_jit", JIT)]
    best = measure(sides, rounds=rounds * 2, calls=200)
    status |= report("call of a small function", best, {"tensorflow": 0.15, "jax_jit": 2.5})
    best = measure(both(LOOP), rounds=rounds, calls=3)
    status |= report("loop of 1,000 tiny steps", best, {"tensorflow": 0.2})
    best = measure(both(DYNAMIC, warm=16), rounds=rounds, calls=20)
    status |= report("function with boolean_mask inside", best, {"tensorflow": 1.2})
    sides = [Side("penstock", TRACE.replace("MODULE", "penstock").replace("JIT", "'auto'"))]
    if peer_python():
        source = TRACE.replace("MODULE", "tensorflow").replace("JIT", "True")
        sides.append(Side("tensorflow_jit_compile", source, peer_python()))
    best = measure(sides, rounds=max(2, rounds // 3), calls=1)
    status |= report(
        "trace, compile and first step of a Keras model", best, {"tensorflow_jit_compile": 1.0}
    )
    return status


if __name__ == "__main__":
    raise SystemExit(main(3 if "--small" in sys.argv else 20))
