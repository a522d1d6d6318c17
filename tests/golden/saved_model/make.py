"""Write `tf1_nested` with TensorFlow 2.21: branches in loops, loops in branches, assignments.

Usage: make.py, in this folder, with a Python that has TensorFlow.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_control_flow_v2()
HERE = Path(__file__).parent / "tf1_nested"


def graph():
    x = v1.placeholder(tf.float32, [None], "x")
    n = v1.placeholder(tf.int32, [], "n")
    w = v1.get_variable("w", initializer=3.0, use_resource=False)
    steps = v1.get_variable("steps", initializer=0, use_resource=True, trainable=False)

    def odd_or_even(i, total):
        return v1.cond(
            tf.equal(i % 2, 0), lambda: total + w * tf.reduce_sum(x), lambda: total - 1.0
        )

    def inner(i):
        return v1.while_loop(
            lambda j, _: j < i,
            lambda j, t: (j + 1, t * 2.0),
            [tf.constant(0), tf.constant(1.0)],
        )[1]

    _, total = v1.while_loop(
        lambda i, _: i < n,
        lambda i, t: (i + 1, odd_or_even(i, t) + inner(i)),
        [tf.constant(0), tf.constant(0.0)],
    )

    def many():
        _, grown = v1.while_loop(
            lambda k, _: k < 3, lambda k, t: (k + 1, t + tf.cast(k, tf.float32)), [0, x]
        )
        return grown, tf.shape(x)[0]

    grown, count = v1.cond(total > 10.0, many, lambda: (-x, tf.constant(-1)))
    with tf.control_dependencies([steps.assign_add(1)]):
        seen = steps.read_value()
    return {"x": x, "n": n}, {"total": total, "grown": grown, "count": count, "seen": seen}


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    calls = [
        {"x": np.array([1.0, 2.0], np.float32), "n": np.int32(4)},
        {"x": np.array([-5.0], np.float32), "n": np.int32(1)},
        {"x": np.array([0.5, 0.5, 1.0], np.float32), "n": np.int32(0)},
    ]
    store = {}
    manifest = {
        "made_by": f"tensorflow {tf.__version__}",
        "rtol": 1e-5,
        "atol": 1e-6,
        "calls": [],
    }
    with tf.Graph().as_default(), v1.Session() as session:
        inputs, outputs = graph()
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def(inputs, outputs)
        builder = v1.saved_model.Builder(str(HERE / "model"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
        for i, feed in enumerate(calls):
            got = session.run(outputs, {inputs[key]: value for key, value in feed.items()})
            call = {"via": "signature", "name": "serving_default", "args": {}, "outputs": {}}
            for part, values in (("args", feed), ("outputs", got)):
                for key, given in values.items():
                    value = np.asarray(given)
                    store[f"c{i}.{part}.{key}"] = value
                    call[part][key] = {
                        "kind": "tensor",
                        "key": f"c{i}.{part}.{key}",
                        "dtype": value.dtype.name,
                    }
            manifest["calls"].append(call)
    np.savez(HERE / "io.npz", **store)
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
