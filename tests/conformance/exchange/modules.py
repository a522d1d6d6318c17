"""Modules with functions of many kinds."""

import collections
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.conformance.exchange.program import Call, Model, floats, integers, program

F32 = tf.float32


def spec(shape, dtype=F32, name=None):
    return tf.TensorSpec(shape, dtype, name)


def signature(key="serving_default", **kwargs):
    return Call(f"signatures.{key}", (), kwargs)


# -- the kinds of the fixtures ---


def control_flow_calls():
    v = tf.constant([1.0, -2.0, 3.0])
    return [
        signature("cond", x=tf.constant(3.0)),
        signature("cond", x=tf.constant(-3.0)),
        signature("collatz", n=tf.constant(27)),
        signature("mapped", x=tf.constant(floats(0, 3, 2))),
        signature("gathered", x=v),
        signature("switch", i=tf.constant(2), x=v),
        signature("switch", i=tf.constant(9), x=v),
        signature("dynamic", x=v),
        signature("fib", n=tf.constant(7)),
        signature("fib", n=tf.constant(7)),
    ]


class ControlFlow(tf.Module):
    def __init__(self):
        super().__init__()
        self.v = tf.Variable(64.0)

    @tf.function(input_signature=[spec([], F32, "x")])
    def cond(self, x):
        if x > 0.0:  # noqa: SIM108
            y = tf.sqrt(x)
        else:
            y = x * x
        return y

    @tf.function(input_signature=[spec([], tf.int32, "n")])
    def collatz(self, n):
        steps = tf.constant(0)
        while n > 1:
            if n % 2 == 0:  # noqa: SIM108
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    @tf.function(input_signature=[spec([None, 2], F32, "x")])
    def mapped(self, x):
        return tf.map_fn(lambda row: tf.reduce_sum(row) * row, x)

    @tf.function(input_signature=[spec([None], F32, "x")])
    def gathered(self, x):
        array = tf.TensorArray(F32, 0, dynamic_size=True)
        for i in tf.range(tf.size(x)):
            if x[i] < 0.0:
                continue
            array = array.write(array.size(), x[i] * 2.0)
        return array.stack()

    @tf.function(input_signature=[spec([], tf.int32, "i"), spec([None], F32, "x")])
    def switch(self, i, x):
        return tf.switch_case(i, [lambda: x, lambda: x * 2.0, lambda: x - 1.0, lambda: -x])

    @tf.function(input_signature=[spec([None], F32, "x")])
    def dynamic(self, x):
        y = tf.boolean_mask(x, x > 0.0)
        return {"y": tf.reshape(y, [-1, 1]), "where": tf.where(x > 0.0), "n": tf.shape(y)[0]}

    @tf.function(input_signature=[spec([], tf.int32, "n")])
    def fib(self, n):
        a, b = tf.constant(0), tf.constant(1)
        for _ in tf.range(n):
            a, b = b, a + b
            self.v.assign(self.v / 2.0)
        return a, self.v.read_value()


@program(control_flow_calls)
def control_flow():
    m = ControlFlow()
    names = ["cond", "collatz", "mapped", "gathered", "switch", "dynamic", "fib"]
    return Model(m, {name: getattr(m, name) for name in names})


def pictures():
    image = (floats(0, 9, 7, 3) * 255).astype(np.uint8)
    return tf.stack([tf.io.encode_png(image), tf.io.encode_png(image[::-1])])


@program(lambda: [signature(images=pictures())])
def image_bytes():
    m = tf.Module()
    m.kernel = tf.Variable(floats(1, 3, 3, 3, 4))

    @tf.function(input_signature=[spec([None], tf.string, "images")])
    def run(images):
        def one(data):
            image = tf.image.decode_image(data, 3, expand_animations=False)
            return tf.image.resize(tf.cast(image, F32) / 255.0, [8, 8])

        batch = tf.map_fn(one, images, fn_output_signature=spec([8, 8, 3]))
        return tf.reduce_mean(tf.nn.conv2d(batch, m.kernel, 1, "SAME"), [1, 2])

    m.run = run
    return Model(m, run)


class Signatures(tf.Module):
    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.w = tf.Variable(floats(0, 3, 2))

    @tf.function(input_signature=[spec([None, 3], F32, "x")])
    def affine(self, x):
        return {"y": x @ self.w, "text": tf.strings.as_string(tf.shape(x)[0])}

    @tf.function(input_signature=[spec([], tf.int64, "by")])
    def add(self, by):
        return self.count.assign_add(by)

    @tf.function(input_signature=[spec([2], F32, "b"), spec([2], F32, "a")])
    def two(self, b, a):
        return a - b, a / b

    @tf.function
    def poly(self, x, n=2):
        return x * tf.cast(n, x.dtype)


@program(
    lambda: [
        signature(x=tf.constant(floats(1, 2, 3))),
        signature("two", a=tf.constant([1.0, 2.0]), b=tf.constant([3.0, 4.0])),
        signature("count", by=tf.constant(3, tf.int64)),
        signature("count", by=tf.constant(4, tf.int64)),
        Call("poly", (tf.constant([1.0, 2.0]),)),
        Call("poly", (tf.constant([1.0, 2.0]), 3)),
        Call("poly", (tf.constant([[1, 2]]),), {"n": 3}),
        Call("affine", (tf.constant(floats(1, 2, 3)),)),
    ]
)
def module_signatures():
    m = Signatures()
    m.poly(tf.constant([1.0, 2.0]))
    m.poly(tf.constant([1.0, 2.0]), 3)
    m.poly.get_concrete_function(tf.TensorSpec([None, None], tf.int32), n=3)
    return Model(m, {"serving_default": m.affine, "count": m.add, "two": m.two})


def example(x, name):
    feature = {
        "x": tf.train.Feature(float_list=tf.train.FloatList(value=x)),
        "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[name])),
    }
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def examples():
    return tf.constant([example([1.0, 2.0], b"a"), example([3.0, -4.0], b"bb")])


@program(
    lambda: [
        signature("classify", inputs=examples()),
        signature("regress", inputs=examples()),
        signature("predict", examples=examples()),
    ]
)
def parse_example_classify_regress():
    m = tf.Module()
    m.w = tf.Variable(floats(0, 2, 3))
    features = {
        "x": tf.io.FixedLenFeature([2], F32),
        "name": tf.io.FixedLenFeature([], tf.string, b""),
        "more": tf.io.VarLenFeature(tf.int64),
    }

    @tf.function(input_signature=[spec([None], tf.string, "inputs")])
    def classify(inputs):
        parsed = tf.io.parse_example(inputs, features)
        scores = tf.nn.softmax(parsed["x"] @ m.w)
        best = tf.gather(tf.constant(["p", "q", "r"]), tf.argsort(-scores))
        return {"classes": best, "scores": -tf.sort(-scores)}

    @tf.function(input_signature=[spec([None], tf.string, "inputs")])
    def regress(inputs):
        return {"outputs": tf.reduce_sum(tf.io.parse_example(inputs, features)["x"], 1)}

    @tf.function(input_signature=[spec([None], tf.string, "examples")])
    def predict(examples):
        parsed = tf.io.parse_example(examples, features)
        return {
            "y": parsed["x"] @ m.w,
            "length": tf.strings.length(parsed["name"]),
            "more": tf.sparse.to_dense(parsed["more"]),
        }

    m.fns = [classify, regress, predict]
    return Model(m, {"classify": classify, "regress": regress, "predict": predict})


@program(lambda: [signature(x=tf.constant(floats(0, 3, 4) * 6 - 3))])
def quantized_fake():
    m = tf.Module()
    m.low, m.high = tf.Variable([-1.0, -2.0, -1.5, -3.0]), tf.Variable([1.0, 2.0, 2.5, 3.0])

    @tf.function(input_signature=[spec([None, 4], F32, "x")])
    def run(x):
        y = tf.quantization.fake_quant_with_min_max_vars_per_channel(x, m.low, m.high, 4)
        z = tf.quantization.fake_quant_with_min_max_args(x, -2.0, 2.0)
        q = tf.quantization.quantize(x, -3.0, 3.0, tf.quint8, mode="MIN_FIRST")
        back = tf.quantization.dequantize(*q, mode="MIN_FIRST")
        dq = tf.quantization.quantize_and_dequantize_v2(x, -2.0, 2.0, range_given=True)
        return {"y": y, "z": z, "back": back, "dq": dq}

    m.run = run
    return Model(m, run)


class Composite(tf.Module):
    def __init__(self):
        super().__init__()
        self.table = tf.Variable(floats(0, 10, 3))

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def bag(self, ids):
        return tf.reduce_mean(tf.gather(self.table, ids), 1)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def doubled(self, ids):
        return ids * 2, ids.row_lengths()

    @tf.function(input_signature=[tf.SparseTensorSpec([None, 10], F32)])
    def product(self, x):
        return tf.sparse.sparse_dense_matmul(x, self.table)

    @tf.function(input_signature=[tf.SparseTensorSpec([None, 10], F32)])
    def scaled(self, x):
        return tf.sparse.map_values(lambda v: v * 2.0, x)


def composite_calls():
    ids = tf.ragged.constant([[1, 2], [3], [4, 5, 6]], dtype=tf.int32)
    x = tf.sparse.from_dense(tf.constant(np.eye(3, 10, dtype=np.float32)))
    return [
        Call("bag", (ids,)),
        Call("doubled", (ids,)),
        Call("product", (x,)),
        Call("scaled", (x,)),
    ]


@program(composite_calls)
def ragged_sparse():
    return Model(Composite())


@program(
    lambda: [
        signature(word=tf.constant(["b", "zz", "a"])),
        signature("to_word", id=tf.constant([0, 2, 9], tf.int64)),
    ]
)
def table_with_asset():
    path = str(Path(tempfile.mkdtemp()) / "words.txt")
    Path(path).write_text("a\nb\nc\n")
    m = tf.Module()
    m.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            path,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        2,
    )
    m.back = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            path,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
        ),
        "?",
    )

    @tf.function(input_signature=[spec([None], tf.string, "word")])
    def to_id(word):
        return m.table.lookup(word)

    @tf.function(input_signature=[spec([None], tf.int64, "id")])
    def to_word(id):
        return m.back.lookup(id)

    m.fns = [to_id, to_word]
    return Model(m, {"serving_default": to_id, "to_word": to_word})


class TrainStep(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(floats(0, 3, 3, 1, 4) - 0.5)
        self.d = tf.Variable(floats(1, 16, 3) - 0.5)
        self.b = tf.Variable(tf.zeros([3]))
        self.m = [tf.Variable(tf.zeros_like(v)) for v in (self.w, self.d, self.b)]
        self.step = tf.Variable(0, dtype=tf.int64)

    def logits(self, x):
        y = tf.nn.relu(tf.nn.conv2d(x, self.w, 1, "SAME"))
        y = tf.nn.max_pool2d(y, 2, 2, "VALID")
        return tf.nn.bias_add(tf.reshape(y, [-1, 16]) @ self.d, self.b)

    @tf.function(input_signature=[spec([None, 4, 4, 1], F32, "x")])
    def infer(self, x):
        return {"p": tf.nn.softmax(self.logits(x))}

    @tf.function(input_signature=[spec([None, 4, 4, 1], F32, "x"), spec([None], tf.int32, "y")])
    def train(self, x, y):
        variables = [self.w, self.d, self.b]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=self.logits(x))
            )
        for v, m, g in zip(variables, self.m, tape.gradient(loss, variables), strict=True):
            m.assign(0.9 * m + g)
            v.assign_sub(0.1 * m)
        return {"loss": loss, "step": self.step.assign_add(1)}


def train_calls():
    x, y = tf.constant(floats(2, 5, 4, 4, 1)), tf.constant(integers(3, 3, 5))
    return [
        signature("infer", x=x),
        *[signature("train", x=x, y=y)] * 4,
        signature("infer", x=x),
    ]


@program(train_calls)
def train_step():
    m = TrainStep()
    return Model(m, {"infer": m.infer, "train": m.train})


# -- beyond the kinds of the fixtures ---

Pair = collections.namedtuple("Pair", ["left", "right"])


class Structured(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [{"w": tf.Variable(floats(i, 3, 3))} for i in range(3)]
        self.tail = (tf.Variable(2.0), [tf.Variable([1.0, 2.0, 3.0])])

    @tf.function
    def __call__(self, inputs, *, scale=1.0, flags=None):
        x = inputs["x"]
        for layer in self.layers:
            x = tf.tanh(x @ layer["w"])
        if flags is not None and flags["negate"]:
            x = -x
        return Pair(x * scale, [inputs["pair"].left + self.tail[0], inputs["pair"].right])

    @tf.function
    def nested(self, pair, training=False):
        y = pair[0] * 2.0 if training else pair[0]
        return {"a": [y, {"b": pair[1]}], "c": ()}


def structured_inputs():
    pair = Pair(tf.constant(1.0), tf.constant([1, 2]))
    return {"x": tf.constant(floats(9, 2, 3)), "pair": pair}


@program(
    lambda: [
        Call("__call__", (structured_inputs(),)),
        Call("__call__", (structured_inputs(),), {"scale": tf.constant(3.0)}),
        Call("__call__", (structured_inputs(),), {"flags": {"negate": True}}),
        Call("nested", ((tf.constant(1.0), tf.constant(2.0)),), {"training": True}),
        Call("nested", ((tf.constant(1.0), tf.constant(2.0)), False)),
    ]
)
def structured():
    m = Structured()
    m(structured_inputs())
    m(structured_inputs(), scale=tf.constant(2.0))
    m(structured_inputs(), flags={"negate": True})
    m.nested((tf.constant(1.0), tf.constant(2.0)), training=True)
    m.nested((tf.constant(1.0), tf.constant(2.0)))
    return Model(m)


@program(
    lambda: [
        Call("lookup", (tf.constant(["a", "q"]),)),
        Call("insert", (tf.constant(["q"]), tf.constant([9], tf.int64))),
        Call("lookup", (tf.constant(["a", "q"]),)),
        Call("dense", (tf.constant([3, 4], tf.int64),)),
        Call("size"),
    ]
)
def mutable_tables():
    m = tf.Module()
    m.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    m.table.insert(["a", "b"], [1, 2])
    m.other = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, default_value=[0.0, 0.0], empty_key=-1, deleted_key=-2
    )
    m.other.insert(tf.constant([3], tf.int64), [[1.0, 2.0]])
    m.lookup = tf.function(m.table.lookup, [spec([None], tf.string)])
    m.dense = tf.function(m.other.lookup, [spec([None], tf.int64)])

    @tf.function(input_signature=[spec([None], tf.string), spec([None], tf.int64)])
    def insert(keys, values):
        m.table.insert(keys, values)
        return m.table.size()

    m.insert = insert
    m.size = tf.function(lambda: m.table.size() + m.other.size(), [])
    return Model(m)


class Gradients(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(floats(0, 4, 4))

    @tf.function(input_signature=[spec([None, 4])])
    def clipped(self, x):
        @tf.custom_gradient
        def half(y):
            return tf.identity(y), lambda g: g * 0.5

        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.reduce_sum(half(x @ self.w) ** 2)
            z = tf.reduce_sum(tf.nn.log_softmax(x @ self.w)[:, 0])
        return {
            "y": tape.gradient(y, self.w),
            "x": tape.gradient(y, x),
            "z": tape.gradient(z, x),
        }

    @tf.function(input_signature=[spec([None, 4])])
    def second(self, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(tf.sin(x) * tf.exp(x))
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    @tf.function(input_signature=[spec([None, 4])])
    def looped(self, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = tf.tanh(y @ self.w)
            total = tf.reduce_sum(y)
        return tape.gradient(total, [x, self.w])


@program(
    lambda: [
        Call(name, (tf.constant(floats(1, 2, 4)),)) for name in ("clipped", "second", "looped")
    ]
)
def gradients_inside():
    return Model(Gradients())


@program(lambda: [signature(x=tf.constant(floats(0, 2, 4)))], tolerance=2e-2)
def bfloat16():
    m = tf.Module()
    m.w = tf.Variable(tf.cast(floats(1, 4, 3), tf.bfloat16))
    m.h = tf.Variable(tf.cast(floats(1, 4, 3), tf.float16))

    @tf.function(input_signature=[spec([None, 4], F32, "x")])
    def run(x):
        y = tf.nn.relu(tf.cast(x, tf.bfloat16) @ m.w)
        z = tf.nn.softmax(tf.cast(x, tf.float16) @ m.h)
        return {"y": y, "z": z, "w": tf.cast(tf.reduce_sum(y), tf.float64)}

    m.run = run
    return Model(m, run)


@program(lambda: [signature(text=tf.constant(["Hello, World", "", "ünïcode ab"]))])
def strings():
    m = tf.Module()

    @tf.function(input_signature=[spec([None], tf.string, "text")])
    def run(text):
        words = tf.strings.split(text)
        clean = tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), "[^a-z ]", "")
        return {
            "joined": tf.strings.reduce_join(words, axis=1, separator="-"),
            "count": words.row_lengths(),
            "clean": clean,
            "hash": tf.strings.to_hash_bucket_fast(text, 1000),
            "strong": tf.strings.to_hash_bucket_strong(text, 1000, [7, 9]),
            "part": tf.strings.substr(text, 0, 1),
            "size": tf.strings.length(text, "UTF8_CHAR"),
            "points": tf.strings.unicode_decode(text, "UTF-8").to_tensor(),
            "grams": tf.strings.ngrams(words, 2).to_tensor(""),
            "full": tf.strings.regex_full_match(text, "H.*"),
            "base": tf.io.encode_base64(text),
        }

    m.run = run
    return Model(m, run)


@program(lambda: [signature(x=tf.constant(floats(0, 2, 64)))], tolerance=1e-4)
def signals():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 64], F32, "x")])
    def run(x):
        frames = tf.signal.stft(x, 16, 8)
        mel = tf.signal.linear_to_mel_weight_matrix(5, 9, 8000, 80.0, 3800.0)
        return {
            "mag": tf.abs(frames),
            "mel": tf.abs(frames) @ mel,
            "back": tf.signal.inverse_stft(frames, 16, 8),
            "dct": tf.signal.dct(x),
            "fft": tf.math.real(
                tf.signal.fft2d(tf.cast(tf.reshape(x, [-1, 8, 8]), tf.complex64))
            ),
        }

    m.run = run
    return Model(m, run)


@program(lambda: [signature(x=tf.constant(floats(0, 2, 4, 4)))], tolerance=1e-4)
def linear_algebra():
    m = tf.Module()
    m.eye = tf.Variable(np.eye(4, dtype=np.float32) * 4)

    @tf.function(input_signature=[spec([None, 4, 4], F32, "x")])
    def run(x):
        s = tf.matmul(x, x, transpose_a=True) + m.eye
        return {
            "chol": tf.linalg.cholesky(s),
            "inv": tf.linalg.inv(s),
            "det": tf.linalg.det(s),
            "solve": tf.linalg.solve(s, x),
            "eig": tf.linalg.eigvalsh(s),
            "svd": tf.linalg.svd(x, compute_uv=False),
            "band": tf.linalg.band_part(x, 1, 0),
            "ein": tf.einsum("bij,bkj->bik", x, s),
            "diag": tf.linalg.diag_part(x),
            "trace": tf.linalg.trace(x),
        }

    m.run = run
    return Model(m, run)


@program(lambda: [signature(x=tf.constant(floats(0, 3, 8)), i=tf.constant([2, 0]))])
def arrays():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 8], F32, "x"), spec([2], tf.int32, "i")])
    def run(x, i):
        top = tf.math.top_k(x, 3)
        values, index = tf.unique(tf.reshape(tf.round(x * 4), [-1]))
        return {
            "top": top.values,
            "where": top.indices,
            "values": values,
            "index": index,
            "scatter": tf.tensor_scatter_nd_update(x, i[:, None], tf.ones([2, 8])),
            "segments": tf.math.unsorted_segment_sum(x, tf.constant([0, 2, 0]), 3),
            "pad": tf.pad(x, [[0, 1], [2, 0]], "REFLECT"),
            "roll": tf.roll(x, [1, -2], [0, 1]),
            "rev": tf.reverse_sequence(x, [3, 8, 1], seq_axis=1),
            "hot": tf.one_hot(i, 4, axis=0),
            "slice": x[::-1, 1:-1:2, None],
            "cum": tf.math.cumsum(x, 1, exclusive=True, reverse=True),
            "bins": tf.histogram_fixed_width(x, [0.0, 1.0], 5),
            "nd": tf.gather_nd(x, tf.stack([i, i], 1)),
            "space": tf.nn.space_to_depth(tf.reshape(x, [-1, 2, 2, 2]), 2),
            "batch": tf.space_to_batch(tf.reshape(x, [-1, 2, 4, 1]), [2, 2], [[0, 0], [0, 0]]),
            "select": tf.where(x > 0.5, x, 0.0),
            "search": tf.searchsorted(tf.sort(x), x[:, :2]),
            "meshed": tf.stack(tf.meshgrid(i, i)),
            "sorted": tf.argsort(x, direction="DESCENDING"),
            "median": tf.math.reduce_std(x, 0),
            "any": tf.reduce_any(x > 0.9, 1),
        }

    m.run = run
    return Model(m, run)


@program(
    lambda: [
        signature(seed=tf.constant([1, 2])),
        Call("generator"),
        Call("generator"),
    ]
)
def random_numbers():
    m = tf.Module()
    m.source = tf.random.Generator.from_seed(5)

    @tf.function(input_signature=[spec([2], tf.int32, "seed")])
    def run(seed):
        return {
            "u": tf.random.stateless_uniform([3], seed),
            "n": tf.random.stateless_normal([2, 2], seed),
            "t": tf.random.stateless_truncated_normal([4], seed),
            "i": tf.random.stateless_uniform([3], seed, 0, 100, tf.int32),
        }

    m.run = run
    m.generator = tf.function(lambda: m.source.normal([3]), [])
    return Model(m, run)


@program(
    lambda: [
        signature(boxes=tf.constant(floats(0, 6, 4)), scores=tf.constant(floats(1, 6))),
    ]
)
def detection():
    m = tf.Module()

    @tf.function(input_signature=[spec([None, 4], F32, "boxes"), spec([None], F32, "scores")])
    def run(boxes, scores):
        low, high = (
            tf.minimum(boxes[:, :2], boxes[:, 2:]),
            tf.maximum(boxes[:, :2], boxes[:, 2:]),
        )
        boxes = tf.concat([low, high], 1)
        picked = tf.image.non_max_suppression(boxes, scores, 3, 0.4)
        many = tf.image.combined_non_max_suppression(
            boxes[None, :, None], scores[None, :, None], 2, 4, 0.5, 0.2
        )
        image = tf.reshape(tf.range(75.0), [1, 5, 5, 3])
        crops = tf.image.crop_and_resize(image, boxes[:2], [0, 0], [3, 3])
        return {
            "picked": picked,
            "boxes": many.nmsed_boxes,
            "valid": many.valid_detections,
            "crops": crops,
        }

    m.run = run
    return Model(m, run)


class Deep(tf.Module):
    """Loops in branches in loops, and functions that call functions."""

    @tf.function
    def inner(self, x):
        return tf.reduce_sum(x * x)

    @tf.function(input_signature=[spec([None, None])])
    def nested(self, x):
        total = tf.constant(0.0)
        for row in x:
            if tf.reduce_sum(row) > 1.0:
                i = tf.constant(0)
                while i < tf.size(row):
                    if row[i] < 0.1:
                        break
                    total += self.inner(row[: i + 1])
                    i += 1
            else:
                total -= 1.0
        return total

    @tf.function(input_signature=[spec([None])])
    def collected(self, x):
        _, parts = tf.while_loop(
            lambda i, t: i < tf.size(x),
            lambda i, t: (i + 1, t.write(i, x[:2] * tf.cast(i, F32))),
            [0, tf.TensorArray(F32, tf.size(x))],
        )
        scan = tf.scan(lambda a, b: a * 0.5 + b, x)
        fold = tf.foldl(lambda a, b: a + b * b, x, 0.0)
        return parts.stack(), scan, fold

    @tf.function(input_signature=[spec([]), spec([])])
    def checked(self, a, b):
        tf.debugging.assert_greater(b, 0.0)
        with tf.control_dependencies([tf.debugging.assert_all_finite(a, "a")]):
            return tf.math.divide_no_nan(a, b), tf.case(
                [(a > 1.0, lambda: a), (b > 1.0, lambda: b)], default=lambda: a + b
            )


@program(
    lambda: [
        Call("nested", (tf.constant(floats(0, 4, 3)),)),
        Call("collected", (tf.constant(floats(1, 5)),)),
        Call("checked", (tf.constant(0.5), tf.constant(2.0))),
    ]
)
def deep_control_flow():
    return Model(Deep())


@program(lambda: [Call("parsed", (tf.constant(["1,a,2.5", "3,b,"]),))])
def parsed_lines():
    m = tf.Module()

    @tf.function(input_signature=[spec([None], tf.string)])
    def parsed(lines):
        return tf.io.decode_csv(lines, [[0], [""], [9.0]])

    m.parsed = parsed
    return Model(m)


@program(
    lambda: [
        Call("ragged", (tf.ragged.constant([["a b", "c"], [], ["d"]]),)),
        Call("deep", (tf.ragged.constant([[[1.0], [2.0, 3.0]], [[4.0]]]),)),
        Call("mixed", ({"s": tf.sparse.from_dense([[0, 3], [4, 0]]), "d": tf.constant(2)},)),
        Call("to_sparse", (tf.constant([[0.0, 1.0], [2.0, 0.0]]),)),
    ]
)
def composites():
    m = tf.Module()

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.string)])
    def ragged(x):
        parts = tf.strings.split(x)
        return parts, tf.strings.length(x), x.to_tensor("?")

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None], F32)])
    def deep(x):
        return tf.reduce_sum(x, 2), tf.concat([x, x], 1), x.flat_values

    @tf.function(
        input_signature=[{"s": tf.SparseTensorSpec([2, 2], tf.int32), "d": spec([], tf.int32)}]
    )
    def mixed(value):
        return {"total": tf.sparse.reduce_sum(value["s"]) * value["d"], "s": value["s"]}

    m.ragged, m.deep, m.mixed = ragged, deep, mixed
    m.to_sparse = tf.function(tf.sparse.from_dense, [spec([2, 2])])
    return Model(m)


@program(lambda: [signature(q=tf.constant(integers(0, 200, 2, 4).astype(np.uint8)))])
def integer_arithmetic():
    m = tf.Module()
    m.w = tf.Variable(integers(1, 100, 4, 3).astype(np.int8) - 50, dtype=tf.int8)

    @tf.function(input_signature=[spec([None, 4], tf.uint8, "q")])
    def run(q):
        wide = tf.cast(q, tf.int32) - 128
        product = tf.matmul(wide, tf.cast(m.w, tf.int32))
        return {
            "product": product,
            "shifted": tf.bitwise.right_shift(product, 3),
            "bits": tf.bitwise.bitwise_xor(q, tf.constant(255, tf.uint8)),
            "floor": product // 7,
            "mod": product % 7,
            "clip": tf.saturate_cast(product, tf.int8),
            "cast": tf.bitcast(tf.cast(product, tf.int32), tf.float32) > 0.0,
        }

    m.run = run
    return Model(m, run)


@program(lambda: [signature(data=tf.io.encode_jpeg(np.full((16, 16, 3), 90, np.uint8)))])
def image_codecs():
    m = tf.Module()

    @tf.function(input_signature=[spec([], tf.string, "data")])
    def run(data):
        image = tf.io.decode_jpeg(data, 3)
        image = tf.image.adjust_contrast(tf.image.convert_image_dtype(image, F32), 1.5)
        return {
            "gray": tf.image.rgb_to_grayscale(image),
            "hsv": tf.image.rgb_to_hsv(image),
            "small": tf.image.resize(image, [5, 7], "bicubic", antialias=True),
            "flip": tf.image.flip_left_right(tf.image.rot90(image)),
            "jpeg": tf.image.central_crop(image, 0.5),
            "shape": tf.io.extract_jpeg_shape(data),
        }

    m.run = run
    return Model(m, run)
