"""Programs of TensorFlow 1: graphs and sessions."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.conformance.exchange.program import Call, Model, floats, program

v1 = tf.compat.v1


def signature(key="serving_default", **kwargs):
    return Call(f"signatures.{key}", (), kwargs)


def builder(make):
    """Save what `make` builds in a graph: it gives the signatures."""

    def write(path):
        with tf.Graph().as_default(), v1.Session() as session:
            signatures, *rest = make()
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            for step in rest[1:]:
                session.run(step)
            saving = v1.saved_model.Builder(path)
            saving.add_meta_graph_and_variables(
                session,
                ["serve"],
                signature_def_map=signatures,
                main_op=v1.tables_initializer(),
                assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            )
            saving.save()

    return Model(write=write)


@program(
    lambda: [
        signature(x=tf.constant(floats(0, 2, 3))),
        signature("only_y", x=tf.constant(floats(0, 2, 3))),
    ],
    tags=["serve"],
)
def tf1_builder():
    def make():
        x = v1.placeholder(tf.float32, [None, 3], "x")
        w = v1.get_variable("w", initializer=floats(1, 3, 2))
        b = v1.get_variable("b", initializer=np.float32([1, 2]), use_resource=False)
        y = tf.identity(tf.matmul(x, w) + b, "y")
        predict = v1.saved_model.predict_signature_def
        return (
            {
                "serving_default": predict({"x": x}, {"y": y, "z": tf.nn.softmax(y)}),
                "only_y": predict({"x": x}, {"y": y}),
            },
            None,
            v1.assign(b, [3.0, 4.0]),
        )

    return builder(make)


@program(
    lambda: [signature(x=tf.constant(5.0)), signature(x=tf.constant(-2.0))], tags=["serve"]
)
def tf1_control_flow_v1():
    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [], "x")
        w = v1.get_variable("w", initializer=1.5)
        y = v1.cond(x > 0.0, lambda: x * w, lambda: -x)
        _, z = v1.while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, a * w + x), [0, y])
        v1.enable_control_flow_v2()
        return (
            {
                "serving_default": v1.saved_model.predict_signature_def(
                    {"x": x}, {"y": y, "z": z}
                )
            },
        )

    return builder(make)


@program(
    lambda: [
        signature("classify", inputs=tf.constant(examples())),
        signature("regress", inputs=tf.constant(examples())),
        signature(x=tf.constant(floats(0, 2, 4)), word=tf.constant(["a", "zz"])),
    ],
    tags=["serve"],
)
def tf1_estimator_like():
    """Examples, an embedding of words of a file, dropout that is off, a global step."""
    vocabulary = str(Path(tempfile.mkdtemp()) / "vocabulary.txt")
    Path(vocabulary).write_text("a\nb\n")

    def make():
        v1.train.get_or_create_global_step()
        serialized = v1.placeholder(tf.string, [None], "input_example_tensor")
        parsed = v1.parse_example(
            serialized,
            {
                "x": tf.io.FixedLenFeature([4], tf.float32),
                "word": tf.io.FixedLenFeature([1], tf.string, "a"),
            },
        )
        x = v1.placeholder_with_default(parsed["x"], [None, 4], "x")
        word = v1.placeholder_with_default(parsed["word"][:, 0], [None], "word")
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                vocabulary,
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            1,
        )
        with v1.variable_scope("dnn"):
            e = v1.get_variable("embedding", initializer=floats(3, 3, 4))
            h = tf.concat([x, tf.nn.embedding_lookup(e, table.lookup(word))], 1)
            w = v1.get_variable("kernel", initializer=floats(4, 8, 3))
            keep = v1.placeholder_with_default(1.0, [])
            h = tf.nn.relu(
                v1.nn.xw_plus_b(
                    h, w, v1.get_variable("bias", initializer=np.zeros(3, np.float32))
                )
            )
            h = v1.nn.dropout(h, keep_prob=keep)
        scores = tf.nn.softmax(h)
        classes = tf.tile(tf.constant([["p", "q", "r"]]), [tf.shape(scores)[0], 1])
        s = v1.saved_model
        return (
            {
                "classify": s.classification_signature_def(serialized, classes, scores),
                "regress": s.regression_signature_def(serialized, tf.reduce_sum(h, 1)),
                "serving_default": s.predict_signature_def(
                    {"x": x, "word": word}, {"scores": scores}
                ),
            },
        )

    return builder(make)


def examples():
    def one(seed):
        feature = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=floats(seed, 4)))}
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    return [one(0), one(1)]


@program(lambda: [signature(image=tf.constant(floats(0, 2, 8, 8, 3)))], tags=["serve"])
def tf1_cnn():
    def make():
        x = v1.placeholder(tf.float32, [None, 8, 8, 3], "image")
        w = v1.get_variable("w", initializer=floats(1, 3, 3, 3, 4) - 0.5)
        y = v1.nn.conv2d(x, w, [1, 2, 2, 1], "SAME")
        scale = v1.get_variable("scale", initializer=np.ones(4, np.float32))
        mean = v1.get_variable("mean", initializer=floats(2, 4), trainable=False)
        y, _, _ = v1.nn.fused_batch_norm(y, scale, scale, mean, scale, is_training=False)
        y = v1.nn.max_pool(tf.nn.relu6(y), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
        y = tf.nn.l2_normalize(tf.reshape(y, [-1, 16]), 1)
        return (
            {"serving_default": v1.saved_model.predict_signature_def({"image": x}, {"y": y})},
        )

    return builder(make)


@program(lambda: [signature(x=tf.constant(floats(0, 2, 5, 3)))], tags=["serve"])
def tf1_dynamic_loop():
    """A recurrent loop over a TensorArray, as dynamic_rnn makes them."""

    def make():
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, None, 3], "x")
        w = v1.get_variable("w", initializer=floats(1, 7, 4))
        steps = tf.TensorArray(tf.float32, tf.shape(x)[1]).unstack(tf.transpose(x, [1, 0, 2]))
        out = tf.TensorArray(tf.float32, tf.shape(x)[1])
        state = tf.zeros([tf.shape(x)[0], 4])

        def body(i, state, out):
            state = tf.tanh(tf.concat([steps.read(i), state], 1) @ w)
            return i + 1, state, out.write(i, state)

        _, last, out = v1.while_loop(
            lambda i, *_: i < tf.shape(x)[1],
            body,
            [0, state, out],
            shape_invariants=[
                tf.TensorShape([]),
                tf.TensorShape([None, 4]),
                tf.TensorShape(None),
            ],
        )
        v1.enable_control_flow_v2()
        outputs = {"last": last, "all": out.stack()}
        return ({"serving_default": v1.saved_model.predict_signature_def({"x": x}, outputs)},)

    return builder(make)
