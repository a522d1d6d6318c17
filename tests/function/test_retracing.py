"""How often functions are traced and compiled, why, and what is freed with them."""

import gc
import math
import warnings
import weakref

import numpy as np
import pytest

import penstock as tf


def test_ten_floats_need_three_traces():
    f = tf.function(lambda x, k: x * k)

    results = [float(f(tf.constant(2.0), i * 0.5)) for i in range(10)]

    assert results == [float(i) for i in range(10)]
    assert f.experimental_get_tracing_count() == 3


def test_floats_that_python_needs_stay_what_they_are():
    f = tf.function(lambda x, k: x * math.sqrt(k))

    results = [float(f(tf.constant(1.0), float(i * i))) for i in range(1, 5)]

    assert results == [float(i) for i in range(1, 5)]


def test_floats_inside_nests_become_tensors_too():
    f = tf.function(lambda d: d["x"] + d["k"][0])

    results = [float(f({"x": tf.constant(1.0), "k": [i + 0.5]})) for i in range(8)]

    assert results == [i + 1.5 for i in range(8)]
    assert f.experimental_get_tracing_count() == 3


def test_ten_lengths_need_three_traces():
    f = tf.function(lambda x: tf.reduce_sum(x * 2.0))

    results = [float(f(tf.ones([n]))) for n in range(1, 11)]

    assert results == [2.0 * n for n in range(1, 11)]
    assert f.experimental_get_tracing_count() == 3


def test_lengths_that_python_needs_are_traced_one_by_one():
    f = tf.function(lambda x: tf.reshape(x, [x.shape[0], 1]))

    shapes = [f(tf.ones([n])).shape.as_list() for n in range(1, 5)]

    assert shapes == [[n, 1] for n in range(1, 5)]


def test_results_keep_their_shapes_when_sizes_are_left_open():
    f = tf.function(lambda x, y: (tf.concat([x, y], 0), tf.matmul(x, y, transpose_b=True)))

    for n in range(1, 8):
        x = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
        joined, product = f(tf.constant(x), tf.constant(x[::-1].copy()))
        np.testing.assert_array_equal(joined, np.concatenate([x, x[::-1]]))
        np.testing.assert_allclose(product, x @ x[::-1].T, rtol=1e-6)
    assert f.experimental_get_tracing_count() == 3


def test_gradients_flow_through_a_trace_with_open_sizes():
    f = tf.function(lambda x: tf.reduce_sum(x**2))

    for n in range(1, 7):
        x = tf.range(1.0, n + 1.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        np.testing.assert_allclose(tape.gradient(y, x), 2.0 * np.arange(1.0, n + 1.0))


def test_sizes_that_vary_may_be_left_open_at_once():
    f = tf.function(lambda x: x + 1.0, reduce_retracing=True)

    for n in range(1, 8):
        f(tf.ones([n]))

    assert f.experimental_get_tracing_count() == 2


def test_a_trace_for_a_spec_serves_the_calls_that_fit_it():
    f = tf.function(lambda x: x + 1.0)

    concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    f(tf.ones([2]))
    f(tf.ones([3]))

    assert f.experimental_get_tracing_count() == 1
    assert f.get_concrete_function(tf.TensorSpec([None], tf.float32)) is concrete


def test_arrays_and_tensors_share_a_trace():
    f = tf.function(lambda x: x + 1.0)

    f(tf.ones([2]))
    f(np.ones([2], np.float32))

    assert f.experimental_get_tracing_count() == 1


def test_an_input_signature_of_ragged_tensors_fits_any_number_of_rows():
    f = tf.function(
        lambda r: tf.reduce_sum(r, 1),
        input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)],
    )

    np.testing.assert_array_equal(f(tf.ragged.constant([[1, 2], [3]])), [3, 3])
    np.testing.assert_array_equal(f(tf.ragged.constant([[4]])), [4])
    assert f.experimental_get_tracing_count() == 1


def test_the_reasons_of_traces_name_arguments_and_values():
    @tf.function
    def f(x, k, *, flag=True):
        return x * k

    f(tf.constant(1.0), 2)
    f(tf.constant(1.0), 3)
    f(tf.constant([1.0]), 3)
    f(tf.constant([1.0]), 3, flag=False)

    lines = f.explain_traces().splitlines()

    assert lines[0] == "f was traced 4 times:"
    assert lines[1].startswith("  1. the first call (called at ")
    assert "argument 'k' was int 2, is int 3" in lines[2]
    assert "argument 'x' was float32[], is float32[1]" in lines[3]
    assert "argument 'flag' was bool True, is bool False" in lines[4]
    assert f"{__file__}:" in lines[4]


def test_reasons_name_what_became_general():
    f = tf.function(lambda x, k: x * k)
    for i in range(3):
        f(tf.ones([i + 1]), i * 0.5)

    last = f.explain_traces().splitlines()[-1]

    assert "sizes that varied are left open, Python floats that varied became tensors" in last


def test_a_function_without_traces_says_so():
    assert tf.function(lambda x: x).explain_traces() == "<lambda> was not traced yet"


def test_the_warning_of_many_traces_names_the_argument():
    f = tf.function(lambda x, k: x * k)

    with pytest.warns(UserWarning, match="argument 'k' was int 0, is int 6"):
        results = [float(f(tf.constant(1.0), k)) for k in range(7)]

    assert results == [float(k) for k in range(7)]


def test_distinct_functions_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(8):
            tf.function(lambda x, k=k: x * k)(tf.constant(1))


def test_a_deleted_function_frees_its_graphs_and_variables():
    def make():
        v = tf.Variable(tf.ones([100]))

        @tf.function
        def f(x):
            for _ in tf.range(3):
                if tf.reduce_sum(x) > 0.0:
                    x = x * v
            return x

        with tf.GradientTape() as tape:
            y = f(tf.ones([100]))
        tape.gradient(y, v)
        concrete = f.get_concrete_function(tf.TensorSpec([None], tf.float32))
        return [weakref.ref(item) for item in (f, concrete, concrete.graph, v)]

    references = make()
    gc.collect()

    assert [reference() for reference in references] == [None] * 4


def test_a_deleted_module_is_freed_with_its_methods():
    class Scale(tf.Module):
        def __init__(self):
            self.w = tf.Variable(2.0)

        @tf.function
        def __call__(self, x):
            return x * self.w

    scale = Scale()
    scale(tf.constant(1.0))
    references = [weakref.ref(scale), weakref.ref(scale.w)]
    del scale
    gc.collect()

    assert [reference() for reference in references] == [None, None]


def test_a_new_variable_never_meets_the_trace_of_a_deleted_one():
    f = tf.function(lambda v: v + 0.0)

    for i in range(5):
        v = tf.Variable(float(i))
        assert float(f(v)) == float(i)
        del v
