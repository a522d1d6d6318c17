"""Keras models of many kinds, exported."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.conformance.exchange.program import Call, Model, floats, integers, program, serve


def exported(inputs, outputs):
    return Model(keras.Model(inputs, outputs), export=True)


def calls(*arrays):
    return lambda: serve(*arrays)


@program(calls(floats(0, 4, 5)))
def keras_mlp():
    x = keras.Input((5,))
    y = layers.Dense(8, activation="gelu")(x)
    y = layers.LayerNormalization()(y)
    y = layers.Dense(8, activation="silu")(y)
    return exported(x, layers.Dense(3, activation="softmax")(y))


@program(calls(floats(0, 2, 20, 20, 3)))
def keras_cnn():
    x = keras.Input((20, 20, 3))
    y = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    y = layers.BatchNormalization()(y)
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(y)
    y = layers.SeparableConv2D(12, 3, padding="same")(y)
    y = layers.Conv2DTranspose(6, 3, strides=2)(y)
    y = layers.AveragePooling2D(2)(layers.LeakyReLU()(y))
    y = layers.MaxPooling2D(2, padding="same")(y)
    return exported(x, layers.Dense(10)(layers.GlobalAveragePooling2D()(y)))


@program(calls(floats(0, 2, 20, 20, 3)))
def keras_conv_1d_3d():
    x = keras.Input((20, 20, 3))
    y = layers.Reshape((20, 60))(x)
    y = layers.Conv1D(8, 3, padding="causal", dilation_rate=2)(y)
    y = layers.SeparableConv1D(6, 3)(y)
    y = layers.Conv1DTranspose(4, 3, strides=2)(y)
    z = layers.Reshape((5, 4, 20, 3))(x)
    z = layers.Conv3D(4, 2, padding="same")(z)
    z = layers.MaxPooling3D(2)(layers.UpSampling3D((1, 2, 1))(z))
    z = layers.GlobalAveragePooling3D()(layers.ZeroPadding3D(1)(z))
    return exported(x, layers.Concatenate()([layers.GlobalMaxPooling1D()(y), z]))


@program(calls(integers(0, 20, 3, 7)))
def keras_gru_bidirectional():
    x = keras.Input((None,), dtype="int32")
    y = layers.Embedding(20, 6, mask_zero=True)(x)
    y = layers.Bidirectional(layers.GRU(5, return_sequences=True))(y)
    return exported(x, layers.Bidirectional(layers.GRU(4, reset_after=False))(y))


@program(calls(floats(0, 2, 7, 5)))
def keras_lstm():
    x = keras.Input((None, 5))
    y = layers.LSTM(6, return_sequences=True)(layers.Masking()(x))
    y = layers.SimpleRNN(4, return_sequences=True, go_backwards=True)(y)
    return exported(x, layers.Dense(3)(layers.LSTM(4)(y)))


@program(calls(floats(0, 3, 6)), tolerance=1e-2)
def keras_mixed_precision():
    x = keras.Input((6,))
    y = layers.Dense(8, activation="relu", dtype="mixed_float16")(x)
    y = layers.Dense(8, activation="relu", dtype="mixed_bfloat16")(y)
    return exported(x, layers.Dense(2, dtype="float32")(y))


@program(calls(floats(0, 1, 32, 32, 3)), tolerance=1e-4)
def keras_mobilenet():
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=7)
    return Model(model, export=True)


@program(calls(floats(0, 2, 16, 16, 3)))
def keras_resnet():
    x = keras.Input((16, 16, 3))
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    for _ in range(3):
        z = layers.ReLU()(layers.BatchNormalization()(y))
        z = layers.Conv2D(8, 3, padding="same", use_bias=False)(z)
        y = layers.Add()([y, layers.GroupNormalization(2)(z)])
    return exported(x, layers.Dense(5)(layers.GlobalMaxPooling2D()(y)))


WORDS = np.array([["red"], ["blue"], ["unseen"], [""]], object)


@program(lambda: serve(tf.constant(WORDS)))
def keras_string_lookup():
    x = keras.Input((1,), dtype="string")
    y = layers.StringLookup(vocabulary=["red", "green", "blue"], num_oov_indices=2)(x)
    return exported(x, layers.Dense(2)(layers.Flatten()(layers.Embedding(6, 4)(y))))


def table_row():
    return {
        "age": tf.constant([[20.0], [61.0]]),
        "city": tf.constant([["rome"], ["bonn"]]),
        "kind": tf.constant([[3], [77]], tf.int64),
        "price": tf.constant([[1.5], [9.5]]),
    }


@program(lambda: serve_dict(table_row()))
def keras_tabular_preprocessing():
    inputs = {
        "age": keras.Input((1,), name="age"),
        "city": keras.Input((1,), name="city", dtype="string"),
        "kind": keras.Input((1,), name="kind", dtype="int64"),
        "price": keras.Input((1,), name="price"),
    }
    age = layers.Normalization(mean=40.0, variance=100.0)(inputs["age"])
    city = layers.StringLookup(vocabulary=["rome", "oslo"], output_mode="one_hot")
    kind = layers.IntegerLookup(vocabulary=[1, 3, 5], output_mode="multi_hot")
    price = layers.Discretization([1.0, 2.0, 5.0], output_mode="one_hot")
    hashed = layers.Hashing(5, output_mode="one_hot", salt=3)(inputs["city"])
    crossed = layers.HashedCrossing(7, output_mode="one_hot")([inputs["city"], inputs["kind"]])
    parts = [
        age,
        city(inputs["city"]),
        kind(inputs["kind"]),
        price(inputs["price"]),
        hashed,
        crossed,
    ]
    return exported(inputs, layers.Dense(3)(layers.Concatenate()(parts)))


def serve_dict(values):
    return [Call("serve", (values,)), Call("signatures.serving_default", (), values)]


TEXTS = np.array(["The quick fox!", "a  FOX, jumps", ""], object)


@program(lambda: serve(tf.constant(TEXTS)))
def keras_text_vectorization():
    x = keras.Input((), dtype="string")
    y = layers.TextVectorization(
        output_sequence_length=6, vocabulary=["the", "fox", "quick", "a"]
    )(x)
    return exported(x, layers.Dense(2)(layers.Embedding(10, 4)(y)))


@program(lambda: serve(tf.constant(TEXTS)))
def keras_text_tf_idf():
    x = keras.Input((), dtype="string")
    layer = layers.TextVectorization(ngrams=2, output_mode="tf_idf", split="whitespace")
    layer.adapt(["the quick fox", "the fox", "a fox jumps"])
    return exported(x, layers.Dense(2)(layer(x)))


class Block(layers.Layer):
    def __init__(self, width, heads, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]
        self.up, self.down = layers.Dense(2 * width, activation="gelu"), layers.Dense(width)

    def call(self, x, training=False):
        x = x + self.attention(self.norms[0](x), x, use_causal_mask=True, training=training)
        return x + self.down(self.up(self.norms[1](x)))


@program(calls(integers(0, 30, 2, 9)))
def keras_transformer():
    x = keras.Input((9,), dtype="int32")
    y = layers.Embedding(30, 16)(x)
    y = y + layers.Embedding(9, 16)(keras.ops.arange(9))
    for _ in range(2):
        y = Block(16, 4)(y)
    return exported(x, layers.Dense(30)(layers.LayerNormalization()(y)))


# -- beyond the kinds above ---


@program(lambda: serve(tf.constant(floats(0, 2, 3, 4))) * 2)
def keras_stateful_lstm():
    x = keras.Input(batch_shape=(2, 3, 4))
    return exported(x, layers.LSTM(3, stateful=True)(x))


@program(calls(floats(0, 2, 4, 6, 6, 2)))
def keras_conv_lstm():
    x = keras.Input((4, 6, 6, 2))
    y = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(x)
    y = layers.TimeDistributed(layers.Conv2D(2, 2))(y)
    return exported(x, layers.Flatten()(y))


@program(lambda: [Call("serve", ([tf.constant(floats(i, 2, 4 + 2 * i, 8)) for i in (0, 1)],))])
def keras_attention():
    q, v = keras.Input((4, 8), name="q"), keras.Input((6, 8), name="v")
    a = layers.Attention(use_scale=True, score_mode="dot")([q, v])
    b = layers.AdditiveAttention()([q, v])
    c = layers.GroupQueryAttention(4, 4, 2)(q, v)
    return exported([q, v], layers.Dense(3)(layers.Concatenate()([a, b, c])))


class PairCell(layers.Layer):
    """A cell of two states of one's own."""

    state_size = (3, 2)
    output_size = 2

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1] + 3, 3), name="kernel")
        self.out = self.add_weight(shape=(3, 2), name="out")

    def call(self, x, states):
        a = keras.ops.tanh(keras.ops.concatenate([x, states[0]], -1) @ self.kernel)
        b = a @ self.out + 0.5 * states[1]
        return b, [a, b]


@program(calls(floats(0, 2, 5, 4)))
def keras_own_cell():
    x = keras.Input((None, 4))
    y = layers.RNN([PairCell(), layers.GRUCell(3)], return_sequences=True)(x)
    return exported(x, y)


@program(calls((floats(0, 2, 14, 10, 3) * 255).astype(np.uint8)))
def keras_image_preprocessing():
    x = keras.Input((None, None, 3), dtype="uint8")
    y = layers.Resizing(12, 12, interpolation="bilinear")(x)
    y = layers.CenterCrop(8, 8)(y)
    y = layers.Rescaling(1 / 127.5, offset=-1)(y)
    y = layers.RandomFlip()(y)
    y = layers.UpSampling2D(interpolation="bilinear")(y)
    y = layers.Cropping2D(1)(layers.ZeroPadding2D(2)(y))
    return exported(x, layers.GlobalAveragePooling2D(keepdims=True)(y))


@program(
    lambda: serve_dict({"a": tf.constant(floats(0, 2, 3)), "b": tf.constant(floats(1, 2, 2))})
)
def keras_named_outputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    outputs = {"p": layers.Dense(2)(joined), "q": [layers.Dense(1)(joined), joined]}
    return exported({"a": a, "b": b}, {"p": outputs["p"], "q": outputs["q"][0]})


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(4, activation="elu") for _ in range(3)]
        self.heads = {"x": layers.Dense(2), "y": layers.Dense(1, activation="sigmoid")}

    def call(self, x, training=False):
        for block in self.blocks:
            x = block(x)
        return {name: head(x) for name, head in self.heads.items()}


@program(calls(floats(0, 3, 4)))
def keras_subclassed():
    model = Subclassed()
    model(np.zeros((1, 4), np.float32))
    return Model(model, export=True)


@program(calls(floats(0, 3, 8)))
def keras_activations():
    x = keras.Input((8,))
    names = ["selu", "softplus", "softsign", "exponential", "mish", "hard_sigmoid", "relu6"]
    names += ["log_softmax", "hard_silu", "celu", "glu", "squareplus", "sparse_plus", "tanh"]
    parts = [layers.Activation(name)(x) for name in names]
    parts += [layers.PReLU()(x), layers.UnitNormalization()(x), layers.RMSNormalization()(x)]
    parts += [layers.SpectralNormalization(layers.Dense(3))(x)]
    return exported(x, layers.Concatenate()(parts))


@program(lambda: serve(tf.constant([[1, 2, 2], [0, 4, 1]])))
def keras_category_encoding():
    x = keras.Input((3,), dtype="int32")
    a = layers.CategoryEncoding(6, output_mode="multi_hot")(x)
    b = layers.CategoryEncoding(6, output_mode="count")(x)
    return exported(x, layers.Concatenate()([a, b]))
