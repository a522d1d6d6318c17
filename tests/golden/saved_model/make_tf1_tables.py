"""Write `tf1_tables` with TensorFlow 2.21: tables and parsed examples in a graph of TensorFlow 1.

Usage: make_tf1_tables.py, in an empty folder, with a Python that has TensorFlow.
"""

from pathlib import Path

import tensorflow as tf

v1 = tf.compat.v1
v1.disable_resource_variables()
Path("words.txt").write_text("aa\nbb\n")

with tf.Graph().as_default(), v1.Session() as session:
    words = v1.placeholder(tf.string, [None], name="words")
    serialized = v1.placeholder(tf.string, [None], name="serialized")
    asset = tf.constant("words.txt")
    v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, asset)
    pairs = v1.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
    table = v1.lookup.StaticHashTable(pairs, -1)
    lines = tf.lookup.TextFileInitializer(asset, tf.string, -2, tf.int64, -1)
    numbered = v1.lookup.StaticHashTable(lines, -1)
    parsed = v1.parse_example(serialized, {"key": tf.io.FixedLenFeature([], tf.string)})
    session.run(v1.tables_initializer())
    build = v1.saved_model.build_tensor_info
    define = v1.saved_model.build_signature_def
    method = "tensorflow/serving/predict"
    builder = v1.saved_model.Builder("tf1_tables")
    builder.add_meta_graph_and_variables(
        session,
        ["serve"],
        {
            "serving_default": define(
                {"words": build(words)},
                {"sums": build(table.lookup(words) + numbered.lookup(words))},
                method,
            ),
            "parsed": define(
                {"serialized": build(serialized)},
                {"found": build(table.lookup(parsed["key"]))},
                method,
            ),
        },
        assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        main_op=v1.tables_initializer(),
    )
    builder.save()
