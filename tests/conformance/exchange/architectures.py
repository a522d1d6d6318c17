"""Architectures beside those of the fixtures: what real models are made of."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.conformance.exchange.graphs import builder
from tests.conformance.exchange.program import Call, Model, floats, integers, program, serve

v1 = tf.compat.v1
F32 = tf.float32


def spec(shape, dtype=F32, name=None):
    return tf.TensorSpec(shape, dtype, name)


def signature(key="serving_default", **kwargs):
    return Call(f"signatures.{key}", (), {k: tf.constant(v) for k, v in kwargs.items()})


def exported(inputs, outputs):
    return Model(keras.Model(inputs, outputs), export=True)


# -- Keras ---


def two_towers():
    image, words = floats(0, 3, 16, 16, 3), integers(1, 30, 3, 6)
    return [Call("serve", ([tf.constant(image), tf.constant(words)],))]


@program(two_towers)
def keras_two_towers():
    image = keras.Input((16, 16, 3), name="image")
    words = keras.Input((6,), dtype="int32", name="words")
    shared = layers.Dense(8, activation="tanh", name="shared")
    y = layers.Conv2D(6, 3, padding="same", groups=3)(image)
    y = layers.GroupNormalization(3)(y)
    y = layers.GlobalAveragePooling2D()(layers.SpatialDropout2D(0.3)(y))
    z = layers.Embedding(30, 6)(words)
    z = layers.Conv1D(6, 2, activation="elu")(z)
    z = layers.GlobalMaxPooling1D()(z)
    y, z = shared(y), shared(z)
    outputs = [
        layers.Dense(3, activation="softmax", name="kind")(layers.Add()([y, z])),
        layers.Dot(1, normalize=True, name="likeness")([y, z]),
    ]
    return exported([image, words], outputs)


@program(lambda: serve(floats(0, 2, 5, 4)) * 3)
def keras_stateful_gru():
    x = keras.Input(batch_shape=(2, 5, 4))
    y = layers.GRU(6, stateful=True, return_sequences=True)(x)
    y, state = layers.GRU(4, stateful=True, return_state=True, go_backwards=True)(y)
    return exported(x, layers.Concatenate()([y, state]))


@program(lambda: serve(floats(0, 2, 32, 32, 1)))
def keras_unet():
    x = keras.Input((32, 32, 1))
    kept, y = [], x
    for filters in (4, 8):
        y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.PReLU(shared_axes=[1, 2])(y)
        kept.append(y)
        y = layers.MaxPooling2D()(y)
    y = layers.Conv2D(16, 3, padding="same", dilation_rate=2, activation="swish")(y)
    for filters, other in zip((8, 4), reversed(kept), strict=True):
        y = layers.UpSampling2D(interpolation="bilinear")(y)
        y = layers.Concatenate()([layers.Conv2D(filters, 2, padding="same")(y), other])
        y = layers.Conv2DTranspose(filters, 3, padding="same", activation="relu6")(y)
    return exported(x, layers.Conv2D(1, 1, activation="sigmoid")(layers.Cropping2D(2)(y)))


@program(lambda: serve(floats(0, 2, 24, 24, 3)))
def keras_efficient_blocks():
    x = keras.Input((24, 24, 3))
    y = layers.ZeroPadding2D(((0, 1), (0, 1)))(layers.Rescaling(2.0, -1.0)(x))
    y = layers.Conv2D(8, 3, strides=2)(y)
    for _ in range(2):
        z = layers.Conv2D(24, 1, use_bias=False)(y)
        z = layers.BatchNormalization(momentum=0.9, epsilon=1e-3)(z)
        z = layers.DepthwiseConv2D(5, padding="same", activation="silu")(z)
        gate = layers.GlobalAveragePooling2D(keepdims=True)(z)
        gate = layers.Conv2D(4, 1, activation="silu")(gate)
        gate = layers.Conv2D(24, 1, activation="sigmoid")(gate)
        z = layers.Conv2D(8, 1)(layers.Multiply()([z, gate]))
        y = layers.Add()([y, layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(z)])
    y = layers.AveragePooling2D(3, strides=2, padding="same")(y)
    return exported(x, layers.Dense(5)(layers.Flatten()(y)))


@program(lambda: serve(integers(0, 40, 2, 9)))
def keras_decoder():
    tokens = keras.Input((9,), dtype="int32")
    places = layers.Embedding(9, 16)(keras.ops.arange(9)[None])
    y = layers.Add()([layers.Embedding(40, 16)(tokens), places])
    for _ in range(2):
        z = layers.LayerNormalization(epsilon=1e-6)(y)
        z = layers.GroupQueryAttention(8, 4, 2)(z, z, use_causal_mask=True)
        y = layers.Add()([y, z])
        z = layers.LayerNormalization(rms_scaling=False)(y)
        y = layers.Add()([y, layers.Dense(16)(layers.Dense(32, activation="gelu")(z))])
    return exported(tokens, layers.Dense(40)(layers.UnitNormalization()(y)))


@program(
    lambda: serve(
        np.array([[1.5, -3.0], [0.2, 8.0], [40.0, 0.0]], np.float32),
    )
)
def keras_bucketized():
    x = keras.Input((2,))
    scaled = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])(x)
    buckets = layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0, 10.0])(x)
    crossed = layers.Embedding(5, 3)(buckets)
    coded = layers.CategoryEncoding(num_tokens=5, output_mode="multi_hot")(buckets)
    wide = layers.Concatenate()([scaled, layers.Flatten()(crossed), coded])
    return exported(x, layers.Dense(2, activation="softplus")(wide))


@program(
    lambda: [
        Call(
            "serve",
            (tf.constant([["red", "ann"], ["blue", "bob"], ["green", ""]]),),
        )
    ]
)
def keras_hashing():
    x = keras.Input((2,), dtype="string")
    hashed = layers.Hashing(num_bins=7, salt=[3, 5])(x)
    plain = layers.Hashing(num_bins=4, mask_value="")(x)
    looked = layers.StringLookup(
        vocabulary=["red", "blue", "ann"], num_oov_indices=2, output_mode="multi_hot"
    )(x)
    y = layers.Flatten()(layers.Embedding(7, 3)(hashed))
    return exported(x, [y, plain, looked])


@program(lambda: serve(floats(0, 3, 12)))
def keras_nested_sequential():
    inner = keras.Sequential(
        [layers.Dense(6, kernel_regularizer="l2"), layers.BatchNormalization()], name="inner"
    )
    x = keras.Input((12,))
    y = layers.Reshape((3, 4))(x)
    y = layers.TimeDistributed(layers.Dense(4, activation="selu"))(y)
    y = layers.Permute((2, 1))(y)
    y = layers.Flatten()(layers.RepeatVector(2)(layers.Flatten()(y)))
    y = layers.Maximum()([inner(y), layers.GaussianNoise(0.5)(inner(y * 2.0))])
    return exported(x, [y, layers.AlphaDropout(0.2)(layers.Minimum()([y, y**2 - 1.0]))])


# -- modules ---


class Library(tf.Module):
    """Variables in lists and dicts, functions that call functions."""

    def __init__(self):
        super().__init__(name="library")
        self.weights = [tf.Variable(floats(i, 3, 3), name=f"w{i}") for i in range(3)]
        self.by_name = {
            "scale": tf.Variable(2.0),
            "inner": {"shift": tf.Variable([1.0, 2.0, 3.0], trainable=False)},
        }
        self.pairs = (tf.Variable(1), [tf.Variable("text")])
        self.count = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def layer(self, x, i, activation=True):
        y = x @ self.weights[i]
        return tf.nn.relu(y) if activation else y

    @tf.function
    def stack(self, x):
        for i in range(3):
            x = self.layer(x, i, activation=i < 2)
        return x * self.by_name["scale"] + self.by_name["inner"]["shift"]

    @tf.function(input_signature=[spec([None, 3], F32, "x")])
    def run(self, x):
        self.count.assign_add(tf.shape(x, tf.int64)[0])
        return {"y": self.stack(x), "n": self.count.read_value(), "t": self.pairs[1][0] + "!"}


@program(lambda: [signature(x=floats(5, 4, 3)), signature(x=floats(6, 2, 3))])
def nested_functions():
    m = Library()
    return Model(m, m.run)


@program(lambda: [signature(x=floats(2, 4, 5), n=np.int32(6))])
def beam_of_arrays():
    m = tf.Module()
    m.w = tf.Variable(floats(3, 5, 5))

    @tf.function(input_signature=[spec([None, 5], F32, "x"), spec([], tf.int32, "n")])
    def run(x, n):
        steps = tf.TensorArray(F32, 0, dynamic_size=True, clear_after_read=False)
        best = tf.TensorArray(tf.int32, n)
        state = x
        for i in tf.range(n):
            state = tf.tanh(state @ m.w)
            if tf.reduce_sum(state) < 0.0:
                continue
            steps = steps.write(i, state)
            best = best.write(i, tf.argmax(state[0], output_type=tf.int32))
            if i > 3:
                break
        pairs = tf.map_fn(
            lambda row: (tf.reduce_max(row), tf.cast(tf.argmin(row), tf.int32)),
            x,
            fn_output_signature=(F32, tf.int32),
        )
        scanned = tf.scan(lambda total, row: total * 0.5 + row, x)
        folded = tf.foldl(tf.maximum, x)
        once = tf.vectorized_map(lambda row: tf.reduce_sum(row[:2] * row[3:]), x)
        return {
            "steps": steps.stack(),
            "best": best.stack(),
            "max": pairs[0],
            "min": pairs[1],
            "scanned": scanned,
            "folded": folded,
            "once": once,
        }

    return Model(m, run)


@program(
    lambda: [
        signature(
            indices=np.array([[0, 1], [2, 0], [2, 3]]),
            values=np.float32([1, 2, 3]),
            dense=floats(8, 4, 2),
        )
    ]
)
def sparse_products():
    m = tf.Module()
    m.table = tf.Variable(floats(9, 4, 3))

    @tf.function(
        input_signature=[
            spec([None, 2], tf.int64, "indices"),
            spec([None], F32, "values"),
            spec([4, 2], F32, "dense"),
        ]
    )
    def run(indices, values, dense):
        x = tf.sparse.reorder(tf.SparseTensor(indices, values, [3, 4]))
        ids = tf.SparseTensor(indices, tf.constant([0, 3, 1], tf.int64), [3, 4])
        combined = tf.nn.safe_embedding_lookup_sparse(m.table, ids, x, combiner="sqrtn")
        filled, empty = tf.sparse.fill_empty_rows(x, -1.0)
        return {
            "product": tf.sparse.sparse_dense_matmul(x, dense),
            "combined": combined,
            "filled": tf.sparse.to_dense(filled),
            "empty": empty,
            "sum": tf.sparse.reduce_sum(x, 1),
            "softmax": tf.sparse.softmax(x).values,
            "sliced": tf.sparse.to_dense(tf.sparse.slice(x, [1, 0], [2, 4])),
            "joined": tf.sparse.to_dense(tf.sparse.concat(1, [x, x])),
        }

    return Model(m, run)


@program(
    lambda: [
        Call("signatures.serving_default", (), {"text": tf.constant(["a b c", "", "d e"])}),
    ]
)
def ragged_text():
    m = tf.Module()
    keys = tf.constant(["a", "b", "d"])
    m.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(keys, tf.constant([5, 6, 7], tf.int64)), -1
    )
    m.vectors = tf.Variable(floats(4, 10, 3))

    @tf.function(input_signature=[spec([None], tf.string, "text")])
    def run(text):
        words = tf.strings.split(text)
        ids = tf.ragged.map_flat_values(m.table.lookup, words)
        vectors = tf.ragged.map_flat_values(lambda i: tf.gather(m.vectors, i + 1), ids)
        return {
            "ids": ids.to_tensor(-2),
            "mean": tf.reduce_mean(vectors, 1),
            "lengths": words.row_lengths(),
            "letters": tf.strings.length(words).to_tensor(),
            "pairs": tf.strings.ngrams(words, 2, separator="_").to_tensor(""),
            "joined": tf.strings.reduce_join(words, 1, separator="+"),
            "hash": tf.strings.to_hash_bucket_fast(words, 100).to_tensor(),
        }

    return Model(m, run)


@program(lambda: [signature(x=floats(1, 3, 4))])
def small_types():
    m = tf.Module()
    m.half = tf.Variable(floats(0, 4, 4).astype(np.float16))
    m.brain = tf.Variable(tf.cast(floats(1, 4, 4), tf.bfloat16))
    m.bytes = tf.Variable(tf.constant([[-128, 127, 3, 4]] * 4, tf.int8))
    m.unsigned = tf.Variable(np.uint16([1, 65535]))
    m.double = tf.Variable(np.float64([1 / 3, 2 / 3, 1, 4]))
    m.pairs = tf.Variable(np.complex64([1 + 2j, 3 - 1j]))
    m.flags = tf.Variable([True, False, True, True])

    @tf.function(input_signature=[spec([None, 4], F32, "x")])
    def run(x):
        whole = tf.cast(tf.clip_by_value(tf.round(x * 100), -128, 127), tf.int8)
        product = tf.matmul(tf.cast(whole, tf.int32), tf.cast(m.bytes, tf.int32))
        return {
            "half": tf.cast(tf.cast(x, tf.float16) + m.half[0], F32),
            "brain": tf.cast(m.brain, F32) * 2.0,
            "product": product,
            "double": tf.cast(x, tf.float64) / m.double,
            "unsigned": m.unsigned.read_value(),
            "pairs": tf.abs(m.pairs.read_value()),
            "chosen": tf.where(m.flags, x, -x),
        }

    return Model(m, run)


@program(lambda: [signature(seed=np.int32([3, 4]))])
def seeded_random():
    m = tf.Module()
    m.generator = tf.random.Generator.from_seed(5, alg="philox")

    @tf.function(input_signature=[spec([2], tf.int32, "seed")])
    def run(seed):
        split = tf.random.split(seed, 2)
        return {
            "normal": tf.random.stateless_normal([3], split[0]),
            "cut": tf.random.stateless_truncated_normal([3], split[1]),
            "whole": tf.random.stateless_uniform([4], seed, 0, 100, tf.int32),
            "chosen": tf.random.stateless_categorical([[0.1, 2.0, 0.3]], 5, seed),
            "mixed": tf.random.experimental.stateless_shuffle(tf.range(6), seed),
            "gamma": tf.random.stateless_gamma([2], seed, 2.0),
            "generated": m.generator.normal([2]),
        }

    return Model(m, run)


@program(lambda: [signature(rate=np.float32(0.1))] * 3)
def trained_by_adam():
    m = tf.Module()
    m.w, m.m, m.v = (tf.Variable(tf.zeros([3]) + k) for k in (1.0, 0.0, 0.0))
    m.step = tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[spec([], F32, "rate")])
    def run(rate):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.math.softplus(m.w) ** 2) + tf.nn.l2_loss(m.w)
        (gradient,), norm = tf.clip_by_global_norm([tape.gradient(loss, m.w)], 2.0)
        step = tf.cast(m.step.assign_add(1), F32)
        tf.raw_ops.ResourceApplyAdam(
            var=m.w.handle,
            m=m.m.handle,
            v=m.v.handle,
            beta1_power=0.9**step,
            beta2_power=0.99**step,
            lr=rate,
            beta1=0.9,
            beta2=0.99,
            epsilon=1e-7,
            grad=gradient,
        )
        return {"loss": loss, "norm": norm, "w": m.w.read_value()}

    return Model(m, run)


# -- graphs of TensorFlow 1 ---


@program(lambda: [signature(x=floats(0, 3, 4))], tags=["serve"])
def tf1_partitioned():
    def make():
        x = v1.placeholder(F32, [None, 4], "x")
        with v1.variable_scope("a", partitioner=v1.fixed_size_partitioner(2)):
            ones = v1.constant_initializer(0.5)
            w = v1.get_variable("w", [4, 6], initializer=ones, use_resource=False)
            table = v1.get_variable("t", [6, 2], initializer=ones)
        y = tf.matmul(x, tf.convert_to_tensor(w)) * tf.range(6.0)
        rows = v1.nn.embedding_lookup(table, tf.argmax(y, 1), partition_strategy="div")
        with v1.variable_scope("norm"):
            mean, variance = tf.nn.moments(y, [0])
            z = tf.nn.batch_normalization(y, mean, variance, None, None, 1e-3)
        predict = v1.saved_model.predict_signature_def
        return ({"serving_default": predict({"x": x}, {"y": y, "z": z, "rows": rows})},)

    return builder(make)


def serialized():
    rows = []
    for age, names in ((23.0, [b"a", b"zz"]), (61.0, []), (40.5, [b"c"])):
        features = {
            "age": tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
            "names": tf.train.Feature(bytes_list=tf.train.BytesList(value=names)),
        }
        whole = tf.train.Features(feature=features)
        rows.append(tf.train.Example(features=whole).SerializeToString())
    return rows


@program(
    lambda: [Call("signatures.serving_default", (), {"inputs": tf.constant(serialized())})],
    tags=["serve"],
)
def tf1_wide_and_deep():
    def make():
        inputs = v1.placeholder(tf.string, [None], "examples")
        parsed = v1.io.parse_example(
            inputs,
            {
                "age": v1.FixedLenFeature([1], F32),
                "names": v1.VarLenFeature(tf.string),
                "weight": v1.FixedLenFeature([], F32, 2.5),
            },
        )
        buckets = tf.raw_ops.Bucketize(input=parsed["age"], boundaries=[30.0, 50.0])
        wide = tf.one_hot(tf.squeeze(buckets, 1), 3)
        ids = tf.strings.to_hash_bucket_strong(parsed["names"].values, 8, [7, 9])
        sparse = tf.SparseTensor(parsed["names"].indices, ids, parsed["names"].dense_shape)
        table = v1.get_variable("table", initializer=floats(2, 8, 4))
        deep = tf.nn.embedding_lookup_sparse([table], sparse, None, combiner="mean")
        rows = tf.shape(wide)[0]
        deep = tf.pad(deep, [[0, rows - tf.shape(deep)[0]], [0, 0]])
        w = v1.get_variable("w", initializer=floats(3, 7, 2))
        y = tf.matmul(tf.concat([wide, deep], 1), w) * parsed["weight"][:, None]
        classes = tf.tile(tf.constant([["no", "yes"]]), [rows, 1])
        return (
            {
                "serving_default": v1.saved_model.classification_signature_def(
                    inputs, classes, tf.nn.softmax(y)
                ),
            },
        )

    return builder(make)
