"""Modules of further kinds: sparse updates, images, distances, rounding."""

import numpy as np
import tensorflow as tf

from tests.conformance.exchange.program import Call, Model, floats, integers, program

F32 = tf.float32
TWO = tf.constant(2.0)


def spec(shape, dtype=F32, name=None):
    return tf.TensorSpec(shape, dtype, name)


def signature(**kwargs):
    return Call("signatures.serving_default", (), kwargs)


class Embedding(tf.Module):
    def __init__(self):
        super().__init__()
        self.table = tf.Variable(floats(0, 8, 3))
        self.m, self.v = (tf.Variable(tf.zeros([8, 3])) for _ in range(2))
        self.any = tf.Variable([1.0], shape=tf.TensorShape(None))
        self.steps = tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[spec([None], tf.int32, "ids"), spec([None, 3], F32, "y")])
    def step(self, ids, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.nn.embedding_lookup(self.table, ids) - y) ** 2)
        slices = tape.gradient(loss, self.table)
        values, index = tf.convert_to_tensor(slices.values), slices.indices
        self.m.scatter_add(tf.IndexedSlices(values, index))
        self.v.scatter_nd_add(index[:, None], values**2)
        self.table.assign_sub(0.1 * self.m / (tf.sqrt(self.v) + 1e-3))
        self.any.assign(tf.concat([self.any.read_value(), [loss]], 0))
        return {"loss": loss, "any": self.any.read_value(), "n": self.steps.assign_add(1)}


def embedding_calls():
    ids, y = tf.constant([1, 3, 3]), tf.constant(floats(1, 3, 3))
    return [signature(ids=ids, y=y)] * 3


@program(embedding_calls)
def sparse_updates():
    m = Embedding()
    return Model(m, m.step)


@program(lambda: [signature(x=tf.constant(floats(0, 2, 9, 9, 3)))])
def image_filters():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 9, 9, 3], F32, "x")])
    def run(x):
        kernel = tf.reshape(tf.linspace(-1.0, 1.0, 27), [3, 3, 3, 1])
        return {
            "dilated": tf.nn.dilation2d(x, kernel[..., 0], [1] * 4, "SAME", "NHWC", [1] * 4),
            "sobel": tf.image.sobel_edges(x),
            "patches": tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1] * 4, "SAME"),
            "lrn": tf.nn.local_response_normalization(x),
            "hue": tf.image.adjust_hue(x, 0.1),
            "sat": tf.image.adjust_saturation(x, 1.5),
            "std": tf.image.per_image_standardization(x),
            "total": tf.image.total_variation(x),
            "ssim": tf.image.ssim(x, tf.reverse(x, [1]), 1.0, filter_size=5),
            "psnr": tf.image.psnr(x, x * 0.9, 1.0),
            "near": tf.image.resize(x, [4, 5], "nearest"),
            "area": tf.image.resize(x, [3, 3], "area"),
            "lanczos": tf.image.resize(x, [5, 5], "lanczos3"),
            "deep": tf.nn.depthwise_conv2d(x, tf.tile(kernel, [1, 1, 1, 2]), [1] * 4, "VALID"),
            "atrous": tf.nn.atrous_conv2d(x, kernel, 2, "SAME"),
            "pool": tf.nn.max_pool_with_argmax(x, 2, 2, "VALID").argmax,
            "avg3": tf.nn.avg_pool3d(x[:, None], 2, 1, "SAME"),
        }

    m.run = run
    return Model(m, run)


@program(lambda: [signature(x=tf.constant(floats(0, 3, 5) * 4 - 2))], tolerance=1e-4)
def special_functions():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 5], F32, "x")])
    def run(x):
        p = tf.abs(x) + 0.5
        z = tf.complex(x, p)
        return {
            "gamma": tf.math.lgamma(p) + tf.math.digamma(p),
            "erf": tf.math.erf(x) + tf.math.erfinv(tf.tanh(x)),
            "igamma": tf.math.igamma(p, p),
            "betainc": tf.math.betainc(p, p, tf.sigmoid(x)),
            "zeta": tf.math.zeta(p + 1.5, p),
            "bessel": tf.math.special.bessel_i0e(x),
            "angle": tf.math.angle(z * tf.math.conj(z * z)),
            "log1p": tf.math.log1p(p) + tf.math.expm1(x),
            "floor": tf.floor(x) + tf.math.rint(x) + tf.round(x) + tf.math.ceil(x),
            "mod": tf.math.floormod(x, 0.7) + tf.math.squared_difference(x, p),
            "atan": tf.atan2(x, p) + tf.asinh(x) + tf.acosh(p + 1.0),
            "lse": tf.reduce_logsumexp(x, 1),
            "ctc": tf.nn.softplus(x) + tf.nn.softsign(x) + tf.nn.elu(x) + tf.nn.selu(x),
            "norm": tf.norm(x, ord=1, axis=1) + tf.reduce_prod(x, 1),
            "moments": tf.stack(tf.nn.moments(x, [0])),
            "cross": tf.linalg.cross(x[:, :3], p[:, :3]),
            "cond": tf.where(tf.math.is_nan(tf.math.log(x)), 0.0, x),
            "quantile": tf.sort(x)[:, 2],
            "confusion": tf.math.confusion_matrix([0, 1, 2], [0, 2, 2]),
            "set": tf.sets.size(tf.sets.intersection([[1, 2, 3]], [[2, 3, 4]])),
            "diff": tf.math.top_k(tf.cast(x * 10, tf.int32), 2).indices,
        }

    m.run = run
    return Model(m, run)


@program(
    lambda: [
        Call("mapped", (tf.constant(floats(0, 3, 4)),)),
        Call("batched", (tf.constant(floats(0, 3, 4)),)),
        Call("decoded", (tf.constant(floats(1, 2, 6, 5)),)),
        Call("defaults", (tf.constant(1.0),)),
        Call("defaults", (), {"x": tf.constant(1.0), "y": tf.constant(5.0)}),
    ]
)
def various():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 4])])
    def mapped(x):
        return tf.vectorized_map(lambda row: row * tf.reduce_sum(row), x)

    @tf.nondifferentiable_batch_function(2, 4, 1000)
    def inner(x):
        return x * 2.0

    @tf.function(input_signature=[spec([None, 4])])
    def batched(x):
        return tf.recompute_grad(lambda y: tf.tanh(y) + 1.0)(x)

    @tf.function(input_signature=[spec([None, 6, 5])])
    def decoded(x):
        lengths = tf.fill([tf.shape(x)[0]], 6)
        (best,), score = tf.nn.ctc_greedy_decoder(tf.transpose(x, [1, 0, 2]), lengths)
        return tf.sparse.to_dense(best, -1), score

    @tf.function
    def defaults(x, y=TWO, scale=3, *, bias=None):
        return x * y * scale if bias is None else x * y + bias

    defaults(tf.constant(1.0))
    m.mapped, m.batched, m.decoded, m.defaults = mapped, batched, decoded, defaults
    return Model(m)


@program(lambda: [signature(x=tf.constant(integers(0, 9, 4, 3)))])
def integers_of_all_kinds():
    m = tf.Module()
    kinds = ("int8", "int16", "int64", "uint8", "uint16", "uint32", "uint64", "float64")
    m.parts = {kind: tf.Variable(np.arange(3).astype(kind)) for kind in kinds}
    m.flag = tf.Variable([True, False, True])
    m.pair = tf.Variable([1 + 2j, 3j, 0], dtype=tf.complex64)

    @tf.function(input_signature=[spec([None, 3], tf.int32, "x")])
    def run(x):
        found = {kind: tf.cast(x, kind) + part for kind, part in m.parts.items()}
        found["flag"] = tf.logical_and(x > 4, m.flag)
        found["pair"] = tf.cast(x, tf.complex64) * m.pair
        return found

    m.run = run
    return Model(m, run)
