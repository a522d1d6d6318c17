"""Run with TensorFlow: reads what penstock wrote, and writes what penstock shall read.

Usage: peer.py {read,train,session,keras,checkpoint,write} FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


def read(folder):
    """Call every function of the model, change a variable, call again."""
    loaded = tf.saved_model.load(str(folder / "model"))
    found = {
        "signature": loaded.signatures["serving_default"](x=tf.constant(X))["y"],
        "serve": loaded.serve(tf.constant(X))["y"],
        "calls": loaded.count.numpy(),
        "scale": loaded.scale(tf.constant(X)),
        "scale_training": loaded.scale(tf.constant(X), training=True),
        "repeat": loaded.repeat(tf.constant(X[:1]), 3)[0],
        "repeat_negative": loaded.repeat(tf.constant(-X[0]))[0],
        "picked": loaded.repeat(tf.constant(X[:1]))[1],
        "list": loaded.parts["list"][0],
        "pair": loaded.pair[0],
        "trainable": len([v for v in (loaded.bias, loaded.count) if v.trainable]),
    }
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(loaded.repeat(tf.constant(X[:1]), 3)[0])
    found["gradient"] = tape.gradient(total, loaded.bias)
    loaded.bias.assign([0.0, 0.0, 0.0])
    found["after_assign"] = loaded.serve(tf.constant(X))["y"]
    return found


def train(folder):
    """Run training steps that penstock wrote."""
    loaded = tf.saved_model.load(str(folder / "model"))
    with np.load(folder / "batch.npz") as stored:
        arguments = [tf.constant(stored[key]) for key in ("x", "tokens", "y")]
    return {"losses": [loaded.step(*arguments).numpy() for _ in range(4)], "bias": loaded.bias}


def session(folder):
    """Load as TensorFlow 1 and servers do, and save with the model's own saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as running:
        graph = tf.compat.v1.saved_model.load(running, ["serve"], str(folder / "model"))
        signature = graph.signature_def["serving_default"]
        feed = {signature.inputs["x"].name: X}
        found = {"y": running.run(signature.outputs["y"].name, feed)}
        saver = graph.saver_def
        target = str(folder / "from_session")
        running.run(saver.save_tensor_name, {saver.filename_tensor_name: target})
    reader = tf.train.load_checkpoint(target)
    found["kernel"] = reader.get_tensor("scale/kernel/.ATTRIBUTES/VARIABLE_VALUE")
    return found


def keras(folder):
    """Call exported models."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        loaded = tf.saved_model.load(str(folder / path.stem))
        stored = np.load(path)
        inputs = {key[2:]: tf.constant(stored[key]) for key in stored if key.startswith("x.")}
        given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        for key, value in _named(loaded.serve(given)).items():
            found[f"{path.stem}.{key}"] = value
        signature = loaded.signatures["serving_default"]
        names = list(signature.structured_input_signature[1])
        by_name = inputs if len(inputs) > 1 else {names[0]: given}
        for key, value in signature(**by_name).items():
            found[f"{path.stem}.signature.{key}"] = value
    return found


def _named(outputs):
    return outputs if isinstance(outputs, dict) else {"y": outputs}


def checkpoint(folder):
    """Restore what penstock saved, change it, and save it again."""
    module = tf.Module()
    module.w = tf.Variable(np.zeros((2, 3), np.float32))
    module.parts = {"list": [tf.Variable("")], "flag": tf.Variable(False)}
    saved = tf.train.Checkpoint(module=module, step=tf.Variable(0))
    saved.restore(tf.train.latest_checkpoint(str(folder / "ours"))).assert_consumed()
    found = {"w": module.w.numpy(), "flag": module.parts["flag"].numpy()}
    found["count"] = saved.save_counter.numpy()
    module.w.assign_add(tf.ones_like(module.w))
    module.parts["list"][0].assign("from TensorFlow")
    manager = tf.train.CheckpointManager(saved, str(folder / "theirs"), max_to_keep=2)
    for _ in range(3):
        manager.save()
    return found


class Net(tf.Module):
    """What TensorFlow writes for penstock."""

    def __init__(self):
        super().__init__()
        self.w = tf.Variable(np.arange(6.0, dtype=np.float32).reshape(3, 2), name="w")
        self.seen = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.items = [tf.Variable(1.0), {"deep": tf.Variable([2.0, 3.0])}]

    @tf.function
    def __call__(self, x, power=1, *, negate=False):
        y = tf.matmul(x, self.w)
        for _ in range(power - 1):
            y = y * y
        return -y if negate else y

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "v")])
    def loops(self, v):
        total = tf.zeros([])
        for i in tf.range(tf.size(v)):
            if v[i] > 0.0:
                total += v[i]
                self.seen.assign_add(1)
            else:
                total -= 1.0
        return {"total": total, "seen": self.seen.read_value()}


def write(folder):
    """Save a module, and what it gives."""
    net = Net()
    x = tf.constant(X)
    v = tf.constant([1.0, -2.0, 3.0])
    found = {
        "plain": net(x),
        "power": net(x, 2),
        "negated": net(x, power=3, negate=True),
        "total": net.loops(v)["total"],
        "seen": net.seen,
    }
    tf.saved_model.save(net, str(folder / "theirs"))
    return found


if __name__ == "__main__":
    results = globals()[sys.argv[1]](Path(sys.argv[2]))
    np.savez(Path(sys.argv[2]) / "answer", **{k: np.asarray(v) for k, v in results.items()})
