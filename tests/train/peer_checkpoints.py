"""Restore our checkpoints with TensorFlow, and write some for us. Run by `test_peer.py`."""

import json
import sys

import numpy as np
import tensorflow as tf


def objects():
    root = tf.Module()
    root.kernel = tf.Variable(np.zeros([3, 4], np.float32))
    root.parts = [tf.Variable(np.zeros([5], np.int64)), {"name": tf.Variable("")}]
    root.half = tf.Variable(np.zeros([2]), dtype=tf.bfloat16)
    return root


def main(folder):
    answers = {}
    for name in ("plain", "twice", "shards", "background-1"):
        root = objects()
        checkpoint = tf.train.Checkpoint(root=root)
        status = checkpoint.read(f"{folder}/{name}")
        status.assert_existing_objects_matched()
        answers[name] = [
            root.kernel.numpy().ravel().tolist(),
            root.parts[0].numpy().tolist(),
            root.parts[1]["name"].numpy().decode(),
            tf.cast(root.half, tf.float32).numpy().tolist(),
        ]
    answers["latest"] = tf.train.latest_checkpoint(f"{folder}/managed")
    answers["by_name"] = tf.train.load_variable(f"{folder}/saver", "named").tolist()
    root = objects()
    root.kernel.assign(np.arange(12, dtype=np.float32).reshape(3, 4))
    root.parts[0].assign([1, 2, 3, 4, 5])
    root.parts[1]["name"].assign("from TensorFlow")
    options = tf.train.CheckpointOptions(
        experimental_sharding_callback=tf.train.experimental.MaxShardSizePolicy(40)
    )
    tf.train.Checkpoint(root=root).write(f"{folder}/theirs", options)
    return answers


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
