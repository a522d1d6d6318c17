"""Nets for `nets.py` in Keras, for whichever backend is chosen: train steps and inference."""

import os

import keras
import numpy as np
from keras import layers

STEPS = 8
BATCH = 64


def _numbers(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def _classes(count=STEPS * BATCH):
    return np.random.default_rng(1).integers(0, 10, (count,)).astype(np.int32)


def mlp():
    net = [layers.Input((784,)), layers.Dense(256, "relu"), layers.Dense(256, "relu")]
    return keras.Sequential([*net, layers.Dense(10)]), _numbers(STEPS * BATCH, 784)


def cnn():
    def conv(filters):
        return layers.Conv2D(filters, 3, padding="same", activation="relu")

    net = [layers.Input((32, 32, 3)), conv(32), conv(32), layers.MaxPooling2D()]
    net += [conv(64), layers.MaxPooling2D(), layers.Flatten(), layers.Dense(128, "relu")]
    return keras.Sequential([*net, layers.Dense(10)]), _numbers(STEPS * BATCH, 32, 32, 3)


def lstm():
    net = [layers.Input((64, 64)), layers.LSTM(128), layers.Dense(10)]
    return keras.Sequential(net), _numbers(STEPS * BATCH, 64, 64)


def _encoder(x, width, heads, inner, dropout):
    attended = layers.MultiHeadAttention(heads, width // heads, dropout=dropout)(x, x)
    if dropout:
        attended = layers.Dropout(dropout)(attended)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
    y = layers.Dense(width)(layers.Dense(inner, "gelu")(x))
    if dropout:
        y = layers.Dropout(dropout)(y)
    return layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, y]))


def _tokens(rows, length):
    return np.random.default_rng(0).integers(0, 8000, (rows, length)).astype(np.int32)


def transformer():
    tokens = layers.Input((64,), dtype="int32")
    x = layers.Embedding(8000, 128)(tokens)
    for _ in range(2):
        x = _encoder(x, 128, 4, 512, 0.1)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(10)(x)), _tokens(STEPS * BATCH, 64)


def _block(x, filters, stride, expand):
    depth = x.shape[-1]
    y = x
    if expand != 1:
        y = layers.Conv2D(depth * expand, 1, use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(y))
    return layers.Add()([x, y]) if stride == 1 and depth == filters else y


MOBILE_BLOCKS = (
    (16, 1, 1, 1),
    (24, 2, 2, 6),
    (32, 2, 3, 6),
    (64, 2, 4, 6),
    (96, 1, 3, 6),
    (160, 2, 3, 6),
    (320, 1, 1, 6),
)


def mobilenet(rows):
    image = layers.Input((96, 96, 3))
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for filters, stride, count, expand in MOBILE_BLOCKS:
        for i in range(count):
            x = _block(x, filters, stride if i == 0 else 1, expand)
    x = layers.BatchNormalization()(layers.Conv2D(1280, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(x))
    return keras.Model(image, layers.Dense(1000)(x)), _numbers(rows, 96, 96, 3)


def _residual(x, filters, stride):
    y = layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if stride != 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, stride, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.Add()([x, y]))


def resnet(rows):
    image = layers.Input((64, 64, 3))
    x = layers.Conv2D(64, 7, 2, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for filters in (64, 128, 256, 512):
        x = _residual(x, filters, 1 if filters == 64 else 2)
        x = _residual(x, filters, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(1000)(x)), _numbers(rows, 64, 64, 3)


def bert(rows):
    tokens = layers.Input((128,), dtype="int32")
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Embedding(8000, 256)(tokens))
    for _ in range(4):
        x = _encoder(x, 256, 4, 1024, 0.0)
    return keras.Model(tokens, layers.Dense(10)(x[:, 0])), _tokens(rows, 128)


TRAINED = {"MLP": mlp, "CNN": cnn, "LSTM": lstm, "Transformer": transformer}
INFERRED = {
    "MobileNetV2-like 96": mobilenet,
    "ResNet-18-like 64": resnet,
    "BERT-mini-like": bert,
}
ROWS = (1, 32)


def _later(build):
    """A call that builds what it calls when it is called first."""
    made = []

    def work():
        if not made:
            made.append(build())
        return made[0]()

    return work


def _training(build, jit_compile):
    keras.utils.set_random_seed(0)
    model, x = build()
    y = _classes()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=jit_compile)

    def fit():
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)

    return fit


def _inference(build, rows, jit_compile):
    keras.utils.set_random_seed(0)
    model, x = build(rows)
    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415  (only one side has it)

        weights = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        call = jax.jit(lambda x: model.stateless_call(weights, others, x, training=False)[0])
        x = jax.numpy.asarray(x)
        return lambda: call(x).block_until_ready()
    import tensorflow as tf  # noqa: PLC0415  (only one side has it)

    call = tf.function(lambda x: model(x, training=False), jit_compile=jit_compile or None)
    x = tf.constant(x)
    return lambda: call(x).numpy()


def cases(kind):
    """The calls of a kind, "train" or "infer", by the name of the net."""
    jit_compile = os.environ.get("NETS_JIT_COMPILE") == "1"
    if kind == "train":
        plain = "auto" if keras.backend.backend() != "tensorflow" else False
        how = True if jit_compile else plain
        return {
            name: _later(lambda build=build: _training(build, how))
            for name, build in TRAINED.items()
        }
    return {
        f"{name}, batch {rows}": _later(
            lambda build=build, rows=rows: _inference(build, rows, jit_compile)
        )
        for name, build in INFERRED.items()
        for rows in ROWS
    }
