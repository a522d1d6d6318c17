"""Values that depend on variables alone are computed once, and folded into weights."""

import gc
import threading
import weakref

import jax
import numpy as np
import pytest

import penstock as tf
from penstock.graph.ready import ReadyValues
from penstock.ops.lowering import without

pytestmark = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="the rules are for the CPU"
)
_RULES = ("prepared_values", "scaled_weights", "dense_convolution")


def _random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape).astype(np.float32)


def _statistics(channels):
    """Mean, variance, offset and scale of a batch normalization."""
    return [
        tf.Variable(_random(channels, seed=1)),
        tf.Variable(_positive(channels, seed=2)),
        tf.Variable(_random(channels, seed=3)),
        tf.Variable(_positive(channels, seed=4)),
    ]


def _convolved(x, w):
    return tf.nn.conv2d(x, w, 1, "SAME")


def _depthwise(x, w):
    return tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME")


def _product(x, w):
    return tf.linalg.matmul(x, w)


# Op, input, weights, channels.
_CASES = [
    (_convolved, (2, 5, 5, 3), (3, 3, 3, 8), 8),
    (_depthwise, (2, 5, 5, 3), (3, 3, 3, 2), 6),
    (_product, (4, 3), (3, 8), 8),
]


def _taken_twice(x, w, s):
    y = _convolved(x, w)
    return y * s + y


def _assert_close(found, plain):
    assert np.abs(found - plain).max() <= 1e-5 * np.abs(plain).max()


def _both_ways(body, x):
    """What a function gives with the rules and without, and what is told of the rules."""
    ruled = tf.function(body)
    found = ruled(x).numpy()
    with without(*_RULES):
        plain = tf.function(body)(x).numpy()
    return found, plain, ruled.explain_lowering()


@pytest.mark.parametrize(("op", "shape", "weights", "channels"), _CASES)
@pytest.mark.parametrize("bias", [False, True])
def test_a_batch_normalization_becomes_part_of_the_weights(op, shape, weights, channels, bias):
    w, b = tf.Variable(_random(*weights)), tf.Variable(_random(channels, seed=9))
    statistics = _statistics(channels)

    def body(x):
        y = op(x, w)
        if bias:
            y = tf.nn.bias_add(y, b)
        return tf.nn.batch_normalization(y, *statistics, 1e-3)

    x = _random(*shape, seed=7)
    found, plain, told = _both_ways(body, x)
    _assert_close(found, plain)
    assert "scaled_weights" in told
    mean, variance, offset, scale = (v.numpy().astype(np.float64) for v in statistics)
    y = op(tf.constant(x), w).numpy() + (b.numpy() if bias else 0.0)
    _assert_close(found, (y - mean) / np.sqrt(variance + 1e-3) * scale + offset)


@pytest.mark.parametrize(("op", "shape", "weights", "channels"), _CASES[:2])
def test_a_fused_batch_normalization_becomes_part_of_the_weights(op, shape, weights, channels):
    w = tf.Variable(_random(*weights))
    mean, variance, offset, scale = _statistics(channels)

    def body(x):
        return tf.raw_ops.FusedBatchNormV3(
            x=op(x, w),
            scale=scale,
            offset=offset,
            mean=mean,
            variance=variance,
            epsilon=1e-3,
            is_training=False,
        )[0]

    found, plain, told = _both_ways(body, _random(*shape, seed=7))
    _assert_close(found, plain)
    assert "scaled_weights" in told


def test_one_factor_for_all_channels_and_constants_are_folded_too():
    w = tf.Variable(_random(3, 3, 3, 8))

    def body(x):
        return 0.125 * _convolved(x, w)

    found, plain, told = _both_ways(body, _random(1, 5, 5, 3))
    _assert_close(found, plain)
    assert "scaled_weights" in told


def test_large_constants_are_weights_as_well():
    w, factor = _random(64, 512), _positive(512)

    def body(x):
        return _product(x, tf.constant(w)) * tf.constant(factor)

    found, plain, told = _both_ways(body, _random(2, 64))
    _assert_close(found, plain)
    assert "scaled_weights" in told


@pytest.mark.parametrize(
    "body",
    [
        _taken_twice,
        lambda x, w, s: _convolved(x, w) * tf.reduce_sum(x) * s,
        lambda x, w, s: _convolved(x, w) * tf.reshape(s, [1, 1, 8, 1]),
        lambda x, w, s: _convolved(x, w) * tf.reshape(s, [1, 1, 1, 1, 8]),
        lambda x, w, s: tf.nn.relu(_convolved(x, w)) * s,
    ],
    ids=["used twice", "a factor of the input", "other axis", "further axis", "not next to it"],
)
def test_other_products_are_left_as_they_are(body):
    w, s = tf.Variable(_random(3, 3, 3, 8)), tf.Variable(_positive(8))
    found, plain, told = _both_ways(lambda x: body(x, w, s), _random(1, 8, 8, 3))
    np.testing.assert_array_equal(found, plain)
    assert "scaled_weights" not in told


@pytest.mark.parametrize(
    ("pixels", "size", "strides", "padding", "dilations"),
    [
        ((8, 2, 2, 3), (3, 3), 1, "SAME", 1),
        ((8, 2, 2, 3), (3, 3), 2, "SAME", 1),
        ((1, 1, 1, 3), (3, 3), 1, "SAME", 1),
        ((2, 3, 2, 3), (5, 4), 1, "SAME", 1),
        ((2, 1, 4, 3), (2, 7), (1, 2), "SAME", 1),
        ((2, 3, 3, 3), (3, 3), 1, "SAME", 2),
        ((2, 2, 2, 3), (3, 3), 1, [[0, 0], [1, 2], [1, 0], [0, 0]], 1),
        ((2, 3, 3, 3), (3, 3), 1, "VALID", 1),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_convolution_of_a_few_pixels_is_one_product(
    *, pixels, size, strides, padding, dilations, dtype
):
    w = tf.Variable(_random(*size, 3, 64).astype(dtype))
    s = tf.Variable(_positive(64).astype(dtype))

    def body(x):
        return tf.nn.conv2d(x, w, strides, padding, dilations=dilations) * s

    x = _random(*pixels).astype(dtype)
    ruled = tf.function(body)
    found = ruled(x).numpy()
    with without():
        plain = tf.function(body)(x).numpy()
    _assert_close(found, plain)
    pairs = np.prod(pixels[1:3]) * np.prod(found.shape[1:3])
    fires = pairs <= np.prod(size) * (2 if pixels[0] >= 8 else 1)
    assert ("dense_convolution" in ruled.explain_lowering()) == fires


def test_a_few_pixels_of_images_whose_number_is_not_known_stay_patches():
    w = tf.Variable(_random(3, 3, 3, 512))

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 2, 3])])
    def convolved(x):
        return 0.5 * _convolved(x, w)

    x = _random(9, 2, 2, 3)
    found = convolved(x).numpy()
    assert "dense_convolution" not in convolved.explain_lowering()
    with without():
        _assert_close(found, tf.function(lambda x: 0.5 * _convolved(x, w))(x).numpy())


def test_an_output_of_the_function_is_not_changed():
    w, s = tf.Variable(_random(3, 8)), tf.Variable(_positive(8))

    @tf.function
    def both(x):
        y = _product(x, w)
        return y, y * s, tf.exp(s)

    x = _random(2, 3)
    y, scaled, grown = both(x)
    np.testing.assert_allclose(y, x @ w.numpy(), rtol=1e-5)
    np.testing.assert_allclose(scaled, x @ w.numpy() * s.numpy(), rtol=1e-5)
    np.testing.assert_allclose(grown, np.exp(s.numpy()), rtol=1e-6)


def _scaled(size=8):
    """A function whose weights are prepared, its variables, and what it must give."""
    w, s = tf.Variable(_random(4, size)), tf.Variable(_positive(size))
    function = tf.function(lambda x: _product(x, w) * s)

    def expected(x):
        return x @ w.numpy().astype(np.float64) * s.numpy()

    return function, w, s, expected


def test_a_new_value_of_a_variable_is_followed():
    function, w, s, expected = _scaled()
    x = _random(2, 4)
    for step in range(12):
        _assert_close(function(x).numpy(), expected(x))
        if step % 3 == 0:
            w.assign_add(tf.ones_like(w))
        elif step % 3 == 1:
            s.assign(s.numpy() * 1.5)


def test_variables_that_change_all_the_time_are_read_as_they_are(monkeypatch):
    made = []
    renewed = ReadyValues._renewed
    monkeypatch.setattr(
        ReadyValues, "_renewed", lambda self, holders: made.append(1) or renewed(self, holders)
    )
    function, w, _, expected = _scaled()
    x = _random(2, 4)
    for _ in range(20):
        _assert_close(function(x).numpy(), expected(x))
        w.assign_add(tf.ones_like(w))
    assert 1 < len(made) < 10


def test_a_train_step_that_takes_over_buffers_leaves_right_values_behind():
    size = 1 << 17  # large enough for its buffer to be given away
    function, w, _, expected = _scaled(size)

    @tf.function
    def step(x):
        w.assign_sub(0.5 * w + tf.reduce_sum(x))

    x = _random(2, 4)
    for _ in range(3):
        _assert_close(function(x).numpy(), expected(x))
        step(x)
        step(x)
    _assert_close(function(x).numpy(), expected(x))


def test_old_values_are_not_kept_alive(monkeypatch):
    made = []
    values = ReadyValues.values
    monkeypatch.setattr(
        ReadyValues, "values", lambda self, holders: _noted(made, values(self, holders))
    )
    function, w, _, _ = _scaled()
    function(_random(2, 4))
    old = [weakref.ref(w._holder.value), *made]
    w.assign(tf.ones_like(w))
    gc.collect()
    # Neither what the variable held nor what was made of it.
    assert [each() for each in old] == [None, None]


def _noted(references, values):
    references.extend(map(weakref.ref, values))
    return values


def test_gradients_are_those_of_the_function_as_it_is_written():
    w, b = tf.Variable(_random(3, 3, 3, 8)), tf.Variable(_random(8, seed=5))
    statistics = _statistics(8)
    variables = [w, b, *statistics]
    x = _random(2, 5, 5, 3, seed=6)

    def loss(x):
        y = tf.nn.bias_add(_convolved(x, w), b)
        y = tf.nn.batch_normalization(y, *statistics, 1e-3)
        return tf.reduce_sum(tf.square(y))

    def gradients(function):
        with tf.GradientTape() as tape:
            value = function(x)
        return [value, *tape.gradient(value, variables)]

    ruled = tf.function(loss)
    ruled(x)
    inside = tf.function(lambda: gradients(loss))()
    with without():
        plain = gradients(tf.function(loss))
    for found in (gradients(ruled), inside):
        for one, other in zip(found, plain, strict=True):
            _assert_close(one.numpy(), other.numpy())


def test_weights_that_would_grow_are_not_kept():
    packed = tf.Variable(np.arange(-64, 64, dtype=np.int8).repeat(64).reshape(64, 128))

    def body(x):
        return _product(x, 0.5 * tf.cast(packed, tf.float32))

    x = _random(2, 64)
    function = tf.function(body)
    with without(*_RULES):
        plain = tf.function(body)(x).numpy()
    np.testing.assert_array_equal(function(x).numpy(), plain)
    # It was tried when values came, and left: four bytes in place of one.
    assert "prepared_values" not in function.explain_lowering()


def test_a_function_that_assigns_is_left_as_it_is():
    w, s = tf.Variable(_random(4, 8)), tf.Variable(_positive(8))

    @tf.function
    def counted(x):
        s.assign_add(tf.ones_like(s))
        return _product(x, w) * s

    before = s.numpy()
    x = _random(2, 4)
    _assert_close(counted(x).numpy(), x @ w.numpy() * (before + 1))
    assert "scaled_weights" not in counted.explain_lowering()


def test_what_fires_is_told_without_running_anything():
    function, _, _, _ = _scaled()
    text = function.explain_lowering(tf.TensorSpec([2, 4]))
    assert "prepared_values: function: 1 values of 2 variables" in text
    assert "scaled_weights" in text


def test_a_failed_check_is_told_as_it_would_be_without():
    table, s = tf.Variable(_random(4, 8)), tf.Variable(_positive(8))

    @tf.function
    def picked(rows, w):
        return _product(tf.gather(w, rows), tf.transpose(table)) * tf.exp(s[:4])

    with pytest.raises(tf.errors.InvalidArgumentError, match="indices"):
        picked(np.array([7]), _random(4, 8))
    assert picked(np.array([1]), _random(4, 8)).shape == (1, 4)


def test_threads_get_one_value_or_another_while_a_variable_changes():
    w, s = tf.Variable(np.ones((4, 8), np.float32)), tf.Variable(np.ones(8, np.float32))
    function = tf.function(lambda x: _product(x, w) * s)
    x = np.ones((1, 4), np.float32)
    function(x)
    seen: list[float] = []

    def ask():
        for _ in range(200):
            (row,) = function(x).numpy()
            assert (row == row[0]).all()
            seen.append(float(row[0]))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(2, 6):
        s.assign(np.full(8, value, np.float32))
    for thread in threads:
        thread.join()
    assert len(seen) == 600
    assert set(seen) <= {4.0 * value for value in range(1, 6)}
    np.testing.assert_array_equal(function(x), np.full((1, 8), 20.0))
