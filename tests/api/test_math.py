"""What the functions of tf.math promise beyond the ops that they call."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError, UnimplementedError

HALF_TYPES = [tf.float16, tf.bfloat16]


def gradient_of(function, *values):
    tensors = [tf.constant(value) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = function(*tensors)
    return [g if g is None else g.numpy() for g in tape.gradient(result, tensors)]


@pytest.mark.parametrize("name", ["sqrt", "exp", "sin", "tanh", "sigmoid", "reciprocal_no_nan"])
def test_a_function_of_real_numbers_does_not_take_integers_silently(name):
    function = getattr(tf.math, name)

    with pytest.raises(InvalidArgumentError):
        function(tf.constant([1, 2]))


def test_arithmetic_does_not_take_truth_values():
    with pytest.raises(InvalidArgumentError):
        tf.add(tf.constant(True), tf.constant(False))


def test_tensors_of_two_dtypes_are_not_added():
    with pytest.raises((InvalidArgumentError, TypeError)):
        tf.add(tf.constant(1.0), tf.constant(1))


@pytest.mark.parametrize("dtype", HALF_TYPES)
def test_half_precision_stays_half_precision(dtype):
    x = tf.constant([0.5, 2.0], dtype)

    results = [tf.exp(x), x * 2.0, tf.math.rsqrt(x), tf.sigmoid(x), tf.reduce_mean(x), x / x]

    assert {result.dtype for result in results} == {dtype}


@pytest.mark.parametrize(
    ("dtype", "quotient"),
    [
        (tf.int8, tf.float32),
        (tf.uint16, tf.float32),
        (tf.int32, tf.float64),
        (tf.int64, tf.float64),
    ],
)
def test_integers_are_divided_as_floating_point_numbers(dtype, quotient):
    result = tf.math.truediv(tf.constant([7], dtype), tf.constant([2], dtype))

    assert result.dtype == quotient
    assert result.numpy().tolist() == [3.5]


def test_the_first_of_python_values_decides_the_dtype():
    assert tf.maximum(1.0, 2).dtype == tf.float32
    with pytest.raises(TypeError):
        tf.maximum(1, 2.5)


def test_parts_of_real_numbers():
    x = tf.constant([-1.0, 2.0])

    assert tf.math.real(x).numpy().tolist() == [-1.0, 2.0]
    assert tf.math.imag(x).numpy().tolist() == [0.0, 0.0]
    np.testing.assert_allclose(tf.math.angle(x), [np.pi, 0.0], rtol=1e-6)
    with pytest.raises(TypeError):
        tf.math.conj("a")


def test_complex_needs_two_parts_of_one_dtype():
    with pytest.raises(TypeError):
        tf.complex(tf.constant(1.0), tf.constant(1.0, tf.float64))


DIVISIONS = [tf.math.floordiv, tf.math.floormod, tf.truncatediv, tf.truncatemod]


@pytest.mark.parametrize("divide", DIVISIONS)
def test_an_integer_is_not_divided_by_zero(divide):
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        divide(tf.constant([1, 2]), tf.constant([1, 0]))


@pytest.mark.parametrize("divide", DIVISIONS)
def test_an_integer_is_not_divided_by_zero_in_compiled_code(divide):
    compiled = tf.function(divide, jit_compile=True)

    assert compiled(tf.constant([7]), tf.constant([7])).shape == (1,)
    with pytest.raises(InvalidArgumentError, match="division by zero"):
        compiled(tf.constant([1]), tf.constant([0]))


def test_an_integer_has_no_negative_power():
    with pytest.raises(InvalidArgumentError, match="negative integer powers"):
        tf.pow(tf.constant([2]), tf.constant([-1]))


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(InvalidArgumentError, match=r"\[2, 3\] and \[2\]"):
        tf.constant(np.ones((2, 3))) + tf.constant(np.ones(2))


def test_the_slope_of_abs_at_zero_is_zero():
    assert gradient_of(tf.abs, np.float32([-2, 0, 3]))[0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize("choose", [tf.maximum, tf.minimum])
def test_equal_operands_give_their_gradient_to_the_first(choose):
    first, second = gradient_of(choose, np.float32([1.0]), np.float32([1.0]))

    assert (first.tolist(), second.tolist()) == ([1.0], [0.0])


def test_several_largest_elements_share_the_gradient():
    assert gradient_of(tf.reduce_max, np.float32([2, 1, 2, 2]))[0].tolist() == pytest.approx(
        [1 / 3, 0, 1 / 3, 1 / 3]
    )


@pytest.mark.parametrize(
    ("values", "expected"), [([2, 0, 3], [0, 6, 0]), ([0, 0, 3], [0, 0, 0]), ([2, 5], [5, 2])]
)
def test_the_gradient_of_a_product_knows_zeros(values, expected):
    assert gradient_of(tf.reduce_prod, np.float32(values))[0].tolist() == expected


def test_a_power_of_a_negative_number_gives_no_gradient_to_the_exponent():
    base, exponent = gradient_of(tf.pow, np.float32([-2.0]), np.float32([2.0]))

    assert (base.tolist(), exponent.tolist()) == ([-4.0], [0.0])


def test_a_gradient_is_summed_over_broadcast_axes():
    x, y = np.ones((2, 3), np.float32), np.float32([1, 2, 3])

    _, by_y = gradient_of(tf.multiply, x, y)

    assert by_y.tolist() == [2, 2, 2]


def test_a_gradient_is_summed_over_axes_that_only_running_tells():
    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None])])
    def gradients(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            product = x * y
        return tape.gradient(product, [x, y])

    for width in (1, 3):
        x, y = np.ones((2, 3), np.float32), np.ones(width, np.float32)
        by_x, by_y = gradients(x, y)
        assert by_x.numpy().tolist() == [[1, 1, 1], [1, 1, 1]]
        assert by_y.numpy().tolist() == ([6] if width == 1 else [2, 2, 2])


@pytest.mark.parametrize(
    "name", ["bessel_j0", "bessel_j1", "bessel_k0", "bessel_k1e", "bessel_y1"]
)
def test_bessel_functions_have_their_slope_without_xla(name):
    function = getattr(tf.math.special, name)
    x, step = np.float64([0.7, 2.5]), 1e-6

    slope = (function(x + step).numpy() - function(x - step).numpy()) / (2 * step)

    np.testing.assert_allclose(gradient_of(function, x)[0], slope, rtol=1e-6)


def test_rounding_carries_no_gradient():
    assert gradient_of(tf.round, np.float32([0.4]))[0] is None
    assert gradient_of(tf.floor, np.float32([0.4]))[0] is None


def test_a_cast_to_integers_stops_the_gradient():
    through = gradient_of(
        lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), np.float32([1.5])
    )

    assert through[0] is None


def test_complex_gradients_are_conjugated_as_in_tensorflow():
    z = np.complex64([1 + 2j])

    assert gradient_of(tf.square, z)[0].tolist() == [2 - 4j]


def test_subnormal_numbers_count_as_zero_at_a_pole():
    tiny = tf.constant([1e-40, 1e-30])

    assert tf.math.log(tiny).numpy()[0] == -np.inf
    assert tf.math.reciprocal_no_nan(tiny).numpy()[0] == 0.0
    np.testing.assert_allclose(tf.math.log(tiny).numpy()[1], np.log(1e-30), rtol=1e-5)


def test_add_joins_strings():
    assert tf.add("a", "b").numpy() == b"ab"


def test_add_n_takes_slices_and_variables():
    slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([1]), tf.constant([2, 1]))

    total = tf.add_n([slices, tf.Variable([[1.0], [2.0]])])

    assert total.numpy().tolist() == [[1.0], [3.0]]
    with pytest.raises(ValueError, match="at least one"):
        tf.add_n([])


def test_polyval_takes_the_highest_power_first():
    assert tf.math.polyval([2.0, 1.0, 3.0], tf.constant([0.0, 2.0])).numpy().tolist() == [
        3.0,
        13.0,
    ]
    with pytest.raises(ValueError, match="list"):
        tf.math.polyval(tf.constant([1.0]), 2.0)


@pytest.mark.parametrize(
    ("values", "rising", "strictly"),
    [
        ([1, 2, 3], True, True),
        ([1, 1, 2], True, False),
        ([2, 1], False, False),
        ([], True, True),
    ],
)
def test_monotonic_sequences_are_told(values, rising, strictly):
    values = tf.constant(values, tf.float32)

    assert bool(tf.math.is_non_decreasing(values)) is rising
    assert bool(tf.math.is_strictly_increasing(values)) is strictly


def test_a_vector_is_scaled_to_length_one():
    x = tf.constant([[3.0, 4.0], [0.0, 0.0]])

    np.testing.assert_allclose(
        tf.math.l2_normalize(x, axis=1), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6
    )


def test_erfcinv_undoes_erfc():
    x = tf.constant([-1.2, 0.1, 0.8], tf.float64)

    np.testing.assert_allclose(tf.math.erfcinv(tf.math.erfc(x)), x, rtol=1e-9)


def test_log_sigmoid_does_not_underflow():
    assert tf.math.log_sigmoid([-1000.0]).numpy().tolist() == [-1000.0]


def test_the_name_of_a_call_names_its_node():
    @tf.function
    def function(x):
        y = tf.add(x, 1.0, name="sum_of_mine")
        assert y.name == "sum_of_mine:0"
        return tf.reduce_max(y, name="greatest")

    assert function(tf.constant([1.0])).numpy() == 2.0


def test_text_is_no_number():
    with pytest.raises(UnimplementedError):
        tf.cast("1", tf.int32)


@pytest.mark.parametrize(
    "function", [tf.sqrt, tf.math.rsqrt, tf.math.reciprocal], ids=lambda each: each.__name__
)
def test_a_root_at_zero_has_no_slope_where_nothing_arrives(function):
    x = tf.constant([0.0, 4.0])
    step = {"sqrt": 0.25, "rsqrt": -0.0625, "reciprocal": -0.0625}[function.__name__]

    def masked(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.where(x > 1.0, function(x), x)
        return tape.gradient(y, x)

    for run in (masked, tf.function(masked), tf.function(masked, jit_compile=True)):
        np.testing.assert_allclose(run(x), [1.0, step])
