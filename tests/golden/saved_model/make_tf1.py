"""Write `tf1_rnn`, `tf1_cnn_bn` and `tf1_train_ref` with TensorFlow 2.21.

Loops with their gradients, batch normalization that keeps averages in a branch, a variable in
parts, and steps of training by which TensorFlow 1 changed variables in place.

Usage: make_tf1.py, in this folder, with a Python that has TensorFlow.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.disable_control_flow_v2()
v1.disable_resource_variables()
HERE = Path(__file__).parent
rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def tf1_rnn():
    x = v1.placeholder(tf.float32, [None, None, 4], name="x")
    length = v1.placeholder(tf.int32, [None])
    kernel = v1.get_variable("k", [9, 20], initializer=v1.random_normal_initializer(seed=1))
    bias = v1.get_variable("b", [20], initializer=v1.zeros_initializer())

    def step(t, c, h, out):
        gates = tf.matmul(tf.concat([x[:, t], h], 1), kernel) + bias
        i, j, f, o = tf.split(gates, 4, 1)
        new_c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        new_h = tf.tanh(new_c) * tf.sigmoid(o)
        alive = tf.tile(tf.expand_dims(t < length, 1), [1, 5])
        h, c = v1.where(alive, new_h, h), v1.where(alive, new_c, c)
        return t + 1, c, h, out.write(t, h)

    times, zero = tf.shape(x)[1], tf.zeros([tf.shape(x)[0], 5])
    shapes = [[], [None, 5], [None, 5], None]
    _, _, h, out = v1.while_loop(
        lambda t, *_: t < times,
        step,
        [0, zero, zero, tf.TensorArray(tf.float32, times)],
        shape_invariants=[tf.TensorShape(shape) for shape in shapes],
    )
    out = tf.transpose(out.stack(), [1, 0, 2])
    outputs = {
        "out": out,
        "h": h,
        "grad": v1.gradients(tf.reduce_sum(out**2), [x])[0],
        "mf": v1.map_fn(lambda row: row * 2, x),
        "sc": v1.scan(lambda a, row: a + row, x[0]),
    }
    signatures = {"serving_default": ({"x": x, "L": length}, outputs)}
    feeds = {"x": normal(2, 6, 4), "L": np.array([6, 3], np.int32)}
    return signatures, [("serving_default", feeds)]


def tf1_cnn_bn():
    x = v1.placeholder(tf.float32, [None, 8, 8, 3], name="x")
    training = v1.placeholder_with_default(False, [], name="training")
    kernel = v1.get_variable(
        "k", [3, 3, 3, 4], initializer=v1.glorot_uniform_initializer(seed=2)
    )
    hidden = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")
    ones, zeros = v1.ones_initializer(), v1.zeros_initializer()
    scale = v1.get_variable("s", [4], initializer=ones)
    offset = v1.get_variable("o", [4], initializer=zeros)
    mean = v1.get_variable("m", [4], initializer=zeros, trainable=False)
    variance = v1.get_variable("v", [4], initializer=ones, trainable=False)

    def of_batch():
        y, a, b = v1.nn.fused_batch_norm(hidden, scale, offset, is_training=True)
        updates = [
            v1.assign(mean, mean * 0.9 + a * 0.1),
            v1.assign(variance, variance * 0.9 + b * 0.1),
        ]
        with tf.control_dependencies(updates):
            return tf.identity(y)

    def of_past():
        return v1.nn.fused_batch_norm(hidden, scale, offset, mean, variance, is_training=False)[
            0
        ]

    y = tf.nn.relu(tf.cond(training, of_batch, of_past))
    y = tf.reshape(v1.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), [-1, 64])
    weights = v1.get_variable(
        "w",
        [64, 3],
        partitioner=v1.fixed_size_partitioner(4),
        initializer=v1.random_normal_initializer(seed=3),
    )
    logits = tf.matmul(y, tf.convert_to_tensor(weights))
    signatures = {
        "serving_default": ({"x": x}, {"p": tf.nn.softmax(logits), "c": tf.argmax(logits, 1)}),
        "train": ({"x": x, "training": training}, {"p": logits}),
    }
    images = normal(2, 8, 8, 3)
    return signatures, [
        ("serving_default", {"x": images}),
        ("train", {"x": images, "training": np.array(True)}),
        ("serving_default", {"x": images}),
    ]


def tf1_train_ref():
    x = v1.placeholder(tf.float32, [None, 4], name="x")
    y = v1.placeholder(tf.float32, [None, 1], name="y")
    weights = v1.get_variable("w", [4, 1], initializer=v1.constant_initializer(0.1))
    table = v1.get_variable("e", [5, 4], initializer=v1.constant_initializer(0.2))
    ids = tf.cast(tf.abs(x[:, 0]), tf.int32) % 5
    product = tf.matmul(x + tf.nn.embedding_lookup(table, ids), weights)
    loss = tf.reduce_mean(tf.square(product - y))
    step = v1.train.get_or_create_global_step()
    inputs = {"x": x, "y": y}
    signatures = {"serving_default": (inputs, {"loss": loss})}
    optimizers = {
        "sgd": v1.train.GradientDescentOptimizer(0.1),
        "mom": v1.train.MomentumOptimizer(0.1, 0.9),
        "adam": v1.train.AdamOptimizer(0.1),
        "adagrad": v1.train.AdagradOptimizer(0.1),
        "rms": v1.train.RMSPropOptimizer(0.1),
        "ftrl": v1.train.FtrlOptimizer(0.1),
        "adadelta": v1.train.AdadeltaOptimizer(0.1),
    }
    shown = {"l": loss, "w": weights, "e": table, "g": step}
    for name, optimizer in optimizers.items():
        with tf.control_dependencies([optimizer.minimize(loss, global_step=step)]):
            signatures[name] = (
                inputs,
                {key: tf.identity(value) for key, value in shown.items()},
            )
    feeds = {"x": normal(6, 4), "y": normal(6, 1)}
    return signatures, [(name, feeds) for name in (*optimizers, "adam", "mom")]


def write(make):
    folder = HERE / make.__name__
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with v1.Graph().as_default(), v1.Session() as session:
        signatures, calls = make()
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder / "model"))
        described = {
            key: v1.saved_model.predict_signature_def(inputs, outputs)
            for key, (inputs, outputs) in signatures.items()
        }
        builder.add_meta_graph_and_variables(session, ["serve"], described)
        builder.save()
        store, notes = {}, []
        for n, (key, feeds) in enumerate(calls):
            inputs, outputs = signatures[key]
            answers = session.run(outputs, {inputs[name]: feeds[name] for name in feeds})
            note = {"via": "signature", "name": key, "args": {}, "outputs": {}}
            for name, value in feeds.items():
                store[f"c{n}.in.{name}"] = value
                note["args"][name] = {"kind": "tensor", "key": f"c{n}.in.{name}"}
            for name, value in answers.items():
                store[f"c{n}.out.{name}"] = value
                dtype = np.asarray(value).dtype.name
                note["outputs"][name] = {"key": f"c{n}.out.{name}", "dtype": dtype}
            notes.append(note)
    np.savez(folder / "io.npz", **store)
    manifest = {"rtol": 1e-4, "atol": 1e-5, "calls": notes}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    for each in (tf1_rnn, tf1_cnn_bn, tf1_train_ref):
        write(each)
