"""What 72 eager ops cost at three sizes beside TensorFlow: means, and the slow ones."""

import json
import math
import sys

from sides import both, measure_cases

# Least ratio that is worth a line of its own.
SLOW = 1.3
SIZES = {"small": 8, "middle": 128, "large": 1024}
LIMITS = {"small": 0.5, "large": 1.0}

SETUP = """
import numpy as np
import MODULE as tf

generator = np.random.default_rng(0)

def inputs(n):
    def normal(*shape):
        return tf.constant(generator.normal(size=shape).astype(np.float32))
    side = max(4, n // 16)
    return dict(
        tf=tf,
        n=n,
        x=normal(n, n),
        y=normal(n, n),
        row=normal(n),
        positive=tf.constant(generator.uniform(0.1, 2.0, (n, n)).astype(np.float32)),
        whole=tf.constant(generator.integers(0, n, (n, n)).astype(np.int32)),
        rows=tf.constant(generator.integers(0, n, n).astype(np.int32)),
        ordered=tf.constant(np.sort(generator.integers(0, n, n)).astype(np.int32)),
        truth=tf.constant(generator.integers(0, 2, (n, n)).astype(bool)),
        stack=normal(4, n // 2, n // 2),
        image=normal(1, side * 2, side * 2, 8),
        kernel=normal(3, 3, 8, 8),
        depth=normal(3, 3, 8, 1),
        words=tf.constant([b"word %d" % i for i in range(n)]),
    )

def case(text, values):
    return eval("lambda: " + text, values)

CASES = {
    size + "/" + text: case(text, values)
    for size, values in [(name, inputs(n)) for name, n in SIZES.items()]
    for text in OPS
}
"""

OPS = (
    "tf.add(x, y)",
    "tf.add(x, row)",
    "tf.subtract(x, y)",
    "tf.multiply(x, y)",
    "tf.divide(x, positive)",
    "tf.maximum(x, y)",
    "tf.minimum(x, 0.5)",
    "tf.pow(positive, 2.0)",
    "tf.math.floordiv(whole, 7)",
    "tf.math.floormod(whole, 7)",
    "tf.math.squared_difference(x, y)",
    "tf.abs(x)",
    "tf.negative(x)",
    "tf.square(x)",
    "tf.sqrt(positive)",
    "tf.math.rsqrt(positive)",
    "tf.exp(x)",
    "tf.math.log(positive)",
    "tf.tanh(x)",
    "tf.sigmoid(x)",
    "tf.math.erf(x)",
    "tf.nn.relu(x)",
    "tf.nn.gelu(x)",
    "tf.nn.elu(x)",
    "tf.nn.softmax(x)",
    "tf.nn.log_softmax(x)",
    "tf.nn.softmax_cross_entropy_with_logits(labels=positive, logits=x)",
    "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=rows, logits=x)",
    "tf.nn.bias_add(x, row)",
    "tf.greater(x, y)",
    "tf.equal(whole, 3)",
    "tf.logical_and(truth, truth)",
    "tf.where(truth, x, y)",
    "tf.cast(x, tf.int32)",
    "tf.clip_by_value(x, -1.0, 1.0)",
    "tf.reduce_sum(x)",
    "tf.reduce_sum(x, axis=1)",
    "tf.reduce_mean(x, axis=0)",
    "tf.reduce_max(x, axis=1)",
    "tf.reduce_any(truth, axis=1)",
    "tf.argmax(x, axis=1)",
    "tf.cumsum(x, axis=1)",
    "tf.matmul(x, y)",
    "tf.matmul(stack, stack, transpose_b=True)",
    "tf.einsum('ij,kj->ik', x, y)",
    "tf.transpose(x)",
    "tf.reshape(x, [-1])",
    "tf.expand_dims(x, 0)",
    "tf.concat([x, y], axis=1)",
    "tf.stack([x, y])",
    "tf.split(x, 2, axis=1)",
    "tf.tile(x, [1, 2])",
    "tf.pad(x, [[1, 1], [2, 2]])",
    "x[1:-1, ::2]",
    "tf.gather(x, rows)",
    "tf.one_hot(rows, 16)",
    "tf.zeros_like(x)",
    "tf.fill([n, n], 1.0)",
    "tf.range(n)",
    "tf.boolean_mask(x, truth)",
    "tf.sort(x, axis=1)",
    "tf.math.top_k(x, 4)",
    "tf.unique(rows)",
    "tf.math.segment_sum(x, ordered)",
    "tf.random.normal([n, n])",
    "tf.random.uniform([n, n])",
    "tf.nn.conv2d(image, kernel, 1, 'SAME')",
    "tf.nn.depthwise_conv2d(image, depth, [1, 1, 1, 1], 'SAME')",
    "tf.nn.max_pool2d(image, 2, 2, 'VALID')",
    "tf.image.resize(image, [8, 8])",
    "tf.strings.length(words)",
    "tf.strings.join([words, words])",
)


def mean(ratios):
    return math.exp(sum(math.log(each) for each in ratios) / len(ratios))


def main(rounds=7, only=None):
    ops = tuple(each for each in OPS if only is None or only in each)
    source = f"SIZES = {SIZES!r}\nOPS = {ops!r}\n" + SETUP
    best = measure_cases(
        both(source), [f"{size}/{text}" for size in SIZES for text in ops], rounds=rounds
    )
    status = 0
    for size in SIZES:
        line = {"question": f"{len(ops)} eager ops, {size}"}
        ratios = {}
        for text in ops:
            sides = best[f"{size}/{text}"]
            line.setdefault("penstock_us", {})[text] = round(sides["penstock"] * 1e6, 1)
            if "tensorflow" in sides:
                ratios[text] = sides["penstock"] / sides["tensorflow"]
        if ratios:
            del line["penstock_us"]
            line["geometric_mean_to_tensorflow"] = round(mean(ratios.values()), 3)
            line["limit_to_tensorflow"] = LIMITS.get(size)
            line[f"above_{SLOW}"] = {
                text: round(ratio, 2)
                for text, ratio in sorted(ratios.items(), key=lambda pair: -pair[1])
                if ratio > SLOW
            }
            status |= mean(ratios.values()) > LIMITS.get(size, math.inf)
        print(json.dumps(line), flush=True)
    return status


if __name__ == "__main__":
    matching = [each for each in sys.argv[1:] if each != "--small"]
    raise SystemExit(main(2 if "--small" in sys.argv else 7, *matching[:1]))
